import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Credits, creditsForMillis } from '#base/units.js';
import { backstopTimeoutSeconds, type BackstopInput, ceilingFor } from '#policies/rules/ceiling.js';
import { credits } from '../builders.js';

const amount = (min: bigint, max: bigint): fc.Arbitrary<Credits> =>
  fc.bigInt({ min, max }) as fc.Arbitrary<Credits>;

test('a ceiling is the least of the decision and of every hard budget, and never negative', () => {
  const budgets = fc.array(
    fc.record({
      budgetId: fc.string(),
      availableCredits: fc.option(amount(-(10n ** 15n), 10n ** 15n)),
    }),
  );
  fc.assert(
    fc.property(amount(0n, 10n ** 15n), budgets, (decision, standing) => {
      const { ceilingCredits, source } = ceilingFor(decision, standing);
      expect(ceilingCredits).toBeGreaterThanOrEqual(0n);
      expect(ceilingCredits).toBeLessThanOrEqual(decision);
      const limits = standing.flatMap((each) => each.availableCredits ?? []);
      for (const limit of limits)
        expect(ceilingCredits <= limit || ceilingCredits === 0n).toBe(true);
      if (limits.every((limit) => limit >= decision)) expect(source).toBe('decision');
    }),
  );
});

const input: fc.Arbitrary<BackstopInput> = fc.record({
  ceilingCredits: amount(-(10n ** 12n), 10n ** 18n),
  clusterCreditsPerHour: amount(1n, 10n ** 15n),
  allowanceSeconds: fc.integer({ min: 0, max: 600 }),
  tierMaxSeconds: fc.integer({ min: 1, max: 604_800 }),
  clientSeconds: fc.option(fc.integer({ min: 0, max: 604_800 })),
  parts: fc.integer({ min: 1, max: 50 }),
});

test('a backstop is a whole number of seconds, never 0, never above the tier or the client', () => {
  fc.assert(
    fc.property(input, (each) => {
      const seconds = backstopTimeoutSeconds(each);
      expect(Number.isSafeInteger(seconds)).toBe(true);
      expect(seconds).toBeGreaterThanOrEqual(1);
      expect(seconds).toBeLessThanOrEqual(each.tierMaxSeconds);
      if (each.clientSeconds !== null && each.clientSeconds > 0)
        expect(seconds).toBeLessThanOrEqual(each.clientSeconds);
    }),
    { numRuns: 1_000 },
  );
});

test('without an allowance all parts together use at most the ceiling and the rounding of one second', () => {
  fc.assert(
    fc.property(input, (each) => {
      const seconds = backstopTimeoutSeconds({ ...each, allowanceSeconds: 0 });
      fc.pre(seconds > 1);
      const used = creditsForMillis(
        each.clusterCreditsPerHour,
        (seconds * each.parts - 1) * 1_000,
        'down',
      );
      expect(used).toBeLessThanOrEqual(each.ceilingCredits);
    }),
  );
});

test('ten credits on a cluster of 16 an hour stop after 2,250 seconds and the allowance', () => {
  const base = {
    ceilingCredits: credits('10'),
    clusterCreditsPerHour: credits('16'),
    allowanceSeconds: 30,
    tierMaxSeconds: 14_400,
    clientSeconds: null,
    parts: 1,
  };
  expect(backstopTimeoutSeconds(base)).toBe(2_280);
  expect(backstopTimeoutSeconds({ ...base, parts: 3 })).toBe(760);
  expect(backstopTimeoutSeconds({ ...base, clientSeconds: 60 })).toBe(60);
  expect(backstopTimeoutSeconds({ ...base, clientSeconds: 0 })).toBe(2_280);
  expect(
    backstopTimeoutSeconds({ ...base, ceilingCredits: credits('0'), allowanceSeconds: 0 }),
  ).toBe(1);
  // 514.28… seconds: a statement may use all of its ceiling before the backstop fires.
  const odd = { ...base, ceilingCredits: credits('1'), clusterCreditsPerHour: credits('7') };
  expect(backstopTimeoutSeconds({ ...odd, allowanceSeconds: 0 })).toBe(515);
});
