/** How far estimates were from what statements then took, of the newest ones. */
import type { Queryable } from '#base/postgres/pool.js';
import { formatInstant, type EpochMs } from '#base/time.js';

export interface AccuracyRow {
  readonly basis: string;
  readonly statements: number;
  readonly q_error_p50: number;
  readonly q_error_p90: number;
  readonly covered: number;
}

export interface AccuracyAsked {
  readonly from: EpochMs;
  /** null: all. */
  readonly teamId: string | null;
  readonly principalId: string | null;
  /** Newest statements that are looked at. */
  readonly statementsMax: number;
}

/** By basis, the most statements first. The error is the factor between expected and used, whichever way. */
export async function readAccuracy(
  db: Queryable,
  { from, teamId, principalId, statementsMax }: AccuracyAsked,
): Promise<readonly AccuracyRow[]> {
  const { rows } = await db.query<AccuracyRow & Record<string, unknown>>(
    `SELECT basis, count(*)::integer AS statements,
            percentile_cont(0.5) WITHIN GROUP (ORDER BY q_error) AS q_error_p50,
            percentile_cont(0.9) WITHIN GROUP (ORDER BY q_error) AS q_error_p90,
            count(*) FILTER (WHERE is_covered)::integer AS covered
       FROM (
         SELECT t.basis, c.credits <= t.high_credits AS is_covered,
                greatest(t.expected_credits / c.credits, c.credits / t.expected_credits)::double precision AS q_error
           FROM ticket t JOIN charge c ON c.ticket_id = t.id
          WHERE t.occurred_at >= $1 AND ($2::text IS NULL OR t.team_id = $2)
            AND ($3::text IS NULL OR t.principal_id = $3) AND c.credits > 0 AND t.expected_credits > 0
          ORDER BY t.occurred_at DESC LIMIT $4
       ) newest GROUP BY basis ORDER BY statements DESC, basis`,
    [formatInstant(from), teamId, principalId, statementsMax],
  );
  return rows;
}
