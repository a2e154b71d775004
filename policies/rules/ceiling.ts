/** The ceiling of a statement and the backstop timeout that follows from it (invariant I7). */
import { assert } from '#base/assert.js';
import {
  compareAmounts,
  type Credits,
  maxAmount,
  minAmount,
  mulDiv,
  NO_CREDITS,
} from '#base/units.js';
import type { Estimate } from '../estimate/estimate.js';

/** What one hard budget has left; null: unlimited. */
export interface HardAvailability {
  readonly budgetId: string;
  readonly availableCredits: Credits | null;
}

export interface Ceiling {
  readonly ceilingCredits: Credits;
  /** `decision`, or the id of the budget that is tightest. */
  readonly source: string;
}

/**
 * Most a statement may cost: the least of the decision's ceiling (tier and rules) and what each hard budget has
 * available, never below 0. `availableCredits` counts what is available to this statement, its own hold included.
 */
export function ceilingFor(
  decisionCeilingCredits: Credits,
  budgets: readonly HardAvailability[],
): Ceiling {
  let least: Ceiling = { ceilingCredits: decisionCeilingCredits, source: 'decision' };
  for (const { budgetId, availableCredits } of budgets) {
    if (availableCredits === null) continue;
    if (compareAmounts(availableCredits, least.ceilingCredits) < 0)
      least = { ceilingCredits: maxAmount(availableCredits, NO_CREDITS), source: budgetId };
  }
  return least;
}

export interface BackstopInput {
  readonly ceilingCredits: Credits;
  /** Credits per hour of one cluster of the warehouse. */
  readonly clusterCreditsPerHour: Credits;
  /** Whole seconds for resume and queueing, which cost nothing. */
  readonly allowanceSeconds: number;
  readonly tierMaxSeconds: number;
  /** The client's own STATEMENT_TIMEOUT_IN_SECONDS; null or 0: none. */
  readonly clientSeconds: number | null;
  /** Statements in the text: Snowflake applies the timeout to each. */
  readonly parts: number;
}

/**
 * Whole seconds to send as STATEMENT_TIMEOUT_IN_SECONDS, the backstop for a dead proxy:
 * `max(1, ceil(ceiling × 3600 ÷ rate)) + allowance`, divided among the parts, at most the tier's and the client's own.
 * Never 0, which Snowflake reads as unlimited.
 */
export function backstopTimeoutSeconds(input: BackstopInput): number {
  assert(compareAmounts(input.clusterCreditsPerHour, NO_CREDITS) > 0, 'a cluster has a rate');
  assert(Number.isSafeInteger(input.parts) && input.parts >= 1, 'a text has at least one part');
  const most = BigInt(input.tierMaxSeconds);
  const byMoney = mulDiv(
    maxAmount(input.ceilingCredits, NO_CREDITS),
    3_600n,
    input.clusterCreditsPerHour,
    'up',
  );
  const budgetSeconds = Number(minBigint(maxBigint(byMoney, 1n), most)) + input.allowanceSeconds;
  const share = Math.floor(budgetSeconds / input.parts);
  const client =
    input.clientSeconds === null || input.clientSeconds <= 0 ? Infinity : input.clientSeconds;
  return Math.max(1, Math.floor(Math.min(share, input.tierMaxSeconds, client)));
}

function minBigint(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function maxBigint(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

/** What is set aside: the estimate's 90 % quantile, at most the ceiling, at least what is expected. */
export function creditsToHold(
  { isFree, estimate }: { readonly isFree: boolean; readonly estimate: Estimate },
  ceilingCredits: Credits,
): Credits {
  if (isFree) return NO_CREDITS;
  return maxAmount(minAmount(estimate.highCredits, ceilingCredits), estimate.expectedCredits);
}
