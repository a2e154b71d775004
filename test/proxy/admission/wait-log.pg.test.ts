import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../../../base/log.js';
import { createMetrics } from '../../../base/metrics.js';
import { systemClock } from '../../../base/time.js';
import { readAttainment } from '../../../admin/stores/slo-store.js';
import { isGood, WaitLog } from '../../../proxy/admission/wait-log.js';
import { WAIT_OUTCOMES, type WaitEvent } from '../../../proxy/admission/wait-rows.js';
import { seeded } from '../../policies/lanes/support.js';
import { buildTicketId } from '../../support/builders.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

const HOUR_MS = 3_600_000;
const FROM = Date.UTC(2026, 10, 23, 9);

function eventOf(changes: Partial<WaitEvent>): WaitEvent {
  return {
    ticketId: buildTicketId(),
    tier: 'interactive',
    teamId: 'marketing',
    at: FROM,
    waitedMs: 0,
    outcome: 'admitted',
    targetMs: 2000,
    ...changes,
  };
}

test.each<[string, Partial<WaitEvent>, boolean | null]>([
  ['begins in time', { waitedMs: 2000 }, true],
  ['begins a millisecond late', { waitedMs: 2001 }, false],
  ['finds the queue full at once', { outcome: 'full' }, false],
  ['has waited as long as it may', { outcome: 'timeout', waitedMs: 120_000 }, false],
  ['is lost by us', { outcome: 'lost' }, false],
  ['is cancelled in time', { outcome: 'cancelled', waitedMs: 2000 }, null],
  ['is cancelled after it should have begun', { outcome: 'cancelled', waitedMs: 2001 }, false],
  ['is in a tier that promises nothing', { targetMs: null }, null],
])('a statement that %s', (_name, changes, good) => {
  expect(isGood(eventOf(changes))).toBe(good);
});

/** `name{tier="…",…} value` lines of a metric. */
async function samples(
  metrics: ReturnType<typeof createMetrics>,
  name: string,
): Promise<readonly { readonly labels: string; readonly value: number }[]> {
  const { body } = await metrics.render();
  return body.split('\n').flatMap((line) => {
    const match = /^(\w+)\{(.*)\} (\S+)$/.exec(line);
    return match?.[1] === name ? [{ labels: match[2] ?? '', value: Number(match[3]) }] : [];
  });
}

test('attainment from the histogram, from the counter, from raw events and from the view are one number', async () => {
  const metrics = createMetrics();
  const log = new WaitLog({
    db: database.db,
    log: silentLog,
    clock: systemClock,
    metrics,
  });
  const random = seeded(4);
  const events = Array.from({ length: 5_000 }, () =>
    eventOf({
      at: FROM + Math.floor(random() * 3 * HOUR_MS),
      // Many of them at the edge of what is promised.
      waitedMs: 1990 + Math.floor(random() * 20),
      outcome: WAIT_OUTCOMES[Math.floor(random() ** 3 * WAIT_OUTCOMES.length)] ?? 'admitted',
    }),
  );
  for (const event of events) log.note(event);
  await log.flush();
  const raw = events.map(isGood).filter((good) => good !== null);
  const good = raw.filter((each) => each).length;
  expect(good).toBeGreaterThan(500);
  expect(raw.length).toBeGreaterThan(good + 500);

  const buckets = await samples(metrics, 'tollgate_queue_wait_seconds_bucket');
  const upTo = (le: string, outcome: string): number =>
    buckets.find(({ labels }) => labels.includes(`le="${le}"`) && labels.includes(`"${outcome}"`))
      ?.value ?? 0;
  const all = WAIT_OUTCOMES.reduce((sum, outcome) => sum + upTo('+Inf', outcome), 0);
  expect(upTo('2', 'admitted') / (all - upTo('2', 'cancelled'))).toBe(good / raw.length);

  const counted = await samples(metrics, 'tollgate_slo_statements_total');
  expect(counted.map(({ value }) => value).sort((a, b) => a - b)).toEqual(
    [good, raw.length - good].sort((a, b) => a - b),
  );

  const { rows } = await database.db.query<{ valid: string; good: string }>(
    `SELECT sum(valid)::text AS valid, sum(good)::text AS good FROM slo_attainment`,
  );
  expect(rows).toEqual([{ valid: String(raw.length), good: String(good) }]);
  const days = await readAttainment(database.db, {
    by: 'day',
    from: FROM,
    to: FROM + 24 * HOUR_MS,
    limit: 10,
  });
  expect(days.map((day) => [day.tier, day.valid, day.good, day.attained_percent])).toEqual([
    ['interactive', String(raw.length), String(good), ((100 * good) / raw.length).toFixed(3)],
  ]);
  const hours = { by: 'hour', from: FROM, to: FROM + 24 * HOUR_MS, limit: 10 } as const;
  expect(await readAttainment(database.db, hours)).toHaveLength(3);
  await log.stop();
});
