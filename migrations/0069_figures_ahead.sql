-- What Snowflake tells of a statement before the statement itself is imported.
-- older binaries: may run

-- QUERY_ATTRIBUTION_HISTORY and QUERY_METERING_HISTORY, of statements that QUERY_HISTORY has not given yet: its view may not be
-- read, or its file comes later. Taken by the statement when it comes.
CREATE TABLE usage_query_ahead (
  account text NOT NULL,
  query_id text NOT NULL,
  attributed_credits numeric(38, 12) CHECK (attributed_credits >= 0),
  acceleration_credits numeric(38, 12) CHECK (acceleration_credits >= 0),
  root_query_id text CHECK (root_query_id <> query_id),
  -- Another statement ran inside of it.
  is_parent boolean NOT NULL DEFAULT false,
  PRIMARY KEY (account, query_id)
);

-- A statement that is told otherwise bears on the day it was on before, too.
CREATE TRIGGER usage_query_rewritten_from AFTER UPDATE ON usage_query REFERENCING OLD TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION mark_service_days('(r.executed_at AT TIME ZONE ''UTC'')::date');

INSERT INTO schema_release (name, older_may_run) VALUES ('0069_figures_ahead', true);
