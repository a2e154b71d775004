import { expect, test } from 'vitest';
import { convert, formatMoney, minorDecimals, roundToMinor } from '../../base/currency.js';
import { formatAmount, parseMoney } from '../../base/units.js';

test.each([
  ['JPY', 0, '1234.5', '1234'],
  ['JPY', 0, '1235.5', '1236'],
  ['USD', 2, '0.125', '0.12'],
  ['EUR', 2, '-0.135', '-0.14'],
  ['KWD', 3, '0.0005', '0.000'],
  ['KWD', 3, '0.0015', '0.002'],
  ['CLF', 4, '1.00005', '1.0000'],
] as const)(
  'criterion 19: %s has %d decimals, and %s is paid as %s',
  (currency, decimals, exact, paid) => {
    expect(minorDecimals(currency)).toBe(decimals);
    expect(formatMoney(roundToMinor(parseMoney(exact), currency), currency)).toBe(paid);
  },
);

test('a conversion multiplies exactly and rounds once, to twelve decimals half to even', () => {
  const at = (amount: string, rate: string): string =>
    formatAmount(convert(parseMoney(amount), parseMoney(rate)));
  expect(at('10', '0.123456789012')).toBe('1.234567890120');
  expect(at('0.5', '0.000000000001')).toBe('0.000000000000');
  expect(at('1.5', '0.000000000001')).toBe('0.000000000002');
  expect(at('-1234.56', '0.9213')).toBe('-1137.400128000000');
});
