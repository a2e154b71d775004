import { expect, test } from 'vitest';
import { type AdminOptions, createAdminApp, startAdmin } from '../../admin/server.js';
import { createLedger } from '../../billing/create-ledger.js';
import { systemIds } from '../../base/ids.js';
import { silentLog } from '../../base/log.js';
import { createMetrics } from '../../base/metrics.js';
import type { Database } from '../../base/postgres/pool.js';
import { manualClock } from '../support/clock.js';
import { SEAL_KEYS } from './world.js';
import { openTestPool } from '../support/database.js';
import type { ReadinessCheck } from '../../admin/health-routes.js';

function options(checks: readonly ReadinessCheck[] = []): AdminOptions {
  const metrics = createMetrics();
  metrics.counter('tollgate_test_total', 'A counter of the test').inc();
  return {
    log: silentLog,
    metrics,
    readiness: () => checks,
    listeners: () => [
      { name: 'proxy', url: 'http://127.0.0.1:8080', purpose: 'Snowflake <drivers>' },
    ],
    api: null,
  };
}

test('a replica without the admin role answers health and the page, and has no API', async () => {
  const app = await createAdminApp(options());
  const get = async (url: string) => app.inject({ method: 'GET', url });
  expect((await get('/livez')).json()).toEqual({ status: 'live' });
  expect((await get('/readyz')).statusCode).toBe(200);
  expect((await get('/metrics')).body).toContain('tollgate_test_total 1');
  for (const path of ['/api/v1/openapi.json', '/api/v1/teams']) {
    const reply = await get(path);
    expect(reply.statusCode).toBe(404);
    expect(reply.headers['content-type']).toContain('problem+json');
  }
  await app.close();
});

test('one failing check makes the replica not ready, and says which', async () => {
  const app = await createAdminApp(
    options([
      { name: 'ledger', isReady: true, why: null },
      { name: 'control', isReady: false, why: 'no snapshot yet' },
    ]),
  );
  const reply = await app.inject({ method: 'GET', url: '/readyz' });
  expect(reply.statusCode).toBe(503);
  expect(reply.json()).toMatchObject({
    status: 'not ready',
    checks: [{ name: 'ledger' }, { name: 'control', why: 'no snapshot yet' }],
  });
  await app.close();
});

test('the page tells what listens where, runs nothing and escapes what it shows', async () => {
  const app = await createAdminApp(options());
  const reply = await app.inject({ method: 'GET', url: '/' });
  expect(reply.headers['content-type']).toContain('text/html');
  expect(reply.headers['content-security-policy']).toContain("default-src 'none'");
  expect(reply.body).toContain('http://127.0.0.1:8080');
  expect(reply.body).toContain('Snowflake &lt;drivers&gt;');
  expect(reply.body).not.toContain('<script');
  expect(reply.body).not.toContain('openapi.json');
  await app.close();
});

test('it listens on any free port, stops twice without a word, and frees the port', async () => {
  const server = await startAdmin({ ...options(), host: '127.0.0.1', port: 0 });
  expect(server.url).toBe(`http://127.0.0.1:${server.port}`);
  expect((await fetch(`${server.url}/livez`)).status).toBe(200);
  await server.stop(new AbortController().signal);
  await server.stop(AbortSignal.abort());
  await expect(fetch(`${server.url}/livez`)).rejects.toThrow();
});

/** The API over a database, for who has the token `token`. */
function appOver(db: Database): ReturnType<typeof createAdminApp> {
  const clock = manualClock();
  return createAdminApp({
    ...options(),
    api: {
      db,
      ledger: createLedger(db, clock),
      clock,
      token: 'token',
      ids: systemIds(),
      sealKeys: SEAL_KEYS,
    },
  });
}

test('without its database the API says 503 and what to do, and tells no secret', async () => {
  const db = openTestPool('postgres://someone:secret@127.0.0.1:1/nowhere', 1);
  const app = await appOver(db);
  const headers = { authorization: 'Bearer token' };
  const replies = [
    await app.inject({ method: 'GET', url: '/api/v1/teams', headers }),
    await app.inject({
      method: 'PUT',
      url: '/api/v1/budgets/sales',
      headers,
      payload: { limitCredits: '1', reason: 'x' },
    }),
  ];
  for (const reply of replies) {
    expect(reply.statusCode).toBe(503);
    expect(reply.json()).toMatchObject({ status: 503, title: 'Database unavailable' });
    expect(reply.body).not.toContain('secret');
  }
  await app.close();
  await db.stop();
});

test('before a database that takes no writes a write is a 503 that says so, and nobody calls it a bug', async () => {
  const standby = Object.assign(new Error('cannot execute INSERT in a read-only transaction'), {
    code: '25006',
  });
  const refuse = (): Promise<never> => Promise.reject(standby);
  const db = { query: refuse, transaction: refuse } as unknown as Database;
  const app = await appOver(db);
  const headers = { authorization: 'Bearer token' };
  const reply = await app.inject({ method: 'GET', url: '/api/v1/teams', headers });
  expect(reply.json()).toMatchObject({
    status: 503,
    title: 'Database unavailable',
    detail: 'The database takes no writes now; nothing was changed. Send it again later.',
  });
  await app.close();
});

test('an empty admin token lets nobody in', async () => {
  const db = openTestPool('postgres://someone@127.0.0.1:1/nowhere', 1);
  const clock = manualClock();
  const app = await createAdminApp({
    ...options(),
    api: {
      db,
      ledger: createLedger(db, clock),
      clock,
      token: '',
      ids: systemIds(),
      sealKeys: SEAL_KEYS,
    },
  });
  for (const authorization of ['', 'Bearer ', 'Bearer x']) {
    const reply = await app.inject({
      method: 'GET',
      url: '/api/v1/teams',
      headers: { authorization },
    });
    expect(reply.statusCode).toBe(401);
  }
  await app.close();
  await db.stop();
});
