-- Panels over large ledgers: charges by hour, and bills so far from them. Hours and days of unusual spending.
-- older binaries: may run

-- Provisional charges by hour: from the hours as far as they are kept, and from the charges behind them, which are those that
-- are sealed and not followed yet and those that are not sealed. A journal is on one side of the two places, never on both.
CREATE VIEW dash_charge_hour AS
WITH tail AS MATERIALIZED (
  SELECT s.journal_id FROM ledger_seal s
  WHERE s.sequence > coalesce((SELECT sequence FROM ledger_follower WHERE name = 'hours'), 0)
  UNION ALL
  SELECT j.id FROM journal j
  WHERE (j.recorded_xid, j.id) > (
    coalesce((SELECT last_xid FROM ledger_seal_batch ORDER BY id DESC LIMIT 1), '0'::xid8),
    coalesce((SELECT last_journal_id FROM ledger_seal_batch ORDER BY id DESC LIMIT 1), 0))
    AND j.kind IN ('settle', 'adjustment')
)
SELECT hour_at, team_id, nullif(warehouse, '') AS warehouse, tier, currency, statements, credits, money AS amount
FROM charge_hour WHERE stage = 'provisional'
UNION ALL
SELECT date_trunc('hour', c.occurred_at, 'UTC'), c.team_id, c.warehouse, c.tier, c.currency, 1, c.credits, c.money
FROM tail JOIN charge c ON c.journal_id = tail.journal_id;

-- What a team owes for a month, by line. Charges only, and provisional, until bills are closed.
CREATE OR REPLACE VIEW dash_bill_line AS
SELECT date_trunc('month', hour_at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AS month_at, team_id,
  'direct'::text AS line, 'provisional'::text AS status, currency, sum(statements)::bigint AS statements,
  sum(credits) AS credits, sum(amount) AS amount
FROM dash_charge_hour
GROUP BY date_trunc('month', hour_at AT TIME ZONE 'UTC'), team_id, currency;

-- An hour or a day in which a team spent far more than it usually does then.
CREATE TABLE spend_anomaly (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  team_id text NOT NULL,
  grain text NOT NULL CHECK (grain IN ('hour', 'day')),
  starts_at timestamptz NOT NULL,
  spent_credits numeric(38, 12) NOT NULL,
  -- The median of the same hour, or of days, in the four weeks before; above the other amount it is told.
  usual_credits numeric(38, 12) NOT NULL,
  limit_credits numeric(38, 12) NOT NULL,
  -- What it went to: the dearest shapes, each with fingerprint, workload, statements and credits.
  shapes jsonb NOT NULL CHECK (jsonb_typeof(shapes) = 'array'),
  -- Who answers for the team, as the control document said when it was found.
  owner text,
  found_at timestamptz NOT NULL,
  acknowledged_at timestamptz,
  acknowledged_by text,
  note text CHECK (length(note) BETWEEN 1 AND 500),
  UNIQUE (team_id, grain, starts_at),
  CONSTRAINT spend_anomaly_acknowledged CHECK (
    (acknowledged_at IS NULL) = (acknowledged_by IS NULL) AND (acknowledged_at IS NULL) = (note IS NULL)
  )
);
CREATE INDEX spend_anomaly_open ON spend_anomaly (id) WHERE acknowledged_at IS NULL;

CREATE VIEW dash_spend_anomaly AS
SELECT id, team_id, grain, starts_at, spent_credits, usual_credits, limit_credits, shapes, owner, found_at, acknowledged_at,
  acknowledged_by, note
FROM spend_anomaly;

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tollgate_app') THEN
    REVOKE DELETE, TRUNCATE ON spend_anomaly FROM tollgate_app;
  END IF;
END
$$;

INSERT INTO schema_release (name, older_may_run) VALUES ('0032_panels_and_anomalies', true);
