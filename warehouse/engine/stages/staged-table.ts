/** Rows of staged files in a temporary table, where statements and loads read them. */
import { setImmediate } from 'node:timers/promises';
import { cancelled, StatementFailed } from '../failures.js';
import type { EngineFailure } from '../engine.js';
import { quoteName } from '../sql/pieces.js';
import type { StageSession, UsedStage } from './catalogue.js';
import type { FileFormat } from './file-format.js';
import { fileRows, FileDamaged, type Budget, type FileRow } from './file-rows.js';
import type { StageFile } from './stage-files.js';

/** A record that was not put in the table, and why. */
export interface Damage {
  readonly failure: EngineFailure;
  readonly line: number;
  readonly row: number;
  readonly character: number;
}

export interface StagedFile {
  readonly file: StageFile;
  /** Records of the file, with the damaged ones. */
  rows: number;
  damages: number;
  first: Damage | undefined;
}

export interface StagedTable {
  /** As SQL writes it. */
  readonly sql: string;
  readonly files: readonly StagedFile[];
  /** Names of headers, or keys of the values, that any row had. */
  readonly names: ReadonlySet<string>;
  readonly bytes: number;
}

export interface StagedLayout {
  readonly name: string;
  /** COLUMN1 … COLUMNn. */
  readonly width: number;
  /** Where a header is read: the place of a field in the table by its name. */
  readonly placeOf?: (name: string) => number | undefined;
  /** Says what is wrong with a record's number of fields. */
  readonly checkWidth?: (fields: number) => EngineFailure | undefined;
}

/** Names of keys that are kept, over all rows of a statement. */
const NAMES_MAX = 10_000;
const ROWS_BETWEEN_FLUSHES = 10_000;

/**
 * Makes temporary table `layout.name` of the rows of `files`: COLUMN1 … COLUMNn, METADATA$FILENAME,
 * METADATA$FILE_ROW_NUMBER and TG_LINE. Damaged records are left out and counted. Throws StatementFailed when the
 * statement reads more than it may.
 */
export async function stageRows(
  session: StageSession,
  stage: UsedStage,
  files: readonly StageFile[],
  format: FileFormat,
  layout: StagedLayout,
): Promise<StagedTable> {
  const sql = await emptyStaged(session, layout, format);
  const { world } = session.stages;
  const budget: Budget = { bytesLeft: world.files.limits.statementBytesMax };
  const names = new Set<string>();
  const staged: StagedFile[] = [];
  const appender = await session.connection.createAppender(layout.name, 'main', 'temp');
  let pending = 0;
  try {
    for (const file of files) {
      const one: StagedFile = { file, rows: 0, damages: 0, first: undefined };
      staged.push(one);
      const rows = fileRows(world.files, world.engine, stage.directory, file.path, format, budget);
      for await (const row of sound(rows, one)) {
        one.rows += 1;
        const damage = row.damage ?? layout.checkWidth?.(row.fields.length);
        if (damage !== undefined) {
          note(one, { failure: damage, line: row.line, row: row.row, character: row.character });
          continue;
        }
        for (const name of row.names) if (names.size < NAMES_MAX) names.add(name);
        const fields = placed(row, layout);
        for (let at = 0; at < layout.width; at += 1) {
          const field = fields[at];
          if (field === undefined || field === null) appender.appendNull();
          else appender.appendVarchar(field);
        }
        appender.appendVarchar(file.path);
        appender.appendBigInt(BigInt(row.row));
        appender.appendBigInt(BigInt(row.line));
        appender.endRow();
        pending += 1;
        if (pending >= ROWS_BETWEEN_FLUSHES) {
          appender.flushSync();
          pending = 0;
          // Other sessions' messages, and the one that cancels this, are heard in between.
          await setImmediate();
          if (session.isInterrupted) throw new StatementFailed(cancelled());
        }
      }
    }
    appender.flushSync();
  } finally {
    appender.closeSync();
  }
  const bytes = files.reduce((total, file) => total + file.bytes, 0);
  return { sql, files: staged, names, bytes };
}

/** The same table without rows. */
export async function emptyStaged(
  session: StageSession,
  layout: StagedLayout,
  format: FileFormat,
): Promise<string> {
  const sql = `temp.main.${quoteName(layout.name)}`;
  const type = format.type === 'CSV' ? 'VARCHAR' : 'JSON';
  const columns = Array.from({ length: layout.width }, (_, at) => `COLUMN${at + 1} ${type}`);
  await session.connection.run(
    `CREATE OR REPLACE TEMP TABLE ${quoteName(layout.name)} (${columns.join(', ')}, "METADATA$FILENAME" VARCHAR,
       "METADATA$FILE_ROW_NUMBER" BIGINT, TG_LINE BIGINT)`,
  );
  return sql;
}

/** Frees the memory of a staged table; what cannot be dropped now is replaced by the next of its name. */
export async function dropStaged(session: StageSession, name: string): Promise<void> {
  await session.connection
    .run(`DROP TABLE IF EXISTS temp.main.${quoteName(name)}`)
    .catch(() => undefined);
}

/** The rows of a file until it turns out to be broken, which is a damage like that of a record. */
async function* sound(rows: AsyncGenerator<FileRow>, file: StagedFile): AsyncGenerator<FileRow> {
  try {
    yield* rows;
  } catch (thrown) {
    if (!(thrown instanceof FileDamaged)) throw thrown;
    file.rows += 1;
    note(file, { failure: thrown.failure, line: file.rows, row: file.rows, character: 1 });
  }
}

function note(file: StagedFile, damage: Damage): void {
  file.damages += 1;
  file.first ??= damage;
}

function placed(row: FileRow, layout: StagedLayout): readonly (string | null)[] {
  const { placeOf } = layout;
  if (placeOf === undefined) return row.fields;
  const fields: (string | null)[] = [];
  for (const [at, name] of row.names.entries()) {
    const place = placeOf(name);
    if (place !== undefined) fields[place] = row.fields[at] ?? null;
  }
  return fields;
}

/** The failure of a statement that met a damaged record and may not leave it out. */
export function damaged(file: StagedFile, damage: Damage, hint: string): StatementFailed {
  const { failure } = damage;
  return new StatementFailed({
    ...failure,
    message: `${failure.message}\n  File '${file.file.path}', line ${damage.line}, character ${damage.character}\n  Row ${damage.row}${hint}`,
  });
}
