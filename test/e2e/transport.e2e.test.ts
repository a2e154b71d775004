/**
 * Bad input 1 to 23 of docs/attacks.md: bytes on a socket that no driver sends. Each case has its number in its name;
 * after each, the proxy serves, nothing has reached upstream or been charged, and no secret stands in the log.
 */
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { makeCertificate } from '../support/certificates.js';
import { attendedClock } from '../support/processor-time.js';
import { eventually } from './support/eventually.js';
import {
  answerAsSnowflake,
  OPENED,
  startGateway,
  type Exchange,
  type Gateway,
} from './support/gateway.js';

const LOGIN = '/session/v1/login-request?requestId=7c8a1f0e-2222-4333-8444-555566667777';
const QUERY = '/queries/v1/query-request?requestId=7c8a1f0e-2222-4333-8444-55556666777';
const BEAT = '/session/heartbeat';
const SECRETS = ['upstream-session-secret', 'upstream-master-secret', 'pw-secret-of-the-client'];
/** Long enough for a handshake on a busy machine. */
const SHORT_MS = 1500;

let gateway: Gateway;
let token: string;
let statements = 0;

beforeAll(async () => {
  gateway = await startGateway({
    bodyTimeoutMs: 500,
    plain: { headersTimeoutMs: SHORT_MS, unreadReplyMs: SHORT_MS, requestsPerConnectionMax: 50 },
    tls: {
      headersTimeoutMs: SHORT_MS,
      handshakeTimeoutMs: SHORT_MS,
      connectionsMax: 40,
      certificatePollMs: 20,
    },
  });
  const { text } = await gateway.exchange(
    post(
      LOGIN,
      '{"data":{"ACCOUNT_NAME":"DEMO","LOGIN_NAME":"sales_analyst","PASSWORD":"pw-secret-of-the-client"}}',
      '',
    ),
  );
  token = String((bodyOf(text)['data'] as Record<string, unknown>)['token']);
  expect(token).toMatch(/^tg1\./);
  gateway.seen.length = 0;
});

afterAll(() => gateway?.stop());

/** The proxy lives, and a statement still runs: the one thing that may have reached upstream. */
afterEach(async () => {
  gateway.answer = answerAsSnowflake;
  gateway.seen.length = 0;
  const { text } = await gateway.exchange(statement('SHOW WAREHOUSES'), {
    tls: statements % 2 === 0,
  });
  expect(text).toContain('"rowset":[["1"]]');
  expect(gateway.seen).toHaveLength(1);
  gateway.seen.length = 0;
  const { rows } = await gateway.database.db.query('SELECT ticket_id FROM charge');
  expect(rows).toEqual([]);
  for (const secret of [...SECRETS, token]) expect(gateway.logged()).not.toContain(secret);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

const AUTH = (): string => `Authorization: Snowflake Token="${token}"\r\n`;

/** A request with the headers that a driver sends, and more of them where given. */
function post(target: string, body: string | Buffer, more: string = AUTH()): Buffer {
  const bytes = Buffer.from(body);
  const head = `POST ${target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${more}Content-Length: ${bytes.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), bytes]);
}

function statement(sqlText: string): Buffer {
  statements += 1;
  return post(`${QUERY}${statements}`, JSON.stringify({ sqlText }));
}

/** A head of the given lines, and what follows it. */
function raw(lines: readonly string[], rest: string, target = BEAT): string {
  const own = ['Host: localhost', 'Content-Type: application/json', AUTH().trim()];
  const names = lines.map((line) => line.split(/[:\s]/)[0]?.toLowerCase());
  const kept = own.filter((line) => !names.includes(line.split(':')[0]?.toLowerCase()));
  return `POST ${target} HTTP/1.1\r\n${[...kept, ...lines].join('\r\n')}\r\n\r\n${rest}`;
}

function bodyOf(text: string): Record<string, unknown> {
  return JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)) as Record<string, unknown>;
}

/** HTTP 200 and our refusal shape, once, and nothing upstream. */
function expectRefused({ text }: Exchange, code: string, words: RegExp): void {
  expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  const body = bodyOf(text);
  expect(body).toMatchObject({ success: false, code: String(710_000 + Number(code.slice(2))) });
  expect(body['message']).toMatch(new RegExp(`^${code} `));
  expect(body['message']).toMatch(words);
  expect(gateway.seen).toEqual([]);
}

const NO_HTTP = /this is no request of HTTP/;
const AMBIGUOUS = /where the body of the request ends is ambiguous/;
const FIVE = 'Content-Length: 5';
const CHUNKED = 'Transfer-Encoding: chunked';
const tried = new Set<string>();
const HELLO = '5\r\nhello\r\n0\r\n\r\n';

describe('framing that two servers could read differently is refused, and ends its connection', () => {
  test.each<readonly [string, readonly string[], string, RegExp]>([
    ['1 length and chunks', [FIVE, CHUNKED], HELLO, NO_HTTP],
    ['1 chunks and length', [CHUNKED, FIVE], HELLO, NO_HTTP],
    ['2 two lengths', [FIVE, 'Content-Length: 6'], 'hello!', NO_HTTP],
    ['2 one length twice', [FIVE, FIVE], 'hello', NO_HTTP],
    ['2 +5', ['Content-Length: +5'], 'hello', NO_HTTP],
    ['2 0x5', ['Content-Length: 0x5'], 'hello', NO_HTTP],
    ['2 5, 5', ['Content-Length: 5, 5'], 'hello', NO_HTTP],
    ['2 -5', ['Content-Length: -5'], 'hello', NO_HTTP],
    ['2 empty', ['Content-Length:'], 'hello', NO_HTTP],
    ['2 beyond 64 bits', ['Content-Length: 99999999999999999999999'], 'hello', NO_HTTP],
    ['3 xchunked', ['Transfer-Encoding: xchunked'], HELLO, AMBIGUOUS],
    ['3 chunked twice', ['Transfer-Encoding: chunked, chunked'], HELLO, NO_HTTP],
    ['3 vertical tab', ['Transfer-Encoding: \u000bchunked'], HELLO, NO_HTTP],
    ['3 in quotes', ['Transfer-Encoding: "chunked"'], HELLO, AMBIGUOUS],
    ['3 gzip and chunked', ['Transfer-Encoding: gzip, chunked'], HELLO, AMBIGUOUS],
    ['3 identity and then chunked', ['Transfer-Encoding: identity', CHUNKED], HELLO, AMBIGUOUS],
    ['3 chunked and then identity', [CHUNKED, 'Transfer-Encoding: identity'], HELLO, NO_HTTP],
    ['4 NUL in a value', ['X-A: a\u0000b', FIVE], 'hello', NO_HTTP],
    ['4 NUL in a name', ['X\u0000: a', FIVE], 'hello', NO_HTTP],
    ['4 bare LF', ['X-A: a\nX-B: b', FIVE], 'hello', NO_HTTP],
    ['4 bare CR', ['X-A: a\rb', FIVE], 'hello', NO_HTTP],
    ['4 a folded line', ['X-A: a\r\n b', FIVE], 'hello', NO_HTTP],
    ['4 a folded length', ['Content-Length:\r\n 5'], 'hello', NO_HTTP],
    ['4 space before the colon', ['Content-Length : 5'], 'hello', NO_HTTP],
    ['4 an empty name', [': a', FIVE], 'hello', NO_HTTP],
    ['4 no colon', ['what', FIVE], 'hello', NO_HTTP],
    [
      '5 a chunk size beyond 64 bits',
      [CHUNKED],
      'fffffffffffffffff\r\nhello\r\n0\r\n\r\n',
      NO_HTTP,
    ],
    ['5 0x in a chunk size', [CHUNKED], '0x5\r\nhello\r\n0\r\n\r\n', NO_HTTP],
    ['5 bare LF after a chunk size', [CHUNKED], '5\nhello\r\n0\r\n\r\n', NO_HTTP],
    ['5 LF in an extension', [CHUNKED], '5;a="\n"\r\nhello\r\n0\r\n\r\n', NO_HTTP],
    [
      '5 an extension of 20 KB',
      [CHUNKED],
      `5;a=${'b'.repeat(20_000)}\r\nhello\r\n0\r\n\r\n`,
      NO_HTTP,
    ],
    ['5 a chunk longer than it says', [CHUNKED], '5\r\nhello!\r\n0\r\n\r\n', NO_HTTP],
  ])('%s', async (what, lines, rest, words) => {
    // The parser is the same over TLS; one case of each kind shows that it is behind it too.
    const isFirst = !tried.has(what.slice(0, 1));
    tried.add(what.slice(0, 1));
    for (const tls of isFirst ? [false, true] : [false]) {
      const came = await gateway.exchange(raw(lines, rest), { tls, untilClosed: true });
      expectRefused(came, 'TG1010', words);
    }
  });

  test('3 chunks of HTTP/1.0', async () => {
    const bytes = raw([CHUNKED], HELLO).replace('HTTP/1.1', 'HTTP/1.0');
    expectRefused(await gateway.exchange(bytes, { untilClosed: true }), 'TG1010', AMBIGUOUS);
  });

  test.each([
    ['5 an extension above 1 KB', `1;a=${'b'.repeat(2000)}\r\n{\r\n1\r\n}\r\n0\r\n\r\n`],
    ['5 small ones on many chunks', `${`1;${'b'.repeat(100)}\r\n \r\n`.repeat(100)}0\r\n\r\n`],
  ])('%s: cut off without an answer', async (_what, rest) => {
    for (const tls of [false, true]) {
      const came = await gateway.exchange(raw([CHUNKED], rest), { tls, untilClosed: true });
      expect(came).toEqual({ text: '', isClosed: true });
      expect(gateway.seen).toEqual([]);
    }
  });

  test('3 and 5: honest chunks, with tabs and trailing space around the word, are taken', async () => {
    const honest = `1;a=b\r\n{\r\n1\r\n}\r\n0\r\n\r\n`;
    const bytewise = `${'1\r\n \r\n'.repeat(500)}2\r\n{}\r\n0\r\n\r\n`;
    for (const rest of [honest, bytewise]) {
      for (const line of [CHUNKED, 'Transfer-Encoding:\tChUnKed ']) {
        for (const tls of [false, true]) {
          const { text } = await gateway.exchange(raw([line], rest), { tls });
          expect(text).toContain('"success":true');
        }
      }
    }
    expect(gateway.seen.map(({ headers }) => headers['transfer-encoding'])).not.toContain(
      'chunked',
    );
  });
});

describe('headers', () => {
  test('6 in a trailer are dropped, never merged', async () => {
    const trailers =
      'Authorization: Snowflake Token="x"\r\nX-Forwarded-For: 1.2.3.4\r\nX-Team: risk\r\n';
    const { text } = await gateway.exchange(raw([CHUNKED], `2\r\n{}\r\n0\r\n${trailers}\r\n`));
    expect(text).toContain('"success":true');
    expect(gateway.seen[0]?.headers).toMatchObject({
      authorization: 'Snowflake Token="upstream-session-secret"',
    });
    expect(JSON.stringify(gateway.seen[0]?.rawHeaders)).not.toMatch(/forwarded|team|trailer/i);
  });

  test('7 that Connection names are stripped, and ours are sent all the same', async () => {
    const named = 'Connection: authorization, host, content-type, content-encoding, x-our-tenant';
    const body = gzipSync('{}').toString('latin1');
    const lines = [
      named,
      'X-Our-Tenant: risk',
      'Content-Encoding: gzip',
      `Content-Length: ${body.length}`,
    ];
    const { text } = await gateway.exchange(Buffer.from(raw(lines, body), 'latin1'));
    expect(text).toContain('"success":true');
    expect(gateway.seen[0]?.headers).toMatchObject({
      host: new URL(gateway.upstream.origin).host,
      authorization: 'Snowflake Token="upstream-session-secret"',
      'content-encoding': 'gzip',
      'content-type': 'application/json',
    });
    expect(gateway.seen[0]?.headers).not.toHaveProperty('x-our-tenant');
  });

  test('8 called __proto__ and constructor harm nobody; thousands of them are refused', async () => {
    const odd = ['__proto__: polluted', 'constructor: polluted', 'Content-Length: 2'];
    expect((await gateway.exchange(raw(odd, '{}'))).text).toContain('"success":true');
    gateway.seen.length = 0;
    for (const count of [201, 1500, 6000]) {
      const many = [...Array.from({ length: count }, () => 'a: b'), 'Content-Length: 2'];
      expectRefused(
        await gateway.exchange(raw(many, '{}'), { untilClosed: true }),
        'TG1010',
        /more than 200 headers/,
      );
    }
    const flood = [...Array.from({ length: 20_000 }, () => 'abc: d'), 'Content-Length: 2'];
    expectRefused(
      await gateway.exchange(raw(flood, '{}'), { untilClosed: true }),
      'TG1011',
      /larger than 32768 bytes/,
    );
  });

  test('9 that pretend an address or a path stay here', async () => {
    const names = [
      'X-Forwarded-For',
      'X-Forwarded-Host',
      'X-Forwarded-Proto',
      'Forwarded',
      'X-Real-IP',
      'X_Forwarded_For',
      'x-envoy-original-path',
      'X-Original-URL',
      'X-Rewrite-URL',
      'X-HTTP-Method-Override',
    ];
    const lines = [
      ...names.map((name) => `${name}: /queries/v1/query-request`),
      'Content-Length: 2',
    ];
    expect((await gateway.exchange(raw(lines, '{}'))).text).toContain('"success":true');
    const crossed = Object.keys(gateway.seen[0]?.headers ?? {});
    for (const name of names) expect(crossed).not.toContain(name.toLowerCase());
  });

  test.each([
    'h/x',
    'h?x',
    'h#x',
    'user@h',
    'user:pw@h',
    'h:port',
    'h:123456',
    'h:',
    '',
    'a b',
    '[::1',
    '[::1]x',
    'h,i',
    'h\\x',
    'h%2e',
  ])('10 Host: %s is refused', async (host) => {
    expectRefused(
      await gateway.exchange(raw([`Host: ${host}`, 'Content-Length: 2'], '{}'), {
        untilClosed: true,
      }),
      'TG1010',
      /the header Host must be a name or an address/,
    );
  });

  test('10 two Hosts, none, two credentials, another server in the target, a fragment are refused', async () => {
    const two = `Host: localhost\r\nHost: other`;
    for (const [bytes, words] of [
      [raw([two, 'Content-Length: 2'], '{}'), /header host stands twice/],
      [raw(['Content-Length: 2'], '{}').replace(/Host: .*\r\n/, ''), /header Host must be/],
      [
        raw([AUTH().trim(), AUTH().trim(), 'Content-Length: 2'], '{}'),
        /header authorization stands twice/,
      ],
      [raw(['Content-Length: 2'], '{}', `http://other${BEAT}`), /must be a path that begins with/],
      [raw(['Content-Length: 2'], '{}', `${BEAT}?a#b`), /must be a path that begins with/],
    ] as const) {
      expectRefused(await gateway.exchange(bytes, { untilClosed: true }), 'TG1010', words);
    }
  });

  test.each([
    ['none', ''],
    ['a tab in it', 'application/json\t; charset=utf-8'],
    ['an empty parameter', 'application/json;'],
    ['utf-7', 'application/json; charset=utf-7'],
    ['a form', 'multipart/form-data; boundary=x'],
    ['text', 'text/plain'],
    ['a list', 'application/json, text/plain'],
  ])('19 a body whose type is %s is refused', async (_what, type) => {
    const line = type === '' ? [] : [`Content-Type: ${type}`];
    const bytes = raw([...line, 'Content-Length: 2'], '{}');
    const sent = type === '' ? bytes.replace('Content-Type: application/json\r\n', '') : bytes;
    expectRefused(
      await gateway.exchange(sent, { untilClosed: true }),
      'TG1010',
      /Content-Type of the body must be application\/json, in UTF-8/,
    );
  });

  test('19 the spellings that drivers use are taken, and a request without a body needs none', async () => {
    for (const type of [
      'application/json',
      'application/json; charset=utf-8',
      'Application/JSON;charset="UTF-8"',
    ])
      expect(
        (await gateway.exchange(raw([`Content-Type: ${type}`, 'Content-Length: 2'], '{}'))).text,
      ).toContain('"success":true');
    const bare = raw(['Content-Length: 0'], '').replace('Content-Type: application/json\r\n', '');
    expect((await gateway.exchange(bare)).text).toContain('"success":true');
  });
});

describe('what is asked for', () => {
  test.each([
    '/queries/../admin',
    '/queries/%2e%2e/admin',
    '//session/heartbeat',
    '/session/heartbeat;x=1',
    '/session/heartbeat%00',
    '/session/%c0%afheartbeat',
    '/session/heartbeat/',
    '/SESSION/heartbeat',
    '/session\\heartbeat',
    '/session/./heartbeat',
  ])('11 %s is matched as it stands, and refused', async (path) => {
    expectRefused(
      await gateway.exchange(raw(['Content-Length: 2'], '{}', path)),
      'TG1013',
      /exact paths/,
    );
  });

  test('12 endpoints and methods that are not on the list are refused and counted', async () => {
    const count = async (): Promise<number> => {
      const { body } = await gateway.metrics.render();
      const line = body
        .split('\n')
        .find((each) => each.startsWith('tollgate_refusals_total{code="TG1013"'));
      return Number(line?.split(' ').at(-1) ?? 0);
    };
    const before = await count();
    const asked = [
      'GET /',
      'GET /metrics',
      'DELETE /session',
      'PUT /session/heartbeat',
      'GET /session/v1/login-request',
      'OPTIONS /session',
      'HEAD /session',
      'TRACE /session',
      'POST /queries/v2/query-request',
    ];
    for (const line of asked.filter((each) => !each.startsWith('HEAD')))
      expectRefused(
        await gateway.exchange(`${line} HTTP/1.1\r\nHost: h\r\n\r\n`, { tls: true }),
        'TG1013',
        /not a request that Tollgate passes on/,
      );
    expect(await count()).toBe(before + asked.length - 1);
    for (const version of ['HTTP/0.9', 'HTTP/1.2', 'HTTP/2.0', 'HTTP/3.0', 'http/1.1', '']) {
      const came = await gateway.exchange(`GET ${BEAT} ${version}\r\nHost: h\r\n\r\n`, {
        untilClosed: true,
      });
      expectRefused(came, 'TG1010', NO_HTTP);
    }
  });

  test('13 another protocol is refused: HTTP/2 by preface or upgrade, WebSocket, CONNECT', async () => {
    const preface = await gateway.exchange('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', {
      untilClosed: true,
    });
    expectRefused(preface, 'TG1010', NO_HTTP);
    for (const upgrade of ['h2c', 'websocket', 'h2c, TLS/1.2', 'TLS/1.4']) {
      const lines = [
        'Connection: Upgrade, HTTP2-Settings',
        `Upgrade: ${upgrade}`,
        'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
        'Content-Length: 2',
      ];
      expectRefused(
        await gateway.exchange(raw(lines, '{}'), { untilClosed: true }),
        'TG1010',
        /another protocol \(Upgrade\)/,
      );
    }
    const connect = await gateway.exchange(
      'CONNECT localhost:443 HTTP/1.1\r\nHost: localhost\r\n\r\n',
      { untilClosed: true },
    );
    expect(connect).toEqual({ text: '', isClosed: true });
  });

  test('13 TLS by upgrade is ignored, as Apache’s client expects', async () => {
    const lines = ['Connection: Upgrade', 'Upgrade: TLS/1.2', 'Content-Length: 2'];
    expect((await gateway.exchange(raw(lines, '{}'))).text).toContain('"success":true');
    expect(gateway.seen[0]?.headers).not.toHaveProperty('upgrade');
  });

  test('14 of two pipelined requests the first is answered, the malformed second ends the connection', async () => {
    for (const tls of [false, true]) {
      const first = raw(['Content-Length: 2'], '{}');
      const { text, isClosed } = await gateway.exchange(`${first}GARBAGE\r\n\r\n`, {
        tls,
        untilClosed: true,
      });
      expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
      expect(text).toContain('"success":true');
      expect(isClosed).toBe(true);
      expect(gateway.seen).toHaveLength(1);
      gateway.seen.length = 0;
    }
  });
});

/** Settles when the proxy has ended the connection; what it had said. */
async function ended(socket: Socket): Promise<string> {
  let text = '';
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  if (!socket.destroyed) await once(socket, 'close');
  return text;
}

describe('clients that hold a connection', () => {
  /** Bytes that come and then nothing; what the proxy says before it ends the connection. */
  const silentAfter = (port: number, bytes: string | Buffer): Promise<string> => {
    const socket = connectTcp(port, '127.0.0.1');
    if (bytes.length > 0) socket.write(bytes);
    return ended(socket);
  };

  test('15 and say nothing, or half of something, are cut off in time', async () => {
    const { plainPort, tlsPort } = gateway;
    const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
    const halfHead = 'POST /session/heartbeat HTTP/1.1\r\nHost: h\r\nX-Slow: ';
    const halfBody = (target: string): string => raw(['Content-Length: 1000'], '{"a":', target);
    const [silent, head, ...bodies] = await Promise.all([
      silentAfter(plainPort, ''),
      silentAfter(plainPort, halfHead),
      ...[BEAT, LOGIN, `${QUERY}0`].map((target) => silentAfter(plainPort, halfBody(target))),
    ]);
    expect(silent).toBe('');
    expect(head).toMatch(
      /TG1010 Not run: the headers of the request did not arrive within 1500 ms/,
    );
    for (const text of bodies) expect(text).toMatch(/TG101[01] .*did not arrive/);
    // Over TLS: no handshake, half of one, Postgres' own question.
    const odd = ['', Buffer.from([22, 3, 1, 2]), sslRequest];
    for (const text of await Promise.all(odd.map((bytes) => silentAfter(tlsPort, bytes))))
      expect(text).not.toContain('HTTP');
    expect(gateway.seen).toEqual([]);
    expectRefused(await gateway.exchange(sslRequest, { untilClosed: true }), 'TG1010', NO_HTTP);
  });

  test('15 and speak plain HTTP where TLS is spoken are told so at once', async () => {
    for (const bytes of [post(LOGIN, '{"data":{}}'), 'GET / HTTP/1.1\r\nHost: h\r\n\r\n']) {
      const text = await silentAfter(gateway.tlsPort, bytes);
      expectRefused({ text, isClosed: true }, 'TG1010', /this port speaks TLS.*protocol to https/);
    }
  });

  test('15 and do not read what they asked for are cut off', async () => {
    const large = JSON.stringify({ data: 'x'.repeat(60_000), success: true });
    gateway.answer = (_seen, response) => void response.end(large);
    const socket = connectTcp(gateway.plainPort, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.pause();
    for (let count = 0; count < 40; count += 1) socket.write(raw(['Content-Length: 2'], '{}'));
    const deadline = performance.now() + 5000;
    // A paused socket does not see its end: whether it may still write tells.
    while (socket.writable && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      socket.write('x');
    }
    expect(socket.writable).toBe(false);
    socket.destroy();
  });

  test('16 above the cap are closed unread and counted, and room is made again', async () => {
    const open: Socket[] = [];
    for (let count = 0; count < 90; count += 1) {
      const socket = connectTcp(gateway.tlsPort, '127.0.0.1');
      socket.on('error', () => undefined);
      open.push(socket);
    }
    await Promise.all(open.map((socket) => ended(socket)));
    const { body } = await gateway.metrics.render();
    const refused = Number(/^tollgate_connections_refused_total (\d+)/m.exec(body)?.[1]);
    expect(refused).toBeGreaterThanOrEqual(50);
    expect(gateway.logged()).toContain('TOLLGATE_CONNECTIONS_MAX');
  });

  test('16 and ask without end are told to connect again', async () => {
    const many = Buffer.concat(
      Array.from({ length: 50 }, () => Buffer.from(raw(['Content-Length: 2'], '{}'))),
    );
    const { text, isClosed } = await gateway.exchange(many, { untilClosed: true });
    expect(isClosed).toBe(true);
    expect(text.match(/"success":true/g)).toHaveLength(50);
    expect(text.match(/connection: close/gi)).toHaveLength(1);
    gateway.seen.length = 0;
    const flood = Buffer.concat(
      Array.from({ length: 49 }, () => Buffer.from(raw(['Content-Length: 0'], '', '/x'))),
    );
    expect(
      (await gateway.exchange(flood, { replies: 49 })).text.match(/TG1013/g)?.length,
    ).toBeGreaterThanOrEqual(49);
  });
});

const SELECT_ONE = '{"sqlText":"SELECT 1"}';
const DEEP = '['.repeat(100_000) + ']'.repeat(100_000);
const manyKeys = (count: number): string =>
  Array.from({ length: count }, (_, at) => `"k${at}":1`).join(',');

describe('bodies', () => {
  test.each<readonly [string, string, Buffer, string, RegExp]>([
    [
      '17 a bomb',
      'gzip',
      gzipSync(Buffer.alloc(8 * 1024 * 1024, 0x20)),
      'TG1011',
      /inflates to more than 4194304 bytes/,
    ],
    ['17 gzip in gzip', 'gzip', gzipSync(gzipSync(SELECT_ONE)), 'TG1010', /not UTF-8/],
    [
      '17 a chain',
      'gzip, gzip, br',
      brotliCompressSync(gzipSync(gzipSync(SELECT_ONE))),
      'TG1010',
      /"gzip, gzip, br" is not supported/,
    ],
    ['17 the wrong coding', 'deflate', gzipSync(SELECT_ONE), 'TG1010', /not valid deflate/],
    ['17 the wrong coding', 'gzip', deflateSync(SELECT_ONE), 'TG1010', /not valid gzip/],
    [
      '17 a coding of gzip that is none',
      'gzip',
      Buffer.from(SELECT_ONE),
      'TG1010',
      /not valid gzip/,
    ],
    ['17 truncated gzip', 'gzip', gzipSync(SELECT_ONE).subarray(0, -6), 'TG1010', /not valid gzip/],
    [
      '17 gzip with rubbish behind',
      'gzip',
      Buffer.concat([gzipSync(SELECT_ONE), Buffer.alloc(9, 7)]),
      'TG1010',
      /not valid gzip/,
    ],
    ['17 gzip that calls itself plain', 'identity', gzipSync(SELECT_ONE), 'TG1010', /not UTF-8/],
  ])('%s is refused', async (_what, coding, body, code, words) => {
    const more = `${AUTH()}Content-Encoding: ${coding}\r\n`;
    statements += 1;
    expectRefused(await gateway.exchange(post(`${QUERY}${statements}`, body, more)), code, words);
  });

  test('18 a gigabyte that is only declared is refused at once; one that is sent, at the cap', async () => {
    for (const target of [`${QUERY}0`, LOGIN, BEAT, '/session/token-request']) {
      const elapsedMs = attendedClock();
      const declared = raw(['Content-Length: 1073741824'], '{', target);
      expectRefused(await gateway.exchange(declared), 'TG1011', /larger than \d+ bytes/);
      expect(elapsedMs()).toBeLessThan(400);
    }
    const text = JSON.stringify({ sqlText: `SELECT 1 -- ${'x'.repeat(600_000)}` });
    expectRefused(
      await gateway.exchange(post(`${QUERY}0`, text)),
      'TG1011',
      /at most 524288 are taken/,
    );
    const chunk = `40000\r\n${' '.repeat(0x40000)}\r\n`;
    const sent = raw([CHUNKED], `${chunk.repeat(6)}0\r\n\r\n`, `${QUERY}0`);
    expectRefused(await gateway.exchange(sent), 'TG1011', /larger than 1048576 bytes/);
  });

  test.each<readonly [string, string | Buffer, RegExp]>([
    ['100,000 levels', `{"sqlText":"SELECT 1","x":${DEEP}}`, /nested deeper than 64/],
    ['100,000 levels of a list', DEEP, /a JSON object was expected/],
    ['60,000 names', `{"sqlText":"SELECT 1",${manyKeys(60_000)}}`, /more than 1000 members/],
    [
      '2,000 parameters',
      `{"sqlText":"SELECT 1","parameters":{${manyKeys(2_000)}}}`,
      /more than 1000 members/,
    ],
    [
      '60,000 parameters',
      `{"sqlText":"SELECT 1","parameters":{${manyKeys(60_000)}}}`,
      /"parameters" is larger than 262144 bytes/,
    ],
    ['sqlText twice', '{"sqlText":"SELECT 1","sqlText":"DROP TABLE A"}', /"sqlText" stands twice/],
    [
      'sqlText twice, once escaped',
      '{"sqlText":"SELECT 1","sql\\u0054ext":"DROP TABLE A"}',
      /"sqlText" stands twice/,
    ],
    ['half a character', '{"sqlText":"SELECT \'\\ud800\'"}', /half a surrogate pair/],
    [
      'a huge number',
      '{"sqlText":"SELECT 1","parameters":{"MULTI_STATEMENT_COUNT":1e999}}',
      /must be a whole number/,
    ],
    ['a byte order mark', `\ufeff${SELECT_ONE}`, /not JSON/],
    ['UTF-16', Buffer.from(SELECT_ONE, 'utf16le'), /"sqlText" must be a string|not JSON/],
    ['UTF-16 with a mark', Buffer.from(`\ufeff${SELECT_ONE}`, 'utf16le'), /not UTF-8/],
  ])('20 JSON of %s is refused', async (_what, body, words) => {
    statements += 1;
    expectRefused(await gateway.exchange(post(`${QUERY}${statements}`, body)), 'TG1010', words);
  });

  test('21 names of prototypes change nothing, in any body that is read', async () => {
    const odd = '"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}';
    const bodies = [
      [`${QUERY}9999`, `{"sqlText":"SELECT 1",${odd},"parameters":{${odd}}}`],
      [
        LOGIN,
        `{"data":{"ACCOUNT_NAME":"demo","LOGIN_NAME":"sales_analyst",${odd},"SESSION_PARAMETERS":{${odd}},"CLIENT_ENVIRONMENT":{${odd}}}}`,
      ],
      ['/session/token-request', `{"oldSessionToken":"x",${odd}}`],
      ['/queries/v1/abort-request', `{"requestId":"x",${odd}}`],
    ] as const;
    for (const [target, body] of bodies) {
      const { text } = await gateway.exchange(post(target, body));
      expect(bodyOf(text)).toHaveProperty('success');
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    }
  });
});

/** What a handshake came to: the protocol, or the error. */
async function handshake(options: ConnectionOptions): Promise<{
  readonly protocol: string | null;
  readonly alpn: unknown;
  readonly error: string | undefined;
}> {
  const socket: TLSSocket = connectTls({
    port: gateway.tlsPort,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ...options,
  });
  const error = await new Promise<string | undefined>((resolve) => {
    socket.once('secureConnect', () => resolve(undefined));
    socket.once('error', (cause: NodeJS.ErrnoException) => resolve(cause.code ?? cause.message));
    socket.once('close', () => resolve('closed'));
  });
  const outcome = { protocol: socket.getProtocol(), alpn: socket.alpnProtocol, error };
  socket.destroy();
  return outcome;
}

describe('handshakes', () => {
  test('22 with odd names get the one certificate, and harm nobody', async () => {
    for (const servername of [
      '',
      'x'.repeat(255),
      'a b',
      '../..',
      '__proto__',
      'ü.example',
      '*.example',
      'a\u007fb',
    ])
      expect(await handshake({ servername })).toMatchObject({ error: undefined });
    // An extension whose list is longer than itself, by hand: OpenSSL's client writes none.
    const hello = connectTcp(gateway.tlsPort, '127.0.0.1');
    hello.write(clientHello(Buffer.from([0, 0, 0, 4, 0xff, 0xff, 0, 0xff])));
    expect(await ended(hello)).not.toContain('HTTP');
  });

  test('22 with a certificate of the client nobody asked for are taken', async () => {
    const own = makeCertificate({ name: 'a client' });
    expect(await handshake({ cert: own.certPem, key: own.keyPem })).toMatchObject({
      error: undefined,
    });
  });

  test('23 of TLS 1.0 and 1.1, or with weak ciphers, are refused; 1.2 and 1.3 are taken', async () => {
    const old = 'DEFAULT@SECLEVEL=0';
    for (const version of ['TLSv1', 'TLSv1.1'] as const)
      expect(
        (await handshake({ minVersion: version, maxVersion: version, ciphers: old })).error,
      ).toBeDefined();
    for (const ciphers of [
      'AES128-SHA',
      'ECDHE-ECDSA-AES128-SHA',
      'ECDHE-ECDSA-AES256-SHA384',
      'AES256-GCM-SHA384',
      'NULL',
      'AECDH-AES128-SHA',
    ])
      expect(
        (
          await handshake({
            maxVersion: 'TLSv1.2',
            minVersion: 'TLSv1.2',
            ciphers: `${ciphers}@SECLEVEL=0`,
          })
        ).error,
        ciphers,
      ).toBeDefined();
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
      expect(await handshake({ minVersion: version, maxVersion: version })).toMatchObject({
        protocol: version,
      });
  });

  test('23 choose HTTP/1.1 by ALPN, and end where a client speaks HTTP/2 alone', async () => {
    expect(await handshake({ ALPNProtocols: ['h2', 'http/1.1'] })).toMatchObject({
      alpn: 'http/1.1',
      error: undefined,
    });
    expect((await handshake({ ALPNProtocols: ['h2'] })).error).toBeDefined();
    const { body } = await gateway.metrics.render();
    expect(body).toMatch(/^tollgate_tls_handshake_failures_total [1-9]/m);
  });
});

/** The fingerprint that a new connection is shown. */
async function shown(ca: string): Promise<string> {
  const socket = connectTls({ port: gateway.tlsPort, host: '127.0.0.1', ca });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

/** The real driver, in a process that trusts `ca`: statements one after the other, a new login every tenth. */
const DRIVER = `
  const { default: sdk } = await import('snowflake-sdk');
  sdk.configure({ logLevel: 'OFF', additionalLogToConsole: false, disableOCSPChecks: process.env.NO_OCSP === '1' });
  const connect = () => new Promise((resolve, reject) => {
    const connection = sdk.createConnection({ account: 'demo', username: 'sales_analyst', password: 'pw-secret-of-the-client', accessUrl: process.env.AT, sfRetryMaxLoginRetries: 1 });
    connection.connect((error) => (error ? reject(error) : resolve(connection)));
  });
  const run = (connection) => new Promise((resolve, reject) => {
    connection.execute({ sqlText: 'SHOW WAREHOUSES', complete: (error, _statement, rows) => (error ? reject(error) : resolve(rows)) });
  });
  let isOver = false;
  process.stdin.once('end', () => { isOver = true; }).resume();
  const told = { logins: 0, statements: 0, failures: [] };
  let connection;
  for (let at = 0; !isOver || at < 1; at += 1) {
    try {
      if (at % 10 === 0) { connection?.destroy(() => {}); connection = await connect(); told.logins += 1; }
      const rows = await run(connection);
      if (rows[0].ONE !== 1) throw new Error(JSON.stringify(rows));
      told.statements += 1;
      if (at === 0) process.stdout.write('ready ');
    } catch (error) { told.failures.push(String(error.message)); isOver = true; }
  }
  process.stdout.write(JSON.stringify(told));
  process.exit();
`;

test(
  'certificates change twenty times under the real driver: no request fails, new handshakes see the new one',
  { timeout: 90_000 },
  async () => {
    const authority = makeCertificate({ name: 'an authority' });
    const caFile = `${gateway.files.certFile}.ca`;
    await writeFile(caFile, authority.certPem);
    await gateway.present(makeCertificate({ issuer: authority }));
    await eventually(async () => void (await shown(authority.certPem)));
    const old = connectTls({ port: gateway.tlsPort, host: '127.0.0.1', ca: authority.certPem });
    await once(old, 'secureConnect');
    const beat = async (): Promise<void> => {
      old.write(raw(['Content-Length: 2'], '{}'));
      expect(String((await once(old, 'data'))[0])).toContain('"success":true');
    };
    await beat();
    // The driver's sessions are its own, and end with it.
    let sessions = 0;
    gateway.answer = (one, response) => {
      if (!one.line.includes('login-request')) return answerAsSnowflake(one, response);
      sessions += 1;
      response.setHeader('content-type', 'application/json');
      response.end(OPENED.replace('9007199254740993', String(sessions)));
    };
    const driver = spawn(process.execPath, ['--input-type=module', '-e', DRIVER], {
      env: {
        ...process.env,
        NODE_EXTRA_CA_CERTS: caFile,
        AT: `https://127.0.0.1:${gateway.tlsPort}`,
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let told = '';
    driver.stdout.on('data', (chunk: Buffer) => (told += chunk.toString()));
    // A process of its own, which loads the driver first.
    await eventually(() => expect(told).toContain('ready'), { withinMs: 40_000 });
    for (let time = 0; time < 20; time += 1) {
      const next = makeCertificate({ name: `number ${time}`, issuer: authority });
      await gateway.present(next);
      const { fingerprint256 } = new X509Certificate(next.certPem);
      await eventually(async () => expect(await shown(authority.certPem)).toBe(fingerprint256));
      // Under the certificate it was opened with, and still there.
      await beat();
    }
    driver.stdin.end();
    await once(driver, 'exit');
    old.destroy();
    const {
      logins,
      statements: ran,
      failures,
    } = JSON.parse(told.replace('ready ', '')) as Record<string, unknown>;
    expect(failures).toEqual([]);
    expect(Number(logins)).toBeGreaterThan(1);
    expect(Number(ran)).toBeGreaterThan(10);
    const { body } = await gateway.metrics.render();
    expect(body).toMatch(/^tollgate_tls_reloads_total\{outcome="taken"\} 21$/m);
  },
);

/** A ClientHello of TLS 1.2 with one extension. */
function clientHello(extension: Buffer): Buffer {
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32, 1),
    Buffer.from([0, 0, 2, 0xc0, 0x2b, 1, 0, 0, extension.length]),
    extension,
  ]);
  const message = Buffer.concat([Buffer.from([1, 0, 0, body.length]), body]);
  return Buffer.concat([Buffer.from([22, 3, 1, 0, message.length]), message]);
}
