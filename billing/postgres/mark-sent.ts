import type { TicketId } from '#base/ids.js';
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';

// The second case is the same call again after its answer was lost.
const MARK = `/* prepared: billing.mark_sent */
UPDATE ticket SET state = 'SENT', sent_at = $2
WHERE id = $1 AND (state = 'RESERVED' OR (state = 'SENT' AND sent_at = $2))`;

/** RESERVED → SENT. False: do not send. */
export async function markSent(
  db: Queryable,
  ticketId: TicketId,
  sentAt: EpochMs,
): Promise<boolean> {
  const { rowCount } = await db.query(MARK, [ticketId, new Date(sentAt)]);
  return rowCount === 1;
}
