/** What holds for every reply of the admin listener, whatever the path. */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startAdmin } from '../../admin/server.js';
import { silentLog } from '../../base/log.js';
import { createMetrics } from '../../base/metrics.js';
import { type AdminWorld, createAdminWorld, TOKEN } from './world.js';

let world: AdminWorld;
beforeAll(async () => {
  world = await createAdminWorld();
});
afterAll(() => world.close());

const LIMIT = { limitCredits: '41', reason: 'x' };

describe('headers', () => {
  test.each([
    '/',
    '/livez',
    '/metrics',
    '/nothing',
    '/api/v1/openapi.json',
    '/api/v1/teams',
    '/api/v1/teams/nobody',
    '/api/v1/nothing',
    '/api/v1/audit/export.jsonl',
    '/%zz',
  ])('of %s keep it out of frames, caches and other sites', async (url) => {
    for (const authorization of ['', `Bearer ${TOKEN}`]) {
      const { headers } = await world.app.inject({
        method: 'GET',
        url,
        headers: { authorization, origin: 'https://elsewhere.example' },
      });
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
      });
      expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
      expect(headers['content-security-policy']).toContain("default-src 'none'");
      const cors = Object.keys(headers).filter((name) => name.startsWith('access-control-'));
      expect(cors).toEqual([]);
      expect(headers).not.toHaveProperty('set-cookie');
    }
  });

  test('no preflight is answered: browsers of other sites stay out', async () => {
    const reply = await world.app.inject({
      method: 'OPTIONS',
      url: '/api/v1/budgets/sales',
      headers: { origin: 'https://elsewhere.example', 'access-control-request-method': 'PUT' },
    });
    expect(reply.statusCode).toBe(405);
    expect(Object.keys(reply.headers).join()).not.toContain('access-control');
  });
});

describe('a write from a page', () => {
  const put = (headers: Readonly<Record<string, string>>) =>
    world.call('PUT', '/api/v1/budgets/sales', LIMIT, { host: 'tollgate.example', ...headers });

  test.each([
    { origin: 'https://elsewhere.example' },
    { origin: 'null' },
    { origin: 'http://tollgate.example.elsewhere' },
    { origin: 'http://tollgate.example:8081' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'cross-site', origin: 'http://tollgate.example' },
  ] as const)('of another site is refused: %j', async (headers) => {
    const reply = await put(headers);
    expect(reply.status).toBe(403);
    expect(reply.type).toContain('problem+json');
  });

  test('of our own, or of a script, is not', async () => {
    expect((await put({ origin: 'http://tollgate.example' })).status).toBe(200);
    expect((await put({ 'sec-fetch-site': 'same-origin' })).status).toBe(200);
    expect((await put({})).status).toBe(200);
  });
});

describe('problems', () => {
  test.each([
    ['GET', '/api/v1/nothing', 404],
    ['GET', '/api/v1/teams/', 404],
    ['GET', '/api/v1//teams', 404],
    ['GET', '/API/v1/teams', 404],
    ['POST', '/api/v1/teams', 405],
    ['PUT', '/api/v1/tickets/x', 405],
    ['POST', '/livez', 405],
    ['GET', '/%zz', 400],
    ['GET', '/api/v1/teams/a%00b', 400],
    ['GET', `/api/v1/teams/${'x'.repeat(300)}`, 414],
    ['GET', '/api/v1/teams?limit=0', 400],
    ['GET', '/api/v1/teams?limit=501', 400],
    ['GET', '/api/v1/teams?limit=x', 400],
    ['GET', '/api/v1/teams?limit=1&limit=2', 400],
    ['GET', '/api/v1/tickets?from=2026-07-02&to=2026-07-01', 400],
    ['GET', '/api/v1/tickets?state=LOST', 400],
  ] as const)('%s %s is a %d with problem details', async (method, url, status) => {
    const reply = await world.call(method, url);
    expect(reply.status).toBe(status);
    expect(reply.type).toContain('application/problem+json');
    expect(reply.json).toMatchObject({ type: 'about:blank', status });
    expect(String(reply.json['detail']).length).toBeGreaterThan(10);
    if (status === 405) expect(reply.headers).toHaveProperty('allow');
  });

  test('a path that takes other methods names them', async () => {
    const reply = await world.call('POST', '/api/v1/budgets/sales');
    expect(reply.headers['allow']).toBe('GET, HEAD, PUT');
    expect(reply.text).toContain('GET, HEAD, PUT');
  });

  test('text that Postgres cannot keep is refused by name, and no hash of the audit log suffers', async () => {
    for (const escape of [String.raw`\u0000`, String.raw`\ud800`]) {
      const reply = await world.app.inject({
        method: 'PUT',
        url: '/api/v1/budgets/sales',
        payload: `{"limitCredits":"1","reason":"a${escape}"}`,
        headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      });
      expect(reply.statusCode).toBe(400);
    }
  });

  test('what is not HTTP gets problem details too, and the connection ends', async () => {
    const server = await startAdmin({
      log: silentLog,
      metrics: createMetrics(),
      readiness: () => [],
      listeners: () => [],
      api: null,
      host: '127.0.0.1',
      port: 0,
    });
    for (const [sent, status] of [
      ['NONSENSE\r\n\r\n', 400],
      [`GET / HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
    ] as const) {
      const reply = await new Promise<string>((resolve, reject) => {
        let text = '';
        const socket = connect(server.port, '127.0.0.1', () => socket.write(sent));
        socket.on('data', (part: Buffer) => (text += part.toString()));
        socket.on('error', reject);
        socket.on('close', () => resolve(text));
      });
      expect(reply).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
      expect(reply).toContain('application/problem+json');
      expect(reply).toContain(`"status":${status}`);
    }
    await server.stop(AbortSignal.abort());
  });
});

describe('a cursor', () => {
  test('that is not one of this list is a 400 that names it', async () => {
    const { json } = await world.call('GET', '/api/v1/teams?limit=1');
    const ofTeams = String(json['nextCursor']);
    const lists = ['budgets', 'principals', 'tickets', 'requests', 'tokens', 'audit'];
    for (const list of lists)
      for (const cursor of [
        ofTeams,
        'x',
        '',
        'e30',
        Buffer.from(`["${list}"]`).toString('base64url'),
      ]) {
        const reply = await world.call('GET', `/api/v1/${list}?cursor=${cursor}`);
        expect(reply.status, `${list} ${cursor}`).toBe(400);
        expect(reply.json['errors']).toMatchObject([{ field: 'querystring.cursor' }]);
      }
  });

  test.each([
    ['tickets', ['0000-01-01T00:00:00Z', '00000000-0000-0000-0000-000000000000']],
    ['requests', ['0000-01-01T00:00:00Z', '00000000-0000-0000-0000-000000000000']],
    ['tokens', ['2026-01-01T00:00:00Z', 'a\0']],
    ['notifications', '9999999999999999999'],
  ])('of %s with what Postgres cannot hold is a 400 too', async (list, key) => {
    const cursor = Buffer.from(JSON.stringify([list, key])).toString('base64url');
    const reply = await world.call('GET', `/api/v1/${list}?cursor=${cursor}`);
    expect(reply).toMatchObject({
      status: 400,
      json: { errors: [{ field: 'querystring.cursor' }] },
    });
  });

  test('days that do not exist are a 400 that names the field', async () => {
    const decision = { account: 'demo', ratingType: 'COMPUTE', serviceType: 'WAREHOUSE_METERING' };
    const dispute = { team: 'marketing', month: '2026-10', amount: '1.00', reason: 'not ours' };
    const days: [string, Readonly<Record<string, string>>, string][] = [
      ['prices/decisions', { ...decision, decision: 'accept', reason: 'ours' }, 'from'],
      ['disputes', dispute, 'dueOn'],
    ];
    for (const [route, body, field] of days)
      for (const day of ['0000-00-00', '0000-01-01', '2027-02-30']) {
        const reply = await world.call('POST', `/api/v1/${route}`, { ...body, [field]: day });
        expect(reply, `${route} ${day}`).toMatchObject({
          status: 400,
          json: { errors: [{ field }] },
        });
      }
    expect((await world.call('GET', '/api/v1/tiers?from=0000-01-01')).status).toBe(400);
  });

  test('leads through all rows once, whatever the size of the pages', async () => {
    for (const list of ['teams', 'budgets', 'principals']) {
      const whole = await ids(list, 500);
      expect(whole.length, list).toBeGreaterThan(14);
      expect(whole).toEqual(whole.toSorted());
      for (const limit of [1, 4, whole.length - 1, whole.length])
        expect(await ids(list, limit), `${list} by ${limit}`).toEqual(whole);
    }
  });
});

async function ids(list: string, limit: number): Promise<readonly string[]> {
  const seen: string[] = [];
  let query = '';
  for (;;) {
    const { status, json } = await world.call('GET', `/api/v1/${list}?limit=${limit}${query}`);
    expect(status).toBe(200);
    const rows = json[list] as { id: string }[];
    expect(rows.length).toBeLessThanOrEqual(limit);
    seen.push(...rows.map(({ id }) => id));
    if (json['nextCursor'] === null) return seen;
    query = `&cursor=${json['nextCursor'] as string}`;
  }
}
