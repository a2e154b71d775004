/** A closed month through the API: nothing that is called or run later changes it, and each version is read as it stood. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sumStaleDays } from '../../billing/bills/day-sums.js';
import { rebuildChargeSums } from '../../billing/rollup/charge-sums.js';
import { rebuildHours } from '../../billing/rollup/charge-hours.js';
import { billPeriods } from '../../billing/true-up/bill-periods.js';
import { postDeltas } from '../../billing/true-up/post-deltas.js';
import { allocateUsage, derivePricesOf } from '../../cli/usage-import.js';
import { NOVEMBER_5, meter } from '../support/metered-month.js';
import { TOKEN, type AdminReply, type AdminWorld, createAdminWorld } from './world.js';

const FORMS = ['json', 'csv', 'pdf', 'xlsx'] as const;
const HOUR_MS = 3_600_000;
const tokens: Record<string, string> = {};
let world: AdminWorld;
/** The files of version 1 as they were when it was closed. */
let closed: readonly string[] = [];

beforeAll(async () => {
  world = await createAdminWorld();
  world.clock.set(NOVEMBER_5);
  for (const name of ['ann', 'ben']) tokens[name] = await world.issue({ role: 'finance' });
  await meterMarketing('2.5');
  await closeBy('freeze');
  closed = await filesAsOf();
});
afterAll(() => world.close());

function meterMarketing(credits: string): Promise<void> {
  return meter(world.database.db, [
    {
      at: '2026-10-01T08:00:00Z',
      lines: [
        { bucket: 'direct', team: 'marketing', credits },
        { bucket: 'idle', team: null, credits: '0.5' },
      ],
    },
  ]);
}

function step(who: string, path: string, reason = 'because'): Promise<AdminReply> {
  return world.call(
    'POST',
    `/api/v1/closes/2026-10/${path}`,
    { reason },
    {
      authorization: `Bearer ${tokens[who] ?? ''}`,
    },
  );
}

async function closeBy(first: 'freeze' | 'reopen'): Promise<void> {
  for (const [who, path] of [
    ['ann', first],
    ['ann', 'propose'],
    ['ben', 'approve'],
    ['ben', 'close'],
  ] as const)
    expect((await step(who, path)).status, path).toBe(200);
}

/** Forms of marketing's bill, in hexadecimal. @param asOf absent: the version in force. */
async function filesAsOf(
  asOf?: string,
  forms: readonly string[] = FORMS,
): Promise<readonly string[]> {
  const files: string[] = [];
  for (const form of forms) {
    const reply = await world.app.inject({
      method: 'GET',
      url: `/api/v1/bills/marketing/2026-10.${form}${asOf === undefined ? '' : `?asOf=${asOf}`}`,
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    expect(reply.statusCode, form).toBe(200);
    files.push(reply.rawPayload.toString('hex'));
  }
  return files;
}

test('criterion 18: every step but reopening, and a booking, is refused on a closed month, with rule and way out', async () => {
  for (const path of ['freeze', 'propose', 'sign-off', 'approve', 'return', 'close']) {
    const refused = await step('ben', path);
    expect([path, refused.status]).toEqual([path, 409]);
    expect(refused.json['detail']).toMatch(/^2026-10 is closed( already)? \(version 1, closed by /);
    expect(refused.json['errors']).toMatchObject([
      { field: 'month', wayOut: expect.stringContaining('--reopen') as string },
    ]);
  }
  const booked = await world.call('POST', '/api/v1/adjustments', {
    creditedTeam: 'marketing',
    debitedTeam: 'sales',
    amount: '1.00',
    reason: 'because',
    month: '2026-10',
  });
  expect([booked.status, booked.json['errors']]).toMatchObject([409, [{ field: 'month' }]]);
  expect(await filesAsOf(undefined, ['json'])).toEqual(closed.slice(0, 1));
});

test('criterion 18: what comes late, and every job run again, leaves every file of it as it was, to the byte', async () => {
  const { db } = world.database;
  await meterMarketing('7');
  await db.query("UPDATE usage_warehouse_hour SET is_stale = true WHERE warehouse_id = 'BATCH_WH'");
  await allocateUsage(db, 'demo');
  await derivePricesOf(db, 'demo');
  await sumStaleDays(db, 'demo', NOVEMBER_5);
  await rebuildHours(db);
  await rebuildChargeSums(db);
  await postDeltas(db, NOVEMBER_5);
  await billPeriods(db, NOVEMBER_5);
  expect(await filesAsOf()).toEqual(closed);
});

test('criterion 23: a bill of a version that was superseded is read as it stood, to the byte, and the trail names each step', async () => {
  await meterMarketing('4');
  world.clock.set(NOVEMBER_5 + 2 * HOUR_MS);
  await closeBy('reopen');
  const now = await filesAsOf(undefined, ['json']);
  expect(now).not.toEqual(closed.slice(0, 1));
  expect(await filesAsOf('2026-11-05T01:00:00Z')).toEqual(closed);
  expect(await filesAsOf('2026-11-05T02:00:00Z', ['json'])).toEqual(now);
  const { json } = await world.call('GET', '/api/v1/audit?subject=month/2026-10');
  const events = (json['events'] as { action: string; after: { version: number } }[]).map(
    ({ action, after }) => `${action} ${after.version}`,
  );
  expect(events.toReversed()).toEqual(
    [
      'freeze 1',
      'propose 1',
      'approve 1',
      'close 1',
      'reopen 2',
      'propose 2',
      'approve 2',
      'close 2',
    ].map((text) => `close.${text}`),
  );
});

test('a bill before its month was closed, and an instant that is none, are refused with the way out', async () => {
  const early = await world.call('GET', '/api/v1/bills/marketing/2026-10.json?asOf=2026-11-04');
  expect([early.status, early.json['detail'], early.json['errors']]).toEqual([
    404,
    '2026-10 was not closed at 2026-11-04T00:00:00.000Z.',
    [
      expect.objectContaining({
        field: 'asOf',
        wayOut: 'GET /api/v1/closes lists the versions, and when each was closed',
      }),
    ],
  ]);
  const none = await world.call('GET', '/api/v1/exports/2026-10/bills.zip?asOf=yesterday');
  expect([none.status, none.json['errors']]).toMatchObject([400, [{ field: 'querystring.asOf' }]]);
});
