/** Bills as CSV: every line of one bill, or of all bills of a month one record a team, cost centre and kind of charge. */
import { BYTE_ORDER_MARK, csvFields, csvRecord } from '#base/csv.js';
import { formatMoney } from '#base/currency.js';
import { type Money, formatAmount } from '#base/units.js';
import { controlTotals, sumBy, type ControlTotals } from './bill-sums.js';
import type { BillLine, MonthHead, TeamBill } from './billed-month.js';
import { KIND_WORDS, statusOf } from './charge-words.js';
import { convertedAmount, convertedByKind, convertedTotals } from './convert-bills.js';

export interface CsvOptions {
  /** Begins with a byte order mark, for spreadsheets that take UTF-8 for something else without one. */
  readonly hasByteOrderMark?: boolean;
}

/** What of a month, and of a bill, its CSV has; the JSON of the bill has all of it. */
export type CsvMonth = Pick<MonthHead, 'currency' | 'merkleRoot' | 'month' | 'state' | 'version'>;
export type CsvBill = Omit<TeamBill, 'comparison' | 'drivers' | 'owner' | 'proof'>;

const HEAD = [
  'bill',
  'status',
  'month',
  'version',
  'legal_entity',
  'department',
  'team',
  'team_name',
  'cost_centre',
  'gl_account',
  'booking',
] as const;
const SUMS = ['statements', 'credits', 'effective_amount', 'amount', 'currency'] as const;
/** A line with what the fields of its record are made of. */
interface LineOfBill {
  readonly month: CsvMonth;
  readonly bill: CsvBill;
  readonly line: BillLine;
}

interface LineField {
  readonly name: string;
  readonly value: (of: LineOfBill) => string;
}

/** Behind the head, which is the same in all records of a bill. */
const LINE_FIELDS: readonly LineField[] = [
  { name: 'line', value: ({ line }) => line.id },
  { name: 'day', value: ({ line }) => line.chargeDay },
  { name: 'charge', value: ({ line }) => line.kind },
  { name: 'account', value: ({ line }) => line.account },
  { name: 'resource', value: ({ line }) => line.resource ?? '' },
  { name: 'service_type', value: ({ line }) => line.serviceType },
  { name: 'used_ms', value: ({ line }) => String(line.usedMs) },
  { name: 'quantity', value: ({ line }) => formatAmount(line.measured?.quantity ?? line.credits) },
  { name: 'unit', value: ({ line }) => line.measured?.unit ?? 'Credits' },
  { name: 'list_price', value: ({ line }) => formatAmount(line.listPrice) },
  { name: 'contracted_price', value: ({ line }) => formatAmount(line.contractedPrice) },
  { name: 'effective_price', value: ({ line }) => formatAmount(line.effectivePrice) },
  { name: 'statements', value: ({ line }) => String(line.statements) },
  { name: 'credits', value: ({ line }) => formatAmount(line.credits) },
  { name: 'effective_amount', value: ({ line }) => formatAmount(line.effectiveMoney) },
  { name: 'amount', value: ({ line, month }) => formatMoney(line.amount, month.currency) },
  { name: 'currency', value: ({ month }) => month.currency },
  { name: 'prepaid_amount', value: ({ line }) => formatAmount(line.prepaidMoney) },
  { name: 'method', value: ({ line }) => line.method },
  { name: 'note', value: ({ line }) => line.note },
  { name: 'corrects_month', value: ({ line }) => line.corrects?.month ?? '' },
  { name: 'corrects_line', value: ({ line }) => line.corrects?.lineId ?? '' },
];
const LINE_COLUMNS: readonly string[] = [...HEAD, ...LINE_FIELDS.map(({ name }) => name)];
const SUMMARY_COLUMNS = [...HEAD, 'charge', 'charge_name', 'lines', ...SUMS] as const;
/** Behind the others, where a bill of the file is in another currency than the invoice's. */
const CONVERTED = [
  'converted_amount',
  'converted_currency',
  'exchange_rate',
  'exchange_source',
  'exchange_day',
] as const;

type SummaryColumn = (typeof SUMMARY_COLUMNS | typeof CONVERTED)[number];

/**
 * Every line of the bills, then one record whose `line` is `total`: the control totals, and in `note` how many lines there
 * are and what hashes prove them.
 */
export function linesToCsv(
  month: CsvMonth,
  bills: readonly CsvBill[],
  options: CsvOptions = {},
): string {
  const columns = withConverted(LINE_COLUMNS, bills);
  const isConverted = columns.length > LINE_COLUMNS.length;
  const records = bills.flatMap((bill) => {
    const head = csvFields(inOrder(HEAD, headOf(month, bill)));
    return bill.lines.map((line) => {
      const of = { month, bill, line };
      const own = csvFields(LINE_FIELDS.map(({ value }) => value(of)));
      if (!isConverted) return `${head},${own}\r\n`;
      const converted = convertedFields(bill, convertedAmount(bill, line));
      return `${head},${own},${csvRecord(inOrder(CONVERTED, converted))}`;
    });
  });
  const totals = controlTotals(bills);
  const hash = bills.length === 1 && bills[0] !== undefined ? ` hash=${bills[0].hash}` : '';
  const last: Readonly<Record<string, string>> = {
    ...totalHead(month, bills),
    line: 'total',
    ...sumsOf(totals, month.currency),
    ...totalConverted(bills),
    note: `lines=${totals.lines}${hash} merkle_root=${month.merkleRoot}`,
  };
  return file(columns, [...records, csvRecord(inOrder(columns, last))], options);
}

/** One record a team and kind of charge, then one whose `charge` is `total`. */
export function summaryToCsv(
  month: CsvMonth,
  bills: readonly CsvBill[],
  options: CsvOptions = {},
): string {
  const columns = withConverted(SUMMARY_COLUMNS, bills);
  const records = bills.flatMap((bill) => {
    const head = headOf(month, bill);
    const converted = convertedByKind(bill);
    return [...sumBy(bill.lines, (line) => line.kind)].map(([kind, sum]) => {
      const record: Partial<Record<SummaryColumn, string>> = {
        ...head,
        charge: kind,
        charge_name: KIND_WORDS[kind as BillLine['kind']],
        lines: String(sum.lines),
        ...sumsOf(sum, month.currency),
        ...convertedFields(bill, converted?.get(kind as BillLine['kind']) ?? null),
      };
      return csvRecord(inOrder(columns, record));
    });
  });
  const totals = controlTotals(bills);
  const last: Partial<Record<SummaryColumn, string>> = {
    ...totalHead(month, bills),
    charge: 'total',
    charge_name: `merkle_root=${month.merkleRoot}`,
    lines: String(totals.lines),
    ...sumsOf(totals, month.currency),
    ...totalConverted(bills),
  };
  return file(columns, [...records, csvRecord(inOrder(columns, last))], options);
}

function withConverted<Column extends string>(
  columns: readonly Column[],
  bills: readonly CsvBill[],
): readonly (Column | (typeof CONVERTED)[number])[] {
  return bills.some(({ conversion }) => conversion !== null) ? [...columns, ...CONVERTED] : columns;
}

function convertedFields(
  { conversion }: Pick<CsvBill, 'conversion'>,
  amount: Money | null,
): Partial<Record<(typeof CONVERTED)[number], string>> {
  if (conversion === null || amount === null) return {};
  const { currency, rate, source, day } = conversion;
  return {
    converted_amount: formatMoney(amount, currency),
    converted_currency: currency,
    exchange_rate: formatAmount(rate),
    exchange_source: source,
    exchange_day: day,
  };
}

/** Of bills of one currency their sum; sums of several currencies are none. */
function totalConverted(
  bills: readonly CsvBill[],
): Partial<Record<(typeof CONVERTED)[number], string>> {
  const [first] = bills;
  const [only, ...more] = convertedTotals(bills);
  const isOne =
    more.length === 0 && bills.every(({ conversion }) => conversion?.currency === only?.currency);
  return first === undefined || only === undefined || !isOne
    ? {}
    : convertedFields(first, only.amount);
}

type Head = Record<(typeof HEAD)[number], string>;
type Sums = Record<(typeof SUMS)[number], string>;

function headOf(month: CsvMonth, bill: CsvBill): Head {
  const { legalEntity, costCentre, glAccount, mode } = bill.booking;
  return {
    bill: bill.id,
    status: statusOf(month.state),
    month: month.month,
    version: String(month.version),
    legal_entity: legalEntity,
    department: bill.departmentName,
    team: bill.teamId,
    team_name: bill.teamName,
    cost_centre: costCentre,
    gl_account: glAccount,
    booking: mode,
  };
}

/** Of one bill its own head; of several what they have in common. */
function totalHead(month: CsvMonth, bills: readonly CsvBill[]): Partial<Head> {
  const [only, ...more] = bills;
  if (only !== undefined && more.length === 0) return headOf(month, only);
  return {
    status: statusOf(month.state),
    month: month.month,
    version: String(month.version),
  };
}

function sumsOf(of: Omit<ControlTotals, 'lines'>, currency: string): Sums {
  return {
    statements: String(of.statements),
    credits: formatAmount(of.credits),
    effective_amount: formatAmount(of.effectiveMoney),
    amount: formatMoney(of.amount, currency),
    currency,
  };
}

function inOrder<Column extends string>(
  columns: readonly Column[],
  record: Readonly<Partial<Record<Column, string>>>,
): string[] {
  return columns.map((column) => record[column] ?? '');
}

function file(
  columns: readonly string[],
  records: readonly string[],
  { hasByteOrderMark = false }: CsvOptions,
): string {
  return [hasByteOrderMark ? BYTE_ORDER_MARK : '', csvRecord(columns), ...records].join('');
}
