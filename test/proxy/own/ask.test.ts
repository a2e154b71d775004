/** Statements of ours over real sockets, to an upstream of the test's own. */
import { afterAll, beforeEach, expect, test } from 'vitest';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { silentLog } from '#base/log.js';
import { driverFront } from '../../../proxy/driver-front.js';
import { askInSession } from '../../../proxy/own/ask.js';
import type { OwnAsker } from '../../../proxy/own/ask.js';
import type { Parts } from '../../../proxy/parts.js';
import { buildTicketId } from '../../support/builders.js';
import { engineFor, startStub } from '../upstream-stub.js';

interface Request {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

let seen: Request[] = [];
let answer: (request: Request, response: ServerResponse) => void;
let ended: (string | null)[] = [];

const stub = await startStub((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { url = '', headers } = request;
    const each = { path: url, headers, body: Buffer.concat(chunks).toString() };
    seen.push(each);
    answer(each, response);
  });
});
const engine = engineFor(stub.origin);
afterAll(async () => {
  await engine.stop(AbortSignal.abort());
  await stub.stop();
});
beforeEach(() => {
  seen = [];
  ended = [];
});

const asker = {
  call: { request: { headers: { 'user-agent': 'a driver', 'content-encoding': 'gzip' } } },
  identity: { account: 'demo', sessionId: '1', upstreamToken: 'token' },
  upstream: { engine, host: 'upstream:443' },
  front: driverFront,
  team: { id: 'marketing' },
} as unknown as OwnAsker;
const parts = {
  log: silentLog,
  ids: { ticket: () => buildTicketId() },
  ownStatements: {
    end: (_key: unknown, _requestId: string, queryId: string | null) => {
      ended.push(queryId);
      return Promise.resolve();
    },
  },
} as unknown as Parts;

const ask = (limitMs = 10_000, isRepeat = false): ReturnType<typeof askInSession> =>
  askInSession(parts, asker, { sqlText: 'SELECT 1', requestId: 'r1', limitMs, isRepeat });
const reply = (data: unknown, success = true, code: string | null = null): string =>
  JSON.stringify({ data, success, code, message: null });
const rows = reply({
  queryId: 'q1',
  rowset: [
    ['a', null],
    ['b', 'c'],
  ],
});

test('it is sent with the token and headers of the session, tagged as ours, and asks for JSON', async () => {
  answer = (_request, response) => response.end(rows);
  expect(await ask()).toEqual(['a', null]);
  expect(ended).toEqual(['q1']);
  const [request] = seen;
  expect(request?.path).toBe('/queries/v1/query-request?requestId=r1');
  expect(request?.headers).toMatchObject({
    authorization: 'Snowflake Token="token"',
    'user-agent': 'a driver',
  });
  expect(request?.headers).not.toHaveProperty('content-encoding');
  const { sqlText, parameters } = JSON.parse(request?.body ?? '') as Record<string, unknown>;
  expect(sqlText).toBe('SELECT 1');
  expect(parameters).toMatchObject({
    QUERY_TAG: '{"src":"tollgate","team":"marketing"}',
    PYTHON_CONNECTOR_QUERY_RESULT_FORMAT: 'JSON',
    MULTI_STATEMENT_COUNT: 1,
  });
});

test('a repeat is marked as one', async () => {
  answer = (_request, response) => response.end(rows);
  await ask(10_000, true);
  expect(seen[0]?.path).toContain('retryCount=1');
});

test('a compressed reply is read', async () => {
  answer = (_request, response) => {
    response.setHeader('content-encoding', 'gzip');
    response.end(gzipSync(rows));
  };
  expect(await ask()).toEqual(['a', null]);
});

test('a reply that is late is not waited for and cancelled, and its query id is kept when it comes', async () => {
  let release: (() => void) | undefined;
  answer = (request, response) => {
    if (request.path.includes('abort-request')) {
      response.end(reply(null));
      release?.();
    } else release = () => response.end(reply({ queryId: 'late' }, false, '000604'));
  };
  expect(await ask(20)).toBeNull();
  await expect.poll(() => ended).toEqual(['late']);
  expect(seen.map(({ path }) => path.split('?')[0])).toEqual([
    '/queries/v1/query-request',
    '/queries/v1/abort-request',
  ]);
  expect(seen[1]?.body).toBe('{"requestId":"r1"}');
});

test.each<[string, string, (string | null)[]]>([
  ['a failure', reply({ queryId: 'failed' }, false, '001003'), ['failed']],
  ['an expired token', reply(null, false, '390112'), [null]],
  ['one that runs on', reply({ queryId: 'runs' }, true, '333333'), ['runs']],
  ['no row', reply({ queryId: 'q1', rowset: [] }), ['q1']],
  ['Arrow', reply({ queryId: 'q1', rowsetBase64: 'AAAA' }), ['q1']],
  ['a cut reply, whose id is not known', rows.slice(0, 40), []],
  ['a page of a gateway', '<html>', []],
])('%s is no answer', async (_name, body, ids) => {
  answer = (_request, response) => response.end(body);
  expect(await ask()).toBeNull();
  expect(ended).toEqual(ids);
});

test('a connection that breaks off leaves the request as one that may have run', async () => {
  answer = (_request, response) => response.destroy();
  expect(await ask()).toBeNull();
  expect(ended).toEqual([]);
});

test('a request that never left this machine has become no query', async () => {
  const gone = engineFor('http://127.0.0.1:1');
  const upstream = { engine: gone, host: 'gone' };
  const lost = { ...asker, upstream } as unknown as OwnAsker;
  const question = { sqlText: 'SELECT 1', requestId: 'r1', limitMs: 10_000 };
  expect(await askInSession(parts, lost, question)).toBeNull();
  expect(ended).toEqual([null]);
  await gone.stop(AbortSignal.abort());
});

test('a reply above the cap is read for its id only', async () => {
  answer = (_request, response) =>
    response.end(reply({ queryId: 'large', rowset: [['x'.repeat(100_000)]] }));
  expect(await ask()).toBeNull();
  expect(ended).toEqual(['large']);
});
