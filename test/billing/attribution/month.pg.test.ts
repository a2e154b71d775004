/**
 * A month of warehouses that come and go, with more clusters and other sizes on the way, statements that cross hours and days,
 * short ones, some past Tollgate, some of nobody, and services. Criteria 1 to 4, 6, 14, 15 and 20 of the billing domain, through the
 * database: in `npm test` one month, in `npm run test:long -- metered-months` many, with twice the warehouses.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Transaction } from '../../../base/postgres/pool.js';
import { must } from '../../../base/assert.js';
import { parseCredits, parseMoney } from '../../../base/units.js';
import { allocateStaleHours } from '../../../billing/attribution/allocate-hours.js';
import { explainHour } from '../../../billing/attribution/explain-hour.js';
import { coveragePercent, readBypass } from '../../../billing/attribution/read-bypass.js';
import { COST_DIMENSIONS, readCost } from '../../../billing/attribution/read-cost.js';
import type { Cost, CostDimension } from '../../../billing/attribution/read-cost.js';
import { readServices } from '../../../billing/attribution/services/read-services.js';
import { readReconciliation } from '../../../billing/read-reconciliation.js';
import {
  ACCOUNT,
  ALLOCATION,
  allocatedBytes,
  allocateMonth,
  billFiles,
  fillMonth,
  planted,
  storeRows,
  VIEWS,
} from '../../support/allocated-month.js';
import { createTestDatabase, expectInvariants } from '../../support/database.js';
import type { TestDatabase } from '../../support/database.js';
import { drawer, shuffled } from '../../support/drawer.js';
import { longRun } from '../../support/long-run.js';
import { HOUR_MS, RATES } from '../../support/warehouse-life.js';
import {
  hourKey,
  PRICE,
  type WarehouseMonth,
  warehouseMonth,
} from '../../support/warehouse-month.js';

const OCTOBER = Date.UTC(2026, 9, 1);
const run = longRun('metered-months', 30);
const DAYS = run.count;
const MONTH = { startsAt: OCTOBER, endsAt: OCTOBER + DAYS * 24 * HOUR_MS };
/** Minutes that each warehouse sleeps at most: a busy one, and one of long nights. */
const RESTS = run.isLong ? [240, 1500, 30, 600] : [240, 1500];
const SHAPE = { seed: run.seed, startsAt: OCTOBER, days: DAYS, restMinutesMax: RESTS };
const usage = warehouseMonth(SHAPE);
let first: TestDatabase;
let second: TestDatabase;
beforeAll(async () => {
  [first, second] = [await createTestDatabase(), await createTestDatabase()];
  await fillMonth(first, usage);
  await allocateMonth(first);
});
afterAll(async () => {
  await first?.drop();
  await second?.drop();
});

const iso = (at: number): string => new Date(at).toISOString();

function cost(
  db: TestDatabase['db'],
  by: CostDimension,
  teamId: string | null = null,
): Promise<Cost> {
  return readCost(db, {
    period: MONTH,
    by,
    teamId,
    priceAt: () => parseMoney('3'),
    rowsMax: 100_000,
  });
}

test('criteria 1 and 2: every hour, day and month is what was metered and billed, to the last unit', async () => {
  await expectInvariants(first.db);
  const { rows } = await first.db.query<{ hours: string; buckets: string; methods: string }>(
    `SELECT (SELECT count(*) FROM usage_warehouse_hour WHERE NOT is_stale) AS hours,
       (SELECT string_agg(DISTINCT bucket || coalesce(':' || reason, ''), ' ') FROM allocation_line) AS buckets,
       (SELECT string_agg(DISTINCT method, ' ') FROM usage_warehouse_hour) AS methods,
       (SELECT count(*) FROM allocation_share) > 1000 AS shared, (SELECT count(DISTINCT kind) FROM service_line) AS kinds,
       (SELECT count(*) FROM service_day WHERE is_stale) AS stale_days`,
  );
  expect(rows).toEqual([
    {
      hours: String(usage.hours.length),
      buckets:
        'bypass direct idle:beforeFirst idle:between idle:notKnown idle:suspendTail idle:unused resumeMinute shortQuery unexplained',
      methods: 'attributed perQuery sweep',
      shared: true,
      kinds: '3',
      stale_days: '0',
    },
  ]);
  const services = await readServices(first.db, {
    firstDay: '2026-10-01',
    lastDay: '2026-10-30',
    by: 'team',
    teamId: null,
    rowsMax: 1000,
  });
  // The account's day has no row of SNOWPIPE and BRAND_NEW yet, so they are above what was billed.
  expect(services.rows.map(({ service, key }) => `${service} ${key}`)).toEqual(
    expect.arrayContaining([
      'SNOWPIPE sales',
      'SNOWPIPE ml',
      'BRAND_NEW null',
      'WAREHOUSE_METERING sales',
    ]),
  );
});

interface HourSums {
  readonly warehouse_id: string;
  readonly starts_at: Date;
  readonly ran: string;
  readonly minute: string;
  readonly idle: string;
  readonly unexplained: string;
}

test('criterion 1: what a swept hour is made of is what its servers did, counted by themselves', async () => {
  const { rows } = await first.db.query<HourSums>(
    `SELECT warehouse_id, starts_at, coalesce(sum(credits) FILTER (WHERE bucket IN ('direct', 'bypass')), 0) AS ran,
       coalesce(sum(credits) FILTER (WHERE bucket = 'resumeMinute'), 0) AS minute,
       coalesce(sum(credits) FILTER (WHERE bucket = 'idle'), 0) AS idle,
       coalesce(sum(credits) FILTER (WHERE bucket = 'unexplained'), 0) AS unexplained
     FROM usage_warehouse_hour JOIN allocation_line USING (account, warehouse_id, starts_at)
     WHERE method = 'sweep' GROUP BY warehouse_id, starts_at ORDER BY warehouse_id, starts_at`,
  );
  const seen = { hours: 0, minutes: 0, idle: 0, whole: 0 };
  for (const row of rows) {
    const key = hourKey(row.warehouse_id, row.starts_at.getTime());
    const truth = usage.truth.get(key);
    if (truth === undefined || truth.isOutlived) continue;
    // The meter rounds to nine decimals, once for each stretch of servers at most.
    const bound = BigInt(truth.stretches + 1) * parseCredits('0.000000001') * BigInt(HOUR_MS);
    const isNear = (amount: string, weight: bigint): boolean => {
      const beside = parseCredits(amount) * BigInt(HOUR_MS) - weight;
      return beside <= bound && -beside <= bound;
    };
    expect({
      key,
      ran: isNear(row.ran, truth.ran),
      minute: isNear(row.minute, truth.minute),
      idle: isNear(row.idle, truth.up - truth.ran),
      unexplained: parseCredits(row.unexplained),
    }).toEqual({ key, ran: true, minute: true, idle: true, unexplained: 0n });
    seen.hours += 1;
    if (truth.minute > 0n) seen.minutes += 1;
    if (truth.up > truth.ran) seen.idle += 1;
    if (truth.up > BigInt(HOUR_MS) * RATES.Large) seen.whole += 1;
  }
  // It looked: at hours of more than one cluster too, and at minutes beyond a stop.
  expect(seen.hours).toBeGreaterThan(DAYS * 8);
  expect(Math.min(seen.minutes, seen.idle)).toBeGreaterThan(DAYS / 3);
  expect(seen.whole).toBeGreaterThan(0);
  run.report({
    months: 1,
    days: DAYS,
    hours: usage.hours.length,
    statements: usage.queries.length,
    events: usage.events.length,
    hoursCompared: seen.hours,
  });
});

test(
  'criteria 4 and 14: rows in any order, other batches and more at once, and three times, come out as the same bytes, of files too',
  { timeout: 60_000 },
  async () => {
    const draw = drawer(run.seed + 1);
    const mixed = Object.fromEntries(
      VIEWS.map(([, rows]) => [rows, shuffled(usage[rows], draw)]),
    ) as unknown as WarehouseMonth;
    await fillMonth(second, mixed, { chunk: 397, views: shuffled(VIEWS, draw) });
    await Promise.all([1, 2].map(() => allocateStaleHours(second.db, ALLOCATION)));
    await allocateMonth(second);
    const wanted = await allocatedBytes(first);
    expect(await allocatedBytes(second)).toBe(wanted);
    expect(await billFiles(second, run.isLong)).toEqual(await billFiles(first, run.isLong));
    for (const times of [2, 3])
      for (const [view, rows] of VIEWS)
        expect([times, view, await storeRows(second, view, usage[rows])]).toEqual([times, view, 0]);
    await allocateMonth(second);
    expect(await allocatedBytes(second)).toBe(wanted);
  },
);

/** An hour of the first warehouse in which statements of two teams ran and something stood idle. */
async function sharedHour(): Promise<number> {
  const { rows } = await first.db.query<{ starts_at: Date }>(
    `SELECT starts_at FROM allocation_line WHERE warehouse_id = '1' GROUP BY starts_at
     HAVING count(DISTINCT team_id) > 1 AND bool_or(bucket = 'idle') ORDER BY starts_at LIMIT 1`,
  );
  return must(rows[0], 'an hour of two teams').starts_at.getTime();
}

test('by whatever is asked, the direct credits of a team are the same; it sees nobody else’s', async () => {
  const direct = (of: Cost): bigint =>
    of.rows.reduce((sum, { byBucket }) => sum + byBucket.direct, 0n);
  const own = direct(await cost(first.db, 'team', 'ml'));
  expect(own > 0n).toBe(true);
  for (const by of COST_DIMENSIONS)
    expect([by, direct(await cost(first.db, by, 'ml'))]).toEqual([by, own]);
  const models = await cost(first.db, 'model', 'ml');
  expect(
    models.rows
      .map(({ key }) => key)
      .filter((key) => key !== null)
      .sort(),
  ).toEqual(['8', '9', 'a', 'b', 'c', 'd', 'e', 'f'].map((digit) => `shop.${digit}`));
  const { rows } = await first.db.query<{ query_id: string }>(
    `SELECT DISTINCT query_id FROM allocation_line WHERE statement_team_id = 'ml'`,
  );
  const ids = new Set(rows.map((row) => row.query_id));
  const seen = await cost(first.db, 'query', 'ml');
  expect(seen.rows.filter(({ key }) => key !== null && !ids.has(key))).toEqual([]);
  const hour = await explainHour(first.db, {
    warehouse: 'wh_1',
    startsAt: await sharedHour(),
    account: null,
    teamId: 'ml',
    linesMax: 100,
  });
  for (const line of hour?.lines ?? [])
    expect(line.queryId === null || ids.has(line.queryId)).toBe(true);
  expect(
    JSON.stringify(hour, (_key, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    ),
  ).not.toContain('sales');
});

test('an hour is explained to its last unit, and what ran past Tollgate is seen with its users', async () => {
  const at = await sharedHour();
  const hour = await explainHour(first.db, {
    warehouse: 'wh_1',
    startsAt: at,
    account: null,
    teamId: null,
    linesMax: 100,
  });
  expect(hour).toMatchObject({
    warehouse: 'WH_1',
    idlePolicy: { entry: 'by-use', policy: 'proRata', version: 1 },
    others: { lines: 0 },
  });
  const lines = hour?.lines ?? [];
  expect(lines.reduce((sum, { credits }) => sum + credits, 0n)).toBe(hour?.meteredCredits);
  for (const line of lines.filter(({ shares }) => shares.length > 0))
    expect(line.shares.reduce((sum, { credits }) => sum + credits, 0n)).toBe(line.credits);
  const bypass = await readBypass(first.db, { period: MONTH, warehouses: ['wh_1'], callersMax: 2 });
  const { rows: days } = await first.db.query(
    `SELECT DISTINCT (starts_at AT TIME ZONE 'UTC')::date FROM allocation_line
     WHERE warehouse_id = '1' AND bucket IN ('direct', 'bypass')`,
  );
  expect(bypass.coverage).toHaveLength(days.length);
  expect(bypass.callers).toHaveLength(2);
  expect(bypass.callersLeftOut).toBeGreaterThan(0);
  expect(Number(coveragePercent(bypass.coverage))).toBeGreaterThan(10);
});

test('criterion 6: what ran past Tollgate is of whom the mapping names; what is of nobody is what no mapping names', async () => {
  const { rows } = await first.db.query<{ unmapped: string; strange: string; mapped: string }>(
    `SELECT sum(l.credits) FILTER (WHERE l.team_id IS NULL) AS unmapped, sum(l.credits) FILTER (WHERE l.team_id IS NOT NULL) AS mapped,
       sum(l.credits) FILTER (WHERE q.snowflake_user = 'STRANGER') AS strange
     FROM allocation_line l JOIN usage_query q USING (account, query_id) WHERE l.bucket = 'bypass'`,
  );
  expect(rows[0]?.unmapped).toBe(rows[0]?.strange);
  const bypass = (await cost(first.db, 'team')).rows.map(({ key, byBucket }) => [
    key,
    byBucket.bypass,
  ]);
  expect(bypass.find(([key]) => key === null)?.[1]).toBe(parseCredits(rows[0]?.unmapped ?? ''));
  expect(bypass.find(([key]) => key === 'sales')?.[1]).toBe(parseCredits(rows[0]?.mapped ?? ''));
});

/** Hours of any warehouse that have lines, drawn anew for each fault. */
async function someHours(seed: number): Promise<readonly HourName[]> {
  const { rows } = await first.db.query<HourName>(
    `SELECT DISTINCT warehouse_id, warehouse, starts_at FROM usage_warehouse_hour JOIN allocation_share USING (account, warehouse_id, starts_at)
     ORDER BY warehouse_id, starts_at`,
  );
  return shuffled(rows, drawer(seed)).slice(0, run.isLong ? 10 : 1);
}

interface HourName {
  readonly warehouse_id: string;
  readonly warehouse: string;
  readonly starts_at: Date;
}

test.each([
  ['a line', 'UPDATE allocation_line SET credits = credits + 1 WHERE $HOUR AND ordinal = 0'],
  [
    'a share',
    'UPDATE allocation_share SET credits = credits + 1 WHERE ctid = (SELECT ctid FROM allocation_share WHERE $HOUR LIMIT 1)',
  ],
  [
    'a metered hour',
    'UPDATE usage_warehouse_hour SET metered_credits = metered_credits + 1 WHERE $HOUR',
  ],
  ['a bucket that is dropped', 'DELETE FROM allocation_line WHERE $HOUR AND ordinal = 0'],
])(
  'criteria 3 and 20: one credit too many or too few in %s is named by warehouse and hour',
  async (what, fault) => {
    for (const hour of await someHours(what.length))
      await planted(first, fault.replaceAll('$HOUR', whereHour(hour)), async (tx) => {
        const { reconciliation } = await readCost(tx, {
          period: MONTH,
          by: 'team',
          teamId: null,
          priceAt: () => undefined,
          rowsMax: 10,
        });
        expect(
          reconciliation.differences.map(({ warehouse, startsAt }) => [warehouse, startsAt]),
        ).toEqual([[hour.warehouse, hour.starts_at.getTime()]]);
        const { rows } = await tx.query(
          'SELECT warehouse_id, starts_at FROM invariant_allocation UNION SELECT warehouse_id, starts_at FROM invariant_share',
        );
        expect(rows).toEqual([{ warehouse_id: hour.warehouse_id, starts_at: hour.starts_at }]);
      });
  },
);

const whereHour = ({ warehouse_id: id, starts_at: at }: HourName): string =>
  `(warehouse_id, starts_at) = ('${id}', '${at.toISOString()}'::timestamptz)`;

test.each(['DELETE FROM service_line', 'UPDATE service_line SET amount = amount + 1'])(
  'criterion 3: what %s does to a line of cloud services or their adjustment is named by its day',
  async (fault) => {
    const { rows } = await first.db.query<{ day: string; ordinal: number }>(
      `SELECT day::text AS day, ordinal FROM service_line WHERE service_type = 'WAREHOUSE_METERING' ORDER BY day, ordinal`,
    );
    const { day, ordinal } = must(shuffled(rows, drawer(run.seed))[0], 'a line');
    const what = `${fault} WHERE (day, ordinal) = ('${day}', ${ordinal})`;
    await planted(first, what, async (tx) => {
      const named = await tx.query('SELECT day::text AS day FROM invariant_service_day');
      expect(named.rows).toEqual([{ day }]);
    });
  },
);

/** The month against the other views of it: what differs, by hour or day, and days whose money has a cause to differ. */
async function differences(db: TestDatabase['db'] | Transaction): Promise<readonly string[]> {
  const { credits, hours, days } = await readReconciliation(db, {
    account: ACCOUNT,
    month: MONTH,
    now: MONTH.endsAt + 10 * 24 * HOUR_MS,
    priceAt: () => ({ pricePerCredit: parseMoney(PRICE), currency: 'USD' }),
  });
  expect([hours, days.length]).toEqual([usage.hours.length, usage.money.length]);
  return [
    ...credits.map(({ grain, warehouse, startsAt }) => `${grain} ${warehouse} ${iso(startsAt)}`),
    ...days.flatMap(({ day, serviceType, cause }) =>
      cause === null ? [] : [`money ${day} ${serviceType} ${cause}`],
    ),
  ];
}

test('criterion 20: nothing differs from the other views of the month, in credits at all and in money beyond roundings; one credit is found', async () => {
  expect(await differences(first.db)).toEqual([]);
  for (const hour of await someHours(20)) {
    const name = `hour ${hour.warehouse} ${hour.starts_at.toISOString()}`;
    const day = iso(hour.starts_at.getTime()).slice(0, 10);
    await planted(
      first,
      `UPDATE usage_service_hour SET compute_credits = compute_credits - 1 WHERE entity_id = '${hour.warehouse_id}' AND starts_at = '${hour.starts_at.toISOString()}'`,
      async (tx) => expect(await differences(tx)).toEqual([name]),
    );
    await planted(
      first,
      `UPDATE usage_warehouse_hour SET metered_credits = metered_credits + 1 WHERE ${whereHour(hour)}`,
      async (tx) => expect(await differences(tx)).toEqual([name, `day null ${day}T00:00:00.000Z`]),
    );
    await planted(
      first,
      `UPDATE usage_money_day SET money = money + 3, usage_amount = usage_amount + 1 WHERE day = '${day}' AND service_type = 'WAREHOUSE_METERING'`,
      async (tx) =>
        expect(await differences(tx)).toEqual([`money ${day} WAREHOUSE_METERING quantityDiffers`]),
    );
  }
});

test('criterion 20: a credit that the account billed and no hour has is a variance of its day, by name', async () => {
  await second.db.query(
    "UPDATE usage_day SET compute_credits = compute_credits + 1, billed_credits = billed_credits + 1 WHERE day = '2026-10-09'",
  );
  await allocateMonth(second);
  const { reconciliation } = await readServices(second.db, {
    firstDay: '2026-10-01',
    lastDay: '2026-10-30',
    by: 'day',
    teamId: null,
    rowsMax: 10,
  });
  expect(reconciliation?.variances).toContainEqual({
    day: '2026-10-09',
    service: 'WAREHOUSE_METERING',
    part: 'compute',
    entity: null,
    unit: 'credits',
    amount: '1',
  });
});
