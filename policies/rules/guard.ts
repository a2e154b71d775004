/**
 * What the guard over running statements does at one look (I7), from amounts alone: so a replay tops up and stops what
 * the proxy would have. A hold is raised by half before it is used up, never past the ceiling; where a budget does not
 * have that, by the last it has; and a statement with nothing more to be had is stopped before it outruns its hold.
 */
import {
  NO_CREDITS,
  addCredits,
  compareAmounts,
  creditsForMillis,
  maxAmount,
  minAmount,
  mulDiv,
} from '#base/units.js';
import type { Credits } from '#base/units.js';

export interface GuardedStatement {
  readonly usedCredits: Credits;
  readonly holdCredits: Credits;
  readonly ceilingCredits: Credits;
  /** Of its warehouse. */
  readonly creditsPerHour: Credits;
  /** Business time until it is looked at again. */
  readonly intervalMs: number;
}

export type GuardStep =
  | { readonly kind: 'runOn' }
  /** It has used as much as one statement may. */
  | { readonly kind: 'stop' }
  /** To be held in all; `aheadCredits` is what it may have used by the look after the next. */
  | { readonly kind: 'topUp'; readonly holdCredits: Credits; readonly aheadCredits: Credits };

/** Share of the hold that may be used before it is topped up. */
export const TOP_UP_AT_PERCENT = 70n;

export function guardStep(statement: GuardedStatement): GuardStep {
  const { usedCredits, holdCredits, ceilingCredits, creditsPerHour, intervalMs } = statement;
  if (compareAmounts(usedCredits, ceilingCredits) >= 0) return { kind: 'stop' };
  const untilThen = creditsForMillis(creditsPerHour, Math.ceil(intervalMs * 2), 'up');
  const aheadCredits = addCredits(usedCredits, untilThen);
  const threshold = mulDiv(holdCredits, TOP_UP_AT_PERCENT, 100n, 'down') as Credits;
  if (compareAmounts(aheadCredits, threshold) <= 0) return { kind: 'runOn' };
  const half = mulDiv(holdCredits, 3n, 2n, 'up') as Credits;
  const wanted = minAmount(maxAmount(half, aheadCredits), ceilingCredits);
  if (compareAmounts(wanted, holdCredits) <= 0) return { kind: 'runOn' };
  return { kind: 'topUp', holdCredits: wanted, aheadCredits };
}

/** What to ask for after a refused top-up, in all: the last that the refusing budget has; null when it has nothing. */
export function lastHold(holdCredits: Credits, availableCredits: Credits | null): Credits | null {
  if (availableCredits === null || compareAmounts(availableCredits, NO_CREDITS) <= 0) return null;
  return addCredits(holdCredits, availableCredits);
}

/** Whether a statement whose top-ups were refused is stopped now; until its hold is nearly used up it is paid for. */
export function isOutrun(holdCredits: Credits, aheadCredits: Credits): boolean {
  return compareAmounts(aheadCredits, holdCredits) >= 0;
}
