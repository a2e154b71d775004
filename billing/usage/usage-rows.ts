/**
 * Rows of Snowflake's views as values. What a row must have and has not, or has in a form nobody knows, is a Fault that
 * names view, column and value: a row that is skipped in silence would be credits that nobody sees.
 */
import { creditsText } from '#base/credits-text.js';
import { Fault } from '#base/errors.js';
import type { ServiceRow } from '#base/snowflake/service-connection.js';
import { isCalendarDay, type EpochMs } from '#base/time.js';

/** Reads the cells of one row. */
export interface RowReader {
  text(column: string): string;
  textOrNull(column: string): string | null;
  /** A whole number that a double holds exactly. */
  whole(column: string): number;
  wholeOrNull(column: string): number | null;
  /** Epoch milliseconds, as the query asks for them. */
  instant(column: string): EpochMs;
  /** Decimal text of at most twelve decimals, perhaps negative; NULL is nothing. */
  credits(column: string): string;
  creditsOrNull(column: string): string | null;
  /** `2026-10-01`. */
  day(column: string): string;
  flagOrNull(column: string): boolean | null;
}

/** Characters of a cell that a message quotes. */
const CELL_SHOWN_MAX = 40;

/** Reader of `row` of `view`. Its methods throw Fault `upstreamProtocol`. */
export function rowReader(view: string, row: ServiceRow): RowReader {
  const cell = (column: string): string | null => {
    const value = row[column];
    if (value === undefined) throw malformed(view, column, 'is missing');
    return value;
  };
  const wholeOrNull = (column: string): number | null => {
    const value = cell(column);
    if (value === null) return null;
    const number = Number(value);
    if (!Number.isSafeInteger(number))
      throw malformed(view, column, `is no whole number: ${value.slice(0, CELL_SHOWN_MAX)}`);
    return number;
  };
  const needed = <T>(column: string, value: T | null): T => {
    if (value === null) throw malformed(view, column, 'is NULL');
    return value;
  };
  const creditsOrNull = (column: string): string | null => {
    const value = cell(column);
    return value === null ? null : creditsOf(view, column, value);
  };
  return {
    text: (column) => needed(column, cell(column)),
    textOrNull: cell,
    whole: (column) => needed(column, wholeOrNull(column)),
    wholeOrNull,
    instant: (column) => needed(column, wholeOrNull(column)),
    credits: (column) => creditsOrNull(column) ?? '0',
    creditsOrNull,
    day: (column) => dayOf(view, column, needed(column, cell(column))),
    flagOrNull: (column) => flagOf(view, column, cell(column)),
  };
}

const DAY = /^\d{4}-\d\d-\d\d$/;

function dayOf(view: string, column: string, text: string): string {
  if (DAY.test(text) && isCalendarDay(text)) return text;
  throw malformed(view, column, `is no day such as 2026-10-01: ${text.slice(0, CELL_SHOWN_MAX)}`);
}

const FLAGS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);

function flagOf(view: string, column: string, text: string | null): boolean | null {
  if (text === null) return null;
  const flag = FLAGS.get(text.toLowerCase());
  if (flag === undefined)
    throw malformed(view, column, `is neither true nor false: ${text.slice(0, CELL_SHOWN_MAX)}`);
  return flag;
}

function creditsOf(view: string, column: string, text: string): string {
  const unsigned = text.startsWith('-') ? text.slice(1) : text;
  const amount = creditsText(unsigned);
  if (amount === undefined)
    throw malformed(view, column, `is no amount of credits: ${text.slice(0, CELL_SHOWN_MAX)}`);
  return unsigned === text ? amount : `-${amount}`;
}

function malformed(view: string, column: string, why: string): Fault {
  return new Fault(
    'upstreamProtocol',
    `${view}.${column} ${why}; nothing of this part was imported.`,
    {
      detail: { view, column },
    },
  );
}
