-- A decision in a lane finds the first of each team, and of each principal, without reading those behind them.
-- older binaries: may run

CREATE INDEX lane_waiting_team ON lane_waiting (tier, team_id, is_administrator, since, ticket_id)
  WHERE granted_at IS NULL AND NOT is_provisional;
CREATE INDEX lane_waiting_principal ON lane_waiting (tier, team_id, is_administrator, principal_id, since, ticket_id)
  WHERE granted_at IS NULL AND NOT is_provisional;
-- Its own rows are read by the replica that decides; those of a tier still are by the first column.
CREATE INDEX lane_waiting_replica ON lane_waiting (tier, replica, since, ticket_id);
DROP INDEX lane_waiting_tier;

INSERT INTO schema_release (name, older_may_run) VALUES ('0056_lane_turns', true);
