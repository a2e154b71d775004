/**
 * Hours and days in which a team spent far more than usual. Usual is the median of the same hour of the day, or of whole
 * days, in the four weeks before; far more is six times their spread above it, and at least three times as much. Medians and
 * the spread around them are moved by no single bad day (median absolute deviation, × 1.4826 for a normal spread).
 */
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';

export const ANOMALY_GRAINS = ['hour', 'day'] as const;
export type AnomalyGrain = (typeof ANOMALY_GRAINS)[number];

const WEEKS = 4;
/** Of these samples at least so many must be there: a team of a week has no habits. */
const SAMPLES_MIN = 7;
const SPREADS = 6;
const TIMES_MIN = 3;
/** Less is nobody's anomaly. */
const CREDITS_MIN = '0.5';
/** Charges of an hour are in its row within this time; what comes later is not looked at again. */
const SETTLED_MS = 10 * 60_000;
/** Hours back that a look sees, so that a worker that was away tells late and not never. */
const LOOK_BACK_HOURS = 24;
const SHAPES_MAX = 5;

// `$1` now, `$2` the grain, `$3` owners by team. Hours of charges are what was charged and what metering made of it.
const FIND = `/* prepared: billing.find_anomalies */
WITH looked AS (
  SELECT date_trunc($2, $1::timestamptz, 'UTC') - n * ('1 ' || $2)::interval AS starts_at
  FROM generate_series(1, CASE $2 WHEN 'hour' THEN ${LOOK_BACK_HOURS} ELSE 1 END) AS n
), spent AS (
  SELECT h.team_id, l.starts_at, sum(h.credits) AS credits
  FROM looked l JOIN org_node o ON o.kind = 'team' AND o.is_active
  JOIN charge_hour h ON h.team_id = o.id AND h.hour_at >= l.starts_at AND h.hour_at < l.starts_at + ('1 ' || $2)::interval
  GROUP BY 1, 2 HAVING sum(h.credits) >= ${CREDITS_MIN}
), fresh AS (
  SELECT * FROM spent s WHERE NOT EXISTS (SELECT FROM spend_anomaly a
    WHERE a.team_id = s.team_id AND a.grain = $2 AND a.starts_at = s.starts_at)
), sample AS (
  SELECT f.team_id, f.starts_at, f.credits, coalesce((SELECT sum(h.credits) FROM charge_hour h WHERE h.team_id = f.team_id
      AND h.hour_at >= f.starts_at - d * interval '1 day'
      AND h.hour_at < f.starts_at - d * interval '1 day' + ('1 ' || $2)::interval), 0) AS credits_then
  FROM fresh f CROSS JOIN generate_series(1, ${WEEKS * 7}) AS d
  WHERE f.starts_at - d * interval '1 day' >= (SELECT date_trunc('day', min(h.hour_at), 'UTC') FROM charge_hour h
    WHERE h.team_id = f.team_id)
), middle AS (
  SELECT team_id, starts_at, credits, percentile_disc(0.5) WITHIN GROUP (ORDER BY credits_then) AS usual, count(*) AS samples
  FROM sample GROUP BY 1, 2, 3
), judged AS (
  SELECT m.team_id, m.starts_at, m.credits, m.usual, greatest(m.usual * ${TIMES_MIN}, ${CREDITS_MIN}, m.usual + ${SPREADS} * 1.4826
      * (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY abs(s.credits_then - m.usual)) FROM sample s
        WHERE s.team_id = m.team_id AND s.starts_at = m.starts_at)) AS most
  FROM middle m WHERE m.samples >= ${SAMPLES_MIN}
)
INSERT INTO spend_anomaly (team_id, grain, starts_at, spent_credits, usual_credits, limit_credits, shapes, owner, found_at)
SELECT j.team_id, $2, j.starts_at, j.credits, j.usual, j.most, coalesce((
    SELECT jsonb_agg(jsonb_build_object('fingerprint', fingerprint, 'workload', workload, 'statements', statements,
      'credits', credits::text, 'percent', round(100 * credits / j.credits)::text) ORDER BY credits DESC, fingerprint)
    FROM (SELECT t.fingerprint, min(t.workload) AS workload, count(*) AS statements, sum(c.credits) AS credits
      FROM charge c JOIN ticket t ON t.id = c.ticket_id
      WHERE c.team_id = j.team_id AND c.occurred_at >= j.starts_at AND c.occurred_at < j.starts_at + ('1 ' || $2)::interval
      GROUP BY 1 ORDER BY 4 DESC LIMIT ${SHAPES_MAX}) shape), '[]'), $3::jsonb ->> j.team_id, $1
FROM judged j WHERE j.credits > j.most
ON CONFLICT (team_id, grain, starts_at) DO NOTHING`;

/**
 * Writes what is unusual of the hours and the day that ended before `at` and was not looked at yet. Any number of processes
 * may do so at once.
 *
 * @param owners who answers for each team, by its id.
 * @returns how many are new.
 */
export async function findAnomalies(
  db: Queryable,
  at: EpochMs,
  owners: Readonly<Record<string, string>>,
): Promise<number> {
  let found = 0;
  for (const grain of ANOMALY_GRAINS) {
    const values = [new Date(at - SETTLED_MS), grain, JSON.stringify(owners)];
    found += (await db.query(FIND, values)).rowCount ?? 0;
  }
  return found;
}

export interface Anomaly {
  readonly id: string;
  readonly teamId: string;
  readonly grain: AnomalyGrain;
  readonly startsAt: Date;
  /** Decimals. */
  readonly spentCredits: string;
  readonly usualCredits: string;
  readonly limitCredits: string;
  readonly shapes: readonly AnomalyShape[];
  readonly owner: string | null;
  readonly foundAt: Date;
  readonly acknowledgedAt: Date | null;
  readonly acknowledgedBy: string | null;
  readonly note: string | null;
}

/** One shape that an anomaly went to. */
export interface AnomalyShape {
  readonly fingerprint: string;
  readonly workload: string | null;
  readonly statements: number;
  readonly credits: string;
  readonly percent: string;
}

/** What of the anomalies is asked for. */
export interface AnomaliesAsked {
  /** Null: of every team. */
  readonly teamId: string | null;
  /** Only those that nobody has acknowledged. */
  readonly isOpenOnly: boolean;
  /** Ids below it. */
  readonly before: string | null;
  readonly limit: number;
}

const COLUMNS = `id, team_id AS "teamId", grain, starts_at AS "startsAt", spent_credits AS "spentCredits",
  usual_credits AS "usualCredits", limit_credits AS "limitCredits", shapes, owner, found_at AS "foundAt",
  acknowledged_at AS "acknowledgedAt", acknowledged_by AS "acknowledgedBy", note`;

/** The newest first. */
export async function listAnomalies(
  db: Queryable,
  { teamId, isOpenOnly, before, limit }: AnomaliesAsked,
): Promise<readonly Anomaly[]> {
  const { rows } = await db.query<Anomaly & Record<string, unknown>>(
    `SELECT ${COLUMNS} FROM spend_anomaly
    WHERE ($1::text IS NULL OR team_id = $1) AND (NOT $2::boolean OR acknowledged_at IS NULL)
      AND ($3::bigint IS NULL OR id < $3)
    ORDER BY id DESC LIMIT $4`,
    [teamId, isOpenOnly, before, limit],
  );
  return rows;
}

/** Notes that a person has looked at it, the first who does; undefined where there is no such anomaly of the team. */
export async function acknowledgeAnomaly(
  db: Queryable,
  id: string,
  by: {
    readonly teamId: string | null;
    readonly person: string;
    readonly note: string;
    readonly at: EpochMs;
  },
): Promise<Anomaly | undefined> {
  const { rows } = await db.query<Anomaly & Record<string, unknown>>(
    `UPDATE spend_anomaly SET acknowledged_at = coalesce(acknowledged_at, $3),
        acknowledged_by = coalesce(acknowledged_by, $4), note = coalesce(note, $5)
      WHERE id = $1 AND ($2::text IS NULL OR team_id = $2) RETURNING ${COLUMNS}`,
    [id, by.teamId, new Date(by.at), by.person, by.note],
  );
  return rows[0];
}
