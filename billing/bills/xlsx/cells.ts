/** Cells of a workbook: figures are numbers as long as those are exact, texts are never formulas. */
import type { Cell, Row, Sheet } from 'write-excel-file/node';
import { minorDecimals } from '#base/currency.js';
import { type Amount, type Money, approximate, formatAmount, tryExactNumber } from '#base/units.js';

/** One column of a sheet: its title, width in characters, and what its cells are of a row. */
export interface SheetColumn<Of> {
  readonly title: string;
  readonly width: number;
  readonly cell: (of: Of) => Cell;
}

const HEAD = {
  fontWeight: 'bold',
  backgroundColor: '#e7eeee',
  bottomBorderStyle: 'thin',
  bottomBorderColor: '#0f5f5c',
  alignVertical: 'center',
  height: 30,
  wrap: true,
} as const;

/** A sheet with a frozen head; `total` is the last row, in bold. */
export function sheetOf<Of>(
  name: string,
  columns: readonly SheetColumn<Of>[],
  rows: readonly Of[],
  total?: Row,
): Sheet<Buffer> {
  const head: Row = columns.map(({ title }) => ({ value: title, type: String, ...HEAD }));
  return {
    sheet: name,
    stickyRowsCount: 1,
    orientation: 'landscape',
    columns: columns.map(({ width }) => ({ width })),
    data: [
      head,
      ...rows.map((row) => columns.map(({ cell }) => cell(row))),
      ...(total === undefined ? [] : [total.map(inBold)]),
    ],
  };
}

function inBold(cell: Cell): Cell {
  return typeof cell === 'object' && cell !== null && 'value' in cell
    ? { ...cell, fontWeight: 'bold', topBorderStyle: 'thin' }
    : cell;
}

/** Text as it is: of a type that no spreadsheet evaluates, whatever it begins with. */
export function text(value: string | null): Cell {
  return value === null || value === '' ? null : { value, type: String };
}

/** A whole number, with its digits in groups. */
export function count(value: number): Cell {
  return { value, type: Number, format: '#,##0' };
}

/** A day, as the spreadsheet's own date. */
export function day(value: string): Cell {
  return { value: new Date(`${value}T00:00:00.000Z`), type: Date, format: 'yyyy-mm-dd' };
}

/** An amount in whole smallest units; one with more digits than a number keeps is text, so that none is another amount. */
export function money(value: Money, currency: string): Cell {
  const decimals = minorDecimals(currency);
  const format = decimals === 0 ? '#,##0' : `#,##0.${'0'.repeat(decimals)}`;
  const number = tryExactNumber(value);
  return number === undefined
    ? { value: formatAmount(value), type: String, align: 'right' }
    : { value: number, type: Number, format };
}

/** For reckoning on: the nearest number, with nine decimals shown. The exact decimal is in a column of its own. */
export function nearest(value: Amount): Cell {
  return { value: approximate(value), type: Number, format: '#,##0.000000000' };
}

/** All twelve decimals, as text. */
export function exact(value: Amount): Cell {
  return { value: formatAmount(value), type: String, align: 'right' };
}

/** Of a credit or a unit, as a number; where fifteen digits do not hold it, exactly, as text. */
export function price(value: Money): Cell {
  const number = tryExactNumber(value);
  return number === undefined ? exact(value) : { value: number, type: Number, format: '0.00####' };
}

/** Percent as it is written, such as `12.5`. */
export function percent(value: string | null): Cell {
  return value === null ? null : { value: Number(value), type: Number, format: '0.0"%"' };
}
