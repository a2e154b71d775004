/** What browsers report of the content policy: counted by directive, logged without what identifies, and bounded. */
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { addPolicyReports, readReports } from '../../admin/console/policy-reports.js';
import { FAILED_ATTEMPTS_MAX } from '../../admin/attempts.js';
import { problemHandler } from '../../admin/problems.js';
import { silentLog } from '../../base/log.js';

const FILES = new Set(['index-abc.js']);
const URL = '/console/policy-reports';
const MODERN = 'application/reports+json';

let app: FastifyInstance;
let counted: string[];
let unread: number;
let logged: string[];
let realMs: number;

beforeEach(async () => {
  [counted, unread, logged, realMs] = [[], 0, [], 0];
  app = fastify();
  app.setErrorHandler(problemHandler(silentLog));
  await addPolicyReports(app, {
    metrics: {
      reports: { inc: (labels) => counted.push(labels?.['directive'] ?? '') },
      unread: { inc: () => (unread += 1) },
    },
    log: { ...silentLog, warn: (...words: unknown[]) => logged.push(JSON.stringify(words)) },
    files: FILES,
    realNow: () => realMs,
  });
});
afterEach(() => app.close());

async function send(
  body: unknown,
  type = MODERN,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  const payload = typeof body === 'string' ? body : JSON.stringify(body);
  const reply = await app.inject({
    method: 'POST',
    url: URL,
    headers: { 'content-type': type, ...headers },
    payload,
  });
  return reply.statusCode;
}

const violation = (body: object): object => ({
  type: 'csp-violation',
  age: 1,
  url: 'https://tollgate.example.com/tickets/secret-ticket?x=1',
  user_agent: 'Browser of Ann',
  body: {
    documentURL: 'https://tollgate.example.com/tickets/secret-ticket',
    effectiveDirective: 'script-src-elem',
    blockedURL: 'https://evil.example/a.js?token=t0ken',
    sourceFile: 'https://tollgate.example.com/assets/index-abc.js?v=1',
    lineNumber: 7,
    sample: 'alert(1)',
    ...body,
  },
});

test('both forms are read: of a report counts what was blocked, and where in our own files', () => {
  expect(readReports([violation({}), violation({ blockedURL: 'inline' })], FILES)).toEqual([
    { directive: 'script-src-elem', blocked: 'address', file: 'index-abc.js', line: 7 },
    { directive: 'script-src-elem', blocked: 'inline', file: 'index-abc.js', line: 7 },
  ]);
  const older = {
    'document-uri': 'https://tollgate.example.com/',
    'violated-directive': "img-src 'self'",
    'blocked-uri': 'chrome-extension',
    'source-file': 'chrome-extension://abcdef/of-somebody.js',
    'line-number': 3,
  };
  expect(readReports({ 'csp-report': older }, FILES)).toEqual([
    { directive: 'img-src', blocked: 'extension', file: null, line: null },
  ]);
});

test.each([
  ['no report', {}],
  ['a text', 'inline'],
  ['nothing', null],
  ['a report of another kind', [{ type: 'deprecation', body: 'x' }]],
])('%s says nothing', (_what, body) => {
  expect(readReports(body, FILES)).toEqual([]);
});

test('a directive that nobody knows and fields of another type are "other" and "unknown"', () => {
  const odd = violation({ effectiveDirective: 'x'.repeat(50), blockedURL: 7, lineNumber: '7' });
  expect(readReports([odd], FILES)).toEqual([
    { directive: 'other', blocked: 'unknown', file: 'index-abc.js', line: null },
  ]);
});

test('it is counted and logged, without page, person, host, token or text', async () => {
  expect(await send([violation({})])).toBe(204);
  expect(await send({ 'csp-report': {} }, 'application/csp-report')).toBe(204);
  expect(counted).toEqual(['script-src-elem', 'other']);
  expect(logged).toHaveLength(2);
  expect(logged.join(' ')).not.toMatch(/secret-ticket|Ann|evil|t0ken|alert|tollgate\.example/);
});

test('what is too long, no JSON, of another type or from another site is refused', async () => {
  expect(await send([violation({ sample: 'x'.repeat(20_000) })])).toBe(413);
  expect(await send('{')).toBe(400);
  expect(await send({}, 'application/json')).toBe(415);
  expect(await send([violation({})], MODERN, { 'sec-fetch-site': 'cross-site' })).toBe(403);
  expect(counted).toEqual([]);
});

test('of one request twenty are read, and of all browsers sixty requests a minute', async () => {
  await send(Array.from({ length: 30 }, () => violation({})));
  expect(counted).toHaveLength(20);
  for (let count = 1; count < FAILED_ATTEMPTS_MAX; count += 1) await send([]);
  expect(await send([violation({})])).toBe(429);
  expect([counted.length, unread]).toEqual([20, 1]);
  realMs += 60_000;
  expect(await send([violation({})])).toBe(204);
});
