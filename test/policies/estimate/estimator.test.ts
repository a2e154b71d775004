import { expect, test } from 'vitest';
import { must } from '#base/assert.js';
import type { Filter, StatementFacts, TextFacts } from '#policies/sql/facts.js';
import {
  type EstimateContext,
  estimateStatement,
  estimateText,
  statisticsSeconds,
} from '#policies/estimate/estimator.js';
import { HistoryStore, type Outcome } from '#policies/estimate/history-store.js';
import type { TableStatistics } from '#policies/estimate/table-statistics.js';
import { AT, anOutcome, aShape, aSnapshot, aStatement, credits } from '../builders.js';

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
    warehouse: 'INTERACTIVE_WH',
    warehouseSize: 'XSMALL',
    creditsPerHour: credits('1'),
    history: new HistoryStore(100),
    statistics: { table: (name) => (name === EVENTS ? events : undefined) },
    bytesPerSecondPerCredit: 1e9,
    at: AT,
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
  // A tenth of a second on top is what every statement takes.
  expect(estimate.expectedSeconds).toBeCloseTo(5_000.1);
  expect(estimate.expectedCredits).toBe(credits('1.388916666667'));
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
      creditsAfter: credits('0.002111111112'),
    },
  ]);
  const columns = { [EVENTS]: ['EVENT_DATE', 'USER_ID'] };
  const filtered = estimateStatement(aStatement({ filters: [filter({})], columns }), context());
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

const learnt = (outcome: Partial<Outcome>, runs = 1): HistoryStore => {
  const history = new HistoryStore(100);
  for (let run = 0; run < runs; run += 1) history.record(anOutcome(outcome));
  return history;
};

test('history speaks before statistics, and moves to another size by its rate', () => {
  const history = learnt({ shape: aShape({ bytes: 5e12 }), seconds: 100 }, 20);
  const same = estimateStatement(aStatement(), context({ history }));
  expect(same.basis).toBe('HISTORY');
  expect(Math.abs(same.expectedSeconds - 100)).toBeLessThan(15);
  const larger = estimateStatement(
    aStatement(),
    context({ history, warehouseSize: 'MEDIUM', creditsPerHour: credits('4') }),
  );
  expect(larger.basis).toBe('HISTORY');
  expect(Math.abs(larger.expectedSeconds - 25)).toBeLessThan(5);
  const narrow = estimateStatement(aStatement({ filters: [filter({})] }), context({ history }));
  expect(narrow.basis).toBe('TABLE_STATS');
});

test('one run of a shape is believed less than many, against what statistics say', () => {
  const shape = aShape({ bytes: 5e12 });
  const after = (runs: number): number =>
    estimateStatement(aStatement(), context({ history: learnt({ shape, seconds: 100 }, runs) }))
      .expectedSeconds;
  // Statistics say 5,000 s.
  expect(after(1)).toBeGreaterThan(after(20));
  expect(after(1)).toBeLessThan(5_000);
});

test('literals that were seen are known apart from their shape', () => {
  const history = new HistoryStore(100);
  for (let run = 0; run < 20; run += 1) {
    history.record(anOutcome({ shape: aShape({ literalsHash: 'a-day' }), seconds: 2 }));
    history.record(anOutcome({ shape: aShape({ literalsHash: 'a-year' }), seconds: 200 }));
  }
  const seconds = (literalsHash: string): number =>
    estimateStatement(
      aStatement({ literalsHash }),
      context({ history, statistics: { table: () => undefined } }),
    ).expectedSeconds;
  expect(seconds('a-day')).toBeLessThan(4);
  expect(seconds('a-year')).toBeGreaterThan(100);
  const unseen = seconds('a-week');
  expect(unseen).toBeGreaterThan(4);
  expect(unseen).toBeLessThan(100);
});

test('a hold is never below a tenth of a second of the warehouse', () => {
  const history = learnt({ seconds: 0.001 });
  const estimate = estimateStatement(
    aStatement(),
    context({ history, statistics: { table: () => undefined } }),
  );
  expect(estimate.highCredits).toBe(credits('0.000027777778'));
});

test('measured times correct what statistics predict', () => {
  const history = learnt(
    { shape: aShape({ fingerprint: 'other', bytes: 1e9 }), seconds: 40, statisticsSeconds: 10 },
    30,
  );
  const estimate = estimateStatement(aStatement(), context({ history }));
  expect(estimate.basis).toBe('TABLE_STATS');
  expect(estimate.expectedSeconds).toBeGreaterThan(17_000);
  expect(estimate.expectedSeconds).toBeLessThan(21_000);
});

test('an unseen shape is guessed from others of its kind, and stays a guess', () => {
  const other = aShape({ fingerprint: 'other', form: 'query' });
  const history = learnt({ shape: other, seconds: 30 }, 20);
  const nothing = { statistics: { table: () => undefined }, history };
  const guess = estimateStatement(aStatement(), context(nothing));
  expect(guess.basis).toBe('GUESS');
  expect(Math.abs(guess.expectedSeconds - 30)).toBeLessThan(3);
  expect(guess.believed?.level).toBe('kind');
});

test('what is not understood is never cheaper for what others took', () => {
  const history = learnt({ shape: aShape({ fingerprint: 'other' }), seconds: 0.5 }, 20);
  const nothing = { statistics: { table: () => undefined }, history };
  const tier = must(aSnapshot().tier('interactive'), 'a tier of the demo');
  const unknown = aStatement({ unknown: ['tables'] });
  expect(estimateStatement(unknown, context(nothing)).highCredits).toBe(tier.guessHoldCredits);
  const opaque = estimateStatement(aStatement({ opaque: true }), context(nothing));
  expect(opaque.highCredits).toBe(credits('0.2'));
  expect(opaque.believed).toBeNull();
});

test("upstream's EXPLAIN stands in place of statistics, with the width that those tell", () => {
  const bound = { bytes: 1e12, partitions: { assigned: 100, total: 10_000 } };
  const nothing = { statistics: { table: () => undefined } };
  const unknown = estimateStatement(aStatement(), context({ ...nothing, bound }));
  expect(unknown).toMatchObject({ basis: 'EXPLAIN_BOUND', bytes: 1e12 });
  expect(unknown.expectedSeconds).toBeCloseTo(1_000.1);
  // A hundred partitions of 5 GB, and a tenth of the width.
  const narrow = estimateStatement(aStatement(), context({ bound }));
  expect(narrow).toMatchObject({
    basis: 'EXPLAIN_BOUND',
    bytes: 50e9,
    partitions: bound.partitions,
  });
  expect(narrow.advice).toHaveLength(1);
});

test('a warehouse that is shared makes a statement last longer, not dearer', () => {
  const shape = aShape({ bytes: 5e12 });
  const alone = learnt({ shape, seconds: 100, elapsedSeconds: 100 }, 20);
  const shared = learnt({ shape, seconds: 100, elapsedSeconds: 400 }, 20);
  const [one, many] = [alone, shared].map((history) =>
    estimateStatement(aStatement(), context({ history })),
  );
  expect(many?.expectedCredits).toBe(one?.expectedCredits);
  expect(many?.expectedElapsedSeconds).toBeGreaterThan(300);
  expect(one?.expectedElapsedSeconds).toBeLessThan(130);
});

const textOf = (...statements: readonly StatementFacts[]): TextFacts => ({
  statements,
  fingerprint: 't'.repeat(32),
});

test('a text costs the sum of its statements and has the weakest basis of those that cost', () => {
  const free = aStatement({ isFree: true });
  const opaque = aStatement({ opaque: true });
  const { total, parts } = estimateText(textOf(free, aStatement(), opaque), context());
  expect(total.basis).toBe('GUESS');
  expect(total.highCredits).toBe(parts.reduce((sum, part) => sum + part.highCredits, 0n));
  expect(total.bytes).toBeNull();
  expect(estimateText(textOf(free, free), context()).total.basis).toBe('FREE');
  expect(estimateText(textOf(), context()).total.basis).toBe('FREE');
  const twice = estimateText(textOf(aStatement(), aStatement()), context()).total;
  expect(twice).toMatchObject({
    basis: 'TABLE_STATS',
    bytes: 1e13,
    partitions: { assigned: 20_000 },
  });
  expect(twice.advice).toHaveLength(2);
});

test('a text of several statements that ran before is known as a whole', () => {
  const text = textOf(aStatement(), aStatement());
  const before = estimateText(text, context()).total;
  const shape = must(before.shape, 'a text of several has a shape');
  const history = new HistoryStore(100);
  for (let run = 0; run < 20; run += 1) history.record(anOutcome({ shape, seconds: 60 }));
  const after = estimateText(text, context({ history })).total;
  expect(after.basis).toBe('HISTORY');
  expect(after.expectedSeconds).toBeCloseTo(60);
  expect(after.advice).toEqual(before.advice);
});

test('seconds from statistics need bytes and follow the rate', () => {
  expect(statisticsSeconds(null, credits('1'), 1e9)).toBeNull();
  expect(statisticsSeconds(1e12, credits('16'), 1e9)).toBe(62.5);
});

test('a scan too short to be measured teaches nothing about throughput', () => {
  const fullScan = aStatement({ tablesRead: [EVENTS], columns: { [EVENTS]: ['*'] } });
  const before = estimateStatement(fullScan, context());
  const seconds = (statisticsSeconds: number): number => {
    const lookup = aShape({ fingerprint: 'a lookup', bytes: 1_000_000 });
    const history = learnt({ shape: lookup, seconds: 0.01, statisticsSeconds }, 20);
    return estimateStatement(fullScan, context({ history })).expectedSeconds;
  };
  expect(Math.abs(seconds(1.9) - before.expectedSeconds)).toBeLessThan(1);
  expect(seconds(2)).toBeLessThan(before.expectedSeconds / 50);
});

test('where a LIMIT ends the scan, others of which one did correct it, of whatever form and scale', () => {
  const early: Partial<StatementFacts> = { limit: 100 };
  const shape = must(estimateStatement(aStatement(early), context()).shape, 'a shape');
  const others = {
    ...shape,
    fingerprint: 'another',
    form: 'query join1 filter2 first',
    bytes: 5e9,
  };
  const history = learnt({ shape: others, seconds: 1, statisticsSeconds: 50 }, 20);
  const seconds = (facts: Partial<StatementFacts>): number =>
    estimateStatement(aStatement(facts), context({ history })).expectedSeconds;
  expect(shape.form).toBe('query first');
  const before = estimateStatement(aStatement(early), context()).expectedSeconds;
  expect(seconds(early)).toBeLessThan(before / 10);
  for (const whole of [{ isOrdered: true }, { hasAggregation: true }, { hasWindowFunction: true }])
    expect(seconds({ ...early, ...whole })).toBe(seconds(whole));
});
