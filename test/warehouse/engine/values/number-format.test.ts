import { expect, test } from 'vitest';
import { printNumber, readNumber } from '../../../../warehouse/engine/values/number-format.js';

test.each([
  ['-12.391', '">"B9,999.0"<"', '>   -12.4<'],
  ['0', '">"B9,999.0"<"', '>      .0<'],
  ['1234567.891', '9,999,999.99', ' 1,234,567.89'],
  ['999.999', '999.99', ' ###.##'],
  ['999.995', '9,999.99', ' 1,000.00'],
  ['12', 'S999', ' +12'],
  ['-12', '999MI', ' 12-'],
  ['12', '999MI', ' 12 '],
  ['12.5', 'FM999.99', '12.5'],
  ['1', '0XXX', '0001'],
])('%s in %s is %s', (text, format, printed) => {
  expect(printNumber(text, format)).toBe(printed);
});

test.each(['EEEE', '9.9.9', 'PR', '', 'S999MI'])('the format %j is not known', (format) => {
  expect(printNumber('1', format)).toBeUndefined();
});

test('numbers are read by their format and by no other', () => {
  expect(readNumber('-$1,234.50', '$9,999.99')).toBe('-1234.50');
  expect(readNumber('12-', '999S')).toBe('-12');
  expect(readNumber('1234.5', '9,999.9')).toBeUndefined();
  expect(readNumber('12.345', '99.99')).toBeUndefined();
  expect(readNumber('abc', '999')).toBeUndefined();
  expect(readNumber('ff', 'xx')).toBe('255');
  expect(readNumber('1', 'what')).toBeNull();
});
