import { expect, test } from 'vitest';
import {
  boundOf,
  endOf,
  endOfBounds,
  instantOf,
  relativeText,
} from '#policies/sql/relative-bound.js';
import { must } from '#base/assert.js';
import { rangeOf } from '#policies/sql/tree/literals.js';
import { processorMs } from '../../support/processor-time.js';

/** A Thursday, at noon. */
const AT = Date.UTC(2026, 10, 26, 12, 34, 56);

function shown(term: string, at: number = AT, offsetMs: number = 0): string {
  const bound = must(boundOf(term.split(' ').map((word) => word.replaceAll('_OF_', ' '))), term);
  const instant = instantOf(bound, at, offsetMs);
  return instant === null ? 'none' : new Date(instant).toISOString().slice(0, 19);
}

test.each([
  ['CURRENT_DATE', '2026-11-26T00:00:00'],
  ['CURRENT_TIMESTAMP', '2026-11-26T12:34:56'],
  ['CURRENT_DATE SUBTRACT day 7', '2026-11-19T00:00:00'],
  ['CURRENT_DATE ADD days -7', '2026-11-19T00:00:00'],
  ['CURRENT_DATE ADD WEEK +1', '2026-12-03T00:00:00'],
  ['CURRENT_TIMESTAMP ADD hh -13', '2026-11-25T23:34:56'],
  ['CURRENT_TIMESTAMP ADD mi -35', '2026-11-26T11:59:56'],
  ['CURRENT_DATE START MM', '2026-11-01T00:00:00'],
  ['CURRENT_DATE START month ADD mon -1', '2026-10-01T00:00:00'],
  ['CURRENT_DATE START quarter', '2026-10-01T00:00:00'],
  ['CURRENT_DATE START yy', '2026-01-01T00:00:00'],
  ['CURRENT_DATE START week', '2026-11-23T00:00:00'],
  ['CURRENT_TIMESTAMP START hour', '2026-11-26T12:00:00'],
  ['CURRENT_DATE LAST_DAY month', '2026-11-30T00:00:00'],
  ['CURRENT_DATE LAST_DAY quarter', '2026-12-31T00:00:00'],
  ['CURRENT_DATE LAST_DAY week', '2026-11-29T00:00:00'],
  ['CURRENT_DATE END year', '2026-12-31T23:59:59'],
  ['CURRENT_DATE BEFORE', '2026-11-25T23:59:59'],
  ['CURRENT_DATE START month BEFORE END month', '2026-10-31T23:59:59'],
  ['AT 2024-03-31 ADD month -1', '2024-02-29T00:00:00'],
  ['AT 2023-03-31 ADD month -1', '2023-02-28T00:00:00'],
  ['AT 2024-02-29 ADD year 1', '2025-02-28T00:00:00'],
  ['AT 2024-02-29 ADD_MONTHS 1', '2024-03-31T00:00:00'],
  ['AT 2024-02-28 ADD_MONTHS 1', '2024-03-28T00:00:00'],
  ['AT 2024-01-31 ADD quarter 1', '2024-04-30T00:00:00'],
  ['AT 2024-01-31T10:20 ADD month 1', '2024-02-29T10:20:00'],
  ['AT 2024-01-01 PLUS 1_OF_year,3_OF_months,2d', '2025-04-03T00:00:00'],
  ['AT 2024-01-01 MINUS 90', '2023-12-31T23:58:30'],
])('%s is %s', (term, expected) => {
  expect(shown(term)).toBe(expected);
});

test('the clock of the session decides which day it is, that of SYSDATE does not', () => {
  const late = Date.UTC(2026, 10, 30, 20);
  const hour = 3_600_000;
  expect(shown('CURRENT_DATE', late, 14 * hour)).toBe('2026-12-01T00:00:00');
  expect(shown('CURRENT_DATE START month', late, 14 * hour)).toBe('2026-12-01T00:00:00');
  expect(shown('CURRENT_DATE', late, -12 * hour)).toBe('2026-11-30T00:00:00');
  expect(shown('SYSDATE', late, 14 * hour)).toBe('2026-11-30T20:00:00');
});

test.each([
  'CURRENT_TIME',
  'AT yesterday',
  'AT 20260101',
  'AT 2026-01-01T10:00+02:00',
  'AT 2026-13-01',
  'CURRENT_DATE ADD fortnight 1',
  'CURRENT_DATE ADD day 1.5',
  'CURRENT_DATE ADD day 12345678901',
  'CURRENT_DATE ADD day',
  'CURRENT_DATE PLUS soon',
  'CURRENT_DATE SIDEWAYS',
])('%s is no bound', (term) => {
  expect(boundOf(term.split(' '))).toBeNull();
});

test('what lies outside of what dates can be is no instant', () => {
  expect(shown('CURRENT_DATE ADD year 99999')).toBe('none');
  expect(shown('CURRENT_DATE ADD day -999999999')).toBe('none');
});

test('an end is a literal where no clock is in it, the least of its terms below and the greatest above', () => {
  const terms = [
    ['AT', '2024-01-31', 'ADD', 'month', '1'],
    ['AT', '2024-02-10T08:00:00'],
  ];
  expect(endOf(terms, 'low')).toEqual({ text: '2024-02-10 08:00:00', relative: null });
  expect(endOf(terms, 'high')).toEqual({ text: '2024-02-29', relative: null });
  const mixed = endOf([...terms, ['CURRENT_DATE']], 'low');
  expect(mixed.text).toBeNull();
  expect(mixed.relative).toHaveLength(3);
});

test('one term that cannot be read, or too many, leave the end open', () => {
  const open = { text: null, relative: null };
  expect(endOf([['CURRENT_DATE'], ['AT', 'soon']], 'low')).toEqual(open);
  expect(endOf([], 'low')).toEqual(open);
  const bound = must(boundOf(['CURRENT_DATE']), 'a clock');
  expect(
    endOfBounds(
      Array.from({ length: 65 }, () => bound),
      'high',
    ),
  ).toEqual(open);
  expect(
    endOfBounds(
      Array.from({ length: 64 }, () => bound),
      'high',
    ).relative,
  ).toHaveLength(64);
  expect(boundOf(['CURRENT_DATE', ...Array.from({ length: 64 }, () => 'BEFORE')])).toBeNull();
});

test('a bound is told as people write it', () => {
  const told = (term: string): string => relativeText(must(boundOf(term.split(' ')), term));
  expect(told('CURRENT_DATE SUBTRACT day 7')).toBe('CURRENT_DATE - 7 day');
  expect(told('CURRENT_DATE START month ADD month 1')).toBe(
    'DATE_TRUNC(month, CURRENT_DATE) + 1 month',
  );
  expect(told('AT 2024-01-31 ADD_MONTHS -1')).toBe('ADD_MONTHS(2024-01-31, -1)');
  expect(told('SYSDATE LAST_DAY month')).toBe('LAST_DAY(SYSDATE, month)');
  expect(told('CURRENT_DATE BEFORE END month')).toBe('the end of the month of before CURRENT_DATE');
});

test('a literal of a megabyte is read in milliseconds, whatever is in it', () => {
  const blanks = `1${' '.repeat(1_000_000)}!`;
  expect(processorMs(() => boundOf(['CURRENT_DATE', 'MINUS', blanks]))).toBeLessThan(200);
  const digits = `${'1'.repeat(1_000_000)}x`;
  expect(processorMs(() => rangeOf([digits, '2']))).toBeLessThan(200);
});

test('an interval may have blanks around its parts, and a number alone counts seconds', () => {
  expect(shown('CURRENT_DATE MINUS _OF_1_OF__OF_day_OF_,3')).toBe('2026-11-24T23:59:57');
});

test('an interval of more parts than anybody writes is no bound', () => {
  const parts = (count: number): string => Array.from({ length: count }, () => '1').join(',');
  expect(boundOf(['CURRENT_DATE', 'MINUS', parts(64)])?.steps).toHaveLength(64);
  expect(boundOf(['CURRENT_DATE', 'MINUS', parts(65)])).toBeNull();
  expect(boundOf(['CURRENT_DATE', 'MINUS', parts(500_000)])).toBeNull();
});
