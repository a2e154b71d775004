/**
 * Rows of an exported file as the tables have them. The views of ORGANIZATION_USAGE have the columns of those of ACCOUNT_USAGE
 * and the name of the account beside them: a file that has it gives the rows of the account that is asked for, and no others.
 */
import { Fault } from '#base/errors.js';
import type { ServiceRow } from '#base/snowflake/service-connection.js';
import type { EpochMs } from '#base/time.js';
import { cellOfFile } from './file-cells.js';
import { USAGE_VIEWS, VIEWS, isNamed, isOf } from './read-views.js';
import type { UsageView } from './read-views.js';
import { UsageFileError } from './usage-files.js';
import { NOTHING_OF_PART, rowReader } from './usage-rows.js';
import type { RowReader } from './usage-rows.js';
import { isOfDays } from './view-reading.js';
import type { UsageRow, ViewReading } from './view-reading.js';

/** The clocks of those who export are not ours; a year that is mistyped is further away. */
const AHEAD_MAX_MS = 366 * 86_400_000;

const WHOSE = ['ORGANIZATION_NAME', 'ACCOUNT_NAME', 'ACCOUNT_LOCATOR'] as const;

export interface FileRows {
  /** The columns that say something to us. */
  readonly wanted: ReadonlySet<string>;
  /** Whether rows say which account they are of. */
  readonly namesAccount: boolean;
  /** One row as the tables have it; null: it is left out. Throws UsageFileError naming row, column and rule. */
  read(row: ServiceRow, number: number): UsageRow | null;
}

/** Reads rows of a file with these columns. Throws UsageFileError where they are not those of the view. */
export function fileRows(
  asked: { readonly view: UsageView; readonly account: string; readonly now: EpochMs },
  columns: readonly string[],
): FileRows {
  const { view, account, now } = asked;
  const reading = VIEWS[view];
  checkColumns(view, reading, columns);
  const namesAccount = columns.includes('ACCOUNT_NAME') || columns.includes('ACCOUNT_LOCATOR');
  const others = namesAccount
    ? WHOSE.filter((name) => !reading.columns.some((column) => column.name === name))
    : [];
  const isKept = (read: RowReader): boolean =>
    isOf(reading, read, account) &&
    (others.length === 0 || isNamed(read, account)) &&
    (reading.keeps?.(read) ?? true);
  return {
    namesAccount,
    wanted: new Set([...reading.columns.map(({ name }) => name), ...others]),
    read(row, number) {
      const cells: Record<string, string | null> = {};
      for (const { name, form } of reading.columns)
        cells[name] = cellOfFile(form, row[name] ?? null);
      for (const name of others) cells[name] = cellOfFile('text', row[name] ?? null);
      const read = rowReader(view, cells);
      try {
        if (!isKept(read)) return null;
        checkTime(read, reading, now);
        return checked(reading.toRow(read));
      } catch (thrown) {
        if (!(thrown instanceof Fault)) throw thrown;
        throw new UsageFileError(number, thrown.message.replace(NOTHING_OF_PART, ''));
      }
    },
  };
}

const NAMES_SHOWN_MAX = 12;

function checkColumns(view: string, reading: ViewReading, columns: readonly string[]): void {
  const twice = columns.find((name, index) => columns.indexOf(name) !== index);
  if (twice !== undefined)
    throw new UsageFileError(null, `column ${twice.slice(0, 60)} stands in it twice`);
  const missing = reading.columns.filter(
    ({ name, isOptional }) => !isOptional && !columns.includes(name),
  );
  if (missing.length === 0) return;
  const shown = columns.slice(0, NAMES_SHOWN_MAX).map((name) => name.slice(0, 40));
  const names = missing.map(({ name }) => name).join(', ');
  throw new UsageFileError(
    null,
    `column ${names} of ${view} is missing; it has ${shown.join(', ')}${columns.length > shown.length ? ', …' : ''}${hintOf(reading, columns)}`,
  );
}

/** What the columns look like, where they look like something that happens often. */
function hintOf(reading: ViewReading, columns: readonly string[]): string {
  const other = USAGE_VIEWS.find((view) =>
    VIEWS[view].columns.every(({ name, isOptional }) => isOptional || columns.includes(name)),
  );
  if (other !== undefined) return `. These are the columns of ${other}: say that view`;
  if (columns[0]?.startsWith('SEP=') === true)
    return '. A spreadsheet wrote the first line: take it away, or export the view without one';
  if (reading.columns.some(({ name }) => columns.includes(name))) return '';
  return '. Its first record names no column of the view: unload it with HEADER = TRUE';
}

/** A year that was mistyped, or another unit of time, would be usage that no month ever reaches. */
function checkTime(read: RowReader, reading: ViewReading, now: EpochMs): void {
  const { time } = reading;
  const at = isOfDays(reading) ? Date.parse(read.day(time)) : read.instant(time);
  if (at > now + AHEAD_MAX_MS)
    throw new Fault(
      'upstreamProtocol',
      `${time} lies more than a year after the present: ${new Date(at).toISOString().replace('.000Z', 'Z')}`,
    );
}

/** Amounts that a table refuses are told here, where their row is known. */
function checked(row: UsageRow): UsageRow {
  for (const [column, value] of Object.entries(row)) {
    const mayBeNegative =
      column === 'adjustment_credits' || column === 'billed_credits' || column === 'money';
    const isAmount = /_credits$|_bytes$|^bytes$/.test(column);
    if (isAmount && !mayBeNegative && typeof value === 'string' && value.startsWith('-'))
      throw new Fault(
        'upstreamProtocol',
        `${column.toUpperCase()} is negative: ${value.slice(0, 40)}`,
      );
  }
  return row;
}
