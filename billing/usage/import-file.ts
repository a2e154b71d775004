/**
 * Imports a file that somebody exported of a view, for accounts that give no access: after its cells are read, the path is
 * that of the views. The file is imported as a whole, in one transaction, or not at all.
 */
import { Fault } from '#base/errors.js';
import type { Database, Transaction } from '#base/postgres/pool.js';
import type { ServiceRow } from '#base/snowflake/service-connection.js';
import type { EpochMs } from '#base/time.js';
import { cellOfFile } from './file-cells.js';
import { lockUsage } from './import-lock.js';
import { noteFileImport } from './import-requests.js';
import type { ImportRequest } from './import-requests.js';
import { waitingFigures } from './imported-to.js';
import { VIEWS, isOf } from './read-views.js';
import type { UsageView } from './read-views.js';
import { storeUsage } from './store-usage.js';
import { toldOnce } from './told-once.js';
import { UsageFileError } from './usage-files.js';
import type { UsageFile } from './usage-files.js';
import { NOTHING_OF_PART, rowReader } from './usage-rows.js';
import type { RowReader } from './usage-rows.js';
import { isOfDays } from './view-reading.js';
import type { UsageRow, ViewReading } from './view-reading.js';

/** The clocks of those who export are not ours; a year that is mistyped is further away. */
const AHEAD_MAX_MS = 366 * 86_400_000;

/** A month of a very busy account; a larger one is unloaded in parts. */
export const FILE_ROWS_MAX = 20_000_000;

export interface FileImport {
  readonly account: string;
  readonly view: UsageView;
  /** As the one who gave it calls it. */
  readonly name: string;
  readonly sha256: string;
  /** Rows that the file must have; null: nobody counted. */
  readonly rowsExpected: number | null;
  readonly askedBy: string;
  readonly now: EpochMs;
}

export type FileImported =
  | {
      readonly kind: 'imported';
      readonly request: ImportRequest;
      /** Rows that were left out: of other accounts of the organization, or of what used no warehouse. */
      readonly leftOut: number;
      /** Figures of statements that are not imported yet, of this file and earlier ones. */
      readonly waiting: number;
      /** Columns of the file that say nothing to us, and columns of ours that the file lacks. */
      readonly unread: readonly string[];
      readonly absent: readonly string[];
    }
  | { readonly kind: 'refused'; readonly row: number | null; readonly why: string };

/**
 * Imports the file and writes down that it did; refused as a whole for the first record that is wrong.
 * @param record writes what else belongs to it, such as the audit event, in the same transaction.
 */
export async function importFile(
  db: Database,
  file: UsageFile,
  asked: FileImport,
  record: (tx: Transaction, request: ImportRequest) => Promise<void>,
): Promise<FileImported> {
  const reading = VIEWS[asked.view];
  try {
    checkColumns(asked.view, reading, file.columns);
    return await db.transaction(async (tx) => {
      const imported = await importRows(tx, file, asked);
      if (imported.kind === 'imported') await record(tx, imported.request);
      return imported;
    });
  } catch (thrown) {
    if (!(thrown instanceof UsageFileError)) throw thrown;
    return { kind: 'refused', row: thrown.row, why: thrown.message };
  }
}

async function importRows(
  tx: Transaction,
  file: UsageFile,
  asked: FileImport,
): Promise<FileImported> {
  const { account, view, name, sha256, rowsExpected, askedBy, now } = asked;
  const reading = VIEWS[view];
  await lockUsage(tx, account);
  const counts = { rows: 0, written: 0, leftOut: 0 };
  const once = await toldOnce(tx, view);
  for await (const batch of file.batches()) {
    const rows: UsageRow[] = [];
    for (const [index, row] of batch.entries()) {
      const number = counts.rows + index + 1;
      const read = readRow(asked, reading, row, number);
      if (read === null) continue;
      rows.push(read);
      once.take(read, number);
    }
    await once.check();
    counts.rows += batch.length;
    counts.leftOut += batch.length - rows.length;
    if (counts.rows > FILE_ROWS_MAX)
      throw new UsageFileError(
        FILE_ROWS_MAX,
        `the file has more than ${FILE_ROWS_MAX} rows; unload it in parts`,
      );
    counts.written += await storeUsage(tx, account, view, rows, askedBy);
  }
  if (rowsExpected !== null && rowsExpected !== counts.rows)
    throw new UsageFileError(
      null,
      `the file has ${counts.rows} rows and should have ${rowsExpected}: it was cut off or is another one`,
    );
  if (counts.rows > 0 && counts.leftOut === counts.rows)
    throw new UsageFileError(
      null,
      `none of the ${counts.rows} rows is one of account ${account} that used a warehouse; choose the account by its locator or name`,
    );
  const request = await noteFileImport(tx, {
    account,
    askedBy,
    askedAt: now,
    file: { view, name, sha256, rows: counts.rows },
    rowsWritten: counts.written,
  });
  const known = new Set(reading.columns.map((column) => column.name));
  return {
    kind: 'imported',
    request,
    leftOut: counts.leftOut,
    waiting: (await waitingFigures(tx, account))[0]?.figures ?? 0,
    unread: file.columns.filter((column) => !known.has(column)),
    absent: [...known].filter((column) => !file.columns.includes(column)),
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
  throw new UsageFileError(
    null,
    `column ${missing.map(({ name }) => name).join(', ')} of ${view} is missing; it has ${shown.join(', ')}${columns.length > shown.length ? ', …' : ''}`,
  );
}

/** One row as the tables have it; null: it is left out. */
function readRow(
  { view, account, now }: FileImport,
  reading: ViewReading,
  row: ServiceRow,
  number: number,
): UsageRow | null {
  const cells: Record<string, string | null> = {};
  for (const { name, form } of reading.columns) cells[name] = cellOfFile(form, row[name] ?? null);
  const read = rowReader(view, cells);
  try {
    const isKept = isOf(reading, read, account) && (reading.keeps?.(read) ?? true);
    if (!isKept) return null;
    checkTime(read, reading, now);
    return checked(reading.toRow(read));
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    throw new UsageFileError(number, thrown.message.replace(NOTHING_OF_PART, ''));
  }
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
