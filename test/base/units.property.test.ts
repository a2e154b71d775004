import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  addCredits,
  approximate,
  compareAmounts,
  creditsForMillis,
  formatAmount,
  formatAmountTo,
  maxAmount,
  minAmount,
  mulDiv,
  parseCredits,
  parseMoney,
  priceCredits,
  splitByLargestRemainder,
  sumCredits,
  sumMoney,
  subtractCredits,
  tryParseCredits,
  tryParseMoney,
} from '../../base/units.js';
import type { Credits, Money } from '../../base/units.js';

const UNIT = 10n ** 12n;
const amount = fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n });
const natural = fc.bigInt({ min: 0n, max: 10n ** 30n });

test('what is written is read back to the last unit', () => {
  fc.assert(
    fc.property(amount, (value) => {
      expect(parseCredits(formatAmount(value as Credits))).toBe(value);
      expect(parseMoney(formatAmount(value as Money))).toBe(value);
    }),
  );
});

test('text that is no plain decimal of twelve places is never read as an amount', () => {
  for (const text of [
    '',
    '-',
    '.5',
    '5.',
    '1e3',
    '+1',
    ' 1',
    '1 ',
    '1,5',
    '0x1',
    'NaN',
    '1.0000000000001',
    '--1',
    '1'.repeat(27),
  ]) {
    expect(tryParseCredits(text)).toBeUndefined();
    expect(tryParseMoney(text)).toBeUndefined();
    expect(() => parseCredits(text)).toThrow();
    expect(() => parseMoney(text)).toThrow();
  }
  expect(tryParseCredits('1.500000000000000')).toBe(15n * 10n ** 11n);
  fc.assert(
    fc.property(fc.string(), (text) => {
      const read = tryParseCredits(text);
      if (read !== undefined) expect(text).toMatch(/^-?\d+(\.\d+)?$/);
    }),
  );
});

test('adding and taking away never loses a unit, in any order', () => {
  fc.assert(
    fc.property(fc.array(amount, { maxLength: 20 }), (values) => {
      const all = values as Credits[];
      const sum = addCredits(...all);
      expect(addCredits(...all.toReversed())).toBe(sum);
      expect(all.reduce((rest, value) => subtractCredits(rest, value), sum)).toBe(0n);
    }),
  );
});

test('a quotient is the nearest on its side: up above, down below, half-even within half a unit', () => {
  fc.assert(
    fc.property(amount, amount, fc.bigInt({ min: 1n, max: 10n ** 20n }), (a, b, c) => {
      const up = mulDiv(a, b, c, 'up') * c - a * b;
      const down = a * b - mulDiv(a, b, c, 'down') * c;
      expect(up >= 0n && up < c).toBe(true);
      expect(down >= 0n && down < c).toBe(true);
      const even = mulDiv(a, b, c, 'half-even');
      const off = even * c - a * b;
      const twice = (off < 0n ? -off : off) * 2n;
      expect(twice < c || (twice === c && even % 2n === 0n)).toBe(true);
    }),
  );
});

test('halves go to the even neighbour on both sides of zero', () => {
  const halves = [1n, 3n, 5n, -1n, -3n, -5n].map((value) => mulDiv(value, 1n, 2n, 'half-even'));
  expect(halves).toEqual([0n, 2n, 2n, 0n, -2n, -2n]);
  expect(() => mulDiv(1n, 1n, 0n, 'up')).toThrow();
});

test('credits for time grow with time, and an hour is exactly the hourly rate', () => {
  const rate = fc.bigInt({ min: 0n, max: 512n * UNIT });
  fc.assert(
    fc.property(rate, fc.nat(10 ** 9), fc.nat(10 ** 6), (perHour, millis, more) => {
      const shorter = creditsForMillis(perHour as Credits, millis, 'half-even');
      const longer = creditsForMillis(perHour as Credits, millis + more, 'half-even');
      expect(longer >= shorter).toBe(true);
      expect(creditsForMillis(perHour as Credits, millis, 'up') >= shorter).toBe(true);
      expect(creditsForMillis(perHour as Credits, 3_600_000, 'half-even')).toBe(perHour);
    }),
  );
  expect(() => creditsForMillis(UNIT as Credits, 0.5, 'up')).toThrow();
  expect(() => creditsForMillis(UNIT as Credits, -1, 'up')).toThrow();
});

test('a price grows with the credits and is exact for whole ones', () => {
  fc.assert(
    fc.property(natural, natural, natural, (a, b, price) => {
      const [less, more] = a < b ? [a, b] : [b, a];
      const low = priceCredits(less as Credits, price as Money, 'half-even');
      expect(priceCredits(more as Credits, price as Money, 'half-even') >= low).toBe(true);
    }),
  );
  expect(priceCredits((3n * UNIT) as Credits, parseMoney('2.75'), 'half-even')).toBe(
    parseMoney('8.25'),
  );
});

test('a split sums to the whole, follows its weights within a unit, and gives nothing to no weight', () => {
  const weights = fc
    .array(fc.bigInt({ min: 0n, max: 10n ** 15n }), { minLength: 1, maxLength: 12 })
    .filter((all) => all.some((weight) => weight > 0n));
  fc.assert(
    fc.property(natural, weights, (whole, parts) => {
      const keys = parts.map((_, index) => `key-${index}`);
      const split = splitByLargestRemainder(whole as Credits, parts, keys);
      const total = parts.reduce((sum, weight) => sum + weight, 0n);
      expect(addCredits(...split)).toBe(whole);
      for (const [index, weight] of parts.entries()) {
        const off = (split[index] ?? 0n) * total - whole * weight;
        expect(off < total && off > -total).toBe(true);
        if (weight === 0n) expect(split[index]).toBe(0n);
      }
    }),
  );
});

test('ties of a split go by key, whatever the order of the parts', () => {
  expect(splitByLargestRemainder(1n as Credits, [1n, 1n, 1n], ['c', 'a', 'b'])).toEqual([
    0n,
    1n,
    0n,
  ]);
  expect(splitByLargestRemainder(2n as Credits, [1n, 1n, 1n], ['c', 'a', 'b'])).toEqual([
    0n,
    1n,
    1n,
  ]);
  expect(() => splitByLargestRemainder(1n as Credits, [0n], ['a'])).toThrow();
  expect(() => splitByLargestRemainder(-1n as Credits, [1n], ['a'])).toThrow();
  expect(() => splitByLargestRemainder(1n as Credits, [1n], [])).toThrow();
});

test('amounts for people are rounded half to even and never farther than half a step', () => {
  expect(formatAmountTo(parseMoney('1.005'), 2)).toBe('1.00');
  expect(formatAmountTo(parseMoney('1.015'), 2)).toBe('1.02');
  expect(formatAmountTo(parseMoney('-0.125'), 2)).toBe('-0.12');
  expect(formatAmountTo(parseMoney('2.5'), 0)).toBe('2');
  expect(formatAmountTo(parseMoney('-0.001'), 2)).toBe('0.00');
  fc.assert(
    fc.property(amount, fc.nat(12), (value, decimals) => {
      const back = parseCredits(formatAmountTo(value as Credits, decimals));
      const off = back > value ? back - value : value - back;
      expect(off * 2n <= 10n ** BigInt(12 - decimals)).toBe(true);
    }),
  );
});

test('comparing, the greater and the smaller agree with the order of the numbers', () => {
  fc.assert(
    fc.property(amount, amount, (a, b) => {
      const [x, y] = [a as Credits, b as Credits];
      expect(compareAmounts(x, y)).toBe(a < b ? -1 : a > b ? 1 : 0);
      expect([maxAmount(x, y), minAmount(x, y)]).toEqual(a > b ? [a, b] : [b, a]);
    }),
  );
});

test('the double for ratios lies within a millionth of a credit, and published rates are exact', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 18n }), (pico) => {
      const near = approximate(pico as Credits);
      expect(Math.abs(near - Number(pico) / 1e12)).toBeLessThanOrEqual(1e-6);
    }),
  );
  for (const rate of ['1', '1.35', '0.6', '70.4', '512']) {
    expect(approximate(parseCredits(rate))).toBe(Number(rate));
  }
});

test('an amount far below a millionth is near itself, not nothing', () => {
  expect(approximate(parseCredits('0.000000277778'))).toBe(2.77778e-7);
  expect(approximate(parseCredits('0.000000000001'))).toBe(1e-12);
});

test('a double is the nearest to the decimal, of amounts of any size and on both sides of what is exact', () => {
  const near = fc.bigInt({ min: 2n ** 53n - 1000n, max: 2n ** 53n + 1000n });
  const small = fc.bigInt({ min: -(10n ** 17n), max: 10n ** 17n });
  fc.assert(
    fc.property(fc.oneof(amount, near, small), (value) => {
      expect(approximate(value as Credits)).toBe(Number(formatAmount(value as Credits)));
    }),
    { numRuns: 2_000 },
  );
});

test('as many amounts are added as there are, more than a call may have arguments', () => {
  expect(sumCredits(Array.from({ length: 300_000 }, () => 2n as Credits))).toBe(600_000n);
  expect(sumMoney(Array.from({ length: 300_000 }, () => -1n as Money))).toBe(-300_000n);
});
