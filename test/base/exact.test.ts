import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  addExact,
  exactProduct,
  formatExact,
  formatPlain,
  parseExact,
  subtractExact,
  toExact,
} from '#base/exact.js';
import { type Credits, type Money, parseCredits, parseMoney } from '#base/units.js';

const amounts = fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n });

test('a product keeps every digit', () => {
  const product = exactProduct(parseCredits('0.000000000001'), parseMoney('-3.000000000007'));
  expect(formatExact(product)).toBe('-0.000000000003000000000007');
});

test('has no zeros at its end but one behind the point, no exponent and no minus zero', () => {
  expect(['12.50', '-0', '3', '1000000'].map(parseMoney).map(formatPlain)).toEqual([
    '12.5',
    '0.0',
    '3.0',
    '1000000.0',
  ]);
});

test('what is written is read back, and sums are exact', () => {
  fc.assert(
    fc.property(amounts, amounts, (a, b) => {
      const [one, other] = [exactProduct(a as Credits, b as Money), toExact(b as Money)];
      expect(parseExact(formatExact(one))).toBe(one);
      expect(subtractExact(addExact(one, other), other)).toBe(one);
    }),
  );
});
