-- Tiers: when deferred statements run, sessions that are switched to another warehouse, how long statements waited.
-- older binaries: may run

-- When a statement runs that waits for the off-peak hours; null: it does not wait for them.
ALTER TABLE ticket ADD COLUMN runs_at timestamptz;

-- A session in which Tollgate may have switched the warehouse for a statement. Only one replica may do so: the first that
-- saw the session, as long as no other has.
CREATE TABLE session_switch (
  account text NOT NULL,
  session_id text NOT NULL,
  home_replica text NOT NULL,
  is_shared boolean NOT NULL DEFAULT false,
  -- The warehouse that the client believes in, to go back to; null: the session is on it.
  switched_from text,
  -- Who switched it.
  switched_by text,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (account, session_id),
  CHECK ((switched_from IS NULL) = (switched_by IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX session_switch_age ON session_switch (updated_at);

-- One statement that asked for a permit: how long it waited and what became of it. Seconds are of business time.
CREATE TABLE lane_event (
  ticket_id uuid NOT NULL,
  tier text NOT NULL,
  team_id text NOT NULL,
  -- When it came into the queue.
  at timestamptz NOT NULL,
  waited_ms double precision NOT NULL CHECK (waited_ms >= 0),
  outcome text NOT NULL CHECK (outcome IN ('admitted', 'full', 'timeout', 'lost', 'cancelled')),
  -- What its tier promised then; null: nothing.
  target_ms double precision CHECK (target_ms > 0)
);
CREATE INDEX lane_event_at ON lane_event (at);

-- Attainment by tier and hour, in UTC. Refused for a full queue, given up or lost by us counts as bad; cancelled by its
-- client counts only if it had waited longer than was promised.
CREATE VIEW slo_attainment AS
SELECT tier, date_trunc('hour', at, 'UTC') AS hour,
  count(*) FILTER (WHERE outcome <> 'cancelled' OR waited_ms > target_ms) AS valid,
  count(*) FILTER (WHERE outcome = 'admitted' AND waited_ms <= target_ms) AS good,
  round(100.0 * count(*) FILTER (WHERE outcome = 'admitted' AND waited_ms <= target_ms)
    / nullif(count(*) FILTER (WHERE outcome <> 'cancelled' OR waited_ms > target_ms), 0), 3) AS attained_percent
FROM lane_event WHERE target_ms IS NOT NULL
GROUP BY tier, date_trunc('hour', at, 'UTC');

INSERT INTO schema_release (name, older_may_run) VALUES ('0022_tiers', true);
