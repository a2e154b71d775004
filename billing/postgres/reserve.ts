/** One statement's way to its hold: in a batch with others, its periods opened and its refusal written where need be. */
import { Fault } from '#base/errors.js';
import type { Database } from '#base/postgres/pool.js';
import type { ReserveOutcome, ReserveRequest } from '../ledger.js';
import { ticketById, ticketByRequest } from './known-ticket.js';
import type { MayBeReturned } from './lease-rows.js';
import { openPeriods } from './open-periods.js';
import type { Reserved } from './reserve-batch.js';

/** What a reserve asks of the rest of the ledger. */
export interface ReserveSteps {
  /** Judges and holds, together with whatever else arrives. */
  readonly batch: (request: ReserveRequest) => Promise<Reserved>;
  /** Writes the ticket of a refusal; false: a ticket stands for the request already. */
  readonly recordShort: (request: ReserveRequest) => Promise<boolean>;
  readonly mayBeReturned: MayBeReturned;
}

/** Opening a period and losing a race for the same request each need one more try; more is a bug or a bad clock. */
const TRIES_MAX = 8;

/**
 * @returns `held`, `known` (a ticket stands for the request already), or `refused` with the tightest hard budget; then
 *   the ticket is VOID with the code of the refusal.
 * @throws Fault `controlStale` for a budget the database does not have.
 */
export async function reserve(
  db: Database,
  steps: ReserveSteps,
  request: ReserveRequest,
): Promise<ReserveOutcome> {
  const { ticket, holdCredits } = request;
  for (let tries = 0; tries < TRIES_MAX;) {
    const found = await steps.batch(request);
    switch (found.kind) {
      case 'held':
        return { kind: 'held', holdCredits, budgets: found.budgets };
      case 'short': {
        // Waits are bounded by whoever says that it is worth asking again.
        const { budget, shortByCredits, periodId } = found;
        if (await steps.mayBeReturned(periodId, budget.availableCredits)) continue;
        if (await steps.recordShort(request)) return { kind: 'refused', budget, shortByCredits };
        break;
      }
      case 'unopened':
        await openPeriods(db, [...new Set(request.budgetIds)], ticket.occurredAt);
        break;
      case 'known':
      case 'again':
        break;
    }
    if (found.kind !== 'again') {
      const known = (await ticketByRequest(db, ticket)) ?? (await ticketById(db, ticket.ticketId));
      if (known !== undefined) return { kind: 'known', ticket: known };
    }
    tries += 1;
  }
  throw new Fault('ledgerUnavailable', 'The periods of the budgets could not be opened.', {
    detail: { budgetIds: request.budgetIds },
  });
}
