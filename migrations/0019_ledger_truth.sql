-- The ledger's word: a sealed chain over its journals, deltas from provisional to metered, budgets trued up, hours.
-- older binaries: may run

-- Which transaction wrote a journal. Below the snapshot horizon (`pg_snapshot_xmin`) all of them have ended, so what is
-- sealed there in the order of transactions leaves no journal out that commits late with a low id. 0: before this table.
ALTER TABLE journal ADD COLUMN recorded_xid xid8 NOT NULL DEFAULT '0'::xid8;
ALTER TABLE journal ALTER COLUMN recorded_xid SET DEFAULT pg_current_xact_id();
CREATE INDEX journal_recorded ON journal (recorded_xid, id);
CREATE INDEX charge_journal ON charge (journal_id);

-- The chain: one row a journal, with its entries, charge, parts and deltas.
CREATE TABLE ledger_seal (
  sequence bigint PRIMARY KEY CHECK (sequence > 0),
  journal_id bigint NOT NULL UNIQUE REFERENCES journal (id),
  hash bytea NOT NULL CHECK (length(hash) = 32)
);
-- What was sealed at once, with the root over its leaves and an anchor that nobody makes without the seal key. The last
-- one says how far sealing is: behind `last_xid`, `last_journal_id`, nothing is sealed.
CREATE TABLE ledger_seal_batch (
  id bigint PRIMARY KEY,
  first_sequence bigint NOT NULL UNIQUE,
  last_sequence bigint NOT NULL UNIQUE CHECK (last_sequence >= first_sequence),
  last_xid xid8 NOT NULL,
  last_journal_id bigint NOT NULL,
  previous_hash bytea NOT NULL CHECK (length(previous_hash) = 32),
  head_hash bytea NOT NULL CHECK (length(head_hash) = 32),
  root bytea NOT NULL CHECK (length(root) = 32),
  key_id text NOT NULL,
  anchor bytea NOT NULL CHECK (length(anchor) = 32),
  sealed_at timestamptz NOT NULL
);
CREATE INDEX ledger_seal_batch_time ON ledger_seal_batch (sealed_at);

-- What a charge became when more was known: new rows, each with the figure before it. The charge itself stays.
CREATE TABLE charge_delta (
  ticket_id uuid NOT NULL REFERENCES charge (ticket_id),
  ordinal smallint NOT NULL CHECK (ordinal > 0),
  journal_id bigint NOT NULL REFERENCES journal (id),
  -- `metered`: by the hour's metering; `attributed`: by Snowflake's own figure; `priced`: by a price that changed.
  stage text NOT NULL CHECK (stage IN ('metered', 'attributed', 'priced')),
  previous_credits numeric(38, 12) NOT NULL,
  credits numeric(38, 12) NOT NULL CHECK (credits >= 0),
  delta_credits numeric(38, 12) NOT NULL CHECK (delta_credits = credits - previous_credits),
  previous_money numeric(38, 12) NOT NULL,
  money numeric(38, 12) NOT NULL CHECK (money >= 0),
  delta_money numeric(38, 12) NOT NULL CHECK (delta_money = money - previous_money),
  price_per_credit numeric(38, 12) NOT NULL,
  PRIMARY KEY (ticket_id, ordinal),
  CONSTRAINT charge_delta_says_something CHECK (delta_credits <> 0 OR delta_money <> 0)
);
CREATE INDEX charge_delta_journal ON charge_delta (journal_id);

-- Which allocation of an hour its deltas were posted by.
CREATE TABLE charge_delta_hour (
  account text NOT NULL,
  warehouse_id text NOT NULL,
  starts_at timestamptz NOT NULL,
  allocated_at timestamptz NOT NULL,
  PRIMARY KEY (account, warehouse_id, starts_at)
) WITH (fillfactor = 70);

-- A charge with the newest that is known of it.
CREATE VIEW charge_final AS
SELECT c.*, coalesce(d.credits, c.credits) AS final_credits, coalesce(d.money, c.money) AS final_money,
  coalesce(d.stage, 'provisional') AS stage
FROM charge c LEFT JOIN LATERAL (
  SELECT credits, money, stage FROM charge_delta WHERE ticket_id = c.ticket_id ORDER BY ordinal DESC LIMIT 1
) d ON true;

-- What a warehouse's metered credits were for one that ran, over the 28 days before `day`. Written once a day, and never
-- again: what was posted by it can be taken back by it.
CREATE TABLE warehouse_loading (
  account text NOT NULL,
  warehouse text NOT NULL,
  day date NOT NULL,
  metered_credits numeric(38, 12) NOT NULL,
  run_credits numeric(38, 12) NOT NULL,
  loading numeric(38, 12) NOT NULL CHECK (loading > 0),
  PRIMARY KEY (account, warehouse, day)
);

-- What truing up has moved in a period, beside what statements were settled with. Its sums are the bridge from direct to
-- billed.
CREATE TABLE budget_true_up (
  journal_id bigint NOT NULL REFERENCES journal (id),
  budget_period_id bigint NOT NULL REFERENCES budget_period (id),
  line text NOT NULL CHECK (line IN ('metered', 'loading', 'billed')),
  credits numeric(38, 12) NOT NULL,
  PRIMARY KEY (journal_id, budget_period_id, line)
);
CREATE INDEX budget_true_up_period ON budget_true_up (budget_period_id);
-- What truing up has added in all, without what it took back: no admission is to blame for it (I1).
ALTER TABLE budget_period ADD COLUMN trued_up_credits numeric(38, 12) NOT NULL DEFAULT 0 CHECK (trued_up_credits >= 0);
-- The sums of the period's lines, for one row to read.
ALTER TABLE budget_period
  ADD COLUMN metered_credits numeric(38, 12) NOT NULL DEFAULT 0,
  ADD COLUMN loading_credits numeric(38, 12) NOT NULL DEFAULT 0,
  ADD COLUMN billed_credits numeric(38, 12) NOT NULL DEFAULT 0;

-- What every team is billed by hour, in credits, as far as it is allocated: the other side of the bridge.
CREATE VIEW team_billed AS
SELECT starts_at, team_id, CASE WHEN bucket IN ('direct', 'bypass', 'unexplained') THEN bucket ELSE 'idleShare' END AS line,
  credits
FROM allocation_borne WHERE team_id IS NOT NULL
UNION ALL
SELECT day::timestamp AT TIME ZONE 'UTC', team_id,
  CASE WHEN kind IN ('cloudServices', 'adjustment') THEN kind ELSE 'services' END, amount
FROM service_line WHERE team_id IS NOT NULL AND unit = 'credits';

-- How far each follower of the chain has read it, in its sequence.
CREATE TABLE ledger_follower (
  name text PRIMARY KEY,
  sequence bigint NOT NULL CHECK (sequence >= 0)
) WITH (fillfactor = 50);

-- Charges and their deltas by hour, as far as the follower `hours` has read. An empty warehouse: none was named.
CREATE TABLE charge_hour (
  hour_at timestamptz NOT NULL,
  team_id text NOT NULL,
  warehouse text NOT NULL,
  tier text NOT NULL,
  currency text NOT NULL,
  stage text NOT NULL CHECK (stage IN ('provisional', 'metered', 'attributed', 'priced')),
  statements bigint NOT NULL,
  credits numeric(38, 12) NOT NULL,
  money numeric(38, 12) NOT NULL,
  warehouse_ms bigint NOT NULL,
  PRIMARY KEY (team_id, hour_at, warehouse, tier, currency, stage)
) WITH (fillfactor = 70);

DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['ledger_seal', 'ledger_seal_batch', 'charge_delta', 'warehouse_loading', 'budget_true_up'] LOOP
    EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE OR TRUNCATE ON %I
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name || '_append_only', name);
  END LOOP;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tollgate_app') THEN
    REVOKE UPDATE, DELETE, TRUNCATE ON ledger_seal, ledger_seal_batch, charge_delta, warehouse_loading, budget_true_up
      FROM tollgate_app;
    REVOKE DELETE, TRUNCATE ON ledger_follower, charge_delta_hour FROM tollgate_app;
  END IF;
END
$$;

-- I1, as before; truing up is no admission either.
CREATE OR REPLACE VIEW invariant_limit AS
SELECT p.id AS budget_period_id, p.budget_id, p.spent_credits, p.held_credits, p.leased_credits, p.overrun_credits,
  p.limit_credits
FROM budget_period p JOIN budget b ON b.id = p.budget_id
WHERE b.is_hard AND p.limit_kind = 'limited'
  AND NOT EXISTS (
    -- A limit lowered below what is spent and held, a grant that ended, or a debt that was carried, is no admission.
    SELECT FROM entry e JOIN journal j ON j.id = e.journal_id
    WHERE e.budget_period_id = p.id AND e.account = 'limit' AND e.credits > 0 AND j.kind <> 'transfer'
  )
  AND p.spent_credits - p.overrun_credits - p.trued_up_credits + p.held_credits + p.leased_credits
    > p.limit_credits + p.granted_credits + p.carried_credits;

-- Stages of one charge follow each other without a gap: provisional and all deltas sum to the last figure.
CREATE VIEW invariant_deltas AS
SELECT d.ticket_id, d.ordinal, d.previous_credits, e.credits AS earlier_credits
FROM charge_delta d JOIN charge c ON c.ticket_id = d.ticket_id
LEFT JOIN charge_delta p ON p.ticket_id = d.ticket_id AND p.ordinal = d.ordinal - 1,
LATERAL (SELECT coalesce(p.credits, c.credits) AS credits, coalesce(p.money, c.money) AS money) e
WHERE (d.ordinal > 1 AND p.ticket_id IS NULL) OR d.previous_credits <> e.credits OR d.previous_money <> e.money;

-- Every true-up is what its journal entered as spent.
CREATE VIEW invariant_true_ups AS
SELECT journal_id, budget_period_id, t.credits, e.credits AS entered
FROM (SELECT journal_id, budget_period_id, sum(credits) AS credits FROM budget_true_up GROUP BY 1, 2) t
FULL JOIN (
  SELECT e.journal_id, e.budget_period_id, sum(e.credits) AS credits
  FROM entry e JOIN journal j ON j.id = e.journal_id AND j.kind = 'adjustment'
  WHERE e.account = 'spent' GROUP BY 1, 2
) e USING (journal_id, budget_period_id)
WHERE coalesce(t.credits, 0) <> coalesce(e.credits, 0);

CREATE VIEW invariant_true_up_periods AS
SELECT p.id AS budget_period_id, p.metered_credits, p.loading_credits, p.billed_credits, t.metered, t.loading, t.billed
FROM budget_period p LEFT JOIN (
  SELECT budget_period_id, coalesce(sum(credits) FILTER (WHERE line = 'metered'), 0) AS metered,
    coalesce(sum(credits) FILTER (WHERE line = 'loading'), 0) AS loading,
    coalesce(sum(credits) FILTER (WHERE line = 'billed'), 0) AS billed
  FROM budget_true_up GROUP BY 1
) t ON t.budget_period_id = p.id
WHERE (p.metered_credits, p.loading_credits, p.billed_credits)
  <> (coalesce(t.metered, 0), coalesce(t.loading, 0), coalesce(t.billed, 0));

-- Hours are the charges and deltas that the follower has read, exactly.
CREATE VIEW invariant_hours AS
WITH read AS (SELECT coalesce(max(sequence), 0) AS sequence FROM ledger_follower WHERE name = 'hours'),
raw AS (
  SELECT date_trunc('hour', c.occurred_at, 'UTC') AS hour_at, c.team_id, coalesce(c.warehouse, '') AS warehouse, c.tier,
    c.currency, 'provisional' AS stage, 1 AS statements, c.credits, c.money, c.warehouse_ms
  FROM read r, ledger_seal s JOIN charge c ON c.journal_id = s.journal_id WHERE s.sequence <= r.sequence
  UNION ALL
  SELECT date_trunc('hour', c.occurred_at, 'UTC'), c.team_id, coalesce(c.warehouse, ''), c.tier, c.currency, d.stage, 0,
    d.delta_credits, d.delta_money, 0
  FROM read r, ledger_seal s JOIN charge_delta d ON d.journal_id = s.journal_id JOIN charge c ON c.ticket_id = d.ticket_id
  WHERE s.sequence <= r.sequence
)
SELECT hour_at, team_id, warehouse, tier, currency, stage, h.credits, w.credits AS raw_credits
FROM charge_hour h FULL JOIN (
  SELECT hour_at, team_id, warehouse, tier, currency, stage, sum(statements) AS statements, sum(credits) AS credits,
    sum(money) AS money, sum(warehouse_ms) AS warehouse_ms
  FROM raw GROUP BY 1, 2, 3, 4, 5, 6
) w USING (hour_at, team_id, warehouse, tier, currency, stage)
WHERE (h.statements, h.credits, h.money, h.warehouse_ms)
  IS DISTINCT FROM (w.statements, w.credits, w.money, w.warehouse_ms);

INSERT INTO schema_release (name, older_may_run) VALUES ('0019_ledger_truth', true);
