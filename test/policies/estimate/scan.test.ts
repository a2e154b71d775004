import { expect, test } from 'vitest';
import { scanOf, type Scan, type TableStatistics } from '#policies/estimate/scan.js';
import type { Filter } from '#policies/sql/facts.js';
import { aStatement } from '../builders.js';

const EVENTS = 'ANALYTICS.WEB.EVENTS';
/** 1,000 days of 10 partitions of 5 GB. */
const events: TableStatistics = {
  bytes: 50e12,
  rows: 5e11,
  partitions: 10_000,
  clusteringColumn: 'EVENT_DATE',
  low: '2024-01-01',
  high: '2026-09-26',
  columns: { USER_ID: 1 },
};

const open = (changes: Partial<Filter> = {}): Filter => ({
  table: EVENTS,
  column: 'EVENT_DATE',
  operator: '=',
  low: null,
  high: null,
  ...changes,
});

function scan(
  filters: readonly Filter[],
  changes: Partial<TableStatistics> = {},
): Scan | undefined {
  return scanOf(aStatement({ filters }), { table: () => ({ ...events, ...changes }) });
}

test('a date equal to a value known only at run time keeps one day, and needs no advice', () => {
  expect(scan([open()])).toEqual({
    bytes: 50e9,
    partitions: { assigned: 10, total: 10_000 },
    tablesUnknown: [],
    unfiltered: [],
  });
  const known = scan([open({ low: '2026-01-01', high: '2026-01-01' })]);
  expect(scan([open()])).toEqual(known);
});

test('an instant equal to an unknown value keeps one day of the range of timestamps', () => {
  const range = { low: '2024-01-01 00:00:00', high: '2024-01-10 00:00:00' };
  expect(scan([open()], range)?.partitions.assigned).toBe(1_000);
});

test('a number equal to an unknown value keeps one partition', () => {
  expect(scan([open()], { low: '0', high: '1000' })?.partitions.assigned).toBe(1);
});

test('an unknown value beside a range keeps the smaller of the two', () => {
  const since = (low: string): number | undefined =>
    scan([open(), open({ operator: '>=', low })], {})?.partitions.assigned;
  expect(since('2024-06-01')).toBe(10);
  expect(since('2030-01-01')).toBe(1);
  expect(since('2000-01-01')).toBe(10);
});

test.each<[string, Filter]>([
  ['IN with an unknown value', open({ operator: 'in' })],
  ['>= an unknown value', open({ operator: '>=' })],
  ['< an unknown value', open({ operator: '<' })],
  ['BETWEEN unknown values', open({ operator: 'between' })],
  ['<> an unknown value', open({ operator: '<>' })],
  ['LIKE an unknown pattern', open({ operator: 'like' })],
  ['IS NULL', open({ operator: 'is' })],
  ['= an unknown value on another column', open({ column: 'USER_ID' })],
  ['= an unknown value on another table', open({ table: 'ANALYTICS.WEB.OTHER' })],
  ['= a text that is no date', open({ low: 'yesterday', high: 'yesterday' })],
])('%s is a full scan, with advice', (_what, filter) => {
  expect(scan([filter])).toEqual(scan([]));
  expect(scan([filter])?.unfiltered).toHaveLength(1);
});

test.each<[string, Partial<TableStatistics>]>([
  ['of a range that is not known', { low: null, high: null }],
  ['of texts', { low: 'a', high: 'b' }],
  ['of one number', { low: '5', high: '5' }],
  ['of one day', { low: '2026-01-01', high: '2026-01-01' }],
])('a column %s is scanned whole whatever it equals', (_what, changes) => {
  expect(scan([open()], changes)?.partitions.assigned).toBe(10_000);
});
