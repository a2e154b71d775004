/** Shapes whose run rate is lifted for a while: what they take goes on, and is counted. No money moves here. */
import type { Queryable, Transaction } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { storable } from './postgres/ticket-row.js';

/** As many are read; more lasting at once are refused. */
export const LIFTED_MAX = 1_000;

export interface LiftedPace {
  readonly teamId: string;
  readonly fingerprint: string;
  readonly liftedBy: string;
  readonly reason: string;
  readonly until: EpochMs;
}

interface Row {
  readonly team_id: string;
  readonly fingerprint: string;
  readonly lifted_by: string;
  readonly reason: string;
  readonly until_at: Date;
}

/** What is lifted at an instant. Throws what the database throws. */
export async function liftedPaces(db: Queryable, at: EpochMs): Promise<readonly LiftedPace[]> {
  const { rows } = await db.query<Row & Record<string, unknown>>(
    `/* prepared: billing.lifted_paces */
     SELECT team_id, fingerprint, lifted_by, reason, until_at FROM lifted_pace WHERE until_at > $1
     ORDER BY until_at LIMIT ${LIFTED_MAX}`,
    [new Date(at)],
  );
  return rows.map((row) => ({
    teamId: row.team_id,
    fingerprint: row.fingerprint,
    liftedBy: row.lifted_by,
    reason: row.reason,
    until: row.until_at.getTime(),
  }));
}

/** Lifts from the commit of `tx` on; a later word takes the place of an earlier one. False: {@link LIFTED_MAX} last. */
export async function liftPace(
  tx: Transaction,
  { teamId, fingerprint, liftedBy, reason, until }: LiftedPace,
  at: EpochMs,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `INSERT INTO lifted_pace (team_id, fingerprint, lifted_by, reason, lifted_at, until_at)
     SELECT $1, $2, $3, $4, $5, $6
     WHERE (SELECT count(*) FROM lifted_pace WHERE until_at > $5) < ${LIFTED_MAX}
     ON CONFLICT (team_id, fingerprint) DO UPDATE SET lifted_by = excluded.lifted_by, reason = excluded.reason,
       lifted_at = excluded.lifted_at, until_at = excluded.until_at`,
    [teamId, fingerprint, storable(liftedBy), storable(reason), new Date(at), new Date(until)],
  );
  return (rowCount ?? 0) > 0;
}
