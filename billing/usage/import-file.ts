/**
 * Imports a file that somebody exported of a view, for accounts that give no access: after its cells are read, the path is
 * that of the views. The file is imported as a whole, in one transaction, or not at all.
 */
import type { Database, Transaction } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { fileRows } from './file-rows.js';
import type { FileRows } from './file-rows.js';
import { lockUsage } from './import-lock.js';
import { noteFileImport } from './import-requests.js';
import type { ImportRequest } from './import-requests.js';
import { waitingFigures } from './imported-to.js';
import { checkFileOfAccount, checkStatementsOfAccount } from './other-account.js';
import { VIEWS } from './read-views.js';
import type { UsageView } from './read-views.js';
import { storeUsage } from './store-usage.js';
import { toldOnce } from './told-once.js';
import { UsageFileError } from './usage-files.js';
import type { UsageFile } from './usage-files.js';
import type { UsageRow } from './view-reading.js';

/** A month of a very busy account; a larger one is unloaded in parts. */
export const FILE_ROWS_MAX = 20_000_000;

export interface FileImport {
  readonly account: string;
  readonly view: UsageView;
  /** As the one who gave it calls it. */
  readonly name: string;
  readonly sha256: string;
  /** Another account that has the same rows, said on purpose; null: none may. */
  readonly alsoOf: string | null;
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
  try {
    const reader = fileRows(asked, file.columns);
    return await db.transaction(async (tx) => {
      const imported = await importRows(tx, file, asked, reader);
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
  reader: FileRows,
): Promise<FileImported> {
  const { account, view, name, sha256, rowsExpected, askedBy, now } = asked;
  await lockUsage(tx, account);
  // A file that names its accounts is given for each of them.
  if (!reader.namesAccount) await checkFileOfAccount(tx, asked);
  const counts = { rows: 0, written: 0, leftOut: 0 };
  const once = await toldOnce(tx, view);
  for await (const batch of file.batches(reader.wanted)) {
    const rows: UsageRow[] = [];
    for (const [index, row] of batch.entries()) {
      const number = counts.rows + index + 1;
      const read = reader.read(row, number);
      if (read === null) continue;
      rows.push(read);
      once.take(read, number);
    }
    // The first rows tell whose all are.
    if (counts.rows === 0) await checkStatementsOfAccount(tx, asked, rows);
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
  return {
    kind: 'imported',
    request,
    leftOut: counts.leftOut,
    waiting: (await waitingFigures(tx, account))[0]?.figures ?? 0,
    unread: file.columns.filter((column) => !reader.wanted.has(column)),
    absent: VIEWS[view].columns
      .map((column) => column.name)
      .filter((column) => !file.columns.includes(column)),
  };
}
