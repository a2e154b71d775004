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

test('a conversion keeps what it was made from: amount, rate, source and day', () => {
  const original = { amount: parseMoney('10'), currency: 'USD' };
  const into = {
    currency: 'EUR',
    rate: parseMoney('0.123456789012'),
    source: 'ECB',
    day: '2026-10-01',
  };
  const made = convert(original, into);
  expect(made).toMatchObject({ ...into, original });
  expect(formatAmount(made.amount)).toBe('1.234567890120');
});
