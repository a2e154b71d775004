/** What Snowflake invoiced for a month, by account and service, from USAGE_IN_CURRENCY_DAILY. */
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs, Period } from '#base/time.js';
import { type Money, parseMoney } from '#base/units.js';

export interface Invoice {
  /** By {@link serviceGroup}, exact. */
  readonly byGroup: ReadonlyMap<string, Money>;
  /** Accounts that have any money of the month. */
  readonly accounts: ReadonlySet<string>;
}

/** The documented latency of USAGE_IN_CURRENCY_DAILY. */
const MONEY_LATE_MS = 3 * 86_400_000;

/** Whether all money of the period has come by `now`. */
export function isMoneySettled(period: Period, now: EpochMs): boolean {
  return now >= period.endsAt + MONEY_LATE_MS;
}

/** What is rounded and compared together: a service of an account. */
export function serviceGroup(account: string, serviceType: string): string {
  return JSON.stringify([account, serviceType]);
}

/** What {@link serviceGroup} was made of. */
export function ofGroup(group: string): { readonly account: string; readonly serviceType: string } {
  const [account, serviceType] = JSON.parse(group) as [string, string];
  return { account, serviceType };
}

// A row without its typed columns is of what its legacy name says.
const INVOICED = `/* prepared: billing.month_invoiced */
SELECT account, CASE WHEN rating_type NOT IN ('COMPUTE', '') THEN rating_type
    ELSE coalesce(nullif(service_type, ''), usage_type) END AS service_type,
  currency, sum(money) AS money
FROM usage_money_day
WHERE day >= ($1::timestamptz AT TIME ZONE 'UTC')::date AND day < ($2::timestamptz AT TIME ZONE 'UTC')::date
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`;

/** Money in other currencies than `currency` is none of the invoice; its days have a cause. Faults of Postgres propagate. */
export async function readInvoice(
  db: Queryable,
  period: Period,
  currency: string,
): Promise<Invoice> {
  const { rows } = await db.query<{
    account: string;
    service_type: string;
    currency: string;
    money: string;
  }>(INVOICED, [new Date(period.startsAt), new Date(period.endsAt)]);
  return {
    byGroup: new Map(
      rows
        .filter((row) => row.currency === currency)
        .map((row) => [serviceGroup(row.account, row.service_type), parseMoney(row.money)]),
    ),
    accounts: new Set(rows.map(({ account }) => account)),
  };
}
