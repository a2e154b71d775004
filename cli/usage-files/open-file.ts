/** Opens an uploaded export: CSV, CSV in gzip, or Parquet, by its first bytes. */
import { setImmediate } from 'node:timers/promises';
import { toError } from '../../base/errors.js';
import type { ServiceRow } from '../../base/snowflake/service-connection.js';
import { UsageFileError } from '../../billing/usage/usage-files.js';
import type { UsageFile } from '../../billing/usage/usage-files.js';
import { openCsv } from '../replay/export/csv-parts.js';
import { exportFiles } from '../replay/export/files.js';
import type { ExportFile } from '../replay/export/files.js';
import { VerbError } from '../verb-error.js';
import { CsvRecords, delimiterOf } from './csv-records.js';

/** A process that also serves statements does nothing else while it is at one of them: some milliseconds. */
const ROWS_A_BATCH = 500;
const CHARACTERS_AT_ONCE = 64 * 1024;

/** The file at `path`, which is read as it is given out. Throws UsageFileError. */
export async function openUsageFile(path: string): Promise<UsageFile> {
  const file = await kindOf(path);
  if (file.kind !== 'parquet') return openCsvFile(file);
  // Loaded here only: DuckDB takes 36 MB of a process and a fifth of a second of its start.
  const { openParquet } = await import('./parquet-file.js');
  return openParquet(file.path);
}

async function kindOf(path: string): Promise<ExportFile> {
  try {
    const [file] = await exportFiles([path]);
    if (file !== undefined) return file;
  } catch (thrown) {
    if (!(thrown instanceof VerbError)) throw thrown;
    // The path is that of our copy, of which nobody knows.
    throw new UsageFileError(null, thrown.message.replace(`${path} `, 'the file '));
  }
  throw new UsageFileError(null, 'the file is empty');
}

async function openCsvFile(file: ExportFile): Promise<UsageFile> {
  const records = recordsOf(file);
  const first = await records.next();
  if (first.done === true) throw new UsageFileError(null, 'the file has no record of names');
  const [names = [], ...rest] = first.value;
  const columns = names.map((name) => name.trim().toUpperCase());
  return {
    columns,
    async *batches(wanted) {
      const kept = [...columns.entries()].filter(([, name]) => wanted.has(name));
      let batch: ServiceRow[] = [];
      let row = 0;
      for await (const each of withFirst(rest, records))
        for (const record of each) {
          row += 1;
          checkFields(columns, record, row);
          batch.push(Object.fromEntries(kept.map(([at, name]) => [name, record[at] ?? null])));
          if (batch.length < ROWS_A_BATCH) continue;
          yield batch;
          batch = [];
        }
      if (batch.length > 0) yield batch;
    },
    close: async () => {
      await records.return(undefined);
    },
  };
}

async function* withFirst<T>(first: T, others: AsyncIterable<T>): AsyncGenerator<T> {
  yield first;
  yield* others;
}

/** Records, some at a time; the first ones begin with the one of names. */
async function* recordsOf(
  file: ExportFile,
): AsyncGenerator<readonly (readonly string[])[], void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const stream = openCsv(file);
  let records: CsvRecords | undefined;
  try {
    for await (const piece of stream) {
      const text = decoder.decode(piece as Uint8Array, { stream: true });
      records ??= new CsvRecords(delimiterOf(text));
      for (let at = 0; at < text.length; at += CHARACTERS_AT_ONCE) {
        const ended = records.push(text.slice(at, at + CHARACTERS_AT_ONCE));
        if (ended.length > 0) yield ended;
        await setImmediate();
      }
    }
    records?.push(decoder.decode());
  } catch (thrown) {
    if (thrown instanceof UsageFileError) throw thrown;
    if ((thrown as { code?: unknown }).code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
      throw new UsageFileError(null, 'the file is not UTF-8; a spreadsheet saves it as CSV UTF-8');
    throw new UsageFileError(null, `the file cannot be read: ${toError(thrown).message}`);
  } finally {
    stream.destroy();
  }
  records?.end();
}

function checkFields(columns: readonly string[], record: readonly string[], row: number): void {
  if (record.length === columns.length) return;
  throw new UsageFileError(
    row,
    `has ${record.length} fields, and ${columns.length} columns are named; a text with the delimiter in it stands in quotes (FIELD_OPTIONALLY_ENCLOSED_BY = '"')`,
  );
}
