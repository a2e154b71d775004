import { randomUUID } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RawClient } from './support/raw-client.js';
import { openWorld } from './support/world.js';
import type { World } from './support/world.js';

const START_FIELDS = [
  'parameters',
  'rowtype',
  'rowset',
  'total',
  'returned',
  'queryId',
  'sqlState',
  'databaseProvider',
];

describe('the wire protocol', () => {
  let world: World;
  let client: RawClient;
  beforeEach(async () => {
    world = await openWorld();
    client = new RawClient(world.port);
    await client.login();
  });
  afterEach(() => world.end());

  test('a login answers every field that some driver needs', async () => {
    const { body } = await new RawClient(world.port).login(
      'SALES_ANALYST',
      'demo',
      '&warehouse=batch_wh&schemaName=tpch',
    );
    expect(body.data).toMatchObject({
      validityInSeconds: 3600,
      masterValidityInSeconds: 14_400,
      serverVersion: '9.21.0',
      sessionInfo: {
        databaseName: 'ANALYTICS',
        schemaName: 'TPCH',
        warehouseName: 'BATCH_WH',
        roleName: 'SALES_ROLE',
      },
    });
    expect(Number.isSafeInteger(body.data.sessionId)).toBe(true);
    expect(body.data.parameters).toContainEqual({ name: 'TIMEZONE', value: 'Etc/UTC' });
  });

  test('the service user has a generated password in a file that only its owner reads', async () => {
    const path = join(world.dataDir, 'service-user-password');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const { body } = await new RawClient(world.port).login(
      'tollgate_service',
      (await readFile(path, 'utf8')).trim(),
    );
    expect(body.data.sessionInfo.roleName).toBe('ACCOUNTADMIN');
  });

  test.each([
    ['no token', { token: '' }, '390101'],
    ['an unknown token', { token: 'nobody' }, '390104'],
  ])('a request with %s is refused at HTTP 200', async (_name, options, code) => {
    const reply = await client.send(
      'POST',
      `/queries/v1/query-request?requestId=${randomUUID()}`,
      { sqlText: 'SELECT 1' },
      { ...options, headers: options.token === '' ? {} : {} },
    );
    expect([reply.status, reply.body.success, reply.body.code]).toEqual([200, false, code]);
  });

  test('an expired token answers 390112; renewal gives tokens that work, and the same request id runs once', async () => {
    const requestId = randomUUID();
    world.warehouse.faults.expireTokens();
    expect((await client.query('SELECT 5', {}, requestId)).body.code).toBe('390112');
    const renewed = await client.send(
      'POST',
      '/session/token-request',
      { oldSessionToken: client.token, requestType: 'RENEW' },
      { token: client.masterToken },
    );
    expect(Object.keys(renewed.body.data)).toEqual([
      'sessionToken',
      'validityInSecondsST',
      'masterToken',
      'validityInSecondsMT',
      'sessionId',
    ]);
    client.token = renewed.body.data.sessionToken as string;
    expect((await client.query('SELECT 5', {}, requestId)).body.data.rowset).toEqual([['5']]);
  });

  test('an unknown master token is 390115', async () => {
    const reply = await client.send('POST', '/session/token-request', {}, { token: 'nobody' });
    expect(reply.body.code).toBe('390115');
  });

  test('a result starts with the same fields in the same order and has all that drivers read', async () => {
    const { data } = (await client.query("SELECT 'x'")).body;
    expect(Object.keys(data).slice(0, 8)).toEqual(START_FIELDS);
    expect(data).toMatchObject({
      rowset: [['x']],
      total: 1,
      returned: 1,
      sqlState: '00000',
      finalDatabaseName: 'ANALYTICS',
      finalSchemaName: 'PUBLIC',
      finalWarehouseName: 'STANDARD_WH',
      finalRoleName: 'MARKETING_ROLE',
      statementTypeId: 4096,
      version: 1,
      numberOfBinds: 0,
      queryResultFormat: 'json',
    });
    expect(data.queryId).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('a repeated request id runs once and answers the same query id', async () => {
    const requestId = randomUUID();
    const replies = await Promise.all(
      [1, 2, 3].map(() => client.query('SELECT * FROM BIG 1', {}, requestId)),
    );
    expect(new Set(replies.map((reply) => reply.body.data.queryId)).size).toBe(1);
    expect(world.engine.executed).toEqual(['SELECT * FROM BIG 1']);
  });

  test('a long statement answers 333333 with the place of its result, then the result', async () => {
    const first = await client.query('SELECT * FROM BIG 60');
    expect(first.body).toMatchObject({ success: true, code: '333333' });
    expect(first.body.data.getResultUrl).toBe(`/queries/${String(first.body.data.queryId)}/result`);
    const monitored = await client.send(
      'GET',
      `/monitoring/queries/${String(first.body.data.queryId)}`,
    );
    expect(monitored.body.data.queries[0]).toMatchObject({
      status: 'RUNNING',
      sqlText: 'SELECT * FROM BIG 60',
      warehouseName: 'STANDARD_WH',
    });
    const last = await client.result(first.body.data.queryId as string);
    expect(last.body.data.rowset).toEqual([['60']]);
    const after = await client.send(
      'GET',
      `/monitoring/queries/${String(first.body.data.queryId)}`,
    );
    expect(after.body.data.queries[0]).toMatchObject({
      status: 'SUCCESS',
      warehouseExternalSize: 'Medium',
      stats: { scanBytes: 60e9, rowsProduced: 1 },
    });
    // 60 GB at 800 MB/s are 75 s and some noise.
    expect(after.body.data.queries[0].totalDuration).toBeGreaterThan(50_000);
    expect(after.body.data.queries[0].totalDuration).toBeLessThan(110_000);
  });

  test('monitoring answers under the doubled slash of the Python connector 5, too', async () => {
    const id = (await client.query('SELECT 1')).body.data.queryId as string;
    const { body } = await client.send('GET', `/monitoring/queries//${id}?requestId=x`);
    expect(body.data.queries[0]).toMatchObject({ id, status: 'SUCCESS' });
  });

  test('an asynchronous statement answers 333334 at once', async () => {
    const first = await client.query("SELECT 'later'", { asyncExec: true });
    expect(first.body.code).toBe('333334');
    expect((await client.result(first.body.data.queryId as string)).body.data.rowset).toEqual([
      ['later'],
    ]);
  });

  test("another user's statement can be neither fetched nor cancelled nor watched", async () => {
    const mine = (await client.query('SELECT * FROM BIG 600')).body.data.queryId as string;
    const other = new RawClient(world.port);
    await other.login('sales_analyst');
    expect((await other.send('GET', `/queries/${mine}/result`)).body.code).toBe('000709');
    expect((await other.send('POST', `/queries/${mine}/abort-request`, {})).body.code).toBe(
      '000605',
    );
    expect((await other.send('GET', `/monitoring/queries/${mine}`)).body.data.queries).toEqual([]);
    expect((await other.query(`SELECT SYSTEM$CANCEL_QUERY('${mine}')`)).body.code).toBe('000709');
    expect((await client.send('POST', `/queries/${mine}/abort-request`, {})).body.success).toBe(
      true,
    );
    expect((await client.result(mine)).body).toMatchObject({
      code: '000604',
      data: { sqlState: '57014' },
    });
  });

  test('an abort that arrives before its request cancels it', async () => {
    const requestId = randomUUID();
    await client.send('POST', '/queries/v1/abort-request', { requestId });
    expect((await client.query('SELECT * FROM BIG 600', {}, requestId)).body.code).toBe('000604');
    expect(world.engine.executed).toEqual([]);
  });

  test('the lowest non-zero timeout ends a statement at its modelled second', async () => {
    await client.query('ALTER SESSION SET STATEMENT_TIMEOUT_IN_SECONDS = 3600');
    const reply = await client.run('SELECT * FROM BIG 6000', {
      parameters: { STATEMENT_TIMEOUT_IN_SECONDS: 10 },
    });
    expect(reply.body).toMatchObject({ code: '000630', data: { sqlState: '57014' } });
    const logged = world.warehouse.queryHistory().at(-1);
    expect(logged?.ended).toMatchObject({ status: 'FAIL', errorCode: '000630' });
    expect((logged?.ended?.at ?? 0) - (logged?.ended?.runningSince ?? 0)).toBe(10_000);
  });

  test('the warehouse timeout counts too', async () => {
    const admin = new RawClient(world.port);
    const password = await readFile(join(world.dataDir, 'service-user-password'), 'utf8');
    await admin.login('TOLLGATE_SERVICE', password.trim());
    await admin.query('ALTER WAREHOUSE STANDARD_WH SET STATEMENT_TIMEOUT_IN_SECONDS = 5');
    expect((await client.run("CALL SYSTEM$WAIT(1, 'MINUTES')")).body.code).toBe('000630');
  });

  test('a statement of its own parameters is tagged with them in the log', async () => {
    await client.query('SELECT 1', { parameters: { QUERY_TAG: '{"tg":"1"}' } });
    expect(world.warehouse.queryHistory().at(-1)?.started).toMatchObject({
      tag: '{"tg":"1"}',
      user: 'MARKETING_ANALYST',
      role: 'MARKETING_ROLE',
    });
  });

  test('several statements need their count; children are fetched by id', async () => {
    expect((await client.query('SELECT 1; SELECT 2')).body.code).toBe('000008');
    const reply = await client.query('SELECT 1; SELECT 2;', {
      parameters: { MULTI_STATEMENT_COUNT: 0 },
    });
    expect(reply.body.data).toMatchObject({ statementTypeId: 0xa000, resultTypes: '4096,4096' });
    const [, second] = (reply.body.data.resultIds as string).split(',');
    expect((await client.result(second ?? '')).body.data.rowset).toEqual([['2']]);
  });

  test('a multi-statement request ends with the failure of its part', async () => {
    const reply = await client.query('SELECT 1; BROKEN; SELECT 2', {
      parameters: { MULTI_STATEMENT_COUNT: 3 },
    });
    expect(reply.body.code).toBe('001003');
    expect(world.engine.executed).toEqual(['SELECT 1', 'BROKEN']);
  });

  test('describe-only compiles: columns and binds, no rows, nothing run, nothing changed', async () => {
    const described = await client.query('SELECT ?, ?', { describeOnly: true });
    expect(described.body.data).toMatchObject({
      rowset: [],
      numberOfBinds: 2,
      arrayBindSupported: false,
    });
    await client.query('USE WAREHOUSE BATCH_WH', { describeOnly: true });
    expect((await client.query('SELECT 1')).body.data.finalWarehouseName).toBe('STANDARD_WH');
    expect(world.engine.executed).toEqual(['SELECT 1']);
  });

  test('LAST_QUERY_ID and RESULT_SCAN lead to earlier results of the user', async () => {
    const first = (await client.query("SELECT 'kept'")).body.data.queryId as string;
    expect((await client.query('SELECT LAST_QUERY_ID()')).body.data.rowset).toEqual([[first]]);
    expect(
      (await client.query(`SELECT * FROM TABLE(RESULT_SCAN('${first}'))`)).body.data.rowset,
    ).toEqual([['kept']]);
    const other = new RawClient(world.port);
    await other.login('sales_analyst');
    expect((await other.query(`SELECT * FROM TABLE(RESULT_SCAN('${first}'))`)).body.code).toBe(
      '000709',
    );
  });

  test('without a warehouse scans and writes are refused before they run, constants are not', async () => {
    const none = new RawClient(world.port);
    await none.login('marketing_analyst', 'demo', '&warehouse=missing');
    expect((await none.query('SELECT 1')).body.success).toBe(true);
    expect((await none.query('INSERT INTO T VALUES (1)')).body.code).toBe('000606');
    expect((await none.run('SELECT * FROM BIG 1')).body.code).toBe('000606');
    expect(world.engine.executed).not.toContain('INSERT INTO T VALUES (1)');
  });

  test('gzip bodies are read by their first bytes, large replies are gzipped for those who accept', async () => {
    const raw = new Uint8Array(gzipSync(JSON.stringify({ sqlText: "SELECT 'zipped'" })));
    const reply = await client.send(
      'POST',
      `/queries/v1/query-request?requestId=${randomUUID()}`,
      undefined,
      { raw },
    );
    expect(reply.body.data.rowset).toEqual([['zipped']]);
    const response = await fetch(
      `http://127.0.0.1:${world.port}/queries/${String(reply.body.data.queryId)}/result`,
      {
        headers: { authorization: `Snowflake Token="${client.token}"`, 'accept-encoding': 'gzip' },
      },
    );
    expect(response.headers.get('content-encoding')).toBe('gzip');
    await response.arrayBuffer();
  });

  test('a gzip bomb is refused, and so is a body that is no JSON', async () => {
    const bomb = new Uint8Array(gzipSync(Buffer.alloc(110 * 1024 * 1024)));
    expect(
      (await client.send('POST', '/queries/v1/query-request?requestId=b', undefined, { raw: bomb }))
        .status,
    ).toBe(413);
    const broken = await client.send('POST', '/queries/v1/query-request?requestId=c', undefined, {
      raw: '{"sqlText":',
    });
    expect([broken.status, broken.body.code]).toEqual([400, '390400']);
    expect((await client.query('SELECT 1')).body.success).toBe(true);
  });

  test('unknown paths are 404 in JSON, empty bodies are fine where drivers send none', async () => {
    expect((await client.send('GET', '/api/v2/nothing')).status).toBe(404);
    expect((await client.send('POST', '/session/heartbeat')).body.success).toBe(true);
    expect(
      (await client.send('POST', '/telemetry/send', undefined, { token: '' })).body.success,
    ).toBe(true);
    expect((await client.send('POST', '/session/authenticator-request', {})).body.success).toBe(
      false,
    );
  });

  test('after logout the token is unknown and the foreground statement is cancelled', async () => {
    const running = client.query('SELECT * FROM BIG 600');
    const id = (await running).body.data.queryId as string;
    await client.send('POST', '/session?delete=true');
    expect((await client.query('SELECT 1')).body.code).toBe('390104');
    await client.login();
    expect((await client.result(id)).body.code).toBe('000604');
  });

  test('a port in use is named, with the setting that changes it', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => blocker.once('listening', resolve));
    const { port } = blocker.address() as AddressInfo;
    await expect(openWorld({ port })).rejects.toThrow(
      new RegExp(`${port}.*TOLLGATE_WAREHOUSE_PORT`),
    );
    await new Promise((resolve) => blocker.close(resolve));
  });

  test('faults on request: a status, half a document', async () => {
    world.warehouse.faults.malform({ count: 1 });
    await expect(client.query('SELECT 1')).rejects.toThrow();
    world.warehouse.faults.answerStatus(503, { path: '/queries', count: 1 });
    await expect(client.query('SELECT 1')).rejects.toThrow();
    expect((await client.query('SELECT 1')).body.success).toBe(true);
  });
});
