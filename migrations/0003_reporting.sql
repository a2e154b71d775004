-- Reporting: what callers, leads and finance read, and the views that must stay empty.
-- older binaries: may run

CREATE VIEW my_queries AS
SELECT t.id AS ticket_id, t.team_id, t.principal_id, t.account, t.snowflake_query_id, t.state, t.tier, t.warehouse,
  t.warehouse_size, t.statement_class, t.fingerprint, t.statement_shape, t.workload, t.basis, t.low_credits,
  t.expected_credits, t.high_credits, t.expected_seconds, t.hold_credits, c.credits AS charged_credits,
  c.money AS charged_amount, t.currency, t.refusal_code, t.refusal_message, t.refusal_detail, t.ending, t.end_code,
  t.bytes_scanned, t.rows_produced, c.warehouse_ms, t.occurred_at, t.sent_at, t.running_at, t.ended_at
FROM ticket t LEFT JOIN charge c ON c.ticket_id = t.id;

CREATE VIEW my_budget AS
SELECT b.id AS budget_id, b.node_id, n.name AS node_name, n.kind AS node_kind, b.tier, b.workload, b.unit, b.counts,
  b.is_hard, b.period_kind, b.time_zone, p.id AS budget_period_id, p.starts_at, p.ends_at, p.limit_kind,
  p.limit_credits, p.granted_credits, p.carried_credits, p.spent_credits, p.held_credits, p.leased_credits,
  p.overrun_credits,
  p.limit_credits + p.granted_credits + p.carried_credits - p.spent_credits - p.held_credits - p.leased_credits
    AS available_credits
FROM budget_period p JOIN budget b ON b.id = p.budget_id JOIN org_node n ON n.id = b.node_id;

CREATE VIEW daily_charge AS
SELECT team_id, (occurred_at AT TIME ZONE 'UTC')::date AS day, warehouse, tier, currency, count(*) AS statements,
  sum(credits) AS credits, sum(money) AS money, sum(warehouse_ms) AS warehouse_ms, sum(bytes_scanned) AS bytes_scanned
FROM charge
GROUP BY team_id, (occurred_at AT TIME ZONE 'UTC')::date, warehouse, tier, currency;

CREATE VIEW refusals AS
SELECT id AS ticket_id, team_id, principal_id, tier, warehouse, refusal_code, refusal_message, refusal_detail,
  statement_class, fingerprint, statement_shape, expected_credits, high_credits, basis, occurred_at
FROM ticket WHERE refusal_code IS NOT NULL;

-- q-error is the factor between expected and charged, whichever way; covered: the 90 % estimate was enough.
CREATE VIEW estimate_accuracy AS
SELECT t.team_id, t.principal_id, t.basis, (c.occurred_at AT TIME ZONE 'UTC')::date AS day, count(*) AS statements,
  percentile_cont(0.5) WITHIN GROUP (ORDER BY greatest(t.expected_credits / c.credits, c.credits / t.expected_credits))
    AS q_error_p50,
  percentile_cont(0.9) WITHIN GROUP (ORDER BY greatest(t.expected_credits / c.credits, c.credits / t.expected_credits))
    AS q_error_p90,
  avg((c.credits <= t.high_credits)::integer)::double precision AS coverage
FROM charge c JOIN ticket t ON t.id = c.ticket_id
WHERE c.credits > 0 AND t.expected_credits > 0
GROUP BY t.team_id, t.principal_id, t.basis, (c.occurred_at AT TIME ZONE 'UTC')::date;

-- I1: a hard budget past its limit by more than its overrun.
CREATE VIEW invariant_limit AS
SELECT p.id AS budget_period_id, p.budget_id, p.spent_credits, p.held_credits, p.leased_credits, p.overrun_credits,
  p.limit_credits
FROM budget_period p JOIN budget b ON b.id = p.budget_id
WHERE b.is_hard AND p.limit_kind = 'limited'
  AND NOT EXISTS (
    -- A limit lowered below what is spent and held, or a grant that ended, is no admission.
    SELECT FROM entry e JOIN journal j ON j.id = e.journal_id
    WHERE e.budget_period_id = p.id AND e.account = 'limit' AND e.credits > 0
  )
  AND p.spent_credits - p.overrun_credits + p.held_credits + p.leased_credits
    > p.limit_credits + p.granted_credits + p.carried_credits;

-- I2: open holds are what the period says is held, and only open tickets hold.
CREATE VIEW invariant_holds AS
SELECT p.id AS budget_period_id, p.held_credits, coalesce(sum(h.credits), 0) AS open_credits
FROM budget_period p LEFT JOIN hold h ON h.budget_period_id = p.id AND h.closed_at IS NULL
GROUP BY p.id, p.held_credits
HAVING p.held_credits <> coalesce(sum(h.credits), 0);

CREATE VIEW invariant_hold_states AS
SELECT h.ticket_id, h.budget_period_id, t.state, h.closed_at
FROM hold h JOIN ticket t ON t.id = h.ticket_id
WHERE (h.closed_at IS NULL) <> (t.state IN ('RESERVED', 'SENT', 'RUNNING', 'IN_DOUBT'));

-- I2, I3: every balance is the sum of its entries, and the entries of a journal sum to zero.
CREATE VIEW invariant_entries AS
SELECT coalesce(p.id, e.budget_period_id) AS budget_period_id, p.held_credits, e.held, p.spent_credits, e.spent,
  p.limit_credits, e.given
FROM budget_period p
FULL JOIN (
  SELECT budget_period_id, sum(credits) AS total,
    coalesce(sum(credits) FILTER (WHERE account = 'held'), 0) AS held,
    coalesce(sum(credits) FILTER (WHERE account = 'spent'), 0) AS spent,
    coalesce(-sum(credits) FILTER (WHERE account = 'limit'), 0) AS given
  FROM entry GROUP BY budget_period_id
) e ON e.budget_period_id = p.id
WHERE p.id IS NULL OR coalesce(e.total, 0) <> 0 OR p.held_credits <> coalesce(e.held, 0)
  OR p.spent_credits <> coalesce(e.spent, 0)
  OR coalesce(p.limit_credits, 0) + p.granted_credits + p.carried_credits <> coalesce(e.given, 0);

CREATE VIEW invariant_journals AS
SELECT journal_id, budget_period_id, sum(credits) AS credits
FROM entry GROUP BY journal_id, budget_period_id HAVING sum(credits) <> 0;

-- I3: a settled ticket that held has one charge, and its settling journal moved just that.
CREATE VIEW invariant_charges AS
SELECT t.id AS ticket_id, t.state, count(c.ticket_id) AS charges
FROM ticket t
LEFT JOIN charge c ON c.ticket_id = t.id
WHERE t.state = 'SETTLED' OR c.ticket_id IS NOT NULL
GROUP BY t.id, t.state
HAVING (t.state <> 'SETTLED' AND count(c.ticket_id) > 0)
  OR (count(c.ticket_id) <> 1 AND EXISTS (SELECT FROM journal j WHERE j.ticket_id = t.id));

CREATE VIEW invariant_settlements AS
SELECT c.ticket_id, e.budget_period_id, c.credits, e.credits AS entered
FROM charge c JOIN entry e ON e.journal_id = c.journal_id AND e.account = 'spent'
WHERE e.credits <> c.credits;

INSERT INTO schema_release (name, older_may_run) VALUES ('0003_reporting', true);
