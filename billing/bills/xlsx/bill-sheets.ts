/** Sheets about bills and their lines: summary, charges, detail, drivers. */
import type { Row, Sheet } from 'write-excel-file/node';
import type { Money } from '#base/units.js';
import type { BillLine, MonthHead, ChargeKind, Driver, TeamBill } from '../billed-month.js';
import { type LineSum, compared, percentOf, sumBy, sumOf } from '../bill-sums.js';
import { DRIVER_WORDS, KIND_WORDS } from '../charge-words.js';
import { convertedAmount, convertedByKind } from '../convert-bills.js';
import {
  type SheetColumn,
  count,
  day,
  exact,
  money,
  nearest,
  percent,
  price,
  sheetOf,
  text,
} from './cells.js';
import { convertedColumns, rateColumns } from './conversion-cells.js';

interface BillSum {
  readonly bill: TeamBill;
  readonly sum: LineSum;
}

/** One row a bill, with what finance asks first. */
export function summarySheet(month: MonthHead, bills: readonly TeamBill[]): Sheet<Buffer> {
  const { currency } = month;
  const owed = (of: Money | null): ReturnType<typeof money> =>
    of === null ? null : money(of, currency);
  const budget = ({ bill }: BillSum): ReturnType<typeof compared> =>
    compared(bill.totalAmount, bill.comparison.budgetMoney);
  const columns: readonly SheetColumn<BillSum>[] = [
    ...whose<BillSum>(({ bill }) => bill),
    { title: 'Statements', width: 12, cell: ({ sum }) => count(sum.statements) },
    { title: 'Credits', width: 17, cell: ({ sum }) => nearest(sum.credits) },
    { title: 'Credits, exact', width: 24, cell: ({ sum }) => exact(sum.credits) },
    { title: `${currency} at list price`, width: 15, cell: ({ sum }) => nearest(sum.listMoney) },
    {
      title: `${currency} by contract`,
      width: 15,
      cell: ({ sum }) => nearest(sum.contractedMoney),
    },
    {
      title: `${currency} before rounding`,
      width: 17,
      cell: ({ sum }) => nearest(sum.effectiveMoney),
    },
    { title: `Amount, ${currency}`, width: 15, cell: ({ bill }) => owed(bill.totalAmount) },
    ...convertedColumns<BillSum>(bills, ({ bill }) => ({
      bill,
      amount: bill.conversion?.amount ?? null,
    })),
    ...rateColumns<BillSum>(bills, ({ bill }) => bill),
    { title: 'Budget', width: 14, cell: ({ bill }) => owed(bill.comparison.budgetMoney) },
    { title: 'Over budget', width: 14, cell: (of) => owed(budget(of)?.difference ?? null) },
    {
      title: 'Over budget, %',
      width: 11,
      cell: (of) => percent(budget(of)?.differencePercent ?? null),
    },
    { title: 'Previous month', width: 14, cell: ({ bill }) => owed(bill.comparison.previousMoney) },
    {
      title: 'Mean of 3 months',
      width: 14,
      cell: ({ bill }) => owed(bill.comparison.trailingMoney),
    },
    { title: 'Forecast', width: 14, cell: ({ bill }) => owed(bill.comparison.forecastMoney) },
    { title: 'Hash of its lines', width: 68, cell: ({ bill }) => text(bill.hash) },
  ];
  const rows = bills.map((bill) => ({ bill, sum: sumOf(bill.lines) }));
  return sheetOf('Summary', columns, rows, totalRow(columns, bills, currency));
}

/** Where a bill belongs, the same on all sheets. */
function whose<Of>(billOf: (of: Of) => TeamBill): readonly SheetColumn<Of>[] {
  return [
    { title: 'Team', width: 16, cell: (of) => text(billOf(of).teamId) },
    { title: 'Name', width: 22, cell: (of) => text(billOf(of).teamName) },
    { title: 'Department', width: 18, cell: (of) => text(billOf(of).departmentName) },
    { title: 'Legal entity', width: 16, cell: (of) => text(billOf(of).booking.legalEntity) },
    { title: 'Cost centre', width: 12, cell: (of) => text(billOf(of).booking.costCentre) },
    { title: 'GL account', width: 11, cell: (of) => text(billOf(of).booking.glAccount) },
    { title: 'Booking', width: 12, cell: (of) => text(billOf(of).booking.mode) },
  ];
}

/** Sums beneath the columns that have one; the others stay empty. */
function totalRow(
  columns: readonly { readonly title: string }[],
  bills: readonly TeamBill[],
  currency: string,
): Row {
  const sum = sumOf(bills.flatMap(({ lines }) => lines));
  const sums: Readonly<Record<string, Row[number]>> = {
    Lines: count(sum.lines),
    Statements: count(sum.statements),
    Credits: nearest(sum.credits),
    'Credits, exact': exact(sum.credits),
    [`${currency} at list price`]: nearest(sum.listMoney),
    [`${currency} by contract`]: nearest(sum.contractedMoney),
    [`${currency} before rounding`]: nearest(sum.effectiveMoney),
    [`${currency} before rounding, exact`]: exact(sum.effectiveMoney),
    [`Amount, ${currency}`]: money(sum.amount, currency),
  };
  return columns.map(({ title }, index) => (index === 0 ? text('Total') : (sums[title] ?? null)));
}

interface ChargeSum extends BillSum {
  /** Of the whole bill. */
  readonly billed: LineSum;
  readonly kind: ChargeKind;
  readonly converted: Money | null;
}

/** One row a bill and kind of charge. */
export function chargesSheet({ currency }: MonthHead, bills: readonly TeamBill[]): Sheet<Buffer> {
  const columns: readonly SheetColumn<ChargeSum>[] = [
    ...whose<ChargeSum>(({ bill }) => bill),
    { title: 'Charge', width: 27, cell: ({ kind }) => text(KIND_WORDS[kind]) },
    { title: 'Lines', width: 9, cell: ({ sum }) => count(sum.lines) },
    { title: 'Statements', width: 12, cell: ({ sum }) => count(sum.statements) },
    { title: 'Credits', width: 17, cell: ({ sum }) => nearest(sum.credits) },
    { title: 'Credits, exact', width: 24, cell: ({ sum }) => exact(sum.credits) },
    {
      title: `${currency} before rounding`,
      width: 17,
      cell: ({ sum }) => nearest(sum.effectiveMoney),
    },
    { title: `Amount, ${currency}`, width: 15, cell: ({ sum }) => money(sum.amount, currency) },
    ...convertedColumns<ChargeSum>(bills, ({ bill, converted }) => ({ bill, amount: converted })),
    {
      title: 'Share of the bill',
      width: 10,
      cell: ({ sum, billed }) => percent(percentOf(sum.effectiveMoney, billed.effectiveMoney)),
    },
  ];
  const rows = bills.flatMap((bill) => {
    const converted = convertedByKind(bill);
    const billed = sumOf(bill.lines);
    return [...sumBy(bill.lines, (line) => line.kind)].map(([key, sum]) => {
      const kind = key as ChargeKind;
      return { bill, sum, billed, kind, converted: converted?.get(kind) ?? null };
    });
  });
  return sheetOf('Charges', columns, rows, totalRow(columns, bills, currency));
}

interface LineOfBill {
  readonly bill: TeamBill;
  readonly line: BillLine;
}

/** One row a line. */
export function detailSheet({ currency }: MonthHead, bills: readonly TeamBill[]): Sheet<Buffer> {
  const columns: readonly SheetColumn<LineOfBill>[] = [
    { title: 'Team', width: 16, cell: ({ bill }) => text(bill.teamId) },
    { title: 'Cost centre', width: 12, cell: ({ bill }) => text(bill.booking.costCentre) },
    { title: 'Day, UTC', width: 11, cell: ({ line }) => day(line.chargeDay) },
    { title: 'Charge', width: 25, cell: ({ line }) => text(KIND_WORDS[line.kind]) },
    { title: 'Account', width: 13, cell: ({ line }) => text(line.account) },
    { title: 'Warehouse or entity', width: 20, cell: ({ line }) => text(line.resource) },
    { title: 'Service', width: 22, cell: ({ line }) => text(line.serviceType) },
    { title: 'Statements', width: 11, cell: ({ line }) => count(line.statements) },
    { title: 'Warehouse time, ms', width: 14, cell: ({ line }) => count(line.usedMs) },
    { title: 'Credits', width: 16, cell: ({ line }) => nearest(line.credits) },
    { title: 'Credits, exact', width: 22, cell: ({ line }) => exact(line.credits) },
    {
      title: 'Priced quantity, exact',
      width: 22,
      cell: ({ line }) => exact(line.measured?.quantity ?? line.credits),
    },
    { title: 'Unit', width: 10, cell: ({ line }) => text(line.measured?.unit ?? 'Credits') },
    { title: 'List price', width: 10, cell: ({ line }) => price(line.listPrice) },
    { title: 'Contracted price', width: 11, cell: ({ line }) => price(line.contractedPrice) },
    { title: 'Effective price', width: 10, cell: ({ line }) => price(line.effectivePrice) },
    {
      title: `${currency} before rounding, exact`,
      width: 22,
      cell: ({ line }) => exact(line.effectiveMoney),
    },
    { title: `Amount, ${currency}`, width: 14, cell: ({ line }) => money(line.amount, currency) },
    ...convertedColumns<LineOfBill>(bills, ({ bill, line }) => ({
      bill,
      amount: convertedAmount(bill, line),
    })),
    { title: 'Prepaid, exact', width: 20, cell: ({ line }) => exact(line.prepaidMoney) },
    { title: 'Method', width: 15, cell: ({ line }) => text(line.method) },
    { title: 'Why', width: 44, cell: ({ line }) => text(line.note) },
    { title: 'Mends month', width: 10, cell: ({ line }) => text(line.corrects?.month ?? null) },
    { title: 'Mends line', width: 26, cell: ({ line }) => text(line.corrects?.lineId ?? null) },
    { title: 'Line', width: 26, cell: ({ line }) => text(line.id) },
  ];
  const rows = bills.flatMap((bill) => bill.lines.map((line) => ({ bill, line })));
  return sheetOf('Detail', columns, rows, totalRow(columns, bills, currency));
}

interface DriverOfBill extends BillSum {
  readonly driver: Driver;
  readonly rank: number;
}

/** What spent most of each team's own statements. */
export function driversSheet({ currency }: MonthHead, bills: readonly TeamBill[]): Sheet<Buffer> {
  const columns: readonly SheetColumn<DriverOfBill>[] = [
    { title: 'Team', width: 16, cell: ({ bill }) => text(bill.teamId) },
    { title: 'Rank', width: 7, cell: ({ rank }) => count(rank) },
    { title: 'What', width: 14, cell: ({ driver }) => text(DRIVER_WORDS[driver.kind]) },
    { title: 'Name', width: 44, cell: ({ driver }) => text(driver.name) },
    { title: 'Statements', width: 12, cell: ({ driver }) => count(driver.statements) },
    { title: 'Credits', width: 17, cell: ({ driver }) => nearest(driver.credits) },
    { title: 'Credits, exact', width: 24, cell: ({ driver }) => exact(driver.credits) },
    {
      title: `${currency} before rounding`,
      width: 17,
      cell: ({ driver }) => nearest(driver.effectiveMoney),
    },
    {
      title: 'Share of the bill',
      width: 10,
      cell: ({ driver, sum }) => percent(percentOf(driver.effectiveMoney, sum.effectiveMoney)),
    },
  ];
  const rows = bills.flatMap((bill) => {
    const sum = sumOf(bill.lines);
    return bill.drivers.map((driver, index) => ({ bill, sum, driver, rank: index + 1 }));
  });
  return sheetOf('Drivers', columns, rows);
}
