-- The time zone of a session: bounds that its clock decides (CURRENT_DATE - 7) are worked out where it is.
-- older binaries: may run

-- TIMEZONE as the login was answered and ALTER SESSION has set it since; NULL: not known, as in sessions from before.
ALTER TABLE session_state ADD COLUMN time_zone text CHECK (length(time_zone) BETWEEN 1 AND 64);

INSERT INTO schema_release (name, older_may_run) VALUES ('0020_session_time_zone', true);
