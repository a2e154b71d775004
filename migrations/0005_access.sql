-- Access: credentials and service keys of the terminated sign-in, tokens of the API, claims, and the audit log.
-- older binaries: may run

-- What a person or a program signs in with when Tollgate itself checks it. Secrets stand here as hashes only.
CREATE TABLE credential (
  id text PRIMARY KEY,
  account text NOT NULL,
  -- No foreign key: principals are projected anew with every control version.
  principal_id text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('password', 'token', 'key-pair')),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  secret_hash text,
  public_key text,
  -- Of the public key; a login names it, and one key belongs to one principal of an account.
  fingerprint text,
  created_at timestamptz NOT NULL,
  created_by text NOT NULL,
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz,
  revoked_by text,
  CONSTRAINT credential_secret CHECK ((kind = 'key-pair') = (public_key IS NOT NULL) AND (kind <> 'key-pair') = (secret_hash IS NOT NULL)
    AND (kind = 'key-pair') = (fingerprint IS NOT NULL)),
  CONSTRAINT credential_revoked CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
CREATE INDEX credential_principal ON credential (account, principal_id);
CREATE UNIQUE INDEX credential_fingerprint ON credential (account, fingerprint) WHERE fingerprint IS NOT NULL;

-- Key pairs by which Tollgate signs in upstream, one service user a team; the private half is sealed.
CREATE TABLE service_key (
  id text PRIMARY KEY,
  account text NOT NULL,
  team_id text NOT NULL,
  snowflake_user text NOT NULL,
  public_key text NOT NULL,
  sealed_private_key text NOT NULL,
  -- Which of the user's two public keys upstream it is: the other one may be signing in meanwhile.
  slot smallint NOT NULL CHECK (slot IN (1, 2)),
  -- pending: made, not known to work upstream; active: signs in; retired: never used again.
  state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'active', 'retired')),
  created_at timestamptz NOT NULL,
  created_by text NOT NULL,
  activated_at timestamptz,
  retired_at timestamptz
);
CREATE UNIQUE INDEX service_key_active ON service_key (account, team_id) WHERE state = 'active';
CREATE UNIQUE INDEX service_key_pending ON service_key (account, team_id) WHERE state = 'pending';

-- Secrets by which a shared principal signs for whom it acts; keys that are public stand in the control document.
CREATE TABLE claim_secret (
  id text PRIMARY KEY,
  principal_id text NOT NULL,
  sealed_secret text NOT NULL,
  created_at timestamptz NOT NULL,
  created_by text NOT NULL,
  expires_at timestamptz,
  revoked_at timestamptz,
  revoked_by text,
  CONSTRAINT claim_secret_revoked CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
CREATE INDEX claim_secret_principal ON claim_secret (principal_id);

-- Claims that were not believed, for the platform's people: how often, since when, with which ticket at last.
CREATE TABLE claim_notice (
  principal_id text NOT NULL,
  problem text NOT NULL,
  statements bigint NOT NULL CHECK (statements > 0),
  first_at timestamptz NOT NULL,
  last_at timestamptz NOT NULL,
  last_ticket_id uuid NOT NULL,
  PRIMARY KEY (principal_id, problem)
) WITH (fillfactor = 50);

-- Who may call the API, as what. The secret is 256 random bits, so its SHA-256 is enough.
CREATE TABLE api_token (
  id text PRIMARY KEY,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  secret_hash text NOT NULL UNIQUE,
  -- The secret before the last rotation, for as long as the rotation let it live.
  previous_hash text,
  previous_until timestamptz,
  role text NOT NULL CHECK (role IN ('platform', 'finance', 'team-lead', 'analyst')),
  team_id text,
  principal_id text,
  created_at timestamptz NOT NULL,
  created_by text NOT NULL,
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz,
  revoked_by text,
  CONSTRAINT api_token_scope CHECK (
    (role IN ('team-lead', 'analyst')) = (team_id IS NOT NULL) AND (role = 'analyst') = (principal_id IS NOT NULL)
  ),
  CONSTRAINT api_token_revoked CHECK ((revoked_at IS NULL) = (revoked_by IS NULL)),
  CONSTRAINT api_token_previous CHECK ((previous_hash IS NULL) = (previous_until IS NULL))
);
CREATE INDEX api_token_created ON api_token (created_at, id);

-- Every write of the control plane, in one chain: each row carries the hash of the one before it.
CREATE TABLE audit_event (
  sequence bigint PRIMARY KEY CHECK (sequence > 0),
  occurred_at timestamptz NOT NULL,
  actor text NOT NULL,
  role text NOT NULL,
  action text NOT NULL,
  subject text NOT NULL,
  reason text,
  before jsonb,
  after jsonb,
  previous_hash text NOT NULL,
  hash text NOT NULL UNIQUE
);
CREATE INDEX audit_event_subject ON audit_event (subject, sequence);
CREATE TRIGGER audit_event_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_event
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The first answer to a write, for whoever repeats it under the same key.
CREATE TABLE idempotency_key (
  actor text NOT NULL,
  key text NOT NULL,
  request_hash text NOT NULL,
  status integer,
  body text,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (actor, key)
);
CREATE INDEX idempotency_key_created ON idempotency_key (created_at);

-- How a session came in, and by which credential, so that revoking it ends them.
ALTER TABLE session_state
  ADD COLUMN sign_in text NOT NULL DEFAULT 'passthrough' CHECK (sign_in IN ('passthrough', 'terminated')),
  ADD COLUMN credential_id text;
CREATE INDEX session_state_credential ON session_state (credential_id) WHERE credential_id IS NOT NULL;

-- A rule may ask for a network of the document.
ALTER TABLE mapping_rule ADD COLUMN network text;

-- The shared principal that a statement came through when a signed claim named its end team.
ALTER TABLE ticket ADD COLUMN via_principal_id text;

-- One row: what tells this deployment from others. Sealed tokens name it.
CREATE TABLE deployment (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  is_only boolean NOT NULL DEFAULT true UNIQUE CHECK (is_only)
);
INSERT INTO deployment DEFAULT VALUES;

-- The control version that a replica decides by, and why it does not take a newer one.
ALTER TABLE replica ADD COLUMN control_version bigint, ADD COLUMN control_problem text;

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tollgate_app') THEN
    REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON deployment FROM tollgate_app;
    REVOKE UPDATE, DELETE, TRUNCATE ON audit_event FROM tollgate_app;
    REVOKE DELETE, TRUNCATE ON credential, service_key, claim_secret, api_token FROM tollgate_app;
  END IF;
END
$$;

INSERT INTO schema_release (name, older_may_run) VALUES ('0005_access', true);
