/**
 * A month that nothing is frozen of, as it would be billed by what is known now. Its metered hours and days are what they
 * were allocated to; statements of hours that are not metered yet stand with what they were charged, until they are.
 */
import type { Queryable } from '#base/postgres/pool.js';
import { type Period, formatInstant } from '#base/time.js';
import {
  NO_CREDITS,
  NO_MONEY,
  sumCredits,
  addMoney,
  sumMoney,
  formatAmount,
  subtractCredits,
  subtractMoney,
} from '#base/units.js';
import { readBookedAdjustments } from '../close/read-adjustments.js';
import { readCorrections } from '../close/read-corrections.js';
import { readExchangeRates } from '../exchange/exchange-rates.js';
import { sealBills } from './bill-hash.js';
import {
  type BillOfMonth,
  type BilledMonth,
  type ReconciledItem,
  billOf,
  isOfEarlierMonth,
  unknownAccount,
} from './billed-month.js';
import { type MonthRate, convertBills } from './convert-bills.js';
import { readComparisons } from './comparisons.js';
import { readDrivers } from './drivers.js';
import { type Invoice, isMoneySettled, readInvoice } from './invoice.js';
import { makeBills } from './make-bills.js';
import { type ExactLine, type MissingPrice, exactLines } from './month-lines.js';
import { readMonthParts } from './month-parts.js';
import type { MonthPart } from './month-part.js';
import { type Reconciled, reconcileMonth } from './month-reconciliation.js';
import type { MonthTerms } from './month-terms.js';
import { readPrepaid } from './prepaid.js';
import { readUnmeteredParts } from './unmetered.js';

export interface OpenMonth {
  readonly billed: BilledMonth;
  readonly missingPrices: readonly MissingPrice[];
  /** Currencies of bills that no exchange rate is in force for. */
  readonly missingRates: readonly string[];
  /** Charges of statements that are not metered: on the bill, and so nothing is final. */
  readonly unmeteredStatements: number;
}

export interface OpenMonthOptions {
  /** That the bills would have. */
  readonly version: number;
  /**
   * Charges without metering: `onBill` as they were charged; `setApart`: what is frozen is metered, so that once all metering
   * must have come they are a difference that somebody signs off.
   */
  readonly unmetered: 'onBill' | 'setApart';
  /** What is read of each bill beside its lines; of what is not read `drivers` are none and the comparison knows nothing. */
  readonly beside: BesideLines;
}

/** Drivers are read from the statements of days that are not summed, so that whoever does not show them leaves them out. */
export type BesideLines = 'comparisonAndDrivers' | 'comparison' | 'nothing';

/** What the bills of an open month show now. */
export const AS_IT_STANDS: OpenMonthOptions = {
  version: 0,
  unmetered: 'onBill',
  beside: 'comparisonAndDrivers',
};

/** Faults of Postgres propagate. */
export function readOpenMonth(
  db: Queryable,
  month: string,
  period: Period,
  terms: MonthTerms,
  options: OpenMonthOptions = AS_IT_STANDS,
): Promise<OpenMonth> {
  return readOpen(db, month, { period, ...options, onlyTeamId: null }, terms);
}

/**
 * One bill of an open month, the same as among all of {@link readOpenMonth}. Lines are rounded and hashed together with those
 * of the others, which are read for that; what is on a bill beside its lines is read of the team alone. Undefined: it has no
 * bill. Faults of Postgres propagate.
 */
export async function readOpenBill(
  db: Queryable,
  month: string,
  of: { readonly period: Period; readonly teamId: string },
  terms: MonthTerms,
): Promise<BillOfMonth | undefined> {
  const asked = { period: of.period, ...AS_IT_STANDS, onlyTeamId: of.teamId };
  return billOf((await readOpen(db, month, asked, terms)).billed, of.teamId);
}

interface OpenAsked extends OpenMonthOptions {
  readonly period: Period;
  /** Whose bill alone has its drivers and comparison; null: every team's. */
  readonly onlyTeamId: string | null;
}

async function readOpen(
  db: Queryable,
  month: string,
  { period, version, unmetered: told, beside, onlyTeamId }: OpenAsked,
  terms: MonthTerms,
): Promise<OpenMonth> {
  const { currency, now } = terms;
  const unmetered = await readUnmeteredParts(db, period, terms);
  const isApart = told === 'setApart' && isMoneySettled(period, now);
  const parts = [...(await readMonthParts(db, period, currency)), ...(isApart ? [] : unmetered)];
  const prepaidOf = await readPrepaid(db, period, currency);
  const { lines: own, missingPrices } = exactLines(month, parts, { ...terms, prepaidOf });
  const corrections = await readCorrections(db, month, terms);
  const lines = [
    ...own,
    ...corrections.lines,
    ...(await readBookedAdjustments(db, month, terms.currency)),
  ];
  const imported = await readInvoice(db, period, currency);
  const invoice = isMoneySettled(period, now) && imported.accounts.size > 0 ? imported : null;
  const accounts = [
    ...new Set([...terms.accounts.map(({ id }) => id), ...lines.map(({ account }) => account)]),
  ];
  const reconciled = await reconcileMonth(db, {
    accounts: accounts.sort(),
    invoiced: invoice?.accounts ?? new Set(),
    period,
    priceAt: terms.priceAt,
    now,
  });
  const made = makeBills(
    {
      month,
      version,
      lastDay: formatInstant(period.endsAt - 1).slice(0, 10),
      lines,
      invoice,
      variances: reconciled.variances,
      comparisons:
        beside === 'nothing'
          ? new Map()
          : await readComparisons(db, { month, period, lines }, terms, onlyTeamId),
      drivers:
        beside === 'comparisonAndDrivers'
          ? await readDrivers(db, period, terms, onlyTeamId)
          : new Map(),
    },
    terms,
  );
  const rates = await readMonthRates(db, currency, period);
  const { bills: converted, missing } = convertBills(made, currency, terms.currencyOf, rates);
  const sealed = sealBills(converted, currency);
  return {
    billed: {
      ...headOf(month, terms, version, accounts),
      ...sealed,
      totalCredits: sumCredits(made.map(({ totalCredits }) => totalCredits)),
      totalAmount: sumMoney(made.map(({ totalAmount }) => totalAmount)),
      reconciliation: reconciliationOf(lines, invoice, accounts, {
        ...reconciled,
        open: [...(isApart ? neverMetered(unmetered) : []), ...reconciled.open],
      }),
    },
    missingPrices: [...missingPrices, ...corrections.missingPrices],
    missingRates: missing,
    unmeteredStatements: isApart ? 0 : countOf(unmetered),
  };
}

/** Rates that hold on the last day of the month. */
async function readMonthRates(
  db: Queryable,
  currency: string,
  { endsAt }: Period,
): Promise<ReadonlyMap<string, MonthRate>> {
  const rates = await readExchangeRates(db, currency, formatInstant(endsAt - 1).slice(0, 10));
  return new Map(
    [...rates].map(([into, { rate, source, fromDay: day }]) => [into, { rate, source, day }]),
  );
}

function countOf(parts: readonly MonthPart[]): number {
  return parts.reduce((sum, { statements }) => sum + statements, 0);
}

/** One difference a warehouse, such as one that was renamed. */
function neverMetered(parts: readonly MonthPart[]): readonly ReconciledItem[] {
  const warehouses = new Set(
    parts.map(({ account, resource }) => `${account} ${resource ?? 'no warehouse'}`),
  );
  return [...warehouses].sort().map((subject) => {
    const own = parts.filter(
      ({ account, resource }) => `${account} ${resource ?? 'no warehouse'}` === subject,
    );
    const charged = sumCredits(own.map(({ credits }) => credits));
    return {
      what: 'credits',
      subject: `${subject}: ${countOf(own)} statements charged, never metered`,
      ours: formatAmount(charged),
      theirs: formatAmount(NO_CREDITS),
      difference: formatAmount(subtractCredits(NO_CREDITS, charged)),
      cause: 'notMetered',
    };
  });
}

type Head = Omit<
  BilledMonth,
  'bills' | 'merkleRoot' | 'totalCredits' | 'totalAmount' | 'reconciliation'
>;

function headOf(
  month: string,
  terms: MonthTerms,
  version: number,
  accounts: readonly string[],
): Head {
  return {
    organisation: terms.organisation,
    currency: terms.currency,
    accounts: accounts.map(
      (id) => terms.accounts.find((account) => account.id === id) ?? unknownAccount(id),
    ),
    month,
    version,
    state: 'open',
    asOf: formatInstant(terms.now),
    approvals: [],
    closedAt: null,
    clearingAccount: terms.clearingAccount,
    roundingTeamId: terms.roundingTeamId,
  };
}

function reconciliationOf(
  lines: readonly ExactLine[],
  invoice: Invoice | null,
  accounts: readonly string[],
  reconciled: Reconciled,
): BilledMonth['reconciliation'] {
  // What is of an earlier month was invoiced with that one.
  const ofMonth = lines.filter((line) => !isOfEarlierMonth(line));
  const allocatedCredits = sumCredits(ofMonth.map(({ credits }) => credits));
  const computedMoney = sumMoney(ofMonth.map(({ effectiveMoney }) => effectiveMoney));
  const isWhole = invoice !== null && accounts.every((account) => invoice.accounts.has(account));
  const invoicedMoney = isWhole
    ? [...invoice.byGroup.values()].reduce((sum, each) => addMoney(sum, each), NO_MONEY)
    : null;
  return {
    meteredCredits: reconciled.meteredCredits,
    allocatedCredits,
    computedMoney,
    invoicedMoney,
    differenceCredits: subtractCredits(reconciled.meteredCredits, allocatedCredits),
    differenceMoney: invoicedMoney === null ? null : subtractMoney(invoicedMoney, computedMoney),
    open: reconciled.open,
    signedOff: null,
  };
}
