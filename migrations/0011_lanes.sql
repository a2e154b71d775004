-- Lanes: one queue a tier for the whole deployment, its permits at replicas, and who waits.
-- older binaries: may run

-- Locked by whoever decides: one replica at a time grants in a lane.
CREATE TABLE lane (
  tier text PRIMARY KEY,
  -- Whose turn it is.
  turns jsonb NOT NULL DEFAULT '{}',
  -- For how long permits are held ÷ what was expected, of late.
  stretch double precision NOT NULL DEFAULT 1 CHECK (stretch > 0)
) WITH (fillfactor = 50);

-- Permits that a replica has, as it said last: one a running statement, and idle ones that it may give without asking.
CREATE TABLE lane_permit (
  tier text NOT NULL REFERENCES lane (tier),
  replica text NOT NULL,
  idle integer NOT NULL CHECK (idle >= 0),
  -- Ticket, team, principal, expected time and time held of each, as of `told_at`.
  running jsonb NOT NULL,
  told_at timestamptz NOT NULL,
  PRIMARY KEY (tier, replica)
) WITH (fillfactor = 50);

-- A statement that found no permit, until its replica has taken the one it was granted.
CREATE TABLE lane_waiting (
  ticket_id uuid PRIMARY KEY,
  tier text NOT NULL REFERENCES lane (tier),
  replica text NOT NULL,
  team_id text NOT NULL,
  principal_id text NOT NULL,
  is_administrator boolean NOT NULL,
  expected_credits numeric(38, 12) NOT NULL CHECK (expected_credits >= 0),
  expected_ms double precision NOT NULL CHECK (expected_ms >= 0),
  since timestamptz NOT NULL,
  granted_at timestamptz
) WITH (fillfactor = 70);
CREATE INDEX lane_waiting_tier ON lane_waiting (tier, since);

INSERT INTO schema_release (name, older_may_run) VALUES ('0011_lanes', true);
