/**
 * The DuckDB file: opened once per engine process, sandboxed, with the macro library and the demo world inside. A
 * Snowflake schema DB.S is the DuckDB schema "DB.S" of one attached file, so that a transaction may span databases.
 */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { catalogueStatements, catalogueViews } from './statistics/catalogue-sql.js';
import { informationViews } from './statistics/information-schema.js';
import { SCALARS } from './scalars/all.js';
import { registerScalars } from './scalars/scalar.js';
import { MACROS, OPERATORS } from './sql/functions/library.js';
import { STAGE_TABLES } from './stages/catalogue.js';
import type { StartOptions } from './process/messages.js';
import { eventsStatement } from './world/events.js';
import { MIX_MACROS } from './world/mix.js';
import { tpchStatements } from './world/tpch.js';

/** Name of the attached file inside DuckDB. */
export const CATALOG = 'warehouse';
/** Schema of our own tables; not reachable by statements because their names always carry a dot. */
export const OWN_SCHEMA = 'tollgate';

/** Raised when stored data is of another version of this layout. */
const LAYOUT_VERSION = 1;

export interface Database {
  readonly service: DuckDBConnection;
  connect(): Promise<DuckDBConnection>;
  close(): void;
}

/**
 * Opens or creates the database. Throws DuckDB's error when the file is locked by another process or unreadable.
 * Outside access is switched off for good before the first statement of a client can run.
 */
export async function openDatabase(options: StartOptions): Promise<Database> {
  mkdirSync(options.dataDir, { recursive: true });
  const path = join(options.dataDir, 'warehouse.duckdb');
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: `${options.memoryLimitMb}MB`,
    threads: '2',
    temp_directory: '',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const service = await instance.connect();
  registerScalars(service, SCALARS);
  await service.run(
    `ATTACH '${path.replaceAll("'", "''")}' AS ${CATALOG} (ROW_GROUP_SIZE 8192, STORAGE_VERSION 'v1.5.0')`,
  );
  await service.run(`USE ${CATALOG}`);
  await service.run(`SET GLOBAL TimeZone = 'UTC'`);
  await service.run(`SET enable_external_access = false`);
  if (!(await isFilled(service))) await fill(service, options);
  for (const table of STAGE_TABLES) await service.run(table);
  if (!(await hasTable(service, LIBRARY))) await defineLibrary(service);
  await emptyProvided(service);
  // A session's TIMEZONE is the only setting that changes later.
  await service.run(`SET allowed_configs = ['TimeZone']`);
  await service.run(`SET lock_configuration = true`);
  return {
    service,
    connect: async () => {
      const connection = await instance.connect();
      await connection.run(`USE ${CATALOG}`);
      return connection;
    },
    close: () => {
      service.closeSync();
      instance.closeSync();
    },
  };
}

/** Named after what defineLibrary writes: a file that has it need not be given it again, which takes half a start. */
const LIBRARY: string = `library_${createHash('sha256')
  .update(JSON.stringify([OPERATORS, SCALARS.map(({ name }) => name), MACROS]))
  .update(JSON.stringify([catalogueViews(), informationViews('')]))
  .digest('hex')
  .slice(0, 32)}`;

/** Macros and views are of this program, not of the file: one that another version filled gets them, too. */
async function defineLibrary(service: DuckDBConnection): Promise<void> {
  await defineMacros(service);
  await defineCatalogue(service);
  const others = await service.runAndReadAll(
    `SELECT table_name FROM duckdb_tables() WHERE database_name = '${CATALOG}' AND schema_name = '${OWN_SCHEMA}' AND starts_with(table_name, 'library_')`,
  );
  for (const [name] of others.getRows())
    await service.run(`DROP TABLE ${OWN_SCHEMA}.${name as string}`);
  await service.run(`CREATE TABLE ${OWN_SCHEMA}.${LIBRARY} AS SELECT now() AS defined_at`);
}

async function defineMacros(service: DuckDBConnection): Promise<void> {
  await service.run('BEGIN');
  // A macro is judged when it is defined: inside the others, operators are DuckDB's until all of them are there.
  for (const operator of OPERATORS)
    await service.run(`DROP MACRO IF EXISTS ${CATALOG}.main.${operator}`);
  // A macro of the file would hide the function of the same name.
  for (const { name } of SCALARS) await service.run(`DROP MACRO IF EXISTS ${CATALOG}.main.${name}`);
  for (const macro of MACROS)
    await service.run(macro.replace(/^CREATE MACRO/, 'CREATE OR REPLACE MACRO'));
  await service.run('COMMIT');
}

/** The views of the catalogue, and those of INFORMATION_SCHEMA in every database. */
async function defineCatalogue(service: DuckDBConnection): Promise<void> {
  await service.run('BEGIN');
  for (const statement of catalogueViews()) await service.run(statement);
  const databases = await service.runAndReadAll(
    `SELECT DISTINCT table_database FROM ${OWN_SCHEMA}.all_schemas WHERE table_schema = 'INFORMATION_SCHEMA'`,
  );
  for (const [database] of databases.getRows())
    for (const statement of informationViews(String(database))) await service.run(statement);
  await service.run('COMMIT');
}

function isFilled(service: DuckDBConnection): Promise<boolean> {
  return hasTable(service, `layout_v${LAYOUT_VERSION}`);
}

async function hasTable(service: DuckDBConnection, name: string): Promise<boolean> {
  const found = await service.runAndReadAll(
    `SELECT count(*)::INTEGER FROM duckdb_tables() WHERE database_name = '${CATALOG}' AND schema_name = '${OWN_SCHEMA}' AND table_name = '${name}'`,
  );
  return found.getRows()[0]?.[0] === 1;
}

/** What the server provides is of its own run: a table left by an earlier one would be a lie. */
async function emptyProvided(service: DuckDBConnection): Promise<void> {
  const found = await service.runAndReadAll(
    `SELECT format('"{}"."{}"', schema_name, table_name) FROM duckdb_tables() WHERE starts_with(schema_name, 'SNOWFLAKE.')`,
  );
  for (const [name] of found.getRows()) await service.run(`TRUNCATE ${name as string}`);
}

/** One transaction: a process that dies here leaves an empty file, never half a world. */
async function fill(service: DuckDBConnection, options: StartOptions): Promise<void> {
  const world = options.demoWorld
    ? [
        ...databaseStatements('ANALYTICS'),
        ...schemaStatements('ANALYTICS', 'TPCH'),
        ...schemaStatements('ANALYTICS', 'WEB'),
        ...tpchStatements('ANALYTICS.TPCH', options.scaleFactor),
        eventsStatement('ANALYTICS.WEB'),
      ]
    : [];
  await service.run('BEGIN');
  const all = [
    `CREATE SCHEMA ${OWN_SCHEMA}`,
    ...MIX_MACROS,
    ...catalogueStatements(options.demoWorld),
    ...catalogueViews(),
    ...world,
    `CREATE TABLE ${OWN_SCHEMA}.layout_v${LAYOUT_VERSION} AS SELECT now() AS filled_at`,
  ];
  for (const statement of all) await service.run(statement);
  await service.run('COMMIT');
  await service.run('CHECKPOINT');
}

/** DuckDB's schema of the Snowflake schema `database.schema`. */
export function duckSchema(database: string, schema: string): string {
  return `${database}.${schema}`;
}

/** What CREATE DATABASE means in DuckDB: PUBLIC and INFORMATION_SCHEMA, which every Snowflake database has. */
export function databaseStatements(database: string): readonly string[] {
  return [
    ...schemaStatements(database, 'PUBLIC'),
    ...schemaStatements(database, 'INFORMATION_SCHEMA'),
    ...informationViews(database),
  ];
}

/** What CREATE SCHEMA means in DuckDB. */
export function schemaStatements(database: string, schema: string): readonly string[] {
  return [`CREATE SCHEMA "${duckSchema(database, schema).replaceAll('"', '""')}"`];
}
