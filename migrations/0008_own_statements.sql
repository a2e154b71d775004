-- Statements that Tollgate sends in a client's session: what LAST_QUERY_ID must not count, and when none may be sent.
-- older binaries: may run

-- Query ids of our statements in the session, oldest first; `?` and a request id while the query id is not known.
ALTER TABLE session_state ADD COLUMN own_query_ids text[] NOT NULL DEFAULT '{}'
  CHECK (cardinality(own_query_ids) <= 64);
-- Whether a transaction is open: none, open, or manual (AUTOCOMMIT is off). NULL: not known.
ALTER TABLE session_state ADD COLUMN transaction_state text CHECK (transaction_state IN ('none', 'open', 'manual'));

INSERT INTO schema_release (name, older_may_run) VALUES ('0008_own_statements', true);
