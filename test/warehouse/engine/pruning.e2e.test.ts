import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EngineSession } from '../../../warehouse/engine/engine.js';
import { EVENTS_SHARES } from '../../../warehouse/engine/world/events.js';
import { request, rowsOf, startEngine, type EngineUnderTest } from './support.js';

const FIRST = Date.UTC(2022, 0, 1);
const DAYS = 1826;
const PER_DAY = 1711;
const TOTAL = DAYS * PER_DAY;
const dayText = (day: number): string =>
  new Date(FIRST + day * 86_400_000).toISOString().slice(0, 10);

let running: EngineUnderTest;
let session: EngineSession;

beforeAll(async () => {
  running = await startEngine(true);
  session = await running.engine.openSession();
});
afterAll(async () => await running.stop());

const bytes = (columns: readonly string[], partitions: number): number => {
  const share = columns.reduce((sum, column) => sum + (EVENTS_SHARES[column] ?? 0), 0);
  return Number(
    (50_000_000_000_000n * BigInt(share) * BigInt(partitions)) / (1_000_000n * BigInt(TOTAL)),
  );
};

test('the columns of EVENTS share its 50 TB without rest', async () => {
  expect(Object.values(EVENTS_SHARES).reduce((sum, share) => sum + share, 0)).toBe(1_000_000);
  const { scan } = await rowsOf(session, 'select * from web.events limit 1');
  expect(scan).toMatchObject({
    bytesScanned: 50e12,
    partitionsScanned: TOTAL,
    partitionsTotal: TOTAL,
  });
});

test('a filter on EVENT_DATE is assigned the partitions of exactly the days it keeps', async () => {
  const day = fc.integer({ min: -20, max: DAYS + 20 });
  const literal = (value: number): string => `'${dayText(value)}'`;
  type Filter = { readonly sql: string; readonly keeps: (day: number) => boolean };
  const simple: fc.Arbitrary<Filter> = fc.oneof(
    day.map((a) => ({ sql: `event_date = ${literal(a)}`, keeps: (d: number) => d === a })),
    day.map((a) => ({ sql: `event_date < ${literal(a)}`, keeps: (d: number) => d < a })),
    day.map((a) => ({ sql: `event_date >= ${literal(a)}::date`, keeps: (d: number) => d >= a })),
    day.map((a) => ({ sql: `event_date <> ${literal(a)}`, keeps: (d: number) => d !== a })),
    day.map((a) => ({
      sql: `event_date > dateadd(day, -7, ${literal(a)}::date)`,
      keeps: (d: number) => d > a - 7,
    })),
    fc.tuple(day, day).map(([a, b]) => ({
      sql: `event_date between ${literal(a)} and ${literal(b)}`,
      keeps: (d: number) => d >= a && d <= b,
    })),
    fc
      .tuple(fc.integer({ min: 2022, max: 2026 }), fc.integer({ min: 1, max: 12 }))
      .map(([y, m]) => {
        const month = `${y}-${String(m).padStart(2, '0')}`;
        return {
          sql: `date_trunc('month', event_date) = '${month}-01'`,
          keeps: (d: number) => dayText(d).startsWith(month),
        };
      }),
    fc.integer({ min: 2020, max: 2028 }).map((y) => ({
      sql: `year(event_date) = ${y}`,
      keeps: (d: number) => dayText(d).startsWith(String(y)),
    })),
    day.map((a) => ({
      sql: `event_date::varchar like '${dayText(a).slice(0, 7)}%'`,
      keeps: (d: number) => dayText(d).slice(0, 7) === dayText(a).slice(0, 7),
    })),
    day.map((a) => ({
      sql: `event_ts >= ${literal(a)}::timestamp and event_ts < dateadd(day, 1, ${literal(a)}::timestamp)`,
      keeps: (d: number) => d === a,
    })),
    fc.constant({ sql: 'event_date is null', keeps: () => false }),
    fc.constant({ sql: 'event_date is not null', keeps: () => true }),
    fc.array(day, { minLength: 1, maxLength: 5 }).map((days) => ({
      sql: `event_date not in (${days.map(literal).join(', ')})`,
      keeps: (d: number) => !days.includes(d),
    })),
    fc.array(day, { minLength: 1, maxLength: 5 }).map((days) => ({
      sql: `event_date in (${days.map(literal).join(', ')})`,
      keeps: (d: number) => days.includes(d),
    })),
  );
  const filter: fc.Arbitrary<Filter> = fc.oneof(
    simple,
    fc.tuple(simple, simple).map(([a, b]) => ({
      sql: `${a.sql} and ${b.sql}`,
      keeps: (d: number) => a.keeps(d) && b.keeps(d),
    })),
    fc.tuple(simple, simple).map(([a, b]) => ({
      sql: `(${a.sql} or ${b.sql})`,
      keeps: (d: number) => a.keeps(d) || b.keeps(d),
    })),
  );
  await fc.assert(
    fc.asyncProperty(filter, async ({ sql, keeps }) => {
      const days = Array.from({ length: DAYS }, (_, index) => index).filter(keeps).length;
      const planned = await session.plan(
        request(`select sum(revenue) from web.events where ${sql}`),
      );
      if (planned.kind === 'failed') throw new Error(planned.message);
      const assigned = planned.scans.reduce((sum, scan) => sum + scan.partitionsAssigned, 0);
      expect(assigned).toBe(days * PER_DAY);
    }),
    { numRuns: 40 },
  );
});

test('a run scans what its plan assigned: partitions of the day times the columns read', async () => {
  const sql = `select country, sum(revenue) from analytics.web.events where event_date = '2024-03-05' group by 1`;
  const { scan } = await rowsOf(session, sql);
  const planned = await session.plan(request(sql));
  expect(scan.partitionsScanned).toBe(PER_DAY);
  expect(scan.bytesScanned).toBe(bytes(['EVENT_DATE', 'COUNTRY', 'REVENUE'], PER_DAY));
  expect(planned).toMatchObject({
    kind: 'plan',
    statementTypeId: 0x1000,
    scans: [
      {
        table: 'ANALYTICS.WEB.EVENTS',
        partitionsAssigned: PER_DAY,
        partitionsTotal: TOTAL,
        bytesAssigned: scan.bytesScanned,
      },
    ],
  });
});

test.each([
  'select count(*) from web.events',
  'select min(event_date), max(event_date) from web.events',
])('%s is answered from metadata: no byte is read', async (sql) => {
  const { scan } = await rowsOf(session, sql);
  expect(scan).toMatchObject({ bytesScanned: 0, partitionsScanned: 0 });
});

test('the extremes of EVENT_DATE are those of the statistics', async () => {
  const { rows } = await rowsOf(session, 'select min(event_date), max(event_date) from web.events');
  expect(rows).toEqual([[String(FIRST / 86_400_000), String(FIRST / 86_400_000 + DAYS - 1)]]);
});

test('tables with real rows are pruned by the extremes of each 8,192 rows', async () => {
  const all = await rowsOf(session, 'select sum(l_quantity) from lineitem');
  const month = await rowsOf(
    session,
    `select sum(l_quantity) from lineitem where l_shipdate < '1992-06-01'`,
  );
  expect(all.scan).toMatchObject({ partitionsScanned: 8, partitionsTotal: 8, rowsScanned: 59_673 });
  expect(month.scan).toMatchObject({ partitionsScanned: 1, partitionsTotal: 8 });
  expect(month.scan.bytesScanned).toBeLessThan((all.scan.bytesScanned / 4) * 2);
});

test('lists, alternatives and texts prune, a filter that no row passes is assigned nothing of all there is', async () => {
  const assigned = async (filter: string): Promise<readonly [number, number]> => {
    const planned = await session.plan(
      request(`select sum(l_quantity) from lineitem where ${filter}`),
    );
    if (planned.kind === 'failed') throw new Error(planned.message);
    const [scan] = planned.scans;
    return [scan?.partitionsAssigned ?? -1, scan?.partitionsTotal ?? -1];
  };
  expect(await assigned(`l_shipdate in ('1992-03-01', '1992-03-02')`)).toEqual([1, 8]);
  expect((await assigned(`l_shipdate = '1992-03-01' or l_orderkey < 10`))[0]).toBeLessThan(8);
  expect(await assigned(`l_comment like 'zz%'`)).toEqual([0, 8]);
  expect(await assigned(`l_orderkey > 100000000`)).toEqual([0, 8]);
  expect(await assigned(`length(l_comment) > 0`)).toEqual([8, 8]);
});

test('counts and sums over EVENTS are those of the events, however they are grouped', async () => {
  const one = async (sql: string): Promise<string | null | undefined> =>
    (await rowsOf(session, sql)).rows[0]?.[0];
  expect(await one('select count(*) from web.events')).toBe('200860000000');
  expect(await one(`select count(1) from web.events where event_date = '2024-03-05'`)).toBe(
    '110000000',
  );
  expect(
    await one('select sum(c) from (select country, count(*) as c from web.events group by 1)'),
  ).toBe('200860000000');
  const shares = await rowsOf(
    session,
    `select avg(revenue), sum(revenue) / count(revenue) from web.events having count(*) > 1000000000`,
  );
  expect(Number(shares.rows[0]?.[0])).toBeCloseTo(Number(shares.rows[0]?.[1]), 3);
});

test('INFORMATION_SCHEMA and the catalogue show EVENTS as its statistics have it', async () => {
  const { rows } = await rowsOf(
    session,
    `select row_count, bytes, clustering_key from analytics.information_schema.tables where table_schema = 'WEB' and table_name = 'EVENTS'`,
  );
  expect(rows).toEqual([['200860000000', '50000000000000', 'LINEAR(EVENT_DATE)']]);
  const columns = await rowsOf(
    session,
    `select column_name, data_type from information_schema.columns where table_name = 'EVENTS' order by ordinal_position limit 3`,
  );
  expect(columns.rows).toEqual([
    ['EVENT_DATE', 'DATE'],
    ['EVENT_TS', 'TIMESTAMP_NTZ'],
    ['EVENT_ID', 'NUMBER'],
  ]);
  expect((await running.engine.tables('ANALYTICS', 'WEB'))[0]).toMatchObject({
    name: 'EVENTS',
    bytes: 50e12,
    rows: 200_860_000_000,
  });
});
