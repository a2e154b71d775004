/** snowflake-sdk: the cases as an ordinary program would write them; a line of JSON for each. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Connection, RowStatement, SnowflakeError } from 'snowflake-sdk';
import { LATER_STEPS } from './later-steps.js';
import {
  asked,
  failure,
  query,
  start,
  table,
  withConnections,
  type Row,
  type Shown,
} from './session.js';

function serverBinds(): Promise<unknown> {
  // Names, because columns become the keys of an object.
  const text =
    'SELECT COUNT(*) AS A, ? AS B, ? AS C, ? AS D, ? AS E FROM ORDERS WHERE O_ORDERKEY < ?';
  return withConnections(1, (connection) =>
    table(connection, text, [7, "it's 100%", null, true, 1000]),
  );
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
    const text = (turn: number): string => `SELECT CURRENT_WAREHOUSE() AS W, ${turn} AS TURN`;
    return Promise.all(
      [first, second].map((connection) =>
        Promise.all([0, 1, 2, 3, 4].map((turn) => table(connection, text(turn)))),
      ),
    );
  });
}

function manyRows(): Promise<unknown> {
  const sqlText =
    "SELECT SEQ4() AS N, 'row number ' || SEQ4() AS T FROM TABLE(GENERATOR(ROWCOUNT => 200000))";
  return withConnections(1, async (connection) => {
    const statement = await new Promise<RowStatement>((resolve, reject) => {
      connection.execute({
        sqlText,
        streamResult: true,
        complete: (error, found) => (error ? reject(error) : resolve(found)),
      });
    });
    let count = 0;
    let sum = 0;
    for await (const row of statement.streamRows()) {
      count += 1;
      sum += Number((row as Row)['N']);
    }
    return { count, sum };
  });
}

function files(): Promise<unknown> {
  const numbers = Array.from({ length: 1000 }, (_, index) => index + 1);
  const lines = numbers.map((number) => `${number},line ${number}\n`).join('');
  const folder = mkdtempSync(path.join(tmpdir(), 'files-'));
  writeFileSync(path.join(folder, 'lines.csv'), lines);
  return withConnections(1, async (connection) => {
    await query(connection, 'CREATE TEMPORARY TABLE LINES (N INTEGER, T VARCHAR)');
    await query(connection, `PUT file://${folder}/lines.csv @%LINES/in`);
    rmSync(path.join(folder, 'lines.csv'));
    await query(connection, 'COPY INTO LINES FROM @%LINES/in');
    const loaded = await table(connection, 'SELECT COUNT(*) AS A, SUM(N) AS B FROM LINES');
    await query(
      connection,
      'COPY INTO @%LINES/out/lines.csv FROM LINES FILE_FORMAT = (COMPRESSION = NONE) SINGLE = TRUE',
    );
    await query(connection, `GET @%LINES/out file://${folder}`);
    return { loaded, isSame: readFileSync(path.join(folder, 'lines.csv'), 'utf8') === lines };
  }).finally(() => rmSync(folder, { recursive: true }));
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

async function counted(connection: Connection, ends: readonly string[][]): Promise<unknown> {
  const seen: Shown[][][] = [];
  for (const texts of ends) {
    for (const text of texts) await query(connection, text);
    seen.push(await table(connection, 'SELECT COUNT(*) FROM KEPT'));
  }
  return seen;
}

function begin(): Promise<unknown> {
  return withConnections(1, async (connection) => {
    await query(connection, 'CREATE TEMPORARY TABLE KEPT (N INTEGER)');
    return counted(connection, [
      ['BEGIN', 'INSERT INTO KEPT VALUES (1)', 'ROLLBACK'],
      ['BEGIN', 'INSERT INTO KEPT VALUES (1)', 'COMMIT'],
    ]);
  });
}

function autocommit(): Promise<unknown> {
  return withConnections(1, async (connection) => {
    await query(connection, 'CREATE TEMPORARY TABLE KEPT (N INTEGER)');
    await query(connection, 'ALTER SESSION SET AUTOCOMMIT = FALSE');
    return counted(connection, [
      ['INSERT INTO KEPT VALUES (1)', 'ROLLBACK'],
      ['INSERT INTO KEPT VALUES (1)', 'COMMIT'],
    ]);
  });
}

const STEPS: Readonly<Record<string, (text: string) => Promise<unknown>>> = {
  ...LATER_STEPS,
  'server-binds': serverBinds,
  'temporary-table': temporaryTable,
  'two-sessions': twoSessions,
  'many-rows': manyRows,
  files,
  cancel: cancelled,
  begin,
  autocommit,
  'query-tag': queryTag,
};

function seenOf(kind: string, name: string, text: string): Promise<unknown> {
  if (kind === 'answer') return withConnections(1, (connection) => table(connection, text));
  if (kind === 'error') return withConnections(1, (connection) => failure(connection, text));
  const steps = STEPS[name];
  if (steps === undefined) throw new Error('this program has no code for it');
  return steps(text);
}

for (const { kind, name, text } of asked) {
  let line: object;
  try {
    line = { case: name, seen: await seenOf(kind, name, text) };
  } catch (thrown) {
    // A case that breaks is a finding about the driver, not the end of the others.
    line = { case: name, error: String(thrown) };
  }
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
process.exit();
