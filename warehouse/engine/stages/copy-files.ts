/** What every COPY INTO <table> does about files: which it takes, which it has had, and the row that tells of each. */
import { STATEMENT_TYPES } from '#base/wire/codes.js';
import { columnType } from '#base/wire/row-type.js';
import type { Cell } from '#base/wire/row-type.js';
import { failure, StatementFailed } from '../failures.js';
import type { RowsAsText, StatementRequest } from '../process/messages.js';
import { statusRow } from '../statement/transaction.js';
import type { UsedStage } from './catalogue.js';
import type { CopyOptions } from './copy-options.js';
import { unloaded, type FileMark } from './loads.js';
import { textColumns } from './named-objects.js';
import type { StageFile } from './stage-files.js';
import type { StatementSession } from './statement-session.js';
import type { Target } from './target-table.js';
import { stageFiles } from './transfers.js';

/** How one file ended. */
export interface FileOutcome {
  readonly file: string;
  readonly parsed: number;
  readonly loaded: number;
  readonly errors: number;
  readonly limit: number;
  readonly first: FirstError | undefined;
}

export interface FirstError {
  readonly message: string;
  readonly line: number;
  /** Not known for a field that is no value of its column. */
  readonly character: number | null;
  readonly column: string | null;
}

/** The files that FILES and PATTERN leave; a failure for one of FILES that is not there. */
export async function wantedFiles(
  session: StatementSession,
  stage: UsedStage,
  options: CopyOptions,
): Promise<readonly StageFile[]> {
  const found = await stageFiles(session, stage, options.pattern);
  if (options.files === undefined) return found;
  const prefix = stage.path === '' || stage.path.endsWith('/') ? stage.path : `${stage.path}/`;
  return options.files.map((name) => {
    const file = found.find(({ path }) => path === prefix + name || path === stage.path + name);
    if (file === undefined)
      throw new StatementFailed(
        failure(
          '100016',
          '22000',
          `Remote file '${name}' was not found. If you are running a copy command, please make sure files are not deleted when they are being loaded or files are not being loaded into two different tables concurrently with auto purge option.`,
        ),
      );
    return file;
  });
}

/** The files that the table has not had yet, or all of them with FORCE. */
export async function newFiles(
  session: StatementSession,
  target: Target,
  stage: UsedStage,
  files: readonly StageFile[],
  options: CopyOptions,
  request: StatementRequest,
): Promise<{ readonly marks: readonly FileMark[]; readonly files: readonly StageFile[] }> {
  const marks: FileMark[] = [];
  for (const { path } of files)
    marks.push({ path, md5: await session.stages.world.files.md5(stage.directory, path) });
  if (options.isForced) return { marks, files };
  const fresh = await unloaded(session, target, stage.directory, marks, request);
  return {
    marks: marks.filter(({ path }) => fresh.has(path)),
    files: files.filter(({ path }) => fresh.has(path)),
  };
}

/** The answer when there was nothing to load. */
export function nothingLoaded(): RowsAsText {
  return statusRow('Copy executed with 0 files processed.', STATEMENT_TYPES.copy);
}

const COUNTS = ['rows_parsed', 'rows_loaded', 'error_limit', 'errors_seen'] as const;

/** One row a file, with the columns that Snowflake lists. */
export function copyRows(
  outcomes: readonly FileOutcome[],
  options: CopyOptions,
  bytesScanned: number,
  rowsScanned: number,
  bytesWritten: number,
): RowsAsText {
  const count = (name: string): ReturnType<typeof columnType> =>
    columnType(name, 'fixed', { precision: 38, scale: 0 });
  const shown = options.returnsFailedOnly ? outcomes.filter(({ errors }) => errors > 0) : outcomes;
  const rows = shown.map((outcome): readonly Cell[] => [
    outcome.file,
    outcome.errors === 0 ? 'LOADED' : outcome.loaded > 0 ? 'PARTIALLY_LOADED' : 'LOAD_FAILED',
    String(outcome.parsed),
    String(outcome.loaded),
    String(outcome.limit),
    String(outcome.errors),
    outcome.first?.message ?? null,
    outcome.first === undefined ? null : String(outcome.first.line),
    outcome.first?.character?.toString() ?? null,
    outcome.first?.column ?? null,
  ]);
  return {
    kind: 'rows',
    columns: [
      ...textColumns('file', 'status'),
      ...COUNTS.map(count),
      ...textColumns('first_error'),
      count('first_error_line'),
      count('first_error_character'),
      ...textColumns('first_error_column_name'),
    ],
    rowTexts: rows.map((row) => JSON.stringify(row)),
    statementTypeId: STATEMENT_TYPES.copy,
    scan: { bytesScanned, partitionsScanned: 0, partitionsTotal: 0, rowsScanned, bytesWritten },
  };
}
