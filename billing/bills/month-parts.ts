/**
 * What a month has of every team by account, resource, kind and UTC day, read from what its hours and days were
 * allocated to, by the sums of its days. Amounts are summed in Postgres: a month of ten million statements has some
 * thousand parts.
 */
import type { Queryable } from '#base/postgres/pool.js';
import type { Period } from '#base/time.js';
import { NO_CREDITS, parseCredits, parseMoney } from '#base/units.js';
import { type ChargeKind, UNALLOCATED } from './billed-month.js';
import { splitByteMoney } from './byte-money.js';
import type { MonthPart } from './month-part.js';
import { DAYS_OF_SPAN, hourSums } from './day-sums.js';

export const WAREHOUSES = 'WAREHOUSE_METERING';

// Days that are summed by their sums, others by their lines; what nobody ran is in few lines, with its shares.
const COMPUTE = `/* prepared: billing.month_compute */
WITH summed AS (
  SELECT s.account, s.warehouse_id, s.starts_at, s.bucket, s.team_id, s.credits, s.statements, s.used
  FROM allocation_summed_day d JOIN allocation_hour_sum s USING (account, day)
  WHERE NOT d.is_stale AND ${DAYS_OF_SPAN}
  UNION ALL
  SELECT account, warehouse_id, starts_at, bucket, team_id, credits, statements, used
  FROM (${hourSums(`d.is_stale AND ${DAYS_OF_SPAN}`)}) fresh
  UNION ALL
  SELECT account, warehouse_id, starts_at, bucket, team_id, credits, 0, NULL FROM allocation_borne
  WHERE starts_at >= $1 AND starts_at < $2 AND bucket IN ('idle', 'resumeMinute', 'shortQuery', 'unexplained')
)
SELECT s.account, h.warehouse AS resource, '${WAREHOUSES}' AS service_type, s.bucket AS kind,
  to_char(s.starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, s.team_id,
  CASE WHEN h.idle_policy IS NOT NULL AND s.bucket IN ('idle', 'resumeMinute', 'shortQuery')
    THEN h.idle_policy || '/' || h.idle_policy_version ELSE h.method || '/' || h.method_version END AS method,
  sum(s.credits) AS amount, 'credits' AS unit, sum(s.statements) AS statements,
  coalesce(extract(epoch FROM sum(s.used)) * 1000, 0)::bigint AS used_ms
FROM summed s JOIN usage_warehouse_hour h USING (account, warehouse_id, starts_at)
WHERE $3::text IS NULL OR coalesce(s.team_id, '${UNALLOCATED}') = $3
GROUP BY 1, 2, 4, 5, 6, 7`;

// Cloud services of warehouses are a service of their own in Snowflake's money, and so on the bill.
const SERVICES = `/* prepared: billing.month_services */
SELECT l.account, coalesce(l.entity_name, l.entity_id) AS resource,
  CASE WHEN l.kind IN ('cloudServices', 'adjustment') THEN 'CLOUD_SERVICES' ELSE l.service_type END AS service_type,
  CASE l.kind WHEN 'adjustment' THEN 'cloudServicesAdjustment' ELSE l.kind END AS kind,
  to_char(l.day, 'YYYY-MM-DD') AS day, l.team_id, coalesce(l.shared_by, 'services') || '/' || d.method_version AS method,
  sum(l.amount) AS amount, l.unit, 0 AS statements, 0 AS used_ms
FROM service_line l JOIN service_day d USING (account, day)
WHERE l.day >= ($1::timestamptz AT TIME ZONE 'UTC')::date AND l.day < ($2::timestamptz AT TIME ZONE 'UTC')::date
GROUP BY 1, 2, 3, 4, 5, 6, 7, l.unit`;

const BYTE_MONEY = `/* prepared: billing.month_byte_money */
SELECT account, to_char(day, 'YYYY-MM-DD') AS day, rating_type, sum(money) AS money
FROM usage_money_day
WHERE day >= ($1::timestamptz AT TIME ZONE 'UTC')::date AND day < ($2::timestamptz AT TIME ZONE 'UTC')::date
  AND rating_type NOT IN ('COMPUTE', '') AND currency = $3
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`;

interface PartRow {
  readonly account: string;
  readonly resource: string | null;
  readonly service_type: string;
  readonly kind: ChargeKind;
  readonly day: string;
  readonly team_id: string | null;
  readonly method: string | null;
  readonly amount: string;
  readonly unit: 'credits' | 'bytes';
  readonly statements: string | number;
  readonly used_ms: string | number;
}

/**
 * Every part of the period that is allocated, in no order. With `onlyTeamId` those of one team, as they are among the others:
 * money of bytes is split among all of them. Faults of Postgres propagate.
 */
export async function readMonthParts(
  db: Queryable,
  period: Period,
  currency: string,
  onlyTeamId: string | null = null,
): Promise<readonly MonthPart[]> {
  const span = [new Date(period.startsAt), new Date(period.endsAt)];
  const compute = await db.query<PartRow>(COMPUTE, [...span, onlyTeamId]);
  const services = await db.query<PartRow>(SERVICES, span);
  const money = await db.query<{
    account: string;
    day: string;
    rating_type: string;
    money: string;
  }>(BYTE_MONEY, [...span, currency]);
  const rows = [...compute.rows, ...services.rows];
  const bytes = rows.filter(({ unit }) => unit === 'bytes');
  const parts = [
    ...rows.filter(({ unit }) => unit === 'credits').map(partOf),
    ...splitByteMoney(
      money.rows.map((row) => ({
        account: row.account,
        day: row.day,
        ratingType: row.rating_type,
        money: parseMoney(row.money),
      })),
      bytes.map((row) => ({ ...partOf({ ...row, amount: '0' }), bytes: bytesOf(row.amount) })),
    ),
  ];
  return onlyTeamId === null
    ? parts
    : parts.filter(({ teamId }) => (teamId ?? UNALLOCATED) === onlyTeamId);
}

function bytesOf(text: string): bigint {
  return BigInt(text.split('.')[0] ?? '0');
}

function partOf(row: PartRow): MonthPart {
  return {
    kind: row.kind,
    account: row.account,
    resource: row.resource,
    serviceType: row.service_type,
    chargeDay: row.day,
    teamId: row.team_id,
    usedMs: Number(row.used_ms),
    statements: Number(row.statements),
    credits: row.amount === '0' ? NO_CREDITS : parseCredits(row.amount),
    money: null,
    measured: null,
    method: row.method ?? 'none/0',
  };
}
