/** Rows of an export that are not given: counted, and the first of them told. */
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import { VerbError } from '../../verb-error.js';
import type { Complain, LeftOut } from '../history-source.js';
import type { ExportFile } from './files.js';
import { printable, REJECTS_MAX } from './relation.js';
import { UNFINISHED_MARK } from './staging-sql.js';

export interface Stock {
  readonly rows: number;
  readonly leftOut: LeftOut;
}

/** Beyond these a person looks for the cause, not for the next row. */
const TOLD_MAX = 10;

/** Of several rows with one query id, the one that was submitted first is given. */
const REPEATED = `CREATE TABLE repeated AS
SELECT file, place FROM (
  SELECT file, place, row_number() OVER (PARTITION BY query_id ORDER BY submitted_at, file, place) AS turn
  FROM staged
  WHERE problem IS NULL AND query_id IN
    (SELECT query_id FROM staged WHERE problem IS NULL GROUP BY query_id HAVING count(*) > 1)
) WHERE turn > 1`;

const COUNTS = `SELECT
  count(*) FILTER (WHERE problem IS NULL)::DOUBLE,
  count(*) FILTER (WHERE problem <> '${UNFINISHED_MARK}')::DOUBLE,
  count(*) FILTER (WHERE problem = '${UNFINISHED_MARK}')::DOUBLE,
  (SELECT count(*) FROM repeated)::DOUBLE
FROM staged`;

const FIRST_PROBLEMS = `SELECT file, place::DOUBLE, problem FROM staged
WHERE problem <> '${UNFINISHED_MARK}' ORDER BY file, place LIMIT ${TOLD_MAX}`;

/** Made by the first CSV that is read. */
const HAS_REJECTS = `SELECT count(*)::DOUBLE FROM duckdb_tables() WHERE table_name = 'reject_errors'`;

/**
 * The records that are no CSV. DuckDB counts records, the header as the first, and calls them lines. A record can have
 * several errors; one of them says enough.
 */
const REJECTS = `SELECT s.file_path, (e.line - 1)::DOUBLE, min(e.error_message)
FROM reject_errors e JOIN reject_scans s USING (scan_id, file_id)
GROUP BY ALL ORDER BY 1, 2`;

/**
 * Counts what was staged, and complains about what is left out.
 * @throws VerbError (usage) when no row can be read although there are some.
 */
export async function takeStock(
  connection: DuckDBConnection,
  files: readonly ExportFile[],
  complain: Complain,
): Promise<Stock> {
  await connection.run(REPEATED);
  const [counts = []] = await read(connection, COUNTS);
  const [good = 0, bad = 0, unfinished = 0, repeated = 0] = counts.map(Number);
  const rejects = await rejectsOf(connection, files);
  const unreadable = bad + rejects.length;
  const problems = [...rejects, ...(await firstProblems(connection, rejects))];
  const first = problems
    .slice(0, TOLD_MAX)
    .map(({ file, row, reason }) => `${files[file]?.name ?? ''}, row ${row}: ${printable(reason)}`);
  if (good === 0 && unreadable > 0)
    throw new VerbError(
      [`None of the export's ${unreadable} rows can be read:`, ...first].join('\n  '),
      2,
    );
  if (rejects.length >= REJECTS_MAX)
    throw new VerbError(
      [
        `${REJECTS_MAX} or more records of the export are no CSV; texts must stand in double quotes, with quotes inside them doubled:`,
        ...first,
      ].join('\n  '),
      2,
    );
  for (const sentence of first) complain(`Left out: ${sentence}.`);
  if (unreadable > first.length)
    complain(`Left out: ${unreadable - first.length} more rows that cannot be read.`);
  return { rows: good - repeated, leftOut: { unreadable, unfinished, repeated } };
}

interface Problem {
  /** Number of the file. */
  readonly file: number;
  /** Number of the record in it, the header not counted. */
  readonly row: number;
  readonly reason: string;
}

async function firstProblems(
  connection: DuckDBConnection,
  rejects: readonly Problem[],
): Promise<readonly Problem[]> {
  const rows = await read(connection, FIRST_PROBLEMS);
  return rows.map(([file, place, problem]) => ({
    file: Number(file),
    row: rowOf(Number(file), Number(place), rejects),
    reason: String(problem),
  }));
}

/** The record that is the `place`th of those that are CSV. */
function rowOf(file: number, place: number, rejects: readonly Problem[]): number {
  return rejects
    .filter((reject) => reject.file === file)
    .reduce((row, reject) => (reject.row <= row ? row + 1 : row), place);
}

/** Too few or too many fields, a quote that does not close, bytes that are not UTF-8. */
async function rejectsOf(
  connection: DuckDBConnection,
  files: readonly ExportFile[],
): Promise<readonly Problem[]> {
  const [[tables] = []] = await read(connection, HAS_REJECTS);
  if (tables === 0) return [];
  const numbers = new Map(files.map((file, index) => [file.path, index]));
  const rows = await read(connection, REJECTS);
  return rows.map(([path, row, message]) => {
    const [reason = ''] = String(message).split('\n');
    return {
      file: numbers.get(String(path)) ?? 0,
      row: Number(row),
      reason: reason.slice(0, 200).replace(/\.$/, ''),
    };
  });
}

async function read(
  connection: DuckDBConnection,
  sql: string,
): Promise<readonly (readonly DuckDBValue[])[]> {
  return (await connection.runAndReadAll(sql)).getRows();
}
