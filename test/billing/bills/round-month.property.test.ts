import fc from 'fast-check';
import { expect, test } from 'vitest';
import { minorDecimals, minorUnit, roundToMinor } from '../../../base/currency.js';
import { type Money, addMoney, roundToSum, subtractMoney } from '../../../base/units.js';
import {
  type Weighed,
  residues,
  roundByKey,
  roundLines,
} from '../../../billing/bills/round-month.js';

const currency = fc.constantFrom('JPY', 'USD', 'KWD');
const exact = fc
  .oneof(
    fc.constant(0n),
    fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }),
    fc.bigInt({ min: -20_000_000_000n, max: 20_000_000_000n }),
    // Halves of the smallest units, where rounding has to choose.
    fc.bigInt({ min: -9n, max: 9n }).map((halves) => halves * 5_000_000_000n),
  )
  .map((amount) => amount as Money);
const lines = fc.array(
  fc.record({
    teamId: fc.constantFrom('a', 'b', 'c', 'unallocated'),
    group: fc.constantFrom('["demo","WAREHOUSE_METERING"]', '["demo","STORAGE"]', '["eu","X"]'),
    effectiveMoney: exact,
  }),
  { maxLength: 40 },
);

test('criterion 19: what rounds a sum and its parts sums at every level, in currencies of 0, 2 and 3 decimals', () => {
  fc.assert(
    fc.property(currency, lines, (code, made) => {
      const weighed: Weighed[] = made.map((line, index) => ({ ...line, id: `line-${index}` }));
      const amounts = roundLines(weighed, code);
      const step = minorUnit(code);
      const amountOf = (of: readonly Weighed[]): bigint =>
        of.reduce((sum, { id }) => sum + (amounts.get(id) ?? 0n), 0n);
      const exactOf = (of: readonly Weighed[]): Money =>
        addMoney(...of.map(({ effectiveMoney }) => effectiveMoney));
      expect(amountOf(weighed)).toBe(roundToMinor(exactOf(weighed), code));
      for (const { id, effectiveMoney } of weighed) {
        const amount = amounts.get(id) ?? -1n;
        expect(amount % step).toBe(0n);
        const moved = amount - effectiveMoney;
        expect(moved < step && moved + step > 0n).toBe(true);
      }
      // Every service and every team in it is within one unit of what it exactly is, too.
      const keys = new Set(weighed.flatMap(({ group, teamId }) => [group, `${group}/${teamId}`]));
      for (const key of keys) {
        const own = weighed.filter(({ group, teamId }) =>
          [group, `${group}/${teamId}`].includes(key),
        );
        const moved = amountOf(own) - exactOf(own);
        expect(moved < step && moved + step > 0n).toBe(true);
      }
    }),
  );
});

test('the order of the lines changes no amount', () => {
  fc.assert(
    fc.property(lines, fc.integer({ min: 0, max: 39 }), (made, turn) => {
      const weighed: Weighed[] = made.map((line, index) => ({ ...line, id: `line-${index}` }));
      const turned = [...weighed.slice(turn), ...weighed.slice(0, turn)];
      const amounts = roundLines(turned, 'USD');
      for (const [id, amount] of roundLines(weighed, 'USD')) expect(amounts.get(id)).toBe(amount);
    }),
  );
});

test('criterion 19: with an invoice, lines and what is left of it sum to it, a service at a time', () => {
  const groups = fc.dictionary(fc.constantFrom('s1', 's2', 's3'), exact);
  fc.assert(
    fc.property(
      currency,
      groups,
      groups,
      fc.array(
        fc.record({
          group: fc.constantFrom('s1', 's2'),
          day: fc.constant('2026-10-01'),
          cause: fc.constant('lateData'),
          difference: exact,
        }),
        { maxLength: 4 },
      ),
      (code, ours, theirs, variances) => {
        const computed = roundByKey(new Map(Object.entries(ours)), code);
        const invoiced = roundByKey(new Map(Object.entries(theirs)), code);
        const left = residues(computed, invoiced, variances, code);
        for (const group of ['s1', 's2', 's3']) {
          const of = left.find((each) => each.group === group);
          const named = (of?.variances ?? []).map(({ amount }) => amount);
          const sum = addMoney(
            computed.get(group) ?? (0n as Money),
            ...named,
            of?.rounding ?? (0n as Money),
          );
          if (computed.has(group) || invoiced.has(group))
            expect(sum).toBe(invoiced.get(group) ?? 0n);
        }
        const total = addMoney(...invoiced.values());
        expect(total).toBe(roundToMinor(addMoney(...Object.values(theirs)), code));
      },
    ),
  );
});

test('a whole that is not next to the sum is a bug, and so is one that is no multiple', () => {
  const amounts = [15n, 25n];
  expect(roundToSum(40n, amounts, ['b', 'a'], 10n)).toEqual([10n, 30n]);
  expect(() => roundToSum(60n, amounts, ['a', 'b'], 10n)).toThrow(/next to the sum/);
  expect(() => roundToSum(41n, amounts, ['a', 'b'], 10n)).toThrow(/multiple/);
  expect(minorDecimals('KWD')).toBe(3);
  expect(subtractMoney(minorUnit('JPY'), minorUnit('JPY'))).toBe(0n);
});
