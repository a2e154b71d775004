/** The own sign-ins of the console: who sees which, and who may end them. */
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ABSOLUTE_MS, IDLE_MS } from '../../admin/console/console-sign-ins.js';
import { ENDS_READ_EVERY_MS } from '../../admin/stores/ended-sign-ins.js';
import { type ManualClock, manualClock } from '../support/clock.js';
import { type ConsoleReply, createConsoleApp, sendTo } from './console-app.js';
import { type AdminWorld, createAdminWorld } from './world.js';

const CONFIRM_AFTER_MS = 15 * 60_000;
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';

let world: AdminWorld;
let app: FastifyInstance;
/** Another replica. */
let other: FastifyInstance;
let clock: ManualClock;

beforeAll(async () => {
  world = await createAdminWorld();
  clock = manualClock();
  const create = (): Promise<FastifyInstance> =>
    createConsoleApp(world, { clock, confirmAfterMs: CONFIRM_AFTER_MS });
  app = await create();
  other = await create();
});
afterAll(async () => {
  await app.close();
  await other.close();
  await world.close();
});

interface Listed {
  readonly id: string;
  readonly isThis: boolean;
  readonly startedFrom: string;
}

/** Signs in a moment after whoever did before, so that their order is known. */
async function signedIn(token: string, from = '192.0.2.1', userAgent = FIREFOX): Promise<string> {
  clock.advance(1);
  const asked = { method: 'POST', url: '/console/session', body: { token } } as const;
  const reply = await sendTo(app, { ...asked, from, userAgent });
  expect(reply.status, reply.text).toBe(204);
  return reply.cookie;
}

async function listOf(cookie: string, to = app): Promise<readonly Listed[]> {
  const reply = await sendTo(to, { method: 'GET', url: '/api/v1/sign-ins', cookie });
  expect(reply.status, reply.text).toBe(200);
  return (JSON.parse(reply.text) as { readonly signIns: readonly Listed[] }).signIns;
}

const statusOf = async (cookie: string, to = app): Promise<number> =>
  (await sendTo(to, { method: 'GET', url: '/api/v1/me', cookie })).status;

const post = (cookie: string, path: string, to = app): Promise<ConsoleReply> =>
  sendTo(to, { method: 'POST', url: `/api/v1/sign-ins/${path}`, cookie });

const idOf = (signIns: readonly Listed[], from: string): string =>
  signIns.find(({ startedFrom }) => startedFrom === from)?.id ?? '';

test('a person sees when, from where and with what each of the own sign-ins began and was used last', async () => {
  const token = await world.issue({ role: 'finance' });
  const first = await signedIn(token, '192.0.2.7');
  const startedAt = new Date(clock.now()).toISOString();
  clock.advance(20 * 60_000);
  const used = await sendTo(app, {
    method: 'GET',
    url: '/api/v1/me',
    cookie: first,
    from: '2001:db8::9',
  });
  const usedAt = new Date(clock.now()).toISOString();
  const second = await signedIn(token, '192.0.2.8', 'of a script');
  const listed = await listOf(second, other);
  expect(listed).toEqual([
    {
      id: expect.any(String) as string,
      isThis: true,
      provenBy: 'token',
      browser: null,
      startedAt: new Date(clock.now()).toISOString(),
      startedFrom: '192.0.2.8',
      usedAt: new Date(clock.now()).toISOString(),
      usedFrom: '192.0.2.8',
    },
    {
      id: expect.any(String) as string,
      isThis: false,
      provenBy: 'token',
      browser: 'Firefox on Linux',
      startedAt,
      startedFrom: '192.0.2.7',
      usedAt,
      usedFrom: '2001:db8::9',
    },
  ]);
  expect((await listOf(used.cookie)).map(({ isThis }) => isThis)).toEqual([false, true]);
  // Neither what signs in nor the text of the browser is kept.
  const { rows } = await world.database.db.query('SELECT s::text AS text FROM console_sign_in s');
  expect(JSON.stringify(rows)).not.toMatch(/tga_|tgc1|Gecko/);
});

test('nobody sees or ends those of somebody else, whatever the role', async () => {
  const own = await signedIn(await world.issue({ role: 'analyst', ...ANALYST }), '192.0.2.20');
  const id = idOf(await listOf(own), '192.0.2.20');
  for (const role of ['platform', 'finance'] as const) {
    const foreign = await signedIn(await world.issue({ role }), '192.0.2.21');
    expect((await listOf(foreign)).map(({ startedFrom }) => startedFrom)).toEqual(['192.0.2.21']);
    const refused = await post(foreign, `${id}/end`);
    const unknown = await post(foreign, `${'0'.repeat(32)}/end`);
    expect(refused.status).toBe(404);
    expect(refused.text).toBe(unknown.text);
    expect((await post(foreign, 'end-others')).text).toBe('{"ended":0}');
  }
  expect(await statusOf(own)).toBe(200);
});

test('one that is ended is worth nothing on every replica, and the audit log says so', async () => {
  const token = await world.issue({ role: 'finance' });
  const [lost, kept] = [await signedIn(token, '192.0.2.30'), await signedIn(token, '192.0.2.31')];
  const id = idOf(await listOf(kept), '192.0.2.30');
  expect(await statusOf(lost, other)).toBe(200);
  expect((await post(kept, `${id}/end`)).text).toBe('{"ended":1}');
  expect(await statusOf(lost)).toBe(401);
  world.passReal(ENDS_READ_EVERY_MS);
  expect([await statusOf(lost, other), await statusOf(kept, other)]).toEqual([401, 200]);
  expect((await listOf(kept)).map(({ startedFrom }) => startedFrom)).toEqual(['192.0.2.31']);
  expect((await post(kept, `${id}/end`)).status).toBe(404);
  const { rows } = await world.database.db.query(
    "SELECT after->>'id' AS id FROM audit_event WHERE action = 'sign-in.end' ORDER BY sequence DESC LIMIT 1",
  );
  expect(rows).toEqual([{ id }]);
});

test('all others are ended at once, on every replica, and the one that asks goes on', async () => {
  const token = await world.issue({ role: 'finance' });
  const others = [await signedIn(token), await signedIn(token)];
  const kept = await signedIn(token);
  expect((await post(kept, 'end-others')).text).toBe('{"ended":2}');
  world.passReal(ENDS_READ_EVERY_MS);
  for (const to of [app, other]) {
    for (const cookie of others) expect(await statusOf(cookie, to)).toBe(401);
    expect(await statusOf(kept, to)).toBe(200);
  }
  expect(await listOf(kept)).toHaveLength(1);
  expect(await statusOf(await signedIn(token), other)).toBe(200);
});

test('one that was ended ends those that ended it, and does not stay itself', async () => {
  const token = await world.issue({ role: 'finance' });
  const [stolen, kept] = [await signedIn(token), await signedIn(token)];
  // So the other replica has just read what has ended, and lets it in for two seconds more.
  expect(await statusOf(stolen, other)).toBe(200);
  expect((await post(kept, 'end-others')).status).toBe(200);
  expect((await post(stolen, 'end-others', other)).status).toBe(200);
  world.passReal(ENDS_READ_EVERY_MS);
  for (const to of [app, other])
    expect([await statusOf(stolen, to), await statusOf(kept, to)]).toEqual([401, 401]);
});

test('ending takes a confirmed sign-in; seeing them does not', async () => {
  const token = await world.issue({ role: 'finance' });
  const [first, second] = [await signedIn(token, '192.0.2.40'), await signedIn(token)];
  clock.advance(CONFIRM_AFTER_MS);
  const id = idOf(await listOf(second), '192.0.2.40');
  for (const path of [`${id}/end`, 'end-others'])
    expect(JSON.parse((await post(second, path)).text)).toMatchObject({
      status: 401,
      code: 'confirm-sign-in',
    });
  expect(await statusOf(first)).toBe(200);
});

test('the token itself sees the sign-ins made with it, of which none is its own, and ends them all', async () => {
  const token = await world.issue({ role: 'team-lead', team: 'sales' });
  const cookies = [await signedIn(token), await signedIn(token)];
  const headers = { authorization: `Bearer ${token}` };
  const read = await app.inject({ url: '/api/v1/sign-ins?limit=1', headers });
  const page = read.json<{ signIns: readonly Listed[]; nextCursor: string }>();
  expect(page.signIns.map(({ isThis }) => isThis)).toEqual([false]);
  const url = `/api/v1/sign-ins?limit=1&cursor=${page.nextCursor}`;
  const rest = (await app.inject({ url, headers })).json<typeof page>();
  expect([rest.signIns.length, rest.nextCursor]).toEqual([1, null]);
  expect(rest.signIns[0]?.id).not.toBe(page.signIns[0]?.id);
  const ended = await app.inject({ method: 'POST', url: '/api/v1/sign-ins/end-others', headers });
  expect(ended.json()).toEqual({ ended: 2 });
  for (const cookie of cookies) expect(await statusOf(cookie)).toBe(401);
});

test('one that is over by itself is not listed, and its row goes with the next sign-in of anybody', async () => {
  const token = await world.issue({ role: 'finance' });
  await signedIn(token, '192.0.2.50');
  clock.advance(IDLE_MS);
  const kept = await signedIn(token, '192.0.2.51');
  expect((await listOf(kept)).map(({ startedFrom }) => startedFrom)).toEqual(['192.0.2.51']);
  clock.advance(ABSOLUTE_MS);
  await signedIn(await world.issue({ role: 'finance' }), '192.0.2.52');
  const { rows } = await world.database.db.query('SELECT started_from FROM console_sign_in');
  expect(rows).toEqual([{ started_from: '192.0.2.52' }]);
});

const ANALYST = { team: 'marketing', principal: 'marketing_analyst' };
