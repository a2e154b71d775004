/**
 * Raises the hold of a statement in flight, in the periods that admitted it, if every hard budget has the rest (I7). What a
 * period that has ended has left may have been carried into the next ones: then it is taken from there too.
 */
import type { Database } from '#base/postgres/pool.js';
import type { Clock } from '#base/time.js';
import type { TopUpOutcome } from '../ledger.js';
import type { MayBeReturned } from './lease-rows.js';
import { raiseCarried } from './raise-carried.js';
import { raiseHold } from './raise-hold.js';
import type { Raise, Raised } from './raise-hold.js';
import { ticketState } from './ticket-state.js';

export interface TopUp extends Raise {
  readonly mayBeReturned: MayBeReturned;
}

/**
 * @returns `held`; `replayed` when as much is held already; `refused` with the tightest budget, nothing added: in the
 *   period that admitted the statement, or in a later one that what is left of it was carried into; `closed` when the
 *   ticket is not in flight any more.
 */
export async function topUp(db: Database, wish: TopUp, clock: Clock): Promise<TopUpOutcome> {
  for (;;) {
    const raised = await raiseWherever(db, wish, clock);
    if (raised.kind === 'ended')
      return { kind: 'closed', state: await ticketState(db, wish.ticketId) };
    if (raised.kind !== 'short') return raised;
    const { budget, shortByCredits, periodId } = raised;
    if (!(await wish.mayBeReturned(periodId, budget.availableCredits)))
      return { kind: 'refused', budget, shortByCredits };
  }
}

async function raiseWherever(
  db: Database,
  wish: Raise,
  clock: Clock,
): Promise<Exclude<Raised, { kind: 'carriedOn' }>> {
  const raised = await raiseHold(db, wish, clock.now(), 'own');
  return raised.kind === 'carriedOn' ? await raiseCarried(db, wish, clock.now()) : raised;
}
