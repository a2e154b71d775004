/**
 * What our statements take for granted of a connection. A role, a database or a server may say otherwise for theirs, and
 * an address may bring options of its own; what is said when a connection is made stands above all of them.
 */
import type pg from 'pg';

/** Schema of all our tables, so that the database may be shared with others. */
export const SCHEMA = 'tollgate';

/** A setting that nobody but us knows, so that no pooler tracks it and no role or database has it of its own. */
const MARK = 'tollgate.session';
const SEARCH_PATH = `${SCHEMA},public`;
/** PostgreSQL, "Client Connection Defaults" and "Lock Management": what changes the meaning of a text, or ends it early. */
const SETTINGS: Readonly<Record<string, string>> = {
  search_path: SEARCH_PATH,
  timezone: 'UTC',
  datestyle: 'ISO',
  intervalstyle: 'postgres',
  extra_float_digits: '1',
  standard_conforming_strings: 'on',
  transform_null_equals: 'off',
  array_nulls: 'on',
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',
  lock_timeout: '0',
  // Compiling a plan takes longer than most of ours run.
  jit: 'off',
  // The connection that listens is idle for days.
  idle_session_timeout: '0',
  [MARK]: 'kept',
};

/** Of a migration, which takes as long as it takes. */
const UNHURRIED: Readonly<Record<string, string>> = {
  statement_timeout: '0',
  idle_in_transaction_session_timeout: '0',
};

/**
 * Where and how to connect, for the client of Postgres: the address with its own `options`, and ours behind them, so that
 * ours stand (a client would take those of the address only).
 */
export function connectionOf(
  address: string,
  kind: 'application' | 'migration',
): Required<Pick<pg.ClientConfig, 'connectionString' | 'options'>> {
  const settings = kind === 'migration' ? { ...SETTINGS, ...UNHURRIED } : SETTINGS;
  const ours = Object.entries(settings).map(([name, value]) => `-c ${name}=${escaped(value)}`);
  const url = new URL(address);
  const theirs = url.searchParams.get('options');
  if (theirs === null) return { connectionString: address, options: ours.join(' ') };
  url.searchParams.delete('options');
  return { connectionString: url.href, options: [theirs, ...ours].join(' ') };
}

/** A blank ends an option but for one behind a backslash (PostgreSQL, "libpq", `options`). */
function escaped(value: string): string {
  return value.replaceAll(' ', '\\ ');
}

/**
 * What a connection does first: a commit is on disk before it is answered, also where the role or the server says
 * `synchronous_commit = off`, because an outcome leaves the journal when the ledger has said that it has it. What is more
 * than that, or about standbys, stays as it is.
 */
export async function commitToDisk(client: Pick<pg.ClientBase, 'query'>): Promise<void> {
  await client.query(
    `SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'`,
  );
}

/** A connection, or a pool of them. */
interface Asked {
  query<Row extends pg.QueryResultRow>(text: string): Promise<{ readonly rows: Row[] }>;
}

/** protocol_violation: what a pooler answers that does not know a setting of a new connection. */
export const UNKNOWN_SETTING = '08P01';

/** What to do where a pooler stands before Postgres, in words for people. */
export const NAME_THE_SERVER =
  'Name the server itself in TOLLGATE_DATABASE_URL: each process keeps a pool of its own, and needs sessions (LISTEN, prepared statements, advisory locks).';

/** Whether a connection is what was asked for; false where a pooler stands before the server. Rejects as the driver does. */
export async function keepsSession(db: Asked): Promise<boolean> {
  const { rows } = await db.query<{ path: string; mark: string | null }>(
    `SELECT replace(current_setting('search_path'), ' ', '') AS path, current_setting('${MARK}', true) AS mark`,
  );
  return rows[0]?.path === SEARCH_PATH && rows[0].mark === SETTINGS[MARK];
}
