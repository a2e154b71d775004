-- Guards: what shapes take, statements that somebody wants ended, emergencies, what runs now.
-- older binaries: may run

-- What the runs of one shape of one team took, by minute, hour and day. Replicas add what they settled; rows go when
-- they are too old to be looked at.
CREATE TABLE shape_spend (
  team_id text NOT NULL,
  fingerprint text NOT NULL,
  grain text NOT NULL CHECK (grain IN ('minute', 'hour', 'day')),
  starts_at timestamptz NOT NULL,
  first_at timestamptz NOT NULL,
  runs bigint NOT NULL CHECK (runs > 0),
  credits numeric(38, 12) NOT NULL CHECK (credits >= 0),
  last_ticket_id uuid NOT NULL,
  -- By the clock of the database: what other replicas added since.
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (team_id, fingerprint, grain, starts_at)
) WITH (fillfactor = 70);
CREATE INDEX shape_spend_updated ON shape_spend (updated_at);
CREATE INDEX shape_spend_age ON shape_spend (grain, starts_at);

-- An administrator wants a statement ended; the replica that has it does so.
CREATE TABLE kill_request (
  ticket_id uuid PRIMARY KEY REFERENCES ticket (id),
  asked_by text NOT NULL,
  reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
  asked_at timestamptz NOT NULL,
  -- When a replica began to end it.
  taken_at timestamptz
);
CREATE INDEX kill_request_open ON kill_request (ticket_id) WHERE taken_at IS NULL;

-- A reason opens break-glass for a principal once, for a while.
CREATE TABLE break_glass (
  principal_id text NOT NULL,
  way_id text NOT NULL,
  reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
  opened_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL CHECK (ends_at > opened_at),
  PRIMARY KEY (principal_id, way_id, reason)
);

-- Statements that passed by it; their charges are counted apart.
CREATE TABLE break_glass_use (
  ticket_id uuid PRIMARY KEY REFERENCES ticket (id),
  principal_id text NOT NULL,
  way_id text NOT NULL,
  reason text NOT NULL,
  used_at timestamptz NOT NULL
);
CREATE INDEX break_glass_use_time ON break_glass_use (used_at);

-- What statements upstream have used so far, as their replica said last. What is lost with a crash comes again.
CREATE UNLOGGED TABLE running_use (
  ticket_id uuid PRIMARY KEY,
  replica text NOT NULL,
  used_credits numeric(38, 12) NOT NULL CHECK (used_credits >= 0),
  hold_credits numeric(38, 12) NOT NULL,
  ceiling_credits numeric(38, 12) NOT NULL,
  used_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);
CREATE INDEX running_use_replica ON running_use (replica);

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tollgate_app') THEN
    REVOKE UPDATE, DELETE, TRUNCATE ON break_glass, break_glass_use FROM tollgate_app;
    REVOKE DELETE, TRUNCATE ON kill_request FROM tollgate_app;
  END IF;
END
$$;

INSERT INTO schema_release (name, older_may_run) VALUES ('0013_guards', true);
