/** The budgets of a control document as the book of standings takes them. */
import { parseCredits } from '#base/units.js';
import type { BookBudget } from '#billing/standing-book.js';
import { WEEKDAYS } from '#policies/control/document.js';
import type { BudgetDocument } from '#policies/control/document.js';

/** Of a document that was checked; the same as the ledger is given when it is applied. */
export function bookBudgets(budgets: readonly BudgetDocument[]): readonly BookBudget[] {
  return budgets.map(({ id, hard, limitCredits, period }) => ({
    id,
    isHard: hard,
    limitCredits: limitCredits === 'unlimited' ? null : parseCredits(limitCredits),
    period: {
      periodKind: period.kind,
      timeZone: period.timeZone,
      weekStartsOn: WEEKDAYS.indexOf(period.weekStartsOn ?? 'monday') + 1,
    },
  }));
}
