/**
 * Forecasts of the open periods, and the notices of thresholds that were passed. A notice is a row, written once a
 * budget period, measure and threshold whoever looks first; only a raised limit makes it possible again.
 */
import type { Queryable, Transaction } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { formatAmount, parseCredits } from '#base/units.js';
import type { Credits } from '#base/units.js';
import { forecast } from './forecast.js';
import type { HourProfile } from './forecast.js';
import { countHours, hourProfiles } from './postgres/count-hours.js';
import { jsonFor } from './postgres/ticket-row.js';

/** Notified with every notice that was written; its delivery reads `budget_notice`. */
const NOTICES_CHANNEL = 'tollgate_budget_notices';
const PAGE = 500;

export interface BudgetNotice {
  readonly budgetId: string;
  readonly measure: 'use' | 'forecast';
  /** Percent of the limit. */
  readonly threshold: number;
  readonly limitCredits: Credits;
  readonly spentCredits: Credits;
  /** null: there is no forecast. */
  readonly forecastCredits: Credits | null;
  readonly exhaustedAt: EpochMs | null;
  readonly periodEndsAt: EpochMs;
}

const OPEN_PERIODS = `/* prepared: billing.periods_to_forecast */
SELECT p.id, p.budget_id, p.starts_at, p.ends_at, p.spent_credits,
  p.limit_credits + p.granted_credits + p.carried_credits AS limit_credits
FROM budget_period p JOIN budget b ON b.id = p.budget_id
WHERE b.is_active AND p.starts_at <= $1 AND p.ends_at > $1 AND p.id > $2 ORDER BY p.id LIMIT ${PAGE}`;

const KEEP = `/* prepared: billing.keep_forecasts */
INSERT INTO budget_forecast (budget_period_id, forecast_at, low_credits, expected_credits, high_credits, exhausted_at,
  has_profile)
SELECT budget_period_id, $2, low_credits, expected_credits, high_credits, exhausted_at, has_profile
FROM jsonb_to_recordset($1::jsonb) AS f (budget_period_id bigint, low_credits numeric, expected_credits numeric,
  high_credits numeric, exhausted_at timestamptz, has_profile boolean)
ON CONFLICT (budget_period_id) DO UPDATE SET forecast_at = excluded.forecast_at, low_credits = excluded.low_credits,
  expected_credits = excluded.expected_credits, high_credits = excluded.high_credits,
  exhausted_at = excluded.exhausted_at, has_profile = excluded.has_profile`;

// What is measured of the open periods: `value` against percent of `total`. Without a history the first tenth of a
// period says too little for a forecast. A limit of nothing is passed once something was spent.
const MEASURED = `SELECT p.id, p.budget_id, p.ends_at, m.measure, m.thresholds, m.value, l.total, p.spent_credits,
    f.expected_credits, f.exhausted_at
  FROM budget_period p JOIN budget b ON b.id = p.budget_id
  LEFT JOIN budget_forecast f ON f.budget_period_id = p.id
  CROSS JOIN LATERAL (SELECT p.limit_credits + p.granted_credits + p.carried_credits AS total) l
  CROSS JOIN LATERAL (VALUES ('use', b.thresholds, p.spent_credits), ('forecast', b.forecast_thresholds,
    CASE WHEN f.has_profile OR $1 - p.starts_at >= (p.ends_at - p.starts_at) / 10 THEN f.expected_credits END)
  ) AS m (measure, thresholds, value)
  WHERE b.is_active AND p.starts_at <= $1 AND p.ends_at > $1`;
const IS_PASSED = `(m.total < 0 OR m.value > 0) AND m.value * 100 >= t.threshold * m.total`;

const REARM = `/* prepared: billing.rearm_notices */
UPDATE budget_notice t SET rearmed_at = $1
FROM (${MEASURED}) m
WHERE t.rearmed_at IS NULL AND m.id = t.budget_period_id AND m.measure = t.measure
  AND (m.total IS NULL OR m.total > t.limit_credits AND NOT coalesce(${IS_PASSED}, false))`;

const FIRE = `/* prepared: billing.fire_notices */
WITH fired AS (
  INSERT INTO budget_notice (budget_period_id, measure, threshold, fired_at, limit_credits, spent_credits,
    forecast_credits, exhausted_at)
  SELECT m.id, m.measure, t.threshold, $1, m.total, m.spent_credits, m.expected_credits, m.exhausted_at
  FROM (${MEASURED}) m, unnest(m.thresholds) AS t (threshold)
  WHERE ${IS_PASSED}
  ORDER BY m.id, m.measure, t.threshold
  ON CONFLICT (budget_period_id, measure, threshold) WHERE rearmed_at IS NULL DO NOTHING
  RETURNING budget_period_id, measure, threshold, limit_credits, spent_credits, forecast_credits, exhausted_at
)
SELECT p.budget_id, p.ends_at, f.measure, f.threshold, f.limit_credits, f.spent_credits, f.forecast_credits,
  f.exhausted_at, pg_notify('${NOTICES_CHANNEL}', '')
FROM fired f JOIN budget_period p ON p.id = f.budget_period_id
ORDER BY p.budget_id COLLATE "C", f.measure, f.threshold`;

interface FiredRow {
  readonly budget_id: string;
  readonly ends_at: Date;
  readonly measure: BudgetNotice['measure'];
  readonly threshold: number;
  readonly limit_credits: string;
  readonly spent_credits: string;
  readonly forecast_credits: string | null;
  readonly exhausted_at: Date | null;
}

/** Counts what was spent into its hour and forecasts every open period anew. One process at a time calls this. */
export async function forecastBudgets(db: Queryable, at: EpochMs): Promise<void> {
  await countHours(db, at);
  let after = '0';
  for (;;) {
    const { rows } = await db.query<PeriodRow>(OPEN_PERIODS, [new Date(at), after]);
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.id;
    const ids = [...new Set(rows.map((row) => row.budget_id))];
    const profiles = await hourProfiles(db, ids, at);
    const kept = rows.map((row) => toKept(row, profiles.get(row.budget_id) ?? null, at));
    await db.query(KEEP, [jsonFor(kept), new Date(at)]);
  }
}

interface PeriodRow {
  readonly id: string;
  readonly budget_id: string;
  readonly starts_at: Date;
  readonly ends_at: Date;
  readonly spent_credits: string;
  readonly limit_credits: string | null;
}

function toKept(row: PeriodRow, profile: HourProfile | null, at: EpochMs): object {
  const found = forecast({
    period: { startsAt: row.starts_at.getTime(), endsAt: row.ends_at.getTime() },
    at,
    spentCredits: parseCredits(row.spent_credits),
    limitCredits: row.limit_credits === null ? null : parseCredits(row.limit_credits),
    profile,
  });
  return {
    budget_period_id: row.id,
    low_credits: formatAmount(found.lowCredits),
    expected_credits: formatAmount(found.expectedCredits),
    high_credits: formatAmount(found.highCredits),
    exhausted_at: found.exhaustedAt === null ? null : new Date(found.exhaustedAt).toISOString(),
    has_profile: profile !== null,
  };
}

/**
 * Re-arms the notices whose threshold is not passed any more because the limit was raised, and writes those of thresholds
 * that are passed now. Any number of processes may do so at once: each notice is returned to one of them.
 */
export async function writeNotices(tx: Transaction, at: EpochMs): Promise<readonly BudgetNotice[]> {
  await tx.query(REARM, [new Date(at)]);
  const { rows } = await tx.query<FiredRow>(FIRE, [new Date(at)]);
  return rows.map((row) => ({
    budgetId: row.budget_id,
    measure: row.measure,
    threshold: row.threshold,
    limitCredits: parseCredits(row.limit_credits),
    spentCredits: parseCredits(row.spent_credits),
    forecastCredits: row.forecast_credits === null ? null : parseCredits(row.forecast_credits),
    exhaustedAt: row.exhausted_at === null ? null : row.exhausted_at.getTime(),
    periodEndsAt: row.ends_at.getTime(),
  }));
}
