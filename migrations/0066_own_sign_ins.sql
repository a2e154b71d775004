-- The sign-ins of the console that last, as their person sees them: where and when each began and was used last.
-- older binaries: may run
-- What they begin is not listed and does not count among those of one person; it ends within twelve hours.

CREATE TABLE console_sign_in (
  id text PRIMARY KEY,
  -- As the audit log names who signed in.
  actor text NOT NULL,
  proven_by text NOT NULL CHECK (proven_by IN ('token', 'oidc')),
  -- In words; null: it is none that we know.
  browser text,
  -- Of the wall clock, as the sealed cookie has them.
  started_at timestamptz NOT NULL,
  started_from text NOT NULL,
  used_at timestamptz NOT NULL,
  used_from text NOT NULL
);
CREATE INDEX console_sign_in_actor ON console_sign_in (actor, started_at, id);
CREATE INDEX console_sign_in_started ON console_sign_in (started_at);

-- They are counted here, and no more in the audit log.
DROP INDEX audit_event_sign_in;

INSERT INTO schema_release (name, older_may_run) VALUES ('0066_own_sign_ins', true);
