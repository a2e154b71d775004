/** Shapes above a run rate as the API tells them, and one that is lifted. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { demoControlDocument } from '../../policies/control/demo.js';
import { spendShape } from './spent-shapes.js';
import { type AdminWorld, createAdminWorld } from './world.js';

const FAST = 'a'.repeat(32);
const SLOW = 'b'.repeat(32);
const OTHER = 'c'.repeat(32);
let world: AdminWorld;

beforeAll(async () => {
  world = await createAdminWorld({
    first: {
      ...demoControlDocument(),
      runRates: [{ id: 'dashboards', limitMoneyPerMonth: '5000', mode: 'enforce' }],
    },
  });
  // A run a minute for a quarter of an hour; the second costs a hundredth.
  await spendShape(world, 'marketing', FAST, '0.386666666667');
  await spendShape(world, 'marketing', SLOW, '0.003866666667');
  await spendShape(world, 'sales', OTHER, '0.2');
});
afterAll(() => world.close());

const shapesOf = async (token?: string): Promise<readonly Record<string, unknown>[]> => {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const { json } = await world.call('GET', '/api/v1/run-rates', undefined, headers);
  return json['shapes'] as Record<string, unknown>[];
};

test('shapes above a run rate are told with pace, limit, state and what they have spent, the fastest first', async () => {
  const shapes = await shapesOf();
  expect(shapes.map(({ fingerprint }) => fingerprint)).toEqual([FAST, OTHER]);
  expect(shapes[0]).toMatchObject({
    team: 'marketing',
    runRate: 'dashboards',
    rung: 'stop',
    mode: 'enforce',
    limitCredits: '1666.666666666667',
    spentCredits: '5.800000000005',
    spentAmount: '17.400000000015',
    currency: 'USD',
    liftedUntil: null,
  });
  expect(Number(shapes[0]?.['projectedAmount'])).toBeGreaterThan(5_000);
});

test('leads see those of their team, and pages end', async () => {
  const lead = await world.issue({ role: 'team-lead', team: 'sales' });
  expect((await shapesOf(lead)).map(({ team }) => team)).toEqual(['sales']);
  const first = await world.call('GET', '/api/v1/run-rates?limit=1');
  const cursor = String(first.json['nextCursor']);
  const second = await world.call('GET', `/api/v1/run-rates?limit=1&cursor=${cursor}`);
  expect(second.json).toMatchObject({ shapes: [{ fingerprint: OTHER }], nextCursor: null });
});

test('one is lifted until a time, by name and reason; bad words are told by field', async () => {
  const word = { team: 'marketing', fingerprint: FAST, until: '4h', reason: 'the quarter ends' };
  const lifted = await world.call('POST', '/api/v1/run-rates/lifts', word);
  expect(lifted.status).toBe(201);
  expect((await shapesOf())[0]).toMatchObject({ rung: 'stop', ...lifted.json });
  const { rows } = await world.database.db.query(
    "SELECT reason FROM audit_event WHERE action = 'pace.lift'",
  );
  expect(rows).toEqual([{ reason: 'the quarter ends' }]);
  for (const [field, value] of [
    ['until', '2020-01-01'],
    ['fingerprint', 'short'],
  ] as const) {
    const bad = await world.call('POST', '/api/v1/run-rates/lifts', { ...word, [field]: value });
    expect([bad.status, JSON.stringify(bad.json)]).toEqual([400, expect.stringContaining(field)]);
  }
  const nobody = await world.call('POST', '/api/v1/run-rates/lifts', { ...word, team: 'nobody' });
  expect(nobody.status).toBe(404);
});
