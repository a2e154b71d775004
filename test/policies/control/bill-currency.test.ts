import { expect, test } from 'vitest';
import type { BookingDocument } from '../../../policies/control/closing-documents.js';
import { billCurrencyOf } from '../../../policies/control/closing.js';
import { demoControlDocument } from '../../../policies/control/demo.js';

test('a bill is in the currency of the nearest booking that says one, from its day on', () => {
  const demo = demoControlDocument();
  const team = 'marketing';
  const department = demo.teams.find(({ id }) => id === team)?.department ?? '';
  const organisation = demo.organisation.id;
  const other = demo.teams.find((each) => each.department !== department);
  const bookings: readonly BookingDocument[] = [
    { node: organisation, effectiveFrom: '2026-01-01', currency: 'JPY' },
    { node: department, effectiveFrom: '2026-06-01', currency: 'EUR' },
    { node: team, effectiveFrom: '2026-08-01', costCentre: 'CC-1' },
    { node: team, effectiveFrom: '2026-10-01', currency: 'KWD' },
  ];
  const at = (day: string, id: string = team): string =>
    billCurrencyOf({ ...demo, bookings }, id, day);
  expect(['2025-12-31', '2026-01-31', '2026-08-31', '2026-10-31'].map((day) => at(day))).toEqual([
    'USD',
    'JPY',
    'EUR',
    'KWD',
  ]);
  expect(at('2026-10-31', other?.id)).toBe('JPY');
  expect(at('2026-10-31', 'unallocated')).toBe('JPY');
});
