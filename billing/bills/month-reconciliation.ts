/** A month held against Snowflake's own figures, with what does not agree and why. */
import type { Queryable } from '#base/postgres/pool.js';
import { type EpochMs, type Period, formatInstant } from '#base/time.js';
import {
  type Credits,
  type Money,
  NO_CREDITS,
  NO_MONEY,
  formatAmount,
  parseCredits,
  subtractCredits,
  subtractMoney,
} from '#base/units.js';
import { type MoneyDifference, readReconciliation } from '../read-reconciliation.js';
import type { ReconciledItem } from './billed-month.js';
import { serviceGroup } from './invoice.js';
import type { MonthPriceAt } from './month-terms.js';

/** Money of a service's day that has a cause: what was invoiced beyond what its use comes to. */
export interface DayVariance {
  readonly group: string;
  readonly day: string;
  readonly cause: string;
  readonly difference: Money;
}

export interface Reconciled {
  readonly meteredCredits: Credits;
  /** Worst first, credits before money. */
  readonly open: readonly ReconciledItem[];
  readonly variances: readonly DayVariance[];
}

export interface ReconciledMonth {
  readonly accounts: readonly string[];
  /** Those whose money is imported and settled. */
  readonly invoiced: ReadonlySet<string>;
  readonly period: Period;
  readonly priceAt: MonthPriceAt;
  readonly now: EpochMs;
}

// The account's own day where there is one, else the sum of its hours and of what is beside them.
const METERED = `/* prepared: billing.month_metered */
WITH billed AS (
  SELECT account, day, sum(billed_credits) AS credits FROM usage_day
  WHERE day >= ($1::timestamptz AT TIME ZONE 'UTC')::date AND day < ($2::timestamptz AT TIME ZONE 'UTC')::date
  GROUP BY 1, 2
), summed AS (
  SELECT account, (starts_at AT TIME ZONE 'UTC')::date AS day, metered_credits AS credits FROM usage_warehouse_hour
  WHERE starts_at >= $1 AND starts_at < $2
  UNION ALL
  SELECT account, day, amount FROM service_line WHERE unit = 'credits'
    AND day >= ($1::timestamptz AT TIME ZONE 'UTC')::date AND day < ($2::timestamptz AT TIME ZONE 'UTC')::date
), hours AS (
  SELECT account, day, sum(credits) AS credits FROM summed GROUP BY 1, 2
)
SELECT coalesce(sum(coalesce(b.credits, h.credits)), 0) AS credits FROM billed b FULL JOIN hours h USING (account, day)`;

/** Faults of Postgres propagate. */
export async function reconcileMonth(db: Queryable, month: ReconciledMonth): Promise<Reconciled> {
  const { period, priceAt, now } = month;
  const { rows } = await db.query<{ credits: string }>(METERED, [
    new Date(period.startsAt),
    new Date(period.endsAt),
  ]);
  const credits: ReconciledItem[] = [];
  const money: ReconciledItem[] = [];
  const variances: DayVariance[] = [];
  for (const account of month.accounts) {
    const found = await readReconciliation(db, {
      account,
      month: period,
      now,
      priceAt: (serviceType, at) => priceAt({ account, serviceType }, at),
    });
    for (const each of found.credits)
      credits.push({
        what: 'credits',
        subject: `${account} ${each.warehouse ?? 'all warehouses'} ${formatInstant(each.startsAt)}`,
        ours: formatAmount(each.credits),
        theirs: formatAmount(each.otherCredits),
        difference: formatAmount(subtractCredits(each.otherCredits, each.credits)),
        cause: each.grain === 'hour' ? 'hourDiffers' : 'dayDiffers',
      });
    if (!month.invoiced.has(account)) continue;
    for (const day of found.days) {
      const differing = differenceOf(account, day);
      if (differing === undefined) continue;
      variances.push(differing.variance);
      money.push(differing.item);
    }
  }
  return {
    meteredCredits: parseCredits(rows[0]?.credits ?? '0'),
    open: [...worstFirst(credits), ...worstFirst(money)],
    variances,
  };
}

function differenceOf(
  account: string,
  day: MoneyDifference,
): { readonly variance: DayVariance; readonly item: ReconciledItem } | undefined {
  if (day.cause === null) return undefined;
  const ours = day.computed ?? NO_MONEY;
  const theirs = day.cause === 'otherCurrency' ? NO_MONEY : (day.billed?.money ?? NO_MONEY);
  const difference = subtractMoney(theirs, ours);
  const { cause, serviceType } = day;
  return {
    variance: { group: serviceGroup(account, serviceType), day: day.day, cause, difference },
    item: {
      what: 'money',
      subject: `${account} ${serviceType}${day.isAdjustment ? ' adjustment' : ''} ${day.day}`,
      ours: formatAmount(ours),
      theirs: formatAmount(theirs),
      difference: formatAmount(difference),
      cause,
    },
  };
}

function worstFirst(items: readonly ReconciledItem[]): readonly ReconciledItem[] {
  const sizes = new Map(items.map((item) => [item, sizeOf(parseCredits(item.difference))]));
  return [...items].sort((a, b) => {
    const [left, right] = [sizes.get(a) ?? NO_CREDITS, sizes.get(b) ?? NO_CREDITS];
    if (left !== right) return left > right ? -1 : 1;
    return a.subject < b.subject ? -1 : 1;
  });
}

function sizeOf(credits: Credits): Credits {
  return credits < NO_CREDITS ? subtractCredits(NO_CREDITS, credits) : credits;
}
