/** The budgets of a control document as the book of standings takes them. */
import { parseCredits } from '#base/units.js';
import { carryRule, periodRule } from '#billing/budget-terms.js';
import type { BookBudget } from '#billing/standing-book.js';
import type { BudgetDocument } from '#policies/control/document.js';

/** Of a document that was checked; the same as the ledger is given when it is applied. */
export function bookBudgets(budgets: readonly BudgetDocument[]): readonly BookBudget[] {
  return budgets.map((budget) => ({
    id: budget.id,
    isHard: budget.hard,
    limitCredits: budget.limitCredits === 'unlimited' ? null : parseCredits(budget.limitCredits),
    period: periodRule(budget.period),
    carry: carryRule(budget),
  }));
}
