/** Writes the tickets of statements that held nothing: free ones, and those a rule refused. */
import type { Queryable } from '#base/postgres/pool.js';
import type { UnheldTicket } from '../ledger.js';
import {
  TICKET_COLUMNS,
  TICKET_RECORD,
  TICKET_VALUES,
  jsonFor,
  ticketRecord,
} from './ticket-row.js';

const RECORD = `/* prepared: billing.record_unheld */
INSERT INTO ticket (${TICKET_COLUMNS}, state, stands_for_request, hold_credits, refusal_code, refusal_message, refusal_detail,
  snowflake_query_id, ended_at)
SELECT ${TICKET_VALUES}, t.state, true, 0, t.refusal_code, t.refusal_message, t.refusal_detail, t.snowflake_query_id,
  t.occurred_at
FROM jsonb_to_recordset($1::jsonb) AS t (${TICKET_RECORD}, state text, refusal_code text, refusal_message text,
  refusal_detail jsonb, snowflake_query_id text)
ON CONFLICT DO NOTHING
RETURNING id`;

/**
 * One statement for the whole batch. Returns, in order, which are new: a ticket that exists already, or whose request
 * has a ticket, is not written.
 */
export async function recordUnheld(
  db: Queryable,
  tickets: readonly UnheldTicket[],
): Promise<readonly boolean[]> {
  if (tickets.length === 0) return [];
  const records = tickets.map(({ ticket, state, refusal, snowflakeQueryId }) => ({
    ...ticketRecord(ticket),
    state,
    refusal_code: refusal?.code ?? null,
    refusal_message: refusal?.message ?? null,
    refusal_detail: refusal?.detail ?? null,
    snowflake_query_id: snowflakeQueryId,
  }));
  const { rows } = await db.query<{ id: string }>(RECORD, [jsonFor(records)]);
  const written = new Set(rows.map(({ id }) => id));
  return tickets.map(({ ticket }) => written.has(ticket.ticketId));
}
