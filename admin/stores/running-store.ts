import type { Queryable } from '#base/postgres/pool.js';

/** One statement that is upstream now; amounts are decimals as Postgres writes them. */
export interface RunningRow {
  readonly ticket_id: string;
  readonly team_id: string;
  readonly principal_id: string;
  readonly account: string;
  readonly snowflake_query_id: string | null;
  readonly state: string;
  readonly tier: string;
  readonly warehouse: string | null;
  readonly warehouse_size: string | null;
  readonly workload: string | null;
  readonly statement_shape: string;
  readonly expected_credits: string;
  readonly used_credits: string;
  readonly used_amount: string;
  readonly hold_credits: string;
  readonly ceiling_credits: string | null;
  readonly currency: string;
  readonly sent_at: Date | null;
  readonly used_at: Date | null;
  readonly replica: string;
  readonly break_glass: string | null;
}

export interface RunningAsked {
  /** null: all. */
  readonly teamId: string | null;
  readonly principalId: string | null;
  /** Used and id of the last one of the page before. */
  readonly after: readonly [usedCredits: string, ticketId: string] | undefined;
  readonly limit: number;
}

/**
 * Statements upstream, and those in doubt, which may be, the dearest so far first, at most `limit`. Reads open tickets
 * alone.
 */
export async function listRunning(
  db: Queryable,
  { teamId, principalId, after, limit }: RunningAsked,
): Promise<readonly RunningRow[]> {
  const { rows } = await db.query<RunningRow & Record<string, unknown>>(
    `SELECT * FROM (
       SELECT t.id AS ticket_id, t.team_id, t.principal_id, t.account, t.snowflake_query_id, t.state, t.tier,
         t.warehouse, t.warehouse_size, t.workload, t.statement_shape, t.expected_credits,
         coalesce(u.used_credits, 0)::numeric(38, 12) AS used_credits,
         round_half_even(coalesce(u.used_credits, 0) * t.price_per_credit)::numeric(38, 12) AS used_amount,
         t.hold_credits, u.ceiling_credits, t.currency, t.sent_at, u.used_at, t.replica, g.reason AS break_glass
       FROM open_ticket o JOIN ticket t ON t.id = o.ticket_id LEFT JOIN running_use u ON u.ticket_id = t.id
         LEFT JOIN break_glass_use g ON g.ticket_id = t.id
       WHERE t.state IN ('SENT', 'RUNNING', 'IN_DOUBT')
         AND ($1::text IS NULL OR t.team_id = $1) AND ($2::text IS NULL OR t.principal_id = $2)
     ) r
     WHERE $3::numeric IS NULL OR (r.used_credits, r.ticket_id) < ($3, $4::uuid)
     ORDER BY r.used_credits DESC, r.ticket_id DESC LIMIT $5`,
    [teamId, principalId, after?.[0] ?? null, after?.[1] ?? null, limit],
  );
  return rows;
}
