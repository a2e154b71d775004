-- Leases: what a replica may hold of a budget's period without locking the period's row.
-- older binaries: must not run

-- Set aside for one replica incarnation (its id is new at every start) in one period. `idle_credits` is what it has not
-- given to a statement yet, and only its own incarnation lowers it while the lease lasts. `sequence` counts refills, so
-- that the repeat of one is known.
CREATE TABLE lease (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  budget_period_id bigint NOT NULL REFERENCES budget_period (id),
  replica text NOT NULL,
  sequence bigint NOT NULL CHECK (sequence > 0),
  idle_credits numeric(38, 12) NOT NULL CHECK (idle_credits >= 0),
  granted_at timestamptz NOT NULL DEFAULT now(),
  -- By this database's clock.
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  UNIQUE (budget_period_id, replica),
  CONSTRAINT lease_ended_is_empty CHECK (ended_at IS NULL OR idle_credits = 0)
) WITH (fillfactor = 50);
CREATE INDEX lease_running ON lease (replica) WHERE ended_at IS NULL;

-- Under which lease a statement holds; NULL: on the period itself.
ALTER TABLE hold ADD COLUMN lease_id bigint REFERENCES lease (id);
-- Its check would lock the period's row for every hold under a lease; invariant_leases names strangers.
ALTER TABLE hold DROP CONSTRAINT hold_budget_period_id_fkey;

ALTER TABLE journal DROP CONSTRAINT journal_kind_check;
ALTER TABLE journal ADD CONSTRAINT journal_kind_check
  CHECK (kind IN ('hold', 'top_up', 'settle', 'release', 'grant', 'limit', 'adjustment', 'carry', 'transfer', 'lease'));
ALTER TABLE entry DROP CONSTRAINT entry_account_check;
ALTER TABLE entry ADD CONSTRAINT entry_account_check
  CHECK (account IN ('limit', 'available', 'held', 'leased', 'spent'));

-- I2: open holds are what the period says is held, on itself and under leases, with what leases have idle.
DROP VIEW invariant_holds;
CREATE VIEW invariant_holds AS
SELECT p.id AS budget_period_id, p.held_credits, coalesce(h.held, 0) AS open_credits, p.leased_credits,
  coalesce(h.leased, 0) AS open_leased_credits, coalesce(l.idle, 0) AS idle_credits
FROM budget_period p
LEFT JOIN (
  SELECT budget_period_id, sum(credits) FILTER (WHERE lease_id IS NULL) AS held,
    sum(credits) FILTER (WHERE lease_id IS NOT NULL) AS leased
  FROM hold WHERE closed_at IS NULL GROUP BY budget_period_id
) h ON h.budget_period_id = p.id
LEFT JOIN (SELECT budget_period_id, sum(idle_credits) AS idle FROM lease GROUP BY budget_period_id) l
  ON l.budget_period_id = p.id
WHERE p.held_credits <> coalesce(h.held, 0)
  OR p.leased_credits <> coalesce(h.leased, 0) + coalesce(l.idle, 0);

-- I2, I3: every balance is the sum of its entries, and the entries of a journal sum to zero.
DROP VIEW invariant_entries;
CREATE VIEW invariant_entries AS
SELECT coalesce(p.id, e.budget_period_id) AS budget_period_id, p.held_credits, e.held, p.spent_credits, e.spent,
  p.limit_credits, e.given, p.leased_credits, e.leased
FROM budget_period p
FULL JOIN (
  SELECT budget_period_id, sum(credits) AS total,
    coalesce(sum(credits) FILTER (WHERE account = 'held'), 0) AS held,
    coalesce(sum(credits) FILTER (WHERE account = 'leased'), 0) AS leased,
    coalesce(sum(credits) FILTER (WHERE account = 'spent'), 0) AS spent,
    coalesce(-sum(credits) FILTER (WHERE account = 'limit'), 0) AS given
  FROM entry GROUP BY budget_period_id
) e ON e.budget_period_id = p.id
WHERE p.id IS NULL OR coalesce(e.total, 0) <> 0 OR p.held_credits <> coalesce(e.held, 0)
  OR p.leased_credits <> coalesce(e.leased, 0) OR p.spent_credits <> coalesce(e.spent, 0)
  OR coalesce(p.limit_credits, 0) + p.granted_credits + p.carried_credits <> coalesce(e.given, 0);

-- A hold is of a period there is, and of the period of the lease it stands under.
CREATE VIEW invariant_leases AS
SELECT h.ticket_id, h.budget_period_id, l.id AS lease_id, l.budget_period_id AS lease_period_id
FROM hold h LEFT JOIN lease l ON l.id = h.lease_id LEFT JOIN budget_period p ON p.id = h.budget_period_id
WHERE p.id IS NULL OR l.budget_period_id <> h.budget_period_id;

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tollgate_app') THEN
    REVOKE DELETE, TRUNCATE ON lease FROM tollgate_app;
  END IF;
END
$$;

INSERT INTO schema_release (name, older_may_run) VALUES ('0010_leases', false);
