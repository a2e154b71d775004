/** snowflake-sdk: the cases as an ordinary program would write them; a line of JSON for each. */
import { parseArgs } from 'node:util';
import type { Connection, SnowflakeError, RowStatement } from 'snowflake-sdk';

// It looks for a cloud's metadata service from the moment it is loaded, unless told before.
process.env['SNOWFLAKE_DISABLE_PLATFORM_DETECTION'] = 'true';
process.env['SF_TELEMETRY_DISABLE_CONNECTION_SHAPE'] = '1';
const { default: sdk } = await import('snowflake-sdk');
sdk.configure({ logLevel: 'OFF', additionalLogToConsole: false });

const NAMES = [
  'host',
  'port',
  'protocol',
  'account',
  'user',
  'password',
  'database',
  'schema',
  'cases',
  'aggregate',
  'types',
] as const;
const { values } = parseArgs({
  options: Object.fromEntries(NAMES.map((name) => [name, { type: 'string' as const }])),
});
const given = (name: (typeof NAMES)[number]): string => String(values[name]);

type Row = Readonly<Record<string, unknown>>;
type Shown = string | null;
type Binds = readonly (string | number | boolean | null)[];

async function connect(): Promise<Connection> {
  // Named first, because the driver's types do not know the port that it reads.
  const options = {
    account: given('account'),
    host: given('host'),
    port: Number(given('port')),
    protocol: given('protocol'),
    username: given('user'),
    password: given('password'),
    database: given('database'),
    schema: given('schema'),
  };
  const connection = sdk.createConnection(options);
  await new Promise<void>((resolve, reject) => {
    connection.connect((error) => (error ? reject(error) : resolve()));
  });
  return connection;
}

/** Hands connections to a case and closes them after it. */
async function withConnections<T>(
  count: number,
  use: (...connections: [Connection, Connection]) => Promise<T>,
): Promise<T> {
  const first = await connect();
  const second = count === 2 ? await connect() : first;
  try {
    return await use(first, second);
  } finally {
    for (const connection of new Set([first, second])) {
      await new Promise<void>((resolve) => connection.destroy(() => resolve()));
    }
  }
}

function start(
  connection: Connection,
  sqlText: string,
  binds: Binds = [],
): { readonly statement: RowStatement; readonly rows: Promise<readonly Row[]> } {
  let statement: RowStatement | null = null;
  const rows = new Promise<readonly Row[]>((resolve, reject) => {
    statement = connection.execute({
      sqlText,
      // The driver's types know no null, though it sends one.
      binds: [...binds] as (string | number)[],
      complete: (error, _statement, found) => (error ? reject(error) : resolve(found ?? [])),
    });
  });
  if (statement === null) throw new Error('the driver returned no statement');
  return { statement, rows };
}

const query = (connection: Connection, text: string, binds: Binds = []): Promise<readonly Row[]> =>
  start(connection, text, binds).rows;

async function table(connection: Connection, text: string, binds: Binds = []): Promise<Shown[][]> {
  const rows = await query(connection, text, binds);
  return rows.map((row) => Object.values(row).map(shown));
}

/** A value with its type, so that 1 and '1' are told apart. */
function shown(value: unknown): Shown {
  if (value === null || value === undefined) return null;
  if (value instanceof Date) return `Date ${value.toISOString()} ${String(value)}`;
  if (Buffer.isBuffer(value)) return `Buffer ${value.toString('hex')}`;
  return `${typeof value} ${typeof value === 'string' ? value : JSON.stringify(value)}`;
}

async function failure(connection: Connection, text: string): Promise<object> {
  let found: SnowflakeError | null = null;
  try {
    await query(connection, text);
  } catch (thrown) {
    found = thrown as SnowflakeError;
  }
  if (found === null) throw new Error('the statement did not fail');
  const { sqlState, message } = found;
  const afterwards = await table(connection, 'SELECT 1');
  return { code: String(found.code), sqlState, message, afterwards };
}

const answerOf = (text: string) => (): Promise<unknown> =>
  withConnections(1, (connection) => table(connection, text));
const errorOf = (text: string) => (): Promise<unknown> =>
  withConnections(1, (connection) => failure(connection, text));

function connected(): Promise<unknown> {
  const text =
    'SELECT CURRENT_USER(), CURRENT_ROLE(), CURRENT_DATABASE(), CURRENT_SCHEMA(), CURRENT_WAREHOUSE()';
  return withConnections(1, async (connection) => ({ answers: await table(connection, text) }));
}

function serverBinds(): Promise<unknown> {
  const text = 'SELECT COUNT(*), ?, ?, ?, ? FROM ORDERS WHERE O_ORDERKEY < ?';
  return withConnections(1, async (connection) => {
    const rows = await query(connection, text, [7, "it's 100%", null, true, 1000]);
    return rows.map((row) => Object.values(row).map(shown));
  });
}

function temporaryTable(): Promise<unknown> {
  return withConnections(2, async (connection, other) => {
    await query(connection, 'CREATE TEMPORARY TABLE MINE (N INTEGER)');
    await query(connection, 'INSERT INTO MINE VALUES (7), (8)');
    const own = await table(connection, 'SELECT SUM(N) FROM MINE');
    const { code } = (await failure(other, 'SELECT * FROM MINE')) as { code: string };
    return { own, other: code };
  });
}

function twoSessions(): Promise<unknown> {
  return withConnections(2, async (first, second) => {
    await query(first, 'USE WAREHOUSE INTERACTIVE_WH');
    await query(second, 'USE WAREHOUSE BATCH_WH');
    const seen = await Promise.all(
      [first, second].map((connection) =>
        Promise.all(
          [0, 1, 2, 3, 4].map((turn) => table(connection, `SELECT CURRENT_WAREHOUSE(), ${turn}`)),
        ),
      ),
    );
    const sessions = await Promise.all(
      [first, second].map((connection) => table(connection, 'SELECT CURRENT_SESSION()')),
    );
    return { seen, apart: sessions[0]?.[0]?.[0] !== sessions[1]?.[0]?.[0] };
  });
}

function cancelled(): Promise<unknown> {
  return withConnections(1, async (connection) => {
    const startedAt = performance.now();
    const { statement, rows } = start(connection, 'CALL SYSTEM$WAIT(60)');
    setTimeout(() => statement.cancel(() => undefined), 2000);
    const code = await rows.then(
      () => 'it ran to its end',
      (error: SnowflakeError) => String(error.code),
    );
    const isPrompt = performance.now() - startedAt < 30_000;
    return { code, isPrompt, afterwards: await table(connection, 'SELECT 1') };
  });
}

function budgetTypes(): Promise<unknown> {
  return withConnections(1, async (connection) => {
    const rows = await query(connection, 'SELECT * FROM TOLLGATE.MY_BUDGET');
    const kind = (value: unknown): string | null =>
      value === null ? null : value instanceof Date ? 'Date' : typeof value;
    return rows.map((row) =>
      Object.fromEntries(Object.entries(row).map(([name, value]) => [name, kind(value)])),
    );
  });
}

function queryTag(): Promise<unknown> {
  return withConnections(1, async (connection) => {
    const current = async (): Promise<unknown> => {
      const [row] = await query(connection, "SHOW PARAMETERS LIKE 'QUERY_TAG' IN SESSION");
      return row?.['value'];
    };
    const before = await current();
    await query(connection, "ALTER SESSION SET QUERY_TAG = 'a model'");
    await query(connection, 'SELECT COUNT(*) FROM NATION WHERE N_NAME IS NOT NULL');
    const during = await current();
    await query(connection, `ALTER SESSION SET QUERY_TAG = '${String(before)}'`);
    const restored = await current();
    await query(connection, 'ALTER SESSION UNSET QUERY_TAG');
    return { before, during, restored, unset: await current() };
  });
}

function transactions(): Promise<unknown> {
  return withConnections(1, async (connection) => {
    const seen: Shown[][][] = [];
    const all = async (...texts: readonly string[]): Promise<void> => {
      for (const text of texts) await query(connection, text);
      seen.push(await table(connection, 'SELECT COUNT(*) FROM KEPT'));
    };
    await query(connection, 'CREATE TEMPORARY TABLE KEPT (N INTEGER)');
    await query(connection, 'ALTER SESSION SET AUTOCOMMIT = FALSE');
    await all('INSERT INTO KEPT VALUES (1)', 'ROLLBACK');
    await all('INSERT INTO KEPT VALUES (1)', 'COMMIT');
    await query(connection, 'ALTER SESSION SET AUTOCOMMIT = TRUE');
    await all('BEGIN', 'INSERT INTO KEPT VALUES (2)', 'ROLLBACK');
    await all('BEGIN', 'INSERT INTO KEPT VALUES (2)', 'COMMIT');
    return seen;
  });
}

const CASES: Readonly<Record<string, () => Promise<unknown>>> = {
  connect: connected,
  'select-1': answerOf('SELECT 1'),
  aggregate: answerOf(given('aggregate')),
  'server-binds': serverBinds,
  types: answerOf(given('types')),
  'syntax-error': errorOf('SELEC 1'),
  'missing-table': errorOf('SELECT * FROM NO_SUCH_TABLE'),
  'temporary-table': temporaryTable,
  'two-sessions': twoSessions,
  cancel: cancelled,
  transactions,
  'query-tag': queryTag,
  refusal: errorOf('SELECT * FROM ANALYTICS.WEB.EVENTS'),
  'explain-cost': answerOf('EXPLAIN COST SELECT * FROM ANALYTICS.WEB.EVENTS'),
  'my-budget': budgetTypes,
};

for (const name of given('cases').split(',')) {
  let line: object;
  try {
    line = { case: name, seen: await CASES[name]?.() };
  } catch (thrown) {
    // A case that breaks is a finding about the driver, not the end of the others.
    line = { case: name, error: String(thrown) };
  }
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
process.exit();
