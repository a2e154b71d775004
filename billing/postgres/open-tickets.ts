import type { TicketId } from '#base/ids.js';
import type { Queryable } from '#base/postgres/pool.js';
import { parseCredits, parseMoney } from '#base/units.js';
import type { OpenTicket, TicketState } from '../ledger.js';
import { SENT_SO_FAR_COLUMNS, sentSoFarOf } from './sent-so-far.js';
import type { SentSoFarRow } from './sent-so-far.js';

interface OpenTicketRow extends Omit<SentSoFarRow, 'first_sent_at'> {
  readonly id: TicketId;
  readonly state: TicketState;
  readonly account: string;
  readonly team_id: string;
  readonly warehouse: string | null;
  readonly snowflake_query_id: string | null;
  readonly hold_credits: string;
  readonly price_per_credit: string;
  readonly currency: string;
  readonly tier: string;
  readonly is_stop_told: boolean;
  readonly is_held_by_budgets: boolean;
  readonly occurred_at: Date;
  readonly replica: string;
  readonly first_sent_at: Date | null;
}

const OPEN = `/* prepared: billing.open_tickets */
SELECT t.id, t.state, t.account, t.team_id, t.warehouse, t.snowflake_query_id, t.hold_credits, t.price_per_credit,
  t.currency, t.tier, t.stop_told IS NOT NULL AS is_stop_told, t.occurred_at, t.replica,
  NOT EXISTS (SELECT FROM break_glass_use g WHERE g.ticket_id = t.id) AS is_held_by_budgets, ${SENT_SO_FAR_COLUMNS}
FROM open_ticket o JOIN ticket t ON t.id = o.ticket_id LEFT JOIN running_use u ON u.ticket_id = t.id
WHERE $1::text IS NULL OR t.state = $1 ORDER BY t.id`;

function openTicketOf(row: OpenTicketRow): OpenTicket {
  return {
    ticketId: row.id,
    state: row.state,
    account: row.account,
    teamId: row.team_id,
    warehouse: row.warehouse,
    snowflakeQueryId: row.snowflake_query_id,
    holdCredits: parseCredits(row.hold_credits),
    pricePerCredit: parseMoney(row.price_per_credit),
    currency: row.currency,
    tier: row.tier,
    isStopTold: row.is_stop_told,
    isHeldByBudgets: row.is_held_by_budgets,
    occurredAt: row.occurred_at.getTime(),
    replica: row.replica,
    sent:
      row.first_sent_at === null ? null : sentSoFarOf({ ...row, first_sent_at: row.first_sent_at }),
  };
}

/** Tickets in flight, oldest first; those in `state`, or in any. */
export async function openTickets(
  db: Queryable,
  state: TicketState | null = null,
): Promise<readonly OpenTicket[]> {
  const { rows } = await db.query<OpenTicketRow>(OPEN, [state]);
  return rows.map(openTicketOf);
}
