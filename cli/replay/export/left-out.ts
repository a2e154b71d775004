/** Rows of an export that are not given: counted, and the first of them told. */
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import type { EpochMs } from '../../../base/time.js';
import { VerbError } from '../../verb-error.js';
import type { Complain, LeftOut } from '../history-source.js';
import type { ExportFile } from './files.js';
import { printable, REJECTS_MAX } from './relation.js';
import { UNFINISHED_MARK } from './staging-sql.js';

export interface Stock {
  readonly rows: number;
  readonly leftOut: LeftOut;
  readonly lastAt: EpochMs;
}

/** Beyond these a person looks for the cause, not for the next row. */
const TOLD_MAX = 10;

/** Of several rows with one query id, the one that was submitted first is given. */
const REPEATED = `CREATE TABLE repeated AS
SELECT file, before, place FROM (
  SELECT file, before, place,
    row_number() OVER (PARTITION BY query_id ORDER BY submitted_at, file, before, place) AS turn
  FROM staged
  WHERE problem IS NULL AND query_id IN
    (SELECT query_id FROM staged WHERE problem IS NULL GROUP BY query_id HAVING count(*) > 1)
) WHERE turn > 1`;

const COUNTS = `SELECT
  count(*) FILTER (WHERE problem IS NULL)::DOUBLE,
  count(*) FILTER (WHERE problem <> '${UNFINISHED_MARK}')::DOUBLE,
  count(*) FILTER (WHERE problem = '${UNFINISHED_MARK}')::DOUBLE,
  (SELECT count(*) FROM repeated)::DOUBLE,
  coalesce(max(submitted_at) FILTER (WHERE problem IS NULL), 0)
FROM staged`;

const FIRST_PROBLEMS = `SELECT file, before::DOUBLE, place::DOUBLE, problem FROM staged
WHERE problem <> '${UNFINISHED_MARK}' ORDER BY file, before, place LIMIT ${TOLD_MAX}`;

/** Made by the first CSV that is read. */
const HAS_REJECTS = `SELECT count(*)::DOUBLE FROM duckdb_tables() WHERE table_name = 'reject_errors'`;

/** DuckDB counts records and calls them lines. A record can have several errors; one of them says enough. */
const REJECTS = `SELECT line::DOUBLE, min(error_message) FROM reject_errors GROUP BY line ORDER BY line`;

/** A record that is no CSV: too few or too many fields, a quote that does not close, bytes that are not UTF-8. */
export interface Reject {
  /** Number of the file. */
  readonly file: number;
  /** Rows of the file in the parts before. */
  readonly before: number;
  /** Number of the record in its part. */
  readonly row: number;
  readonly reason: string;
}

/** The rejects of the part that was staged last; DuckDB forgets them. */
export async function takeRejects(
  connection: DuckDBConnection,
  file: number,
  before: number,
): Promise<readonly Reject[]> {
  const [[tables] = []] = await read(connection, HAS_REJECTS);
  if (tables === 0) return [];
  const rows = await read(connection, REJECTS);
  await connection.run('DROP TABLE reject_errors');
  await connection.run('DROP TABLE reject_scans');
  return rows.map(([row, message]) => {
    const [reason = ''] = String(message).split('\n');
    return { file, before, row: Number(row), reason: reason.slice(0, 200).replace(/\.$/, '') };
  });
}

/**
 * Counts what was staged, and complains about what is left out.
 * @param rejects of every part, in order.
 * @throws VerbError (usage) when no row can be read although there are some.
 */
export async function takeStock(
  connection: DuckDBConnection,
  files: readonly ExportFile[],
  rejects: readonly Reject[],
  complain: Complain,
): Promise<Stock> {
  await connection.run(REPEATED);
  const [counts = []] = await read(connection, COUNTS);
  const [good = 0, bad = 0, unfinished = 0, repeated = 0, lastAt = 0] = counts.map(Number);
  const unreadable = bad + rejects.length;
  const problems = [...rejects, ...(await firstProblems(connection, rejects))];
  const first = problems
    .slice(0, TOLD_MAX)
    .map(
      ({ file, before, row, reason }) =>
        `${files[file]?.name ?? ''}, row ${before + row}: ${printable(reason)}`,
    );
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
  return { rows: good - repeated, leftOut: { unreadable, unfinished, repeated }, lastAt };
}

async function firstProblems(
  connection: DuckDBConnection,
  rejects: readonly Reject[],
): Promise<readonly Reject[]> {
  const rows = await read(connection, FIRST_PROBLEMS);
  return rows.map(([file, before, place, problem]) => {
    const others = rejects.filter((one) => one.file === file && one.before === before);
    // Its place is among those that are CSV.
    const row = others.reduce((at, reject) => (reject.row <= at ? at + 1 : at), Number(place));
    return { file: Number(file), before: Number(before), row, reason: String(problem) };
  });
}

async function read(
  connection: DuckDBConnection,
  sql: string,
): Promise<readonly (readonly DuckDBValue[])[]> {
  return (await connection.runAndReadAll(sql)).getRows();
}
