/**
 * Reads a query-history export: CSV, CSV in gzip or Parquet, in one file or many. DuckDB, in this process and in memory,
 * reads, judges and sorts the rows, and spills into a scratch folder what does not fit; rows come out as a stream.
 */
import path from 'node:path';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { toError } from '../../../base/errors.js';
import { VerbError } from '../../verb-error.js';
import type { Complain, HistorySource, Intake } from '../history-source.js';
import type { ReplayRow } from '../row.js';
import { type ColumnName, COLUMN_NAMES, consequencesOf } from './columns.js';
import { type ExportFile, exportFiles } from './files.js';
import { takeStock } from './left-out.js';
import { literal } from './literal.js';
import { READING_MACROS } from './reading-sql.js';
import { relationOf } from './relation.js';
import { ROW_COLUMNS, rowsOf } from './row-of.js';
import { openScratch } from './scratch.js';
import { stageStatement } from './staging-sql.js';

/** Half a gigabyte holds a million rows with texts of some hundred characters; more is spilled. */
const MEMORY_LIMIT = '600MB';
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
    const instance = await DuckDBInstance.create(':memory:', {
      threads: THREADS,
      memory_limit: MEMORY_LIMIT,
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
  const found = new Set<ColumnName>();
  const targets: string[] = [];
  let before = 0;
  for (const [index, file] of files.entries()) {
    const { sql, sources } = await orRefuse(file, relationOf(connection, file));
    for (const name of sources.keys()) found.add(name);
    const target = path.join(folder, `${index}.parquet`);
    targets.push(target);
    const statement = stageStatement(sql, sources, { target, file: index, before });
    before += (await orRefuse(file, connection.run(statement))).rowsChanged;
  }
  const staged = targets.map(literal).join(', ');
  await connection.run(`CREATE VIEW staged AS SELECT * FROM read_parquet([${staged}])`);
  const { rows, leftOut } = await takeStock(connection, files, complain);
  return {
    rows,
    leftOut,
    columns: COLUMN_NAMES.filter((name) => found.has(name)),
    consequences: consequencesOf(found),
  };
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
     WHERE problem IS NULL AND (file, place) NOT IN (SELECT (file, place) FROM repeated)
     ORDER BY submitted_at, query_id`,
  );
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) return;
    yield rowsOf(chunk);
  }
}
