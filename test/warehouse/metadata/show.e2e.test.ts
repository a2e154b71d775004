import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { administrator, namesOf, rowsOf } from '../support/administrator.js';
import { RawClient } from '../support/raw-client.js';
import type { Reply } from '../support/raw-client.js';
import { openWorld } from '../support/world.js';
import type { World } from '../support/world.js';

describe('SHOW, DESCRIBE and session parameters', () => {
  let world: World;
  let client: RawClient;
  beforeAll(async () => {
    world = await openWorld();
    client = new RawClient(world.port);
    await client.login();
  });
  afterAll(() => world.end());

  async function ok(sql: string, body: Record<string, unknown> = {}): Promise<Reply> {
    const reply = await client.run(sql, body);
    expect([sql, reply.body.message]).toEqual([sql, null]);
    return reply;
  }

  const shown = async (sql: string, column = 'name'): Promise<readonly unknown[]> =>
    rowsOf(await ok(sql)).map((row) => row[column]);

  test('the columns of a listing are those of its page, in their order', async () => {
    for (const [sql, columns] of [
      ['SHOW TERSE DATABASES', 'created_on name kind database_name schema_name'],
      ['SHOW TERSE TABLES IN ACCOUNT', 'created_on name kind database_name schema_name'],
      [
        'SHOW DATABASES',
        'created_on name is_default is_current origin owner comment options retention_time kind',
      ],
      [
        'SHOW SCHEMAS',
        'created_on name is_default is_current database_name owner comment options retention_time',
      ],
      [
        'SHOW TABLES',
        'created_on name database_name schema_name kind comment cluster_by rows bytes',
      ],
      ['SHOW VIEWS', 'created_on name reserved database_name schema_name owner comment text'],
      ['SHOW OBJECTS', 'created_on name database_name schema_name kind comment cluster_by rows'],
      [
        'SHOW COLUMNS',
        'table_name schema_name column_name data_type null? default kind expression',
      ],
      ['SHOW PARAMETERS', 'key value default level description type'],
      ['SHOW ROLES', 'created_on name is_default is_current is_inherited assigned_to_users'],
      ['SHOW USERS', 'name created_on login_name display_name first_name last_name email'],
      ['SHOW GRANTS', 'created_on role granted_to grantee_name granted_by'],
      ['SHOW VARIABLES', 'session_id created_on updated_on name value type comment'],
      ['SHOW USER FUNCTIONS IN ACCOUNT', 'created_on name schema_name is_builtin is_aggregate'],
      ['SHOW PROCEDURES IN DATABASE ANALYTICS', 'created_on name schema_name is_builtin'],
      ['SHOW SECURITY INTEGRATIONS', 'name type category enabled comment created_on'],
      ['SHOW STORAGE INTEGRATIONS', 'name type category enabled comment created_on'],
    ] as const)
      expect([
        sql,
        namesOf(await ok(sql))
          .join(' ')
          .startsWith(columns),
      ]).toEqual([sql, true]);
  });

  test('IN takes a schema, a database, an account, with and without their words', async () => {
    for (const place of [
      'ANALYTICS.TPCH',
      'TPCH',
      'SCHEMA TPCH',
      'SCHEMA ANALYTICS.TPCH',
      'DATABASE ANALYTICS',
      'DATABASE',
      'ANALYTICS',
      'ACCOUNT',
    ])
      expect([place, await shown(`SHOW TABLES IN ${place}`)]).toEqual([place, ['ORDERS']]);
    expect(await shown('SHOW TABLES')).toEqual([]);
    expect(await shown('SHOW OBJECTS IN DATABASE ANALYTICS')).toEqual(['ORDERS', 'NOTES']);
    expect(await shown('SHOW VIEWS IN DATABASE')).toEqual(['NOTES']);
    expect(await shown('SHOW COLUMNS IN ANALYTICS.TPCH.ORDERS', 'column_name')).toEqual(['O_KEY']);
  });

  test('in what does not exist there is nothing to show, in the words that dbt and JDBC look for', async () => {
    for (const sql of [
      'show objects in NONE.PUBLIC limit 10000',
      'show objects in ANALYTICS.NONE limit 10000',
      'SHOW TABLES IN DATABASE NONE',
      'show terse schemas in database NONE limit 10000',
    ]) {
      const { body } = await client.run(sql);
      expect([sql, body.code]).toEqual([sql, '002043']);
      expect(body.message).toContain('Object does not exist');
    }
  });

  test('LIKE has no case, STARTS WITH has, LIMIT has bounds', async () => {
    expect(await shown("SHOW TABLES LIKE 'o_der%' IN ACCOUNT")).toEqual(['ORDERS']);
    expect(await shown("SHOW TABLES LIKE 'ord\\\\_' IN ACCOUNT")).toEqual([]);
    expect(await shown("SHOW TABLES IN ACCOUNT STARTS WITH 'ord'")).toEqual([]);
    expect(await shown("SHOW TABLES IN ACCOUNT STARTS WITH 'ORD' LIMIT 1")).toEqual(['ORDERS']);
    expect(await shown("SHOW SCHEMAS IN DATABASE ANALYTICS LIMIT 5 FROM 'PUBLIC'")).toEqual([
      'TPCH',
    ]);
    for (const sql of [
      'SHOW TABLES LIMIT 0',
      'SHOW TABLES LIMIT x',
      'SHOW TABLES SIDEWAYS',
      'SHOW',
    ])
      expect((await client.run(sql)).body.code).toBe('001003');
    expect((await client.run('SHOW MOON PHASES')).body.success).toBe(false);
  });

  test('RESULT_SCAN reads a SHOW, DESC RESULT describes it', async () => {
    const id = (await ok('SHOW SCHEMAS IN DATABASE ANALYTICS')).body.data.queryId as string;
    const scanned = await ok(`SELECT * FROM TABLE(RESULT_SCAN('${id}'))`);
    expect(namesOf(scanned)[1]).toBe('name');
    const described = rowsOf(await ok(`DESC RESULT '${id}'`));
    expect(described[0]).toMatchObject({ name: 'created_on', type: 'TIMESTAMP_LTZ(3)' });
    expect(described[1]).toMatchObject({ name: 'name', type: 'VARCHAR(16777216)', kind: 'COLUMN' });
    await ok('SELECT 1');
    expect(await shown('DESCRIBE RESULT LAST_QUERY_ID()')).toEqual(['X']);
    expect((await client.run("DESC RESULT 'none'")).body.code).toBe('000709');
  });

  test('DESC of schemas, databases and of what there is none of', async () => {
    expect(await shown('DESC SCHEMA TPCH')).toEqual(['ORDERS']);
    expect(await shown('DESCRIBE DATABASE ANALYTICS')).toEqual(['PUBLIC', 'TPCH']);
    for (const sql of ['DESC SCHEMA NONE', 'DESC DATABASE NONE', 'DESC PROCEDURE P', 'DESC VIEW V'])
      expect((await client.run(sql)).body.code).toBe('002003');
  });

  test('an unknown name, an illegal value or one without effect changes nothing', async () => {
    for (const [sql, code] of [
      ['ALTER SESSION SET NO_SUCH = 1', '001420'],
      ['ALTER SESSION UNSET NO_SUCH', '001420'],
      ['ALTER SESSION SET LOCK_TIMEOUT = soon', '001008'],
      ['ALTER SESSION SET LOCK_TIMEOUT = 5, WEEK_START = 1', '000002'],
      ["ALTER SESSION SET TIMEZONE = 'Mars/Olympus'", '001008'],
      ['ALTER SESSION SET', '001003'],
    ])
      expect([sql, (await client.run(sql ?? '')).body.code]).toEqual([sql, code]);
    expect(await shown("SHOW PARAMETERS LIKE 'LOCK_TIMEOUT'", 'level')).toEqual(['']);
    const stated = await client.run('SELECT 1', { parameters: { WEEK_START: 1 } });
    expect(stated.body.code).toBe('000002');
    const login = await new RawClient(world.port).send('POST', '/session/v1/login-request', {
      data: {
        LOGIN_NAME: 'sales_analyst',
        PASSWORD: 'demo',
        SESSION_PARAMETERS: { WEEK_START: 1 },
      },
    });
    expect(login.body).toMatchObject({ success: false, code: '000002' });
  });

  test('SHOW PARAMETERS of a session, a warehouse, a database, the account', async () => {
    await ok("ALTER SESSION /* JDBC */ SET autocommit = true, query_tag = 'a model'");
    expect(rowsOf(await ok("show parameters like 'query_tag' in session"))).toMatchObject([
      { key: 'QUERY_TAG', value: 'a model', default: '', level: 'SESSION', type: 'STRING' },
    ]);
    await ok('ALTER SESSION UNSET query_tag, autocommit');
    expect(await shown('SHOW PARAMETERS IN WAREHOUSE STANDARD_WH', 'key')).toEqual([
      'MAX_CONCURRENCY_LEVEL',
      'STATEMENT_QUEUED_TIMEOUT_IN_SECONDS',
      'STATEMENT_TIMEOUT_IN_SECONDS',
    ]);
    expect(await shown('SHOW PARAMETERS IN DATABASE ANALYTICS', 'key')).toContain(
      'DATA_RETENTION_TIME_IN_DAYS',
    );
    expect((await shown('SHOW PARAMETERS IN ACCOUNT', 'key')).length).toBeGreaterThan(70);
    expect(await shown('SHOW PARAMETERS FOR USER', 'key')).toContain('TIMEZONE');
    expect((await client.run('SHOW PARAMETERS IN USER SALES_ANALYST')).body.code).toBe('003001');
    const admin = await administrator(world);
    expect((await admin.run('SHOW PARAMETERS IN USER SALES_ANALYST')).body.success).toBe(true);
  });

  test('ROWS_PER_RESULTSET cuts the rows of queries, not of listings', async () => {
    await ok('ALTER SESSION SET ROWS_PER_RESULTSET = 1');
    const id = (await ok('SHOW SCHEMAS IN DATABASE ANALYTICS')).body.data;
    expect(id.total).toBe(2);
    const scan = `SELECT * FROM TABLE(RESULT_SCAN('${String(id.queryId)}'))`;
    expect((await ok(scan)).body.data).toMatchObject({ total: 1, returned: 1 });
    expect((await ok(scan, { parameters: { ROWS_PER_RESULTSET: 0 } })).body.data.total).toBe(2);
    await ok('ALTER SESSION UNSET ROWS_PER_RESULTSET');
  });
});
