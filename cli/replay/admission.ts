/** Step 6 in a replay: what was let in holds on its budgets, or is refused by one of them, or because nobody gives his word. */
import type { EpochMs } from '../../base/time.js';
import type { StandingBook } from '../../billing/standing-book.js';
import type { Judged } from './judged.js';
import type { Refused } from './refused.js';

export interface Admission {
  /** null: it was let in. */
  readonly refused: Refused | null;
  /** Its hold is in the book, until it ends. */
  readonly holdsBudget: boolean;
}

/**
 * As the path asks: the budgets first, then somebody's word, which it would wait for under its hold.
 * @param book null: no document, no budgets.
 * @param id of the statement.
 */
export function admit(
  book: StandingBook | null,
  { answer }: Pick<Judged, 'answer'>,
  id: string,
  at: EpochMs,
): Admission {
  if (answer.kind === 'refused') return { refused: answer, holdsBudget: false };
  const { budgetIds, holdCredits, unapproved } = answer;
  const holdsBudget = book !== null && budgetIds.length > 0;
  if (book !== null && holdsBudget) {
    const held = book.reserve({ id, budgetIds, holdCredits, at });
    if (held.kind === 'refused') {
      const { budgetId, availableCredits: limitCredits } = held.budget;
      const by = `budget: ${budgetId}`;
      const refused = { kind: 'refused', by, code: 'budgetExceeded', limitCredits } as const;
      return { refused, holdsBudget: false };
    }
  }
  if (unapproved === null) return { refused: null, holdsBudget };
  if (holdsBudget) book?.release(id);
  return { refused: unapproved, holdsBudget: false };
}
