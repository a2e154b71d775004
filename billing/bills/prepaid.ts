/**
 * What of the money of a day Snowflake took from a balance that was paid before, by account and service: nothing of it is
 * invoiced again. Source: BALANCE_SOURCE of USAGE_IN_CURRENCY_DAILY.
 */
import type { Queryable } from '#base/postgres/pool.js';
import type { Period } from '#base/time.js';
import { type Money, NO_MONEY, compareAmounts, mulDiv, parseMoney } from '#base/units.js';

/** What of `money` of a service's day was drawn from a balance. */
export type PrepaidOf = (
  of: { readonly account: string; readonly serviceType: string; readonly chargeDay: string },
  money: Money,
) => Money;

export interface DrawnDay {
  readonly account: string;
  readonly serviceType: string;
  readonly day: string;
  readonly drawn: Money;
  readonly money: Money;
}

// A row without its typed columns is of what its legacy name says.
const DRAWN = `/* prepared: billing.month_prepaid */
SELECT account, to_char(day, 'YYYY-MM-DD') AS day,
  CASE WHEN rating_type NOT IN ('COMPUTE', '') THEN rating_type
    ELSE coalesce(nullif(service_type, ''), usage_type) END AS service_type,
  sum(money) FILTER (WHERE balance_source IN ('capacity', 'rollover', 'free usage')) AS drawn, sum(money) AS money
FROM usage_money_day
WHERE day >= ($1::timestamptz AT TIME ZONE 'UTC')::date AND day < ($2::timestamptz AT TIME ZONE 'UTC')::date
  AND currency = $3
GROUP BY 1, 2, 3`;

/** Days whose money is not imported, and contracts without a balance, draw nothing. Faults of Postgres propagate. */
export async function readPrepaid(
  db: Queryable,
  period: Period,
  currency: string,
): Promise<PrepaidOf> {
  const { rows } = await db.query<{
    account: string;
    day: string;
    service_type: string;
    drawn: string | null;
    money: string;
  }>(DRAWN, [new Date(period.startsAt), new Date(period.endsAt), currency]);
  return prepaidBy(
    rows.map((row) => ({
      account: row.account,
      serviceType: row.service_type,
      day: row.day,
      drawn: row.drawn === null ? NO_MONEY : parseMoney(row.drawn),
      money: parseMoney(row.money),
    })),
  );
}

/** On the day on which a balance runs out each line was drawn in the same proportion. */
export function prepaidBy(days: readonly DrawnDay[]): PrepaidOf {
  const byDay = new Map(
    days.map((each) => [keyOf(each.account, each.serviceType, each.day), each]),
  );
  return ({ account, serviceType, chargeDay }, money) => {
    const day = byDay.get(keyOf(account, serviceType, chargeDay));
    if (day === undefined || day.drawn === NO_MONEY) return NO_MONEY;
    if (day.drawn === day.money) return money;
    if (compareAmounts(day.money, NO_MONEY) <= 0) return NO_MONEY;
    return mulDiv(money, day.drawn, day.money, 'half-even') as Money;
  };
}

/** What of `money` was drawn from a balance, if it was in the proportion of a line of the same service and day. */
export function drawnAlike(
  like: { readonly effectiveMoney: Money; readonly prepaidMoney: Money },
  money: Money,
): Money {
  if (like.prepaidMoney === NO_MONEY) return NO_MONEY;
  if (like.prepaidMoney === like.effectiveMoney) return money;
  if (compareAmounts(like.effectiveMoney, NO_MONEY) <= 0) return NO_MONEY;
  return mulDiv(money, like.prepaidMoney, like.effectiveMoney, 'half-even') as Money;
}

function keyOf(account: string, serviceType: string, day: string): string {
  return JSON.stringify([account, serviceType, day]);
}
