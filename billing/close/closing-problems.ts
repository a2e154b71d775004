/** What keeps a month from being frozen: figures that are still to come, or that nothing can be worked out of. */
import type { Queryable } from '#base/postgres/pool.js';
import { type EpochMs, type Period, formatInstant } from '#base/time.js';
import type { OpenMonth } from '../bills/open-month.js';
import { firstDayOf, lastDayOf } from '../bills/days.js';
import { isMoneySettled } from '../bills/invoice.js';
import { NEEDED_VIEWS, VIEWS, type UsageView } from '../usage/read-views.js';

export const PROBLEM_KINDS = [
  'month',
  'view',
  'money',
  'hours',
  'days',
  'price',
  'exchangeRate',
  'unmetered',
] as const;

export interface ClosingProblem {
  readonly what: (typeof PROBLEM_KINDS)[number];
  /** What it is of: `demo QUERY_HISTORY`, `demo WAREHOUSE_METERING 2026-10-05`. */
  readonly subject: string;
  readonly why: string;
  readonly wayOut: string;
}

/** Prices of single days that are named; the rest is a count. */
const PRICES_MAX = 10;

const HOURS = `/* prepared: billing.closing_hours */
SELECT account, count(*) FILTER (WHERE is_stale OR allocated_at IS NULL)::integer AS waiting,
  min(problem) FILTER (WHERE problem IS NOT NULL) AS problem
FROM usage_warehouse_hour WHERE starts_at >= $1 AND starts_at < $2
GROUP BY account HAVING count(*) FILTER (WHERE is_stale OR allocated_at IS NULL) > 0 ORDER BY account`;

const DAYS = `/* prepared: billing.closing_days */
SELECT account, count(*)::integer AS waiting FROM service_day
WHERE day >= ($1::timestamptz AT TIME ZONE 'UTC')::date AND day < ($2::timestamptz AT TIME ZONE 'UTC')::date AND is_stale
GROUP BY account ORDER BY account`;

const IMPORTS = `/* prepared: billing.closing_imports */
SELECT account, view_name, read_to FROM usage_import WHERE view_name = ANY($1::text[]) ORDER BY account, view_name`;

const HAS_MONEY = `/* prepared: billing.closing_money */
SELECT DISTINCT account FROM usage_money_day ORDER BY account`;

/**
 * Every one of them; empty: the month can be frozen. Of a month that has not begun that alone. Faults of Postgres
 * propagate.
 */
export async function readClosingProblems(
  db: Queryable,
  period: Period,
  now: EpochMs,
  open: Pick<OpenMonth, 'billed' | 'missingPrices' | 'missingRates' | 'unmeteredStatements'>,
): Promise<readonly ClosingProblem[]> {
  if (now < period.startsAt) return [notBegun(period)];
  const span = [new Date(period.startsAt), new Date(period.endsAt)];
  const hours = await db.query<{ account: string; waiting: number; problem: string | null }>(
    HOURS,
    span,
  );
  const days = await db.query<{ account: string; waiting: number }>(DAYS, span);
  return [
    ...notOver(period, now),
    ...(await lateViews(db, period)),
    ...(await lateMoney(db, period, now)),
    ...hours.rows.map(({ account, waiting, problem }): ClosingProblem => ({
      what: 'hours',
      subject: account,
      why: `${countText(waiting, 'warehouse-hour')} not allocated${problem === null ? '' : `: ${problem}`}`,
      wayOut:
        problem === null
          ? 'tollgate import allocates them'
          : 'add what is missing to the control document, then tollgate import',
    })),
    ...days.rows.map(({ account, waiting }): ClosingProblem => ({
      what: 'days',
      subject: account,
      why: `services of ${countText(waiting, 'day')} not allocated`,
      wayOut: 'tollgate import allocates them',
    })),
    ...unmetered(open.unmeteredStatements),
    ...priceProblems(open.missingPrices),
    ...rateProblems(open),
  ];
}

function rateProblems({
  billed: { month, currency },
  missingRates,
}: Pick<OpenMonth, 'billed' | 'missingRates'>): readonly ClosingProblem[] {
  const day = lastDayOf(month);
  return missingRates.map((into) => ({
    what: 'exchangeRate',
    subject: `${currency} to ${into}, ${month}`,
    why: `bills are in ${into}, and no exchange rate is in force on ${day}`,
    wayOut: `enter one (tollgate close rate ${into} <rate> --from ${firstDayOf(month)}) and let another person accept it`,
  }));
}

function notBegun({ startsAt }: Period): ClosingProblem {
  return {
    what: 'month',
    subject: 'the month',
    why: `has not begun: it begins at ${formatInstant(startsAt)}`,
    wayOut: 'name a month that has begun',
  };
}

function notOver(period: Period, now: EpochMs): readonly ClosingProblem[] {
  if (now >= period.endsAt) return [];
  const ends = formatInstant(period.endsAt);
  return [
    {
      what: 'month',
      subject: 'the month',
      why: `goes on until ${ends}`,
      wayOut: 'wait for its end',
    },
  ];
}

async function lateViews(db: Queryable, period: Period): Promise<readonly ClosingProblem[]> {
  const { rows } = await db.query<{ account: string; view_name: UsageView; read_to: Date }>(
    IMPORTS,
    [[...NEEDED_VIEWS]],
  );
  return rows.flatMap((row): readonly ClosingProblem[] => {
    const complete = period.endsAt + VIEWS[row.view_name].lateMs;
    if (row.read_to.getTime() >= complete) return [];
    return [
      {
        what: 'view',
        subject: `${row.account} ${row.view_name}`,
        why: `read to ${formatInstant(row.read_to.getTime())}, and rows of the month come until ${formatInstant(complete)}`,
        wayOut: 'wait until then, and import',
      },
    ];
  });
}

/** An account whose money is imported is billed by it, so that its month waits for all of it. */
async function lateMoney(
  db: Queryable,
  period: Period,
  now: EpochMs,
): Promise<readonly ClosingProblem[]> {
  if (isMoneySettled(period, now)) return [];
  const { rows } = await db.query<{ account: string }>(HAS_MONEY);
  return rows.map(({ account }) => ({
    what: 'money',
    subject: `${account} USAGE_IN_CURRENCY_DAILY`,
    why: 'money of the last days comes up to 72 hours late',
    wayOut: 'close from the fourth of the month on',
  }));
}

function unmetered(statements: number): readonly ClosingProblem[] {
  if (statements === 0) return [];
  return [
    {
      what: 'unmetered',
      subject: countText(statements, 'statement'),
      why: 'charged, and the hours after which they ran are not metered',
      wayOut:
        'wait for their metering; three days after the month what was never metered is signed off',
    },
  ];
}

function priceProblems(missing: OpenMonth['missingPrices']): readonly ClosingProblem[] {
  const named = [...missing]
    .map((each) => ({ ...each, subject: `${each.account} ${each.serviceType} ${each.day}` }))
    .sort((a, b) => (a.subject < b.subject ? -1 : 1));
  const rest = named.length - PRICES_MAX;
  return named.slice(0, PRICES_MAX).map(({ subject, currency }, index) => ({
    what: 'price',
    subject: index === PRICES_MAX - 1 && rest > 0 ? `${subject} and ${rest} more` : subject,
    why:
      currency === null
        ? 'no price is in force on that day'
        : `the price of that day is in ${currency}, which is not the billing currency`,
    wayOut:
      'import the rate sheet, accept a held price, or add it to prices in the control document',
  }));
}

function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
