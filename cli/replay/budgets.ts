/** The budgets of a control document as a book without a database. */
import { parseCredits } from '../../base/units.js';
import { StandingBook } from '../../billing/standing-book.js';
import { WEEKDAYS } from '../../policies/control/document.js';
import type { ControlSnapshot } from '../../policies/control/snapshot.js';

/** Every period opens with the limit of the document; nothing has been spent. */
export function bookOf(snapshot: ControlSnapshot): StandingBook {
  return new StandingBook(
    snapshot.document.budgets.map(({ id, hard, limitCredits, period }) => ({
      id,
      isHard: hard,
      limitCredits: limitCredits === 'unlimited' ? null : parseCredits(limitCredits),
      period: {
        periodKind: period.kind,
        timeZone: period.timeZone,
        weekStartsOn: WEEKDAYS.indexOf(period.weekStartsOn ?? 'monday') + 1,
      },
    })),
  );
}
