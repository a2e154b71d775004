/** Sign-ins that are confirmed before dangerous calls, and how many of them one person has at the same time. */
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ABSOLUTE_MS } from '../../admin/console/console-sign-ins.js';
import { ENDS_READ_EVERY_MS } from '../../admin/stores/ended-sign-ins.js';
import { type ManualClock, manualClock } from '../support/clock.js';
import { type ConsoleReply, createConsoleApp, sendTo } from './console-app.js';
import { type AdminWorld, createAdminWorld, TOKEN } from './world.js';

const CONFIRM_AFTER_MS = 15 * 60_000;
const SIGN_INS_MAX = 3;

let world: AdminWorld;
let app: FastifyInstance;
/** Another replica. */
let other: FastifyInstance;
let clock: ManualClock;

beforeAll(async () => {
  world = await createAdminWorld();
  clock = manualClock();
  const create = (): Promise<FastifyInstance> =>
    createConsoleApp(world, { clock, confirmAfterMs: CONFIRM_AFTER_MS, signInsMax: SIGN_INS_MAX });
  app = await create();
  other = await create();
});
afterAll(async () => {
  await app.close();
  await other.close();
  await world.close();
});

const send = (
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  url: string,
  cookie = '',
  body?: object,
  to = app,
): Promise<ConsoleReply> => sendTo(to, { method, url, cookie, ...(body && { body }) });

async function signedIn(token: string): Promise<string> {
  const reply = await send('POST', '/console/session', '', { token });
  expect(reply.status, reply.text).toBe(204);
  return reply.cookie;
}

const confirm = (cookie: string, token: string): Promise<ConsoleReply> =>
  send('POST', '/console/session/confirm', cookie, { token });

const issueBy = (cookie: string): Promise<ConsoleReply> =>
  send('POST', '/api/v1/tokens', cookie, { name: 'made in a test', role: 'finance' });

const me = async (cookie: string, to = app): Promise<number> =>
  (await send('GET', '/api/v1/me', cookie, undefined, to)).status;

const newToken = (): Promise<string> => world.issue({ role: 'platform' });

test('the calls that take a confirmed sign-in are those that cannot be taken back easily', async () => {
  await app.ready();
  const { paths = {} } = app.swagger();
  const marked = Object.entries(paths as Readonly<Record<string, object>>).flatMap(
    ([path, methods]) =>
      Object.entries(methods)
        .filter(([, operation]) => 'x-takes-confirmed' in (operation as object))
        .map(([method]) => `${method} ${path.replace('/api/v1', '')}`),
  );
  expect(marked.toSorted()).toEqual([
    'post /accounts/{account}/credentials',
    'post /accounts/{account}/credentials/{id}/rotate',
    'post /accounts/{account}/service-keys',
    'post /accounts/{account}/service-keys/{id}/activate',
    'post /closes/{month}/approve',
    'post /closes/{month}/close',
    'post /closes/{month}/reopen',
    'post /closes/{month}/sign-off',
    'post /control/rollback',
    'post /principals/{id}/claim-secrets',
    'post /sessions/revoke',
    'post /sign-ins/end-others',
    'post /sign-ins/{id}/end',
    'post /tokens',
    'post /tokens/{id}/rotate',
    'put /control',
  ]);
});

test('a sign-in of a quarter of an hour ago is confirmed before a token is issued; a bearer token never', async () => {
  const cookie = await signedIn(await newToken());
  expect((await issueBy(cookie)).status).toBe(201);
  clock.advance(CONFIRM_AFTER_MS);
  const refused = await issueBy(cookie);
  expect(refused.status).toBe(401);
  expect(refused.headers['www-authenticate']).toContain('insufficient_user_authentication');
  expect(JSON.parse(refused.text)).toMatchObject({
    code: 'confirm-sign-in',
    confirmBy: 'token',
    errors: [{ field: 'sign-in', wayOut: expect.stringContaining('confirm') }],
  });
  expect(await me(cookie)).toBe(200);
  const body = { name: 'by a script', role: 'finance' };
  expect((await world.call('POST', '/api/v1/tokens', body)).status).toBe(201);
});

test('the token entered again confirms it: a new sign-in, while a copy of the one before is worth nothing', async () => {
  const token = await newToken();
  const before = await signedIn(token);
  clock.advance(CONFIRM_AFTER_MS);
  const reply = await confirm(before, token);
  expect(reply.status, reply.text).toBe(204);
  expect((await issueBy(reply.cookie)).status).toBe(201);
  expect(await me(before)).toBe(401);
  world.passReal(ENDS_READ_EVERY_MS);
  expect(await me(before, other)).toBe(401);
  expect(await me(reply.cookie, other)).toBe(200);
});

test('neither a wrong token nor that of somebody else confirms, nor a sign-in that is over', async () => {
  const token = await newToken();
  const cookie = await signedIn(token);
  clock.advance(CONFIRM_AFTER_MS);
  expect((await confirm(cookie, 'wrong')).status).toBe(401);
  expect((await confirm(cookie, TOKEN)).status).toBe(403);
  expect((await confirm('', token)).status).toBe(401);
  expect((await issueBy(cookie)).status).toBe(401);
  const foreign = await app.inject({
    method: 'POST',
    url: '/console/session/confirm',
    headers: { cookie },
    payload: { token },
  });
  expect(foreign.statusCode).toBe(403);
  await send('DELETE', '/console/session', cookie);
  expect((await confirm(cookie, token)).status).toBe(401);
});

test('to sign out everywhere takes a confirmed sign-in; to sign out here does not', async () => {
  const token = await newToken();
  const [first, second] = [await signedIn(token), await signedIn(token)];
  clock.advance(CONFIRM_AFTER_MS);
  const refused = await send('DELETE', '/console/sessions', first);
  expect(JSON.parse(refused.text)).toMatchObject({ status: 401, code: 'confirm-sign-in' });
  expect([await me(first), await me(second)]).toEqual([200, 200]);
  const { cookie } = await confirm(first, token);
  expect((await send('DELETE', '/console/sessions', cookie)).status).toBe(204);
  expect([await me(cookie), await me(second)]).toEqual([401, 401]);
  const third = await signedIn(token);
  clock.advance(CONFIRM_AFTER_MS);
  expect((await send('DELETE', '/console/session', third)).status).toBe(204);
});

test('one sign-in more than there may be ends the oldest of that person, on every replica and in the audit log', async () => {
  const [token, foreign] = [await newToken(), await signedIn(await newToken())];
  const cookies: string[] = [];
  for (let count = 0; count <= SIGN_INS_MAX; count += 1) {
    clock.advance(1);
    cookies.push(await signedIn(token));
  }
  const expected = [401, ...Array.from({ length: SIGN_INS_MAX }, () => 200)];
  expect(await Promise.all(cookies.map((each) => me(each)))).toEqual(expected);
  world.passReal(ENDS_READ_EVERY_MS);
  expect(await Promise.all(cookies.map((each) => me(each, other)))).toEqual(expected);
  expect(await me(foreign)).toBe(200);
  const { rows } = await world.database.db.query(
    `SELECT action, reason FROM audit_event WHERE actor LIKE $1 ORDER BY sequence DESC LIMIT 1`,
    [`of the test % (${token.split('_')[1]})`],
  );
  expect(rows).toEqual([
    {
      action: 'sign-in.end',
      reason: `more than ${SIGN_INS_MAX} sign-ins at the same time: the oldest ends`,
    },
  ]);
});

test('those that were ended, confirmed anew or are over by themselves count no more', async () => {
  const token = await newToken();
  const first = await signedIn(token);
  for (let count = 0; count < SIGN_INS_MAX; count += 1)
    await send('DELETE', '/console/session', await signedIn(token));
  let kept = await signedIn(token);
  for (let count = 0; count < SIGN_INS_MAX; count += 1) kept = (await confirm(kept, token)).cookie;
  expect([await me(first), await me(kept)]).toEqual([200, 200]);
  clock.advance(ABSOLUTE_MS);
  const late: string[] = [];
  for (let count = 0; count < SIGN_INS_MAX; count += 1) late.push(await signedIn(token));
  expect(await Promise.all(late.map((each) => me(each)))).not.toContain(401);
});
