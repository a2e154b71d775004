import type { TicketId } from '#base/ids.js';
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';

const MARK = `/* prepared: billing.mark_running */
WITH marked AS (
  UPDATE ticket SET state = 'RUNNING', snowflake_query_id = $2, running_at = $3
  WHERE id = $1 AND state = 'SENT'
  RETURNING id, account
)
INSERT INTO ticket_query (account, snowflake_query_id, ticket_id) SELECT account, $2, id FROM marked
ON CONFLICT DO NOTHING`;

/** SENT → RUNNING with upstream's query id; a ticket that is already further on stays as it is. */
export async function markRunning(
  db: Queryable,
  ticketId: TicketId,
  snowflakeQueryId: string,
  at: EpochMs,
): Promise<void> {
  await db.query(MARK, [ticketId, snowflakeQueryId, new Date(at)]);
}
