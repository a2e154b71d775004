/**
 * What a statement used before this replica went on with it: nobody here saw whom it shared its warehouse with. What was
 * last said of it counts, and since then, or since it was sent, all of the warehouse's time: the most that it can be, so
 * that ceilings come no later for a replica that died. Metering corrects the charge by a delta.
 */
import type { EpochMs } from '#base/time.js';
import { mulDiv, NO_CREDITS } from '#base/units.js';
import type { Credits } from '#base/units.js';
import type { SentSoFar } from '#billing/ledger.js';

/** Warehouse-milliseconds used until `at`, whole; never more than have passed since it was sent. */
export function usedBeforeMs(sent: SentSoFar, creditsPerHour: Credits, at: EpochMs): number {
  const passedMs = Math.max(0, at - sent.firstSentAt);
  if (sent.use === null || creditsPerHour === NO_CREDITS) return passedMs;
  const { usedCredits } = sent.use;
  const saidMs = Number(mulDiv(usedCredits, 3_600_000n, creditsPerHour, 'up'));
  return Math.min(passedMs, saidMs + Math.max(0, at - sent.use.at));
}
