import { expect, test } from 'vitest';
import { tryParseUntil } from '../../billing/until.js';

/** A Wednesday, 23:30 in Berlin and already Thursday in Kiritimati. */
const AT = Date.UTC(2026, 10, 25, 22, 30);

function until(text: string, timeZone = 'UTC', at = AT): string | undefined {
  const end = tryParseUntil(text, timeZone, at);
  return end === undefined ? undefined : new Date(end).toISOString().replace('.000', '');
}

test.each([
  ['friday', 'UTC', '2026-11-28T00:00:00Z'],
  ['Fri', 'UTC', '2026-11-28T00:00:00Z'],
  ['friday', 'Europe/Berlin', '2026-11-27T23:00:00Z'],
  ['friday', 'Pacific/Kiritimati', '2026-11-27T10:00:00Z'],
  ['wednesday', 'UTC', '2026-11-26T00:00:00Z'],
  ['thursday', 'Pacific/Kiritimati', '2026-11-26T10:00:00Z'],
  ['today', 'America/Los_Angeles', '2026-11-26T08:00:00Z'],
  ['tomorrow', 'UTC', '2026-11-27T00:00:00Z'],
  ['2026-12-01', 'UTC', '2026-12-02T00:00:00Z'],
  ['2026-12-01', 'Pacific/Kiritimati', '2026-12-01T10:00:00Z'],
  ['2026-12-01', 'America/Los_Angeles', '2026-12-02T08:00:00Z'],
  ['2028-02-29', 'UTC', '2028-03-01T00:00:00Z'],
  ['2026-12-01T18:00:00Z', 'Europe/Berlin', '2026-12-01T18:00:00Z'],
  ['2026-12-01t18:00z', 'UTC', '2026-12-01T18:00:00Z'],
  ['24h', 'UTC', '2026-11-26T22:30:00Z'],
  ['30m', 'UTC', '2026-11-25T23:00:00Z'],
  ['90 minutes', 'UTC', '2026-11-26T00:00:00Z'],
  ['3 days', 'UTC', '2026-11-28T22:30:00Z'],
  ['2w', 'UTC', '2026-12-09T22:30:00Z'],
])('until %s in %s ends at %s', (text, timeZone, end) => {
  expect(until(text, timeZone)).toBe(end);
});

test('days of 23 and 25 hours end at their own midnight', () => {
  const before = (month: number, day: number): number => Date.UTC(2026, month, day, 12);
  expect(until('today', 'Europe/Berlin', before(2, 29))).toBe('2026-03-29T22:00:00Z');
  expect(until('today', 'Europe/Berlin', before(9, 25))).toBe('2026-10-25T23:00:00Z');
});

test.each([
  '',
  'soon',
  'frida',
  'fr',
  '2026-02-29',
  '2026-02-29T12:00:00Z',
  '2026-13-01',
  '1e3d',
  '-1d',
  '3 months',
  '999999h',
  '2026-12-01T25:00:00Z',
  'NaN',
])('%j is no end', (text) => {
  expect(until(text)).toBeUndefined();
});

test('a day that a zone has skipped is no end', () => {
  expect(until('2011-12-30', 'Pacific/Apia', Date.UTC(2011, 11, 1))).toBeUndefined();
  expect(until('2011-12-31', 'Pacific/Apia', Date.UTC(2011, 11, 1))).toBe('2011-12-31T10:00:00Z');
});
