import { Fault } from '#base/errors.js';
import type { TicketId } from '#base/ids.js';
import type { Queryable } from '#base/postgres/pool.js';
import type { TicketState } from '../ledger.js';

const STATE = `/* prepared: billing.ticket_state */
SELECT state FROM ticket WHERE id = $1`;

/**
 * The state of a ticket, read when a move found nothing to do.
 * @throws Fault `ticketUnknown`.
 */
export async function ticketState(db: Queryable, ticketId: TicketId): Promise<TicketState> {
  const { rows } = await db.query<{ state: TicketState }>(STATE, [ticketId]);
  const state = rows[0]?.state;
  if (state === undefined) throw new Fault('ticketUnknown', `There is no ticket ${ticketId}.`);
  return state;
}
