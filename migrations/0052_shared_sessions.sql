-- Whether more than one replica has served a session: then each reads it for every statement, as another may have changed it.
-- older binaries: may run

-- The replica that a session is known to; null: of an older binary.
ALTER TABLE session_state ADD COLUMN home_replica text, ADD COLUMN is_shared boolean NOT NULL DEFAULT false;

INSERT INTO schema_release (name, older_may_run) VALUES ('0052_shared_sessions', true);
