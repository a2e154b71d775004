import { afterAll, beforeAll, expect, test } from 'vitest';
import { NOVEMBER_5, meter } from '../support/metered-month.js';
import { type AdminReply, type AdminWorld, createAdminWorld } from './world.js';

let world: AdminWorld;
const tokens: Record<string, string> = {};
beforeAll(async () => {
  world = await createAdminWorld();
  world.clock.set(NOVEMBER_5);
  for (const name of ['ann', 'ben']) tokens[name] = await world.issue({ role: 'finance' });
  await meter(world.database.db, [
    {
      at: '2026-10-01T08:00:00Z',
      lines: [
        { bucket: 'direct', team: 'marketing', credits: '2.5' },
        { bucket: 'idle', team: null, credits: '0.5' },
      ],
    },
  ]);
});
afterAll(() => world.close());

function step(who: string, path: string, body: object = {}, key?: string): Promise<AdminReply> {
  return world.call('POST', `/api/v1/closes/2026-10/${path}`, body, {
    authorization: `Bearer ${tokens[who] ?? ''}`,
    ...(key === undefined ? {} : { 'idempotency-key': key }),
  });
}

test('an open month tells what it comes to, how it agrees, and that nothing stands in its way', async () => {
  const { status, json } = await world.call('GET', '/api/v1/closes/2026-10');
  expect(status).toBe(200);
  expect(json).toMatchObject({
    state: 'open',
    version: 0,
    totalAmount: '9.000000000000',
    problems: [],
    steps: [],
    approvalsNeeded: 1,
    reconciliation: { differenceCredits: '0.000000000000', open: [], invoicedAmount: null },
  });
  const running = await world.call('GET', '/api/v1/closes/2026-11');
  expect(running.json['problems']).toContainEqual({
    what: 'month',
    subject: 'the month',
    why: 'goes on until 2026-12-01T00:00:00.000Z',
    wayOut: 'wait for its end',
  });
});

test('steps are refused with rule and way out, and leave nothing behind', async () => {
  const early = await step('ann', 'approve');
  expect([early.status, early.json['detail']]).toEqual([409, '2026-10 is open.']);
  const none = await world.call('POST', '/api/v1/closes/2026-08/freeze', {});
  expect([none.status, none.json['detail']]).toEqual([
    409,
    'Nothing was metered, charged or booked in 2026-08.',
  ]);
  const nonsense = await world.call('POST', '/api/v1/closes/october/freeze', {});
  expect(nonsense.status).toBe(400);
  const silent = await step('ann', 'reopen', {});
  expect([silent.status, silent.json['errors']]).toEqual([
    400,
    [expect.objectContaining({ field: 'reason' })],
  ]);
  expect((await world.call('GET', '/api/v1/closes')).json).toEqual({
    closes: [],
    nextCursor: null,
  });
});

test('a month is closed by two people, once under a key, and every step is in the audit log', async () => {
  const frozen = await step('ann', 'freeze', {}, 'freeze-october');
  expect([frozen.status, frozen.json['state']]).toEqual([200, 'softClosed']);
  const again = await step('ann', 'freeze', {}, 'freeze-october');
  expect(again.headers['idempotency-replayed']).toBe('true');
  expect(again.json).toEqual(frozen.json);
  expect((await step('ann', 'propose')).status).toBe(200);
  const own = await step('ann', 'approve');
  expect([own.status, own.json['detail']]).toEqual([
    403,
    'You have proposed 2026-10 yourself, so another person has to approve it.',
  ]);
  expect((await step('ben', 'approve')).json['state']).toBe('approved');
  const closed = await step('ann', 'close', { reason: 'October' });
  expect(closed.json).toMatchObject({ state: 'closed', version: 1, approvals: [{}] });
  const twice = await step('ben', 'close');
  expect([twice.status, twice.json['detail']]).toEqual([
    409,
    expect.stringMatching(/^2026-10 is closed already \(version 1, closed by .* at 2026-11-05T/),
  ]);
  const audit = await world.call('GET', '/api/v1/audit?subject=month/2026-10');
  const actions = (audit.json['events'] as { action: string }[]).map(({ action }) => action);
  expect(actions).toEqual(['close.close', 'close.approve', 'close.propose', 'close.freeze']);
  const first = await world.call('GET', '/api/v1/closes/2026-10?version=1');
  expect(first.json).toEqual(closed.json);
  expect((await world.call('GET', '/api/v1/closes/2026-10?version=2')).status).toBe(404);
});
