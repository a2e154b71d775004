/** What replicas tell each other about one statement through its ticket. No money moves here. */
import type { TicketId } from '#base/ids.js';
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { SENT_SO_FAR_COLUMNS, sentSoFarOf } from './sent-so-far.js';
import type { SentSoFarRow } from './sent-so-far.js';
import { jsonFor } from './ticket-row.js';
import type { SentSoFar, Told } from '../ledger.js';

const IN_DOUBT = `/* prepared: billing.mark_in_doubt */
UPDATE ticket SET state = 'IN_DOUBT' WHERE id = $1 AND state IN ('SENT', 'RUNNING') AND replica = $2`;

const TAKE_OVER = `/* prepared: billing.take_over */
WITH t AS (
  UPDATE ticket SET state = 'SENT', replica = $2, first_sent_at = coalesce(first_sent_at, sent_at), sent_at = $3
  WHERE id = $1 AND state = 'IN_DOUBT' AND stop_told IS NULL RETURNING *
)
SELECT ${SENT_SO_FAR_COLUMNS} FROM t LEFT JOIN running_use u ON u.ticket_id = t.id`;

const SEEN = `/* prepared: billing.mark_seen */
UPDATE ticket SET seen_at = now() WHERE id = $1`;

const ASK_CANCEL = `/* prepared: billing.ask_cancel */
WITH asked AS (
  UPDATE ticket SET cancel_asked_at = $2 WHERE id = $1 AND state = 'RESERVED' RETURNING id
)
SELECT pg_notify($3, '') FROM asked`;

const CANCELS = `/* prepared: billing.cancels_asked */
SELECT t.id FROM open_ticket o JOIN ticket t ON t.id = o.ticket_id
WHERE t.state IN ('RESERVED', 'SENT', 'RUNNING') AND t.replica = $1 AND t.cancel_asked_at IS NOT NULL`;

const TELL_STOP = `/* prepared: billing.tell_stop */
UPDATE ticket SET stop_told = $2::jsonb WHERE id = $1 AND state IN ('SENT', 'RUNNING', 'IN_DOUBT')`;

/** Notified when a statement that waits on some replica was cancelled on another one. */
export const CANCELS_CHANNEL = 'tollgate_cancels';

/** SENT, RUNNING → IN_DOUBT: its reply was lost. One that has ended, or that another replica took over, stays. */
export async function markInDoubt(
  db: Queryable,
  ticketId: TicketId,
  replica: string,
): Promise<void> {
  await db.query(IN_DOUBT, [ticketId, replica]);
}

/**
 * IN_DOUBT → SENT on this replica: its driver repeats the request, and the hold stays. Of several that ask at once
 * one is told what is known of it; undefined: it has ended, is being stopped, or another replica has it.
 */
export async function takeOver(
  db: Queryable,
  ticketId: TicketId,
  replica: string,
  sentAt: EpochMs,
): Promise<SentSoFar | undefined> {
  const { rows } = await db.query<SentSoFarRow>(TAKE_OVER, [ticketId, replica, new Date(sentAt)]);
  return rows[0] === undefined ? undefined : sentSoFarOf(rows[0]);
}

/** Somebody waits for the statement on a replica that does not have it. */
export async function markSeen(db: Queryable, ticketId: TicketId): Promise<void> {
  await db.query(SEEN, [ticketId]);
}

/** Asks the replica where the statement waits to give it up. False: it does not wait any more. */
export async function askCancel(db: Queryable, ticketId: TicketId, at: EpochMs): Promise<boolean> {
  return (await db.query(ASK_CANCEL, [ticketId, new Date(at), CANCELS_CHANNEL])).rowCount === 1;
}

/** Statements that waited on `replica` when they were cancelled elsewhere, and have not ended. */
export async function cancelsAsked(db: Queryable, replica: string): Promise<readonly TicketId[]> {
  const { rows } = await db.query<{ id: TicketId }>(CANCELS, [replica]);
  return rows.map(({ id }) => id);
}

/** Keeps what the client of a stopped statement is told, so that a poll on any replica tells it. */
export async function tellStop(db: Queryable, ticketId: TicketId, told: Told): Promise<void> {
  await db.query(TELL_STOP, [ticketId, jsonFor(told)]);
}
