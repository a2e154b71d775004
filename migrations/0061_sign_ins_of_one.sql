-- The sign-ins of one person are counted in the audit log: their events are found without reading everybody's.
-- older binaries: may run

CREATE INDEX audit_event_sign_in ON audit_event (actor, sequence) WHERE subject = 'console';

INSERT INTO schema_release (name, older_may_run) VALUES ('0061_sign_ins_of_one', true);
