import type { TicketId } from '#base/ids.js';
import type { Queryable } from '#base/postgres/pool.js';
import type { Told } from '../ledger.js';
import { jsonFor, storable } from './ticket-row.js';
import { ticketState } from './ticket-state.js';

const RECORD = `/* prepared: billing.record_refusal */
UPDATE ticket SET refusal_code = $2, refusal_message = $3, refusal_detail = $4::jsonb
WHERE id = $1 AND state = 'VOID'`;

/** Keeps what the client was told. Only a ticket that was never sent has a refusal; on others nothing changes. */
export async function recordRefusal(
  db: Queryable,
  ticketId: TicketId,
  refusal: Told,
): Promise<void> {
  const values = [
    ticketId,
    refusal.code,
    storable(refusal.message),
    jsonFor(refusal.detail ?? null),
  ];
  const { rowCount } = await db.query(RECORD, values);
  if (rowCount === 0) await ticketState(db, ticketId);
}
