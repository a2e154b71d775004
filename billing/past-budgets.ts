/**
 * Statements that have run, held and charged again in the order in which they came, against budgets as they might have
 * been. By the rules of the ledger, in memory: a hold when a statement comes, its charge when it ended.
 */
import type { EpochMs } from '#base/time.js';
import { addCredits, compareAmounts, maxAmount, minAmount, NO_CREDITS } from '#base/units.js';
import type { Credits } from '#base/units.js';
import type { BudgetStanding } from './ledger.js';
import { type BookBudget, StandingBook } from './standing-book.js';

export interface PastHold {
  readonly id: string;
  readonly at: EpochMs;
  readonly endsAt: EpochMs;
  readonly budgetIds: readonly string[];
  readonly holdCredits: Credits;
  /** The most it might have cost. */
  readonly ceilingCredits: Credits;
  readonly usedCredits: Credits;
}

/** Budgets of the past in memory; statements are given in the order in which they came. */
export class PastBudgets {
  readonly #book: StandingBook;
  /** What runs, the one that ends first at the end. */
  readonly #running: PastHold[] = [];

  /** @param budgets each id once. */
  constructor(budgets: readonly BookBudget[]) {
    this.#book = new StandingBook(budgets);
  }

  /**
   * Holds for a statement when everything that ended by then has been charged. Statements come in order of `at`.
   * @returns the budget that refuses it; undefined when it is held.
   */
  arrive(hold: PastHold): string | undefined {
    const refusing = this.#reserve(hold);
    if (refusing !== undefined) return refusing;
    const place = this.#running.findLastIndex((each) => each.endsAt >= hold.endsAt);
    this.#running.splice(place + 1, 0, hold);
    return undefined;
  }

  /** The budget that would refuse its hold; undefined: none. Nothing is held afterwards. */
  refusing(hold: PastHold): string | undefined {
    const refusing = this.#reserve(hold);
    if (refusing === undefined) this.#book.release(hold.id);
    return refusing;
  }

  /** How budgets stand at `at`, when everything that ended by then has been charged. */
  standing(budgetIds: readonly string[], at: EpochMs): readonly BudgetStanding[] {
    this.passUntil(at);
    return this.#book.standing(budgetIds, at);
  }

  /** Charges everything that ends at or before `until`. */
  passUntil(until: EpochMs): void {
    for (;;) {
      const next = this.#running.at(-1);
      if (next === undefined || next.endsAt > until) return;
      this.#running.pop();
      this.#book.settle(next.id, this.#charged(next));
    }
  }

  #reserve({ id, budgetIds, holdCredits, at }: PastHold): string | undefined {
    this.passUntil(at);
    const held = this.#book.reserve({ id, budgetIds, holdCredits, at });
    return held.kind === 'refused' ? held.budget.budgetId : undefined;
  }

  /** All it used, or as much as its ceiling and its budgets had let it use before it was stopped. */
  #charged({ id, holdCredits, ceilingCredits, usedCredits }: PastHold): Credits {
    const most = minAmount(usedCredits, maxAmount(ceilingCredits, holdCredits));
    if (compareAmounts(most, holdCredits) <= 0) return most;
    const raised = this.#book.topUp(id, most);
    if (raised.kind !== 'refused') return most;
    return addCredits(
      holdCredits,
      maxAmount(raised.budget.availableCredits ?? NO_CREDITS, NO_CREDITS),
    );
  }
}
