import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { columnType } from '#base/wire/row-type.js';
import { SqlApiClient } from '../support/sql-api.js';
import { keyPairClaims, publicText, signedToken } from './identity/signing.js';
import { administrator, rowsOf } from './support/administrator.js';
import type { RawClient } from './support/raw-client.js';
import { openWorld } from './support/world.js';
import type { World } from './support/world.js';

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
const HANDLE = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const SECOND = 1000;

describe('the SQL API', () => {
  let world: World;
  let admin: RawClient;
  let origin: string;
  let secret: string;
  let client: SqlApiClient;

  beforeAll(async () => {
    world = await openWorld();
    origin = `http://127.0.0.1:${world.port}`;
    admin = await administrator(world);
    await admin.run(
      `CREATE USER KEYS RSA_PUBLIC_KEY = '${publicText(pair)}' DEFAULT_ROLE = SALES_ROLE
        DEFAULT_WAREHOUSE = BATCH_WH DEFAULT_NAMESPACE = ANALYTICS.TPCH EMAIL = 'keys@x.invalid'`,
    );
    await admin.run('GRANT ROLE SALES_ROLE TO USER KEYS');
    await admin.run('GRANT ROLE RISK_ROLE TO USER KEYS');
    secret = await tokenOf('KEYS');
    client = new SqlApiClient(origin, secret, 'PROGRAMMATIC_ACCESS_TOKEN');
  });
  afterAll(() => world.end());
  beforeEach(() => {
    world.engine.executed.length = 0;
    world.engine.gate = undefined;
  });

  async function tokenOf(user: string): Promise<string> {
    const added = await admin.run(
      `ALTER USER ${user} ADD PROGRAMMATIC ACCESS TOKEN T DAYS_TO_EXPIRY = 1`,
    );
    return String(rowsOf(added)[0]?.['token_secret']);
  }

  /** Holds statements until the function it returns is called. */
  function hold(): () => void {
    let release: () => void = () => undefined;
    world.engine.gate = new Promise((resolve) => {
      release = resolve;
    });
    return release;
  }

  describe('knows its callers by', () => {
    test('a programmatic access token, with its type named or not', async () => {
      for (const type of ['PROGRAMMATIC_ACCESS_TOKEN', undefined]) {
        const reply = await new SqlApiClient(origin, secret, type).submit('SELECT CURRENT_USER()');
        expect([reply.status, reply.body.data]).toEqual([200, [['KEYS']]]);
      }
    });

    test('a key-pair token for all of its hour, not only for the minute in which it opens sessions', async () => {
      const now = Math.floor(Date.now() / SECOND);
      const token = (iat: number, exp: number): string =>
        signedToken(keyPairClaims('KEYS', pair, { iat, exp }), pair.privateKey);
      const asked = (text: string): Promise<{ status: number; body: { code: string } }> =>
        new SqlApiClient(origin, text, 'KEYPAIR_JWT').submit('SELECT CURRENT_ROLE()');
      expect(await asked(token(now - 1800, now + 1700))).toMatchObject({
        status: 200,
        body: { data: [['SALES_ROLE']] },
      });
      expect(await asked(token(now - 3600, now - 1))).toMatchObject({
        status: 401,
        body: { code: '390144' },
      });
    });

    test('a token of a trusted identity provider', async () => {
      const iss = 'https://identity.invalid/';
      await admin.run(
        `CREATE SECURITY INTEGRATION IDP TYPE = EXTERNAL_OAUTH ENABLED = TRUE EXTERNAL_OAUTH_TYPE = CUSTOM
          EXTERNAL_OAUTH_ISSUER = '${iss}' EXTERNAL_OAUTH_RSA_PUBLIC_KEY = '${publicText(pair)}'
          EXTERNAL_OAUTH_AUDIENCE_LIST = ('tollgate') EXTERNAL_OAUTH_TOKEN_USER_MAPPING_CLAIM = 'upn'
          EXTERNAL_OAUTH_SNOWFLAKE_USER_MAPPING_ATTRIBUTE = 'EMAIL_ADDRESS'`,
      );
      const exp = Math.floor(Date.now() / SECOND) + 60;
      const claims = {
        iss,
        aud: ['tollgate'],
        upn: 'keys@x.invalid',
        scp: 'session:role:SALES_ROLE',
        exp,
      };
      const bearer = new SqlApiClient(origin, signedToken(claims, pair.privateKey), 'OAUTH');
      expect((await bearer.submit('SELECT CURRENT_USER()')).body.data).toEqual([['KEYS']]);
      const other = await bearer.submit('SELECT 1', { role: 'RISK_ROLE' });
      expect([other.status, other.body.code]).toEqual([403, '390317']);
    });

    test.each([
      ['no token', { authorization: undefined }, '390101'],
      ['a wrong token', { authorization: 'Bearer tgpat_nothing' }, '394400'],
      ['a type that there is not', { 'x-snowflake-authorization-token-type': 'BASIC' }, '390142'],
      [
        'a token of another type',
        { 'x-snowflake-authorization-token-type': 'KEYPAIR_JWT' },
        '390144',
      ],
    ])('nothing else: %s is 401', async (_name, headers, code) => {
      const reply = await client.send('POST', '/api/v2/statements', {
        body: { statement: 'SELECT 1' },
        headers,
      });
      expect([reply.status, reply.body.code]).toEqual([401, code]);
      expect(world.engine.executed).toEqual([]);
    });
  });

  test('a statement answers columns, rows, its handle, and where its partitions are', async () => {
    const requestId = randomUUID();
    const reply = await client.submit("SELECT 'x'", {}, `requestId=${requestId}`);
    const { statementHandle: handle } = reply.body;
    expect(handle).toMatch(HANDLE);
    expect(reply.status).toBe(200);
    expect(reply.body).toMatchObject({
      resultSetMetaData: {
        numRows: 1,
        format: 'jsonv2',
        partitionInfo: [{ rowCount: 1, uncompressedSize: 7 }],
        rowType: [{ name: 'X', type: 'text', nullable: true, byteLength: 16_777_216 }],
      },
      data: [['x']],
      code: '090001',
      sqlState: '00000',
      message: 'Statement executed successfully.',
      statementStatusUrl: `/api/v2/statements/${handle}?requestId=${requestId}`,
      requestId,
    });
    expect(reply.headers['link']).toMatch(
      new RegExp(
        `^</api/v2/statements/${handle}\\?requestId=[0-9a-f-]{36}&partition=0>; rel="first",<.*partition=0>; rel="last"$`,
      ),
    );
    const again = await client.status(handle as string);
    expect([again.status, again.body.data, again.body.statementHandle]).toEqual([
      200,
      [['x']],
      handle,
    ]);
  });

  test('each request is a session of its own, in the role, warehouse, database and schema of its body', async () => {
    const place = {
      role: 'RISK_ROLE',
      warehouse: 'STANDARD_WH',
      database: 'ANALYTICS',
      schema: 'PUBLIC',
    };
    for (const [sql, value] of [
      ['SELECT CURRENT_ROLE()', 'RISK_ROLE'],
      ['SELECT CURRENT_WAREHOUSE()', 'STANDARD_WH'],
      ['SELECT CURRENT_SCHEMA()', 'PUBLIC'],
    ] as const)
      expect((await client.submit(sql, place)).body.data).toEqual([[value]]);
    expect((await client.submit('SELECT CURRENT_SCHEMA()')).body.data).toEqual([['TPCH']]);
    const sessions = await Promise.all(
      [1, 2].map(async () => (await client.submit('SELECT CURRENT_SESSION()')).body.data),
    );
    expect(sessions[0]).not.toEqual(sessions[1]);
    for (const [more, status, code] of [
      [{ warehouse: 'standard_wh' }, 422, '391920'],
      [{ database: 'NOPE' }, 422, '391918'],
      [{ schema: 'NOPE' }, 422, '391919'],
      [{ role: 'ACCOUNTADMIN' }, 403, '390189'],
    ] as const) {
      const refused = await client.submit('SELECT 1', more);
      expect([refused.status, refused.body.code]).toEqual([status, code]);
    }
  });

  test('binds, parameters and tags are those of the request; history and meter see it as any other', async () => {
    const bound = await client.submit('SELECT ?', {
      bindings: { 1: { type: 'FIXED', value: '123' } },
    });
    expect(bound.body.data).toEqual([['123']]);
    // A second and a half of ours: longer than the long poll, so that it is 202.
    const reply = await client.submit('SELECT * FROM BIG 300', {
      parameters: { query_tag: 'from the API' },
    });
    expect([reply.status, reply.body.code]).toEqual([202, '333334']);
    const handle = reply.body.statementHandle as string;
    expect((await client.ended(handle)).body.data).toEqual([['300']]);
    const [logged] = world.warehouse.queryHistory().filter(({ started }) => started.id === handle);
    expect(logged?.started).toMatchObject({
      tag: 'from the API',
      user: 'KEYS',
      role: 'SALES_ROLE',
    });
    expect(logged?.ended).toMatchObject({
      status: 'SUCCESS',
      warehouse: 'BATCH_WH',
      bytesScanned: 300e9,
    });
    const illegal = await client.submit('SELECT 1', { parameters: { timezone: 'Mars/Olympus' } });
    expect([illegal.status, illegal.body.code]).toEqual([422, '001008']);
  });

  test('values are the texts of jsonv2, and NULL is a text where nullable=false', async () => {
    world.engine.planted = {
      kind: 'rows',
      columns: [
        columnType('B', 'boolean'),
        columnType('T', 'timestamp_ntz'),
        columnType('N', 'fixed'),
      ],
      rows: [
        ['1', '1611871777.123456000', null],
        ['0', null, '5'],
      ],
      statementTypeId: 4096,
      scan: {
        bytesScanned: 0,
        partitionsScanned: 0,
        partitionsTotal: 0,
        rowsScanned: 0,
        bytesWritten: 0,
      },
    };
    expect((await client.submit('SELECT PLANTED')).body.data).toEqual([
      ['true', '1611871777.123456000', null],
      ['false', null, '5'],
    ]);
    const texts = await client.submit('SELECT PLANTED', {}, 'nullable=false');
    expect(texts.body.data).toEqual([
      ['true', '1611871777.123456000', 'null'],
      ['false', 'null', '5'],
    ]);
    expect((await client.status(texts.body.statementHandle as string)).body.data[1][1]).toBe(
      'null',
    );
  });

  test('partitions after the first are gzip of bare rows', async () => {
    const texts = ['["1","a"],["0",null]', '["1","c"]'];
    const pages = await Promise.all(
      texts.map(async (text, index) => {
        const path = join(world.dataDir, `page-${index}.gz`);
        const bytes = gzipSync(text);
        await writeFile(path, bytes);
        const rowCount = index === 0 ? 2 : 1;
        return { path, rowCount, uncompressedBytes: text.length, compressedBytes: bytes.length };
      }),
    );
    world.engine.planted = {
      kind: 'rows',
      columns: [columnType('B', 'boolean'), columnType('T', 'text')],
      rows: [['0', 'first']],
      stored: { id: 'kept', rowCount: 3, pages },
      statementTypeId: 4096,
      scan: {
        bytesScanned: 0,
        partitionsScanned: 0,
        partitionsTotal: 0,
        rowsScanned: 0,
        bytesWritten: 0,
      },
    };
    const first = await client.submit('SELECT PLANTED');
    const handle = first.body.statementHandle as string;
    expect(first.body.resultSetMetaData).toMatchObject({
      numRows: 4,
      partitionInfo: [
        { rowCount: 1 },
        { rowCount: 2, uncompressedSize: 20, compressedSize: pages[0]?.compressedBytes },
        { rowCount: 1 },
      ],
    });
    const second = await client.status(handle, 'partition=1');
    expect(second.headers['content-encoding']).toBe('gzip');
    expect(second.body).toEqual({
      data: [
        ['true', 'a'],
        ['false', null],
      ],
    });
    const relations = [...String(second.headers['link']).matchAll(/partition=(\d)>; rel="(\w+)"/g)];
    expect(relations.map(([, to, rel]) => `${rel} ${to}`)).toEqual([
      'first 0',
      'prev 0',
      'next 2',
      'last 2',
    ]);
    expect((await client.status(handle, 'partition=2')).body).toEqual({ data: [['true', 'c']] });
    expect((await client.status(handle, 'partition=3')).status).toBe(422);
    expect((await client.status(handle, 'partition=x')).status).toBe(400);
  });

  test('several statements are one session and answer with the handles of their results', async () => {
    const reply = await client.submit(
      "USE WAREHOUSE STANDARD_WH; SET V = 'kept'; SELECT $V; SELECT CURRENT_WAREHOUSE()",
      { parameters: { MULTI_STATEMENT_COUNT: '4' } },
    );
    expect([reply.status, reply.body.data]).toEqual([
      200,
      [['Multiple statements executed successfully.']],
    ]);
    const handles = reply.body.statementHandles as string[];
    expect(handles).toHaveLength(4);
    expect((await client.status(handles[2] ?? '')).body.data).toEqual([['kept']]);
    expect((await client.status(handles[3] ?? '')).body.data).toEqual([['STANDARD_WH']]);
    const wrong = await client.submit('SELECT 1; SELECT 2', {
      parameters: { multi_statement_count: 3 },
    });
    expect([wrong.status, wrong.body.code]).toEqual([422, '000008']);
  });

  test.each([
    ['PUT file:///x @~', '000002'],
    ['USE WAREHOUSE STANDARD_WH', '000002'],
    ['ALTER SESSION SET TIMEZONE = UTC', '000002'],
    ['CREATE TEMPORARY TABLE T (A INT)', '000002'],
    ["SELECT 1; GET @~ 'file:///x'", '000002'],
    ['BROKEN', '001003'],
    ['SELECT 1; SELECT 2', '000008'],
  ])('%s is 422', async (sql, code) => {
    const reply = await client.submit(sql);
    expect([reply.status, reply.body.code, typeof reply.body.sqlState]).toEqual([
      422,
      code,
      'string',
    ]);
  });

  test('an asynchronous statement is answered at once, and 202 until it has ended', async () => {
    const release = hold();
    const reply = await client.submit('SELECT 7', {}, 'async=true');
    const handle = reply.body.statementHandle as string;
    expect([reply.status, reply.body.statementStatusUrl]).toEqual([
      202,
      `/api/v2/statements/${handle}`,
    ]);
    expect((await client.status(handle)).status).toBe(202);
    release();
    expect((await client.ended(handle)).body.data).toEqual([['7']]);
  });

  test('a request id marked retry=true runs nothing twice and gives the answer of its first execution', async () => {
    const query = `requestId=${randomUUID()}&retry=true`;
    const release = hold();
    const first = client.submit('SELECT 5', {}, query);
    while (world.engine.executed.length === 0) await new Promise(setImmediate);
    const handle = (await client.submit('SELECT 5', {}, `${query}&async=true`)).body
      .statementHandle;
    release();
    const replies = await Promise.all([first, client.submit('SELECT 5', {}, query)]);
    for (const { body } of replies)
      expect([body.statementHandle, body.data]).toEqual([handle, [['5']]]);
    expect(world.engine.executed).toEqual(['SELECT 5']);
  });

  test('a cancel ends a statement, and the statement then tells that it was cancelled', async () => {
    const { body } = await client.submit('SELECT * FROM BIG 6000', {}, 'async=true');
    const handle = body.statementHandle as string;
    const cancelled = await client.cancel(handle);
    expect([cancelled.status, cancelled.body]).toEqual([
      200,
      {
        code: '000604',
        message: 'SQL execution canceled',
        sqlState: '57014',
        statementHandle: handle,
        statementStatusUrl: `/api/v2/statements/${handle}`,
      },
    ]);
    expect(await client.status(handle)).toMatchObject({ status: 422, body: { code: '000604' } });
    expect(await client.cancel(handle)).toMatchObject({ status: 422, body: { code: '000605' } });
  });

  test('a statement that reaches its timeout is 408; a timeout of 0 is the longest there is', async () => {
    const slow = await client.submit('SELECT * FROM BIG 6000', { timeout: 5 }, 'async=true');
    expect(await client.ended(slow.body.statementHandle as string)).toMatchObject({
      status: 408,
      body: { code: '000630', statementHandle: slow.body.statementHandle },
    });
    expect((await client.submit('SELECT 1', { timeout: 0 })).status).toBe(200);
  });

  test('an unknown handle, and another user’s, is 000709', async () => {
    const other = new SqlApiClient(origin, await tokenOf('SALES_ANALYST'));
    const mine = (await client.submit('SELECT 1')).body.statementHandle as string;
    for (const reply of [
      await client.status(randomUUID()),
      await client.cancel(randomUUID()),
      await other.status(mine),
      await other.cancel(mine),
    ])
      expect([reply.status, reply.body.code, reply.body.sqlState]).toEqual([
        422,
        '000709',
        '02000',
      ]);
  });

  test.each([
    ['no JSON', '{', 400, '390142'],
    ['no statement', {}, 400, '390142'],
    ['a timeout that is no number', { statement: 'SELECT 1', timeout: 'x' }, 400, '390142'],
    ['bindings that are no object', { statement: 'SELECT 1', bindings: [] }, 400, '390142'],
    ['a role that is no text', { statement: 'SELECT 1', role: 1 }, 400, '390142'],
  ])('a body with %s is refused', async (_name, body, status, code) => {
    const reply = await client.send('POST', '/api/v2/statements', { body });
    expect([reply.status, reply.body.code]).toEqual([status, code]);
  });

  test('what is no request of this API gets the status of HTTP that says so', async () => {
    const body = { statement: 'SELECT 1' };
    const path = '/api/v2/statements';
    for (const [reply, status] of [
      [await client.send('POST', `${path}?requestId=1`, { body }), 400],
      [await client.send('POST', `${path}?async=yes`, { body }), 400],
      [await client.send('POST', path, { body, headers: { 'user-agent': undefined } }), 400],
      [await client.send('GET', '/api/v2/nothing'), 404],
      [await client.send('GET', path), 405],
      [await client.send('PUT', `${path}/${randomUUID()}`, { body }), 405],
      [await client.send('POST', path, { body, headers: { accept: 'text/html' } }), 415],
      [await client.send('POST', path, { body, headers: { 'content-type': 'text/plain' } }), 415],
    ] as const)
      expect([reply.status, typeof reply.body.code, typeof reply.body.message]).toEqual([
        status,
        'string',
        'string',
      ]);
    expect(world.engine.executed).toEqual([]);
  });

  test('more statements at once than a user may run are 429', async () => {
    const release = hold();
    const replies = await Promise.all(
      Array.from({ length: 257 }, () => client.submit('SELECT 1', {}, 'async=true')),
    );
    expect(replies.filter(({ status }) => status === 202)).toHaveLength(256);
    expect(replies.filter(({ status }) => status === 429)[0]?.body.code).toBe('390505');
    release();
  });
});
