/** What lines of months are worked out of, as one hash: hours with their shares, days of services, and their money. */
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';

const FINGERPRINT = `/* prepared: billing.usage_fingerprint */
SELECT md5(concat_ws('|',
  (SELECT concat_ws(',', count(*), sum(metered_credits), max(allocated_at), count(*) FILTER (WHERE is_stale),
    sum(hashtext(coalesce(idle_key, '')))) FROM usage_warehouse_hour WHERE starts_at >= $1 AND starts_at < $2),
  (SELECT concat_ws(',', count(*), max(allocated_at), count(*) FILTER (WHERE is_stale)) FROM service_day
    WHERE day >= ($1::timestamptz AT TIME ZONE 'UTC')::date AND day < ($2::timestamptz AT TIME ZONE 'UTC')::date),
  (SELECT concat_ws(',', count(*), sum(money), sum(usage_amount)) FROM usage_money_day
    WHERE day >= ($1::timestamptz AT TIME ZONE 'UTC')::date AND day < ($2::timestamptz AT TIME ZONE 'UTC')::date)
  )) AS text`;

/** Of `[from, to)`. Faults of Postgres propagate. */
export async function usageFingerprint(db: Queryable, from: EpochMs, to: EpochMs): Promise<string> {
  const { rows } = await db.query<{ text: string }>(FINGERPRINT, [new Date(from), new Date(to)]);
  return rows[0]?.text ?? '';
}
