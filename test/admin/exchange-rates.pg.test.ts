import { afterAll, beforeAll, expect, test } from 'vitest';
import { NOVEMBER_5 } from '../support/metered-month.js';
import { type AdminReply, type AdminWorld, createAdminWorld } from './world.js';

let world: AdminWorld;
const tokens: Record<string, string> = {};
beforeAll(async () => {
  world = await createAdminWorld();
  world.clock.set(NOVEMBER_5);
  for (const name of ['ann', 'ben']) tokens[name] = await world.issue({ role: 'finance' });
  tokens['lead'] = await world.issue({ role: 'team-lead', team: 'marketing' });
});
afterAll(() => world.close());

function call(
  who: string,
  method: 'GET' | 'POST',
  path: string,
  body?: object,
): Promise<AdminReply> {
  return world.call(method, `/api/v1/exchange-rates${path}`, body, {
    authorization: `Bearer ${tokens[who] ?? ''}`,
  });
}

const EUR = { to: 'EUR', rate: '0.9213', fromDay: '2026-10-01', source: 'ECB, 30 October 2026' };
const enter = (rates: readonly object[], who = 'ann'): Promise<AdminReply> =>
  call(who, 'POST', '', { rates, reason: 'rates of October' });

test('a rate is held until another person accepts it, once, and every word of it is in the audit log', async () => {
  const made = await enter([EUR]);
  expect(made.status).toBe(200);
  const [rate] = made.json['rates'] as Record<string, unknown>[];
  expect(rate).toMatchObject({
    from: 'USD',
    to: 'EUR',
    rate: '0.921300000000',
    fromDay: '2026-10-01',
    toDay: '2026-10-31',
    state: 'held',
    decidedBy: null,
  });
  const path = `/${String(rate?.['id'])}/decision`;
  const word = { decision: 'accepted', reason: 'as the ECB has it' };
  const own = await call('ann', 'POST', path, word);
  expect([own.status, own.json['detail']]).toEqual([
    403,
    'You entered this rate, so somebody else has to accept it.',
  ]);
  const other = await call('ben', 'POST', path, word);
  expect([other.status, (other.json['rate'] as Record<string, unknown>)['state']]).toEqual([
    200,
    'accepted',
  ]);
  const again = await call('ben', 'POST', path, { ...word, decision: 'declined' });
  expect([again.status, again.json['detail']]).toMatchObject([409, /is accepted already/]);
  const { json } = await world.call('GET', '/api/v1/audit?limit=2');
  expect((json['events'] as Record<string, unknown>[]).map((event) => event['action'])).toEqual([
    'exchangeRate.accept',
    'exchangeRate.enter',
  ]);
});

test('the one who entered a rate may decline it; an unknown one is not found', async () => {
  const made = await enter([{ ...EUR, toDay: '2026-12-31' }]);
  const [rate] = made.json['rates'] as Record<string, unknown>[];
  const word = { decision: 'declined', reason: 'a slip' };
  const own = await call('ann', 'POST', `/${String(rate?.['id'])}/decision`, word);
  expect(own.status).toBe(200);
  for (const id of ['999', 'x', '-1'])
    expect((await call('ben', 'POST', `/${id}/decision`, word)).status, id).toBe(404);
});

test('bad input names field, rule and way out, and of several rates none is written', async () => {
  const before = (await call('ann', 'GET', '')).json['rates'];
  for (const [more, field] of [
    [{ to: 'USD' }, 'rates.1.to'],
    [{ to: 'euro' }, 'rates.1.to'],
    [{ rate: '0' }, 'rates.1.rate'],
    [{ rate: '-1' }, 'rates.1.rate'],
    [{ rate: '1e3' }, 'rates.1.rate'],
    [{ rate: '0.1234567890123' }, 'rates.1.rate'],
    [{ rate: '1000000000000' }, 'rates.1.rate'],
    [{ fromDay: '2026-02-30' }, 'rates.1.fromDay'],
    [{ fromDay: '1999-10-01' }, 'rates.1.fromDay'],
    [{ toDay: '2026-09-30' }, 'rates.1.toDay'],
    [{ source: ' ' }, 'rates.1.source'],
  ] as const) {
    const refused = await enter([EUR, { ...EUR, ...more }]);
    expect(refused.status, field).toBe(400);
    expect(JSON.stringify(refused.json['errors'])).toContain(field);
  }
  expect((await enter([])).status).toBe(400);
  expect((await call('ann', 'GET', '')).json['rates']).toEqual(before);
});

test('a team lead neither sees nor enters rates, and the list goes page by page', async () => {
  expect((await call('lead', 'GET', '')).status).toBe(403);
  expect((await enter([EUR], 'lead')).status).toBe(403);
  await enter([EUR, { ...EUR, to: 'JPY', rate: '149.5' }, { ...EUR, to: 'KWD', rate: '0.307' }]);
  const page = await call('ann', 'GET', '?limit=2');
  expect((page.json['rates'] as { to: string }[]).map(({ to }) => to)).toEqual(['KWD', 'JPY']);
  const next = await call('ann', 'GET', `?limit=1&cursor=${String(page.json['nextCursor'])}`);
  expect((next.json['rates'] as { to: string }[]).map(({ to }) => to)).toEqual(['EUR']);
});
