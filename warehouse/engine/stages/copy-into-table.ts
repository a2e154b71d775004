/** COPY INTO <table> (Snowflake's page of that name): files of a stage become rows, each file once. */
import { failure, StatementFailed } from '../failures.js';
import type { RowsAsText, StatementRequest } from '../process/messages.js';
import { closing, isSymbol, isWord, quoteDuckText, quoteName, type Piece } from '../sql/pieces.js';
import { usedStage, type UsedStage } from './catalogue.js';
import { copyOptions, type CopyOptions, type OnError } from './copy-options.js';
import { copyRows, newFiles, nothingLoaded, wantedFiles } from './copy-files.js';
import type { FileOutcome, FirstError } from './copy-files.js';
import { copyFromQuery } from './copy-from-query.js';
import { defaultFormat, type FileFormat } from './file-format.js';
import { layoutOf, loadColumns, type LoadColumn } from './load-columns.js';
import { notRecognised } from './load-expressions.js';
import { recordLoads } from './loads.js';
import { readOptions } from './options.js';
import type { StageFile } from './stage-files.js';
import type { StatementSession } from './statement-session.js';
import {
  damaged,
  dropStaged,
  stageRows,
  type StagedFile,
  type StagedTable,
} from './staged-table.js';
import { targetAt, type Target } from './target-table.js';
import { stageAt } from './transfers.js';

const STAGED = 'stage copy';

/** Runs the statement in `pieces`. Throws StatementFailed; a load that fails leaves nothing behind. */
export async function copyIntoTable(
  session: StatementSession,
  pieces: readonly Piece[],
  request: StatementRequest,
): Promise<RowsAsText> {
  const { target, to } = await targetAt(session, pieces, 2, request);
  const hasFrom = isWord(pieces, to, 'FROM');
  if (hasFrom && isSymbol(pieces, to + 1, '(')) {
    const end = closing(pieces, to + 1);
    const query = pieces.slice(to + 2, end);
    const options = readOptions(pieces, end + 1, pieces.length, request.sql);
    return await copyFromQuery(session, target, query, options, request);
  }
  const stage = hasFrom
    ? await stageAt(session, pieces, to + 1, request)
    : await ownStage(session, target, request);
  const options = readOptions(pieces, hasFrom ? to + 2 : to, pieces.length, request.sql);
  const read = await copyOptions(session, options, request, stage.format);
  const format = read.format ?? defaultFormat();
  const files = await wantedFiles(session, stage, read);
  return await session.inTransaction(request.isAutocommit, () =>
    load(session, { target, stage, files, options: read, format, request }),
  );
}

/** Without FROM the files are those of the table's own stage ("COPY INTO <table>": examples for a table's stage). */
function ownStage(
  session: StatementSession,
  { full }: Target,
  request: StatementRequest,
): Promise<UsedStage> {
  const parts = [full.database, full.schema, full.name];
  return usedStage(session, { kind: 'table', parts, path: '' }, request);
}

interface Load {
  readonly target: Target;
  readonly stage: UsedStage;
  readonly files: readonly StageFile[];
  readonly options: CopyOptions;
  readonly format: FileFormat;
  readonly request: StatementRequest;
}

async function load(session: StatementSession, work: Load): Promise<RowsAsText> {
  const { target, stage, options, format, request } = work;
  const { marks, files } = await newFiles(session, target, stage, work.files, options, request);
  if (files.length === 0) return nothingLoaded();
  try {
    const layout = layoutOf(STAGED, target, options, format);
    const staged = await stageRows(session, stage, files, format, layout);
    const columns = loadColumns(target, options, format, staged.names);
    const errors = await fieldErrors(session, staged, columns);
    const outcomes = staged.files.map((file) => outcomeOf(file, errors, options.onError));
    if (options.onError.kind === 'abort') refuseErrors(staged, errors, target);
    const taken = outcomes.filter(({ loaded }) => loaded > 0).map(({ file }) => file);
    const rows = taken.length === 0 ? 0 : await insert(session, target, staged, columns, taken);
    const complete = outcomes.filter(isKept).map(({ file }) => file);
    await recordLoads(
      session,
      target,
      stage.directory,
      marks.filter(({ path }) => complete.includes(path)),
      request,
    );
    const bytesWritten = await session.bytesOf(target, rows);
    if (options.isPurging)
      for (const { file, errors: bad } of outcomes)
        if (bad === 0) await session.stages.world.files.remove(stage.directory, file);
    return copyRows(outcomes, options, staged.bytes, rows, bytesWritten);
  } finally {
    await dropStaged(session, STAGED);
  }
}

/** A file that has been loaded as far as it can be, which a later COPY does not load again. */
function isKept(outcome: FileOutcome): boolean {
  return outcome.loaded > 0 || outcome.errors === 0;
}

interface FieldErrors {
  readonly count: number;
  readonly row: number;
  readonly line: number;
  readonly column: LoadColumn | undefined;
  readonly value: string | null;
}

/** Rows of each file that have a field which is no value of its column, and the first of them. */
async function fieldErrors(
  session: StatementSession,
  staged: StagedTable,
  columns: readonly LoadColumn[],
): Promise<ReadonlyMap<string, FieldErrors>> {
  const tests = columns.flatMap(({ isBad }, at) =>
    isBad === undefined ? [] : [`WHEN ${isBad} THEN ${at}`],
  );
  if (tests.length === 0) return new Map();
  const values = columns.map(({ cell }, at) => `WHEN ${at} THEN CAST(${cell} AS VARCHAR)`);
  const found = await session.connection.runAndReadAll(
    `SELECT f, count(*)::DOUBLE, min(r)::DOUBLE, arg_min(l, r)::DOUBLE, arg_min(c, r)::INTEGER, arg_min(v, r) FROM (
       SELECT f, r, l, c, CASE c ${values.join(' ')} END AS v FROM (
         SELECT *, "METADATA$FILENAME" AS f, "METADATA$FILE_ROW_NUMBER" AS r, TG_LINE AS l, CASE ${tests.join(' ')} END AS c FROM ${staged.sql})
       WHERE c IS NOT NULL) GROUP BY f`,
  );
  return new Map(
    found.getRows().map(([file, count, row, line, at, value]) => [
      String(file),
      {
        count: Number(count),
        row: Number(row),
        line: Number(line),
        column: columns[Number(at)],
        value: value === null || value === undefined ? null : String(value),
      },
    ]),
  );
}

function firstError(staged: StagedFile, errors: FieldErrors | undefined): FirstError | undefined {
  const { first } = staged;
  if (errors === undefined || (first !== undefined && first.row < errors.row))
    return first === undefined
      ? undefined
      : {
          message: first.failure.message,
          line: first.line,
          character: first.character,
          column: null,
        };
  return {
    message: valueMessage(errors),
    line: errors.line,
    character: null,
    column: errors.column?.column.name ?? null,
  };
}

function valueMessage({ column, value }: FieldErrors): string {
  if (column === undefined) return '';
  if (value === null) return `NULL result in a non-nullable column`;
  return `${notRecognised(column.column.type).what} '${value}' is not recognized`;
}

function outcomeOf(
  staged: StagedFile,
  errors: ReadonlyMap<string, FieldErrors>,
  onError: OnError,
): FileOutcome {
  const found = errors.get(staged.file.path);
  const bad = staged.damages + (found?.count ?? 0);
  const limit = errorLimit(onError, staged.rows);
  const isSkipped = onError.kind === 'skipFile' && bad > 0 && bad >= limit;
  return {
    file: staged.file.path,
    parsed: staged.rows,
    loaded: isSkipped ? 0 : staged.rows - bad,
    errors: bad,
    limit,
    first: firstError(staged, found),
  };
}

/** Records in error from which a file is left out; for CONTINUE more than it can have. */
function errorLimit(onError: OnError, rows: number): number {
  switch (onError.kind) {
    case 'abort':
      return 1;
    case 'continue':
      return rows;
    case 'skipFile':
      return onError.isPercent ? Math.floor((rows * onError.from) / 100) + 1 : onError.from;
  }
}

const CONTINUE_HINT =
  "\n  If you would like to continue loading when an error is encountered, use other values such as 'SKIP_FILE' or 'CONTINUE' for the ON_ERROR option. For more information on loading options, please run 'info loading_data' in a SQL client.";

function refuseErrors(
  staged: StagedTable,
  errors: ReadonlyMap<string, FieldErrors>,
  target: Target,
): void {
  for (const file of staged.files) {
    const found = errors.get(file.file.path);
    const { first } = file;
    if (first !== undefined && (found === undefined || first.row < found.row))
      throw damaged(file, first, CONTINUE_HINT);
    if (found?.column === undefined) continue;
    const { column } = found.column;
    const { code, sqlState } =
      found.value === null ? { code: '100072', sqlState: '22000' } : notRecognised(column.type);
    const place = target.columns.indexOf(column) + 1;
    throw new StatementFailed(
      failure(
        code,
        sqlState,
        `${valueMessage(found)}\n  File '${file.file.path}', line ${found.line}\n  Row ${found.row}, column ${quoteDuckText(quoteName(target.full.name)).slice(1, -1)}["${column.name}":${place}]${CONTINUE_HINT}`,
      ),
    );
  }
}

async function insert(
  session: StatementSession,
  target: Target,
  staged: StagedTable,
  columns: readonly LoadColumn[],
  files: readonly string[],
): Promise<number> {
  const bad = columns.flatMap(({ isBad }) => (isBad === undefined ? [] : [isBad]));
  const names = columns.map(({ column }) => quoteName(column.name)).join(', ');
  const conditions = [
    `"METADATA$FILENAME" IN (${files.map(quoteDuckText).join(', ')})`,
    ...(bad.length === 0 ? [] : [`NOT coalesce(${bad.join(' OR ')}, FALSE)`]),
  ];
  const result = await session.connection.run(
    `INSERT INTO ${target.sql} (${names}) SELECT ${columns.map(({ value }) => value).join(', ')}
     FROM ${staged.sql} WHERE ${conditions.join(' AND ')}`,
  );
  return result.rowsChanged;
}
