/** Signing in by OpenID Connect against a provider on loopback: who gets which role, and what is not believed. */
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createOidcClient } from '../../admin/console/oidc-client.js';
import type { GroupRole } from '../../base/console-settings.js';
import { silentLog } from '../../base/log.js';
import { createSealer } from '../../base/sealing.js';
import { type ManualClock, manualClock } from '../support/clock.js';
import {
  CLIENT_ID,
  CLIENT_SECRET,
  type IdentityProvider,
  startIdentityProvider,
} from '../support/identity-provider.js';
import { createConsoleApp } from './console-app.js';
import { type AdminWorld, createAdminWorld, SEAL_KEYS } from './world.js';

const ROLES: readonly GroupRole[] = [
  { group: 'admins', role: 'platform', team: null },
  { group: 'sales leads', role: 'team-lead', team: 'sales' },
  { group: 'marketing', role: 'analyst', team: 'marketing' },
  { group: 'of nobody', role: 'team-lead', team: 'no-such-team' },
];
const ORIGIN = 'http://127.0.0.1:8081';

let world: AdminWorld;
let provider: IdentityProvider;
let app: FastifyInstance;
let clock: ManualClock;

beforeAll(async () => {
  world = await createAdminWorld();
  provider = await startIdentityProvider();
  clock = manualClock();
  app = await appOf(provider.issuer);
});
afterAll(async () => {
  await app.close();
  await provider.close();
  await world.close();
});

function appOf(issuer: string): Promise<FastifyInstance> {
  const client = createOidcClient(
    {
      issuer,
      clientId: CLIENT_ID,
      clientSecret: CLIENT_SECRET,
      scopes: 'openid profile email',
      redirectUri: `${ORIGIN}/console/oidc/callback`,
      log: silentLog,
    },
    () => 0,
  );
  const claims = { groups: 'groups', principal: 'preferred_username' };
  return createConsoleApp(world, {
    clock,
    confirmAfterMs: 15 * 60_000,
    oidc: { client, claims, roles: ROLES },
  });
}

interface Begun {
  readonly url: string;
  readonly cookie: string;
}

const cookiesOf = (header: unknown): readonly string[] =>
  [header].flat().map((each) => String(each).split(';')[0] ?? '');

async function begin(to = '/'): Promise<Begun> {
  const reply = await app.inject(`/console/oidc/start?to=${encodeURIComponent(to)}`);
  expect(reply.statusCode).toBe(303);
  expect(String(reply.headers['set-cookie'])).toMatch(
    /^tollgate-oidc=tgo1\.[^;]+; Path=\/console\/oidc; HttpOnly; SameSite=Lax; Max-Age=600$/,
  );
  return {
    url: String(reply.headers.location),
    cookie: cookiesOf(reply.headers['set-cookie'])[0] ?? '',
  };
}

interface End {
  readonly location: string;
  /** Of the sign-in; undefined: there is none. */
  readonly cookie: string | undefined;
}

async function end(
  { url, cookie }: Begun,
  code: string,
  changes: Readonly<Record<string, string>> = {},
): Promise<End> {
  const state = new URL(url).searchParams.get('state') ?? '';
  const query = new URLSearchParams({ code, state, ...changes });
  const reply = await app.inject({
    url: `/console/oidc/callback?${query.toString()}`,
    headers: { cookie },
  });
  expect(reply.statusCode).toBe(303);
  const cookies = cookiesOf(reply.headers['set-cookie']);
  expect(cookies[0]).toBe('tollgate-oidc=');
  return {
    location: String(reply.headers.location),
    cookie: cookies.find((each) => each.startsWith('tollgate=')),
  };
}

async function signIn(claims: object, to?: string): Promise<End> {
  const begun = await begin(to);
  return end(begun, provider.authorize(begun.url, { ...claims }));
}

async function meBy(cookie: string | undefined): Promise<{ status: number; json: unknown }> {
  const reply = await app.inject({ url: '/api/v1/me', headers: { cookie: cookie ?? '' } });
  return { status: reply.statusCode, json: reply.json() };
}

test('the request has PKCE, state, nonce and the address to come back to', async () => {
  expect((await app.inject('/console/ways')).json()).toEqual({ oidc: true });
  const { searchParams } = new URL((await begin()).url);
  expect(Object.fromEntries(searchParams)).toMatchObject({
    client_id: CLIENT_ID,
    response_type: 'code',
    code_challenge_method: 'S256',
    redirect_uri: `${ORIGIN}/console/oidc/callback`,
    scope: 'openid profile email',
  });
  for (const name of ['state', 'nonce', 'code_challenge'])
    expect(searchParams.get(name)?.length, name).toBeGreaterThan(40);
});

test('a group decides the role and the team; the page that was asked for comes back', async () => {
  const admin = await signIn({ groups: ['x', 'admins'], email: 'anna@example.com' }, '/tickets/1');
  expect(admin.location).toBe('/tickets/1');
  expect((await meBy(admin.cookie)).json).toMatchObject({
    id: 'anna@example.com (oidc)',
    role: 'platform',
    team: null,
  });
  const lead = await signIn({ groups: 'sales leads', preferred_username: 'sales_analyst' });
  expect((await meBy(lead.cookie)).json).toMatchObject({
    role: 'team-lead',
    team: 'sales',
    principal: 'sales_analyst',
  });
  const foreign = await app.inject({
    url: '/api/v1/budgets/marketing',
    headers: { cookie: lead.cookie ?? '' },
  });
  expect(foreign.statusCode).toBe(404);
  const own = await signIn({ groups: ['marketing'], preferred_username: 'marketing_analyst' });
  expect((await meBy(own.cookie)).json).toMatchObject({
    role: 'analyst',
    principal: 'marketing_analyst',
  });
});

test('the cookie is that of the token sign-in, and writes need the header of the console', async () => {
  const { cookie = '' } = await signIn({ groups: ['admins'] });
  const write = (headers: object): Promise<number> =>
    app
      .inject({
        method: 'PUT',
        url: '/api/v1/budgets/legal',
        headers: { cookie, ...headers },
        payload: { limitCredits: '41', reason: 'a test' },
      })
      .then(({ statusCode }) => statusCode);
  expect(await write({})).toBe(403);
  expect(await write({ 'x-tollgate-console': 'user', origin: 'https://elsewhere.example' })).toBe(
    403,
  );
  expect(await write({ 'x-tollgate-console': 'user' })).toBe(200);
  const events = await world.call('GET', '/api/v1/audit?limit=1');
  expect(events.text).toContain('subject-1 (oidc)');
});

test('who has no group, no team or is no principal of it is not let in', async () => {
  for (const claims of [{ groups: ['others'] }, { groups: 7 }, {}]) {
    const none = await signIn(claims);
    expect(none).toEqual({ location: '/?refused=no-group', cookie: undefined });
  }
  const lost = await signIn({ groups: ['of nobody'] });
  expect((await meBy(lost.cookie)).status).toBe(403);
  const stranger = await signIn({ groups: ['marketing'], preferred_username: 'sales_analyst' });
  expect((await meBy(stranger.cookie)).status).toBe(403);
});

test('an answer of another time, for another client or to another question is not believed', async () => {
  const now = Math.floor(Date.now() / 1000);
  const wrong: readonly (readonly [claims: object, why: string])[] = [
    [{ exp: now - 600, iat: now - 900 }, 'clock'],
    [{ aud: 'somebody-else' }, 'audience'],
    [{ iss: 'https://elsewhere.example' }, 'not-accepted'],
    [{ nonce: 'of another' }, 'state'],
  ];
  for (const [claims, why] of wrong) {
    const refused = await signIn({ groups: ['admins'], ...claims });
    expect(refused, why).toEqual({ location: `/?refused=${why}`, cookie: undefined });
  }
});

test('a code without its cookie, with another state, twice or too late signs nobody in', async () => {
  const begun = await begin();
  const code = provider.authorize(begun.url, { groups: ['admins'] });
  expect((await end({ ...begun, cookie: '' }, code)).location).toBe('/?refused=state');
  expect((await end(begun, code, { state: 'x' })).cookie).toBeUndefined();
  expect((await end(begun, code)).cookie).toBeDefined();
  expect((await end(begun, code)).location).toBe('/?refused=not-accepted');
  const declined = await end(await begin(), '', { error: 'access_denied' });
  expect(declined.location).toBe('/?refused=denied');
  const late = await begin();
  const lateCode = provider.authorize(late.url, { groups: ['admins'] });
  clock.advance(600_000);
  expect((await end(late, lateCode)).location).toBe('/?refused=state');
});

test('nobody is sent to another site, and a provider that is away is told', async () => {
  for (const to of ['//elsewhere.example', 'https://elsewhere.example', '/\\elsewhere.example'])
    expect((await signIn({ groups: ['admins'] }, to)).location, to).toBe('/');
  const away = await appOf('http://127.0.0.1:9');
  const reply = await away.inject('/console/oidc/start');
  expect([reply.statusCode, reply.headers.location]).toEqual([303, '/?refused=unreachable']);
  await away.close();
});

test('a discovery document of another issuer is not believed', async () => {
  // The same server, by a name that its document does not have.
  const renamed = await appOf(provider.issuer.replace('127.0.0.1', 'localhost'));
  const reply = await renamed.inject('/console/oidc/start');
  expect([reply.statusCode, reply.headers.location]).toEqual([303, '/?refused=unreachable']);
  await renamed.close();
});

test('the tokens of the provider stay on the server: the browser gets who somebody is, sealed', async () => {
  const { cookie = '', location } = await signIn({
    groups: ['admins'],
    email: 'ann@example.com',
    preferred_username: 'ann',
  });
  expect(location).toBe('/');
  const sealer = createSealer('tgc1', SEAL_KEYS, () => Buffer.alloc(0));
  const kept: unknown = JSON.parse(sealer.open(cookie.replace('tollgate=', '')) ?? 'null');
  expect(kept).toEqual({
    id: expect.any(String),
    by: { person: { id: 'ann@example.com (oidc)', group: 'admins', principal: 'ann' } },
    startedAt: clock.now(),
    usedAt: clock.now(),
    confirmedAt: 0,
  });
});

test('a sign-in by the provider is in the audit log', async () => {
  await signIn({ groups: ['sales leads'], email: 'bea@example.com' });
  const { rows } = await world.database.db.query(
    "SELECT action, role, after->>'by' AS by FROM audit_event WHERE actor = 'bea@example.com (oidc)'",
  );
  expect(rows).toEqual([{ action: 'sign-in.begin', role: 'team-lead', by: 'oidc' }]);
});

const BY_USER = { 'x-tollgate-console': 'user' };

async function issueBy(cookie = ''): Promise<{ status: number; json: unknown }> {
  const reply = await app.inject({
    method: 'POST',
    url: '/api/v1/tokens',
    headers: { cookie, ...BY_USER },
    payload: { name: 'made in a test', role: 'finance' },
  });
  return { status: reply.statusCode, json: reply.json() };
}

/** What the window that confirms a sign-in goes through: to the provider and back, where the strict cookie is not sent. */
async function confirm(cookie: string, claims: object): Promise<End & { readonly url: string }> {
  const reply = await app.inject({ url: '/console/oidc/confirm', headers: { cookie } });
  const url = String(reply.headers.location);
  const pending = cookiesOf(reply.headers['set-cookie'])[0] ?? '';
  if (!url.startsWith(provider.issuer)) return { location: url, cookie: undefined, url };
  const ended = await end({ url, cookie: pending }, provider.authorize(url, { ...claims }));
  return { ...ended, url };
}

const nowSeconds = (): number => Math.floor(Date.now() / 1000);

test('who signed in at the provider long ago, or nobody says when, confirms before a dangerous call', async () => {
  const seconds = Math.floor(clock.now() / 1000);
  const claims = { groups: ['admins'], email: 'cleo@example.com' };
  const lately = await signIn({ ...claims, auth_time: seconds });
  expect((await issueBy(lately.cookie)).status).toBe(201);
  for (const told of [{}, { auth_time: seconds - 3600 }]) {
    const { cookie } = await signIn({ ...claims, ...told });
    expect(await issueBy(cookie)).toMatchObject({
      status: 401,
      json: { code: 'confirm-sign-in', confirmBy: 'oidc' },
    });
  }
});

test('a sign-in is confirmed where the provider says that the same person signed in just now', async () => {
  const claims = { groups: ['admins'], email: 'dora@example.com' };
  const { cookie = '' } = await signIn(claims);
  const confirmed = await confirm(cookie, { ...claims, auth_time: nowSeconds() });
  expect(confirmed.location).toBe('/confirmed');
  expect(Object.fromEntries(new URL(confirmed.url).searchParams)).toMatchObject({
    prompt: 'login',
    max_age: '0',
  });
  expect((await issueBy(confirmed.cookie)).status).toBe(201);
  expect((await meBy(cookie)).status).toBe(401);
  const { rows } = await world.database.db.query(
    "SELECT action, after->>'by' AS by FROM audit_event WHERE actor = 'dora@example.com (oidc)' AND subject = 'console' ORDER BY sequence DESC LIMIT 1",
  );
  expect(rows).toEqual([{ action: 'sign-in.confirm', by: 'oidc' }]);
});

test('an answer of an earlier sign-in, without its time or of somebody else confirms nothing', async () => {
  const claims = { groups: ['admins'], email: 'emil@example.com' };
  const { cookie = '' } = await signIn(claims);
  const wrong: readonly (readonly [claims: object, why: string])[] = [
    [claims, 'not-anew'],
    [{ ...claims, auth_time: nowSeconds() - 600 }, 'not-anew'],
    [{ ...claims, email: 'fritz@example.com', auth_time: nowSeconds() }, 'another-person'],
    [{ ...claims, groups: [], auth_time: nowSeconds() }, 'no-group'],
  ];
  for (const [told, why] of wrong)
    expect(await confirm(cookie, told), why).toMatchObject({
      location: `/confirmed?refused=${why}`,
      cookie: undefined,
    });
  expect((await issueBy(cookie)).status).toBe(401);
  expect((await meBy(cookie)).status).toBe(200);
  expect((await confirm('', claims)).location).toBe('/confirmed?refused=not-signed-in');
});
