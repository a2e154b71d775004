import type { Queryable } from '#base/postgres/pool.js';
import { type TicketId, uuidV7 } from '#base/ids.js';
import type { EpochMs } from '#base/time.js';

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

const SELECT = `SELECT ticket_id, team_id, principal_id, account, snowflake_query_id, state, tier, warehouse,
  warehouse_size, statement_class, fingerprint, statement_shape, basis, low_credits, expected_credits, high_credits,
  hold_credits, charged_credits, charged_amount, currency, refusal_code, refusal_message, refusal_detail, ending,
  end_code, occurred_at, sent_at, ended_at
FROM my_queries`;

/** The ticket, or undefined. */
export async function readTicket(db: Queryable, id: TicketId): Promise<TicketRow | undefined> {
  const { rows } = await db.query<TicketRow>(`${SELECT} WHERE ticket_id = $1`, [id]);
  return rows[0];
}

/** Which tickets are listed, and where the page begins; null: all. */
export interface TicketsAsked {
  readonly teamId: string | null;
  readonly principalId: string | null;
  readonly state: string | null;
  /** `[from, to)`, by the instant the statement was asked for. */
  readonly from: EpochMs;
  readonly to: EpochMs;
  /** Instant and id of the last ticket of the page before. */
  readonly before: readonly [occurredAt: string, ticketId: string] | undefined;
  readonly limit: number;
}

/** An id is made when its statement is asked for; a day is far more than the two can differ. */
const ID_SLACK_MS = 24 * 3600 * 1000;

/** Tickets, the newest first, at most `limit`. Reads one index in its order, with a team or without one. */
export async function listTickets(
  db: Queryable,
  asked: TicketsAsked,
): Promise<readonly TicketRow[]> {
  const { teamId, principalId, state, from, to, before, limit } = asked;
  const values: unknown[] = [
    principalId,
    state,
    new Date(from),
    new Date(to),
    before?.[0] ?? null,
    before?.[1] ?? null,
    limit,
  ];
  const common = `($1::text IS NULL OR principal_id = $1) AND ($2::text IS NULL OR state = $2)
    AND occurred_at >= $3 AND occurred_at < $4`;
  // Without a team there is no index by instant, but ids begin with theirs.
  const where =
    teamId === null
      ? `WHERE ${common} AND ($5::timestamptz IS NULL OR ticket_id < $6::uuid)
         AND ticket_id >= $8::uuid AND ticket_id < $9::uuid ORDER BY ticket_id DESC LIMIT $7`
      : `WHERE ${common} AND ($5::timestamptz IS NULL OR (occurred_at, ticket_id) < ($5, $6::uuid))
         AND team_id = $8 ORDER BY occurred_at DESC, ticket_id DESC LIMIT $7`;
  const edges = [lowestIdAt(from - ID_SLACK_MS), lowestIdAt(to + ID_SLACK_MS)];
  const { rows } = await db.query<TicketRow>(`${SELECT} ${where}`, [
    ...values,
    ...(teamId === null ? edges : [teamId]),
  ]);
  return rows;
}

function lowestIdAt(at: EpochMs): string {
  return uuidV7(Math.max(0, at), new Uint8Array(10));
}
