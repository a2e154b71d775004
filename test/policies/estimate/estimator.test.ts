import { expect, test } from 'vitest';
import { must } from '#base/assert.js';
import type { Filter } from '#policies/sql/facts.js';
import {
  type EstimateContext,
  estimateStatement,
  estimateText,
  statisticsSeconds,
} from '#policies/estimate/estimator.js';
import { HistoryStore } from '#policies/estimate/history-store.js';
import type { TableStatistics } from '#policies/estimate/scan.js';
import { aSnapshot, aStatement, credits } from '../builders.js';

const EVENTS = 'ANALYTICS.WEB.EVENTS';
/** 50 TB in 1,000 days of 10 partitions; USER_ID is a tenth of the width. */
const events: TableStatistics = {
  bytes: 50e12,
  rows: 5e11,
  partitions: 10_000,
  clusteringColumn: 'EVENT_DATE',
  low: '2024-01-01',
  high: '2026-09-26',
  columns: { EVENT_DATE: 0.05, USER_ID: 0.1, PAYLOAD: 0.85 },
};

function context(changes: Partial<EstimateContext> = {}): EstimateContext {
  return {
    tier: must(aSnapshot().tier('interactive'), 'a tier of the demo'),
    warehouseSize: 'XSMALL',
    creditsPerHour: credits('1'),
    history: new HistoryStore(100),
    statistics: { table: (name) => (name === EVENTS ? events : undefined) },
    bytesPerSecondPerCredit: 1e9,
    ...changes,
  };
}

const filter = (changes: Partial<Filter>): Filter => ({
  table: EVENTS,
  column: 'EVENT_DATE',
  operator: '=',
  low: '2026-01-01',
  high: '2026-01-01',
  ...changes,
});

test('a free statement costs nothing', () => {
  const estimate = estimateStatement(aStatement({ isFree: true }), context());
  expect(estimate).toMatchObject({ basis: 'FREE', highCredits: 0n, expectedSeconds: 0 });
});

test('statistics price the bytes of the columns touched: 5 TB at 1 GB/s is 5,000 s', () => {
  const estimate = estimateStatement(aStatement(), context());
  expect(estimate).toMatchObject({
    basis: 'TABLE_STATS',
    bytes: 5e12,
    partitions: { assigned: 10_000, total: 10_000 },
  });
  expect(estimate.expectedSeconds).toBeCloseTo(5_000);
  expect(estimate.expectedCredits).toBe(credits('1.388888888889'));
  expect(estimate.lowCredits < estimate.expectedCredits).toBe(true);
  expect(estimate.highCredits > estimate.expectedCredits).toBe(true);
});

test('a missing filter on the clustering column is advice with the price of one day', () => {
  const { advice } = estimateStatement(aStatement(), context());
  expect(advice).toEqual([
    {
      table: EVENTS,
      column: 'EVENT_DATE',
      range: 'one day',
      creditsAfter: credits('0.001388888889'),
    },
  ]);
  const filtered = estimateStatement(aStatement({ filters: [filter({})] }), context());
  expect(filtered.advice).toEqual([]);
  expect(filtered.partitions).toEqual({ assigned: 10, total: 10_000 });
  expect(filtered.expectedCredits).toBe(advice[0]?.creditsAfter);
});

test.each<[string, Filter[], number]>([
  ['a half-open range', [filter({ operator: '>=', low: '2026-09-17', high: null })], 100],
  [
    'two filters that narrow each other',
    [
      filter({ operator: '>=', low: '2026-01-01', high: null }),
      filter({ operator: '<=', low: null, high: '2026-01-10' }),
    ],
    100,
  ],
  [
    'a range outside the table',
    [filter({ low: '2030-01-01', high: '2030-01-02', operator: 'between' })],
    1,
  ],
  [
    'an instant within a day',
    [filter({ low: '2026-01-01 10:00:00', high: '2026-01-01 11:00:00', operator: 'between' })],
    10,
  ],
  ['a filter that excludes', [filter({ operator: '<>' })], 10_000],
  ['a filter on another column', [filter({ column: 'USER_ID' })], 10_000],
  ['a filter on another table', [filter({ table: 'ANALYTICS.WEB.OTHER' })], 10_000],
  ['text that is no date', [filter({ low: 'yesterday', high: 'yesterday' })], 10_000],
  [
    'a range as wide as the table',
    [filter({ operator: '>=', low: '2000-01-01', high: null })],
    10_000,
  ],
])('partitions left by %s', (_name, filters, assigned) => {
  const estimate = estimateStatement(aStatement({ filters }), context());
  expect(estimate.partitions?.assigned).toBe(assigned);
});

test('a number clusters like a date, whole partitions at a time; it has no one-day advice', () => {
  const orders: TableStatistics = {
    ...events,
    partitions: 7,
    clusteringColumn: 'ORDER_ID',
    low: '0',
    high: '1000',
  };
  const numeric = context({ statistics: { table: () => orders } });
  const assigned = (low: string | null, high: string | null): number | undefined =>
    estimateStatement(
      aStatement({ filters: [filter({ column: 'ORDER_ID', operator: 'between', low, high })] }),
      numeric,
    ).partitions?.assigned;
  expect(assigned('0', '250')).toBe(2);
  expect(assigned('500', '500')).toBe(1);
  expect(assigned(null, '999')).toBe(7);
  expect(assigned('2026-01-01', null)).toBe(7);
  expect(estimateStatement(aStatement(), numeric).advice).toEqual([]);
});

test('a table of one value, or of bounds that are no values, is scanned whole', () => {
  const partitions = (low: string, high: string): number | undefined =>
    estimateStatement(
      aStatement({ filters: [filter({ low: '5', high: '5' })] }),
      context({ statistics: { table: () => ({ ...events, low, high }) } }),
    ).partitions?.assigned;
  expect(partitions('5', '5')).toBe(10_000);
  expect(partitions('a', 'b')).toBe(10_000);
  expect(partitions('9', '1')).toBe(10_000);
  expect(partitions('1', '2026-01-01')).toBe(10_000);
});

test('what is not known makes the scan larger, never smaller', () => {
  const bytes = (changes: object): number | null =>
    estimateStatement(aStatement({ filters: [filter({})], ...changes }), context()).bytes;
  const exact = must(bytes({}), 'statistics tell');
  expect(bytes({ unknown: ['columns'] })).toBeGreaterThan(exact);
  expect(bytes({ unknown: ['filters'] })).toBeGreaterThan(exact);
  expect(bytes({ columns: {} })).toBeGreaterThan(exact);
  expect(bytes({ columns: { [EVENTS]: ['*'] } })).toBeGreaterThan(exact);
  expect(bytes({ columns: { [EVENTS]: ['NEW_COLUMN'] } })).toBe(12.5e9);
  expect(bytes({ columns: { [EVENTS]: ['USER_ID', 'NEW_COLUMN'] } })).toBeGreaterThan(exact);
  expect(bytes({ columns: { [EVENTS]: [] } })).toBe(0);
});

test('an unknown table beside a known one adds a guess and keeps the basis', () => {
  const tier = must(aSnapshot().tier('interactive'), 'a tier of the demo');
  const both = estimateStatement(aStatement({ tablesRead: [EVENTS, 'A.B.NEW'] }), context());
  const one = estimateStatement(aStatement(), context());
  expect(both.basis).toBe('TABLE_STATS');
  expect(both.highCredits - one.highCredits).toBe(tier.guessHoldCredits);
});

test('nothing known is the guess of the tier; opaque text is dearer, up to the ceiling', () => {
  const nothing = { statistics: { table: () => undefined } };
  const guess = estimateStatement(aStatement(), context(nothing));
  expect(guess).toMatchObject({ basis: 'GUESS', lowCredits: 0n, highCredits: credits('0.05') });
  expect(guess.expectedSeconds).toBeCloseTo(18);
  const opaque = aStatement({ opaque: true });
  expect(estimateStatement(opaque, context()).highCredits).toBe(credits('0.2'));
  const low = {
    id: 't',
    guessExpectedCredits: credits('1'),
    guessHoldCredits: credits('2'),
    ceilingCredits: credits('3'),
  };
  expect(estimateStatement(opaque, context({ tier: low })).highCredits).toBe(credits('3'));
});

test('history speaks before statistics, and moves to another size by its rate', () => {
  const history = new HistoryStore(100);
  const learn = (bytes: number | null): void =>
    history.record({
      fingerprint: 'f'.repeat(32),
      warehouseSize: 'XSMALL',
      bytes,
      tier: 'interactive',
      creditsPerHour: 1,
      seconds: 100,
      statisticsSeconds: null,
    });
  learn(5e12);
  const same = estimateStatement(aStatement(), context({ history }));
  expect(same.basis).toBe('HISTORY');
  expect(same.expectedSeconds).toBeCloseTo(100);
  const larger = estimateStatement(
    aStatement(),
    context({ history, warehouseSize: 'MEDIUM', creditsPerHour: credits('4') }),
  );
  expect(larger.basis).toBe('HISTORY');
  expect(larger.expectedSeconds).toBeCloseTo(25);
  const narrow = estimateStatement(aStatement({ filters: [filter({})] }), context({ history }));
  expect(narrow.basis).toBe('TABLE_STATS');
});

test('a hold is never below half a second of the warehouse', () => {
  const history = new HistoryStore(100);
  history.record({
    fingerprint: 'f'.repeat(32),
    warehouseSize: 'XSMALL',
    bytes: null,
    tier: 'interactive',
    creditsPerHour: 1,
    seconds: 0.01,
    statisticsSeconds: null,
  });
  const estimate = estimateStatement(
    aStatement(),
    context({ history, statistics: { table: () => undefined } }),
  );
  expect(estimate.highCredits).toBe(credits('0.000138888889'));
});

test('measured times correct what statistics predict', () => {
  const history = new HistoryStore(100);
  for (let run = 0; run < 30; run += 1)
    history.record({
      fingerprint: `other-${run}`,
      warehouseSize: 'XSMALL',
      bytes: 1e9,
      tier: 'interactive',
      creditsPerHour: 1,
      seconds: 40,
      statisticsSeconds: 10,
    });
  const estimate = estimateStatement(aStatement(), context({ history }));
  expect(estimate.basis).toBe('TABLE_STATS');
  expect(estimate.expectedSeconds).toBeCloseTo(20_000);
});

test('a text costs the sum of its statements and has the weakest basis of those that cost', () => {
  const free = aStatement({ isFree: true });
  const opaque = aStatement({ opaque: true });
  const { total, parts } = estimateText([free, aStatement(), opaque], context());
  expect(total.basis).toBe('GUESS');
  expect(total.highCredits).toBe(parts.reduce((sum, part) => sum + part.highCredits, 0n));
  expect(total.bytes).toBeNull();
  expect(estimateText([free, free], context()).total.basis).toBe('FREE');
  expect(estimateText([], context()).total.basis).toBe('FREE');
  const twice = estimateText([aStatement(), aStatement()], context()).total;
  expect(twice).toMatchObject({
    basis: 'TABLE_STATS',
    bytes: 1e13,
    partitions: { assigned: 20_000 },
  });
  expect(twice.advice).toHaveLength(2);
});

test('seconds from statistics need bytes and follow the rate', () => {
  expect(statisticsSeconds(null, credits('1'), 1e9)).toBeNull();
  expect(statisticsSeconds(1e12, credits('16'), 1e9)).toBe(62.5);
});

test('a scan too short to be measured teaches nothing about throughput', () => {
  expect(statisticsSeconds(1e9, credits('1'), 1e9)).toBeNull();
  expect(statisticsSeconds(2e9, credits('1'), 1e9)).toBe(2);
  const history = new HistoryStore(100);
  const fullScan = aStatement({ tablesRead: [EVENTS], columns: { [EVENTS]: ['*'] } });
  const before = estimateStatement(fullScan, context({ history }));
  for (let run = 0; run < 20; run += 1) {
    history.record({
      fingerprint: 'a lookup',
      warehouseSize: 'XSMALL',
      bytes: 1_000_000,
      tier: 'interactive',
      creditsPerHour: 1,
      seconds: 0.01,
      statisticsSeconds: statisticsSeconds(1_000_000, credits('1'), 1e9),
    });
  }
  const after = estimateStatement(fullScan, context({ history }));
  expect(after.basis).toBe('TABLE_STATS');
  expect(after.expectedCredits).toBe(before.expectedCredits);
});
