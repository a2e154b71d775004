/**
 * Bad input beside the load: bytes on sockets that no driver sends (docs/attacks.md, 1 to 21), and the largest honest
 * bodies. Child process; each `BadRequest` is answered with a `BadResult`.
 */
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';

export const BAD_GROUPS = [
  'nothing',
  'heads and paths (1–14)',
  'silent connections (15, 16)',
  'compressed bodies (17)',
  'large bodies (18)',
  'JSON (20, 21)',
  'logins of 250 KB',
  '60 MB of bind values',
] as const;
export type BadGroup = (typeof BAD_GROUPS)[number];

export interface BadRequest {
  readonly group: BadGroup;
  readonly port: number;
  readonly authorization: string;
  readonly seconds: number;
}

export interface BadResult {
  readonly sent: number;
  /** Answered with success, which only honest input may be. */
  readonly taken: number;
}

/** A connection is given up after this. */
const PATIENCE_MS = 2000;
const QUERY = '/queries/v1/query-request';
const BEAT = '/session/heartbeat';

type Make = (authorization: string) => readonly (string | Buffer)[];
interface Group {
  readonly perSecond: number;
  readonly cases: readonly Make[];
}

const raw =
  (lines: readonly string[], rest: string, target = BEAT, version = 'HTTP/1.1'): Make =>
  (authorization) => [
    `POST ${target} ${version}\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: ${authorization}\r\n${lines.join('\r\n')}\r\n\r\n${rest}`,
  ];

function post(target: string, body: string | Buffer, more = ''): Make {
  const bytes = Buffer.from(body);
  return (authorization) => [
    `POST ${target}?requestId=${randomUUID()} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: ${authorization}\r\n${more}Content-Length: ${bytes.length}\r\n\r\n`,
    bytes,
  ];
}

const FIVE = 'Content-Length: 5';
const CHUNKED = 'Transfer-Encoding: chunked';
const GZIP = 'Content-Encoding: gzip\r\n';
const LOGIN = '/session/v1/login-request';
const SELECT = '{"sqlText":"SELECT 1"}';
const named = (count: number): string =>
  Array.from({ length: count }, (_, at) => `"k${at}":1`).join(',');
const texts = (bytes: number): string => {
  const each = Array.from({ length: bytes / 16 }, (_, at) => `"value-${at % 1e6}"`);
  return each.join(',');
};

/** Made when they are asked for: the largest have 60 MB. */
const GROUPS: Readonly<Record<BadGroup, () => Group>> = {
  nothing: () => ({ perSecond: 0, cases: [] }),
  'heads and paths (1–14)': () => ({
    perSecond: 200,
    cases: [
      raw([FIVE, CHUNKED], '5\r\nhello\r\n0\r\n\r\n'),
      raw([FIVE, 'Content-Length: 6'], 'hello!'),
      raw(['Transfer-Encoding: xchunked'], 'hello'),
      raw(['X-A: a\nX-B: b', FIVE], 'hello'),
      raw([CHUNKED], `1;a=${'b'.repeat(2000)}\r\n{\r\n0\r\n\r\n`),
      raw(
        Array.from({ length: 1500 }, () => 'a: b'),
        '',
      ),
      raw(
        Array.from({ length: 8000 }, () => 'abc: d'),
        '',
      ),
      raw([FIVE], 'hello', '/queries/%2e%2e/admin'),
      raw([FIVE], 'hello', BEAT, 'HTTP/1.2'),
      raw(['Upgrade: h2c', 'Connection: Upgrade', FIVE], 'hello'),
      () => ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ],
  }),
  'silent connections (15, 16)': () => ({
    perSecond: 200,
    cases: [() => [], () => ['POST '], raw(['Content-Length: 1000'], '{"a":')],
  }),
  'compressed bodies (17)': () => {
    const bomb = gzipSync(Buffer.alloc(101 * 1024 * 1024, 0x20));
    return {
      perSecond: 10,
      cases: [
        post(QUERY, bomb, GZIP),
        post(QUERY, gzipSync(gzipSync(SELECT)), GZIP),
        post(QUERY, gzipSync(SELECT).subarray(0, -6), GZIP),
        post(QUERY, SELECT, GZIP),
        post(LOGIN, bomb, GZIP),
      ],
    };
  },
  'large bodies (18)': () => ({
    perSecond: 2,
    cases: [
      raw(['Content-Length: 1073741824'], '{', QUERY),
      post(QUERY, `{"sqlText":"SELECT '${'x'.repeat(20_000_000)}'"}`),
      post(QUERY, `{"sqlText":"SELECT 1","parameters":{"A":"${'x'.repeat(20_000_000)}"}}`),
      post(BEAT, Buffer.alloc(5_000_000, 0x20)),
    ],
  }),
  'JSON (20, 21)': () => ({
    perSecond: 10,
    cases: [
      post(QUERY, `{"sqlText":"SELECT 1","x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`),
      post(QUERY, `{"sqlText":"SELECT 1",${named(60_000)}}`),
      post(QUERY, `{"sqlText":"SELECT 1","x":{${named(300_000)}},"x":1}`),
      post(QUERY, '{"sqlText":"SELECT 1","sqlText":"DROP TABLE A"}'),
      post(QUERY, `{"sqlText":"SELECT 1","x":[${texts(4_000_000)},]}`),
    ],
  }),
  'logins of 250 KB': () => ({
    perSecond: 10,
    cases: [post(LOGIN, `{"data":{"ACCOUNT_NAME":"nobody","x":[${texts(240_000)}]}}`)],
  }),
  '60 MB of bind values': () => ({
    perSecond: 0.5,
    cases: [
      post(
        QUERY,
        `{"sqlText":"SELECT ?","bindings":{"1":{"type":"TEXT","value":[${texts(60_000_000)}]}}}`,
      ),
    ],
  }),
};

/** Sends one case over a connection of its own; whether it was answered with success. */
function send(port: number, parts: readonly (string | Buffer)[]): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    const end = (): void => {
      clearTimeout(patience);
      socket.destroy();
      resolve(text.includes('"success":true'));
    };
    const patience = setTimeout(end, PATIENCE_MS);
    socket.on('error', () => undefined);
    socket.on('close', end);
    socket.on('data', (chunk: Buffer) => {
      text = (text + chunk.toString('latin1')).slice(-4096);
      if (text.endsWith('}')) end();
    });
    for (const part of parts) socket.write(part);
  });
}

const made = new Map<BadGroup, Group>();

async function run({ group, port, authorization, seconds }: BadRequest): Promise<BadResult> {
  const known = made.get(group) ?? GROUPS[group]();
  made.set(group, known);
  const { perSecond, cases } = known;
  const answers: Promise<boolean>[] = [];
  const startAt = performance.now();
  const count = Math.ceil(perSecond * seconds);
  for (let at = 0; at < count; at += 1) {
    const wait = startAt + (at / perSecond) * 1000 - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    const make = cases[at % cases.length];
    if (make !== undefined) answers.push(send(port, make(authorization)));
  }
  const taken = (await Promise.all(answers)).filter((isTaken) => isTaken).length;
  return { sent: count, taken };
}

process.on('message', (message: BadRequest) => {
  void run(message).then((result) => process.send?.(result));
});
