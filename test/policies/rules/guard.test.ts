import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Credits } from '../../../base/units.js';
import { guardStep, isOutrun, lastHold } from '../../../policies/rules/guard.js';
import type { GuardedStatement } from '../../../policies/rules/guard.js';
import { credits } from '../../support/builders.js';

/** One credit a second, looked at every second: it is always two credits ahead of itself. */
function watched(used: string, changes: Partial<GuardedStatement> = {}): GuardedStatement {
  return {
    usedCredits: credits(used),
    holdCredits: credits('10'),
    ceilingCredits: credits('100'),
    creditsPerHour: credits('3600'),
    intervalMs: 1_000,
    ...changes,
  };
}

test('a hold is raised by half once seven tenths of it may be used before the look after the next', () => {
  expect(guardStep(watched('5'))).toEqual({ kind: 'runOn' });
  expect(guardStep(watched('5.000000000001'))).toEqual({
    kind: 'topUp',
    holdCredits: credits('15'),
    aheadCredits: credits('7.000000000001'),
  });
});

test('a hold that is small for the time between looks is raised to what may be used until then', () => {
  expect(guardStep(watched('0', { holdCredits: credits('0.1') }))).toEqual({
    kind: 'topUp',
    holdCredits: credits('2'),
    aheadCredits: credits('2'),
  });
});

test('no hold is raised past the ceiling, and what has used the ceiling is stopped', () => {
  expect(guardStep(watched('9', { ceilingCredits: credits('12') }))).toMatchObject({
    kind: 'topUp',
    holdCredits: credits('12'),
  });
  expect(guardStep(watched('9', { ceilingCredits: credits('10') }))).toEqual({ kind: 'runOn' });
  expect(guardStep(watched('10', { ceilingCredits: credits('10') }))).toEqual({ kind: 'stop' });
});

test('after a refusal the last of a budget is asked for, and a hold that would be outrun ends the statement', () => {
  expect(lastHold(credits('10'), credits('0.5'))).toBe(credits('10.5'));
  expect(lastHold(credits('10'), credits('0'))).toBeNull();
  expect(lastHold(credits('10'), credits('-3'))).toBeNull();
  expect(isOutrun(credits('10'), credits('9.9'))).toBe(false);
  expect(isOutrun(credits('10'), credits('10'))).toBe(true);
});

test('a statement that every top-up is given to never outruns its hold between two looks', () => {
  const amount = fc.bigInt({ min: 1n, max: 10n ** 14n }).map((units) => units as Credits);
  fc.assert(
    fc.property(amount, amount, fc.integer({ min: 50, max: 60_000 }), (hold, rate, intervalMs) => {
      let holdCredits = hold;
      for (let look = 1; look < 60; look += 1) {
        const usedCredits = ((rate * BigInt(look * intervalMs)) / 3_600_000n) as Credits;
        // The first look comes when it has run for one interval already.
        if (look > 1) expect(usedCredits).toBeLessThanOrEqual(holdCredits);
        const step = guardStep({
          usedCredits,
          holdCredits,
          ceilingCredits: (10n ** 30n) as Credits,
          creditsPerHour: rate,
          intervalMs,
        });
        if (step.kind === 'topUp') holdCredits = step.holdCredits;
      }
    }),
    { numRuns: 100 },
  );
});
