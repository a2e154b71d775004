/**
 * Reads a query-history export: CSV, CSV in gzip or Parquet, in one file or many. DuckDB, in this process, reads, judges
 * and sorts the rows in a scratch folder; they come out as a stream.
 */
import path from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { toError } from '../../../base/errors.js';
import { VerbError } from '../../verb-error.js';
import type { Complain, HistorySource, Intake } from '../history-source.js';
import type { ReplayRow } from '../row.js';
import { type ColumnName, COLUMN_NAMES, consequencesOf } from './columns.js';
import { type ExportFile, exportFiles } from './files.js';
import { type Reject, takeRejects, takeStock } from './left-out.js';
import { READING_MACROS } from './reading-sql.js';
import { relationOf } from './relation.js';
import { ROW_COLUMNS, RowReader } from './row-of.js';
import { openScratch } from './scratch.js';
import { STAGED_TABLE, stageStatement } from './staging-sql.js';

/** Parquet as it is usually written, a hundred thousand rows a group, needs some hundred megabytes to be read. */
const STAGING_MEMORY = '900MB';
/** A sort that does not fit is spilled; the rest is left to whoever takes the rows. */
const SORTING_MEMORY = '500MB';
const THREADS = '2';

/**
 * Opens an export.
 * @param paths files and folders; parts of one unload, in any order.
 * @param complain told of the first rows that are left out, with file, row, column and reason.
 * @throws VerbError (usage) when a path cannot be read, a file is no export, or none of its rows can be read.
 */
export async function readExport(
  paths: readonly string[],
  complain: Complain,
): Promise<HistorySource> {
  const files = await exportFiles(paths);
  const scratch = openScratch();
  try {
    // Loaded here: it takes 36 MB and a fifth of a second of every process, and only this verb needs it.
    const { DuckDBInstance } = await import('@duckdb/node-api');
    const instance = await DuckDBInstance.create(path.join(scratch.folder, 'staged.duckdb'), {
      threads: THREADS,
      memory_limit: STAGING_MEMORY,
      temp_directory: scratch.folder,
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    });
    const connection = await instance.connect();
    const close = (): Promise<void> => {
      connection.closeSync();
      instance.closeSync();
      scratch.remove();
      return Promise.resolve();
    };
    try {
      const intake = await stage(connection, files, scratch.folder, complain);
      return { intake, batches: () => batchesOf(connection), close };
    } catch (thrown) {
      await close();
      throw thrown;
    }
  } catch (thrown) {
    scratch.remove();
    throw thrown;
  }
}

async function stage(
  connection: DuckDBConnection,
  files: readonly ExportFile[],
  folder: string,
  complain: Complain,
): Promise<Intake> {
  await connection.run(`SET TimeZone = 'UTC'`);
  // Rows carry their place; to keep their order beside it would be to keep them in memory.
  await connection.run('SET preserve_insertion_order = false');
  for (const macro of READING_MACROS) await connection.run(macro);
  // Read once and deleted: to look for a good compression takes longer than to write it all.
  await connection.run(`SET force_compression = 'uncompressed'`);
  await connection.run(STAGED_TABLE);
  const found = new Set<ColumnName>();
  const rejects: Reject[] = [];
  let beforeInAll = 0;
  for (const [index, file] of files.entries()) {
    const staging = { connection, file, index, folder, beforeInAll, rejects };
    beforeInAll += await orRefuse(file, stageFile(staging, found));
  }
  await connection.run(`SET memory_limit = '${SORTING_MEMORY}'`);
  const { rows, leftOut, lastAt } = await takeStock(connection, files, rejects, complain);
  return {
    rows,
    leftOut,
    columns: COLUMN_NAMES.filter((name) => found.has(name)),
    consequences: consequencesOf(found),
    lastAt,
  };
}

interface Staging {
  readonly connection: DuckDBConnection;
  readonly file: ExportFile;
  readonly index: number;
  readonly folder: string;
  readonly beforeInAll: number;
  readonly rejects: Reject[];
}

/** Adds what it finds to `found` and to the rejects; returns the rows of the file. */
async function stageFile(staging: Staging, found: Set<ColumnName>): Promise<number> {
  const { connection, file, index, folder, beforeInAll, rejects } = staging;
  const relation = await relationOf(connection, file);
  const { sources } = relation;
  for (const name of sources.keys()) found.add(name);
  let before = 0;
  for await (const part of relation.parts(path.join(folder, 'part.csv'))) {
    const place = { file: index, before, beforeInAll: beforeInAll + before };
    const { rowsChanged } = await connection.run(stageStatement(part, sources, place));
    const rejected = await takeRejects(connection, index, before);
    for (const reject of rejected) rejects.push(reject);
    before += rowsChanged + rejected.length;
  }
  return before;
}

/** What DuckDB cannot read is refused in its words, less what it advises: its options are not ours. */
async function orRefuse<T>(file: ExportFile, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (thrown) {
    if (thrown instanceof VerbError) throw thrown;
    const [reason = ''] = toError(thrown).message.split('\n');
    throw new VerbError(`${file.name} cannot be read as ${file.kind}: ${reason.slice(0, 300)}`, 2);
  }
}

async function* batchesOf(connection: DuckDBConnection): AsyncGenerator<readonly ReplayRow[]> {
  const result = await connection.stream(
    `SELECT ${ROW_COLUMNS} FROM staged
     WHERE problem IS NULL AND (file, before, place) NOT IN (SELECT (file, before, place) FROM repeated)
     ORDER BY submitted_at, query_id`,
  );
  const reader = new RowReader();
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) return;
    yield reader.rowsOf(chunk);
  }
}
