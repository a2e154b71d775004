/**
 * What is read of ORGANIZATION_USAGE: prices and money, of every account of the organization; which account a row is of
 * is told by the caller. Rows change until the month is closed. Source: Snowflake, "Organization Usage", and the page of
 * each view.
 */
import { sumMoney, formatAmount, parseMoney } from '#base/units.js';
import type { RowReader } from './usage-rows.js';
import { readColumns } from './view-reading.js';
import type { ViewReading } from './view-reading.js';

const DAY_MS = 86_400_000;
const IN_ORGANIZATION = {
  schema: 'ORGANIZATION_USAGE',
  grant: 'ORGANIZATION_BILLING_VIEWER',
  // What is said of a month may change until it is closed, some days after its end.
  lateMs: 40 * DAY_MS,
} as const;

/** The typed columns name what a row is of; USAGE_TYPE is their legacy and tells only whether the contract was used up. */
const TYPED = 'USAGE_TYPE RATING_TYPE? SERVICE_TYPE? BILLING_TYPE? IS_ADJUSTMENT?:flag';
const WHOSE = 'ORGANIZATION_NAME? ACCOUNT_NAME ACCOUNT_LOCATOR?';

export const RATE_SHEET_DAILY: ViewReading = {
  ...IN_ORGANIZATION,
  time: 'DATE',
  columns: readColumns(
    `DATE:day ${WHOSE} ${TYPED} CURRENCY EFFECTIVE_RATE:amount REGION? SERVICE_LEVEL?`,
  ),
  toRow: (read) => ({
    day: read.day('DATE'),
    ...typed(read),
    currency: currency(read),
    effective_rate: read.signedOrNull('EFFECTIVE_RATE'),
    region: read.textOrNull('REGION'),
    edition: read.textOrNull('SERVICE_LEVEL'),
  }),
};

export const USAGE_IN_CURRENCY_DAILY: ViewReading = {
  ...IN_ORGANIZATION,
  time: 'USAGE_DATE',
  columns: readColumns(
    `USAGE_DATE:day ${WHOSE} ${TYPED} CURRENCY USAGE:amount USAGE_IN_CURRENCY:amount BALANCE_SOURCE?`,
  ),
  toRow: (read) => ({
    day: read.day('USAGE_DATE'),
    ...typed(read),
    currency: currency(read),
    balance_source: read.textOrNull('BALANCE_SOURCE') ?? '',
    usage_amount: read.signed('USAGE'),
    money: read.signed('USAGE_IN_CURRENCY'),
  }),
};

const BALANCES = [
  'FREE_USAGE_BALANCE',
  'CAPACITY_BALANCE',
  'ON_DEMAND_CONSUMPTION_BALANCE',
  'ROLLOVER_BALANCE',
] as const;

/** Of the contract, not of an account. */
export const REMAINING_BALANCE_DAILY: ViewReading = {
  ...IN_ORGANIZATION,
  time: 'DATE',
  columns: readColumns(
    `DATE:day CONTRACT_NUMBER? CURRENCY ${BALANCES.map((name) => `${name}?:amount`).join(' ')}`,
  ),
  toRow: (read) => ({
    day: read.day('DATE'),
    contract: read.textOrNull('CONTRACT_NUMBER') ?? '',
    currency: currency(read),
    balance: formatAmount(sumMoney(BALANCES.map((name) => parseMoney(read.signed(name))))),
  }),
};

/** What a row of an organization view is of, in every way that accounts are named; null: of no single account. */
export function accountNames(read: RowReader): readonly string[] {
  const name = read.textOrNull('ACCOUNT_NAME');
  const organization = read.textOrNull('ORGANIZATION_NAME');
  const names = [name, read.textOrNull('ACCOUNT_LOCATOR')].filter((each) => each !== null);
  return organization === null || name === null ? names : [...names, `${organization}-${name}`];
}

function typed(read: RowReader): Readonly<Record<string, string | boolean>> {
  const usageType = read.text('USAGE_TYPE');
  return {
    usage_type: usageType,
    rating_type: (read.textOrNull('RATING_TYPE') ?? '').toUpperCase(),
    service_type: (read.textOrNull('SERVICE_TYPE') ?? '').toUpperCase(),
    billing_type: (read.textOrNull('BILLING_TYPE') ?? '').toUpperCase(),
    is_adjustment: read.flagOrNull('IS_ADJUSTMENT') ?? false,
  };
}

function currency(read: RowReader): string {
  return read.text('CURRENCY').toUpperCase();
}
