import { expect, test } from 'vitest';
import {
  againstBudget,
  credits,
  money,
  owed,
  owedAs,
  percent,
  signed,
  sum,
  textOf,
  unitsOf,
} from '../../console/amounts.js';

test('decimals are kept exactly, up to twelve places', () => {
  expect(unitsOf('0.1') + unitsOf('0.2')).toBe(unitsOf('0.3'));
  expect(unitsOf('-1.000000000001')).toBe(-1_000_000_000_001n);
  expect(unitsOf('9007199254740993')).toBe(9_007_199_254_740_993n * 10n ** 12n);
});

test('what is no decimal is nothing', () => {
  for (const text of ['', 'unlimited', '1e5', null, undefined]) expect(unitsOf(text)).toBe(0n);
});

test.each([
  ['0', '0.00'],
  ['1234567.895', '1,234,567.90'],
  ['-1234.5', '−1,234.50'],
  ['0.0123', '0.0123'],
  ['0.000123', '0.000123'],
  ['0.0000001', '0.000000'],
  ['-0.0000001', '0.000000'],
])('%s credits are shown as %s', (text, shown) => {
  expect(credits(text)).toBe(shown);
});

test('money has its sign before the dollar, and other currencies behind', () => {
  expect(money('-12.5', 'USD')).toBe('−$12.50');
  expect(money('12.5', 'EUR')).toBe('12.50 EUR');
});

test.each([
  ['0.280000000000', 'USD', '$0.28'],
  ['-20.220000000000', 'USD', '−$20.22'],
  ['0', 'USD', '$0.00'],
  ['897.000000000000', 'JPY', '897 JPY'],
  ['0.379000000000', 'KWD', '0.379 KWD'],
])('what is owed has the decimals of its currency: %s %s', (amount, currency, shown) => {
  expect(owed(amount, currency)).toBe(shown);
});

test.each([
  ['149505', 'JPY', '149,505 JPY'],
  ['-0.500', 'KWD', '−0.500 KWD'],
  ['1842.6', 'EUR', '1,842.6 EUR'],
])('what is owed as %s %s keeps its decimals', (amount, currency, shown) => {
  expect(owedAs({ amount, currency })).toBe(shown);
});

test('half a place is rounded away from zero', () => {
  expect(textOf(unitsOf('0.005'), 2)).toBe('0.01');
  expect(textOf(unitsOf('-0.005'), 2)).toBe('−0.01');
  expect(textOf(unitsOf('2.5'), 0)).toBe('3');
});

test('a share stays between 0 and 100, also of a budget of nothing', () => {
  expect(percent(1n, 3n)).toBe(33.33);
  expect(percent(5n, 3n)).toBe(100);
  expect(percent(-5n, 3n)).toBe(0);
  expect(percent(0n, 0n)).toBe(0);
  expect(percent(1n, 0n)).toBe(100);
});

test('a sum passes over what is not there', () => {
  expect(sum(['0.1', null, undefined, '0.2'])).toBe(unitsOf('0.3'));
});

test('a bill is held against its budget by the forecast while it is open, else by what is owed', () => {
  const bill = { totalAmount: '12.5', budgetAmount: '10' };
  expect(signed(againstBudget(bill))).toBe('+2.50');
  expect(signed(againstBudget({ ...bill, forecastAmount: null }))).toBe('+2.50');
  expect(signed(againstBudget({ ...bill, forecastAmount: '7' }))).toBe('−3.00');
  expect(signed(againstBudget({ ...bill, budgetAmount: null }))).toBe('–');
  expect(signed(0n)).toBe('0.00');
});
