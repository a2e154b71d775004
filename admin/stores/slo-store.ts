import type { Queryable } from '#base/postgres/pool.js';
import { formatInstant, type EpochMs } from '#base/time.js';

/** Statements of a tier in an hour or day of UTC that it made a promise of. */
export interface AttainmentRow {
  readonly tier: string;
  readonly starts_at: Date;
  readonly valid: string;
  readonly good: string;
  /** A decimal; null: there was none. */
  readonly attained_percent: string | null;
}

/** Attainment by tier, in `[from, to)`, the newest first, at most `limit` rows. */
export async function readAttainment(
  db: Queryable,
  asked: {
    readonly by: 'hour' | 'day';
    readonly from: EpochMs;
    readonly to: EpochMs;
    readonly limit: number;
  },
): Promise<readonly AttainmentRow[]> {
  const { rows } = await db.query<AttainmentRow & Record<string, unknown>>(
    `SELECT tier, date_trunc($1, hour, 'UTC') AS starts_at, sum(valid)::text AS valid, sum(good)::text AS good,
            round(100.0 * sum(good) / nullif(sum(valid), 0), 3)::text AS attained_percent
       FROM slo_attainment WHERE hour >= date_trunc('hour', $2::timestamptz, 'UTC') AND hour < $3
      GROUP BY tier, date_trunc($1, hour, 'UTC') ORDER BY starts_at DESC, tier LIMIT $4`,
    [asked.by, formatInstant(asked.from), formatInstant(asked.to), asked.limit],
  );
  return rows;
}

/** How many statements run in a tier, and wait in its lane, in the whole deployment. */
export async function readOccupancy(
  db: Queryable,
): Promise<ReadonlyMap<string, { readonly running: number; readonly waiting: number }>> {
  const { rows } = await db.query<{ tier: string; running: number; waiting: number }>(
    `SELECT tier, sum(running)::integer AS running, sum(waiting)::integer AS waiting FROM (
       SELECT t.tier, count(*) AS running, 0 AS waiting FROM open_ticket o JOIN ticket t ON t.id = o.ticket_id
        WHERE t.state IN ('SENT', 'RUNNING') GROUP BY t.tier
       UNION ALL
       SELECT tier, 0, count(*) FROM lane_waiting WHERE granted_at IS NULL GROUP BY tier
     ) AS counted GROUP BY tier`,
  );
  return new Map(rows.map(({ tier, running, waiting }) => [tier, { running, waiting }]));
}
