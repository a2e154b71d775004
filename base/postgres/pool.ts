/**
 * The one way to Postgres: a pool of connections that mean what we mean (`session.ts`), exact number types, a bounded wait for a
 * connection, and a bounded retry of serialization failures and deadlocks.
 */
import pg from 'pg';
import { Fault, toError } from '../errors.js';
import type { Metrics, Occupancy } from '../metrics.js';
import { commitToDisk, connectionOf } from './session.js';

/**
 * Anything that can run a parameterised statement; a writing function takes `Transaction`, never a pool. A text that
 * begins with `/* prepared: some.name *\/` is parsed and planned once a connection; its text must be constant.
 */
export interface Queryable {
  query<Row extends pg.QueryResultRow>(
    text: string,
    values?: readonly unknown[],
  ): Promise<{ readonly rows: Row[]; readonly rowCount: number | null }>;
}

declare const transactionBrand: unique symbol;
/** An open transaction; commits when the callback of {@link Database.transaction} returns. */
export type Transaction = Queryable & { readonly [transactionBrand]: true };

/**
 * A statement outside of a transaction is one of its own. Both are run again, at most three times with jitter, after a
 * serialization failure or a deadlock (40001, 40P01); every other error rolls back and propagates.
 */
export interface Database extends Queryable {
  /** Runs `work` in one READ COMMITTED transaction. */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** A dedicated connection for LISTEN; calls `onNotify` per notification and `onLost` once if it breaks. */
  listen(
    channels: readonly string[],
    onNotify: (channel: string, payload: string) => void,
    onLost: (cause: Error) => void,
  ): Promise<{ stop(): Promise<void> }>;
  /** Connections in use and callers that wait for one, of those that there may be; for the metrics. */
  load(): { readonly connections: Occupancy; readonly waiting: number };
  stop(): Promise<void>;
}

export interface DatabaseOptions {
  readonly url: string;
  readonly connectionsMax: number;
  /** Longest wait for a free or new connection. */
  readonly connectTimeoutMs: number;
  /** Longest statement, enforced by the server. */
  readonly statementTimeoutMs: number;
  readonly applicationName: string;
}

const PREPARED = /^\/\* prepared: ([a-z][a-z0-9_.]{0,50}) \*\//;
/** A server that does not answer at all is given up this long after it should have cancelled the statement itself. */
const SILENCE_GRACE_MS = 2_000;
const RETRYABLE = new Set(['40001', '40P01']);
const RETRIES_MAX = 3;

// Values come back as text unless exact in JavaScript: int8 (20), numeric (1700) stay strings for BigInt and
// decimals; timestamptz (1184) and timestamp (1114) become epoch milliseconds through Date.
const types = new pg.TypeOverrides();
types.setTypeParser(20, (text) => text);
types.setTypeParser(1700, (text) => text);

/** The SQLSTATE of a Postgres error, or undefined. */
export function sqlStateOf(thrown: unknown): string | undefined {
  const code = (thrown as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** Postgres, "Error Codes": read_only_sql_transaction. */
const READ_ONLY = '25006';

/**
 * Whether Postgres said that it takes no writes: a standby, a primary that became one, or `default_transaction_read_only`.
 * To who must write it is as good as away.
 */
export function isReadOnly(thrown: unknown): boolean {
  return sqlStateOf(thrown) === READ_ONLY;
}

/**
 * Asks whether Postgres answers and takes writes. The connection that takes none is not kept: after a failover, or when
 * the setting has changed, the next one may.
 * @throws Fault `ledgerUnavailable` when it takes none; what the driver throws when it does not answer.
 */
export async function assertTakesWrites(db: Database): Promise<void> {
  try {
    await db.transaction(async (tx) => {
      const { rows } = await tx.query<{ takes_none: boolean }>(
        `SELECT current_setting('transaction_read_only')::boolean AS takes_none`,
      );
      if (rows[0]?.takes_none === true)
        throw Object.assign(new Error('transaction_read_only is on'), { code: READ_ONLY });
    });
  } catch (thrown) {
    if (!isReadOnly(thrown)) throw thrown;
    const why =
      'Postgres takes no writes: it is a standby, or default_transaction_read_only is on.';
    throw new Fault('ledgerUnavailable', why, { cause: thrown });
  }
}

export function openDatabase(options: DatabaseOptions, onError: (cause: Error) => void): Database {
  const config: pg.PoolConfig = {
    ...connectionOf(options.url, 'application'),
    max: options.connectionsMax,
    connectionTimeoutMillis: options.connectTimeoutMs,
    statement_timeout: options.statementTimeoutMs,
    query_timeout: options.statementTimeoutMs + SILENCE_GRACE_MS,
    application_name: options.applicationName,
    // The pool waits for it, whatever its type says (pg-pool, `newClient`).
    onConnect: commitToDisk as (client: pg.ClientBase) => void,
    types,
  };
  const pool = new pg.Pool(config);
  // A broken idle connection is replaced by the pool; without a listener the event would end the process.
  pool.on('error', onError);
  // Nor is anybody there to hear it from the moment a connection stands to the one its taker goes on; the pool and the
  // taker's next statement find it broken.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return {
    query: (text, values) => retrying(() => pool.query(queryOf(text, values))),
    transaction: (work) => retrying(() => runOnce(pool, work)),
    listen: (channels, onNotify, onLost) => listenOn(config, channels, onNotify, onLost),
    load: () => ({
      connections: { used: pool.totalCount - pool.idleCount, max: options.connectionsMax },
      waiting: pool.waitingCount,
    }),
    stop: () => pool.end(),
  };
}

function queryOf(text: string, values: readonly unknown[] | undefined): pg.QueryConfig {
  const name = PREPARED.exec(text)?.[1];
  return {
    text,
    ...(values === undefined ? {} : { values: [...values] }),
    ...(name === undefined ? {} : { name }),
  };
}

/** What was chosen to end a deadlock was rolled back whole, a single statement as well as a transaction. */
async function retrying<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await run();
    } catch (thrown) {
      if (attempt >= RETRIES_MAX || !RETRYABLE.has(sqlStateOf(thrown) ?? '')) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, 2 ** attempt * 5 * (0.5 + Math.random())));
    }
  }
}

async function runOnce<T>(pool: pg.Pool, work: (tx: Transaction) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // A connection that breaks between two statements says so by an event, and one that nobody hears ends the process.
  const onBroken = (cause: Error): void => {
    broken = cause;
  };
  client.on('error', onBroken);
  try {
    await client.query('BEGIN');
    const queryable: Queryable = { query: (text, values) => client.query(queryOf(text, values)) };
    const result = await work(queryable as Transaction);
    await client.query('COMMIT');
    return result;
  } catch (thrown) {
    // The next connection may reach the primary; the pool drops one of a single statement after any error.
    if (isReadOnly(thrown)) broken = toError(thrown);
    try {
      await client.query('ROLLBACK');
    } catch (rollbackFailure) {
      broken = toError(rollbackFailure);
    }
    throw thrown;
  } finally {
    client.removeListener('error', onBroken);
    client.release(broken);
  }
}

async function listenOn(
  config: pg.PoolConfig,
  channels: readonly string[],
  onNotify: (channel: string, payload: string) => void,
  onLost: (cause: Error) => void,
): Promise<{ stop(): Promise<void> }> {
  const client = new pg.Client({
    ...config,
    statement_timeout: 0,
    query_timeout: 0,
    keepAlive: true,
  });
  let stopped = false;
  const lost = (cause: Error): void => {
    if (stopped) return;
    // A broken connection reports an error and then its end.
    stopped = true;
    onLost(cause);
  };
  client.on('notification', (message) => onNotify(message.channel, message.payload ?? ''));
  client.on('error', lost);
  client.on('end', () => lost(new Error('the listening connection ended')));
  await client.connect();
  for (const channel of channels) await client.query(`LISTEN ${client.escapeIdentifier(channel)}`);
  return {
    stop: async () => {
      stopped = true;
      await client.end();
    },
  };
}

/** Shows how busy the connections of a process are. */
export function exposeDatabase(metrics: Metrics, db: () => Pick<Database, 'load'>): void {
  metrics.limited({
    resource: 'database-connections',
    unit: 'connections',
    whenFull: 'callers wait, at most the connect time-out',
    read: () => db().load().connections,
  });
  metrics.gaugeFrom(
    'tollgate_database_waiting',
    'Callers that wait for a connection to Postgres',
    () => db().load().waiting,
  );
}
