import type { TicketId } from '#base/ids.js';
import type { Queryable } from '#base/postgres/pool.js';
import { parseCredits, parseMoney } from '#base/units.js';
import type { OpenTicket, TicketState } from '../ledger.js';

export interface OpenTicketRow {
  readonly id: TicketId;
  readonly state: TicketState;
  readonly account: string;
  readonly team_id: string;
  readonly warehouse: string | null;
  readonly snowflake_query_id: string | null;
  readonly hold_credits: string;
  readonly price_per_credit: string;
  readonly occurred_at: Date;
  readonly replica: string;
}

/** The columns of {@link OpenTicketRow}. */
export const OPEN_TICKET_COLUMNS = `id, state, account, team_id, warehouse, snowflake_query_id, hold_credits,
  price_per_credit, occurred_at, replica`;

const OPEN = `/* prepared: billing.open_tickets */
SELECT ${OPEN_TICKET_COLUMNS} FROM open_ticket o JOIN ticket t ON t.id = o.ticket_id ORDER BY t.id`;

export function openTicketOf(row: OpenTicketRow): OpenTicket {
  return {
    ticketId: row.id,
    state: row.state,
    account: row.account,
    teamId: row.team_id,
    warehouse: row.warehouse,
    snowflakeQueryId: row.snowflake_query_id,
    holdCredits: parseCredits(row.hold_credits),
    pricePerCredit: parseMoney(row.price_per_credit),
    occurredAt: row.occurred_at.getTime(),
    replica: row.replica,
  };
}

/** Every ticket in flight, oldest first. */
export async function openTickets(db: Queryable): Promise<readonly OpenTicket[]> {
  const { rows } = await db.query<OpenTicketRow>(OPEN);
  return rows.map(openTicketOf);
}
