import { expect, test } from 'vitest';
import { formatAmountTo, parseCredits } from '#base/units.js';
import { adjustDay } from '../../../warehouse/metering/daily-adjustment.js';

test.each([
  // warehouses, cloud services, adjustment, billed
  ['120', '10', '-10.00', '120.00'],
  ['100', '20', '-10.00', '110.00'],
  ['100', '10', '-10.00', '100.00'],
  ['0', '3', '0.00', '3.00'],
  ['37.5', '3.75', '-3.75', '37.50'],
])(
  '%s credits of warehouses and %s of cloud services: adjusted by %s, billed %s',
  (compute, services, adjustment, billed) => {
    const day = adjustDay(parseCredits(compute), parseCredits(services));
    expect(formatAmountTo(day.adjustment, 2)).toBe(adjustment);
    expect(formatAmountTo(day.billed, 2)).toBe(billed);
    expect(day.used + day.adjustment).toBe(day.billed);
  },
);

test('a tenth that has no twelfth decimal is rounded half-even', () => {
  const { adjustment } = adjustDay(parseCredits('0.000000000025'), parseCredits('1'));
  expect(adjustment).toBe(-2n);
});
