import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PERIOD_KINDS, monthPeriod, periodAt } from '../../billing/period.js';
import type { PeriodKind } from '../../billing/period.js';

const HOUR_MS = 3_600_000;

function shown(
  periodKind: PeriodKind,
  timeZone: string,
  at: string,
  weekStartsOn = 1,
): readonly [string, string] {
  const period = periodAt({ periodKind, timeZone, weekStartsOn }, Date.parse(at));
  return [new Date(period.startsAt).toISOString(), new Date(period.endsAt).toISOString()];
}

test('days, weeks, months and quarters begin at local midnight', () => {
  expect(shown('day', 'UTC', '2026-07-15T12:00:00Z')).toEqual([
    '2026-07-15T00:00:00.000Z',
    '2026-07-16T00:00:00.000Z',
  ]);
  expect(shown('day', 'Asia/Kolkata', '2026-07-15T18:29:59Z')).toEqual([
    '2026-07-14T18:30:00.000Z',
    '2026-07-15T18:30:00.000Z',
  ]);
  expect(shown('week', 'UTC', '2026-07-15T12:00:00Z')).toEqual([
    '2026-07-13T00:00:00.000Z',
    '2026-07-20T00:00:00.000Z',
  ]);
  expect(shown('month', 'America/New_York', '2026-12-31T23:00:00Z')).toEqual([
    '2026-12-01T05:00:00.000Z',
    '2027-01-01T05:00:00.000Z',
  ]);
  expect(shown('quarter', 'UTC', '2026-12-31T23:59:59Z')).toEqual([
    '2026-10-01T00:00:00.000Z',
    '2027-01-01T00:00:00.000Z',
  ]);
});

test('a week begins on the chosen day, also on that day itself', () => {
  expect(shown('week', 'UTC', '2026-07-15T00:00:00Z', 7)[0]).toBe('2026-07-12T00:00:00.000Z');
  expect(shown('week', 'UTC', '2026-07-12T00:00:00Z', 7)[0]).toBe('2026-07-12T00:00:00.000Z');
  expect(shown('week', 'UTC', '2026-07-11T23:59:59Z', 7)[0]).toBe('2026-07-05T00:00:00.000Z');
  expect(shown('week', 'UTC', '2026-01-01T00:00:00Z', 6)[0]).toBe('2025-12-27T00:00:00.000Z');
});

test('a day into summer time has 23 hours, one out of it 25', () => {
  const spring = shown('day', 'Europe/Berlin', '2026-03-29T12:00:00Z');
  expect(spring).toEqual(['2026-03-28T23:00:00.000Z', '2026-03-29T22:00:00.000Z']);
  const autumn = shown('day', 'Europe/Berlin', '2026-10-25T12:00:00Z');
  expect(autumn).toEqual(['2026-10-24T22:00:00.000Z', '2026-10-25T23:00:00.000Z']);
  const halfHour = shown('day', 'Australia/Lord_Howe', '2026-04-04T20:00:00Z');
  expect((Date.parse(halfHour[1]) - Date.parse(halfHour[0])) / HOUR_MS).toBe(24.5);
});

test('where a zone skips midnight, the day begins at the end of the gap', () => {
  // Cairo, 2026-04-24: 00:00 becomes 01:00.
  expect(shown('day', 'Africa/Cairo', '2026-04-24T09:00:00Z')).toEqual([
    '2026-04-23T22:00:00.000Z',
    '2026-04-24T21:00:00.000Z',
  ]);
  // Cairo, 2026-10-29 24:00 becomes 23:00 again: midnight comes once, after 25 hours.
  expect(shown('day', 'Africa/Cairo', '2026-10-29T21:30:00Z')).toEqual([
    '2026-10-28T21:00:00.000Z',
    '2026-10-29T22:00:00.000Z',
  ]);
  // Havana, 2026-11-01: 01:00 becomes 00:00 again; the day begins with the first midnight.
  expect(shown('day', 'America/Havana', '2026-11-01T12:00:00Z')).toEqual([
    '2026-11-01T04:00:00.000Z',
    '2026-11-02T05:00:00.000Z',
  ]);
});

test('leap days belong to their month', () => {
  expect(shown('month', 'UTC', '2028-02-29T23:59:59Z')).toEqual([
    '2028-02-01T00:00:00.000Z',
    '2028-03-01T00:00:00.000Z',
  ]);
});

test('a month by name is the same as the month of its instants; other text is no month', () => {
  expect(monthPeriod('2026-02', 'UTC')).toEqual({
    startsAt: Date.UTC(2026, 1, 1),
    endsAt: Date.UTC(2026, 2, 1),
  });
  for (const text of ['2026-13', '2026-2', '26-02', '2026-02-01', '', '2026-00']) {
    expect(monthPeriod(text, 'UTC')).toBeUndefined();
  }
});

test('an unknown time zone is a stale control, not a period', () => {
  expect(() =>
    periodAt({ periodKind: 'day', timeZone: 'Mars/Olympus', weekStartsOn: 1 }, 0),
  ).toThrow('Mars/Olympus');
});

test('periods contain their instant and follow one another without gap or overlap', () => {
  const zones = [
    'UTC',
    'Europe/Berlin',
    'America/Sao_Paulo',
    'Africa/Cairo',
    'Pacific/Apia',
    'Asia/Kathmandu',
    'America/Havana',
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...PERIOD_KINDS),
      fc.constantFrom(...zones),
      fc.integer({ min: 1, max: 7 }),
      fc.integer({ min: Date.UTC(2005, 0, 1), max: Date.UTC(2035, 0, 1) }),
      (periodKind, timeZone, weekStartsOn, at) => {
        const rule = { periodKind, timeZone, weekStartsOn };
        const period = periodAt(rule, at);
        expect(period.startsAt).toBeLessThanOrEqual(at);
        expect(period.endsAt).toBeGreaterThan(at);
        expect(periodAt(rule, period.startsAt)).toEqual(period);
        expect(periodAt(rule, period.endsAt - 1)).toEqual(period);
        expect(periodAt(rule, period.endsAt).startsAt).toBe(period.endsAt);
      },
    ),
    { numRuns: 300 },
  );
});
