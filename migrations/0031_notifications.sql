-- Notifications: what teams and administrators are told, each thing once, and what became of it at each channel.
-- older binaries: may run

CREATE TABLE notification (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- Names what is told: whoever finds it first tells it, and nobody else does.
  key text NOT NULL UNIQUE CHECK (length(key) BETWEEN 1 AND 300),
  kind text NOT NULL CHECK (kind IN ('budget-threshold', 'budget-refusals', 'request-waiting', 'break-glass', 'freeze',
    'quarantine', 'run-rate-stop', 'spend-anomaly', 'digest')),
  severity text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
  -- NULL: of no single team, for administrators.
  team_id text,
  title text NOT NULL CHECK (length(title) BETWEEN 1 AND 300),
  -- Pairs of a name and a value, in the order in which they are shown.
  facts jsonb NOT NULL CHECK (jsonb_typeof(facts) = 'array'),
  occurred_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX notification_team ON notification (team_id, id);

-- One channel that is told. Times are the database's: a channel is tried again in real time.
CREATE TABLE notification_delivery (
  notification_id bigint NOT NULL REFERENCES notification (id),
  channel_id text NOT NULL,
  state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sent', 'dead')),
  attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  -- When it is tried next; a worker that has taken it moves this ahead, so that another takes over when it dies.
  next_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- What the channel said last, without addresses.
  problem text CHECK (length(problem) <= 300),
  ended_at timestamptz,
  PRIMARY KEY (notification_id, channel_id),
  CONSTRAINT notification_delivery_ended CHECK ((state = 'pending') = (ended_at IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX notification_delivery_due ON notification_delivery (next_at) WHERE state = 'pending';
CREATE INDEX notification_delivery_dead ON notification_delivery (notification_id) WHERE state = 'dead';

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tollgate_app') THEN
    REVOKE UPDATE, DELETE, TRUNCATE ON notification FROM tollgate_app;
    REVOKE DELETE, TRUNCATE ON notification_delivery FROM tollgate_app;
  END IF;
END
$$;

INSERT INTO schema_release (name, older_may_run) VALUES ('0031_notifications', true);
