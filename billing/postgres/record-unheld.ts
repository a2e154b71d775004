/** Writes the tickets of statements that held nothing: free ones, and those a rule refused. */
import { tgLabel } from '#base/errors.js';
import type { Queryable } from '#base/postgres/pool.js';
import type { TicketFacts, UnheldTicket } from '../ledger.js';
import {
  TICKET_COLUMNS,
  TICKET_RECORD,
  TICKET_VALUES,
  jsonFor,
  ticketRecord,
} from './ticket-row.js';

// Nothing of theirs is ever charged: by the query's id they are found in a table of their own.
const RECORD = `/* prepared: billing.record_unheld */
WITH made AS (
  INSERT INTO ticket (${TICKET_COLUMNS}, state, stands_for_request, hold_credits, refusal_code, refusal_message, refusal_detail,
    snowflake_query_id, ended_at)
  SELECT ${TICKET_VALUES}, t.state, true, 0, t.refusal_code, t.refusal_message, t.refusal_detail, t.snowflake_query_id,
    t.occurred_at
  FROM jsonb_to_recordset($1::jsonb) AS t (${TICKET_RECORD}, state text, refusal_code text, refusal_message text,
    refusal_detail jsonb, snowflake_query_id text)
  ON CONFLICT DO NOTHING
  RETURNING id, account, snowflake_query_id
), asked AS (
  INSERT INTO ticket_query (account, snowflake_query_id, ticket_id)
  SELECT account, snowflake_query_id, id FROM made WHERE snowflake_query_id IS NOT NULL
)
SELECT id FROM made`;

/**
 * One statement for the whole batch. Returns, in order, which are new: a ticket that exists already, or whose request
 * has a ticket, is not written.
 */
export async function recordUnheld(
  db: Queryable,
  tickets: readonly UnheldTicket[],
): Promise<readonly boolean[]> {
  return record(
    db,
    tickets.map(({ ticket, state, refusal, snowflakeQueryId }) => ({
      ...ticketRecord(ticket),
      state,
      refusal_code: refusal?.code ?? null,
      refusal_message: refusal?.message ?? null,
      refusal_detail: refusal?.detail ?? null,
      snowflake_query_id: snowflakeQueryId,
    })),
  );
}

/** The same for statements that a budget refused: VOID, their text is written when it is known. */
export function recordShort(
  db: Queryable,
  tickets: readonly TicketFacts[],
): Promise<readonly boolean[]> {
  const refused = { state: 'VOID', refusal_code: tgLabel('budgetExceeded') };
  return record(
    db,
    tickets.map((ticket) => ({ ...ticketRecord(ticket), ...refused })),
  );
}

async function record(
  db: Queryable,
  records: readonly (ReturnType<typeof ticketRecord> & Readonly<Record<string, unknown>>)[],
): Promise<readonly boolean[]> {
  if (records.length === 0) return [];
  const { rows } = await db.query<{ id: string }>(RECORD, [jsonFor(records)]);
  const written = new Set(rows.map(({ id }) => id));
  return records.map(({ id }) => written.has(String(id)));
}
