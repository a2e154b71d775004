-- Who bears what nobody ran: shares of idle time by team, services by day, and where statements come from.
-- older binaries: may run

-- What a tool says of the workload beside its name: `model`, `run`, `dag`, `dashboard`.
ALTER TABLE ticket ADD COLUMN origin jsonb;

-- The team of the statement that a line names, which for idle time is the one beside it.
ALTER TABLE allocation_line ADD COLUMN statement_team_id text;

-- By what the idle time of an hour is shared out. `idle_key` stands for everything that shares depend on beside lines;
-- NULL: not shared since it was allocated. `idle_reach`: how far direct credits were looked for.
ALTER TABLE usage_warehouse_hour
  ADD COLUMN idle_key text,
  ADD COLUMN idle_entry text,
  ADD COLUMN idle_policy text,
  ADD COLUMN idle_policy_version integer,
  ADD COLUMN idle_reach text CHECK (idle_reach IN ('hour', 'day', 'month', 'none'));
-- Lines of before do not say whose statement they name.
UPDATE usage_warehouse_hour SET is_stale = true WHERE allocated_at IS NOT NULL;

-- How a line of nobody is moved to teams. The shares of a line sum to it; the line itself never changes. No foreign key:
-- both are written anew together, and invariant_share names strangers.
CREATE TABLE allocation_share (
  account text NOT NULL,
  warehouse_id text NOT NULL,
  starts_at timestamptz NOT NULL,
  ordinal integer NOT NULL,
  -- NULL: it stays of nobody.
  team_id text,
  -- By what the team bears it.
  basis text NOT NULL CHECK (basis IN ('statement', 'hour', 'day', 'month', 'budgets', 'owner', 'platform', 'nobody')),
  -- The team's own statement that caused it.
  query_id text,
  credits numeric(38, 12) NOT NULL CHECK (credits > 0)
);
CREATE UNIQUE INDEX allocation_share_line ON allocation_share (account, warehouse_id, starts_at, ordinal, team_id)
  NULLS NOT DISTINCT;

-- Every line as it is borne: its shares in its place where it has some. A team sees of a share only its own statement.
CREATE VIEW allocation_borne AS
SELECT l.account, l.warehouse_id, l.starts_at, l.ordinal, l.bucket, l.reason, l.ticket_id,
  CASE WHEN s.ordinal IS NULL THEN l.query_id ELSE s.query_id END AS query_id,
  CASE WHEN s.ordinal IS NULL THEN l.team_id ELSE s.team_id END AS team_id,
  CASE WHEN s.ordinal IS NULL THEN l.principal_id END AS principal_id,
  coalesce(s.basis, CASE WHEN l.team_id IS NULL THEN 'nobody' ELSE 'statement' END) AS basis,
  coalesce(s.credits, l.credits) AS credits
FROM allocation_line l
LEFT JOIN allocation_share s USING (starts_at, account, warehouse_id, ordinal);

-- Days whose services are allocated. Stale: something of the day has changed since.
CREATE TABLE service_day (
  account text NOT NULL,
  day date NOT NULL,
  is_stale boolean NOT NULL DEFAULT true,
  -- Of the shared costs of the control document that it was made by.
  shared_key text,
  method_version integer,
  allocated_at timestamptz,
  PRIMARY KEY (account, day)
);
CREATE INDEX service_day_stale ON service_day (account, day) WHERE is_stale;

-- What a day has beside the compute of warehouses, by service, entity and team.
CREATE TABLE service_line (
  account text NOT NULL,
  day date NOT NULL,
  ordinal integer NOT NULL,
  service_type text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('cloudServices', 'adjustment', 'acceleration', 'service', 'storage', 'transfer', 'variance')),
  -- What part of it this is, where that has a name: `statements`, `notOfStatements`, `clones`, …
  part text,
  entity_id text,
  entity_name text,
  -- NULL: of nobody.
  team_id text,
  -- The shared cost of the control document that names the team; NULL: the statements do, or nobody.
  shared_by text,
  unit text NOT NULL CHECK (unit IN ('credits', 'bytes')),
  amount numeric(38, 12) NOT NULL CHECK (amount <> 0),
  PRIMARY KEY (account, day, ordinal),
  FOREIGN KEY (account, day) REFERENCES service_day
);
CREATE INDEX service_line_day ON service_line (day, team_id);

-- The argument is the day of a row `r` of what was written.
CREATE FUNCTION mark_service_days() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('INSERT INTO service_day AS d (account, day)
    SELECT DISTINCT r.account, %s AS day FROM written r ORDER BY 1, 2
    ON CONFLICT (account, day) DO UPDATE SET is_stale = true WHERE NOT d.is_stale', TG_ARGV[0]);
  RETURN NULL;
END
$$;
CREATE FUNCTION mark_service_days_of_hours() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO service_day AS d (account, day)
  SELECT DISTINCT r.account, (r.starts_at AT TIME ZONE 'UTC')::date FROM written r
  JOIN earlier e USING (account, warehouse_id, starts_at)
  WHERE (r.metered_credits, r.cloud_services_credits, r.allocated_at)
    IS DISTINCT FROM (e.metered_credits, e.cloud_services_credits, e.allocated_at)
  ORDER BY 1, 2
  ON CONFLICT (account, day) DO UPDATE SET is_stale = true WHERE NOT d.is_stale;
  RETURN NULL;
END
$$;
CREATE TRIGGER usage_hour_written AFTER INSERT ON usage_warehouse_hour REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION mark_service_days('(r.starts_at AT TIME ZONE ''UTC'')::date');
CREATE TRIGGER usage_hour_rewritten AFTER UPDATE ON usage_warehouse_hour REFERENCING NEW TABLE AS written OLD TABLE AS earlier
  FOR EACH STATEMENT EXECUTE FUNCTION mark_service_days_of_hours();
CREATE TRIGGER usage_query_written AFTER INSERT ON usage_query REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION mark_service_days('(r.executed_at AT TIME ZONE ''UTC'')::date');
CREATE TRIGGER usage_query_rewritten AFTER UPDATE ON usage_query REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION mark_service_days('(r.executed_at AT TIME ZONE ''UTC'')::date');
CREATE TRIGGER usage_day_written AFTER INSERT ON usage_day REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION mark_service_days('r.day');
CREATE TRIGGER usage_day_rewritten AFTER UPDATE ON usage_day REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION mark_service_days('r.day');
CREATE TRIGGER usage_service_written AFTER INSERT ON usage_service_hour REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION mark_service_days('(r.starts_at AT TIME ZONE ''UTC'')::date');
CREATE TRIGGER usage_service_rewritten AFTER UPDATE ON usage_service_hour REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION mark_service_days('(r.starts_at AT TIME ZONE ''UTC'')::date');
CREATE TRIGGER usage_storage_written AFTER INSERT ON usage_storage_day REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION mark_service_days('r.day');
CREATE TRIGGER usage_storage_rewritten AFTER UPDATE ON usage_storage_day REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION mark_service_days('r.day');
CREATE TRIGGER usage_transfer_written AFTER INSERT ON usage_transfer_hour REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION mark_service_days('(r.starts_at AT TIME ZONE ''UTC'')::date');
CREATE TRIGGER usage_transfer_rewritten AFTER UPDATE ON usage_transfer_hour REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION mark_service_days('(r.starts_at AT TIME ZONE ''UTC'')::date');
-- Hours of adaptive warehouses are allocated by the rows of their statements.
CREATE FUNCTION mark_adaptive_hours() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE usage_warehouse_hour h SET is_stale = true
  FROM (SELECT DISTINCT account, warehouse_id, starts_at FROM written) AS w
  WHERE h.account = w.account AND h.warehouse_id = w.warehouse_id AND h.starts_at = w.starts_at AND NOT h.is_stale;
  RETURN NULL;
END
$$;
CREATE TRIGGER usage_query_hour_written AFTER INSERT ON usage_query_hour REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION mark_adaptive_hours();
CREATE TRIGGER usage_query_hour_rewritten AFTER UPDATE ON usage_query_hour REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION mark_adaptive_hours();
INSERT INTO service_day (account, day)
SELECT account, (starts_at AT TIME ZONE 'UTC')::date FROM usage_warehouse_hour
UNION SELECT account, day FROM usage_day
UNION SELECT account, (starts_at AT TIME ZONE 'UTC')::date FROM usage_service_hour
UNION SELECT account, day FROM usage_storage_day
UNION SELECT account, (starts_at AT TIME ZONE 'UTC')::date FROM usage_transfer_hour;

-- A7: moving a line to teams takes nothing and adds nothing. Lines that are not moved have no shares.
CREATE VIEW invariant_share AS
SELECT coalesce(l.account, s.account) AS account, coalesce(l.warehouse_id, s.warehouse_id) AS warehouse_id,
  coalesce(l.starts_at, s.starts_at) AS starts_at, coalesce(l.ordinal, s.ordinal) AS ordinal,
  l.credits AS line_credits, s.credits AS shared_credits
FROM (
  SELECT l.account, l.warehouse_id, l.starts_at, l.ordinal, l.bucket, l.credits, h.idle_policy
  FROM allocation_line l JOIN usage_warehouse_hour h USING (account, warehouse_id, starts_at)
) l
FULL JOIN (
  SELECT account, warehouse_id, starts_at, ordinal, sum(credits) AS credits
  FROM allocation_share GROUP BY account, warehouse_id, starts_at, ordinal
) s USING (account, warehouse_id, starts_at, ordinal)
WHERE CASE WHEN l.idle_policy IS NOT NULL AND l.bucket IN ('idle', 'resumeMinute', 'shortQuery')
  THEN l.credits IS DISTINCT FROM s.credits ELSE s.ordinal IS NOT NULL END;

-- I4 for days and months: what teams bear is what was metered, where every hour is allocated.
CREATE VIEW invariant_allocation_day AS
WITH metered AS (
  SELECT account, (starts_at AT TIME ZONE 'UTC')::date AS day, sum(metered_credits) AS credits,
    bool_or(is_stale OR allocated_at IS NULL) AS is_stale
  FROM usage_warehouse_hour GROUP BY 1, 2
), borne AS (
  SELECT account, (starts_at AT TIME ZONE 'UTC')::date AS day, sum(credits) AS credits
  FROM allocation_borne GROUP BY 1, 2
)
SELECT account, day, m.credits AS metered_credits, coalesce(b.credits, 0) AS borne_credits
FROM metered m LEFT JOIN borne b USING (account, day)
WHERE NOT m.is_stale AND m.credits <> coalesce(b.credits, 0);

CREATE VIEW invariant_allocation_month AS
WITH metered AS (
  SELECT account, date_trunc('month', starts_at, 'UTC') AS month, sum(metered_credits) AS credits,
    bool_or(is_stale OR allocated_at IS NULL) AS is_stale
  FROM usage_warehouse_hour GROUP BY 1, 2
), borne AS (
  SELECT account, date_trunc('month', starts_at, 'UTC') AS month, sum(credits) AS credits
  FROM allocation_borne GROUP BY 1, 2
)
SELECT account, month, m.credits AS metered_credits, coalesce(b.credits, 0) AS borne_credits
FROM metered m LEFT JOIN borne b USING (account, month)
WHERE NOT m.is_stale AND m.credits <> coalesce(b.credits, 0);

-- A2: compute of warehouses with the lines beside it, and every other service, are what the account's day was billed.
CREATE VIEW service_day_billed AS
WITH billed AS (
  SELECT account, day, CASE service_type WHEN 'CLOUD_SERVICES' THEN 'WAREHOUSE_METERING' ELSE service_type END AS service_type,
    sum(billed_credits) AS credits
  FROM usage_day GROUP BY 1, 2, 3
), allocated AS (
  SELECT account, (starts_at AT TIME ZONE 'UTC')::date AS day, 'WAREHOUSE_METERING' AS service_type, metered_credits AS credits
  FROM usage_warehouse_hour
  UNION ALL
  SELECT account, day, service_type, amount FROM service_line WHERE unit = 'credits'
), summed AS (
  SELECT account, day, service_type, sum(credits) AS credits FROM allocated GROUP BY 1, 2, 3
)
SELECT account, day, service_type, b.credits AS billed_credits, coalesce(s.credits, 0) AS allocated_credits
FROM billed b LEFT JOIN summed s USING (account, day, service_type);
CREATE VIEW invariant_service_day AS
SELECT b.* FROM service_day_billed b JOIN service_day d USING (account, day)
WHERE NOT d.is_stale AND b.billed_credits <> b.allocated_credits;

INSERT INTO schema_release (name, older_may_run) VALUES ('0017_who_bears_what', true);
