/** COPY INTO <table> FROM (SELECT … FROM @stage): a load with a transformation of each record. */
import { DuckDBTypeId } from '@duckdb/node-api';
import { StatementFailed, syntaxError, unsupported } from '../failures.js';
import type { RowsAsText, StatementRequest } from '../process/messages.js';
import { quoteDuckText, quoteName, type Piece } from '../sql/pieces.js';
import { usedStage } from './catalogue.js';
import { copyOptions } from './copy-options.js';
import { copyRows, newFiles, nothingLoaded, wantedFiles } from './copy-files.js';
import { dropStages, stagePieces, withStages } from './from-stage.js';
import { defaultFormat } from './file-format.js';
import { strictLoadSql } from './load-expressions.js';
import { countIn } from './load-columns.js';
import { recordLoads } from './loads.js';
import type { Option } from './options.js';
import { stageReference } from './stage-reference.js';
import type { StatementSession } from './statement-session.js';
import { storedSql, type Target, type TargetColumn } from './target-table.js';

/** Runs it. Only ABORT_STATEMENT is done right here: an error in a transformation is the statement's. */
export async function copyFromQuery(
  session: StatementSession,
  target: Target,
  query: readonly Piece[],
  options: readonly Option[],
  request: StatementRequest,
): Promise<RowsAsText> {
  const stages = stagePieces(query);
  const [piece] = stages;
  if (piece === undefined || stages.length > 1)
    throw new StatementFailed(
      piece === undefined
        ? syntaxError(request.sql, query[0]?.start ?? -1, query[0]?.text ?? ')')
        : unsupported('COPY INTO from several stages'),
    );
  const reference = stageReference(piece.value, request.sql, piece.start);
  const stage = await usedStage(session, reference, request);
  const read = await copyOptions(session, options, request, stage.format);
  if (read.onError.kind !== 'abort')
    throw new StatementFailed(
      unsupported('ON_ERROR other than ABORT_STATEMENT in COPY INTO … FROM (SELECT …)'),
    );
  if (read.match !== 'NONE')
    throw new StatementFailed(unsupported('MATCH_BY_COLUMN_NAME with a transformation'));
  const format = read.format ?? defaultFormat();
  return await session.inTransaction(request.isAutocommit, async () => {
    const wanted = await wantedFiles(session, stage, read);
    const { marks, files } = await newFiles(session, target, stage, wanted, read, request);
    if (files.length === 0) return nothingLoaded();
    const staged = await withStages(session, query, request, false, { format, files });
    try {
      const duckSql = await session.translateQuery(staged.pieces);
      const rows = await insertQuery(session, target, query, duckSql, format);
      const parsed = staged.files.reduce((total, file) => total + file.rows, 0);
      if (rows !== parsed)
        throw new StatementFailed(
          unsupported('a transformation in COPY INTO that does not give one row a record'),
        );
      await recordLoads(session, target, stage.directory, marks, request);
      const bytesWritten = await session.bytesOf(target, rows);
      if (read.isPurging)
        for (const { path } of files)
          await session.stages.world.files.remove(stage.directory, path);
      const outcomes = staged.files.map(({ file, rows: count }) => ({
        file: file.path,
        parsed: count,
        loaded: count,
        errors: 0,
        limit: 1,
        first: undefined,
      }));
      return copyRows(outcomes, read, staged.bytes, rows, bytesWritten);
    } finally {
      await dropStages(session, staged.tables);
    }
  });
}

/** `value` where it is no whole number in a column of times, which ends the statement. */
function withoutCounts(value: string, isCount: string | undefined, column: TargetColumn): string {
  if (isCount === undefined) return value;
  const { code, sqlState, message } = unsupported(
    `a whole number of a Parquet file in column ${column.name} of dates or times; with USE_LOGICAL_TYPE = TRUE nanoseconds are times`,
  );
  const raised = quoteDuckText(`TGFAIL:${code}:${sqlState}:${message.replaceAll('\n', ' ')}:TGEND`);
  return `CASE WHEN ${isCount} THEN error(${raised}) ELSE ${value} END`;
}

/** Texts are loaded into columns of other types as a plain load does it; other values are cast. */
async function insertQuery(
  session: StatementSession,
  target: Target,
  query: readonly Piece[],
  duckSql: string,
  format: ReturnType<typeof defaultFormat>,
): Promise<number> {
  const described = await session.describeQuery(duckSql, query);
  if (described.length !== target.columns.length)
    throw new StatementFailed(
      unsupported(
        `a transformation of ${described.length} columns into a table of ${target.columns.length}; name the table's columns`,
      ),
    );
  const names = described.map((_, at) => `c${at + 1}`);
  const values = target.columns.map((column, at) => {
    const name = names[at] ?? '';
    const type = described[at]?.type;
    if (column.type === 'JSON') return name;
    if (type?.typeId !== DuckDBTypeId.VARCHAR) return storedSql(name, column);
    // The text of a VARIANT's string is without its quotes, as in a cast of one.
    const cell = type.alias === 'JSON' ? `(${name}->>'$')` : name;
    const value = strictLoadSql(cell, column.type, format, column.name);
    const isCount = type.alias === 'JSON' ? countIn(name, column, format) : undefined;
    return storedSql(withoutCounts(value, isCount, column), column);
  });
  const columns = target.columns.map(({ name }) => quoteName(name)).join(', ');
  const result = await session.connection.run(
    `INSERT INTO ${target.sql} (${columns}) SELECT ${values.join(', ')} FROM (${duckSql}\n) AS q(${names.join(', ')})`,
  );
  return result.rowsChanged;
}
