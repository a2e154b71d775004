/** How a budget stands, and whether it has what is asked for: one rule for every place that keeps amounts (I1). */
import { subtractCredits } from '#base/units.js';
import type { Credits } from '#base/units.js';
import type { BudgetStanding } from './ledger.js';

export interface PeriodAmounts {
  /** With what was granted and carried over; null: unlimited. */
  readonly limitCredits: Credits | null;
  readonly spentCredits: Credits;
  readonly heldCredits: Credits;
  readonly leasedCredits: Credits;
}

/** What is left of a limit, negative in debt; null where there is no limit. */
export function availableOf(amounts: PeriodAmounts): Credits | null {
  const { limitCredits, spentCredits, heldCredits, leasedCredits } = amounts;
  if (limitCredits === null) return null;
  const unspent = subtractCredits(limitCredits, spentCredits);
  return subtractCredits(subtractCredits(unspent, heldCredits), leasedCredits);
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
