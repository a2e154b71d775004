/**
 * Brings a database to the schema this program knows. Migrations are plain SQL files next to this one in the
 * sources, numbered, forward only, each in its own transaction, run by one process at a time.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Fault, toError } from '#base/errors.js';
import type { Log } from '#base/log.js';
import { sqlStateOf, type Queryable } from '#base/postgres/pool.js';
import { connectionOf, SCHEMA } from '#base/postgres/session.js';

const MIGRATIONS_TABLE = 'migration';
/** Key of the advisory lock under which migrations run: "tollgate" in the first bytes of ASCII. */
const LOCK_KEY = 1_953_459_308;
const FILE_NAME = /^\d{4}_[a-z_]+\.sql$/;

/** Folder of the SQL files: the one of the package, whether this module runs from its sources or from dist. */
export function migrationsDirectory(): string {
  let directory = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(directory, 'package.json'))) {
    const parent = path.dirname(directory);
    if (parent === directory)
      throw new Fault('internal', 'The folder of the migrations was not found.');
    directory = parent;
  }
  return path.join(directory, 'migrations');
}

/** Names of the migrations this program knows, in order, without `.sql`. */
export function knownMigrations(directory: string = migrationsDirectory()): readonly string[] {
  return readdirSync(directory)
    .filter((name) => FILE_NAME.test(name))
    .sort()
    .map((name) => name.slice(0, -'.sql'.length));
}

/**
 * Whether a program that does not know this migration may still run on a database that has it: its header says
 * `-- older binaries: may run` or `-- older binaries: must not run`.
 */
export function olderMayRun(sql: string): boolean {
  return /^-- older binaries: may run$/m.test(sql);
}

/**
 * Runs every migration that is missing, waiting for another process that is doing the same.
 * @param ownerUrl connection of the role that owns the schema.
 * @throws Fault `ledgerUnavailable` when the database cannot be reached or a migration fails; what was completed
 *   before the failing file stays.
 */
export async function migrate(ownerUrl: string, options: { readonly log: Log }): Promise<void> {
  const say = (message: string): void => options.log.debug({ message }, 'migrations');
  // Loaded here only: it brings a TypeScript loader along that no serving process needs.
  const { runner } = await import('node-pg-migrate');
  let ran;
  try {
    ran = await runner({
      databaseUrl: {
        ...connectionOf(ownerUrl, 'migration'),
        connectionTimeoutMillis: 10_000,
        application_name: 'tollgate-migrate',
      },
      dir: migrationsDirectory(),
      // node-pg-migrate anchors the pattern: everything that is not a numbered SQL file.
      ignorePattern: '(?!\\d{4}_[a-z_]+\\.sql$).*',
      direction: 'up',
      schema: SCHEMA,
      createSchema: true,
      migrationsSchema: SCHEMA,
      migrationsTable: MIGRATIONS_TABLE,
      singleTransaction: false,
      checkOrder: false,
      lockValue: LOCK_KEY,
      advisoryLockMode: 'wait',
      logger: {
        debug: say,
        info: say,
        warn: say,
        error: (message) => options.log.error({ message }, 'migrations'),
      },
    });
  } catch (thrown) {
    const cause = toError(thrown);
    throw new Fault('ledgerUnavailable', `The database could not be migrated: ${cause.message}`, {
      cause,
    });
  }
  if (ran.length > 0)
    options.log.info({ migrations: ran.map(({ name }) => name) }, 'database migrated');
}

/** How a database and this program do not fit. */
export interface SchemaMisfit {
  /** `lacks`: migrations of this program have not run there; `newer`: it has some of a newer one that shuts this one out. */
  readonly kind: 'lacks' | 'newer';
  /** At least one, in order. */
  readonly migrations: readonly string[];
  readonly says: string;
}

/**
 * How a database does not fit this program: it lacks a migration, or has a newer one that says older programs must not
 * run (its header, repeated in the table `schema_release`). Undefined: it fits.
 * @throws Fault `ledgerUnavailable` when it cannot be asked.
 */
export async function schemaMisfit(
  db: Queryable,
  directory: string = migrationsDirectory(),
): Promise<SchemaMisfit | undefined> {
  const known = knownMigrations(directory);
  const applied = await appliedMigrations(db);
  const missing = known.filter((name) => !applied.includes(name));
  if (missing.length > 0) {
    const says = `The database lacks ${inShort(missing)}: run the migrations first.`;
    return { kind: 'lacks', migrations: missing, says };
  }
  const breaking = (await breakingMigrations(db)).filter((name) => !known.includes(name));
  const newer = applied.filter((name) => !known.includes(name) && breaking.includes(name));
  if (newer.length === 0) return undefined;
  const says = `The database was migrated by a newer Tollgate (${inShort(newer)}) that this one does not fit: upgrade this program.`;
  return { kind: 'newer', migrations: newer, says };
}

const NAMED_MAX = 4;

function inShort(names: readonly string[]): string {
  if (names.length <= NAMED_MAX) return names.join(', ');
  return `${names.length} migrations, ${names[0]} to ${names.at(-1)}`;
}

/**
 * Refuses a database that {@link schemaMisfit} says something of.
 * @throws Fault `ledgerUnavailable` naming the migrations.
 */
export async function assertSchemaKnown(
  db: Queryable,
  directory: string = migrationsDirectory(),
): Promise<void> {
  const misfit = await schemaMisfit(db, directory);
  if (misfit !== undefined) throw new Fault('ledgerUnavailable', misfit.says);
}

async function appliedMigrations(db: Queryable): Promise<readonly string[]> {
  try {
    const { rows } = await db.query<{ name: string }>(
      `SELECT name FROM ${SCHEMA}.${MIGRATIONS_TABLE} ORDER BY id`,
    );
    return rows.map(({ name }) => name);
  } catch (thrown) {
    if (sqlStateOf(thrown) === '42P01' || sqlStateOf(thrown) === '3F000') return [];
    throw new Fault('ledgerUnavailable', 'The database cannot be asked for its schema version.', {
      cause: thrown,
    });
  }
}

async function breakingMigrations(db: Queryable): Promise<readonly string[]> {
  const { rows } = await db.query<{ name: string }>(
    `SELECT name FROM ${SCHEMA}.schema_release WHERE NOT older_may_run`,
  );
  return rows.map(({ name }) => name);
}

/** The header of a migration file, for the test that every file has one. */
export function migrationText(name: string, directory: string = migrationsDirectory()): string {
  return readFileSync(path.join(directory, `${name}.sql`), 'utf8');
}
