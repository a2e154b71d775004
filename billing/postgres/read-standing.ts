import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { NO_CREDITS, parseCredits } from '#base/units.js';
import type { BudgetStanding } from '../ledger.js';
import { budgetRules, periodOf } from './open-periods.js';
import type { BudgetRule } from './open-periods.js';
import { STANDING_COLUMNS, standingOf } from './standing-row.js';
import type { StandingRow } from './standing-row.js';

const STANDING = `/* prepared: billing.standing */
SELECT DISTINCT ON (p.budget_id) ${STANDING_COLUMNS}
FROM budget_period p JOIN budget b ON b.id = p.budget_id
WHERE p.budget_id = ANY($1::text[]) AND p.starts_at <= $2 AND p.ends_at > $2
ORDER BY p.budget_id, p.starts_at DESC`;

/**
 * How the budgets stand in the period that contains `at`, in the order asked. A period that is not open yet is
 * shown as it will open; nothing is written.
 * @throws Fault `controlStale` for a budget the database does not have.
 */
export async function readStanding(
  db: Queryable,
  budgetIds: readonly string[],
  at: EpochMs,
): Promise<readonly BudgetStanding[]> {
  const { rows } = await db.query<StandingRow>(STANDING, [budgetIds, new Date(at)]);
  const found = new Map(rows.map((row) => [row.budget_id, standingOf(row, NO_CREDITS)]));
  const unopened = budgetIds.filter((id) => !found.has(id));
  if (unopened.length > 0) {
    for (const rule of await budgetRules(db, unopened))
      found.set(rule.id, unopenedStanding(rule, at));
  }
  return budgetIds.flatMap((id) => found.get(id) ?? []);
}

function unopenedStanding(rule: BudgetRule, at: EpochMs): BudgetStanding {
  const period = periodOf(rule, at);
  const limitCredits = rule.limit_credits === null ? null : parseCredits(rule.limit_credits);
  return {
    budgetId: rule.id,
    periodStartsAt: period.startsAt,
    periodEndsAt: period.endsAt,
    isHard: rule.is_hard,
    limitCredits,
    spentCredits: NO_CREDITS,
    heldCredits: NO_CREDITS,
    availableCredits: limitCredits,
  };
}
