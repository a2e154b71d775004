/**
 * The bill of a team for a month that is still open: what its statements were charged on the proxy's clock and, once
 * Snowflake's metering is known, what that made of them. Its total is the sum of its lines, and of the charges with their
 * deltas, to the last decimal.
 */
import { csvRecord } from '#base/csv.js';
import { Fault } from '#base/errors.js';
import type { Queryable } from '#base/postgres/pool.js';
import { addCredits, addMoney, formatAmount } from '#base/units.js';
import type { Credits, Money } from '#base/units.js';
import { monthPeriod } from './period.js';
import { ledgerCall } from './postgres/availability.js';
import { billRows } from './postgres/bill-rows.js';
import type { BillRow } from './postgres/bill-rows.js';

export interface Bill {
  readonly status: 'provisional';
  readonly team: string;
  /** `YYYY-MM`, UTC as Snowflake's own days are. */
  readonly month: string;
  readonly currency: string;
  readonly lines: readonly BillRow[];
  readonly totalCredits: Credits;
  readonly totalMoney: Money;
  /** What was charged when the statements ended, before it was metered. */
  readonly provisionalCredits: Credits;
  readonly provisionalMoney: Money;
}

/** The bill as other people's scripts read it: amounts are decimal strings. */
export interface BillJson {
  readonly status: 'provisional';
  readonly team: string;
  readonly month: string;
  readonly currency: string;
  readonly lines: readonly {
    readonly day: string;
    readonly warehouse: string | null;
    readonly tier: string;
    readonly statements: number;
    readonly credits: string;
    readonly amount: string;
  }[];
  readonly totalCredits: string;
  readonly totalAmount: string;
  readonly provisionalCredits: string;
  readonly provisionalAmount: string;
}

/**
 * Reads the provisional bill of `teamId` for `month` (`YYYY-MM`), charges in `currency` only.
 * @throws Fault `requestMalformed` for another month format, `ledgerUnavailable` without the database.
 */
export async function readBill(
  db: Queryable,
  request: { readonly teamId: string; readonly month: string; readonly currency: string },
): Promise<Bill> {
  const { teamId, month, currency } = request;
  const period = monthPeriod(month, 'UTC');
  if (period === undefined) throw new Fault('requestMalformed', 'A month is written YYYY-MM.');
  const lines = await ledgerCall(() => billRows(db, teamId, period, currency));
  return {
    status: 'provisional',
    team: teamId,
    month,
    currency,
    lines,
    totalCredits: addCredits(...lines.map((line) => line.credits)),
    totalMoney: addMoney(...lines.map((line) => line.money)),
    provisionalCredits: addCredits(...lines.map((line) => line.provisionalCredits)),
    provisionalMoney: addMoney(...lines.map((line) => line.provisionalMoney)),
  };
}

export function billToJson(bill: Bill): BillJson {
  return {
    status: bill.status,
    team: bill.team,
    month: bill.month,
    currency: bill.currency,
    lines: bill.lines.map(({ day, warehouse, tier, statements, credits, money }) => ({
      day,
      warehouse,
      tier,
      statements,
      credits: formatAmount(credits),
      amount: formatAmount(money),
    })),
    totalCredits: formatAmount(bill.totalCredits),
    totalAmount: formatAmount(bill.totalMoney),
    provisionalCredits: formatAmount(bill.provisionalCredits),
    provisionalAmount: formatAmount(bill.provisionalMoney),
  };
}

const HEADER = [
  'status',
  'team',
  'month',
  'day',
  'warehouse',
  'tier',
  'statements',
  'credits',
  'amount',
  'currency',
];

/** RFC 4180: CRLF, a header, the lines, and a last record with the totals and `total` for its day. */
export function billToCsv(bill: Bill): string {
  const json = billToJson(bill);
  const head = [json.status, json.team, json.month];
  const statements = json.lines.reduce((sum, line) => sum + line.statements, 0);
  const records = json.lines.map((line) => [
    ...head,
    line.day,
    line.warehouse ?? '',
    line.tier,
    String(line.statements),
    line.credits,
    line.amount,
    json.currency,
  ]);
  const total = [
    ...head,
    'total',
    '',
    '',
    String(statements),
    json.totalCredits,
    json.totalAmount,
    json.currency,
  ];
  return [HEADER, ...records, total].map(csvRecord).join('');
}
