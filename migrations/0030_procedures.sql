-- Which statement a statement ran inside of, so that a procedure takes what its statements took.
-- older binaries: may run

-- The topmost statement of the chain that it ran in, by QUERY_ATTRIBUTION_HISTORY and QUERY_METERING_HISTORY; NULL: none, or
-- not told yet.
ALTER TABLE usage_query ADD COLUMN root_query_id text CHECK (root_query_id <> query_id);
CREATE INDEX usage_query_root ON usage_query (account, root_query_id) WHERE root_query_id IS NOT NULL;

INSERT INTO schema_release (name, older_may_run) VALUES ('0030_procedures', true);
