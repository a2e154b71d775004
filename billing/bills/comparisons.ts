/** What finance asks first of a bill: the budget, the months before, and where an open month will end. */
import { roundToMinor } from '#base/currency.js';
import type { Queryable } from '#base/postgres/pool.js';
import { type EpochMs, type Period, tryParseMonth } from '#base/time.js';
import {
  type Credits,
  type Money,
  NO_MONEY,
  addMoney,
  mulDiv,
  parseCredits,
  parseMoney,
  priceCredits,
} from '#base/units.js';
import { monthBefore } from '../close/month-order.js';
import { type Comparison, UNALLOCATED, isOfEarlierMonth } from './billed-month.js';
import { type ExactLine, exactLines } from './month-lines.js';
import { WAREHOUSES, readMonthParts } from './month-parts.js';
import type { MonthTerms } from './month-terms.js';

/** How many months before are averaged; all of them must have data. */
const TRAILING = 3;
/** Less than a day says nothing of a month. */
const FORECAST_FROM_MS = 86_400_000;

type Totals = ReadonlyMap<string, Money>;

/** By team, of every team that has lines or stands in the terms, or of one team only. Faults of Postgres propagate. */
export async function readComparisons(
  db: Queryable,
  of: { readonly month: string; readonly period: Period; readonly lines: readonly ExactLine[] },
  terms: MonthTerms,
  onlyTeamId: string | null,
): Promise<ReadonlyMap<string, Comparison>> {
  const { month, period, lines } = of;
  const budgets = await budgetsOf(db, period, terms);
  const before: (Totals | undefined)[] = [];
  for (let at = monthBefore(month); before.length < TRAILING; at = monthBefore(at))
    before.push(await totalsOf(db, at, terms, onlyTeamId));
  const now = sumByTeam(lines.filter((line) => !isOfEarlierMonth(line)));
  const booked = sumByTeam(lines.filter(isOfEarlierMonth));
  const teams =
    onlyTeamId === null
      ? new Set([...terms.teams.map(({ id }) => id), ...now.keys(), ...booked.keys(), UNALLOCATED])
      : [onlyTeamId];
  return new Map(
    [...teams].map((teamId) => [
      teamId,
      {
        budgetMoney: budgets.get(teamId) ?? null,
        previousMoney: before[0]?.get(teamId) ?? (before[0] === undefined ? null : NO_MONEY),
        trailingMoney: meanOf(before, teamId, terms.currency),
        forecastMoney: forecastOf(
          now.get(teamId) ?? NO_MONEY,
          booked.get(teamId) ?? NO_MONEY,
          period,
          terms,
        ),
      },
    ]),
  );
}

// Periods of budgets in other zones begin some hours before or after the month does.
const BUDGETS = `/* prepared: billing.month_budgets */
SELECT m.node_id AS team_id, max(m.limit_credits + m.granted_credits + m.carried_credits) AS credits FROM my_budget m
JOIN budget b ON b.id = m.budget_id AND b.client IS NULL
WHERE m.node_kind = 'team' AND m.period_kind = 'month' AND m.limit_kind = 'limited' AND m.tier IS NULL AND m.workload IS NULL
  AND m.starts_at >= $1::timestamptz - interval '15 hours' AND m.starts_at < $1::timestamptz + interval '15 hours'
GROUP BY m.node_id`;

/** What the ledger had as the limit in that month, else what the document says now; at the price of the first day. */
async function budgetsOf(
  db: Queryable,
  { startsAt }: Period,
  { accounts, currency, priceAt, teams }: MonthTerms,
): Promise<Totals> {
  const price = priceAt({ account: accounts[0]?.id ?? '', serviceType: WAREHOUSES }, startsAt);
  if (price?.currency !== currency) return new Map();
  const { rows } = await db.query<{ team_id: string; credits: string }>(BUDGETS, [
    new Date(startsAt),
  ]);
  const held = new Map(rows.map((row) => [row.team_id, parseCredits(row.credits)]));
  const credits = teams.flatMap(({ id, budgetCredits }): [string, Credits][] => {
    const limit = held.get(id) ?? budgetCredits;
    return limit === null ? [] : [[id, limit]];
  });
  return new Map(
    credits.map(([id, limit]) => [
      id,
      roundToMinor(priceCredits(limit, price.pricePerCredit, 'half-even'), currency),
    ]),
  );
}

const FROZEN = `/* prepared: billing.frozen_totals */
SELECT b.team_id, b.total_amount FROM month_bill b WHERE b.freeze_id = (
  SELECT freeze_id FROM month_close WHERE month = $1 AND state <> 'superseded'
  ORDER BY state = 'closed' DESC, version DESC LIMIT 1)`;

/** As it was frozen, else as it stands; undefined: nothing is known of it. */
async function totalsOf(
  db: Queryable,
  month: string,
  terms: MonthTerms,
  onlyTeamId: string | null,
): Promise<Totals | undefined> {
  const { rows } = await db.query<{ team_id: string; total_amount: string }>(FROZEN, [month]);
  if (rows.length > 0)
    return new Map(rows.map((row) => [row.team_id, parseMoney(row.total_amount)]));
  const period = tryParseMonth(month);
  if (period === undefined) return undefined;
  const own = await readMonthParts(db, period, terms.currency, onlyTeamId);
  // A team without any says nothing of the month: whether anything is known of it the others tell.
  const parts =
    own.length > 0 || onlyTeamId === null ? own : await readMonthParts(db, period, terms.currency);
  if (parts.length === 0) return undefined;
  const sums = sumByTeam(exactLines(month, parts, { ...terms, prepaidOf: () => NO_MONEY }).lines);
  return new Map([...sums].map(([id, money]) => [id, roundToMinor(money, terms.currency)]));
}

function sumByTeam(lines: readonly ExactLine[]): Totals {
  const sums = new Map<string, Money>();
  for (const { teamId, effectiveMoney } of lines)
    sums.set(teamId, addMoney(sums.get(teamId) ?? NO_MONEY, effectiveMoney));
  return sums;
}

function meanOf(
  months: readonly (Totals | undefined)[],
  teamId: string,
  currency: string,
): Money | null {
  let sum = NO_MONEY;
  for (const totals of months) {
    if (totals === undefined) return null;
    sum = addMoney(sum, totals.get(teamId) ?? NO_MONEY);
  }
  return roundToMinor(mulDiv(sum, 1n, BigInt(months.length), 'half-even') as Money, currency);
}

/**
 * As if the rest of the month went on like what has passed of its own; null once it is over.
 * @param booked corrections and adjustments of earlier months: they are on the bill once.
 */
function forecastOf(
  own: Money,
  booked: Money,
  { startsAt, endsAt }: Period,
  { now, currency }: { readonly now: EpochMs; readonly currency: string },
): Money | null {
  const passed = now - startsAt;
  if (passed < FORECAST_FROM_MS || now >= endsAt) return null;
  const whole = mulDiv(own, BigInt(endsAt - startsAt), BigInt(Math.floor(passed)), 'half-even');
  return roundToMinor(addMoney(whole as Money, booked), currency);
}
