import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FAILED_ATTEMPTS_MAX } from '../../admin/attempts.js';
import { createAdminApp } from '../../admin/server.js';
import { editControl } from '../../admin/stores/control-store.js';
import { createMetrics } from '../../base/metrics.js';
import { type AdminWorld, createAdminWorld, TOKEN } from './world.js';

let world: AdminWorld;
beforeAll(async () => {
  world = await createAdminWorld();
});
afterAll(() => world.close());

const LEAD = { name: 'sales dashboard', role: 'team-lead', team: 'sales' } as const;
const HOUR_MS = 3_600_000;

interface Issued {
  readonly id: string;
  readonly secret: string;
}

async function issue(body: object = LEAD): Promise<Issued> {
  const { status, json } = await world.call('POST', '/api/v1/tokens', body);
  expect(status).toBe(201);
  const { id } = json['token'] as { id: string };
  return { id, secret: String(json['secret']) };
}

function me(secret: string): ReturnType<AdminWorld['call']> {
  return world.call('GET', '/api/v1/me', undefined, { authorization: `Bearer ${secret}` });
}

describe('a token', () => {
  test('is told once, is kept as a hash, and says who it is', async () => {
    const { id, secret } = await issue();
    expect(secret).toMatch(/^tga_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/);
    expect((await me(secret)).json).toEqual({
      id: `sales dashboard (${id})`,
      role: 'team-lead',
      team: 'sales',
      principal: null,
    });
    const listed = await world.call('GET', '/api/v1/tokens');
    expect(listed.json['tokens']).toContainEqual({
      id,
      name: 'sales dashboard',
      role: 'team-lead',
      team: 'sales',
      principal: null,
      createdAt: '2026-07-15T12:00:00.000Z',
      createdBy: 'admin-token',
      expiresAt: null,
      lastUsedAt: '2026-07-15T12:00:00.000Z',
      revokedAt: null,
      revokedBy: null,
      previousSecretUntil: null,
    });
    const { rows } = await world.database.db.query<{ text: string }>(
      'SELECT t::text AS text FROM api_token t UNION ALL SELECT e::text FROM audit_event e UNION ALL SELECT i::text FROM idempotency_key i',
    );
    expect(rows.length).toBeGreaterThan(1);
    for (const text of [listed.text, ...rows.map((row) => row.text)])
      expect(text).not.toContain(secret.slice(-43));
  });

  test('for whom nobody answers is not issued, and the field says why', async () => {
    const bad: readonly (readonly [object, string])[] = [
      [{ name: 'x', role: 'admin' }, 'role'],
      [{ name: '', role: 'finance' }, 'name'],
      [{ name: 'a\nb', role: 'finance' }, 'name'],
      [{ role: 'finance' }, 'name'],
      [{ name: 'x', role: 'finance', team: 'sales' }, 'team'],
      [{ name: 'x', role: 'platform', principal: 'sales_analyst' }, 'principal'],
      [{ name: 'x', role: 'team-lead' }, 'team'],
      [{ name: 'x', role: 'team-lead', team: 'nobody' }, 'team'],
      [{ name: 'x', role: 'analyst', team: 'sales' }, 'principal'],
      [{ name: 'x', role: 'analyst', team: 'sales', principal: 'legal_analyst' }, 'principal'],
      [{ name: 'x', role: 'finance', expiresAt: 'friday' }, 'expiresAt'],
      [{ name: 'x', role: 'finance', expiresAt: '2020-01-01' }, 'expiresAt'],
    ];
    for (const [body, field] of bad) {
      const reply = await world.call('POST', '/api/v1/tokens', body);
      expect([400, 404], JSON.stringify(body)).toContain(reply.status);
      expect(reply.json['errors'], JSON.stringify(body)).toMatchObject([{ field }]);
    }
  });

  test('that was revoked is refused within five seconds, like one that never was', async () => {
    const { id, secret } = await issue();
    expect((await me(secret)).status).toBe(200);
    const path = `/api/v1/tokens/${id}/revoke`;
    const revoked = await world.call('POST', path, { reason: 'lost' });
    expect(revoked).toMatchObject({ status: 200, json: { token: { revokedBy: 'admin-token' } } });
    expect((await world.call('POST', path, { reason: 'again' })).json).toEqual(revoked.json);
    expect((await world.call('POST', path)).status).toBe(200);
    world.passReal(5000);
    const unknown = await me(`tga_0123456789abcdef_${'A'.repeat(43)}`);
    for (const bad of [secret, `${secret}x`, secret.slice(0, -1), 'tga_', id])
      expect(await me(bad)).toMatchObject({ status: 401, text: unknown.text });
    const rotated = await world.call('POST', `/api/v1/tokens/${id}/rotate`, {});
    expect(rotated.status).toBe(409);
    const events = await world.call('GET', `/api/v1/audit?subject=token/${id}`);
    const actions = (events.json['events'] as { action: string }[]).map(({ action }) => action);
    expect(actions).toEqual(['token.revoke', 'token.issue']);
  });

  test('ends at its instant, without a look at the database', async () => {
    const { secret } = await issue({ ...LEAD, expiresAt: '2026-07-15T13:00:00Z' });
    expect((await me(secret)).status).toBe(200);
    world.clock.advance(HOUR_MS - 1);
    expect((await me(secret)).status).toBe(200);
    world.clock.advance(1);
    expect((await me(secret)).status).toBe(401);
  });

  test('that is rotated has a new secret; the earlier one lives as long as was said', async () => {
    const { id, secret } = await issue();
    const rotate = async (body: object): Promise<string> =>
      String((await world.call('POST', `/api/v1/tokens/${id}/rotate`, body)).json['secret']);
    const second = await rotate({ graceSeconds: 3600 });
    expect(second).toMatch(new RegExp(`^tga_${id}_`));
    expect([(await me(secret)).status, (await me(second)).status]).toEqual([200, 200]);
    world.clock.advance(HOUR_MS);
    world.passReal(5000);
    expect([(await me(secret)).status, (await me(second)).status]).toEqual([401, 200]);
    const third = await rotate({});
    world.passReal(5000);
    expect([(await me(second)).status, (await me(third)).status]).toEqual([401, 200]);
    const long = { graceSeconds: 86_401 };
    expect((await world.call('POST', `/api/v1/tokens/${id}/rotate`, long)).status).toBe(400);
  });

  test('of a team or a principal that the control document has no longer sees nothing', async () => {
    const lead = await world.issue({ role: 'team-lead', team: 'legal' });
    const analyst = await world.issue({
      role: 'analyst',
      team: 'people',
      principal: 'people_analyst',
    });
    expect([(await me(lead)).status, (await me(analyst)).status]).toEqual([200, 200]);
    const outcome = await editControl(world.database.db, {
      actor: { id: 'test', role: 'platform' },
      reason: 'a team left',
      at: world.clock.now(),
      edit: (document) => ({
        ...document,
        teams: document.teams.filter((team) => team.id !== 'legal'),
        principals: document.principals
          .filter((each) => each.team !== 'legal')
          .map((each) =>
            each.id === 'people_analyst' ? { ...each, status: 'suspended' as const } : each,
          ),
        budgets: document.budgets.filter((budget) => budget.node !== 'legal'),
        accounts: document.accounts.map(({ serviceUsers, ...account }) => ({
          ...account,
          ...(serviceUsers === undefined
            ? {}
            : { serviceUsers: serviceUsers.filter((each) => each.team !== 'legal') }),
        })),
        mapping: document.mapping.filter(
          (each) => each.team !== 'legal' && each.principal !== 'legal_analyst',
        ),
      }),
    });
    expect(outcome.kind).toBe('applied');
    world.passReal(5000);
    for (const secret of [lead, analyst])
      for (const path of [
        '/api/v1/me',
        '/api/v1/budgets',
        '/api/v1/budgets/legal',
        '/api/v1/tickets',
      ]) {
        const reply = await world.call('GET', path, undefined, {
          authorization: `Bearer ${secret}`,
        });
        expect(reply.status, path).toBe(403);
      }
  });

  test('in use is noted at most once a minute', async () => {
    const { id, secret } = await issue();
    const lastUsed = async (): Promise<unknown> =>
      ((await world.call('GET', '/api/v1/tokens')).json['tokens'] as Issued[]).find(
        (token) => token.id === id,
      );
    await me(secret);
    const first = await lastUsed();
    world.clock.advance(59_000);
    world.passReal(5000);
    await me(secret);
    expect(await lastUsed()).toEqual(first);
    world.clock.advance(2000);
    world.passReal(5000);
    await me(secret);
    expect(await lastUsed()).not.toEqual(first);
  });

  test('that is known costs no statement for five seconds, and a wrong form never does', async () => {
    const { secret } = await issue();
    await me(secret);
    const before = world.statements();
    for (let index = 0; index < 20; index += 1) await me(secret);
    for (const bad of ['x', `${secret}x`, `tga_${'z'.repeat(16)}_x`]) await me(bad);
    expect(world.statements()).toBe(before);
    world.passReal(5000);
    await me(secret);
    expect(world.statements()).toBeGreaterThan(before);
  });
});

test('tokens come in pages, the newest first, and every one once', async () => {
  const seen: string[] = [];
  let cursor: unknown = null;
  do {
    const query = typeof cursor === 'string' ? `&cursor=${cursor}` : '';
    const { json } = await world.call('GET', `/api/v1/tokens?limit=3${query}`);
    const tokens = json['tokens'] as { id: string; createdAt: string }[];
    expect(tokens.length).toBeLessThanOrEqual(3);
    seen.push(...tokens.map((token) => `${token.createdAt} ${token.id}`));
    cursor = json['nextCursor'];
  } while (cursor !== null);
  expect(seen.length).toBeGreaterThan(6);
  expect(new Set(seen).size).toBe(seen.length);
  expect(seen).toEqual(seen.toSorted().toReversed());
});

test('an address that guesses is slowed down, nobody else is, and the right token always comes in', async () => {
  let realMs = 0;
  const { options } = world;
  const app = await createAdminApp({
    ...options,
    metrics: createMetrics(),
    api: { ...options.api, realNow: () => realMs },
  });
  const ask = (token: string, remoteAddress: string) =>
    app.inject({
      method: 'GET',
      url: '/api/v1/me',
      remoteAddress,
      headers: { authorization: `Bearer ${token}` },
    });
  for (let index = 0; index < FAILED_ATTEMPTS_MAX; index += 1)
    expect((await ask(`guess-${index}`, '192.0.2.1')).statusCode).toBe(401);
  realMs += 20_000;
  const slowed = await ask('guess', '192.0.2.1');
  expect(slowed).toMatchObject({ statusCode: 429, headers: { 'retry-after': '40' } });
  expect(slowed.headers['content-type']).toContain('problem+json');
  expect((await ask(TOKEN, '192.0.2.1')).statusCode).toBe(200);
  expect((await ask('guess', '192.0.2.2')).statusCode).toBe(401);
  realMs += 40_000;
  expect((await ask('guess', '192.0.2.1')).statusCode).toBe(401);
  await app.close();
});
