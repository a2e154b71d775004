import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs, Period } from '#base/time.js';
import { NO_CREDITS, addCredits, parseCredits } from '#base/units.js';
import type { Credits } from '#base/units.js';
import { carriesAnything, creditsToCarry, periodsBetween } from '../carry.js';
import type { BudgetStanding } from '../ledger.js';
import { tryPeriodAt } from '../period.js';
import { budgetRules, carryRuleOf, periodRuleOf } from './open-periods.js';
import type { BudgetRule } from './open-periods.js';
import { STANDING_COLUMNS, standingOf } from './standing-row.js';
import type { StandingRow } from './standing-row.js';

const STANDING = `/* prepared: billing.standing */
SELECT DISTINCT ON (p.budget_id) ${STANDING_COLUMNS},
  (SELECT coalesce(sum(l.idle_credits), 0) FROM lease l WHERE l.budget_period_id = p.id) AS idle_credits
FROM budget_period p JOIN budget b ON b.id = p.budget_id
WHERE p.budget_id = ANY($1::text[]) AND p.starts_at <= $2 AND p.ends_at > $2
ORDER BY p.budget_id, p.starts_at DESC`;

const LATEST = `/* prepared: billing.latest_amounts */
SELECT DISTINCT ON (budget_id) budget_id, ends_at, limit_credits, granted_credits, carried_credits,
  spent_credits + held_credits + leased_credits AS used_credits
FROM budget_period WHERE budget_id = ANY($1::text[]) AND ends_at <= $2
ORDER BY budget_id, ends_at DESC`;

/**
 * How the budgets stand in the period that contains `at`, in the order asked; a budget whose own days do not contain it
 * is left out. What is leased and idle is available: it is given to whoever is short. A period that is not open yet is
 * shown as it will open; nothing is written.
 * @throws Fault `controlStale` for a budget the database does not have.
 */
export async function readStanding(
  db: Queryable,
  budgetIds: readonly string[],
  at: EpochMs,
): Promise<readonly BudgetStanding[]> {
  const { rows } = await db.query<StandingRow>(STANDING, [budgetIds, new Date(at)]);
  const found = new Map(rows.map((row) => [row.budget_id, standingOf(row)]));
  const unopened = budgetIds.filter((id) => !found.has(id));
  if (unopened.length > 0) {
    const rules = await budgetRules(db, unopened);
    const latest = await latestPeriods(db, rules, at);
    for (const rule of rules) {
      const period = tryPeriodAt(periodRuleOf(rule), at);
      if (period === undefined) continue;
      const carriedCredits = carriedInto(rule, period, latest.get(rule.id));
      found.set(rule.id, unopenedStanding(rule, period, carriedCredits));
    }
  }
  return budgetIds.flatMap((id) => found.get(id) ?? []);
}

interface LatestRow {
  readonly budget_id: string;
  readonly ends_at: Date;
  readonly limit_credits: string | null;
  readonly granted_credits: string;
  readonly carried_credits: string;
  readonly used_credits: string;
}

async function latestPeriods(
  db: Queryable,
  rules: readonly BudgetRule[],
  at: EpochMs,
): Promise<ReadonlyMap<string, LatestRow>> {
  const carrying = rules.filter((rule) => carriesAnything(carryRuleOf(rule))).map(({ id }) => id);
  if (carrying.length === 0) return new Map();
  const { rows } = await db.query<LatestRow>(LATEST, [carrying, new Date(at)]);
  return new Map(rows.map((row) => [row.budget_id, row]));
}

/** What the period will be given from the latest one, through those in between in which nothing was asked. */
function carriedInto(rule: BudgetRule, period: Period, latest: LatestRow | undefined): Credits {
  if (latest === undefined) return NO_CREDITS;
  const carry = carryRuleOf(rule);
  const limitCredits = rule.limit_credits === null ? null : parseCredits(rule.limit_credits);
  let carried = creditsToCarry(carry, {
    limitCredits: latest.limit_credits === null ? null : parseCredits(latest.limit_credits),
    grantedCredits: parseCredits(latest.granted_credits),
    carriedCredits: parseCredits(latest.carried_credits),
    usedCredits: parseCredits(latest.used_credits),
  });
  const gaps = periodsBetween(periodRuleOf(rule), latest.ends_at.getTime(), period);
  const empty = { limitCredits, grantedCredits: NO_CREDITS, usedCredits: NO_CREDITS };
  for (const _ of gaps) carried = creditsToCarry(carry, { ...empty, carriedCredits: carried });
  return carried;
}

function unopenedStanding(
  rule: BudgetRule,
  period: Period,
  carriedCredits: Credits,
): BudgetStanding {
  const limitCredits =
    rule.limit_credits === null
      ? null
      : addCredits(parseCredits(rule.limit_credits), carriedCredits);
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
