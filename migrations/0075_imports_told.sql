-- What waits and what was given in files is told beside how far views are read: of which days, since when.
-- older binaries: may run

-- When the statement of a figure ended, as QUERY_ATTRIBUTION_HISTORY says; NULL: imported before this was kept, or of adaptive
-- warehouses, which tell hours only.
ALTER TABLE usage_query_ahead ADD COLUMN ended_at timestamptz;

CREATE INDEX usage_query_ahead_figures ON usage_query_ahead (account) INCLUDE (attributed_credits, ended_at)
  WHERE attributed_credits > 0;

-- The last file of each view.
CREATE INDEX usage_import_request_file ON usage_import_request (account, file_view, id) WHERE file_view IS NOT NULL;

INSERT INTO schema_release (name, older_may_run) VALUES ('0075_imports_told', true);
