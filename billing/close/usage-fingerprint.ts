/** What lines of months are worked out of, as one hash: hours with their shares, days of services, and their money. */
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';

// Money has no time of its writing, so that each row counts as a whole: Snowflake moves it between services and days, and the
// sums of the month stay. What was frozen by an earlier version knows the sums alone.
const FINGERPRINT = `/* prepared: billing.usage_fingerprint */
WITH hours AS MATERIALIZED (
  SELECT concat_ws(',', count(*), sum(metered_credits), max(allocated_at), count(*) FILTER (WHERE is_stale),
    sum(hashtext(coalesce(idle_key, '')))) AS text FROM usage_warehouse_hour WHERE starts_at >= $1 AND starts_at < $2
), days AS MATERIALIZED (
  SELECT concat_ws(',', count(*), max(allocated_at), count(*) FILTER (WHERE is_stale)) AS text FROM service_day
  WHERE day >= ($1::timestamptz AT TIME ZONE 'UTC')::date AND day < ($2::timestamptz AT TIME ZONE 'UTC')::date
), money AS MATERIALIZED (
  SELECT concat_ws(',', count(*), sum(money), sum(usage_amount)) AS sums, sum(hashtextextended(m::text, 0)) AS rows
  FROM usage_money_day m
  WHERE day >= ($1::timestamptz AT TIME ZONE 'UTC')::date AND day < ($2::timestamptz AT TIME ZONE 'UTC')::date
)
SELECT md5(concat_ws('|', hours.text, days.text, money.sums, coalesce(money.rows, 0))) AS text,
  md5(concat_ws('|', hours.text, days.text, money.sums)) AS by_sums
FROM hours, days, money`;

interface FingerprintRow {
  readonly text: string;
  readonly by_sums: string;
}

async function read(db: Queryable, from: EpochMs, to: EpochMs): Promise<FingerprintRow> {
  const { rows } = await db.query<FingerprintRow>(FINGERPRINT, [new Date(from), new Date(to)]);
  return rows[0] ?? { text: '', by_sums: '' };
}

/** Of `[from, to)`. Faults of Postgres propagate. */
export async function usageFingerprint(db: Queryable, from: EpochMs, to: EpochMs): Promise<string> {
  return (await read(db, from, to)).text;
}

/** Whether `[from, to)` is still what it was when `frozen` was taken of it. Faults of Postgres propagate. */
export async function isSameUsage(
  db: Queryable,
  frozen: string,
  from: EpochMs,
  to: EpochMs,
): Promise<boolean> {
  const { text, by_sums: bySums } = await read(db, from, to);
  return frozen === text || frozen === bySums;
}
