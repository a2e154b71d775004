import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NO_CREDITS, creditsForMillis } from '#base/units.js';
import { usedBeforeMs } from '../../../proxy/running/used-before.js';
import { credits } from '../../support/builders.js';

/** Of a warehouse that takes a credit a second. */
const RATE = credits('3600');

test('a statement that another replica had used what was last said of it, and all of the time since', () => {
  const sent = { firstSentAt: 1_000, ceilingCredits: null };
  expect(usedBeforeMs({ ...sent, use: null }, RATE, 61_000)).toBe(60_000);
  // Four shared the warehouse for 40 s; nobody knows of the 20 s since.
  const use = { usedCredits: credits('10'), at: 41_000 };
  expect(usedBeforeMs({ ...sent, use }, RATE, 61_000)).toBe(30_000);
  // A warehouse without a rate says nothing of time.
  expect(usedBeforeMs({ ...sent, use }, NO_CREDITS, 61_000)).toBe(60_000);
});

test('it is never less than was said, nor more than has passed, whatever clocks say', () => {
  const at = fc.integer({ min: 0, max: 10 ** 9 });
  fc.assert(
    fc.property(
      at,
      at,
      at,
      fc.bigInt({ min: 1n, max: 10n ** 16n }),
      (sentAt, saidAt, now, rate) => {
        const creditsPerHour = rate as typeof RATE;
        const saidMs = Math.max(0, saidAt - sentAt);
        const usedCredits = creditsForMillis(creditsPerHour, saidMs, 'down');
        const sent = { firstSentAt: sentAt, ceilingCredits: null };
        const usedMs = usedBeforeMs(
          { ...sent, use: { usedCredits, at: saidAt } },
          creditsPerHour,
          now,
        );
        expect(Number.isSafeInteger(usedMs)).toBe(true);
        expect(usedMs).toBeLessThanOrEqual(Math.max(0, now - sentAt));
        if (now >= saidAt && saidAt >= sentAt)
          expect(creditsForMillis(creditsPerHour, usedMs, 'up')).toBeGreaterThanOrEqual(
            usedCredits,
          );
      },
    ),
  );
});
