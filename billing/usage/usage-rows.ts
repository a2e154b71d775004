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
  /** A number that names something, all of its digits. */
  id(column: string): string;
  idOrNull(column: string): string | null;
  /** A whole number that a double holds exactly. */
  whole(column: string): number;
  wholeOrNull(column: string): number | null;
  /** Epoch milliseconds, as the query asks for them. */
  instant(column: string): EpochMs;
  /** An instant that begins an hour of UTC. */
  hour(column: string): EpochMs;
  /** Decimal text of at most twelve decimals and at least zero, which must be there: what is metered has an amount. */
  figure(column: string): string;
  /** The same; NULL is nothing. */
  credits(column: string): string;
  creditsOrNull(column: string): string | null;
  /** The same, perhaps negative. */
  signedFigure(column: string): string;
  signed(column: string): string;
  signedOrNull(column: string): string | null;
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
  const signedOrNull = (column: string): string | null => {
    const value = cell(column);
    return value === null ? null : creditsOf(view, column, value);
  };
  const creditsOrNull = (column: string): string | null => {
    const amount = signedOrNull(column);
    if (amount?.startsWith('-') !== true) return amount;
    if (/[1-9]/.test(amount)) throw malformed(view, column, `is negative: ${amount}`);
    return amount.slice(1);
  };
  const instant = (column: string): EpochMs =>
    instantOf(view, column, needed(column, cell(column)));
  return {
    text: (column) => needed(column, cell(column)),
    textOrNull: cell,
    id: (column) => needed(column, idOf(view, column, cell(column))),
    idOrNull: (column) => idOf(view, column, cell(column)),
    whole: (column) => needed(column, wholeOrNull(column)),
    wholeOrNull,
    instant,
    hour: (column) => hourOf(view, column, instant(column)),
    figure: (column) => needed(column, creditsOrNull(column)),
    credits: (column) => creditsOrNull(column) ?? '0',
    creditsOrNull,
    signedFigure: (column) => needed(column, signedOrNull(column)),
    signed: (column) => signedOrNull(column) ?? '0',
    signedOrNull,
    day: (column) => dayOf(view, column, needed(column, cell(column))),
    flagOrNull: (column) => flagOf(view, column, cell(column)),
  };
}

/** A spreadsheet writes ids of many digits with an exponent, and what it cut off of them is lost. */
const ROUNDED_ID = /^\d+(?:[.,]\d+)?(?:[eE]\+?\d+)?$/;
const WHOLE_ID = /^\d+$/;

function idOf(view: string, column: string, text: string | null): string | null {
  if (text === null || WHOLE_ID.test(text) || !ROUNDED_ID.test(text)) return text;
  throw malformed(
    view,
    column,
    `is a number that was rounded, which names nothing: ${text.slice(0, CELL_SHOWN_MAX)}; export it without opening it in a spreadsheet`,
  );
}

function instantOf(view: string, column: string, text: string): EpochMs {
  const at = Number(text);
  if (Number.isSafeInteger(at)) return at;
  throw malformed(
    view,
    column,
    `is no time such as 2026-10-01 12:00:00 +0000: ${text.slice(0, CELL_SHOWN_MAX)}`,
  );
}

const HOUR_MS = 3_600_000;

/** What begins within an hour would be counted beside the hour it is in. */
function hourOf(view: string, column: string, at: EpochMs): EpochMs {
  if (at % HOUR_MS === 0) return at;
  throw malformed(
    view,
    column,
    `does not begin an hour of UTC: ${new Date(at).toISOString()}; a time of another zone has its offset behind it`,
  );
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
    throw malformed(
      view,
      column,
      `is no amount of credits such as 1.25: ${text.slice(0, CELL_SHOWN_MAX)}`,
    );
  return unsigned === text ? amount : `-${amount}`;
}

/** How a message of a row ends where a part of a view is read. */
export const NOTHING_OF_PART = '; nothing of this part was imported.';

function malformed(view: string, column: string, why: string): Fault {
  return new Fault('upstreamProtocol', `${view}.${column} ${why}${NOTHING_OF_PART}`, {
    detail: { view, column },
  });
}
