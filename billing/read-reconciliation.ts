/** A month of an account against what Snowflake says of it: credits hour by hour and day by day, money by service and day. */
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs, Period } from '#base/time.js';
import { type Credits, type Money, parseCredits, parseMoney } from '#base/units.js';
import { reconcileDay } from './reconcile-money.js';
import type { MoneyDay, ReconciledDay } from './reconcile-money.js';

/** What a view and another of the same credits do not agree on. */
export interface CreditDifference {
  /** `hour`: services by hour against warehouses by hour; `day`: the day against the sum of its hours. */
  readonly grain: 'hour' | 'day';
  readonly startsAt: EpochMs;
  /** Name and id; null: of the whole account. */
  readonly warehouse: string | null;
  readonly warehouseId: string | null;
  readonly credits: Credits;
  readonly otherCredits: Credits;
}

export type MoneyDifference = MoneyDay & ReconciledDay;

export interface Reconciliation {
  readonly credits: readonly CreditDifference[];
  readonly hours: number;
  readonly days: readonly MoneyDifference[];
  /** Money of what is not priced by the credit, such as storage, by kind. */
  readonly beside: readonly {
    readonly ratingType: string;
    readonly money: Money;
    readonly currency: string;
  }[];
}

export interface ReconciliationRequest {
  readonly account: string;
  readonly month: Period;
  readonly now: EpochMs;
  /** The price in force of a service's compute credit. */
  readonly priceAt: (
    serviceType: string,
    at: EpochMs,
  ) => { readonly pricePerCredit: Money; readonly currency: string } | undefined;
}

const DAY_MS = 86_400_000;
/** The documented latency of USAGE_IN_CURRENCY_DAILY, from the end of the day. */
const MONEY_LATE_MS = 3 * DAY_MS;
const DIFFERENCES_MAX = 1_000;

/** Reads and compares. Faults of Postgres propagate. */
export async function readReconciliation(
  db: Queryable,
  request: ReconciliationRequest,
): Promise<Reconciliation> {
  const { account, month } = request;
  const values = [account, new Date(month.startsAt), new Date(month.endsAt)];
  const [hours, days] = [
    await db.query<CreditRow>(HOURS, values),
    await db.query<CreditRow>(DAYS, values),
  ];
  const counted = await db.query<{ hours: string }>(
    'SELECT count(*) AS hours FROM usage_warehouse_hour WHERE account = $1 AND starts_at >= $2 AND starts_at < $3',
    values,
  );
  return {
    credits: [...hours.rows.map(creditsOf('hour')), ...days.rows.map(creditsOf('day'))],
    hours: Number(counted.rows[0]?.hours ?? 0),
    days: await readDays(db, request, values),
    beside: await readBeside(db, values),
  };
}

interface CreditRow {
  readonly starts_at: Date;
  readonly warehouse: string | null;
  readonly warehouse_id: string | null;
  readonly credits: string;
  readonly other_credits: string;
}

// What one view has and the other lacks differs too; hours of nothing do not.
const HOURS = `
SELECT coalesce(h.starts_at, s.starts_at) AS starts_at, coalesce(h.warehouse, s.entity_name) AS warehouse,
  coalesce(h.warehouse_id, s.entity_id) AS warehouse_id, coalesce(h.metered_credits, 0)::text AS credits,
  coalesce(s.compute_credits, 0)::text AS other_credits
FROM (SELECT * FROM usage_warehouse_hour WHERE account = $1 AND starts_at >= $2 AND starts_at < $3) h
FULL JOIN (SELECT * FROM usage_service_hour WHERE account = $1 AND service_type = 'WAREHOUSE_METERING'
  AND starts_at >= $2 AND starts_at < $3) s ON s.entity_id = h.warehouse_id AND s.starts_at = h.starts_at
WHERE coalesce(h.metered_credits, 0) <> coalesce(s.compute_credits, 0)
  AND EXISTS (SELECT FROM usage_service_hour WHERE account = $1 AND service_type = 'WAREHOUSE_METERING'
    AND starts_at >= $2 AND starts_at < $3)
ORDER BY 1, 3 LIMIT ${DIFFERENCES_MAX}`;

const DAYS = `
WITH hours AS (
  SELECT (starts_at AT TIME ZONE 'UTC')::date AS day, sum(metered_credits) AS credits FROM usage_warehouse_hour
  WHERE account = $1 AND starts_at >= $2 AND starts_at < $3 GROUP BY 1
), days AS (
  SELECT day, compute_credits AS credits FROM usage_day WHERE account = $1 AND service_type = 'WAREHOUSE_METERING'
    AND day >= ($2::timestamptz AT TIME ZONE 'UTC')::date AND day < ($3::timestamptz AT TIME ZONE 'UTC')::date
)
SELECT (coalesce(h.day, d.day)::timestamp AT TIME ZONE 'UTC') AS starts_at, NULL AS warehouse, NULL AS warehouse_id,
  coalesce(h.credits, 0)::text AS credits, coalesce(d.credits, 0)::text AS other_credits
FROM hours h FULL JOIN days d ON d.day = h.day WHERE coalesce(h.credits, 0) <> coalesce(d.credits, 0) ORDER BY 1`;

function creditsOf(grain: CreditDifference['grain']): (row: CreditRow) => CreditDifference {
  return (row) => ({
    grain,
    startsAt: row.starts_at.getTime(),
    warehouse: row.warehouse,
    warehouseId: row.warehouse_id,
    credits: parseCredits(row.credits),
    otherCredits: parseCredits(row.other_credits),
  });
}

interface MoneyRow {
  readonly day: string;
  readonly service_type: string;
  readonly is_adjustment: boolean;
  readonly metered: string | null;
  readonly billed_usage: string | null;
  readonly money: string | null;
  readonly other_money: string | null;
  readonly currency: string | null;
  readonly sheet_price: string | null;
  readonly is_held: boolean;
}

// Cloud services of warehouses and their adjustment are services of their own in the money; those of a feature are in its
// line (Snowflake, METERING_DAILY_HISTORY and USAGE_IN_CURRENCY_DAILY).
const MONEY = `
WITH usage AS (
  SELECT * FROM usage_day WHERE account = $1 AND day >= ($2::timestamptz AT TIME ZONE 'UTC')::date
    AND day < ($3::timestamptz AT TIME ZONE 'UTC')::date
), metered AS (
  SELECT day, service_type, is_adjustment, sum(credits) AS credits FROM (
    SELECT day, service_type, false AS is_adjustment, CASE service_type WHEN 'WAREHOUSE_METERING' THEN compute_credits
      ELSE compute_credits + cloud_services_credits END AS credits FROM usage
    UNION ALL SELECT day, 'CLOUD_SERVICES', false, cloud_services_credits FROM usage WHERE service_type = 'WAREHOUSE_METERING'
    UNION ALL SELECT day, 'CLOUD_SERVICES', true, adjustment_credits FROM usage WHERE adjustment_credits <> 0
  ) AS lines GROUP BY day, service_type, is_adjustment
), billed AS (
  SELECT day, service_type, is_adjustment, currency,
    sum(usage_amount) FILTER (WHERE billing_type IN ('CONSUMPTION', '')) AS usage, sum(money) AS money,
    coalesce(sum(money) FILTER (WHERE billing_type NOT IN ('CONSUMPTION', '') OR balance_source ILIKE 'free%'), 0) AS other
  FROM usage_money_day WHERE account = $1 AND day >= ($2::timestamptz AT TIME ZONE 'UTC')::date
    AND day < ($3::timestamptz AT TIME ZONE 'UTC')::date AND rating_type IN ('COMPUTE', '')
  GROUP BY day, service_type, is_adjustment, currency
)
SELECT to_char(coalesce(m.day, b.day), 'YYYY-MM-DD') AS day, coalesce(m.service_type, b.service_type) AS service_type,
  coalesce(m.is_adjustment, b.is_adjustment) AS is_adjustment, m.credits::text AS metered, coalesce(b.usage, 0)::text AS billed_usage,
  b.money::text AS money, b.other::text AS other_money, b.currency,
  (SELECT min(effective_rate)::text FROM usage_rate_day r WHERE r.account = $1 AND r.day = coalesce(m.day, b.day)
    AND r.rating_type = 'COMPUTE' AND r.service_type = coalesce(m.service_type, b.service_type)
    AND NOT r.is_adjustment AND r.usage_type NOT ILIKE 'overage%') AS sheet_price,
  EXISTS (SELECT FROM imported_price p WHERE p.account = $1 AND p.rating_type = 'COMPUTE' AND p.state = 'held'
    AND p.service_type = coalesce(m.service_type, b.service_type) AND p.from_day <= coalesce(m.day, b.day)
    AND (p.to_day IS NULL OR p.to_day > coalesce(m.day, b.day))) AS is_held
FROM metered m FULL JOIN billed b USING (day, service_type, is_adjustment)
ORDER BY 1, 2, 3, b.currency`;

async function readDays(
  db: Queryable,
  { now, priceAt }: ReconciliationRequest,
  values: readonly unknown[],
): Promise<readonly MoneyDifference[]> {
  const { rows } = await db.query<MoneyRow>(MONEY, [...values]);
  return rows.map((row) => {
    const at = Date.parse(`${row.day}T00:00:00Z`);
    const day: MoneyDay = {
      day: row.day,
      serviceType: row.service_type,
      isAdjustment: row.is_adjustment,
      credits: row.metered === null ? null : parseCredits(row.metered),
      price: priceAt(row.service_type, at) ?? null,
      sheetPrice: row.sheet_price === null ? null : parseMoney(row.sheet_price),
      isPriceHeld: row.is_held,
      billed: billedOf(row),
      isSettled: at + DAY_MS + MONEY_LATE_MS <= now,
    };
    return { ...day, ...reconcileDay(day) };
  });
}

function billedOf(row: MoneyRow): MoneyDay['billed'] {
  if (row.money === null || row.currency === null) return null;
  return {
    usage: parseCredits(row.billed_usage ?? '0'),
    money: parseMoney(row.money),
    currency: row.currency,
    otherMoney: parseMoney(row.other_money ?? '0'),
  };
}

async function readBeside(
  db: Queryable,
  values: readonly unknown[],
): Promise<Reconciliation['beside']> {
  const { rows } = await db.query<{ rating_type: string; currency: string; money: string }>(
    `SELECT rating_type, currency, sum(money)::text AS money FROM usage_money_day
     WHERE account = $1 AND day >= ($2::timestamptz AT TIME ZONE 'UTC')::date
       AND day < ($3::timestamptz AT TIME ZONE 'UTC')::date AND rating_type NOT IN ('COMPUTE', '')
     GROUP BY rating_type, currency ORDER BY rating_type, currency`,
    [...values],
  );
  return rows.map((row) => ({
    ratingType: row.rating_type,
    money: parseMoney(row.money),
    currency: row.currency,
  }));
}
