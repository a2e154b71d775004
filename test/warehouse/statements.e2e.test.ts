import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatAmount } from '#base/units.js';
import { RawClient } from './support/raw-client.js';
import type { Reply } from './support/raw-client.js';
import { openWorld } from './support/world.js';
import type { World } from './support/world.js';

/** Rows as objects by column name. */
function objects(reply: Reply): readonly Record<string, string | null>[] {
  expect(reply.body.message).toBeNull();
  const names = (reply.body.data.rowtype as { name: string }[]).map((column) => column.name);
  return (reply.body.data.rowset as (string | null)[][]).map((row) =>
    Object.fromEntries(names.map((name, at) => [name, row[at] ?? null])),
  );
}

describe('statements that the server answers itself', () => {
  let world: World;
  let client: RawClient;
  let admin: RawClient;
  beforeEach(async () => {
    world = await openWorld();
    client = new RawClient(world.port);
    await client.login();
    admin = new RawClient(world.port);
    await admin.login(
      'TOLLGATE_SERVICE',
      (await readFile(join(world.dataDir, 'service-user-password'), 'utf8')).trim(),
    );
  });
  afterEach(() => world.end());

  test('USE of what does not exist or is not granted fails in the words that tools look for', async () => {
    expect((await client.query('USE WAREHOUSE NOPE')).body.message).toContain(
      'does not exist or not authorized',
    );
    expect((await client.query('USE DATABASE NOPE')).body.code).toBe('002003');
    expect((await client.query('USE SCHEMA NOPE')).body.code).toBe('002003');
    expect((await client.query('USE ROLE SALES_ROLE')).body.code).toBe('003001');
    expect((await client.query('USE ROLE PUBLIC')).body.data.finalRoleName).toBe('PUBLIC');
  });

  test('SHOW WAREHOUSES lists sizes and states', async () => {
    const rows = objects(await client.query('SHOW WAREHOUSES'));
    expect(rows.map((row) => [row['name'], row['size'], row['state'], row['is_current']])).toEqual([
      ['INTERACTIVE_WH', 'X-Small', 'SUSPENDED', 'N'],
      ['STANDARD_WH', 'Medium', 'SUSPENDED', 'Y'],
      ['BATCH_WH', 'X-Large', 'SUSPENDED', 'N'],
    ]);
  });

  test('the catalogue statements of dbt, JDBC and SQLAlchemy answer', async () => {
    const terse = objects(
      await client.query('show terse schemas in database ANALYTICS limit 10000'),
    );
    expect(terse.map((row) => [row['name'], row['database_name']])).toEqual([
      ['PUBLIC', 'ANALYTICS'],
      ['TPCH', 'ANALYTICS'],
    ]);
    const shown = objects(await client.query('show objects in ANALYTICS.TPCH limit 10000'));
    expect(shown).toMatchObject([
      { name: 'ORDERS', kind: 'TABLE', schema_name: 'TPCH', rows: '10', bytes: '100' },
    ]);
    expect(
      objects(await client.query("SHOW /* JDBC */ TABLES LIKE 'ord%' IN ACCOUNT")),
    ).toHaveLength(1);
    expect(
      objects(await client.query('SHOW COLUMNS IN TABLE ANALYTICS.TPCH.ORDERS')),
    ).toMatchObject([{ column_name: 'O_KEY' }]);
    expect(objects(await client.query('DESCRIBE TABLE ANALYTICS.TPCH.ORDERS'))).toMatchObject([
      { name: 'O_KEY', type: 'NUMBER(38,0)', 'null?': 'N' },
    ]);
    expect((await client.query('DESC TABLE NOPE')).body.message).toContain(
      'does not exist or not authorized',
    );
    expect(objects(await client.query('SHOW DATABASES')).map((row) => row['name'])).toContain(
      'ANALYTICS',
    );
    expect(objects(await client.query("SHOW ROLES LIKE 'MARK%'"))).toMatchObject([
      { name: 'MARKETING_ROLE', is_current: 'Y' },
    ]);
    expect((await client.query('SHOW PARAMETERS')).body.data.statementTypeId).toBe(0x4400);
  });

  test('a session parameter is typed, returned with every answer, and unset again', async () => {
    const changed = await client.query(
      "ALTER SESSION SET TIMEZONE = 'Europe/Vienna', CLIENT_PREFETCH_THREADS = 2",
    );
    expect(changed.body.data.parameters).toContainEqual({
      name: 'TIMEZONE',
      value: 'Europe/Vienna',
    });
    expect(changed.body.data.parameters).toContainEqual({
      name: 'CLIENT_PREFETCH_THREADS',
      value: 2,
    });
    const unset = await client.query('ALTER SESSION UNSET TIMEZONE');
    expect(unset.body.data.parameters).toContainEqual({ name: 'TIMEZONE', value: 'Etc/UTC' });
  });

  test('EXPLAIN USING JSON tells partitions and bytes after pruning, and uses no warehouse', async () => {
    const [row] = objects(await client.query('EXPLAIN USING JSON SELECT * FROM BIG 5'));
    expect(JSON.parse(row?.['content'] ?? '')).toEqual({
      GlobalStats: { partitionsTotal: 9, partitionsAssigned: 3, bytesAssigned: 5e9 },
      Operations: [
        [
          { id: 0, operation: 'Result', expressions: ['GB'] },
          { id: 1, parentOperators: [0], operation: 'Filter', expressions: ['O_KEY > 3'] },
          {
            id: 2,
            parentOperators: [1],
            operation: 'TableScan',
            objects: ['ANALYTICS.TPCH.ORDERS'],
            expressions: ['O_KEY'],
            partitionsAssigned: 3,
            partitionsTotal: 9,
            bytesAssigned: 5e9,
          },
        ],
      ],
    });
    const [call] = objects(
      await client.query('SELECT SYSTEM$EXPLAIN_PLAN_JSON($$SELECT * FROM BIG 5$$) AS plan'),
    );
    expect(call?.['PLAN']).toBe(row?.['content']);
    expect(
      objects(await client.query('EXPLAIN SELECT * FROM BIG 5')).map((one) => one['operation']),
    ).toEqual(['GlobalStats', 'Result', 'Filter', 'TableScan']);
    expect((await client.query('EXPLAIN USING TEXT SELECT 1')).body.data.rowset[0][0]).toContain(
      'GlobalStats',
    );
    expect(world.engine.executed).toEqual([]);
    expect(world.warehouse.metering()).toEqual([]);
  });

  test('SYSTEM$WAIT takes modelled seconds on the warehouse', async () => {
    const reply = await client.run('SELECT SYSTEM$WAIT(6)');
    expect(reply.body.success).toBe(true);
    const ended = world.warehouse.queryHistory().at(-1)?.ended;
    expect(ended).toMatchObject({ warehouse: 'STANDARD_WH', executionMs: 6000 });
  });

  test('SYSTEM$CANCEL_QUERY ends a statement of the same user, SYSTEM$CANCEL_ALL_QUERIES those of a session', async () => {
    const id = (await client.query('SELECT SYSTEM$WAIT(600)')).body.data.queryId as string;
    expect((await client.query(`SELECT SYSTEM$CANCEL_QUERY('${id}')`)).body.data.rowset).toEqual([
      [`query [${id}] terminated.`],
    ]);
    expect((await client.result(id)).body.code).toBe('000604');
    const session = (await client.query('SELECT CURRENT_SESSION()')).body.data
      .rowset[0][0] as string;
    const again = (await client.query('SELECT SYSTEM$WAIT(600)')).body.data.queryId as string;
    const second = new RawClient(world.port);
    await second.login();
    expect(
      (await second.query(`select system$cancel_all_queries(${session})`)).body.data.rowset,
    ).toEqual([['1 cancelled']]);
    expect((await client.result(again)).body.code).toBe('000604');
  });

  test('warehouses are created, resized, suspended, resumed and dropped', async () => {
    await admin.query(
      "CREATE WAREHOUSE LAB_WH WITH WAREHOUSE_SIZE = '2X-LARGE' AUTO_SUSPEND = 120 INITIALLY_SUSPENDED = TRUE COMMENT = 'x'",
    );
    expect(objects(await admin.query("SHOW WAREHOUSES LIKE 'LAB%'"))).toMatchObject([
      { size: '2X-Large', state: 'SUSPENDED', auto_suspend: '120', comment: 'x' },
    ]);
    expect((await admin.query('CREATE WAREHOUSE LAB_WH')).body.code).toBe('002002');
    expect((await admin.query('ALTER WAREHOUSE LAB_WH SUSPEND')).body.success).toBe(false);
    expect((await admin.query('ALTER WAREHOUSE LAB_WH RESUME')).body.success).toBe(true);
    await admin.query('ALTER WAREHOUSE LAB_WH SET WAREHOUSE_SIZE = SMALL');
    expect(objects(await admin.query("SHOW WAREHOUSES LIKE 'LAB%'"))).toMatchObject([
      { size: 'Small', state: 'STARTED' },
    ]);
    expect((await admin.query('DROP WAREHOUSE LAB_WH')).body.success).toBe(true);
    expect((await admin.query('USE WAREHOUSE LAB_WH')).body.code).toBe('002003');
  });

  test('an analyst may resume and suspend a warehouse but not change, create or drop one', async () => {
    expect((await client.query('ALTER WAREHOUSE BATCH_WH RESUME')).body.success).toBe(true);
    expect((await client.query('ALTER WAREHOUSE BATCH_WH SUSPEND')).body.success).toBe(true);
    for (const sql of [
      'ALTER WAREHOUSE BATCH_WH SET WAREHOUSE_SIZE = XSMALL',
      'ALTER WAREHOUSE BATCH_WH ABORT ALL QUERIES',
      'CREATE WAREHOUSE MINE',
      'DROP WAREHOUSE BATCH_WH',
    ])
      expect((await client.query(sql)).body.code).toBe('003001');
  });

  test('a suspended warehouse without auto-resume refuses scans', async () => {
    await admin.query('ALTER WAREHOUSE STANDARD_WH SET AUTO_RESUME = FALSE');
    expect((await client.run('SELECT * FROM BIG 1')).body.code).toBe('000606');
  });

  test('what is metered follows from the events: a minute for a short statement, by name and hour', async () => {
    await client.run('SELECT * FROM BIG 1');
    const [hour] = world.warehouse.metering();
    expect(hour?.warehouse).toBe('STANDARD_WH');
    // One minute of four credits an hour, perhaps split over two hours.
    const total = world.warehouse.metering().reduce((sum, one) => sum + one.credits, 0n);
    expect(
      formatAmount(
        total as typeof hour extends undefined ? never : NonNullable<typeof hour>['credits'],
      ),
    ).toBe('0.066666666667');
  });

  test('ACCOUNT_USAGE is for the administrator and tells of ended statements', async () => {
    await client.run('SELECT * FROM BIG 2', { parameters: { QUERY_TAG: 'mine' } });
    expect(
      (await client.query('SELECT * FROM SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY')).body.code,
    ).toBe('002003');
    const reply = await admin.query('SELECT * FROM SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY');
    const row = (reply.body.data.rowset as string[][]).find(
      (one) => one[1] === 'SELECT * FROM BIG 2',
    );
    expect(row).toContain('STANDARD_WH');
    expect(row).toContain('mine');
    expect(row).toContain('SUCCESS');
    expect(
      (await admin.query('SELECT * FROM SNOWFLAKE.ACCOUNT_USAGE.WAREHOUSE_METERING_HISTORY')).body
        .data.total,
    ).toBeGreaterThan(0);
    expect(
      (await admin.query('SELECT * FROM SNOWFLAKE.ACCOUNT_USAGE.WAREHOUSE_EVENTS_HISTORY')).body
        .data.total,
    ).toBe(3);
    expect(
      (await admin.query('SELECT * FROM SNOWFLAKE.ACCOUNT_USAGE.METERING_DAILY_HISTORY')).body.data
        .total,
    ).toBeGreaterThan(0);
  });

  test("the tables behind the history functions are nobody's to read directly", async () => {
    for (const sql of [
      'SELECT * FROM SNOWFLAKE.TABLE_FUNCTIONS.QUERY_HISTORY_ALL',
      "SELECT * FROM IDENTIFIER('snowflake.account_usage.query_history')",
      'SELECT * FROM SNOWFLAKE.ORGANIZATION_USAGE.RATE_SHEET_DAILY',
    ])
      expect((await client.query(sql)).body.code).toBe('002003');
    expect(
      (await client.query("SELECT 'about ACCOUNT_USAGE.QUERY_HISTORY in words'")).body.success,
    ).toBe(true);
    const rates = await admin.query('SELECT * FROM SNOWFLAKE.ORGANIZATION_USAGE.RATE_SHEET_DAILY');
    expect((rates.body.data.rowset as string[][])[0]).toEqual(
      expect.arrayContaining(['USD', '3.00', 'WAREHOUSE_METERING']),
    );
  });

  test('what tools list and this account has not is empty; stages are refused in words', async () => {
    for (const kind of [
      'DYNAMIC TABLES IN SCHEMA ANALYTICS.TPCH',
      'PRIMARY KEYS IN TABLE X',
      'GRANTS TO ROLE PUBLIC',
    ])
      expect((await client.query(`SHOW ${kind}`)).body.data.rowset).toEqual([]);
    expect(
      (await client.query("SHOW SCHEMAS IN DATABASE ANALYTICS LIMIT 10 FROM 'PUBLIC'")).body.data
        .rowset,
    ).toHaveLength(1);
    expect((await client.query('PUT file:///x @~')).body).toMatchObject({
      code: '000002',
      success: false,
    });
  });

  test('INFORMATION_SCHEMA.QUERY_HISTORY shows a user its own statements, the running one included', async () => {
    const other = new RawClient(world.port);
    await other.login('sales_analyst');
    await other.query("SELECT 'secret'");
    await client.query("SELECT 'own'");
    const reply = await client.query(
      'SELECT * FROM TABLE(ANALYTICS.INFORMATION_SCHEMA.QUERY_HISTORY(RESULT_LIMIT => 10))',
    );
    expect(world.engine.executed.at(-1)).toMatch(
      /INFORMATION_SCHEMA\.QUERY_HISTORY_\w{16}\(RESULT_LIMIT => 10\)/,
    );
    expect(reply.body.success).toBe(true);
    const direct = await client.query('SELECT * FROM ANALYTICS.INFORMATION_SCHEMA.QUERY_HISTORY');
    const texts = (direct.body.data.rowset as string[][]).map((row) => row[1]);
    expect(texts).toContain("SELECT 'own'");
    expect(texts).not.toContain("SELECT 'secret'");
    expect((direct.body.data.rowset as string[][]).at(-1)).toContain('RUNNING');
  });

  test('the log survives a restart and monitoring still tells of the statement', async () => {
    const id = (await client.run('SELECT * FROM BIG 1')).body.data.queryId as string;
    const running = (await client.query('SELECT SYSTEM$WAIT(6000)')).body.data.queryId as string;
    await world.warehouse.stop(AbortSignal.abort());
    expect(world.warehouse.queryHistory().at(-1)?.ended).toMatchObject({
      id: running,
      errorCode: '000604',
    });
    const billed = world.warehouse.metering();
    const again = await openWorld({ dataDir: world.dataDir });
    const next = new RawClient(again.port);
    await next.login();
    const { body } = await next.send('GET', `/monitoring/queries/${id}`);
    expect(body.data.queries[0]).toMatchObject({
      id,
      status: 'SUCCESS',
      stats: { scanBytes: 1e9 },
    });
    expect(again.warehouse.metering()).toEqual(billed);
    await again.warehouse.stop(AbortSignal.abort());
  });
});
