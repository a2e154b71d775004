/** The console at the admin listener: its files and headers, and sign-ins by cookie. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConsoleFiles } from '../../admin/console/console-files.js';
import { ABSOLUTE_MS, IDLE_MS } from '../../admin/console/console-sign-ins.js';
import { createAdminApp } from '../../admin/server.js';
import { ENDS_READ_EVERY_MS } from '../../admin/stores/ended-sign-ins.js';
import { FAILED_ATTEMPTS_MAX } from '../../admin/attempts.js';
import { must } from '../../base/assert.js';
import { createMetrics } from '../../base/metrics.js';
import { type ManualClock, manualClock } from '../support/clock.js';
import { type AdminWorld, createAdminWorld, TOKEN } from './world.js';

const BY_USER = { 'x-tollgate-console': 'user' };
const PAGE = '<!doctype html><title>the console</title>';

let world: AdminWorld;
let app: FastifyInstance;
let secure: FastifyInstance;
/** Another replica. */
let other: FastifyInstance;
let clock: ManualClock;
let folder: string;

beforeAll(async () => {
  world = await createAdminWorld();
  folder = mkdtempSync(path.join(tmpdir(), 'tollgate-console-'));
  mkdirSync(path.join(folder, 'assets'));
  writeFileSync(path.join(folder, 'index.html'), PAGE);
  writeFileSync(path.join(folder, 'assets', 'index-abc.js'), 'let a = 1;');
  writeFileSync(path.join(folder, 'assets', 'notes.txt'), 'not served');
  clock = manualClock();
  const files = must(readConsoleFiles(folder), 'it was written above');
  const appWith = (isSecure: boolean): Promise<FastifyInstance> =>
    createAdminApp({
      ...world.options,
      metrics: createMetrics(),
      api: { ...world.options.api, console: { files, isSecure, clock } },
    });
  app = await appWith(false);
  secure = await appWith(true);
  other = await appWith(false);
});
afterAll(async () => {
  await app.close();
  await secure.close();
  await other.close();
  await world.close();
  rmSync(folder, { recursive: true, force: true });
});

type Headers = Readonly<Record<string, string>>;

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly bytes: Buffer;
}

async function send(
  method: 'GET' | 'POST' | 'DELETE',
  url: string,
  headers: Headers = {},
  body?: object,
  to: FastifyInstance = app,
): Promise<Reply> {
  const reply = await to.inject({
    method,
    url,
    headers,
    ...(body === undefined ? {} : { payload: body }),
  });
  return {
    status: reply.statusCode,
    headers: reply.headers,
    text: reply.body,
    bytes: reply.rawPayload,
  };
}

async function signedIn(token = TOKEN): Promise<string> {
  const reply = await send('POST', '/console/session', BY_USER, { token });
  expect(reply.status, reply.text).toBe(204);
  return cookieOf(reply);
}

const cookieOf = (reply: Reply): string => String(reply.headers['set-cookie']).split(';')[0] ?? '';

const meBy = (cookie: string, more: Headers = {}): Promise<Reply> =>
  send('GET', '/api/v1/me', { cookie, ...more });

test('a folder that was not built gives no console', () => {
  expect(readConsoleFiles(path.join(folder, 'assets'))).toBeNull();
});

test('every path of the console is its page, never kept, with a policy that allows nothing inline', async () => {
  for (const url of ['/', '/tickets/01a2', '/costs?month=2026-11']) {
    const reply = await send('GET', url, { accept: 'text/html' });
    expect(reply).toMatchObject({ status: 200, text: PAGE });
    expect(reply.headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    });
    const policy = String(reply.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
  }
});

test('browsers are asked for reports, by https in the newer form too', async () => {
  const [plain, over] = await Promise.all(
    [app, secure].map((to) => send('GET', '/costs', { accept: 'text/html' }, undefined, to)),
  );
  expect(plain?.headers['content-security-policy']).toMatch(
    /; report-uri \/console\/policy-reports$/,
  );
  expect(plain?.headers['reporting-endpoints']).toBeUndefined();
  expect(over?.headers['content-security-policy']).toMatch(/policy-reports; report-to console$/);
  expect(over?.headers['reporting-endpoints']).toBe('console="/console/policy-reports"');
});

test('what is no page stays what it is: problems of the API, metrics, health, the list of listeners', async () => {
  const html = { accept: 'text/html' };
  expect((await send('GET', '/api/v1/nothing', html)).status).toBe(404);
  expect((await send('GET', '/api', html)).status).toBe(404);
  expect((await send('GET', '/assets/nothing.js', html)).status).toBe(404);
  expect((await send('GET', '/tickets/1', { accept: 'application/json' })).status).toBe(404);
  expect((await send('POST', '/tickets/1', html)).status).toBe(404);
  expect((await send('GET', '/livez', html)).text).toBe('{"status":"live"}');
  expect((await send('GET', '/listeners', html)).text).toContain('http://127.0.0.1:8080');
});

test('files with a hash in their name are kept for ever, packed for who takes that', async () => {
  const plain = await send('GET', '/assets/index-abc.js');
  expect(plain).toMatchObject({ status: 200, text: 'let a = 1;' });
  expect(plain.headers['cache-control']).toBe('public, max-age=31536000, immutable');
  const packed = await send('GET', '/assets/index-abc.js', { 'accept-encoding': 'br, gzip' });
  expect(packed.headers['content-encoding']).toBe('gzip');
  expect(gunzipSync(packed.bytes).toString()).toBe('let a = 1;');
  for (const file of ['notes.txt', '..%2Findex.html', '%00'])
    expect((await send('GET', `/assets/${file}`)).status, file).toBe(404);
});

test('a token signs in: a cookie that scripts and other sites do not get, and that hides the token', async () => {
  const reply = await send('POST', '/console/session', BY_USER, { token: TOKEN });
  expect(String(reply.headers['set-cookie'])).toMatch(
    /^tollgate=tgc1\.[^;]+; Path=\/; HttpOnly; SameSite=Strict$/,
  );
  expect(String(reply.headers['set-cookie'])).not.toContain(TOKEN);
  const over = await send('POST', '/console/session', BY_USER, { token: TOKEN }, secure);
  expect(String(over.headers['set-cookie'])).toMatch(/^__Host-tollgate=.*; Secure$/);
  expect(JSON.parse((await meBy(cookieOf(reply))).text)).toMatchObject({ role: 'platform' });
});

test('an issued token signs in as its role, and out when it is revoked', async () => {
  const token = await world.issue({ role: 'team-lead', team: 'marketing' });
  const cookie = await signedIn(token);
  expect(JSON.parse((await meBy(cookie)).text)).toMatchObject({ team: 'marketing' });
  expect((await send('GET', '/api/v1/budgets/sales', { cookie })).status).toBe(404);
  const id = token.split('_')[1] ?? '';
  const revoked = await world.call('POST', `/api/v1/tokens/${id}/revoke`, { reason: 'a test' });
  expect(revoked.status, revoked.text).toBe(200);
  world.passReal(5_001);
  expect((await meBy(cookie)).status).toBe(401);
});

test('a write by cookie needs the header of the console; a token needs none', async () => {
  const cookie = await signedIn();
  const body = { limitCredits: '41', reason: 'a test' };
  const write = (headers: Headers): Promise<number> =>
    app
      .inject({ method: 'PUT', url: '/api/v1/budgets/legal', headers, payload: body })
      .then(({ statusCode }) => statusCode);
  expect(await write({ cookie })).toBe(403);
  expect(await write({ cookie, ...BY_USER, 'sec-fetch-site': 'cross-site' })).toBe(403);
  expect(await write({ cookie, ...BY_USER, origin: 'https://elsewhere.example' })).toBe(403);
  expect(await write({ cookie, ...BY_USER })).toBe(200);
  expect(await write({ authorization: `Bearer ${TOKEN}` })).toBe(200);
});

test('nobody is signed in or out by another site', async () => {
  const token = { token: TOKEN };
  expect((await send('POST', '/console/session', {}, token)).status).toBe(403);
  const origin = { ...BY_USER, origin: 'https://elsewhere.example' };
  expect((await send('POST', '/console/session', origin, token)).status).toBe(403);
  expect((await send('DELETE', '/console/session', {})).status).toBe(403);
});

test('an altered cookie, another name and a token that is sent beside it sign nobody in', async () => {
  const cookie = await signedIn();
  const altered = cookie.slice(0, -2) + (cookie.endsWith('AA') ? 'BB' : 'AA');
  for (const wrong of [altered, cookie.replace('tollgate=', 'other='), 'tollgate=', 'tollgate=x.y'])
    expect((await meBy(wrong)).status, wrong).toBe(401);
  expect((await meBy(cookie, { authorization: 'Bearer wrong' })).status).toBe(401);
});

test('half an hour without use ends it; a page that refreshes by itself is no use', async () => {
  const cookie = await signedIn();
  clock.advance(IDLE_MS - 1);
  const live = await meBy(cookie, { 'x-tollgate-console': 'live' });
  expect(live.status).toBe(200);
  expect(live.headers['set-cookie']).toBeUndefined();
  const used = await meBy(cookie, BY_USER);
  clock.advance(1);
  expect((await meBy(cookie)).status).toBe(401);
  expect((await meBy(cookieOf(used))).status).toBe(200);
});

test('twelve hours end it, whatever is done', async () => {
  let cookie = await signedIn();
  for (let passed = 0; passed < ABSOLUTE_MS - IDLE_MS / 2; passed += IDLE_MS / 2) {
    const reply = await meBy(cookie, BY_USER);
    expect(reply.status).toBe(200);
    cookie = cookieOf(
      reply.headers['set-cookie'] === undefined
        ? { ...reply, headers: { 'set-cookie': cookie } }
        : reply,
    );
    clock.advance(IDLE_MS / 2);
  }
  clock.advance(IDLE_MS / 2);
  expect((await meBy(cookie, BY_USER)).status).toBe(401);
});

test('after signing out a copy of the cookie is worth nothing', async () => {
  const cookie = await signedIn();
  const reply = await send('DELETE', '/console/session', { cookie, ...BY_USER });
  expect(reply.status).toBe(204);
  expect(String(reply.headers['set-cookie'])).toMatch(/^tollgate=;.*Max-Age=0$/);
  expect((await meBy(cookie)).status).toBe(401);
});

test('every sign-in, sign-out and sign-out everywhere is in the audit log, and a refused one in the log', async () => {
  const token = await world.issue({ role: 'finance' });
  const cookie = await signedIn(token);
  await send('DELETE', '/console/session', { cookie, ...BY_USER });
  clock.advance(1);
  await send('DELETE', '/console/sessions', { cookie: await signedIn(token), ...BY_USER });
  const { rows } = await world.database.db.query<{ action: string; role: string; text: string }>(
    `SELECT action, role, actor || after::text AS text FROM audit_event
     WHERE subject = 'console' AND actor LIKE 'of the test%' ORDER BY sequence DESC LIMIT 4`,
  );
  expect(rows.map(({ action, role }) => `${action} ${role}`).toReversed()).toEqual([
    'sign-in.begin finance',
    'sign-in.end finance',
    'sign-in.begin finance',
    'sign-in.end-all finance',
  ]);
  // Neither the token nor the cookie is told.
  for (const { text } of rows) expect(text).not.toMatch(/tga_|tgc1/);
});

test('a sign-out is known to every replica within two seconds', async () => {
  const cookie = await signedIn();
  const atOther = (): Promise<number> =>
    send('GET', '/api/v1/me', { cookie }, undefined, other).then(({ status }) => status);
  expect(await atOther()).toBe(200);
  await send('DELETE', '/console/session', { cookie, ...BY_USER });
  world.passReal(ENDS_READ_EVERY_MS);
  expect(await atOther()).toBe(401);
});

test('to sign out everywhere ends every sign-in of who asks, on every replica, and of nobody else', async () => {
  const [own, foreign] = await Promise.all(
    [0, 1].map(() => world.issue({ role: 'team-lead', team: 'marketing' })),
  );
  const [first, second, others] = [
    await signedIn(own),
    await signedIn(own),
    await signedIn(foreign),
  ];
  expect((await send('DELETE', '/console/sessions', { cookie: first })).status).toBe(403);
  const reply = await send('DELETE', '/console/sessions', { cookie: first, ...BY_USER });
  expect(reply.status).toBe(204);
  expect(String(reply.headers['set-cookie'])).toMatch(/Max-Age=0$/);
  for (const cookie of [first, second]) expect((await meBy(cookie)).status).toBe(401);
  world.passReal(ENDS_READ_EVERY_MS);
  const atOther = (cookie: string): Promise<number> =>
    send('GET', '/api/v1/me', { cookie }, undefined, other).then(({ status }) => status);
  expect([await atOther(first), await atOther(second), await atOther(others)]).toEqual([
    401, 401, 200,
  ]);
  clock.advance(1);
  expect((await meBy(await signedIn(own))).status).toBe(200);
});

test('where people come by https, browsers are told to use nothing else', async () => {
  const told = async (to: FastifyInstance, url: string): Promise<unknown> =>
    (await send('GET', url, { accept: 'text/html' }, undefined, to)).headers[
      'strict-transport-security'
    ];
  for (const url of ['/', '/api/v1/me', '/livez', '/nothing'])
    expect(await told(secure, url), url).toBe('max-age=31536000; includeSubDomains');
  expect(await told(app, '/')).toBeUndefined();
});

test('guessing is slowed down, and the right token is let in all the same', async () => {
  let last = 0;
  for (let count = 0; count <= FAILED_ATTEMPTS_MAX; count += 1)
    last = (await send('POST', '/console/session', BY_USER, { token: `guess ${count}` })).status;
  expect(last).toBe(429);
  await signedIn();
});
