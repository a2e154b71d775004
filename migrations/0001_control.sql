-- Control: who is who, what they may spend, what things cost. Sessions, replicas, estimator history.
-- older binaries: must not run

-- The application's role exists on an embedded server; on a given one the owner is the application.
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tollgate_app') THEN
    GRANT USAGE ON SCHEMA tollgate TO tollgate_app;
    GRANT SELECT ON tollgate.migration TO tollgate_app;
    ALTER DEFAULT PRIVILEGES IN SCHEMA tollgate GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO tollgate_app;
    ALTER DEFAULT PRIVILEGES IN SCHEMA tollgate GRANT USAGE ON SEQUENCES TO tollgate_app;
  END IF;
END
$$;

-- One row a migration, with the promise of its header; read by programs that do not have the file.
CREATE TABLE schema_release (
  name text PRIMARY KEY,
  older_may_run boolean NOT NULL
);

-- The truth of the control plane: whole documents, never changed. The tables below project the newest one.
CREATE TABLE control_version (
  version bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  author text NOT NULL,
  reason text NOT NULL,
  created_at timestamptz NOT NULL,
  document jsonb NOT NULL,
  document_hash text NOT NULL
);

CREATE TABLE org_node (
  id text PRIMARY KEY,
  parent_id text REFERENCES org_node (id) DEFERRABLE INITIALLY DEFERRED,
  kind text NOT NULL,
  name text NOT NULL,
  cost_centre text,
  is_active boolean NOT NULL DEFAULT true
);

CREATE TABLE principal (
  id text PRIMARY KEY,
  team_id text NOT NULL REFERENCES org_node (id) DEFERRABLE INITIALLY DEFERRED,
  kind text NOT NULL,
  owner text,
  is_shared boolean NOT NULL DEFAULT false,
  status text NOT NULL DEFAULT 'active'
);
CREATE INDEX principal_team ON principal (team_id);

-- Ordered; the first rule whose patterns fit an authenticated login decides. Null fits everything.
CREATE TABLE mapping_rule (
  ordinal integer PRIMARY KEY,
  account text,
  snowflake_user text,
  role text,
  principal_id text REFERENCES principal (id) DEFERRABLE INITIALLY DEFERRED,
  team_id text REFERENCES org_node (id) DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE budget (
  id text PRIMARY KEY,
  node_id text NOT NULL REFERENCES org_node (id) DEFERRABLE INITIALLY DEFERRED,
  unit text NOT NULL DEFAULT 'credits',
  limit_kind text NOT NULL CHECK (limit_kind IN ('limited', 'unlimited')),
  limit_credits numeric(38, 12) CHECK (limit_credits >= 0),
  is_hard boolean NOT NULL,
  period_kind text NOT NULL CHECK (period_kind IN ('day', 'week', 'month', 'quarter')),
  time_zone text NOT NULL DEFAULT 'UTC',
  -- 1 is Monday, 7 is Sunday (ISO 8601).
  week_starts_on smallint NOT NULL DEFAULT 1 CHECK (week_starts_on BETWEEN 1 AND 7),
  counts text NOT NULL DEFAULT 'direct' CHECK (counts IN ('billed', 'direct')),
  tier text,
  workload text,
  is_active boolean NOT NULL DEFAULT true,
  CONSTRAINT budget_limit CHECK ((limit_kind = 'limited') = (limit_credits IS NOT NULL))
);
CREATE INDEX budget_node ON budget (node_id);

CREATE TABLE tier (
  id text PRIMARY KEY,
  warehouse text,
  weight numeric(38, 12) NOT NULL DEFAULT 1 CHECK (weight > 0),
  concurrency_max integer CHECK (concurrency_max > 0),
  queue_max integer CHECK (queue_max >= 0),
  queue_timeout_seconds double precision CHECK (queue_timeout_seconds >= 0),
  statement_timeout_seconds double precision CHECK (statement_timeout_seconds > 0),
  ceiling_credits numeric(38, 12) CHECK (ceiling_credits >= 0),
  opaque_policy text NOT NULL DEFAULT 'refuse'
);

CREATE TABLE price (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  credit_kind text NOT NULL,
  currency text NOT NULL,
  price_per_credit numeric(38, 12) NOT NULL CHECK (price_per_credit >= 0),
  effective_from timestamptz NOT NULL,
  effective_to timestamptz CHECK (effective_to > effective_from),
  UNIQUE (credit_kind, currency, effective_from)
);

CREATE TABLE warehouse_rate (
  kind text NOT NULL,
  generation text NOT NULL,
  size text NOT NULL,
  effective_from timestamptz NOT NULL,
  credits_per_hour numeric(38, 12) NOT NULL CHECK (credits_per_hour >= 0),
  PRIMARY KEY (kind, generation, size, effective_from)
);

CREATE TABLE policy_document (
  id text NOT NULL,
  version bigint NOT NULL,
  mode text NOT NULL,
  body jsonb NOT NULL,
  PRIMARY KEY (id, version)
);

-- What a session has changed since its login; written before the reply that changed it is relayed.
CREATE TABLE session_state (
  account text NOT NULL,
  session_id text NOT NULL,
  principal_id text NOT NULL,
  snowflake_user text NOT NULL,
  role_name text,
  warehouse text,
  database_name text,
  schema_name text,
  query_tag text,
  statement_timeout_seconds integer CHECK (statement_timeout_seconds >= 0),
  last_query_id text,
  revoked_at timestamptz,
  closed_at timestamptz,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (account, session_id)
) WITH (fillfactor = 80);
CREATE INDEX session_state_revoked ON session_state (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX session_state_principal ON session_state (principal_id);

-- Heartbeats by the database's clock; a silent replica's tickets are adopted by the others.
CREATE TABLE replica (
  id text PRIMARY KEY,
  started_at timestamptz NOT NULL DEFAULT now(),
  seen_at timestamptz NOT NULL DEFAULT now(),
  stopped_at timestamptz
) WITH (fillfactor = 50);

-- What statements of one shape have used: mean and variance of the logarithm of warehouse-seconds.
CREATE TABLE shape_history (
  key_kind text NOT NULL,
  key text NOT NULL,
  samples bigint NOT NULL CHECK (samples >= 0),
  log_mean double precision NOT NULL,
  log_variance double precision NOT NULL CHECK (log_variance >= 0),
  last_seconds double precision NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (key_kind, key)
) WITH (fillfactor = 70);

-- Sizes of tables as imported from the account.
CREATE TABLE table_statistics (
  account text NOT NULL,
  table_name text NOT NULL,
  bytes bigint NOT NULL CHECK (bytes >= 0),
  rows bigint NOT NULL CHECK (rows >= 0),
  partitions bigint CHECK (partitions >= 0),
  clustering_column text,
  clustering_low text,
  clustering_high text,
  columns jsonb NOT NULL DEFAULT '{}',
  imported_at timestamptz NOT NULL,
  PRIMARY KEY (account, table_name)
);

INSERT INTO schema_release (name, older_may_run) VALUES ('0001_control', false);
