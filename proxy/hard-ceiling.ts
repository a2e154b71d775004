/** The most a statement may cost once its hold is taken: its own ceiling, and what each hard budget of its path has for it. */
import { NO_CREDITS, addCredits, maxAmount } from '#base/units.js';
import type { Credits } from '#base/units.js';
import type { EpochMs } from '#base/time.js';
import type { BudgetStanding } from '#billing/ledger.js';
import { ceilingFor } from '#policies/rules/ceiling.js';
import type { BudgetUses } from './ladder-standings.js';

export interface Held {
  /** Of tier and rules. */
  readonly ceilingCredits: Credits;
  readonly holdCredits: Credits;
  /** As the ledger judged them, this hold included. */
  readonly budgets: readonly BudgetStanding[];
  readonly at: EpochMs;
}

/**
 * What the statement could still top up from each hard budget, its own hold included, and no less than the hold. What other
 * replicas have leased and do not use counts as there, because a top-up is given it: only where a budget is what binds, it
 * is looked at again, at most once a second.
 */
export async function hardCeiling(
  uses: Pick<BudgetUses, 'standings'>,
  { ceilingCredits, holdCredits, budgets, at }: Held,
): Promise<Credits> {
  const own = budgets.flatMap(({ budgetId, isHard, availableCredits }) =>
    isHard && availableCredits !== null
      ? [{ budgetId, availableCredits: addCredits(availableCredits, holdCredits) }]
      : [],
  );
  const judged = ceilingFor(ceilingCredits, own);
  if (judged.source === 'decision') return maxAmount(judged.ceilingCredits, holdCredits);
  const ids = own.map(({ budgetId }) => budgetId);
  const now = new Map(
    (await uses.standings(ids, at)).map((standing) => [standing.budgetId, standing]),
  );
  const withIdle = own.map(({ budgetId, availableCredits }) => {
    // Whether it was read before this hold or after: too high by a hold is what the next top-up finds out.
    const there = addCredits(now.get(budgetId)?.availableCredits ?? NO_CREDITS, holdCredits);
    return { budgetId, availableCredits: maxAmount(availableCredits, there) };
  });
  return maxAmount(ceilingFor(ceilingCredits, withIdle).ceilingCredits, holdCredits);
}
