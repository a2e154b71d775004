-- Statements that wait beyond the cap of a queue until it is known what others have at hand.
-- older binaries: may run

ALTER TABLE lane_waiting
  -- It is judged again by every decision of its replica, until it has a place, a permit, or is refused.
  ADD COLUMN is_provisional boolean NOT NULL DEFAULT false;

ALTER TABLE lane_permit
  -- The replica asks for every permit and tells of each that ends: what it said is what it has. False: it may have given
  -- what was at hand, and have at hand again what ran.
  ADD COLUMN is_exact boolean NOT NULL DEFAULT false;

INSERT INTO schema_release (name, older_may_run) VALUES ('0027_reservations', true);
