import { expect, test } from 'vitest';
import type { OffPeakDocument } from '#policies/control/ladder-documents.js';
import { asksForOffPeak, offPeakFrom } from '#policies/off-peak.js';

const berlin: OffPeakDocument = {
  timeZone: 'Europe/Berlin',
  windows: [
    { from: '20:00', to: '06:00', days: ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'] },
    { from: '00:00', to: '00:00', days: ['saturday', 'sunday'] },
  ],
};
const at = (text: string): number => Date.parse(text);
const next = (hours: OffPeakDocument, text: string): string =>
  new Date(offPeakFrom(hours, at(text))).toISOString().replace('.000Z', 'Z');

test.each([
  ['in the evening, now', '2026-11-23T22:30:00Z', '2026-11-23T22:30:00Z'],
  ['after midnight, now', '2026-11-24T04:59:59Z', '2026-11-24T04:59:59Z'],
  ['in the morning, this evening', '2026-11-24T05:00:00Z', '2026-11-24T19:00:00Z'],
  ['one millisecond before', '2026-11-24T18:59:59.999Z', '2026-11-24T19:00:00Z'],
  ['on Saturday, now', '2026-11-28T12:00:00Z', '2026-11-28T12:00:00Z'],
  ['at the end of Sunday, the next evening', '2026-11-29T23:00:00Z', '2026-11-30T19:00:00Z'],
  // Clocks go from 2:00 to 3:00 on 29 March 2026, and back on 25 October.
  ['across the day clocks go forward', '2026-03-27T12:00:00Z', '2026-03-27T19:00:00Z'],
  ['in summer time', '2026-03-30T04:00:00Z', '2026-03-30T18:00:00Z'],
  ['after clocks went back', '2026-10-26T05:00:00Z', '2026-10-26T19:00:00Z'],
])('%s', (_name, from, to) => {
  expect(next(berlin, from)).toBe(to);
});

test.each([
  ['2026-03-28T12:00:00Z', '2026-03-29T18:00:00Z'],
  ['2026-10-24T19:30:00Z', '2026-10-25T19:00:00Z'],
])('a change of the clock on the way moves the start with it (%s)', (from, to) => {
  const sundays: OffPeakDocument = {
    timeZone: 'Europe/Berlin',
    windows: [{ from: '20:00', to: '22:00', days: ['sunday'] }],
  };
  expect(next(sundays, from)).toBe(to);
});

test('zones far from UTC, leap days and single days of the week', () => {
  const once: OffPeakDocument = {
    timeZone: 'Pacific/Kiritimati',
    windows: [{ from: '01:00', to: '02:00', days: ['tuesday'] }],
  };
  // +14:00: Tuesday, 29 February 2028 begins there on Monday at 10:00 UTC.
  expect(next(once, '2028-02-23T00:00:00Z')).toBe('2028-02-28T11:00:00Z');
});

test.each([
  ['a leading comment', '/* tollgate: off-peak */ SELECT 1', null, true],
  ['in other letters, after blanks', '  /*TOLLGATE:OFF-PEAK*/SELECT 1', null, true],
  ['a member of the tag', 'SELECT 1', '{"tollgate_off_peak": true}', true],
  ['a member that says no', 'SELECT 1', '{"tollgate_off_peak": false}', false],
  ['a comment that does not lead', 'SELECT 1 /* tollgate: off-peak */', null, false],
  ['a text in quotes', "SELECT '/* tollgate: off-peak */'", null, false],
  ['a tag that is no JSON', 'SELECT 1', 'tollgate_off_peak', false],
  ['nothing', 'SELECT 1', null, false],
])('off-peak is asked for by %s', (_name, text, tag, asked) => {
  expect(asksForOffPeak(text, tag)).toBe(asked);
});
