import type { TicketId } from '#base/ids.js';
import { sqlStateOf, type Queryable } from '#base/postgres/pool.js';
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

const TELL_LOST = `/* prepared: billing.tell_lost */
UPDATE ticket t SET refusal_code = $2, refusal_message = $3, refusal_detail = $4::jsonb, stands_for_request = true
WHERE t.id = $1 AND t.state = 'VOID' AND t.refusal_code IS NULL AND t.ending IS NULL
  AND NOT EXISTS (
    SELECT FROM ticket o WHERE o.account = t.account AND o.session_id = t.session_id AND o.request_id = t.request_id
      AND o.stands_for_request)`;

/**
 * Whoever waited is told that the statement was given up with its replica, and to send it again: from now on that is the
 * answer of its request, so that a replica which only seemed gone does not run it beside what is sent again.
 */
export async function tellLost(db: Queryable, ticketId: TicketId, refusal: Told): Promise<void> {
  const values = [
    ticketId,
    refusal.code,
    storable(refusal.message),
    jsonFor(refusal.detail ?? null),
  ];
  try {
    await db.query(TELL_LOST, values);
  } catch (thrown) {
    // A repeat was faster: its ticket stands for the request now.
    if (sqlStateOf(thrown) !== UNIQUE_VIOLATION) throw thrown;
  }
}

const UNIQUE_VIOLATION = '23505';
