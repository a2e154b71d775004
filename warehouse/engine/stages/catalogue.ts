/**
 * Stages and file formats as objects: kept in tables of our own schema, temporary ones in the session. A stage's folder
 * has a name of its own, so that a stage made anew under an old name starts empty.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import { WIRE_CODES } from '#base/wire/codes.js';
import { failure, missingContainer, objectExists, StatementFailed } from '../failures.js';
import type { StatementRequest } from '../process/messages.js';
import { quoteDuckText } from '../sql/pieces.js';
import { dotted, fullName, type FullName } from '../sql/resolve.js';
import { listSchemas } from '../statistics/catalogue.js';
import { storedFormat, type FileFormat } from './file-format.js';
import type { FileEngine } from './file-engine.js';
import { temporaryDirectory, type StageFiles } from './stage-files.js';
import type { StageReference } from './stage-reference.js';

/** What all sessions share. */
export interface StageWorld {
  readonly files: StageFiles;
  readonly engine: FileEngine;
}

export interface NamedStage {
  readonly full: FullName;
  readonly directory: string;
  readonly format: FileFormat | undefined;
  /** The name of a format object in full, when the stage has one. */
  readonly formatName: string | null;
  readonly comment: string;
  readonly owner: string;
  readonly createdAtMs: number;
  readonly hasDirectory: boolean;
  readonly isTemporary: boolean;
}

export interface NamedFormat {
  readonly full: FullName;
  readonly format: FileFormat;
  readonly comment: string;
  readonly owner: string;
  readonly createdAtMs: number;
  readonly isTemporary: boolean;
}

/** A stage that a statement names, and the path in it. */
export interface UsedStage {
  readonly directory: string;
  readonly path: string;
  readonly format: FileFormat | undefined;
  /** What LIST writes before a file's path: the name of a named stage. */
  readonly label: string;
}

/** Statements that make our tables; repeated at every start. */
export const STAGE_TABLES: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS tollgate.stages (in_database VARCHAR, in_schema VARCHAR, name VARCHAR, directory VARCHAR, format VARCHAR,
     format_name VARCHAR, comment VARCHAR, owner VARCHAR, created_at_ms DOUBLE, has_directory BOOLEAN)`,
  `CREATE TABLE IF NOT EXISTS tollgate.file_formats (in_database VARCHAR, in_schema VARCHAR, name VARCHAR, format VARCHAR,
     comment VARCHAR, owner VARCHAR, created_at_ms DOUBLE)`,
  `CREATE TABLE IF NOT EXISTS tollgate.loads (in_database VARCHAR, in_schema VARCHAR, name VARCHAR, directory VARCHAR, file VARCHAR,
     md5 VARCHAR, loaded_at_ms DOUBLE)`,
];

/** The part of a session that stages need. */
export interface StageSession {
  readonly connection: DuckDBConnection;
  readonly temporary: ReadonlySet<string>;
  readonly stages: SessionStages;
  /** The statement that runs has been cancelled. */
  readonly isInterrupted: boolean;
}

/** The stages of one session: its temporary ones, and the way to all others. */
export class SessionStages {
  readonly world: StageWorld;
  readonly temporaryStages: Map<string, NamedStage> = new Map<string, NamedStage>();
  readonly temporaryFormats: Map<string, NamedFormat> = new Map<string, NamedFormat>();
  readonly #tables = new Map<string, string>();

  constructor(world: StageWorld) {
    this.world = world;
  }

  /** Folder for a new stage. */
  newDirectory(isTemporary: boolean): string {
    return isTemporary ? temporaryDirectory(randomUUID()) : `named/${randomUUID()}`;
  }

  /** Folder of the stage of a temporary table. */
  tableDirectory(table: string): string {
    const known = this.#tables.get(table) ?? temporaryDirectory(randomUUID());
    this.#tables.set(table, known);
    return known;
  }

  /** Removes what ends with the session. */
  async close(): Promise<void> {
    const { files } = this.world;
    const directories = [...this.temporaryStages.values()].map(({ directory }) => directory);
    for (const directory of [...directories, ...this.#tables.values()])
      await files.removeStage(directory);
  }
}

/** The warehouse's time in milliseconds. */
export function nowOf(request: StatementRequest): number {
  const stated = Date.parse(request.context['CURRENT_TIMESTAMP'] ?? '');
  return Number.isNaN(stated) ? Date.now() : stated;
}

/** An instant of this machine's clock, such as a file's, on the warehouse's clock, which runs `CLOCK_SCALE` times as fast. */
export function warehouseTime(request: StatementRequest, realMs: number): number {
  const scale = Number(request.context['CLOCK_SCALE'] ?? 1);
  return nowOf(request) - (Date.now() - realMs) * scale;
}

function where(full: FullName): string {
  return `in_database = ${quoteDuckText(full.database)} AND in_schema = ${quoteDuckText(full.schema)} AND name = ${quoteDuckText(full.name)}`;
}

async function rows(
  connection: DuckDBConnection,
  sql: string,
): Promise<readonly (readonly DuckDBValue[])[]> {
  return (await connection.runAndReadAll(sql)).getRows();
}

const STAGE_COLUMNS =
  'in_database, in_schema, name, directory, format, format_name, comment, owner, created_at_ms, has_directory';

function toStage(row: readonly DuckDBValue[]): NamedStage {
  const [database, schema, name, directory, format, formatName, comment, owner, at, has] = row;
  return {
    full: { database: String(database), schema: String(schema), name: String(name) },
    directory: String(directory),
    format: format === null ? undefined : storedFormat(String(format)),
    formatName: formatName === null || formatName === undefined ? null : String(formatName),
    comment: String(comment),
    owner: String(owner),
    createdAtMs: Number(at),
    hasDirectory: has === true,
    isTemporary: false,
  };
}

const FORMAT_COLUMNS = 'in_database, in_schema, name, format, comment, owner, created_at_ms';

function toFormat(row: readonly DuckDBValue[]): NamedFormat {
  const [database, schema, name, format, comment, owner, at] = row;
  return {
    full: { database: String(database), schema: String(schema), name: String(name) },
    format: storedFormat(String(format)),
    comment: String(comment),
    owner: String(owner),
    createdAtMs: Number(at),
    isTemporary: false,
  };
}

/** A stage by its full name; the session's temporary one hides another. */
export async function findStage(
  session: StageSession,
  full: FullName,
): Promise<NamedStage | undefined> {
  const own = session.stages.temporaryStages.get(dotted(full));
  if (own !== undefined) return own;
  const [row] = await rows(
    session.connection,
    `SELECT ${STAGE_COLUMNS} FROM tollgate.stages WHERE ${where(full)}`,
  );
  return row === undefined ? undefined : toStage(row);
}

/** Every stage that the session sees, by name. */
export async function allStages(session: StageSession): Promise<readonly NamedStage[]> {
  const found = await rows(session.connection, `SELECT ${STAGE_COLUMNS} FROM tollgate.stages`);
  return byName([...found.map(toStage), ...session.stages.temporaryStages.values()]);
}

export async function findFormat(
  session: StageSession,
  full: FullName,
): Promise<NamedFormat | undefined> {
  const own = session.stages.temporaryFormats.get(dotted(full));
  if (own !== undefined) return own;
  const [row] = await rows(
    session.connection,
    `SELECT ${FORMAT_COLUMNS} FROM tollgate.file_formats WHERE ${where(full)}`,
  );
  return row === undefined ? undefined : toFormat(row);
}

export async function allFormats(session: StageSession): Promise<readonly NamedFormat[]> {
  const found = await rows(
    session.connection,
    `SELECT ${FORMAT_COLUMNS} FROM tollgate.file_formats`,
  );
  return byName([...found.map(toFormat), ...session.stages.temporaryFormats.values()]);
}

function byName<Named extends { readonly full: FullName }>(list: readonly Named[]): Named[] {
  return [...list].sort((a, b) => (dotted(a.full) < dotted(b.full) ? -1 : 1));
}

/** Puts a stage in the catalogue, in place of one of the same name. */
export async function putStage(session: StageSession, stage: NamedStage): Promise<void> {
  if (stage.isTemporary) {
    session.stages.temporaryStages.set(dotted(stage.full), stage);
    return;
  }
  const { full } = stage;
  const format = stage.format === undefined ? 'NULL' : quoteDuckText(JSON.stringify(stage.format));
  const formatName = stage.formatName === null ? 'NULL' : quoteDuckText(stage.formatName);
  const texts = [full.database, full.schema, full.name, stage.directory].map(quoteDuckText);
  await session.connection.run(`DELETE FROM tollgate.stages WHERE ${where(full)}`);
  await session.connection.run(
    `INSERT INTO tollgate.stages VALUES (${texts.join(', ')}, ${format}, ${formatName}, ${quoteDuckText(stage.comment)},
       ${quoteDuckText(stage.owner)}, ${stage.createdAtMs}, ${stage.hasDirectory})`,
  );
}

/** Takes a stage out of the catalogue and removes its files. */
export async function dropStage(session: StageSession, stage: NamedStage): Promise<void> {
  if (stage.isTemporary) session.stages.temporaryStages.delete(dotted(stage.full));
  else await session.connection.run(`DELETE FROM tollgate.stages WHERE ${where(stage.full)}`);
  await session.stages.world.files.removeStage(stage.directory);
}

export async function putFormat(session: StageSession, format: NamedFormat): Promise<void> {
  if (format.isTemporary) {
    session.stages.temporaryFormats.set(dotted(format.full), format);
    return;
  }
  const { full } = format;
  const texts = [full.database, full.schema, full.name, JSON.stringify(format.format)];
  await session.connection.run(`DELETE FROM tollgate.file_formats WHERE ${where(full)}`);
  await session.connection.run(
    `INSERT INTO tollgate.file_formats VALUES (${texts.map(quoteDuckText).join(', ')}, ${quoteDuckText(format.comment)},
       ${quoteDuckText(format.owner)}, ${format.createdAtMs})`,
  );
}

export async function dropFormat(session: StageSession, format: NamedFormat): Promise<void> {
  if (format.isTemporary) session.stages.temporaryFormats.delete(dotted(format.full));
  else
    await session.connection.run(`DELETE FROM tollgate.file_formats WHERE ${where(format.full)}`);
}

/** Statements that forget the stages, formats and loads of a database or schema that is dropped. */
export function forgetContainer(database: string, schema: string | undefined): readonly string[] {
  const inside =
    `in_database = ${quoteDuckText(database)}` +
    (schema === undefined ? '' : ` AND in_schema = ${quoteDuckText(schema)}`);
  return ['stages', 'file_formats', 'loads'].map(
    (table) => `DELETE FROM tollgate.${table} WHERE ${inside}`,
  );
}

/** Fails with 002003 when the schema of an object to be made does not exist. */
export async function requireSchemaOf(session: StageSession, full: FullName): Promise<void> {
  const schemas = await listSchemas(session.connection, full.database);
  if (!schemas.some(({ name }) => name === full.schema))
    throw new StatementFailed(missingContainer('Schema', `${full.database}.${full.schema}`));
}

/** `002003` in the words of Snowflake for a stage or file format. */
export function missingStaged(kind: 'Stage' | 'File format', full: FullName): StatementFailed {
  return new StatementFailed(
    failure(
      WIRE_CODES.objectMissing,
      '02000',
      `SQL compilation error:\n${kind} '${dotted(full)}' does not exist or not authorized.`,
    ),
  );
}

/** `002002`. */
export function stagedExists(full: FullName): StatementFailed {
  return new StatementFailed(objectExists(full.name));
}

/** The folder that a reference means. Throws StatementFailed for a stage or table that does not exist. */
export async function usedStage(
  session: StageSession,
  reference: StageReference,
  request: StatementRequest,
): Promise<UsedStage> {
  const { path } = reference;
  switch (reference.kind) {
    case 'user': {
      const user = request.context['CURRENT_USER'] ?? '';
      return { directory: `user/${hashed(user)}`, path, format: undefined, label: '' };
    }
    case 'table': {
      const full = fullName(reference.parts, request);
      return {
        directory: await tableDirectory(session, full),
        path,
        format: undefined,
        label: '',
      };
    }
    case 'named': {
      const full = fullName(reference.parts, request);
      const stage = await findStage(session, full);
      if (stage === undefined) throw missingStaged('Stage', full);
      return {
        directory: stage.directory,
        path,
        format: await currentFormat(session, stage, request),
        label: `${full.name.toLowerCase()}/`,
      };
    }
  }
}

/** The format of a stage; one with a name is looked up when it is used. */
async function currentFormat(
  session: StageSession,
  stage: NamedStage,
  request: StatementRequest,
): Promise<FileFormat | undefined> {
  if (stage.formatName === null) return stage.format;
  const full = fullName(JSON.parse(stage.formatName) as string[], request);
  const found = await findFormat(session, full);
  if (found === undefined) throw missingStaged('File format', full);
  return found.format;
}

/** A table's own folder; a table made anew has another. */
async function tableDirectory(session: StageSession, full: FullName): Promise<string> {
  const name = dotted(full);
  if (session.temporary.has(name)) return session.stages.tableDirectory(name);
  const [found] = await rows(
    session.connection,
    `SELECT epoch_us(created_at)::VARCHAR FROM tollgate.all_tables WHERE table_database = ${quoteDuckText(full.database)}
       AND table_schema = ${quoteDuckText(full.schema)} AND table_name = ${quoteDuckText(full.name)} AND table_type = 'BASE TABLE'`,
  );
  if (found === undefined)
    throw new StatementFailed(
      failure(
        WIRE_CODES.objectMissing,
        '42S02',
        `SQL compilation error:\nTable '${name}' does not exist or not authorized.`,
      ),
    );
  return `table/${hashed(`${name}\n${String(found[0])}`)}`;
}

function hashed(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 40);
}
