/**
 * A team's bill as JSON: amounts are decimal strings; what other people's scripts read is `status`, `lines[].amount`
 * and `totalAmount`.
 */
import { formatMoney } from '#base/currency.js';
import { type Money, formatAmount } from '#base/units.js';
import { controlTotals, percentOf } from './bill-sums.js';
import { differencesOf } from './bill-differences.js';
import type { BillConversion, BillLine, MonthHead, Driver, TeamBill } from './billed-month.js';
import { statusOf } from './charge-words.js';
import { convertedAmount } from './convert-bills.js';

/** The whole bill as a plain value of JSON, the same for the same frozen month. */
export function billToJson(month: MonthHead, bill: TeamBill): object {
  const { currency } = month;
  const amount = (money: Money): string => formatMoney(money, currency);
  const orNull = (money: Money | null): string | null => (money === null ? null : amount(money));
  const totals = controlTotals([bill]);
  return {
    status: statusOf(month.state),
    bill: bill.id,
    team: bill.teamId,
    teamName: bill.teamName,
    department: bill.departmentName,
    owner: bill.owner,
    organisation: month.organisation.name,
    month: month.month,
    version: month.version,
    asOf: month.asOf,
    closedAt: month.closedAt,
    approvedBy: month.approvals,
    currency,
    booking: bill.booking,
    lines: bill.lines.map((line) => lineJson(bill, line, currency)),
    totalCredits: formatAmount(bill.totalCredits),
    totalAmount: amount(bill.totalAmount),
    ...(bill.conversion === null ? {} : { conversion: conversionToJson(bill.conversion) }),
    comparison: {
      budgetAmount: orNull(bill.comparison.budgetMoney),
      previousAmount: orNull(bill.comparison.previousMoney),
      trailingAmount: orNull(bill.comparison.trailingMoney),
      forecastAmount: orNull(bill.comparison.forecastMoney),
    },
    drivers: bill.drivers.map((driver) => driverJson(driver, totals.effectiveMoney)),
    reconciliation: differencesOf(month),
    controlTotals: {
      lines: totals.lines,
      statements: totals.statements,
      credits: formatAmount(totals.credits),
      effectiveAmount: formatAmount(totals.effectiveMoney),
      amount: amount(totals.amount),
    },
    hash: bill.hash,
    proof: bill.proof,
    merkleRoot: month.merkleRoot,
  };
}

/** What a bill is in its team's own currency, wherever JSON has it: in the bill's file, in lists of bills, in a close. */
export interface ConversionJson {
  readonly currency: string;
  /** In the decimals of `currency`. */
  readonly amount: string;
  /** Units of `currency` for one of the invoice's. */
  readonly rate: string;
  readonly source: string;
  readonly day: string;
  /** What `amount` has more than its own product. */
  readonly roundingAmount: string;
}

/** As decimals: amounts in those of the currency, the rate and what was rounded exactly. */
export function conversionToJson(conversion: Omit<BillConversion, 'lineAmounts'>): ConversionJson {
  const { currency, rate, source, day, amount, roundingMoney } = conversion;
  return {
    currency,
    amount: formatMoney(amount, currency),
    rate: formatAmount(rate),
    source,
    day,
    roundingAmount: formatAmount(roundingMoney),
  };
}

function lineJson(bill: TeamBill, line: BillLine, currency: string): object {
  const converted = convertedAmount(bill, line);
  return {
    id: line.id,
    kind: line.kind,
    account: line.account,
    resource: line.resource,
    serviceType: line.serviceType,
    day: line.chargeDay,
    statements: line.statements,
    usedMs: line.usedMs,
    credits: formatAmount(line.credits),
    measured:
      line.measured === null
        ? null
        : { quantity: formatAmount(line.measured.quantity), unit: line.measured.unit },
    listPrice: formatAmount(line.listPrice),
    contractedPrice: formatAmount(line.contractedPrice),
    effectivePrice: formatAmount(line.effectivePrice),
    effectiveAmount: formatAmount(line.effectiveMoney),
    prepaidAmount: formatAmount(line.prepaidMoney),
    amount: formatMoney(line.amount, currency),
    ...(converted === null || bill.conversion === null
      ? {}
      : { convertedAmount: formatMoney(converted, bill.conversion.currency) }),
    method: line.method,
    note: line.note,
    corrects: line.corrects,
  };
}

function driverJson(driver: Driver, of: Money): object {
  return {
    kind: driver.kind,
    name: driver.name,
    statements: driver.statements,
    credits: formatAmount(driver.credits),
    effectiveAmount: formatAmount(driver.effectiveMoney),
    sharePercent: percentOf(driver.effectiveMoney, of),
  };
}
