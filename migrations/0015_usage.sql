-- Usage as Snowflake's views tell it, and what every metered warehouse-hour is allocated to.
-- older binaries: may run

-- How far each view of an account was read. Rows that come late, or change, are read again from before that.
CREATE TABLE usage_import (
  account text NOT NULL,
  view_name text NOT NULL,
  read_to timestamptz NOT NULL,
  -- When everything that may still come late was last read again.
  read_again_at timestamptz NOT NULL,
  imported_at timestamptz NOT NULL,
  PRIMARY KEY (account, view_name)
);

-- What somebody asked to be imported beside the schedule; the worker takes the oldest that is not done.
CREATE TABLE usage_import_request (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  account text NOT NULL,
  -- Everything from then on is read again; NULL: from where it was read to.
  from_at timestamptz,
  asked_by text NOT NULL,
  asked_at timestamptz NOT NULL,
  done_at timestamptz,
  -- Why it could not be done.
  problem text,
  rows_written bigint
);
CREATE INDEX usage_import_request_open ON usage_import_request (id) WHERE done_at IS NULL;

-- WAREHOUSE_METERING_HISTORY. `is_stale`: not allocated by what is imported now.
CREATE TABLE usage_warehouse_hour (
  account text NOT NULL,
  warehouse_id text NOT NULL,
  starts_at timestamptz NOT NULL,
  warehouse text NOT NULL,
  metered_credits numeric(38, 12) NOT NULL CHECK (metered_credits >= 0),
  cloud_services_credits numeric(38, 12) NOT NULL CHECK (cloud_services_credits >= 0),
  attributed_credits numeric(38, 12) CHECK (attributed_credits >= 0),
  is_stale boolean NOT NULL DEFAULT true,
  -- Set while the hour cannot be allocated, such as for a rate that nobody has entered.
  problem text,
  method text,
  method_version integer,
  allocated_at timestamptz,
  PRIMARY KEY (account, warehouse_id, starts_at)
) WITH (fillfactor = 70);
CREATE INDEX usage_warehouse_hour_stale ON usage_warehouse_hour (account, warehouse_id, starts_at) WHERE is_stale;

-- METERING_DAILY_HISTORY, which alone has the adjustment of cloud services.
CREATE TABLE usage_day (
  account text NOT NULL,
  service_type text NOT NULL,
  day date NOT NULL,
  compute_credits numeric(38, 12) NOT NULL,
  cloud_services_credits numeric(38, 12) NOT NULL,
  adjustment_credits numeric(38, 12) NOT NULL,
  billed_credits numeric(38, 12) NOT NULL,
  PRIMARY KEY (account, service_type, day)
);

-- QUERY_HISTORY, of what ran on a warehouse, with the figure of QUERY_ATTRIBUTION_HISTORY once there is one.
CREATE TABLE usage_query (
  account text NOT NULL,
  query_id text NOT NULL,
  warehouse_id text NOT NULL,
  cluster integer NOT NULL,
  warehouse_size text NOT NULL,
  warehouse_kind text NOT NULL,
  snowflake_user text NOT NULL,
  role_name text,
  query_type text NOT NULL,
  -- It only contains other statements, which are rows of their own.
  is_container boolean NOT NULL DEFAULT false,
  -- From here to the end it used the warehouse: neither queueing nor compiling does.
  executed_at timestamptz NOT NULL,
  ended_at timestamptz NOT NULL CHECK (ended_at >= executed_at),
  shape_hash text,
  bytes_scanned bigint,
  cloud_services_credits numeric(38, 12) NOT NULL CHECK (cloud_services_credits >= 0),
  attributed_credits numeric(38, 12) CHECK (attributed_credits >= 0),
  PRIMARY KEY (account, query_id)
);
CREATE INDEX usage_query_warehouse ON usage_query (account, warehouse_id, ended_at);

-- WAREHOUSE_EVENTS_HISTORY, of clusters and sizes.
CREATE TABLE usage_warehouse_event (
  account text NOT NULL,
  warehouse_id text NOT NULL,
  occurred_at timestamptz NOT NULL,
  name text NOT NULL,
  -- -1: of the whole warehouse.
  cluster integer NOT NULL,
  state text NOT NULL,
  warehouse_size text,
  resource_constraint text,
  PRIMARY KEY (account, warehouse_id, occurred_at, name, cluster, state)
);

-- Where the metered credits of an hour go. Written anew as a whole when what is known of the hour changes.
CREATE TABLE allocation_line (
  account text NOT NULL,
  warehouse_id text NOT NULL,
  starts_at timestamptz NOT NULL,
  ordinal integer NOT NULL,
  bucket text NOT NULL CHECK (bucket IN ('direct', 'bypass', 'shortQuery', 'resumeMinute', 'idle', 'unexplained')),
  reason text,
  query_id text,
  -- The ticket by which the statement came through Tollgate, and whom that charged; of bypass, whom the mapping names.
  ticket_id uuid,
  team_id text,
  principal_id text,
  credits numeric(38, 12) NOT NULL CHECK (credits > 0 OR bucket = 'unexplained'),
  PRIMARY KEY (account, warehouse_id, starts_at, ordinal),
  FOREIGN KEY (account, warehouse_id, starts_at) REFERENCES usage_warehouse_hour
);
CREATE INDEX allocation_line_time ON allocation_line (starts_at, team_id);

-- I4: the lines of an allocated hour are what was metered, exactly.
CREATE VIEW invariant_allocation AS
SELECT h.account, h.warehouse_id, h.starts_at, h.metered_credits, coalesce(sum(l.credits), 0) AS allocated_credits
FROM usage_warehouse_hour h LEFT JOIN allocation_line l USING (account, warehouse_id, starts_at)
WHERE h.allocated_at IS NOT NULL AND NOT h.is_stale
GROUP BY h.account, h.warehouse_id, h.starts_at, h.metered_credits
HAVING h.metered_credits <> coalesce(sum(l.credits), 0);

INSERT INTO schema_release (name, older_may_run) VALUES ('0015_usage', true);
