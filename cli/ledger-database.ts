/** The ledger's database of a process: the embedded one or the configured one, migrated, and its outages told once. */
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import type { ReadinessCheck } from '../admin/health-routes.js';
import type { Config, Secrets } from '../base/config.js';
import { Fault, toError } from '../base/errors.js';
import type { Lifecycle } from '../base/lifecycle.js';
import type { Log } from '../base/log.js';
import type { Metrics } from '../base/metrics.js';
import { startEmbeddedPostgres } from '../base/postgres/launcher.js';
import { isDatabaseAway, type Outages } from '../base/postgres/outages.js';
import {
  assertTakesWrites,
  exposeDatabase,
  openDatabase,
  sqlStateOf,
  type Database,
} from '../base/postgres/pool.js';
import { runUnhurried } from '../base/postgres/unhurried.js';
import { isRestored, RENUMBER_RESTORED } from '../billing/seal/seal.js';
import { keepsSession, NAME_THE_SERVER, UNKNOWN_SETTING } from '../base/postgres/session.js';
import { assertSchemaKnown, migrate } from '../migrations/migrate.js';
import { POSTGRES_FLOOR_FIX, textOf, tooOldVersion, whyUnusable } from './unusable-database.js';

export interface LedgerDatabaseOptions {
  readonly config: Config;
  readonly secrets: Secrets;
  readonly dataDir: string;
  readonly log: Log;
  readonly outages: Outages;
  readonly metrics: Metrics;
  /** Stops what is started. */
  readonly life: Lifecycle;
}

/** Postgres, "NAMEDATALEN": longer names are cut there, at their end. */
const APPLICATION_NAME_MAX = 63;

/**
 * Opens the database of the ledger, which is started first where it is the embedded one, and brought to our schema.
 * @throws Fault `ledgerUnavailable` with one message for people when it cannot be started, reached or migrated, is too
 *   old (nothing of it is changed then), when a pooler stands before it, or when its schema is of a newer program.
 */
export async function openLedgerDatabase(options: LedgerDatabaseOptions): Promise<Database> {
  const { config, secrets, dataDir, life, log, outages } = options;
  const urls =
    secrets.databaseUrl === null
      ? life.add('postgres', await startEmbeddedPostgres({ dataDir, log, durable: true }))
      : { ownerUrl: secrets.databaseUrl, appUrl: secrets.databaseUrl };
  const pool = openDatabase(
    {
      url: urls.appUrl,
      connectionsMax: config.databaseConnectionsMax,
      connectTimeoutMs: config.databaseConnectTimeoutMs,
      statementTimeoutMs: config.databaseStatementTimeoutMs,
      applicationName: applicationNameOf(config.roles, replicaNameOf(dataDir)),
    },
    (cause) => outages.connectionBroke(cause),
  );
  const db = life.add('database', outages.watch(pool));
  exposeDatabase(options.metrics, () => db);
  if (secrets.databaseUrl === null) await migrate(urls.ownerUrl, { log });
  else await migrateOrExplain(db, secrets.databaseUrl, log);
  await assertSchemaKnown(db);
  await goOnAfterRestore(db, urls.ownerUrl, log);
  return db;
}

/**
 * Lets the chain go on where the ledger was loaded from a dump: before that nothing new would be sealed, nor be on a bill of
 * an open month. Rejects as the driver does.
 */
async function goOnAfterRestore(db: Database, ownerUrl: string, log: Log): Promise<void> {
  if (!(await isRestored(db))) return;
  log.warn({}, 'the ledger was restored from a dump: its journals are numbered anew');
  const [outcome] = await runUnhurried<{ renumbered: boolean }>(ownerUrl, RENUMBER_RESTORED);
  log.warn(
    { renumbered: outcome?.renumbered },
    'sealing goes on; verify the ledger with a head from before the restore',
  );
}

/** One process at a time holds a data directory, so its name survives a restart. */
export function replicaNameOf(dataDir: string): string {
  return `${hostname()}:${createHash('sha256').update(dataDir).digest('hex').slice(0, 8)}`;
}

/** What `pg_stat_activity` shows of our connections: whose they are. Of a long host name the end is kept, with its number. */
export function applicationNameOf(roles: Config['roles'], replicaName: string): string {
  const withDatabase = roles.filter((role) => role !== 'warehouse');
  const prefix = `tollgate ${withDatabase.join('+')} `;
  return `${prefix}${replicaName.slice(-(APPLICATION_NAME_MAX - prefix.length))}`;
}

/** Whether Postgres answers, takes writes and has a disk to put them on, for `/readyz`. */
export async function checkDatabase(
  db: Database,
  outages: Pick<Outages, 'diskProblem'>,
): Promise<ReadinessCheck> {
  try {
    await assertTakesWrites(db);
    const why = outages.diskProblem();
    return { name: 'postgres', isReady: why === null, why };
  } catch (thrown) {
    return { name: 'postgres', isReady: false, why: toError(thrown).message };
  }
}

/**
 * Migrates a database that is not ours to start.
 * @throws Fault `ledgerUnavailable`, one message for every way in which it is none, with the way out; one that is too old or
 *   behind a pooler is left as it is.
 */
export async function migrateOrExplain(db: Database, url: string, log: Log): Promise<void> {
  try {
    const tooOld = await tooOldVersion(db);
    if (tooOld !== undefined)
      throw new Fault('ledgerUnavailable', `Postgres is ${tooOld} there. ${POSTGRES_FLOOR_FIX}`);
    if (!(await keepsSession(db))) throw pooled();
    await migrate(url, { log });
  } catch (cause) {
    if (sqlStateOf(cause) === UNKNOWN_SETTING) throw pooled();
    if (cause instanceof Fault && cause.cause === undefined) throw cause;
    const why = whyUnusable(cause);
    const text =
      why === undefined
        ? `${textOf(cause)}. Check TOLLGATE_DATABASE_URL and that Postgres runs there, or unset it for the embedded one.`
        : `Postgres ${why.says} (${textOf(cause)}). ${why.fix}`;
    throw new Fault('ledgerUnavailable', text, { cause });
  }
}

function pooled(): Fault {
  const why =
    'A pooler stands before Postgres and drops, or refuses, what a connection says of itself.';
  return new Fault('ledgerUnavailable', `${why} ${NAME_THE_SERVER}`);
}

/** too_many_connections, and what a role or database with a limit of its own answers. */
const NO_CONNECTION_LEFT = '53300';

/**
 * What ended a start, for people: what Postgres said that could be reached at first becomes the Fault
 * `ledgerUnavailable`; everything else is what it was.
 */
export function startFailure(thrown: unknown): unknown {
  // Without a code of Postgres it may be another server that was not reached.
  const sqlState = sqlStateOf(thrown);
  if (sqlState === undefined || !isDatabaseAway(thrown)) return thrown;
  const wayOut =
    sqlState === NO_CONNECTION_LEFT
      ? 'Raise max_connections of Postgres (or the limit of the role or database), or lower TOLLGATE_DATABASE_CONNECTIONS_MAX of each process.'
      : 'Look at Postgres and start again.';
  return new Fault(
    'ledgerUnavailable',
    `Postgres could not be used while this process started: ${textOf(thrown)}. ${wayOut}`,
    { cause: thrown },
  );
}
