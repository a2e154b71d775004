import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FISCAL_LENGTHS, FISCAL_PATTERNS, YEAR_STARTS } from '../../billing/fiscal.js';
import type { FiscalRule } from '../../billing/fiscal.js';
import { periodAt, previousPeriod, tryPeriodAt } from '../../billing/period.js';
import type { CustomRule, PeriodKind, PeriodRule } from '../../billing/period.js';

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

test('an unknown time zone is a stale control, not a period', () => {
  expect(() =>
    periodAt({ periodKind: 'day', timeZone: 'Mars/Olympus', weekStartsOn: 1 }, 0),
  ).toThrow('Mars/Olympus');
});

const kindOfPeriod: fc.Arbitrary<Pick<PeriodRule, 'periodKind' | 'fiscal' | 'custom'>> = fc.oneof(
  fc.constantFrom('day', 'week', 'month', 'quarter').map((periodKind) => ({ periodKind }) as const),
  fc
    .record({
      length: fc.constantFrom(...FISCAL_LENGTHS),
      firstMonth: fc.integer({ min: 1, max: 12 }),
      pattern: fc.constantFrom(...FISCAL_PATTERNS),
      yearStart: fc.constantFrom(...YEAR_STARTS),
    })
    .map((fiscal) => ({ periodKind: 'fiscal', fiscal }) as const),
  fc
    .record({ everyDays: fc.integer({ min: 1, max: 400 }), firstDay: fc.constant('2000-02-29') })
    .map((custom) => ({ periodKind: 'custom', custom }) as const),
);

/** Local first days of the period that contains `day`, and of the one after it. */
function daysOf(fiscal: FiscalRule, day: string, weekStartsOn = 1): readonly [string, string] {
  const rule = { periodKind: 'fiscal', timeZone: 'UTC', weekStartsOn, fiscal } as const;
  const period = periodAt(rule, Date.parse(day));
  const [first, next] = [period.startsAt, period.endsAt].map((at) => new Date(at).toISOString());
  return [first?.slice(0, 10) ?? '', next?.slice(0, 10) ?? ''];
}

test('a fiscal year of calendar months begins with its first month, also in a leap year', () => {
  const fiscal = {
    length: 'year',
    firstMonth: 2,
    pattern: 'calendar',
    yearStart: 'nearest',
  } as const;
  expect(daysOf(fiscal, '2026-01-31')).toEqual(['2025-02-01', '2026-02-01']);
  expect(daysOf({ ...fiscal, length: 'quarter' }, '2028-02-29')).toEqual([
    '2028-02-01',
    '2028-05-01',
  ]);
  expect(daysOf({ ...fiscal, length: 'quarter' }, '2027-01-01')).toEqual([
    '2026-11-01',
    '2027-02-01',
  ]);
  expect(daysOf({ ...fiscal, length: 'month' }, '2028-02-29')).toEqual([
    '2028-02-01',
    '2028-03-01',
  ]);
});

// The retail calendar of the NRF: weeks from Sunday, a year from the Sunday nearest to 1 February. 2023 had 53 weeks.
test('a fiscal year of weeks has 52 or 53 of them, and the last month takes the one more', () => {
  const retail = { length: 'year', firstMonth: 2, pattern: '4-5-4', yearStart: 'nearest' } as const;
  expect(daysOf(retail, '2023-06-01', 7)).toEqual(['2023-01-29', '2024-02-04']);
  expect(daysOf(retail, '2024-02-03', 7)).toEqual(['2023-01-29', '2024-02-04']);
  expect(daysOf(retail, '2024-02-04', 7)).toEqual(['2024-02-04', '2025-02-02']);
  const month = { ...retail, length: 'month' } as const;
  expect(daysOf(month, '2023-02-25', 7)).toEqual(['2023-01-29', '2023-02-26']);
  expect(daysOf(month, '2023-02-26', 7)).toEqual(['2023-02-26', '2023-04-02']);
  expect(daysOf(month, '2024-02-03', 7)).toEqual(['2023-12-31', '2024-02-04']);
  expect(daysOf({ ...retail, length: 'quarter' }, '2024-02-03', 7)).toEqual([
    '2023-10-29',
    '2024-02-04',
  ]);
});

test('a year may also begin after the last week that ends in the month before', () => {
  const last = {
    length: 'year',
    firstMonth: 10,
    pattern: '4-4-5',
    yearStart: 'after-last',
  } as const;
  // Weeks end on Saturday; the last Saturday of September 2025 is the 27th.
  expect(daysOf(last, '2026-01-01', 7)).toEqual(['2025-09-28', '2026-09-27']);
  expect(daysOf({ ...last, yearStart: 'nearest' }, '2026-01-01', 7)).toEqual([
    '2025-09-28',
    '2026-10-04',
  ]);
});

test('periods of own days follow one another from the first day, or stand alone', () => {
  const rule = (custom: CustomRule): PeriodRule => ({
    periodKind: 'custom',
    timeZone: 'Pacific/Kiritimati',
    weekStartsOn: 1,
    custom,
  });
  const each = rule({ everyDays: 10, firstDay: '2028-02-25' });
  expect(tryPeriodAt(each, Date.parse('2028-02-24T09:59:59.999Z'))).toBeUndefined();
  // UTC+14: a day begins there when it is ten in the morning of the day before in Greenwich.
  expect(tryPeriodAt(each, Date.parse('2028-02-24T10:00:00Z'))).toEqual({
    startsAt: Date.parse('2028-02-24T10:00:00Z'),
    endsAt: Date.parse('2028-03-05T10:00:00Z'),
  });
  const spans = rule({
    spans: [
      { firstDay: '2028-02-29', lastDay: '2028-02-29' },
      { firstDay: '2028-03-02', lastDay: '2028-03-31' },
    ],
  });
  const leapDay = tryPeriodAt(spans, Date.parse('2028-02-29T00:00:00Z'));
  expect(leapDay?.startsAt).toBe(Date.parse('2028-02-28T10:00:00Z'));
  expect(tryPeriodAt(spans, leapDay?.endsAt ?? 0)).toBeUndefined();
  expect(() => periodAt(spans, leapDay?.endsAt ?? 0)).toThrow(
    'No period contains 2028-02-29T10:00',
  );
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
    'Pacific/Kiritimati',
  ];
  fc.assert(
    fc.property(
      kindOfPeriod,
      fc.constantFrom(...zones),
      fc.integer({ min: 1, max: 7 }),
      fc.integer({ min: Date.UTC(2005, 0, 1), max: Date.UTC(2035, 0, 1) }),
      (kind, timeZone, weekStartsOn, at) => {
        const rule = { ...kind, timeZone, weekStartsOn };
        const period = periodAt(rule, at);
        expect(period.startsAt).toBeLessThanOrEqual(at);
        expect(period.endsAt).toBeGreaterThan(at);
        expect(periodAt(rule, period.startsAt)).toEqual(period);
        expect(periodAt(rule, period.endsAt - 1)).toEqual(period);
        expect(periodAt(rule, period.endsAt).startsAt).toBe(period.endsAt);
        expect(previousPeriod(rule, period)?.endsAt).toBe(period.startsAt);
      },
    ),
    { numRuns: 300 },
  );
});
