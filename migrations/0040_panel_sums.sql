-- What panels read of many charges: sums by hour and day of shapes, users and estimates, and allocated hours from day sums.
-- older binaries: may run

-- Charges and their deltas by UTC hour and by UTC day, kept behind the sealed chain by the follower `panels` (billing/rollup).
-- They are a copy: dropped and built anew they are the same. `credits` and `money` are what was charged when statements
-- ended, `delta_*` what was added since. A key that a charge does not have is ''.
CREATE TABLE charge_shape_sum (
  grain text NOT NULL CHECK (grain IN ('hour', 'day')),
  starts_at timestamptz NOT NULL,
  team_id text NOT NULL,
  fingerprint text NOT NULL,
  currency text NOT NULL,
  statement_class text NOT NULL,
  ending text NOT NULL,
  statements bigint NOT NULL,
  credits numeric(38, 12) NOT NULL,
  money numeric(38, 12) NOT NULL,
  delta_credits numeric(38, 12) NOT NULL,
  delta_money numeric(38, 12) NOT NULL,
  -- Of the dearest single charge; NULL: only deltas.
  most_credits numeric(38, 12),
  first_at timestamptz NOT NULL,
  -- The first by name of those that ran it.
  workload text,
  warehouse_size text,
  PRIMARY KEY (grain, team_id, starts_at, fingerprint, currency, statement_class, ending)
) WITH (fillfactor = 80);

-- The text of a shape, once for each team that ran it: no team reads what another one wrote.
CREATE TABLE charge_shape_text (
  team_id text NOT NULL,
  fingerprint text NOT NULL,
  statement_shape text NOT NULL,
  PRIMARY KEY (team_id, fingerprint)
);

CREATE TABLE charge_user_sum (
  grain text NOT NULL CHECK (grain IN ('hour', 'day')),
  starts_at timestamptz NOT NULL,
  team_id text NOT NULL,
  principal_id text NOT NULL,
  workload text NOT NULL,
  tier text NOT NULL,
  statement_class text NOT NULL,
  currency text NOT NULL,
  statements bigint NOT NULL,
  credits numeric(38, 12) NOT NULL,
  money numeric(38, 12) NOT NULL,
  delta_credits numeric(38, 12) NOT NULL,
  delta_money numeric(38, 12) NOT NULL,
  PRIMARY KEY (grain, team_id, starts_at, principal_id, workload, tier, statement_class, currency)
) WITH (fillfactor = 80);

-- Estimates of which the truth is known, by how wrong they were in steps of 2 %: the factor between the two, whichever way,
-- is at most exp(error_step / 50).
CREATE TABLE charge_error_sum (
  grain text NOT NULL CHECK (grain IN ('hour', 'day')),
  starts_at timestamptz NOT NULL,
  team_id text NOT NULL,
  tier text NOT NULL,
  basis text NOT NULL,
  error_step integer NOT NULL CHECK (error_step >= 0),
  statements bigint NOT NULL,
  covered bigint NOT NULL,
  PRIMARY KEY (grain, team_id, starts_at, tier, basis, error_step)
) WITH (fillfactor = 80);

-- By the UTC day in which statements ended, which is the day of Snowflake's own figures.
CREATE TABLE charge_end_day (
  account text NOT NULL,
  day date NOT NULL,
  statements bigint NOT NULL,
  credits numeric(38, 12) NOT NULL,
  delta_credits numeric(38, 12) NOT NULL,
  PRIMARY KEY (account, day)
);

-- Charges and deltas that `panels` has not followed, which are all until it has read them for the first time: those that are sealed, and those that are not sealed. A journal is on one
-- side of the two places, never on both. Row by row by their keys (hence the offsets): how many there are is not known to the
-- planner, which would read whole tables for the few that there mostly are.
CREATE VIEW charge_behind_panels AS
WITH tail AS MATERIALIZED (
  SELECT s.journal_id FROM ledger_seal s
  WHERE s.sequence > coalesce((SELECT sequence FROM ledger_follower WHERE name = 'panels'), 0)
  UNION ALL
  SELECT j.id FROM journal j
  WHERE (j.recorded_xid, j.id) > (
    coalesce((SELECT last_xid FROM ledger_seal_batch ORDER BY id DESC LIMIT 1), '0'::xid8),
    coalesce((SELECT last_journal_id FROM ledger_seal_batch ORDER BY id DESC LIMIT 1), 0))
    AND j.kind IN ('settle', 'adjustment')
), added AS (
  SELECT c.ticket_id, 1 AS statements, c.credits, c.money, 0::numeric AS delta_credits, 0::numeric AS delta_money,
    c.credits AS most_credits
  FROM tail CROSS JOIN LATERAL (SELECT * FROM charge WHERE journal_id = tail.journal_id OFFSET 0) c
  UNION ALL
  SELECT d.ticket_id, 0, 0, 0, d.delta_credits, d.delta_money, NULL
  FROM tail CROSS JOIN LATERAL (SELECT * FROM charge_delta WHERE journal_id = tail.journal_id OFFSET 0) d
)
SELECT a.statements, a.credits, a.money, a.delta_credits, a.delta_money, a.most_credits, c.account, c.occurred_at, c.ended_at,
  c.team_id, c.principal_id, c.tier, c.currency, t.fingerprint, t.statement_shape, t.statement_class, t.ending, t.workload,
  t.warehouse_size, t.basis, t.expected_credits, t.high_credits
FROM added a
CROSS JOIN LATERAL (SELECT * FROM charge WHERE ticket_id = a.ticket_id OFFSET 0) c
LEFT JOIN LATERAL (SELECT * FROM ticket WHERE id = a.ticket_id OFFSET 0) t ON true;

-- Sums of a grain with what is behind them, of which each row is a sum of one; and charges themselves, as grain `charge`.
CREATE VIEW dash_shape_sum AS
SELECT grain, starts_at, team_id, nullif(fingerprint, '') AS fingerprint, currency,
  nullif(statement_class, '') AS statement_class, nullif(ending, '') AS ending, statements, credits, money AS amount,
  credits + delta_credits AS final_credits, money + delta_money AS final_amount, most_credits, first_at, workload,
  warehouse_size
FROM charge_shape_sum
UNION ALL
SELECT g.grain, date_trunc(g.grain, b.occurred_at, 'UTC'), b.team_id, b.fingerprint, b.currency, b.statement_class, b.ending,
  b.statements, b.credits, b.money, b.credits + b.delta_credits, b.money + b.delta_money, b.most_credits, b.occurred_at,
  b.workload, b.warehouse_size
FROM charge_behind_panels b CROSS JOIN (VALUES ('hour'), ('day')) AS g (grain)
UNION ALL
SELECT 'charge', c.occurred_at, c.team_id, t.fingerprint, c.currency, t.statement_class, t.ending, 1, c.credits, c.money,
  c.final_credits, c.final_money, c.credits, c.occurred_at, t.workload, t.warehouse_size
FROM charge_final c LEFT JOIN ticket t ON t.id = c.ticket_id;

CREATE VIEW dash_shape AS
SELECT team_id, fingerprint, statement_shape FROM charge_shape_text
UNION ALL
SELECT team_id, fingerprint, statement_shape FROM charge_behind_panels WHERE statements > 0;

CREATE VIEW dash_user_sum AS
SELECT grain, starts_at, team_id, principal_id, nullif(workload, '') AS workload, tier,
  nullif(statement_class, '') AS statement_class, currency, statements, credits,
  money AS amount, credits + delta_credits AS final_credits, money + delta_money AS final_amount
FROM charge_user_sum
UNION ALL
SELECT g.grain, date_trunc(g.grain, b.occurred_at, 'UTC'), b.team_id, b.principal_id, b.workload, b.tier,
  b.statement_class, b.currency,
  b.statements, b.credits, b.money, b.credits + b.delta_credits, b.money + b.delta_money
FROM charge_behind_panels b CROSS JOIN (VALUES ('hour'), ('day')) AS g (grain)
UNION ALL
SELECT 'charge', c.occurred_at, c.team_id, c.principal_id, t.workload, c.tier, t.statement_class, c.currency, 1, c.credits, c.money,
  c.final_credits, c.final_money
FROM charge_final c LEFT JOIN ticket t ON t.id = c.ticket_id;

-- `q_error`: the factor between estimate and truth, whichever way; of a sum, the end of its step.
CREATE VIEW dash_estimate_sum AS
SELECT grain, starts_at, team_id, tier, basis, exp(error_step / 50.0::double precision) AS q_error, statements, covered
FROM charge_error_sum
UNION ALL
SELECT g.grain, date_trunc(g.grain, b.occurred_at, 'UTC'), b.team_id, b.tier, b.basis,
  greatest(b.expected_credits / b.credits, b.credits / b.expected_credits)::double precision, b.statements,
  (b.credits <= b.high_credits)::integer
FROM charge_behind_panels b CROSS JOIN (VALUES ('hour'), ('day')) AS g (grain)
WHERE b.statements > 0 AND b.credits > 0 AND b.expected_credits > 0
UNION ALL
SELECT 'charge', occurred_at, team_id, tier, basis, q_error, 1, is_covered::integer FROM dash_estimate;

-- Hours of charges beside the charges, for ranges that begin or end within an hour. Provisional, as `dash_charge_hour`.
CREATE VIEW dash_spend_sum AS
SELECT 'hour'::text AS grain, hour_at AS starts_at, team_id, warehouse, tier, currency, statements, credits, amount
FROM dash_charge_hour
UNION ALL
SELECT 'charge', occurred_at, team_id, warehouse, tier, currency, 1, credits, money FROM charge;

-- The first full hour or day at or after an instant.
CREATE FUNCTION dash_first_full(grain text, at timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT date_trunc(grain, at + ('1 ' || grain)::interval - interval '1 microsecond', 'UTC') $$;

-- The rows of a view of sums from an instant to another one, both included: full days as sums of days, full hours beside them
-- as sums of hours, and what is left at both ends as charges, so that a range of any length is exact and reads little. As
-- functions, because the range decides what is read; each is one query, which Postgres plans as part of the panel's (no
-- SET, no SECURITY DEFINER, no STRICT, or it would not). Those that end in `hours` read no days: for series by the hour.
DO $do$
DECLARE
  made record;
BEGIN
  FOR made IN SELECT * FROM (VALUES ('dash_shapes', 'dash_shape_sum', 'day'), ('dash_user_hours', 'dash_user_sum', 'hour'),
      ('dash_users', 'dash_user_sum', 'day'), ('dash_estimates', 'dash_estimate_sum', 'day'),
      ('dash_spend_hours', 'dash_spend_sum', 'hour')) AS v (name, view_name, longest)
  LOOP
    EXECUTE format($format$
CREATE FUNCTION tollgate.%1$I(from_at timestamptz, to_at timestamptz) RETURNS SETOF tollgate.%2$I
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10000
AS $body$
SELECT * FROM tollgate.%2$I WHERE grain = %3$L
  AND starts_at >= tollgate.dash_first_full('day', from_at) AND starts_at < date_trunc('day', to_at, 'UTC')
UNION ALL
SELECT * FROM tollgate.%2$I WHERE grain = 'hour' AND starts_at >= tollgate.dash_first_full('hour', from_at)
  AND starts_at < least(tollgate.dash_first_full('day', from_at), date_trunc('hour', to_at, 'UTC'))
UNION ALL
SELECT * FROM tollgate.%2$I WHERE grain = 'hour' AND starts_at < date_trunc('hour', to_at, 'UTC')
  AND starts_at >= greatest(date_trunc('day', to_at, 'UTC'), tollgate.dash_first_full('day', from_at))
UNION ALL
SELECT * FROM tollgate.%2$I WHERE grain = 'charge' AND starts_at >= from_at AND starts_at <= to_at
  AND starts_at < tollgate.dash_first_full('hour', from_at)
UNION ALL
SELECT * FROM tollgate.%2$I WHERE grain = 'charge' AND starts_at <= to_at
  AND starts_at >= greatest(date_trunc('hour', to_at, 'UTC'), tollgate.dash_first_full('hour', from_at))
$body$ $format$, made.name, made.view_name, made.longest);
  END LOOP;
END
$do$;

-- Bypass lines of a summed day by who ran them, beside `allocation_hour_sum`; NULL: nobody that is known.
CREATE TABLE allocation_bypass_sum (
  account text NOT NULL,
  day date NOT NULL,
  warehouse_id text NOT NULL,
  team_id text,
  principal_id text,
  credits numeric(38, 12) NOT NULL,
  -- That began in the day.
  statements bigint NOT NULL
);
CREATE INDEX allocation_bypass_sum_day ON allocation_bypass_sum (day, account);
CREATE INDEX allocation_hour_sum_hour ON allocation_hour_sum (account, warehouse_id, starts_at);
-- Days of before have no such sums: the importer sums them anew, one at a time.
UPDATE allocation_summed_day SET is_stale = true WHERE NOT is_stale;

-- One row a bucket and team of a metered warehouse-hour: from the sums of its day, else from its lines. What nobody ran is in
-- few lines, with its shares. `paying_team_id`: who bears it; NULL: nobody, as no policy says who does.
CREATE VIEW dash_allocation_hour AS
SELECT h.starts_at, h.account, h.warehouse_id, h.warehouse, p.bucket, p.team_id, p.paying_team_id, p.credits
FROM usage_warehouse_hour h
LEFT JOIN allocation_summed_day d ON d.account = h.account AND d.day = (h.starts_at AT TIME ZONE 'UTC')::date
CROSS JOIN LATERAL (
  SELECT s.bucket, s.team_id, s.team_id AS paying_team_id, s.credits FROM allocation_hour_sum s
  WHERE s.account = h.account AND s.warehouse_id = h.warehouse_id AND s.starts_at = h.starts_at AND NOT d.is_stale
  UNION ALL
  SELECT l.bucket, l.team_id, l.team_id, l.credits FROM allocation_line l
  WHERE l.account = h.account AND l.warehouse_id = h.warehouse_id AND l.starts_at = h.starts_at
    AND l.bucket IN ('direct', 'bypass') AND d.is_stale
  UNION ALL
  SELECT l.bucket, l.team_id, coalesce(s.team_id, l.team_id), coalesce(s.credits, l.credits)
  FROM allocation_line l LEFT JOIN allocation_share s USING (account, warehouse_id, starts_at, ordinal)
  WHERE l.account = h.account AND l.warehouse_id = h.warehouse_id AND l.starts_at = h.starts_at
    AND l.bucket IN ('idle', 'resumeMinute', 'shortQuery', 'unexplained')
) p;

-- The same columns as before, from sums.
CREATE OR REPLACE VIEW dash_metered_hour AS
SELECT h.starts_at, h.account, h.warehouse_id, h.warehouse, h.metered_credits, h.cloud_services_credits,
  CASE WHEN h.problem IS NOT NULL THEN 'problem' WHEN h.is_stale OR h.allocated_at IS NULL THEN 'waiting'
    ELSE 'allocated' END AS state,
  h.problem, l.allocated_credits, l.direct_credits, l.bypass_credits, l.idle_credits, l.other_credits,
  h.metered_credits - l.allocated_credits AS difference_credits
FROM usage_warehouse_hour h
CROSS JOIN LATERAL (
  SELECT coalesce(sum(a.credits), 0) AS allocated_credits,
    coalesce(sum(a.credits) FILTER (WHERE a.bucket = 'direct'), 0) AS direct_credits,
    coalesce(sum(a.credits) FILTER (WHERE a.bucket = 'bypass'), 0) AS bypass_credits,
    coalesce(sum(a.credits) FILTER (WHERE a.bucket = 'idle'), 0) AS idle_credits,
    coalesce(sum(a.credits) FILTER (WHERE a.bucket NOT IN ('direct', 'bypass', 'idle')), 0) AS other_credits
  FROM dash_allocation_hour a
  WHERE a.account = h.account AND a.warehouse_id = h.warehouse_id AND a.starts_at = h.starts_at
) l;

-- Who used warehouses without coming through, by day.
CREATE VIEW dash_bypass_day AS
SELECT d.day, d.day::timestamp AT TIME ZONE 'UTC' AS day_at, d.account, w.warehouse, b.team_id, b.principal_id, b.credits, b.statements
FROM allocation_summed_day d
CROSS JOIN LATERAL (
  SELECT s.warehouse_id, s.team_id, s.principal_id, s.credits, s.statements FROM allocation_bypass_sum s
  WHERE s.account = d.account AND s.day = d.day AND NOT d.is_stale
  UNION ALL
  SELECT l.warehouse_id, l.team_id, l.principal_id, l.credits,
    (NOT EXISTS (SELECT FROM usage_query q WHERE q.account = l.account AND q.query_id = l.query_id AND q.executed_at < l.starts_at))::integer
  FROM allocation_line l
  WHERE l.account = d.account AND l.bucket = 'bypass' AND d.is_stale
    AND l.starts_at >= d.day::timestamp AT TIME ZONE 'UTC' AND l.starts_at < (d.day + 1)::timestamp AT TIME ZONE 'UTC'
) b
LEFT JOIN LATERAL (
  SELECT h.warehouse FROM usage_warehouse_hour h
  WHERE h.account = d.account AND h.warehouse_id = b.warehouse_id AND h.starts_at >= d.day::timestamp AT TIME ZONE 'UTC'
    AND h.starts_at < (d.day + 1)::timestamp AT TIME ZONE 'UTC'
  ORDER BY h.starts_at DESC LIMIT 1
) w ON true;

-- The same columns as before; what was charged is read from days of charges.
CREATE OR REPLACE VIEW dash_reconciliation_day AS
SELECT d.account, d.day, d.day::timestamp AT TIME ZONE 'UTC' AS day_at, u.compute_credits AS daily_credits,
  h.metered_credits, h.allocated_credits, h.direct_credits, c.charged_credits,
  u.compute_credits - h.metered_credits AS daily_difference_credits,
  h.metered_credits - h.allocated_credits AS allocation_difference_credits,
  h.direct_credits - c.charged_credits AS charge_difference_credits
FROM (
  SELECT account, day FROM usage_day WHERE service_type = 'WAREHOUSE_METERING'
  UNION SELECT account, (starts_at AT TIME ZONE 'UTC')::date FROM usage_warehouse_hour
) d
LEFT JOIN usage_day u ON u.account = d.account AND u.day = d.day AND u.service_type = 'WAREHOUSE_METERING'
CROSS JOIN LATERAL (
  SELECT sum(m.metered_credits) AS metered_credits, sum(m.allocated_credits) AS allocated_credits,
    sum(m.direct_credits) AS direct_credits
  FROM dash_metered_hour m
  WHERE m.account = d.account AND m.starts_at >= d.day::timestamp AT TIME ZONE 'UTC'
    AND m.starts_at < (d.day + 1)::timestamp AT TIME ZONE 'UTC'
) h
CROSS JOIN LATERAL (
  SELECT coalesce(sum(e.credits), 0) AS charged_credits FROM (
    SELECT k.credits FROM charge_end_day k WHERE k.account = d.account AND k.day = d.day
    UNION ALL
    SELECT b.credits FROM charge_behind_panels b
    WHERE b.account = d.account AND (b.ended_at AT TIME ZONE 'UTC')::date = d.day
  ) e
) c;

-- As before, and what is around Tollgate.
CREATE OR REPLACE VIEW invariant_day_sum AS
WITH line AS (
  SELECT account, (starts_at AT TIME ZONE 'UTC')::date AS day, sum(credits) AS credits,
    coalesce(sum(credits) FILTER (WHERE team_id IS NOT NULL), 0) AS team_credits,
    coalesce(sum(credits) FILTER (WHERE bucket = 'bypass'), 0) AS bypass_credits
  FROM allocation_line WHERE bucket IN ('direct', 'bypass') GROUP BY 1, 2
), hour AS (
  SELECT account, day, sum(credits) AS credits FROM allocation_hour_sum GROUP BY 1, 2
), driver AS (
  SELECT account, day, sum(credits) AS credits FROM allocation_driver_sum GROUP BY 1, 2
), bypass AS (
  SELECT account, day, sum(credits) AS credits FROM allocation_bypass_sum GROUP BY 1, 2
)
SELECT account, day, line.credits AS line_credits, hour.credits AS hour_credits, driver.credits AS driver_credits,
  bypass.credits AS bypass_credits
FROM line FULL JOIN allocation_summed_day d USING (account, day)
LEFT JOIN hour USING (account, day) LEFT JOIN driver USING (account, day) LEFT JOIN bypass USING (account, day)
WHERE d.is_stale IS NULL
  OR (NOT d.is_stale AND (coalesce(line.credits, 0), coalesce(line.team_credits, 0), coalesce(line.bypass_credits, 0))
    IS DISTINCT FROM (coalesce(hour.credits, 0), coalesce(driver.credits, 0), coalesce(bypass.credits, 0)));

INSERT INTO schema_release (name, older_may_run) VALUES ('0040_panel_sums', true);
