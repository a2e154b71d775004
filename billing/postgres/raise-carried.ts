/**
 * A top-up in a period that has ended and whose remainder was carried into the next one. It takes credits that are
 * available in both: so much less was carried, and the same transaction corrects that through all the periods since. Where one
 * of those has not got what it would lose, nothing is added, so that a top-up carries no period past its limit (I1).
 */
import { assert, must } from '#base/assert.js';
import type { TicketId } from '#base/ids.js';
import type { Database, Queryable, Transaction } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import type { BudgetStanding } from '../ledger.js';
import { shortOfCarried } from '../standing.js';
import { correctCarriedOf } from './correct-carried.js';
import { raiseHold } from './raise-hold.js';
import type { Raise, Raised } from './raise-hold.js';
import { STANDING_COLUMNS, standingOf } from './standing-row.js';
import type { StandingRow } from './standing-row.js';

// A settlement or another top-up of the ticket waits; so does whatever opens a period after one of these.
const LOCK = `/* prepared: billing.top_up_lock */
WITH t AS MATERIALIZED (SELECT id FROM ticket WHERE id = $1 FOR NO KEY UPDATE)
SELECT p.id FROM t JOIN hold h ON h.ticket_id = t.id JOIN budget_period p ON p.id = h.budget_period_id
ORDER BY p.id FOR NO KEY UPDATE OF p`;

const FOLLOWING = `/* prepared: billing.periods_carried_into */
WITH RECURSIVE following AS (
  SELECT n.id FROM hold h JOIN budget_period n ON n.carried_from = h.budget_period_id WHERE h.ticket_id = $1
  UNION
  SELECT n.id FROM following f JOIN budget_period n ON n.carried_from = f.id
)
SELECT p.id, ${STANDING_COLUMNS} FROM following f JOIN budget_period p ON p.id = f.id JOIN budget b ON b.id = p.budget_id
ORDER BY p.id FOR NO KEY UPDATE OF p`;

/** Periods that were carried into, and how they stand, in the same order. */
interface Following {
  readonly ids: readonly string[];
  readonly standings: readonly BudgetStanding[];
}

/** What undoes the transaction. */
class ShortOfCarried extends Error {
  readonly raised: Extract<Raised, { kind: 'short' }>;
  constructor(raised: Extract<Raised, { kind: 'short' }>) {
    super('a later period has not got what it would lose');
    this.raised = raised;
  }
}

/** Raises the hold, and takes what it needs from all periods that it was carried into; or neither. */
export async function raiseCarried(
  db: Database,
  wish: Raise,
  at: EpochMs,
): Promise<Exclude<Raised, { kind: 'carriedOn' }>> {
  try {
    return await db.transaction(async (tx) => {
      await tx.query(LOCK, [wish.ticketId]);
      const ids = await lockFollowing(tx, wish.ticketId);
      for (const id of ids) await correctCarriedOf(tx, id, at);
      const before = await following(tx, wish.ticketId);
      const raised = await raiseHold(tx, wish, at, 'following');
      assert(raised.kind !== 'carriedOn', 'what was carried is looked at');
      if (raised.kind !== 'held') return raised;
      for (const id of ids) await correctCarriedOf(tx, id, at);
      const after = await following(tx, wish.ticketId);
      const short = shortOfCarried(before.standings, after.standings);
      if (short !== undefined) {
        const periodId = must(ids[before.standings.indexOf(short.budget)], 'it is one of these');
        throw new ShortOfCarried({ kind: 'short', periodId, ...short });
      }
      return raised;
    });
  } catch (thrown) {
    if (thrown instanceof ShortOfCarried) return thrown.raised;
    throw thrown;
  }
}

/**
 * Locks the periods that the ticket's were carried into, and says which; those that open meanwhile are followed too, until the
 * last is locked: a period opens with the one before it locked.
 */
async function lockFollowing(tx: Transaction, ticketId: TicketId): Promise<readonly string[]> {
  let known = 0;
  for (;;) {
    const { ids } = await following(tx, ticketId);
    if (ids.length === known) return ids;
    known = ids.length;
  }
}

/** In the order of their budgets' ids, those of one budget by time. */
async function following(db: Queryable, ticketId: TicketId): Promise<Following> {
  const { rows } = await db.query<StandingRow & { readonly id: string }>(FOLLOWING, [ticketId]);
  const inOrder = rows.sort((one, other) => {
    if (one.budget_id !== other.budget_id) return one.budget_id < other.budget_id ? -1 : 1;
    return one.starts_at.getTime() - other.starts_at.getTime();
  });
  return {
    ids: inOrder.map(({ id }) => id),
    standings: inOrder.map((row) => standingOf(row)),
  };
}
