-- Usage beside warehouses' own: services by entity and hour, adaptive statements by hour, storage, transfer.
-- older binaries: may run

-- What query acceleration took for the statement, which is a line of its own beside the warehouse's.
ALTER TABLE usage_query ADD COLUMN acceleration_credits numeric(38, 12) CHECK (acceleration_credits >= 0);

-- METERING_HISTORY: what every service took for every entity (a warehouse, a pipe, a task, a table) in every hour.
CREATE TABLE usage_service_hour (
  account text NOT NULL,
  service_type text NOT NULL,
  -- Empty where the service has no entities.
  entity_id text NOT NULL,
  starts_at timestamptz NOT NULL,
  entity_kind text,
  entity_name text,
  compute_credits numeric(38, 12) NOT NULL,
  cloud_services_credits numeric(38, 12) NOT NULL,
  credits numeric(38, 12) NOT NULL,
  PRIMARY KEY (account, service_type, entity_id, starts_at)
);

-- QUERY_METERING_HISTORY: statements on adaptive warehouses, which have no clusters that stand idle.
CREATE TABLE usage_query_hour (
  account text NOT NULL,
  query_id text NOT NULL,
  starts_at timestamptz NOT NULL,
  warehouse_id text NOT NULL,
  -- NULL while the statement runs.
  compute_credits numeric(38, 12) CHECK (compute_credits >= 0),
  cloud_services_credits numeric(38, 12) CHECK (cloud_services_credits >= 0),
  PRIMARY KEY (account, query_id, starts_at)
);
CREATE INDEX usage_query_hour_warehouse ON usage_query_hour (account, warehouse_id, starts_at);

-- STORAGE_USAGE, DATABASE_STORAGE_USAGE_HISTORY and STAGE_STORAGE_USAGE_HISTORY: average bytes of a day.
CREATE TABLE usage_storage_day (
  account text NOT NULL,
  day date NOT NULL,
  -- `account`: all of it, by which is billed; `database` and `stage` are what is known of its parts.
  scope text NOT NULL CHECK (scope IN ('account', 'database', 'stage')),
  -- Id of a database; empty otherwise.
  entity_id text NOT NULL,
  entity_name text,
  table_bytes numeric(38, 0) NOT NULL CHECK (table_bytes >= 0),
  failsafe_bytes numeric(38, 0) NOT NULL CHECK (failsafe_bytes >= 0),
  stage_bytes numeric(38, 0) NOT NULL CHECK (stage_bytes >= 0),
  PRIMARY KEY (account, day, scope, entity_id)
);

-- DATA_TRANSFER_HISTORY.
CREATE TABLE usage_transfer_hour (
  account text NOT NULL,
  starts_at timestamptz NOT NULL,
  source_cloud text NOT NULL,
  source_region text NOT NULL,
  target_cloud text NOT NULL,
  target_region text NOT NULL,
  transfer_kind text NOT NULL,
  bytes numeric(38, 0) NOT NULL CHECK (bytes >= 0),
  PRIMARY KEY (account, starts_at, source_cloud, source_region, target_cloud, target_region, transfer_kind)
);

INSERT INTO schema_release (name, older_may_run) VALUES ('0016_services', true);
