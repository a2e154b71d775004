import type { Queryable } from '#base/postgres/pool.js';
import type { TicketId } from '#base/ids.js';

/** One statement as it is told to administrators; amounts are decimals as Postgres writes them. */
export interface TicketRow {
  readonly ticket_id: string;
  readonly team_id: string;
  readonly principal_id: string;
  readonly account: string;
  readonly snowflake_query_id: string | null;
  readonly state: string;
  readonly tier: string;
  readonly warehouse: string | null;
  readonly warehouse_size: string | null;
  readonly statement_class: string;
  readonly fingerprint: string;
  readonly statement_shape: string;
  readonly basis: string;
  readonly low_credits: string;
  readonly expected_credits: string;
  readonly high_credits: string;
  readonly hold_credits: string;
  readonly charged_credits: string | null;
  readonly charged_amount: string | null;
  readonly currency: string;
  readonly refusal_code: string | null;
  readonly refusal_message: string | null;
  readonly refusal_detail: unknown;
  readonly ending: string | null;
  readonly end_code: string | null;
  readonly occurred_at: Date;
  readonly sent_at: Date | null;
  readonly ended_at: Date | null;
}

const BY_ID = `SELECT ticket_id, team_id, principal_id, account, snowflake_query_id, state, tier, warehouse,
  warehouse_size, statement_class, fingerprint, statement_shape, basis, low_credits, expected_credits, high_credits,
  hold_credits, charged_credits, charged_amount, currency, refusal_code, refusal_message, refusal_detail, ending,
  end_code, occurred_at, sent_at, ended_at
FROM my_queries WHERE ticket_id = $1`;

/** The ticket, or undefined. */
export async function readTicket(db: Queryable, id: TicketId): Promise<TicketRow | undefined> {
  const { rows } = await db.query<TicketRow>(BY_ID, [id]);
  return rows[0];
}
