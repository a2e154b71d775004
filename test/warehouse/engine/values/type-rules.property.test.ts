import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  computedType,
  productScale,
  quotientScale,
  typeByRule,
} from '../../../../warehouse/engine/values/type-rules.js';

const scale = fc.integer({ min: 0, max: 37 });
const struct = (x: string, y: string): string => `STRUCT(x ${x}, y ${y})`;

test('a product has the sum of the scales up to 12, or the larger of the two', () => {
  fc.assert(
    fc.property(scale, scale, (left, right) => {
      const result = productScale(left, right);
      expect(result).toBeGreaterThanOrEqual(Math.max(left, right));
      expect(result).toBe(left + right <= 12 ? left + right : Math.max(12, left, right));
    }),
  );
});

test('a quotient has six digits more than its numerator up to 12', () => {
  expect([0, 1, 6, 8, 12, 20].map(quotientScale)).toEqual([6, 7, 12, 12, 12, 20]);
});

test('no combination of two computed types has more than 38 digits up to scale 12', () => {
  for (let left = 0; left <= 12; left += 1)
    for (let right = 0; right <= 12; right += 1) {
      const widths = [left, right].map((digits) => {
        const match = /^DECIMAL\((\d+),(\d+)\)$/.exec(computedType(digits));
        return Number(match?.[1]) - Number(match?.[2]);
      });
      expect(Math.max(...widths) + Math.max(left, right)).toBeLessThanOrEqual(38);
    }
});

test.each([
  ['plus', 'INTEGER', 'DECIMAL(12,2)', 'DECIMAL(28,2)'],
  ['plus', '"NULL"', 'INTEGER', 'DECIMAL(26,0)'],
  ['plus', 'DATE', 'INTEGER', 'DATE'],
  ['plus', 'DATE', 'JSON', 'DATE'],
  ['plus', 'DATE', 'INTERVAL', 'TIMESTAMP'],
  ['plus', 'DOUBLE', 'DECIMAL(12,2)', 'DOUBLE'],
  ['minus', 'DATE', 'DATE', 'BIGINT'],
  ['minus.y', 'TIMESTAMP', 'TIMESTAMP', 'INTERVAL'],
  ['product', 'DECIMAL(12,2)', 'DECIMAL(12,4)', 'DECIMAL(32,6)'],
  ['product.x', 'BIGINT', 'DECIMAL(12,4)', 'HUGEINT'],
  ['quotient', 'INTEGER', 'DOUBLE', 'DOUBLE'],
  ['to', 'DECIMAL(12,4)', 'DOUBLE', 'DECIMAL(28,2)'],
  ['unit.quotient', 'INTEGER', 'INTEGER', 'DECIMAL(7,6)'],
])('%s of %s and %s is %s', (rule, x, y, type) => {
  expect(typeByRule(rule, struct(x, y), 2)).toBe(type);
});
