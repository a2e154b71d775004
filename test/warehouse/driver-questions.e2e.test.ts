import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '#base/log.js';
import { type RunningEngine } from '../../warehouse/engine/create-engine.js';
import { startDemoEngine } from '../support/demo-engine.js';
import { openWarehouseClock } from '../../warehouse/clock.js';
import { startWarehouse, type RunningWarehouse } from '../../warehouse/start-warehouse.js';
import { RawClient } from './support/raw-client.js';

describe('what drivers ask of a session', () => {
  let dataDir: string;
  let engine: RunningEngine;
  let warehouse: RunningWarehouse;
  let client: RawClient;
  let other: RawClient;

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'tollgate-session-'));
    const log = silentLog;
    engine = await startDemoEngine(join(dataDir, 'engine'));
    const clock = await openWarehouseClock(dataDir, 60);
    const where = { host: '127.0.0.1', port: 0, dataDir };
    warehouse = await startWarehouse({ ...where, clock, engine, log, longPollMs: 1000 });
  });
  afterAll(async () => {
    await warehouse.stop(AbortSignal.abort());
    await engine.stop();
    await rm(dataDir, { recursive: true, force: true });
  });
  beforeEach(async () => {
    client = new RawClient(warehouse.port);
    other = new RawClient(warehouse.port);
    await client.login();
    await other.login();
    await client.run('CREATE OR REPLACE TABLE KEPT (N INTEGER NOT NULL)');
  });

  async function counted(by: RawClient): Promise<unknown> {
    return (await by.run('SELECT COUNT(*) FROM KEPT')).body.data.rowset[0][0];
  }

  /** AUTOCOMMIT as the reply to a statement tells it. */
  async function told(sql: string): Promise<unknown> {
    const reply = await client.run(sql);
    const parameters = reply.body.data.parameters as { name: string; value: unknown }[];
    return parameters.find(({ name }) => name === 'AUTOCOMMIT')?.value;
  }

  test('without autocommit DML opens a transaction that ROLLBACK undoes and COMMIT keeps', async () => {
    expect(await told('ALTER SESSION /* a driver */ SET AUTOCOMMIT = FALSE')).toBe(false);
    await client.run('INSERT INTO KEPT VALUES (1)');
    expect([await counted(client), await counted(other)]).toEqual(['1', '0']);
    await client.run('ROLLBACK');
    expect(await counted(client)).toBe('0');
    await client.run('INSERT INTO KEPT VALUES (1)');
    await client.run('COMMIT');
    await client.run('INSERT INTO KEPT VALUES (2)');
    expect([await counted(client), await counted(other)]).toEqual(['2', '1']);
  });

  test('a definition commits what is open, also after BEGIN', async () => {
    for (const start of ['ALTER SESSION SET AUTOCOMMIT = FALSE', 'BEGIN']) {
      await client.run(start);
      await client.run('INSERT INTO KEPT VALUES (1)');
      await client.run('CREATE OR REPLACE TEMPORARY TABLE MINE (N INTEGER)');
      await client.run('ROLLBACK');
    }
    expect(await counted(other)).toBe('2');
  });

  test('autocommit switched on again, or no longer set, commits what is open', async () => {
    for (const end of ['SET AUTOCOMMIT = TRUE', 'UNSET AUTOCOMMIT']) {
      await client.run('ALTER SESSION SET AUTOCOMMIT = FALSE');
      await client.run('INSERT INTO KEPT VALUES (1)');
      expect(await told(`ALTER SESSION ${end}`)).toBe(true);
    }
    expect(await counted(other)).toBe('2');
    await client.run('INSERT INTO KEPT VALUES (3)');
    expect(await counted(other)).toBe('3');
  });

  test('a first statement that fails opens nothing', async () => {
    await client.run('ALTER SESSION SET AUTOCOMMIT = FALSE');
    expect((await client.run('INSERT INTO KEPT VALUES (NULL)')).body.code).toBe('100072');
    await other.run('INSERT INTO KEPT VALUES (1)');
    expect(await counted(client)).toBe('1');
  });

  test('a login without autocommit is obeyed', async () => {
    const login = await client.send('POST', '/session/v1/login-request', {
      data: {
        LOGIN_NAME: 'marketing_analyst',
        PASSWORD: 'demo',
        SESSION_PARAMETERS: { AUTOCOMMIT: false },
      },
    });
    client.token = login.body.data.token as string;
    await client.run('INSERT INTO KEPT VALUES (1)');
    expect(await counted(other)).toBe('0');
    await client.run('COMMIT');
    expect(await counted(other)).toBe('1');
  });

  test('binds are described like columns and named by their position', async () => {
    const { data } = (await client.run('SELECT ?, ?', { describeOnly: true })).body;
    const binds = data.metaDataOfBinds as Record<string, unknown>[];
    expect(binds.map(({ name, type }) => [name, type])).toEqual([
      ['1', 'text'],
      ['2', 'text'],
    ]);
    expect(Object.keys(binds[0] ?? {})).toEqual(Object.keys(data.rowtype[0]));
  });

  test('DESC with comments and TYPE = COLUMNS lists columns; a table has no stage', async () => {
    for (const sql of [
      'DESC /* a */ TABLE "ANALYTICS"."TPCH"."NATION" TYPE = COLUMNS',
      'DESCRIBE TABLE /* a */ ANALYTICS.TPCH.NATION TYPE=COLUMNS -- b',
      '/* a */ DESC VIEW ANALYTICS.TPCH.NATION /* b */ TYPE /* c */ = COLUMNS',
    ]) {
      const { rowset } = (await client.run(sql)).body.data;
      expect((rowset as string[][]).map(([name]) => name)).toEqual([
        'N_NATIONKEY',
        'N_NAME',
        'N_REGIONKEY',
        'N_COMMENT',
      ]);
    }
    const stage = await client.run('DESC TABLE ANALYTICS.TPCH.NATION TYPE = STAGE');
    expect(stage.body.data.rowset).toEqual([]);
    expect(stage.body.data.rowtype[0].name).toBe('parent_property');
  });

  test('SHOW KEYS answers no rows under the columns that clients read', async () => {
    const own = 'created_on database_name schema_name table_name column_name key_sequence';
    const foreign =
      'created_on pk_database_name pk_schema_name pk_table_name pk_column_name fk_database_name fk_schema_name fk_table_name fk_column_name key_sequence';
    for (const [kind, columns, count] of [
      ['PRIMARY', own, 9],
      ['UNIQUE', own, 9],
      ['IMPORTED', foreign, 17],
      ['EXPORTED', foreign, 17],
    ] as const) {
      const reply = await client.run(`SHOW /* a */ ${kind} /* b */ KEYS IN SCHEMA ANALYTICS.TPCH`);
      const names = (reply.body.data.rowtype as { name: string }[]).map(({ name }) => name);
      expect(reply.body.data.rowset).toEqual([]);
      expect(names.join(' ').startsWith(columns)).toBe(true);
      expect(names.length).toBe(count);
    }
  });

  test('a SHOW is read again by RESULT_SCAN under its quoted names', async () => {
    const shown = await client.run('SHOW TABLES IN SCHEMA ANALYTICS.TPCH');
    const scanned = await client.run(
      `SELECT "name", "rows" + 1 AS MORE FROM TABLE(RESULT_SCAN(LAST_QUERY_ID())) WHERE "kind" = 'TABLE' ORDER BY 1`,
    );
    expect((scanned.body.data.rowset as string[][])[2]).toEqual(['NATION', '26']);
    expect(scanned.body.data.total).toBe(shown.body.data.total);
  });
});
