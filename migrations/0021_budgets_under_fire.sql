-- What was admitted without the ledger; freezes; settlements that nobody can believe.
-- older binaries: may run

-- A statement that a replica admitted while the ledger did not answer: written when it answered again, with its ticket and
-- its hold. What did not fit any more into a hard budget is not held, and is charged as overrun.
CREATE TABLE offline_admission (
  ticket_id uuid PRIMARY KEY REFERENCES ticket (id),
  replica text NOT NULL,
  -- By the clock of the replica.
  outage_started_at timestamptz NOT NULL,
  admitted_at timestamptz NOT NULL,
  -- By the budget that let it pass: its lease or its allowance.
  budgets jsonb NOT NULL,
  admitted_credits numeric(38, 12) NOT NULL CHECK (admitted_credits >= 0),
  held_credits numeric(38, 12) NOT NULL CHECK (held_credits BETWEEN 0 AND admitted_credits),
  posted_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX offline_admission_time ON offline_admission (posted_at);

-- Nothing new of a team, a principal or a warehouse, or of anybody, is admitted until the freeze ends.
CREATE TABLE admission_freeze (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  scope text NOT NULL CHECK (scope IN ('team', 'principal', 'warehouse', 'everything')),
  -- Id of the team or principal, name of the warehouse in capitals; empty for everything.
  target text NOT NULL CHECK (length(target) <= 255 AND (target = '') = (scope = 'everything')),
  frozen_by text NOT NULL,
  reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
  frozen_at timestamptz NOT NULL,
  until_at timestamptz CHECK (until_at > frozen_at),
  thawed_at timestamptz,
  thawed_by text
);
CREATE UNIQUE INDEX admission_freeze_once ON admission_freeze (scope, target) WHERE thawed_at IS NULL;

-- Settlements of more than a statement can have used. Their tickets keep their holds until an administrator says what
-- is to be charged.
CREATE TABLE settlement_quarantine (
  ticket_id uuid PRIMARY KEY REFERENCES ticket (id),
  replica text NOT NULL,
  reason text NOT NULL,
  settlement jsonb NOT NULL,
  quarantined_at timestamptz NOT NULL,
  decided_at timestamptz,
  decided_by text
);
CREATE INDEX settlement_quarantine_open ON settlement_quarantine (ticket_id) WHERE decided_at IS NULL;

-- For plans, which read the statements of the last days of all teams.
CREATE INDEX ticket_time ON ticket (occurred_at);

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tollgate_app') THEN
    REVOKE UPDATE, DELETE, TRUNCATE ON offline_admission FROM tollgate_app;
    REVOKE DELETE, TRUNCATE ON admission_freeze, settlement_quarantine FROM tollgate_app;
  END IF;
END
$$;

INSERT INTO schema_release (name, older_may_run) VALUES ('0021_budgets_under_fire', true);
