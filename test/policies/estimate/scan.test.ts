import { expect, test } from 'vitest';
import { must } from '#base/assert.js';
import { scanOf, type Scan } from '#policies/estimate/scan.js';
import type { TableStatistics } from '#policies/estimate/table-statistics.js';
import type { Filter } from '#policies/sql/facts.js';
import { boundOf, type RelativeBound } from '#policies/sql/relative-bound.js';
import { AT, aStatement } from '../builders.js';

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
  return scanOf(aStatement({ filters }), { table: () => ({ ...events, ...changes }) }, AT);
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

const DAY_MS = 86_400_000;

function bounds(...terms: readonly string[]): readonly RelativeBound[] {
  return terms.map((term) => must(boundOf(term.split(' ')), term));
}

/** Days of a table that has had 10 partitions a day until `high`. */
function daysLeft(
  filter: Partial<Filter>,
  {
    high = '2026-11-23',
    at = AT,
    takenAt,
    timeZone,
  }: { high?: string; at?: number; takenAt?: number; timeZone?: string | null } = {},
): number | undefined {
  const view = {
    table: () => ({ ...events, low: '2024-02-28', high, partitions: 10_000 }),
    ...(takenAt === undefined ? {} : { takenAt }),
  };
  const found = scanOf(aStatement({ filters: [open(filter)] }), view, at, timeZone);
  const days = (Date.parse(high) - Date.parse('2024-02-28')) / DAY_MS + 1;
  return found === undefined ? undefined : Math.round((found.partitions.assigned * days) / 10_000);
}

test.each<[string, number, Partial<Filter>]>([
  ['since a week ago', 8, { operator: '>=', relativeLow: bounds('CURRENT_DATE SUBTRACT day 7') }],
  ['after a week ago', 7, { operator: '>', relativeLow: bounds('CURRENT_DATE SUBTRACT day 7') }],
  [
    'since this month began',
    24,
    { operator: '>=', relativeLow: bounds('CURRENT_DATE START month') },
  ],
  ['on the day before', 1, { operator: '=', ...bothEnds('CURRENT_DATE SUBTRACT day 1') }],
  [
    'in the month before',
    31,
    {
      operator: 'between',
      relativeLow: bounds('CURRENT_DATE START month ADD month -1'),
      relativeHigh: bounds('CURRENT_DATE START month BEFORE'),
    },
  ],
  ['before 2024-03-02, exclusive', 3, { operator: '<', high: '2024-03-02' }],
  ['until 2024-03-02', 4, { operator: '<=', high: '2024-03-02' }],
  ['in one of two', 6, { operator: 'in', ...bothEnds('CURRENT_DATE', 'CURRENT_DATE ADD day -5') }],
])('a bound that the clock decides keeps its days: %s', (_what, days, filter) => {
  expect(daysLeft(filter)).toBe(days);
});

function bothEnds(...terms: readonly string[]): Pick<Filter, 'relativeLow' | 'relativeHigh'> {
  return { relativeLow: bounds(...terms), relativeHigh: bounds(...terms) };
}

test('a statement of tomorrow reads other days than that of today, by the same facts', () => {
  expect(daysLeft({ operator: '>=', relativeLow: bounds('CURRENT_DATE START year') })).toBe(328);
  const january = Date.UTC(2026, 0, 10, 12);
  expect(
    daysLeft({ operator: '<', relativeHigh: bounds('CURRENT_DATE START year') }, { at: january }),
  ).toBe(673);
});

test('where it is not known which day it is for the session, the dearest of them counts', () => {
  const today = { operator: '>=', relativeLow: bounds('CURRENT_DATE') } as const;
  const ahead = '2026-12-31';
  // Dates that lie ahead stay: from the evening of the 22nd in the west to the end of the year.
  expect(daysLeft(today, { high: ahead, at: Date.UTC(2026, 10, 23, 1) })).toBe(40);
  expect(daysLeft(today, { high: ahead, at: Date.UTC(2026, 10, 23, 13) })).toBe(39);
});

test.each<[string | null, number, number]>([
  // From the 22nd, the 23rd or the 24th of November on, to the end of the year.
  ['Etc/GMT+12', Date.UTC(2026, 10, 23, 1), 40],
  ['Asia/Tokyo', Date.UTC(2026, 10, 23, 1), 39],
  ['Pacific/Kiritimati', Date.UTC(2026, 10, 23, 13), 38],
  ['Asia/Kolkata', Date.UTC(2026, 10, 23, 18, 29), 39],
  ['Asia/Kolkata', Date.UTC(2026, 10, 23, 18, 30), 38],
  // Summer time: four hours behind UTC, and five.
  ['America/New_York', Date.UTC(2026, 9, 31, 4, 30), 62],
  ['America/New_York', Date.UTC(2026, 10, 23, 4, 30), 40],
  // As where nobody knows it.
  [null, Date.UTC(2026, 10, 23, 13), 39],
  ['No/Such_Zone', Date.UTC(2026, 10, 23, 13), 39],
])('the day is that of the zone of the session: %s', (timeZone, at, days) => {
  const today = { operator: '>=', relativeLow: bounds('CURRENT_DATE') } as const;
  expect(daysLeft(today, { high: '2026-12-31', at, timeZone })).toBe(days);
});

test('a table that grows is read until today, one that has ended is not', () => {
  const week = { operator: '>=', relativeLow: bounds('CURRENT_DATE SUBTRACT day 6') } as const;
  expect(daysLeft(week, { high: '2026-11-21' })).toBe(7);
  expect(daysLeft(week, { high: '2026-06-30' })).toBe(0);
  expect(daysLeft({ operator: '>=', low: '2026-06-01' }, { high: '2026-06-30' })).toBe(30);
});

test('statistics that were taken later have days that a statement could not read yet', () => {
  const week = { operator: '>=', relativeLow: bounds('CURRENT_DATE SUBTRACT day 6') } as const;
  const at = Date.UTC(2026, 9, 1, 12);
  expect(daysLeft(week, { at })).toBe(60);
  expect(daysLeft(week, { at, takenAt: AT })).toBe(7);
  expect(daysLeft(week, { at, takenAt: AT, high: '2027-01-31' })).toBe(129);
});

test('a bound of the clock that is none of dates, or lies outside of them, narrows nothing', () => {
  const far = bounds('CURRENT_DATE ADD year 99999');
  expect(scan([open({ operator: '>=', relativeLow: far })])).toEqual(scan([]));
  const since = open({ operator: '>=', relativeLow: bounds('CURRENT_DATE') });
  const numbers = { low: '0', high: '1000' };
  expect(scan([since], numbers)).toEqual(scan([], numbers));
});

test('no column is missed that the clock bounds; one that it does not narrow is', () => {
  const recent = open({ operator: '>=', relativeLow: bounds('CURRENT_DATE SUBTRACT day 90') });
  expect(scan([recent])?.unfiltered).toEqual([]);
  const ever = open({ operator: '>=', relativeLow: bounds('CURRENT_DATE SUBTRACT day 9999') });
  expect(scan([ever])?.unfiltered).toHaveLength(1);
});

test('a count of rows reads nothing and misses no filter, where the name is that of a table', () => {
  const count = aStatement({ isRowCount: true, columns: {} });
  expect(scanOf(count, { table: () => events }, AT)).toEqual({
    bytes: 0,
    partitions: { assigned: 0, total: 10_000 },
    tablesUnknown: [],
    unfiltered: [],
  });
  expect(scanOf(count, { table: () => undefined }, AT)).toBeUndefined();
});

test('the price with a filter holds the bytes of its column', () => {
  const columns = { USER_ID: 0.1, EVENT_DATE: 0.02, PAYLOAD: 0.88 };
  expect(scan([], { columns })?.unfiltered[0]?.bytesAfter).toBeCloseTo(50e9 * 0.12, -3);
});
