/** Opens the periods of budgets that contain an instant, each with its limit, where they are not open yet. */
import { Fault } from '#base/errors.js';
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { periodAt } from '../period.js';
import type { PeriodKind } from '../period.js';
import { jsonFor } from './ticket-row.js';

export interface BudgetRule {
  readonly id: string;
  readonly is_hard: boolean;
  readonly limit_credits: string | null;
  readonly period_kind: PeriodKind;
  readonly time_zone: string;
  readonly week_starts_on: number;
}

const RULES = `/* prepared: billing.budget_rules */
SELECT id, is_hard, limit_credits, period_kind, time_zone, week_starts_on FROM budget WHERE id = ANY($1)`;

// The share lock makes a change of the limit wait, so that no period opens with a limit that is being replaced.
const OPEN = `/* prepared: billing.open_periods */
WITH wanted AS (
  SELECT budget_id, starts_at, ends_at
  FROM jsonb_to_recordset($1::jsonb) AS w (budget_id text, starts_at timestamptz, ends_at timestamptz)
), rule AS MATERIALIZED (
  SELECT b.id, b.limit_kind, b.limit_credits, w.starts_at, w.ends_at
  FROM budget b JOIN wanted w ON w.budget_id = b.id
  ORDER BY b.id FOR SHARE OF b
), opened AS (
  INSERT INTO budget_period (budget_id, starts_at, ends_at, limit_kind, limit_credits)
  SELECT id, starts_at, ends_at, limit_kind, limit_credits FROM rule
  ON CONFLICT (budget_id, starts_at) DO NOTHING
  RETURNING id, limit_credits
), journalled AS (
  INSERT INTO journal (kind, key, author, reason, occurred_at)
  SELECT 'limit', 'open:' || id, 'tollgate', 'the period opened', $2 FROM opened WHERE limit_credits > 0
  RETURNING id, key
)
INSERT INTO entry (journal_id, ordinal, budget_period_id, account, credits)
SELECT j.id, x.ordinal, o.id, x.account, x.sign * o.limit_credits
FROM opened o JOIN journalled j ON j.key = 'open:' || o.id
CROSS JOIN (VALUES (1, 'limit', -1), (2, 'available', 1)) AS x (ordinal, account, sign)`;

/**
 * The definitions of the budgets.
 * @throws Fault `controlStale` when one is not there: nothing is admitted against a budget nobody knows.
 */
export async function budgetRules(
  db: Queryable,
  budgetIds: readonly string[],
): Promise<readonly BudgetRule[]> {
  const { rows } = await db.query<BudgetRule>(RULES, [budgetIds]);
  const missing = budgetIds.find((id) => !rows.some((row) => row.id === id));
  if (missing !== undefined) {
    throw new Fault(
      'controlStale',
      `The ledger does not know the budget ${missing.slice(0, 200)}.`,
    );
  }
  return rows;
}

/** Opens what is missing; repeating it, also at the same time, changes nothing. Budgets in id order. */
export async function openPeriods(
  db: Queryable,
  budgetIds: readonly string[],
  at: EpochMs,
): Promise<void> {
  const rules = await budgetRules(db, budgetIds);
  const wanted = rules.map((rule) => {
    const period = periodOf(rule, at);
    return {
      budget_id: rule.id,
      starts_at: new Date(period.startsAt).toISOString(),
      ends_at: new Date(period.endsAt).toISOString(),
    };
  });
  await db.query(OPEN, [jsonFor(wanted), new Date(at)]);
}

export function periodOf(
  rule: BudgetRule,
  at: EpochMs,
): { readonly startsAt: EpochMs; readonly endsAt: EpochMs } {
  return periodAt(
    { periodKind: rule.period_kind, timeZone: rule.time_zone, weekStartsOn: rule.week_starts_on },
    at,
  );
}
