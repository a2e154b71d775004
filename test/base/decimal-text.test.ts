import { expect, test } from 'vitest';
import { grouped, trimmed } from '../../base/decimal-text.js';

test.each([
  ['0', '0'],
  ['999.125', '999.125'],
  ['-1000', '-1,000'],
  ['-123456.7890', '-123,456.7890'],
  ['9007199254740993.000000000001', '9,007,199,254,740,993.000000000001'],
])('the thousands of %s are set apart: %s', (decimal, text) => {
  expect(grouped(decimal)).toBe(text);
});

test.each([
  ['12.500000000000', 0, '12.5'],
  ['10', 0, '10'],
  ['10.0', 0, '10'],
  ['100.000', 2, '100.00'],
  ['-0.120', 2, '-0.12'],
  ['3.1', 2, '3.1'],
  ['3.1230', 2, '3.123'],
])('%s with at least %i decimals is %s', (decimal, decimalsMin, text) => {
  expect(trimmed(decimal, decimalsMin)).toBe(text);
});
