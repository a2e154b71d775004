/** Opens the periods of budgets that contain an instant, each with its limit and what the one before it left. */
import { Fault } from '#base/errors.js';
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs, Period } from '#base/time.js';
import { parseCredits } from '#base/units.js';
import { carriesAnything, periodsBetween } from '../carry.js';
import type { CarryRule } from '../carry.js';
import type { FiscalRule } from '../fiscal.js';
import { tryPeriodAt } from '../period.js';
import type { CustomRule, PeriodKind, PeriodRule } from '../period.js';
import { jsonFor } from './ticket-row.js';

export interface BudgetRule {
  readonly id: string;
  readonly is_hard: boolean;
  readonly limit_credits: string | null;
  readonly period_kind: PeriodKind;
  readonly time_zone: string;
  readonly week_starts_on: number;
  readonly period_fiscal: FiscalRule | null;
  readonly period_custom: CustomRule | null;
  readonly carry_percent: number | null;
  readonly carry_max_credits: string | null;
  readonly carry_debt: boolean;
}

const RULES = `/* prepared: billing.budget_rules */
SELECT id, is_hard, limit_credits, period_kind, time_zone, week_starts_on, period_fiscal, period_custom,
  carry_percent, carry_max_credits, carry_debt
FROM budget WHERE id = ANY($1)`;

// The share lock makes a change of the limit wait, so that no period opens with a limit that is being replaced. What the
// period before has left is read once its row is locked, in the order of ids as everywhere, and the row says from then on
// that it was carried: a top-up in it is judged by both. `correctCarried` follows what else still moves there.
const OPEN = `/* prepared: billing.open_periods */
WITH wanted AS (
  SELECT budget_id, starts_at, ends_at
  FROM jsonb_to_recordset($1::jsonb) AS w (budget_id text, starts_at timestamptz, ends_at timestamptz)
), rule AS MATERIALIZED (
  SELECT b.id, b.limit_kind, b.limit_credits, b.carry_percent, b.carry_max_credits, b.carry_debt,
    b.limit_kind = 'limited' AND (b.carry_percent IS NOT NULL OR b.carry_debt) AS carries, w.starts_at, w.ends_at
  FROM budget b JOIN wanted w ON w.budget_id = b.id
  ORDER BY b.id FOR SHARE OF b
), latest AS MATERIALIZED (
  SELECT e.id FROM rule r CROSS JOIN LATERAL (
    SELECT p.id FROM budget_period p
    WHERE r.carries AND p.budget_id = r.id AND p.ends_at <= r.starts_at ORDER BY p.ends_at DESC LIMIT 1
  ) e
), before AS MATERIALIZED (
  SELECT p.budget_id, p AS earlier FROM latest l JOIN budget_period p ON p.id = l.id
  ORDER BY p.id FOR NO KEY UPDATE OF p
), opened AS (
  INSERT INTO budget_period (budget_id, starts_at, ends_at, limit_kind, limit_credits, carried_from, carry_percent,
    carry_max_credits, carry_debt, carried_credits)
  SELECT r.id, r.starts_at, r.ends_at, r.limit_kind, r.limit_credits, (e.earlier).id, r.carry_percent,
    r.carry_max_credits, r.carry_debt,
    coalesce(credits_to_carry(e.earlier, r.carry_percent, r.carry_max_credits, r.carry_debt), 0)
  FROM rule r LEFT JOIN before e ON e.budget_id = r.id
  ON CONFLICT (budget_id, starts_at) DO NOTHING
  RETURNING id, coalesce(limit_credits, 0) AS limit_credits, carried_credits, carried_from
), marked AS (
  UPDATE budget_period p SET is_carried_on = true FROM opened o WHERE p.id = o.carried_from AND NOT p.is_carried_on
), amounts AS (
  SELECT id, 'limit' AS kind, 'open:' || id AS key, 'the period opened' AS reason, limit_credits AS credits FROM opened
  UNION ALL
  SELECT id, 'carry', 'carry:' || id || ':open', 'carried from the period before', carried_credits FROM opened
), journalled AS (
  INSERT INTO journal (kind, key, author, reason, occurred_at)
  SELECT kind, key, 'tollgate', reason, $2 FROM amounts WHERE credits <> 0
  RETURNING id, key
)
INSERT INTO entry (journal_id, ordinal, budget_period_id, account, credits)
SELECT j.id, x.ordinal, a.id, x.account, x.sign * a.credits
FROM amounts a JOIN journalled j ON j.key = a.key
CROSS JOIN (VALUES (1, 'limit', -1), (2, 'available', 1)) AS x (ordinal, account, sign)`;

const LATEST = `/* prepared: billing.latest_periods */
SELECT budget_id, max(ends_at) AS ends_at FROM budget_period
WHERE budget_id = ANY($1::text[]) AND ends_at <= $2 GROUP BY budget_id`;

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

/**
 * Opens what is missing; repeating it, also at the same time, changes nothing. Of budgets that carry, also the periods
 * since their latest one, oldest first. A budget whose own days do not contain `at` gets none.
 */
export async function openPeriods(
  db: Queryable,
  budgetIds: readonly string[],
  at: EpochMs,
): Promise<void> {
  const rules = await budgetRules(db, budgetIds);
  const chains = await periodsToOpen(db, rules, at);
  const rounds = Math.max(0, ...chains.map(({ periods }) => periods.length));
  for (let round = 0; round < rounds; round += 1) {
    const wanted = chains.flatMap(({ budgetId, periods }) => {
      const period = periods[round];
      return period === undefined ? [] : [toWanted(budgetId, period)];
    });
    await db.query(OPEN, [jsonFor(wanted), new Date(at)]);
  }
}

interface Chain {
  readonly budgetId: string;
  /** Oldest first; the last contains the instant. */
  readonly periods: readonly Period[];
}

async function periodsToOpen(
  db: Queryable,
  rules: readonly BudgetRule[],
  at: EpochMs,
): Promise<readonly Chain[]> {
  const carrying = rules.filter((rule) => carriesAnything(carryRuleOf(rule)));
  const latest = await latestEnds(
    db,
    carrying.map(({ id }) => id),
    at,
  );
  return rules.flatMap((rule): Chain[] => {
    const period = tryPeriodAt(periodRuleOf(rule), at);
    if (period === undefined) return [];
    const since = latest.get(rule.id);
    const between = since === undefined ? [] : periodsBetween(periodRuleOf(rule), since, period);
    return [{ budgetId: rule.id, periods: [...between, period] }];
  });
}

async function latestEnds(
  db: Queryable,
  budgetIds: readonly string[],
  at: EpochMs,
): Promise<ReadonlyMap<string, EpochMs>> {
  if (budgetIds.length === 0) return new Map();
  const { rows } = await db.query<{ budget_id: string; ends_at: Date }>(LATEST, [
    budgetIds,
    new Date(at),
  ]);
  return new Map(rows.map((row) => [row.budget_id, row.ends_at.getTime()]));
}

function toWanted(budgetId: string, period: Period): object {
  return {
    budget_id: budgetId,
    starts_at: new Date(period.startsAt).toISOString(),
    ends_at: new Date(period.endsAt).toISOString(),
  };
}

/** By what the budget begins and ends its periods. */
export function periodRuleOf(rule: BudgetRule): PeriodRule {
  return {
    periodKind: rule.period_kind,
    timeZone: rule.time_zone,
    weekStartsOn: rule.week_starts_on,
    fiscal: rule.period_fiscal,
    custom: rule.period_custom,
  };
}

/** What the budget carries; an unlimited one nothing. */
export function carryRuleOf(rule: BudgetRule): CarryRule {
  return {
    percent: rule.limit_credits === null ? null : rule.carry_percent,
    maxCredits: rule.carry_max_credits === null ? null : parseCredits(rule.carry_max_credits),
    debt: rule.limit_credits !== null && rule.carry_debt,
  };
}
