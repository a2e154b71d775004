/**
 * A month that is generated: clusters that come and go, statements that cross hours and days, short ones, some past
 * Tollgate, some of nobody, and services. Criteria 1 to 4, 6, 15 and 20 of the billing domain, through the database.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Transaction } from '../../../base/postgres/pool.js';
import { parseCredits, parseMoney } from '../../../base/units.js';
import { allocateStaleHours } from '../../../billing/attribution/allocate-hours.js';
import type { AllocationOptions } from '../../../billing/attribution/allocate-hours.js';
import { explainHour } from '../../../billing/attribution/explain-hour.js';
import { shareIdleTime } from '../../../billing/attribution/policies/share-idle-time.js';
import { coveragePercent, readBypass } from '../../../billing/attribution/read-bypass.js';
import { COST_DIMENSIONS, readCost } from '../../../billing/attribution/read-cost.js';
import type { Cost, CostDimension } from '../../../billing/attribution/read-cost.js';
import { allocateServices } from '../../../billing/attribution/services/allocate-services.js';
import { readServices } from '../../../billing/attribution/services/read-services.js';
import type { UsageView } from '../../../billing/usage/read-views.js';
import type { UsageRow } from '../../../billing/usage/view-reading.js';
import { storeUsage } from '../../../billing/usage/store-usage.js';
import { createTestDatabase, expectInvariants } from '../../support/database.js';
import type { TestDatabase } from '../../support/database.js';

const ACCOUNT = 'demo';
const OCTOBER = Date.UTC(2026, 9, 1);
const DAYS = 30;
const HOUR_MS = 3_600_000;
const MONTH = { startsAt: OCTOBER, endsAt: OCTOBER + DAYS * 24 * HOUR_MS };
let first: TestDatabase;
let second: TestDatabase;
beforeAll(async () => {
  [first, second] = [await createTestDatabase(), await createTestDatabase()];
  await fill(first, generated());
  await allocate(first);
});
afterAll(async () => {
  await first?.drop();
  await second?.drop();
});

interface Usage {
  readonly queries: readonly UsageRow[];
  readonly hours: readonly UsageRow[];
  readonly days: readonly UsageRow[];
  readonly services: readonly Readonly<Record<string, string>>[];
}

/** A small linear generator: the same month in every run. */
function drawer(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

const iso = (at: number): string => new Date(at).toISOString();

function generated(): Usage {
  const draw = drawer(7);
  const queries: UsageRow[] = [];
  const hours: UsageRow[] = [];
  const services: Readonly<Record<string, string>>[] = [];
  const days = Array.from({ length: DAYS }, () => ({ compute: 0n, services: 0n }));
  for (let hour = 0; hour < DAYS * 24; hour += 1) {
    for (const warehouse of hour % 4 === 0 ? ['1', '2'] : ['1']) {
      // Nights of the second warehouse have hours of which nothing is known but their credits.
      const count = warehouse === '2' && hour % 24 < 6 ? 0 : draw(4);
      const at = OCTOBER + hour * HOUR_MS;
      for (let each = 0; each < count; each += 1) {
        const startsAt = at + draw(HOUR_MS);
        const lasts = draw(10) === 0 ? draw(90) : draw(3 * HOUR_MS);
        const endsAt = Math.min(startsAt + lasts, MONTH.endsAt);
        queries.push(query(`q${hour}-${warehouse}-${each}`, warehouse, startsAt, endsAt, draw));
      }
      const metered = 4n * 10n ** 12n + BigInt(draw(2_000_000_000)) * 1_000n;
      const used = BigInt(draw(300_000_000)) * 1_000n;
      const day = days[Math.floor(hour / 24)];
      if (day !== undefined)
        [day.compute, day.services] = [day.compute + metered, day.services + used];
      hours.push({
        warehouse_id: warehouse,
        warehouse: `WH_${warehouse}`,
        starts_at: iso(at),
        metered_credits: decimal(metered),
        cloud_services_credits: decimal(used),
        attributed_credits: hour % 3 === 0 ? null : '0.5',
      });
    }
    if (hour % 5 === 0)
      services.push({
        type: ['SNOWPIPE', 'BRAND_NEW'][draw(2)] ?? '',
        at: iso(OCTOBER + hour * HOUR_MS),
        credits: `0.${draw(999) + 1}`,
      });
  }
  return { queries, hours, services, days: days.map((day, index) => dayRow(day, index)) };
}

function query(
  id: string,
  warehouse: string,
  startsAt: number,
  endsAt: number,
  draw: (below: number) => number,
): UsageRow {
  return {
    query_id: id,
    warehouse_id: warehouse,
    cluster: 1 + draw(3),
    warehouse_size: draw(6) === 0 ? 'Large' : 'Medium',
    warehouse_kind: 'STANDARD',
    snowflake_user: ['SALES_ANALYST', 'ML_JOB', 'STRANGER'][draw(3)] ?? '',
    role_name: 'ANALYST',
    query_type: 'SELECT',
    is_container: false,
    executed_at: iso(startsAt),
    ended_at: iso(endsAt),
    shape_hash: `shape${draw(5)}`,
    bytes_scanned: 1000,
    cloud_services_credits: `0.000${draw(999)}`,
  };
}

function dayRow(
  { compute, services }: { readonly compute: bigint; readonly services: bigint },
  index: number,
): UsageRow {
  const tenth = compute / 10n;
  const adjustment = services < tenth ? services : tenth;
  return {
    service_type: 'WAREHOUSE_METERING',
    day: iso(OCTOBER + index * 24 * HOUR_MS).slice(0, 10),
    compute_credits: decimal(compute),
    cloud_services_credits: decimal(services),
    adjustment_credits: `-${decimal(adjustment)}`,
    billed_credits: decimal(compute + services - adjustment),
  };
}

function decimal(pico: bigint): string {
  const digits = String(pico).padStart(13, '0');
  return `${digits.slice(0, -12)}.${digits.slice(-12)}`;
}

async function fill({ db }: TestDatabase, usage: Usage, chunk = 10_000): Promise<void> {
  const store = async (view: UsageView, rows: readonly UsageRow[]): Promise<void> => {
    for (let at = 0; at < rows.length; at += chunk)
      await db.transaction((tx) => storeUsage(tx, ACCOUNT, view, rows.slice(at, at + chunk)));
  };
  await store('QUERY_HISTORY', usage.queries);
  await store('WAREHOUSE_METERING_HISTORY', usage.hours);
  await store('METERING_DAILY_HISTORY', usage.days);
  await db.query(
    `INSERT INTO usage_service_hour (account, service_type, entity_id, starts_at, entity_name, compute_credits, cloud_services_credits, credits)
     SELECT $1, type, 'e', at, 'RAW.E', credits, 0, credits FROM jsonb_to_recordset($2) AS r (type text, at timestamptz, credits numeric)`,
    [ACCOUNT, JSON.stringify(usage.services)],
  );
  // What came through Tollgate is proven by tickets; here by their ids alone.
  await db.query(
    `INSERT INTO ticket (id, state, account, session_id, request_id, request_hash, principal_id, team_id, workload, origin, snowflake_user,
       tier, statement_class, fingerprint, statement_shape, basis, low_credits, expected_credits, high_credits, expected_seconds,
       price_per_credit, currency, control_version, replica, hold_credits, occurred_at, snowflake_query_id)
     SELECT md5(query_id)::uuid, 'SETTLED', $1, query_id, query_id, '', 'p', CASE WHEN digit < '8' THEN 'sales' ELSE 'ml' END, 'dbt/' || digit,
       jsonb_build_object('model', 'shop.' || digit, 'run', 'run-' || digit), 'U', 'standard', 'select', 'f' || digit, '', 'GUESS', 0, 0, 0, 0,
       3, 'USD', 1, 'r', 0, executed_at, query_id
     FROM usage_query, LATERAL (SELECT substr(md5(query_id), 1, 1) AS digit) d WHERE digit > '3'`,
    [ACCOUNT],
  );
  await db.query(
    'INSERT INTO ticket_query SELECT account, snowflake_query_id, id FROM ticket WHERE account = $1',
    [ACCOUNT],
  );
}

const OPTIONS: AllocationOptions = {
  account: ACCOUNT,
  rateOf: (_kind, _constraint, size) => parseCredits(size === 'Large' ? '8' : '4'),
  payerOf: ({ snowflakeUser }) =>
    snowflakeUser === 'STRANGER' ? undefined : { teamId: 'sales', principalId: 'sales_analyst' },
};

async function allocate({ db }: TestDatabase): Promise<void> {
  await allocateStaleHours(db, OPTIONS);
  const policy = {
    policy: 'proRata',
    idle: 'proRata',
    resumeMinute: 'causer',
    shortQuery: 'owner',
  } as const;
  const teams = { ownerTeam: 'platform', platformTeam: null, budgets: [] };
  await shareIdleTime(db, ACCOUNT, () => [{ from: OCTOBER, entry: 'by-use', ...policy, ...teams }]);
  await allocateServices(db, {
    account: ACCOUNT,
    payerOf: OPTIONS.payerOf,
    shared: {
      teamIds: ['ml', 'sales'],
      costOf: (service) =>
        service === 'SNOWPIPE' ? { id: 'pipes', by: 'direct', teams: [] } : undefined,
    },
    sharedText: '1',
  });
}

async function bytes({ db }: TestDatabase): Promise<string> {
  const { rows } = await db.query(
    `SELECT (SELECT md5(string_agg(l::text, '|' ORDER BY warehouse_id, starts_at, ordinal)) FROM allocation_line l) AS lines,
       (SELECT md5(string_agg(s::text, '|' ORDER BY warehouse_id, starts_at, ordinal, team_id NULLS LAST)) FROM allocation_share s) AS shares,
       (SELECT md5(string_agg(v::text, '|' ORDER BY day, ordinal)) FROM service_line v) AS services`,
  );
  return JSON.stringify(rows);
}

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
  const { rows } = await first.db.query(
    `SELECT (SELECT count(*) FROM usage_warehouse_hour WHERE NOT is_stale) AS hours, (SELECT count(DISTINCT bucket) FROM allocation_line) > 3 AS buckets,
       (SELECT count(*) FROM allocation_share) > 1000 AS shared, (SELECT count(DISTINCT kind) FROM service_line) AS kinds,
       (SELECT count(*) FROM service_day WHERE NOT is_stale) AS days`,
  );
  expect(rows).toEqual([
    { hours: String(DAYS * 30), buckets: true, shared: true, kinds: '3', days: expect.anything() },
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

test('criteria 4 and 14: rows in another order and other batches, and again, come out as the same bytes', async () => {
  const usage = generated();
  const turned = {
    ...usage,
    queries: usage.queries.toReversed(),
    hours: usage.hours.toReversed(),
    days: usage.days.toReversed(),
  };
  await fill(second, turned, 97);
  await allocate(second);
  expect(await bytes(second)).toBe(await bytes(first));
  // Criteria 14 and 15: all of it again changes nothing.
  for (const view of ['QUERY_HISTORY', 'WAREHOUSE_METERING_HISTORY'] as const)
    await second.db.transaction((tx) =>
      storeUsage(tx, ACCOUNT, view, view === 'QUERY_HISTORY' ? usage.queries : usage.hours),
    );
  await allocate(second);
  expect(await bytes(second)).toBe(await bytes(first));
});

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
    startsAt: OCTOBER + 12 * HOUR_MS,
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
  const at = OCTOBER + 12 * HOUR_MS;
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
  expect(bypass.coverage).toHaveLength(DAYS);
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

/** Does what is given, looks, and takes it back. */
async function planted(fault: string, look: (tx: Transaction) => Promise<void>): Promise<void> {
  const back = new Error('back');
  await first.db
    .transaction(async (tx) => {
      await tx.query(fault);
      await look(tx);
      throw back;
    })
    .catch((thrown: unknown) => {
      if (thrown !== back) throw thrown;
    });
}

test.each([
  [
    'a line',
    "UPDATE allocation_line SET credits = credits + 1 WHERE (warehouse_id, starts_at) = ('2', $AT) AND ordinal = 0",
  ],
  [
    'a share',
    "UPDATE allocation_share SET credits = credits + 1 WHERE ctid = (SELECT ctid FROM allocation_share WHERE (warehouse_id, starts_at) = ('2', $AT) LIMIT 1)",
  ],
  [
    'a metered hour',
    "UPDATE usage_warehouse_hour SET metered_credits = metered_credits + 1 WHERE (warehouse_id, starts_at) = ('2', $AT)",
  ],
  [
    'a bucket that is dropped',
    "DELETE FROM allocation_line WHERE (warehouse_id, starts_at) = ('2', $AT) AND ordinal = 0",
  ],
])(
  'criteria 3 and 20: one credit too many or too few in %s is named by warehouse and hour',
  async (_what, fault) => {
    const at = OCTOBER + 100 * HOUR_MS;
    await planted(fault.replaceAll('$AT', `'${iso(at)}'::timestamptz`), async (tx) => {
      const { reconciliation } = await readCost(tx, {
        period: MONTH,
        by: 'team',
        teamId: null,
        priceAt: () => undefined,
        rowsMax: 10,
      });
      expect(
        reconciliation.differences.map(({ warehouse, startsAt }) => [warehouse, startsAt]),
      ).toEqual([['WH_2', at]]);
      const { rows } = await tx.query(
        'SELECT starts_at FROM invariant_allocation UNION SELECT starts_at FROM invariant_share',
      );
      expect(rows).toEqual([{ starts_at: new Date(at) }]);
    });
  },
);

test('criterion 20: a credit that the account billed and no hour has is a variance of its day, by name', async () => {
  await second.db.query(
    "UPDATE usage_day SET compute_credits = compute_credits + 1, billed_credits = billed_credits + 1 WHERE day = '2026-10-09'",
  );
  await allocate(second);
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
