-- What replicas have leased and no statement holds is available in the reporting views, too, as everywhere else.
-- older binaries: may run

-- `held_credits` is what statements hold, on the period itself and under leases; `leased_credits` stays what replicas have
-- set aside, held of it or not. spent + held + available is the limit (docs/budgets.md). Types are those of before.
CREATE OR REPLACE VIEW my_budget AS
SELECT b.id AS budget_id, b.node_id, n.name AS node_name, n.kind AS node_kind, b.tier, b.workload, b.unit, b.counts,
  b.is_hard, b.period_kind, b.time_zone, p.id AS budget_period_id, p.starts_at, p.ends_at, p.limit_kind,
  p.limit_credits, p.granted_credits, p.carried_credits, p.spent_credits,
  (p.held_credits + p.leased_credits - i.idle_credits)::numeric(38, 12) AS held_credits, p.leased_credits,
  p.overrun_credits,
  p.limit_credits + p.granted_credits + p.carried_credits - p.spent_credits - p.held_credits - p.leased_credits
    + i.idle_credits AS available_credits
FROM budget_period p JOIN budget b ON b.id = p.budget_id JOIN org_node n ON n.id = b.node_id
CROSS JOIN LATERAL (
  SELECT coalesce(sum(l.idle_credits), 0) AS idle_credits FROM lease l WHERE l.budget_period_id = p.id
) i;

-- One row a period of a budget, with the latest forecast.
CREATE OR REPLACE VIEW dash_budget AS
SELECT m.budget_id, m.budget_period_id, m.node_id, m.node_name, m.node_kind, m.tier, m.workload, m.is_hard,
  m.period_kind, m.starts_at, m.ends_at, m.limit_credits + m.granted_credits + m.carried_credits AS limit_credits,
  m.spent_credits, m.held_credits::numeric AS held_credits, m.available_credits AS remaining_credits,
  m.overrun_credits, f.forecast_at, f.low_credits AS forecast_low_credits,
  f.expected_credits AS forecast_credits, f.high_credits AS forecast_high_credits, f.exhausted_at
FROM my_budget m LEFT JOIN budget_forecast f ON f.budget_period_id = m.budget_period_id;

INSERT INTO schema_release (name, older_may_run) VALUES ('0047_idle_is_available', true);
