-- A tier is frozen as a warehouse is: by its id. Replicas of older binaries do not hold such a freeze.
-- older binaries: may run

ALTER TABLE admission_freeze DROP CONSTRAINT admission_freeze_scope_check;
ALTER TABLE admission_freeze ADD CONSTRAINT admission_freeze_scope_check
  CHECK (scope IN ('team', 'principal', 'warehouse', 'tier', 'everything'));

INSERT INTO schema_release (name, older_may_run) VALUES ('0046_frozen_tiers', true);
