import type { TicketId } from '#base/ids.js';
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { formatAmount } from '#base/units.js';
import type { Credits } from '#base/units.js';

// The second case is the same call again after its answer was lost.
const MARK = `/* prepared: billing.mark_sent_batch */
UPDATE ticket SET state = 'SENT', sent_at = m.at, ceiling_credits = m.ceiling
FROM unnest($1::uuid[], $2::timestamptz[], $3::numeric[]) AS m (id, at, ceiling)
WHERE ticket.id = m.id AND (state = 'RESERVED' OR (state = 'SENT' AND sent_at = m.at))
RETURNING ticket.id`;

export interface SentMark {
  readonly ticketId: TicketId;
  readonly sentAt: EpochMs;
  /** The most it may use, for whoever goes on with it; null: what is held. */
  readonly ceilingCredits: Credits | null;
}

/** RESERVED → SENT for many tickets, none twice; on disk when this resolves. In order; false: do not send. */
export async function markSentBatch(
  db: Queryable,
  marks: readonly SentMark[],
): Promise<readonly boolean[]> {
  const { rows } = await db.query<{ id: TicketId }>(MARK, [
    marks.map(({ ticketId }) => ticketId),
    marks.map(({ sentAt }) => new Date(sentAt)),
    marks.map(({ ceilingCredits }) =>
      ceilingCredits === null ? null : formatAmount(ceilingCredits),
    ),
  ]);
  const marked = new Set(rows.map(({ id }) => id));
  return marks.map(({ ticketId }) => marked.has(ticketId));
}
