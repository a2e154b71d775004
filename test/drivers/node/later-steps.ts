/** snowflake-sdk: waiting, stopping, renewing, and statements that are more than one request. */
import { createHash } from 'node:crypto';
import type {
  Connection,
  ConnectionOptions,
  QueryStatus,
  RowStatement,
  SnowflakeError,
  StatementOption,
} from 'snowflake-sdk';
import {
  control,
  failure,
  given,
  query,
  requests,
  shown,
  table,
  wait,
  withConnections,
  type Row,
  type Shown,
} from './session.js';

interface Fetched {
  readonly statement: RowStatement;
  readonly rows: readonly Row[];
}

/** Runs a statement with options that a plain query has no need of. */
function execute(connection: Connection, options: StatementOption): Promise<Fetched> {
  return new Promise((resolve, reject) => {
    connection.execute({
      ...options,
      complete: (error, statement, rows) =>
        error ? reject(error) : resolve({ statement, rows: rows ?? [] }),
    });
  });
}

const columnsOf = (statement: RowStatement): object[] =>
  (statement.getColumns() ?? []).map((column) => ({
    name: column.getName(),
    type: column.getType(),
    precision: column.getPrecision(),
    scale: column.getScale(),
    nullable: column.isNullable(),
  }));

const shownRows = (rows: readonly Row[]): Shown[][] =>
  rows.map((row) => Object.values(row).map(shown));

function sameBytes(text: string): Promise<unknown> {
  return withConnections(1, async (connection) => {
    const seen = [];
    for (const sqlText of text.split(';;')) {
      const { statement, rows } = await execute(connection, { sqlText });
      const hash = createHash('sha256')
        .update(JSON.stringify(shownRows(rows)))
        .digest('hex');
      seen.push({ columns: columnsOf(statement), rows: rows.length, hash });
    }
    return seen;
  });
}

function typed(sqlText: string): Promise<unknown> {
  return withConnections(1, async (connection) => {
    const { statement, rows } = await execute(connection, { sqlText });
    return { columns: columnsOf(statement), rows: shownRows(rows) };
  });
}

/** The receipt of a statement that has just run; described first, as tools do that bind later. */
function receipts(sqlText: string): Promise<unknown> {
  return withConnections(1, async (connection) => {
    await query(connection, 'SELECT COUNT(*) AS C FROM NATION WHERE N_NAME IS NOT NULL');
    const { statement } = await execute(connection, { sqlText, describeOnly: true });
    const until = performance.now() + 5000;
    let rows = await table(connection, sqlText, ['SETTLED']);
    while (rows.length === 0 && performance.now() < until)
      rows = await table(connection, sqlText, ['SETTLED']);
    return { columns: columnsOf(statement), rows };
  });
}

function queued(): Promise<unknown> {
  return withConnections(2, async (first, second) => {
    for (const each of [first, second]) await query(each, 'USE WAREHOUSE NARROW_WH');
    const before = await requests();
    const long = query(first, 'SELECT SYSTEM$WAIT(4)');
    await wait(1000);
    const startedAt = performance.now();
    const rows = await table(second, 'SELECT COUNT(*) AS C FROM REGION');
    const waited = performance.now() - startedAt > 1500;
    await long;
    return { rows, waited, requests: (await requests()) - before };
  });
}

function stopped(): Promise<unknown> {
  return withConnections(1, async (connection) => {
    await query(connection, 'USE WAREHOUSE CHEAP_WH');
    return failure(connection, 'SELECT SYSTEM$WAIT(60)');
  });
}

async function expire(connection: Connection, more = ''): Promise<void> {
  const [[session = ''] = []] = await table(connection, 'SELECT CURRENT_SESSION() AS S');
  await control(`expire?session=${String(session).replace(/^\S+ /, '')}${more}`);
}

function renewed(): Promise<unknown> {
  return withConnections(1, async (connection) => {
    await expire(connection);
    const before = await requests();
    const rows = await table(connection, 'SELECT 1');
    return { rows, requests: (await requests()) - before };
  });
}

function masterGone(): Promise<unknown> {
  return withConnections(1, async (connection) => {
    await expire(connection, '&master=1');
    const startedAt = performance.now();
    const message = await table(connection, 'SELECT 1').then(
      () => 'it ran',
      (thrown: SnowflakeError) => `${String(thrown.code)} ${thrown.message}`,
    );
    return { message, isPrompt: performance.now() - startedAt < 20_000 };
  });
}

function asynchronous(): Promise<unknown> {
  return withConnections(2, async (connection, other) => {
    const sqlText = 'SELECT SYSTEM$WAIT(4)';
    const { statement } = await execute(connection, { sqlText, asyncExec: true });
    const queryId = statement.getQueryId();
    // Of the names that its own test of them knows.
    const statusOf = (each: Connection): Promise<QueryStatus> =>
      each.getQueryStatus(queryId) as Promise<QueryStatus>;
    const before = await statusOf(connection);
    const beforeElsewhere = await statusOf(other);
    while (connection.isStillRunning(await statusOf(connection))) await wait(200);
    const after = await statusOf(connection);
    const afterElsewhere = await statusOf(other);
    const fetched = async (each: Connection): Promise<Shown[][]> => {
      const found = await each.getResultsFromQueryId({ sqlText: '', queryId });
      const rows: Row[] = [];
      for await (const row of (found as RowStatement).streamRows()) rows.push(row as Row);
      return shownRows(rows);
    };
    const rows = await fetched(connection);
    const rowsElsewhere = await fetched(other);
    return { before, beforeElsewhere, after, afterElsewhere, rows, rowsElsewhere };
  });
}

function several(): Promise<unknown> {
  const sqlText = `CREATE TEMPORARY TABLE SEV (N INTEGER); INSERT INTO SEV VALUES (1), (2);
    SELECT SUM(N) AS S FROM SEV; SELECT 'last' AS L`;
  return withConnections(
    1,
    (connection) =>
      new Promise((resolve, reject) => {
        const seen: Shown[][][] = [];
        connection.execute({
          sqlText,
          parameters: { MULTI_STATEMENT_COUNT: 4 },
          // Called once for each statement, after the one before was taken.
          complete: (error, statement, rows) => {
            if (error) return reject(error);
            seen.push(shownRows(rows ?? []));
            if (!('hasNext' in statement) || !statement.hasNext()) return resolve(seen);
            statement.NextResult();
          },
        });
      }),
  );
}

function arrayBind(): Promise<unknown> {
  const binds = Array.from({ length: 3000 }, (_, number) => [number, `row ${number}`]);
  return withConnections(
    1,
    async (connection) => {
      await query(connection, 'CREATE TEMPORARY TABLE BOUND (N INTEGER, T VARCHAR)');
      await execute(connection, { sqlText: 'INSERT INTO BOUND VALUES (?, ?)', binds });
      return table(
        connection,
        'SELECT COUNT(*) AS C, SUM(N) AS S, MAX(IFF(N = 2999, T, NULL)) AS L FROM BOUND',
      );
    },
    { arrayBindingThreshold: 100 },
  );
}

function prepared(): Promise<unknown> {
  return withConnections(1, async (connection) => {
    const sqlText = 'SELECT N_NAME, N_NATIONKEY FROM NATION';
    const { statement } = await execute(connection, { sqlText, describeOnly: true });
    const count = 'SELECT COUNT(*) AS C FROM NATION WHERE N_NATIONKEY < ?';
    const runs = [await table(connection, count, [7]), await table(connection, count, [8])];
    return { columns: columnsOf(statement), runs };
  });
}

const whoBy = (options: Partial<ConnectionOptions>): Promise<unknown> =>
  withConnections(
    1,
    (connection) => table(connection, 'SELECT CURRENT_USER() AS A, CURRENT_DATABASE() AS B'),
    options,
  );

export const LATER_STEPS: Readonly<Record<string, (text: string) => Promise<unknown>>> = {
  'same-bytes': sameBytes,
  'dry-run': typed,
  'budget-types': typed,
  receipts,
  queue: queued,
  stopped,
  renewal: renewed,
  'master-gone': masterGone,
  async: asynchronous,
  several,
  'array-bind': arrayBind,
  prepared,
  'access-token': () =>
    whoBy({ authenticator: 'PROGRAMMATIC_ACCESS_TOKEN', token: given('token') }),
  'key-pair': () => whoBy({ authenticator: 'SNOWFLAKE_JWT', privateKeyPath: given('key-file') }),
};
