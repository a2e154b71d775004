/**
 * What the statements of a day sum to, by hour and by driver, kept so that a month is read from sums. A day is summed as a
 * whole when it is over; one that has changed since, or is not over, is read from its lines: the two texts here serve both,
 * so that sums are what lines are.
 */
import type { Database, Transaction } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';

/** Days `d` from the instant $1 on and before $2, both at midnight. */
export const DAYS_OF_SPAN =
  "d.day >= ($1::timestamptz AT TIME ZONE 'UTC')::date AND d.day < ($2::timestamptz AT TIME ZONE 'UTC')::date";

// Within one day `d`. Laterally and grouped, so that no plan reads the lines of days that are summed; and statement by
// statement by its key (hence the limit), so that a day costs what its lines do, however much history there is.
const LINES_OF_DAY = `allocation_line l LEFT JOIN LATERAL (
      SELECT q.executed_at, q.ended_at, q.snowflake_user FROM usage_query q
      WHERE q.account = l.account AND q.query_id = l.query_id LIMIT 1
    ) q ON true`;
const IN_DAY = `l.account = d.account AND l.bucket IN ('direct', 'bypass')
      AND l.starts_at >= d.day::timestamp AT TIME ZONE 'UTC' AND l.starts_at < (d.day + 1)::timestamp AT TIME ZONE 'UTC'`;

/** Lines of statements by hour, of the days `d` for which `where` holds: columns as in `allocation_hour_sum`. */
export function hourSums(where: string): string {
  return `SELECT d.account, d.day, s.* FROM allocation_summed_day d CROSS JOIN LATERAL (
    SELECT l.warehouse_id, l.starts_at, l.bucket, l.team_id, sum(l.credits) AS credits,
      count(*) FILTER (WHERE q.executed_at >= l.starts_at) AS statements,
      sum(least(q.ended_at, l.starts_at + interval '1 hour') - greatest(q.executed_at, l.starts_at))
        FILTER (WHERE q.executed_at IS NOT NULL) AS used
    FROM ${LINES_OF_DAY} WHERE ${IN_DAY}
    GROUP BY 1, 2, 3, 4
  ) s WHERE ${where}`;
}

/**
 * Lines of teams' statements by driver, of the days `d` for which `where` holds: columns as in `allocation_driver_sum`. A
 * statement has one driver: the most telling of what is known of it.
 */
export function driverSums(where: string): string {
  return `SELECT d.account, d.day, s.* FROM allocation_summed_day d CROSS JOIN LATERAL (
    SELECT l.team_id, w.kind, w.name, sum(l.credits) AS credits,
      count(*) FILTER (WHERE l.starts_at = date_trunc('hour', q.executed_at, 'UTC')) AS statements
    FROM ${LINES_OF_DAY}
    LEFT JOIN LATERAL (SELECT t.origin, t.workload, t.fingerprint FROM ticket t WHERE t.id = l.ticket_id LIMIT 1) t ON true
    CROSS JOIN LATERAL (
      SELECT CASE WHEN t.origin ? 'dashboard' THEN 'dashboard' WHEN t.origin ? 'dag' THEN 'dag'
          WHEN t.origin ? 'model' THEN 'model' WHEN t.workload IS NOT NULL THEN 'workload'
          WHEN q.snowflake_user IS NOT NULL THEN 'user' ELSE 'shape' END AS kind,
        coalesce(t.origin ->> 'dashboard', t.origin ->> 'dag', t.origin ->> 'model', t.workload, q.snowflake_user,
          t.fingerprint, '') AS name
    ) w
    WHERE l.team_id IS NOT NULL AND ${IN_DAY}
    GROUP BY 1, 2, 3
  ) s WHERE ${where}`;
}

/** Bypass lines by who ran them, of the days `d` for which `where` holds: columns as in `allocation_bypass_sum`. */
function bypassSums(where: string): string {
  return `SELECT d.account, d.day, s.* FROM allocation_summed_day d CROSS JOIN LATERAL (
    SELECT l.warehouse_id, l.team_id, l.principal_id, sum(l.credits) AS credits,
      count(*) FILTER (WHERE q.executed_at IS NULL OR q.executed_at >= l.starts_at) AS statements
    FROM ${LINES_OF_DAY} WHERE ${IN_DAY} AND l.bucket = 'bypass'
    GROUP BY 1, 2, 3
  ) s WHERE ${where}`;
}

// What is being written is left for the next pass.
const CLAIM = `/* prepared: billing.claim_summed_day */
SELECT account, to_char(day, 'YYYY-MM-DD') AS day FROM allocation_summed_day
WHERE is_stale AND account = $1 AND day > $2::date AND day < ($3::timestamptz AT TIME ZONE 'UTC')::date
ORDER BY day LIMIT 1 FOR UPDATE SKIP LOCKED`;

const OF_DAY = 'd.account = $1 AND d.day = $2::date';
const SUM: readonly string[] = [
  `/* prepared: billing.clear_hour_sums */
DELETE FROM allocation_hour_sum d WHERE ${OF_DAY}`,
  `/* prepared: billing.clear_driver_sums */
DELETE FROM allocation_driver_sum d WHERE ${OF_DAY}`,
  `/* prepared: billing.clear_bypass_sums */
DELETE FROM allocation_bypass_sum d WHERE ${OF_DAY}`,
  `/* prepared: billing.write_hour_sums */
INSERT INTO allocation_hour_sum (account, day, warehouse_id, starts_at, bucket, team_id, credits, statements, used)
${hourSums(OF_DAY)}`,
  `/* prepared: billing.write_driver_sums */
INSERT INTO allocation_driver_sum (account, day, team_id, kind, name, credits, statements)
${driverSums(OF_DAY)}`,
  `/* prepared: billing.write_bypass_sums */
INSERT INTO allocation_bypass_sum (account, day, warehouse_id, team_id, principal_id, credits, statements)
${bypassSums(OF_DAY)}`,
  `/* prepared: billing.day_is_summed */
UPDATE allocation_summed_day d SET is_stale = false WHERE ${OF_DAY}`,
];

/**
 * Sums the stale days of an account that are over at `now`, oldest first, each in a transaction of its own; a day that somebody
 * is writing stays stale. How many were summed. Faults of Postgres propagate, and days that were summed before stay so.
 */
export async function sumStaleDays(db: Database, account: string, now: EpochMs): Promise<number> {
  let summed = 0;
  for (let after = '-infinity'; ; summed += 1) {
    const day = await db.transaction((tx) => sumNextDay(tx, { account, after, now }));
    if (day === undefined) return summed;
    after = day;
  }
}

/** The day that was summed; undefined: none is left. */
async function sumNextDay(
  tx: Transaction,
  of: { readonly account: string; readonly after: string; readonly now: EpochMs },
): Promise<string | undefined> {
  const { rows } = await tx.query<{ day: string }>(CLAIM, [of.account, of.after, new Date(of.now)]);
  const day = rows[0]?.day;
  if (day === undefined) return undefined;
  for (const text of SUM) await tx.query(text, [of.account, day]);
  return day;
}
