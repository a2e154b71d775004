/** How a budget stands, and whether it has what is asked for: one rule for every place that keeps amounts (I1). */
import { assert } from '#base/assert.js';
import { NO_CREDITS, addCredits, subtractCredits } from '#base/units.js';
import type { Credits } from '#base/units.js';
import type { BudgetStanding } from './ledger.js';

export interface PeriodAmounts {
  /** With what was granted and carried over; null: unlimited. */
  readonly limitCredits: Credits | null;
  readonly spentCredits: Credits;
  readonly heldCredits: Credits;
}

/** What is left of a limit, negative in debt; null where there is no limit. */
export function availableOf(amounts: PeriodAmounts): Credits | null {
  const { limitCredits, spentCredits, heldCredits } = amounts;
  if (limitCredits === null) return null;
  return subtractCredits(subtractCredits(limitCredits, spentCredits), heldCredits);
}

/** The budget with so much more of it held. */
export function withHeld(standing: BudgetStanding, credits: Credits): BudgetStanding {
  const heldCredits = addCredits(standing.heldCredits, credits);
  return {
    ...standing,
    heldCredits,
    availableCredits: availableOf({ ...standing, heldCredits }),
  };
}

export interface Shortage<Budget> {
  readonly budget: Budget;
  readonly shortByCredits: Credits;
}

/**
 * The hard budget that lacks the most of `wantedCredits`, the first of those that lack the same; undefined when none
 * lacks anything. Soft and unlimited budgets lack nothing.
 */
export function tightest<Budget extends Pick<BudgetStanding, 'isHard' | 'availableCredits'>>(
  budgets: readonly Budget[],
  wantedCredits: Credits,
): Shortage<Budget> | undefined {
  let found: Shortage<Budget> | undefined;
  for (const budget of budgets) {
    if (!budget.isHard || budget.availableCredits === null) continue;
    const shortByCredits = subtractCredits(wantedCredits, budget.availableCredits);
    if (shortByCredits > 0n && (found === undefined || shortByCredits > found.shortByCredits)) {
      found = { budget, shortByCredits };
    }
  }
  return found;
}

/**
 * The hard budget that lacks the most of what is not carried into it any more, as it stood before; the first of those that
 * lack the same. One that was in debt lacks all of that too; one that lost nothing lacks nothing.
 * @param before periods of budgets. @param after the same, in the same order, once something was held before them.
 */
export function shortOfCarried<Budget extends Pick<BudgetStanding, 'isHard' | 'availableCredits'>>(
  before: readonly Budget[],
  after: readonly Budget[],
): Shortage<Budget> | undefined {
  assert(before.length === after.length, 'the same periods');
  const losing = before.flatMap((budget, index): readonly Shortage<Budget>[] => {
    const left = after[index]?.availableCredits ?? null;
    if (!budget.isHard || left === null || budget.availableCredits === null) return [];
    if (left >= budget.availableCredits || left >= 0n) return [];
    return [{ budget, shortByCredits: subtractCredits(NO_CREDITS, left) }];
  });
  return losing.reduce<Shortage<Budget> | undefined>(
    (most, each) => (most === undefined || each.shortByCredits > most.shortByCredits ? each : most),
    undefined,
  );
}
