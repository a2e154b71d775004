import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp, createServer, type AddressInfo, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { systemIds } from '../../base/ids.js';
import { silentLog } from '../../base/log.js';
import { createMetrics } from '../../base/metrics.js';
import { connectService } from '../../base/snowflake/service-connection.js';
import { systemClock } from '../../base/time.js';
import { TokenSealer } from '../../proxy/identity/tokens.js';
import { startProxy, type Proxy } from '../../proxy/start-proxy.js';
import { expectInvariants, expectNoOpenHolds } from '../support/database.js';
import { RawClient, type Reply } from '../warehouse/support/raw-client.js';
import { eventually } from './support/eventually.js';
import { connectNode } from './support/node-driver.js';
import { startSystem, type System } from './support/system.js';

const QUERY = '/queries/v1/query-request';
const BODY_TIMEOUT_MS = 2000;
const HELD = 'SELECT COUNT(*) FROM NATION WHERE N_REGIONKEY >= 0';

let system: System;
let proxy: Proxy;
let cable: Cable;
let client: RawClient;

/** The line between proxy and warehouse, which a test can cut. */
interface Cable {
  readonly origin: string;
  cut(): Promise<void>;
  join(): Promise<void>;
}

async function startCable(port: number): Promise<Cable> {
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connectTcp(port, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  const listen = async (at: number): Promise<void> => {
    server.listen(at, '127.0.0.1');
    await once(server, 'listening');
  };
  await listen(0);
  const own = (server.address() as AddressInfo).port;
  return {
    origin: `http://127.0.0.1:${own}`,
    async cut() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
    join: () => listen(own),
  };
}

beforeAll(async () => {
  system = await startSystem({ withProxy: false });
  cable = await startCable(system.warehouse.port);
  proxy = await startProxy({
    log: silentLog,
    clock: systemClock,
    ids: systemIds(),
    metrics: createMetrics(),
    db: system.database.db,
    host: '127.0.0.1',
    port: 0,
    dataDir: system.dataDir,
    replicaName: 'test',
    sealKeys: [{ id: 'test', key: Buffer.alloc(32, 7) }],
    accounts: [{ account: 'demo', origin: cable.origin }],
    connectService: (account) =>
      connectService({
        origin: system.warehouseUrl,
        account,
        application: 'Tollgate',
        ...system.service,
      }),
    trustedProxies: [],
    limits: {
      requestBytesMax: 32 * 1024 * 1024,
      inflatedBytesMax: 64 * 1024 * 1024,
      statementBytesMax: 1024 * 1024,
      bodyTimeoutMs: BODY_TIMEOUT_MS,
    },
    sessionsCachedMax: 100,
    upstreamConnectionsMax: 16,
    upstreamConnectTimeoutMs: 1_000,
    meterIntervalMs: 500,
    parserSpareCount: 0,
  });
  client = new RawClient(proxy.port);
  expect(
    (await client.login('marketing_analyst', 'demo', '&databaseName=ANALYTICS&schemaName=TPCH'))
      .body.success,
  ).toBe(true);
});

afterAll(async () => {
  await proxy?.stop(AbortSignal.timeout(5_000));
  await cable?.cut();
  await system?.stop();
});

afterEach(async () => {
  const reply = await client.run('SELECT 1 AS ONE');
  expect(reply.body).toMatchObject({ success: true, data: { rowset: [['1']] } });
  await eventually(() => expectNoOpenHolds(system.database.db));
  await expectInvariants(system.database.db);
});

/** HTTP 200, the code as drivers read it, and a text that begins with its label. */
function expectRefusal(reply: Reply, tg: number, text: RegExp): void {
  expect(reply.status).toBe(200);
  expect(reply.body).toMatchObject({ success: false, code: String(710_000 + tg) });
  expect(reply.body.message).toMatch(new RegExp(`^TG${tg} `));
  expect(reply.body.message).toMatch(text);
  expect(reply.body.data).toMatchObject({ tollgate: { code: `TG${tg}` } });
}

function raw(
  payload: string | Uint8Array,
  headers: Record<string, string> = {},
  target = `${QUERY}?requestId=${randomUUID()}`,
): Promise<Reply> {
  return client.send('POST', target, undefined, { raw: payload, headers });
}

function executions(sqlText: string): number {
  return system.warehouse.queryHistory().filter((each) => each.started.text === sqlText).length;
}

async function charges(shape: string): Promise<number> {
  const { rows } = await system.database.db.query<{ n: string }>(
    `SELECT count(*) AS n FROM charge JOIN ticket ON ticket.id = charge.ticket_id WHERE statement_shape LIKE $1`,
    [`%${shape}%`],
  );
  return Number(rows[0]?.n);
}

/** What reached upstream, but for what Tollgate itself asks there as its service user. */
function clientStatements(): readonly unknown[] {
  return system.warehouse.queryHistory().filter((each) => each.started.user !== 'TOLLGATE_SERVICE');
}

test('a wrong password is answered in the words of Snowflake, an unknown account in ours', async () => {
  const other = new RawClient(proxy.port);
  expect((await other.login('marketing_analyst', 'wrong')).body).toMatchObject({
    success: false,
    code: '390100',
  });
  const login = (data: unknown): Promise<Reply> =>
    other.send('POST', '/session/v1/login-request', undefined, {
      raw: typeof data === 'string' ? data : JSON.stringify({ data }),
    });
  expectRefusal(await login({ ACCOUNT_NAME: 'elsewhere' }), 1004, /"elsewhere".*account setting/);
  expectRefusal(await login('{"data":'), 1010, /not JSON.*one JSON object/);
  expectRefusal(await login('{"data":[]}'), 1010, /in "data": a JSON object was expected/);
});

test('a login that names two users is refused, whatever upstream would make of it', async () => {
  const name = (user: string): string => `"LOGIN_NAME":"${user}"`;
  const data = `${name('marketing_analyst')},"PASSWORD":"demo","ACCOUNT_NAME":"DEMO"`;
  const login = (payload: string): Promise<Reply> =>
    client.send('POST', '/session/v1/login-request', undefined, { raw: payload, token: '' });
  expectRefusal(
    await login(`{"data":{${data},${name('sales_analyst')}}}`),
    1010,
    /"LOGIN_NAME" stands twice/,
  );
  expectRefusal(
    await login(`{"data":{${data}},"data":{${name('sales_analyst')}}}`),
    1010,
    /"data" stands twice/,
  );
});

test('an expired token is renewed by the real driver: one execution, one charge', async () => {
  const driver = await connectNode(`http://127.0.0.1:${proxy.port}`);
  const statement = 'SELECT COUNT(*) AS N FROM REGION WHERE R_REGIONKEY >= 0';
  system.warehouse.faults.expireTokens();
  expect(await driver.rows(statement)).toEqual([{ N: 5 }]);
  expect(executions(statement)).toBe(1);
  await driver.close();
  // The raw session renews as drivers do.
  const renewed = await client.send(
    'POST',
    `/session/token-request?requestId=${randomUUID()}`,
    { oldSessionToken: client.token, requestType: 'RENEW' },
    { token: client.masterToken },
  );
  expect(renewed.body.success).toBe(true);
  client.token = renewed.body.data.sessionToken as string;
  client.masterToken = renewed.body.data.masterToken as string;
  await eventually(async () => expect(await charges('FROM REGION WHERE R_REGIONKEY')).toBe(1));
});

test('a forged token, one of another deployment, a master token and none are all refused alike', async () => {
  const alien = new TokenSealer({
    keys: [{ id: 'test', key: Buffer.alloc(32, 8) }],
    randomBytes: (size) => Buffer.alloc(size, 1),
    cachedMax: 1,
    audience: 'elsewhere',
    now: Date.now,
  });
  const foreign = alien.seal({
    kind: 'session',
    account: 'demo',
    sessionId: '1',
    snowflakeUser: 'SALES_ANALYST',
    upstreamToken: 'x',
  });
  const before = clientStatements().length;
  for (const token of [
    'nonsense',
    foreign,
    `${client.token.slice(0, -2)}AA`,
    client.masterToken,
    '',
  ]) {
    const reply = await client.send(
      'POST',
      `${QUERY}?requestId=${randomUUID()}`,
      { sqlText: 'SELECT 1' },
      { token },
    );
    expectRefusal(reply, 1001, /not issued by this Tollgate.*Connect again/);
  }
  for (const [method, path] of [
    ['GET', `/queries/${randomUUID()}/result`],
    ['POST', '/session/heartbeat'],
    ['POST', '/queries/v1/abort-request'],
    ['POST', '/session/token-request'],
  ] as const) {
    const body = method === 'GET' ? undefined : {};
    expectRefusal(await client.send(method, path, body, { token: foreign }), 1001, /Connect again/);
  }
  expect(clientStatements()).toHaveLength(before);
});

test('a renewal that is no JSON is refused as what it is', async () => {
  for (const payload of ['{"oldSess', '{"oldSessionToken":}', '[]', '{"oldSessionToken":7}']) {
    const reply = await client.send('POST', '/session/token-request', undefined, {
      raw: payload,
      token: client.masterToken,
    });
    expectRefusal(reply, 1001, /Connect again/);
  }
});

test.each([
  ['broken JSON', '{"sqlText":"SELECT 1"', 1010, /not JSON.*one JSON object in UTF-8/],
  ['an empty body', '', 1010, /not JSON/],
  [
    'two sqlText',
    '{"sqlText":"SELECT 1","sqlText":"SELECT 2"}',
    1010,
    /"sqlText" stands twice.*each name once/,
  ],
  [
    'two parameters',
    '{"sqlText":"SELECT 1","parameters":{},"parameters":{}}',
    1010,
    /"parameters" stands twice/,
  ],
  [
    'two spellings of a parameter',
    '{"sqlText":"SELECT 1","parameters":{"query_tag":"a","QUERY_TAG":"b"}}',
    1010,
    /QUERY_TAG stands twice/,
  ],
  ['no sqlText', '{}', 1010, /"sqlText" must be a string/],
  ['an array', '[{"sqlText":"SELECT 1"}]', 1010, /a JSON object was expected/],
  [
    'a null among the bindings',
    '{"sqlText":"TOLLGATE","bindings":{"1":null},"sqlText":1}',
    1010,
    /stands twice/,
  ],
  ['bytes that are not UTF-8', Uint8Array.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 1010, /not UTF-8/],
  [
    '20 MB of SQL',
    JSON.stringify({ sqlText: `SELECT 1 -- ${'x'.repeat(20_000_000)}` }),
    1011,
    /20000012 bytes; at most 1048576.*PUT and COPY/,
  ],
  [
    '40 MB of body',
    Buffer.alloc(40_000_000, 0x20),
    1011,
    /larger than 33554432 bytes.*PUT and COPY/,
  ],
])('%s is refused with the rule and a way out', async (_what, payload, tg, text) => {
  expectRefusal(await raw(payload), tg, text);
});

test.each([
  ['no gzip', Buffer.from('{"sqlText":"SELECT 1"}'), 'gzip', 1010, /not valid gzip/],
  [
    'a bomb of 1 GB',
    Buffer.concat(Array.from({ length: 64 }, () => gzipSync(Buffer.alloc(16 * 1024 * 1024)))),
    'gzip',
    1011,
    /inflates to more than 67108864 bytes/,
  ],
  [
    'two codings',
    gzipSync(gzipSync('{"sqlText":"SELECT 1"}')),
    'gzip, gzip',
    1010,
    /"gzip, gzip" is not supported; send gzip or none/,
  ],
  ['an unknown coding', Buffer.from('{}'), 'zstd', 1010, /"zstd" is not supported/],
])('%s under a content coding is refused', async (_what, payload, coding, tg, text) => {
  expectRefusal(await raw(payload, { 'content-encoding': coding }), tg, text);
});

test('a request id that is missing, doubled or no id is refused', async () => {
  const body = '{"sqlText":"SELECT 1"}';
  for (const target of [
    QUERY,
    `${QUERY}?requestId=`,
    `${QUERY}?requestId=short`,
    `${QUERY}?requestId=${randomUUID()}&requestId=${randomUUID()}`,
    `${QUERY}?requestid=${randomUUID()}`,
  ]) {
    expectRefusal(await raw(body, {}, target), 1010, /exactly one requestId.*UUID/);
  }
});

test('a request id stands for one statement: a repeat gets the same answer, another text is refused', async () => {
  const requestId = randomUUID();
  const statement = 'SELECT COUNT(*) FROM REGION WHERE R_NAME IS NOT NULL';
  const [first, second] = await Promise.all([
    client.query(statement, {}, requestId),
    client.query(statement, {}, requestId),
  ]);
  expect(first.body.data.rowset).toEqual([['5']]);
  expect(second.body).toEqual(first.body);
  expect((await client.query(statement, { sequenceId: 9 }, requestId)).body).toEqual(first.body);
  expectRefusal(
    await client.query('SELECT 2', {}, requestId),
    1012,
    /stands for another statement.*fresh one/,
  );
  expect(executions(statement)).toBe(1);
  await eventually(async () => expect(await charges('R_NAME IS NOT')).toBe(1));
});

test('a path that only resembles an allowed one is refused, never normalised', async () => {
  const before = clientStatements().length;
  for (const path of [
    '//queries/v1/query-request',
    '/queries/v1/query-request/',
    '/queries%2Fv1/query-request',
    '/QUERIES/v1/query-request',
    '/queries/./v1/query-request',
    '/queries/v1/../v1/query-request',
    '/',
    '/x',
  ]) {
    const head = `POST ${path}?requestId=${randomUUID()} HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\nauthorization: Snowflake Token="${client.token}"\r\ncontent-length: 22\r\n\r\n`;
    const reply = await overTcp(`${head}{"sqlText":"SELECT 1"}`);
    expectRefusal(reply, 1013, /is not a request that Tollgate passes on.*exact paths/);
  }
  expect(clientStatements()).toHaveLength(before);
});

/** Sends bytes and reads the one reply to them. */
async function overTcp(bytes: string): Promise<Reply> {
  const socket = connectTcp(proxy.port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(bytes);
  let text = '';
  for await (const chunk of socket) {
    text += (chunk as Buffer).toString();
    const [head = '', body = ''] = text.split('\r\n\r\n');
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? '0');
    if (length > 0 && Buffer.byteLength(body) >= length) break;
  }
  socket.destroy();
  const [head = '', body = ''] = text.split('\r\n\r\n');
  return {
    status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1] ?? '0'),
    body: JSON.parse(body) as Reply['body'],
  };
}

test('a huge head and bytes that are no HTTP are answered too', async () => {
  const huge = `POST ${QUERY} HTTP/1.1\r\nhost: h\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`;
  expectRefusal(await overTcp(huge), 1011, /headers of the request are larger than 32768 bytes/);
  expectRefusal(await overTcp('NONSENSE\r\n\r\n'), 1010, /no request of HTTP/);
  expectRefusal(
    await overTcp(
      `POST ${QUERY} HTTP/1.1\r\nhost: h\r\nexpect: miracles\r\ncontent-length: 0\r\n\r\n`,
    ),
    1001,
    /Connect again/,
  );
});

test('half a body and then silence is answered after a while, and its connection closed', async () => {
  const head = `POST ${QUERY}?requestId=${randomUUID()} HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\nauthorization: Snowflake Token="${client.token}"\r\ncontent-length: 1000\r\n\r\n`;
  const socket = connectTcp(proxy.port, '127.0.0.1');
  socket.write(`${head}{"sqlText":`);
  const closed = once(socket, 'close');
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  expect(chunk.toString()).toMatch(
    /^HTTP\/1.1 200 [^]*TG1010 Not run: the body did not arrive within 2000 ms/,
  );
  socket.resume();
  await closed;
});

test('half a body and then a closed connection harms nobody', async () => {
  const head = `POST ${QUERY}?requestId=${randomUUID()} HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\nauthorization: Snowflake Token="${client.token}"\r\ncontent-length: 1000\r\n\r\n`;
  for (const bytes of ['POST', head.slice(0, 60), head, `${head}{"sqlText":`]) {
    const socket = connectTcp(proxy.port, '127.0.0.1');
    await once(socket, 'connect');
    await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
    socket.resetAndDestroy();
  }
});

test('upstream that is gone is told as TG5001 at once, and nothing stays held', async () => {
  await cable.cut();
  try {
    const reply = await client.query(HELD);
    expectRefusal(reply, 5001, /Not run, nothing charged: Snowflake could not be reached/);
    for (const path of ['/session/heartbeat', '/telemetry/send']) {
      expectRefusal(await client.send('POST', path, {}), 5001, /could not be reached.*again/);
    }
    expectRefusal(
      await client.send('GET', `/queries/${randomUUID()}/result`),
      5001,
      /could not be reached/,
    );
    expectRefusal(await new RawClient(proxy.port).login(), 5001, /could not be reached/);
    await eventually(() => expectNoOpenHolds(system.database.db));
  } finally {
    await cable.join();
  }
});

test.each([0, 1, 100])(
  'a reply that is reset after %i bytes is told, and evidence ends its hold',
  async (bytes) => {
    const statement = `${HELD} AND N_NATIONKEY <> ${bytes + 1000}`;
    system.warehouse.faults.reset(bytes, { path: QUERY, count: 1 });
    expectRefusal(
      await client.query(statement),
      5001,
      /broke after the statement was sent.*stays held until Snowflake tells/,
    );
    expect(executions(statement)).toBe(1);
  },
);

test('a repeat after a reset gets the answer of the one execution', async () => {
  const requestId = randomUUID();
  const statement = `${HELD} AND N_COMMENT IS NOT NULL`;
  system.warehouse.faults.reset(10, { path: QUERY, count: 1 });
  expectRefusal(await client.query(statement, {}, requestId), 5001, /Not answered/);
  const repeats = await Promise.all([
    client.query(statement, {}, requestId),
    client.query(statement, {}, requestId),
  ]);
  for (const reply of repeats) expect(reply.body.data.rowset).toEqual([['25']]);
  expect(executions(statement)).toBe(1);
  await eventually(async () => expect(await charges('N_COMMENT IS NOT')).toBe(1));
});

test('a garbled reply is told as TG5002, and evidence ends its hold', async () => {
  const statement = `${HELD} AND N_NAME <> 'garbled'`;
  system.warehouse.faults.malform({ path: QUERY, count: 1 });
  expectRefusal(await client.query(statement), 5002, /cut or garbled.*MY_QUERIES/);
  expect(executions(statement)).toBe(1);
});

test('a bad gateway passes as it is, because drivers repeat it, and evidence ends the hold', async () => {
  system.warehouse.faults.answerStatus(503, { path: QUERY, count: 1 });
  const driver = await connectNode(`http://127.0.0.1:${proxy.port}`);
  const statement = `${HELD} AND N_NAME <> 'gateway'`;
  expect(await driver.rows(statement)).toHaveLength(1);
  expect(executions(statement)).toBe(1);
  await driver.close();
});

test('odd characters in a statement reach upstream or are answered, and are recorded', async () => {
  for (const sqlText of [
    "SELECT 'a\u0000b'",
    'SELECT 1 \u0000',
    "SELECT '\ud800'",
    'SELECT "\u0000"',
    '\u0000',
    '\ud800',
    '',
  ]) {
    const reply = await client.query(sqlText, { parameters: { QUERY_TAG: 'x\u0000\ud800' } });
    expect(reply.status).toBe(200);
    expect(reply.body.message ?? '', JSON.stringify(sqlText)).not.toMatch(/TG5|TG25/);
  }
});
