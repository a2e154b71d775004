import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLog } from '#base/log.js';
import { startDemoEngine } from '../support/demo-engine.js';
import type { RunningEngine } from '../../warehouse/engine/create-engine.js';
import { openWarehouseClock } from '../../warehouse/clock.js';
import { startWarehouse } from '../../warehouse/start-warehouse.js';
import type { RunningWarehouse } from '../../warehouse/start-warehouse.js';
import { RawClient } from './support/raw-client.js';
import { connect } from './support/snowflake.js';
import type { Client } from './support/snowflake.js';

const ACCOUNT_HISTORY = 'snowflake.account_usage.query_history';

describe('the real Node driver against the warehouse on the real engine', () => {
  let dataDir: string;
  let engine: RunningEngine;
  let warehouse: RunningWarehouse;

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'tollgate-real-'));
    engine = await startDemoEngine(join(dataDir, 'engine'));
    const clock = await openWarehouseClock(dataDir, 60);
    warehouse = await startWarehouse({
      host: '127.0.0.1',
      port: 0,
      dataDir,
      clock,
      engine,
      log: silentLog,
      longPollMs: 1000,
    });
  });
  afterAll(async () => {
    await warehouse.stop(AbortSignal.abort());
    await engine.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  const connectAdmin = async (): Promise<Client> => {
    const password = (await readFile(join(dataDir, 'service-user-password'), 'utf8')).trim();
    return await connect(warehouse.port, { username: 'TOLLGATE_SERVICE', password });
  };

  test('reads TPC-H with numbers and dates in their types', async () => {
    const client = await connect(warehouse.port, { schema: 'TPCH' });
    const { rows } = await client.query(
      'SELECT l_returnflag, COUNT(*) AS n FROM lineitem GROUP BY 1 ORDER BY 1',
    );
    expect(rows.map((row) => row['L_RETURNFLAG'])).toEqual(['A', 'N', 'R']);
    expect(rows.every((row) => typeof row['N'] === 'number' && row['N'] > 0)).toBe(true);
    await client.close();
  });

  test('ROWS_PER_RESULTSET cuts a result in the order asked for, and 0 lifts it', async () => {
    const client = await connect(warehouse.port, { schema: 'TPCH' });
    const keys = async (): Promise<readonly unknown[]> =>
      (await client.query('SELECT c_custkey AS k FROM customer ORDER BY 1')).rows.map(
        (row) => row['K'],
      );
    const all = await keys();
    expect(all).toHaveLength(1500);
    await client.query('ALTER SESSION SET ROWS_PER_RESULTSET = 7');
    expect(await keys()).toEqual(all.slice(0, 7));
    await client.query('ALTER SESSION SET ROWS_PER_RESULTSET = 1400');
    expect(await keys()).toEqual(all.slice(0, 1400));
    await client.query('ALTER SESSION UNSET ROWS_PER_RESULTSET');
    expect(await keys()).toHaveLength(1500);
    await client.close();
  });

  test('context functions follow the session, and the clock is the warehouse clock', async () => {
    const client = await connect(warehouse.port, { warehouse: 'BATCH_WH', role: 'PUBLIC' });
    const { rows } = await client.query(
      'SELECT CURRENT_USER() AS u, CURRENT_ROLE() AS r, CURRENT_WAREHOUSE() AS w, CURRENT_DATABASE() AS d, CURRENT_SCHEMA() AS s',
    );
    expect(rows).toEqual([
      { U: 'MARKETING_ANALYST', R: 'PUBLIC', W: 'BATCH_WH', D: 'ANALYTICS', S: 'PUBLIC' },
    ]);
    await client.close();
  });

  test('what EXPLAIN promises is what the history says was scanned, and it is billed on the warehouse', async () => {
    const client = await connect(warehouse.port);
    const sql = "SELECT COUNT(DISTINCT user_id) FROM web.events WHERE event_date = '2026-11-01'";
    const explained = await client.query(`EXPLAIN USING JSON ${sql}`);
    const plan = JSON.parse(String(explained.rows[0]?.['content'])) as {
      GlobalStats: { bytesAssigned: number; partitionsAssigned: number; partitionsTotal: number };
    };
    expect(plan.GlobalStats.partitionsAssigned).toBeLessThan(plan.GlobalStats.partitionsTotal / 10);
    await client.query(sql);
    const logged = warehouse.queryHistory().findLast((one) => one.started.text === sql);
    expect(logged?.ended).toMatchObject({
      status: 'SUCCESS',
      warehouse: 'STANDARD_WH',
      size: 'MEDIUM',
      partitionsTotal: plan.GlobalStats.partitionsTotal,
    });
    const bytes = logged?.ended?.bytesScanned ?? 0;
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThanOrEqual(plan.GlobalStats.bytesAssigned);
    // Four nodes at 200 MB/s each, give or take the noise.
    const seconds = (logged?.ended?.executionMs ?? 0) / 1000;
    expect(seconds).toBeGreaterThan((bytes / 800e6) * 0.6);
    expect(seconds).toBeLessThan((bytes / 800e6) * 1.7 + 1);
    await client.close();
  });

  test('writes, transactions and temporary tables work, each session on its own', async () => {
    const [a, b] = await Promise.all([connect(warehouse.port), connect(warehouse.port)]);
    await a.query('CREATE TEMPORARY TABLE mine (id INT, name VARCHAR)');
    const inserted = await a.query("INSERT INTO mine VALUES (1, 'x'), (2, 'y')");
    expect(inserted.rows).toEqual([{ 'number of rows inserted': 2 }]);
    expect((await a.query('SELECT id FROM mine WHERE name = ?', { binds: ['y'] })).rows).toEqual([
      { ID: 2 },
    ]);
    await expect(b.query('SELECT * FROM mine')).rejects.toMatchObject({ code: '002003' });
    await Promise.all([a.close(), b.close()]);
  });

  test('keys and sequences are shown as they were defined', async () => {
    const client = await connect(warehouse.port, { schema: 'PUBLIC' });
    for (const sql of [
      'CREATE TABLE parent (a INT, b INT, CONSTRAINT parent_key PRIMARY KEY (a, b))',
      "CREATE TABLE child (x INT UNIQUE COMMENT 'one', y INT DEFAULT 7, FOREIGN KEY (x, y) REFERENCES parent)",
      'CREATE SEQUENCE numbers START 5 INCREMENT 3',
      'SELECT numbers.NEXTVAL',
    ])
      await client.query(sql);
    const shown = async (sql: string, ...columns: readonly string[]): Promise<unknown> =>
      (await client.query(sql)).rows.map((row) => columns.map((column) => row[column]));
    const own = ['column_name', 'key_sequence', 'constraint_name'];
    expect(await shown('SHOW PRIMARY KEYS IN TABLE parent', ...own)).toEqual([
      ['A', 1, 'PARENT_KEY'],
      ['B', 2, 'PARENT_KEY'],
    ]);
    expect(await shown('SHOW UNIQUE KEYS IN child', 'column_name')).toEqual([['X']]);
    const pairs = ['pk_table_name', 'pk_column_name', 'fk_table_name', 'fk_column_name'];
    const both = [
      ['PARENT', 'A', 'CHILD', 'X'],
      ['PARENT', 'B', 'CHILD', 'Y'],
    ];
    expect(await shown('SHOW IMPORTED KEYS IN TABLE child', ...pairs)).toEqual(both);
    expect(await shown('SHOW EXPORTED KEYS IN TABLE parent', ...pairs)).toEqual(both);
    expect(await shown('SHOW EXPORTED KEYS IN TABLE child', ...pairs)).toEqual([]);
    const described = ['name', 'primary key', 'unique key', 'default', 'comment'];
    expect(await shown('DESC TABLE parent', 'name', 'primary key')).toEqual([
      ['A', 'Y'],
      ['B', 'Y'],
    ]);
    expect(await shown('DESC TABLE child', ...described)).toEqual([
      ['X', 'N', 'Y', null, 'one'],
      ['Y', 'N', 'N', '7', null],
    ]);
    expect(await shown('SHOW SEQUENCES', 'name', 'next_value', 'interval')).toEqual([
      ['NUMBERS', '8', '3'],
    ]);
    expect(await shown('DESC SEQUENCE /* SQLAlchemy */ numbers', 'name', 'interval')).toEqual([
      ['NUMBERS', '3'],
    ]);
    await client.query("COMMENT ON TABLE parent IS 'kept'");
    await client.query('CREATE SECURE VIEW seen AS SELECT a FROM parent');
    expect(await shown("SHOW TABLES LIKE 'parent'", 'comment')).toEqual([['kept']]);
    expect(await shown("SHOW VIEWS LIKE 'seen'", 'text', 'is_secure')).toEqual([
      ['CREATE SECURE VIEW seen AS SELECT a FROM parent', 'true'],
    ]);
    await client.query('DROP VIEW seen');
    await expect(client.query('DESC SEQUENCE nothing')).rejects.toThrow("Sequence 'ANALYTICS.");
    for (const name of ['TABLE child', 'TABLE parent', 'SEQUENCE numbers'])
      await client.query(`DROP ${name}`);
    await client.close();
  });

  test('session variables, LAST_QUERY_ID and RESULT_SCAN work through the driver', async () => {
    const client = await connect(warehouse.port);
    await client.query('SET wanted = 40 + 2');
    const first = await client.query('SELECT $wanted AS answer');
    expect(first.rows).toEqual([{ ANSWER: 42 }]);
    expect((await client.query('SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))')).rows).toEqual([
      { ANSWER: 42 },
    ]);
    await client.close();
  });

  test('the history views are tables that the administrator can aggregate', async () => {
    const analyst = await connect(warehouse.port);
    await analyst.query("ALTER SESSION SET QUERY_TAG = 'report'");
    await analyst.query('SELECT COUNT(DISTINCT o_custkey) FROM tpch.orders');
    const own = await analyst.query(
      "SELECT query_text, execution_status FROM TABLE(information_schema.query_history()) WHERE query_tag = 'report' AND query_text LIKE 'SELECT COUNT%'",
    );
    expect(own.rows).toMatchObject([{ EXECUTION_STATUS: 'SUCCESS' }]);
    const admin = await connectAdmin();
    const { rows } = await admin.query(
      "SELECT warehouse_name, SUM(bytes_scanned) AS bytes, MAX(end_time) > MIN(start_time) AS moved FROM snowflake.account_usage.query_history WHERE query_tag = 'report' AND warehouse_name IS NOT NULL GROUP BY 1",
    );
    expect(rows).toMatchObject([{ WAREHOUSE_NAME: 'STANDARD_WH', MOVED: true }]);
    const metered = await admin.query(
      'SELECT SUM(credits_used_compute) AS credits FROM snowflake.account_usage.warehouse_metering_history',
    );
    expect(Number(metered.rows[0]?.['CREDITS'])).toBeGreaterThan(0);
    const joined = await admin.query(
      'SELECT COUNT(*) AS n FROM snowflake.account_usage.query_attribution_history a JOIN snowflake.account_usage.query_history h ON a.query_id = h.query_id WHERE a.credits_attributed_compute > 0',
    );
    expect(Number(joined.rows[0]?.['N'])).toBeGreaterThan(0);
    const rates = await admin.query(
      "SELECT effective_rate FROM snowflake.organization_usage.rate_sheet_daily WHERE service_type = 'WAREHOUSE_METERING'",
    );
    expect(rates.rows[0]).toEqual({ EFFECTIVE_RATE: 3 });
    await Promise.all([analyst.close(), admin.close()]);
  });

  test('half a character in a text and a tag leaves the history views readable', async () => {
    const raw = new RawClient(warehouse.port);
    await raw.login();
    const sent = await raw.run("SELECT '\ud800' AS half", {
      parameters: { QUERY_TAG: 'half \udfff' },
    });
    expect(sent.body.message).toBeNull();
    const admin = await connectAdmin();
    for (const view of ['TABLE(information_schema.query_history())', ACCOUNT_HISTORY]) {
      const { rows } = await admin.query(
        `SELECT query_text, execution_status FROM ${view} WHERE query_tag = 'half \ufffd'`,
      );
      expect(rows).toEqual([
        { QUERY_TEXT: "SELECT '\ufffd' AS half", EXECUTION_STATUS: 'SUCCESS' },
      ]);
    }
    await admin.close();
  });

  test.each([
    ['an unknown table', 'SELECT * FROM no_such_table_either', '002003'],
    ['an unknown column', 'SELECT nope FROM tpch.orders', '000904'],
    ['text that is no statement', 'SELEC 2', '001003'],
    ['a statement that breaks off', 'SELECT 1 +', '001003'],
    ['a string that does not end', "SELECT 'open", '001003'],
    ['an unknown warehouse', 'USE WAREHOUSE no_such_wh', '002003'],
    ['a write to an unknown table', 'INSERT INTO no_such_table_either VALUES (1)', '002003'],
    ['no text', ' ; ', '000900'],
    ['a view that is not granted', `SELECT * FROM ${ACCOUNT_HISTORY}`, '002003'],
  ])(
    '%s is in the history as failed, with its tag and no execution time',
    async (what, sql, code) => {
      const raw = new RawClient(warehouse.port);
      await raw.login();
      const tag = `failed: ${what}`;
      const failed = await raw.run(sql, { parameters: { QUERY_TAG: tag } });
      expect(failed.body).toMatchObject({ success: false, code });
      const own = warehouse.queryHistory().filter(({ started }) => started.tag === tag);
      expect(own).toMatchObject([
        { started: { text: sql }, ended: { status: 'FAIL', errorCode: code, executionMs: 0 } },
      ]);
      const admin = await connectAdmin();
      const columns = 'query_text, execution_status, execution_time, bytes_scanned, error_code';
      for (const [view, status] of [
        ['TABLE(information_schema.query_history())', 'FAILED_WITH_ERROR'],
        [ACCOUNT_HISTORY, 'FAIL'],
      ]) {
        const { rows } = await admin.query(
          `SELECT ${columns} FROM ${view} WHERE query_tag = '${tag}'`,
        );
        expect(rows).toEqual([
          {
            QUERY_TEXT: sql,
            EXECUTION_STATUS: status,
            EXECUTION_TIME: 0,
            BYTES_SCANNED: 0,
            ERROR_CODE: code,
          },
        ]);
      }
      await admin.close();
    },
  );

  test('an error of the engine reaches the user in Snowflake words', async () => {
    const client = await connect(warehouse.port);
    await expect(client.query('SELEC 1')).rejects.toMatchObject({
      code: '001003',
      sqlState: '42000',
    });
    await expect(client.query('SELECT * FROM no_such_table')).rejects.toThrow(
      'does not exist or not authorized',
    );
    await client.close();
  });
});
