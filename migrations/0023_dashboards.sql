-- Dashboards: the views that Grafana and the gauges of the worker read.
-- older binaries: may run

-- Their columns are an interface: later releases widen them, and rename none. Amounts are numeric; what is drawn is
-- cast where it is drawn.

-- Times grow with the rows, so that a summary a few blocks long finds a day in a ledger of years.
CREATE INDEX charge_time ON charge USING brin (occurred_at) WITH (pages_per_range = 32);
CREATE INDEX ticket_refused ON ticket (occurred_at) WHERE refusal_code IS NOT NULL;

CREATE VIEW dash_team AS
SELECT t.id AS team_id, t.name AS team_name, t.cost_centre, p.id AS parent_id, p.name AS parent_name, t.is_active
FROM org_node t LEFT JOIN org_node p ON p.id = t.parent_id
WHERE t.kind = 'team';

-- One row a charge; `occurred_at` is when its statement was accepted, which decides the period.
CREATE VIEW dash_charge AS
SELECT c.occurred_at, c.ended_at, c.ticket_id, c.account, c.team_id, c.principal_id, c.tier, c.warehouse, c.credits,
  c.money AS amount, c.currency, c.warehouse_ms, c.bytes_scanned, c.basis AS charge_basis, t.statement_class,
  t.fingerprint, t.statement_shape, t.workload, t.warehouse_size, t.ending
FROM charge c LEFT JOIN ticket t ON t.id = c.ticket_id;

-- One row a statement that somebody holds credits for.
CREATE VIEW dash_open_ticket AS
SELECT t.id AS ticket_id, t.state, t.team_id, t.principal_id, t.tier, t.warehouse, t.statement_shape, t.fingerprint,
  t.occurred_at, t.sent_at, t.expected_credits, t.hold_credits, u.used_credits, u.ceiling_credits, u.used_at,
  t.price_per_credit, t.currency
FROM ticket t LEFT JOIN running_use u ON u.ticket_id = t.id
WHERE t.state IN ('RESERVED', 'SENT', 'RUNNING', 'IN_DOUBT');

CREATE VIEW dash_refusal AS
SELECT occurred_at, id AS ticket_id, team_id, principal_id, tier, warehouse, refusal_code,
  CASE left(refusal_code, 4) WHEN 'TG20' THEN 'budget' WHEN 'TG21' THEN 'rule' WHEN 'TG22' THEN 'ceiling'
    WHEN 'TG23' THEN 'queue' WHEN 'TG24' THEN 'approval' WHEN 'TG25' THEN 'ledger unavailable' ELSE 'other' END AS reason,
  refusal_message, statement_shape, fingerprint, expected_credits, high_credits
FROM ticket WHERE refusal_code IS NOT NULL;

-- One row a period of a budget, with the latest forecast. What is leased to replicas counts as held.
CREATE VIEW dash_budget AS
SELECT m.budget_id, m.budget_period_id, m.node_id, m.node_name, m.node_kind, m.tier, m.workload, m.is_hard,
  m.period_kind, m.starts_at, m.ends_at, m.limit_credits + m.granted_credits + m.carried_credits AS limit_credits,
  m.spent_credits, m.held_credits + m.leased_credits AS held_credits, m.available_credits AS remaining_credits,
  m.overrun_credits, f.forecast_at, f.low_credits AS forecast_low_credits,
  f.expected_credits AS forecast_credits, f.high_credits AS forecast_high_credits, f.exhausted_at
FROM my_budget m LEFT JOIN budget_forecast f ON f.budget_period_id = m.budget_period_id;

CREATE VIEW dash_budget_notice AS
SELECT n.fired_at, p.budget_id, b.node_id, n.measure, n.threshold, n.limit_credits, n.spent_credits,
  n.forecast_credits, n.exhausted_at, n.rearmed_at
FROM budget_notice n JOIN budget_period p ON p.id = n.budget_period_id JOIN budget b ON b.id = p.budget_id;

-- Queues as replicas told last; ages by the clock of the database, which waiting is counted by.
CREATE VIEW dash_lane AS
SELECT t.id AS tier, t.warehouse, t.concurrency_max, t.queue_max, coalesce(p.running, 0) AS running,
  coalesce(w.waiting, 0) AS waiting,
  coalesce(greatest(0, extract(epoch FROM clock_timestamp() - w.since)), 0)::double precision AS oldest_wait_seconds
FROM tier t
LEFT JOIN (SELECT tier, sum(jsonb_array_length(running)) AS running FROM lane_permit GROUP BY tier) p ON p.tier = t.id
LEFT JOIN (
  SELECT tier, count(*) AS waiting, min(since) AS since FROM lane_waiting WHERE granted_at IS NULL GROUP BY tier
) w ON w.tier = t.id;

-- One row an estimate of which the truth is known; q-error is the factor between the two, whichever way.
CREATE VIEW dash_estimate AS
SELECT c.occurred_at, c.team_id, c.tier, c.warehouse, t.basis, t.fingerprint, t.expected_credits, t.high_credits,
  c.credits AS used_credits,
  greatest(t.expected_credits / c.credits, c.credits / t.expected_credits)::double precision AS q_error,
  c.credits <= t.high_credits AS is_covered
FROM charge c JOIN ticket t ON t.id = c.ticket_id
WHERE c.credits > 0 AND t.expected_credits > 0;

-- One row a part of a metered warehouse-hour. `paying_team_id`: who bears it; nobody yet where no rule says so.
CREATE VIEW dash_allocation AS
SELECT l.starts_at, l.account, l.warehouse_id, h.warehouse, l.bucket, l.reason, l.team_id,
  l.team_id AS paying_team_id, l.principal_id, l.query_id, l.ticket_id, l.credits
FROM allocation_line l JOIN usage_warehouse_hour h USING (account, warehouse_id, starts_at);

-- One row a metered warehouse-hour with what it came apart into.
CREATE VIEW dash_metered_hour AS
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
  FROM allocation_line a
  WHERE a.account = h.account AND a.warehouse_id = h.warehouse_id AND a.starts_at = h.starts_at
) l;

-- One row a day of an account: the daily view of Snowflake, its hours, what was allocated of them, what was charged.
-- `charged_credits` are those of statements that ended on the day, by the clock of the proxy.
CREATE VIEW dash_reconciliation_day AS
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
  SELECT coalesce(sum(o.credits), 0) AS charged_credits FROM charge o
  WHERE o.account = d.account AND o.ended_at >= d.day::timestamp AT TIME ZONE 'UTC'
    AND o.ended_at < (d.day + 1)::timestamp AT TIME ZONE 'UTC'
    -- No statement runs for more than two days; the bound is what the index knows.
    AND o.occurred_at >= (d.day - 2)::timestamp AT TIME ZONE 'UTC'
    AND o.occurred_at < (d.day + 1)::timestamp AT TIME ZONE 'UTC'
) c;

-- Snowflake's own daily figures of every service.
CREATE VIEW dash_service_day AS
SELECT account, day, day::timestamp AT TIME ZONE 'UTC' AS day_at, service_type, compute_credits,
  cloud_services_credits, adjustment_credits, billed_credits
FROM usage_day;

-- What a team owes for a month, by line. Charges only, and provisional, until bills are closed.
CREATE VIEW dash_bill_line AS
SELECT date_trunc('month', occurred_at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AS month_at, team_id,
  'direct'::text AS line, 'provisional'::text AS status, currency, count(*) AS statements, sum(credits) AS credits,
  sum(money) AS amount
FROM charge
GROUP BY date_trunc('month', occurred_at AT TIME ZONE 'UTC'), team_id, currency;

CREATE VIEW dash_import AS
SELECT account, view_name, read_to, imported_at,
  extract(epoch FROM clock_timestamp() - imported_at)::double precision AS age_seconds
FROM usage_import;

CREATE VIEW dash_replica AS
SELECT r.id AS replica, split_part(r.id, '#', 1) AS name, r.started_at, r.seen_at,
  extract(epoch FROM clock_timestamp() - r.seen_at)::double precision AS silent_seconds, r.control_version,
  r.control_problem, coalesce(l.leases, 0) AS leases, coalesce(l.idle_credits, 0) AS idle_credits
FROM replica r
LEFT JOIN (
  SELECT replica, count(*) AS leases, sum(idle_credits) AS idle_credits FROM lease WHERE ended_at IS NULL GROUP BY replica
) l ON l.replica = r.id
WHERE r.stopped_at IS NULL;

INSERT INTO schema_release (name, older_may_run) VALUES ('0023_dashboards', true);
