/**
 * Writes rows of views. A row that is there already is written again only where it says something else, and every hour
 * that a written row bears on becomes stale: it is allocated anew. So reading the same rows twice changes nothing.
 */
import type { Transaction } from '#base/postgres/pool.js';
import type { UsageView } from './read-views.js';
import { hoursOfEvents } from './stale-hours.js';
import { STORE_BESIDE } from './store-beside.js';
import { STORE_ATTRIBUTIONS, STORE_QUERIES } from './store-statements.js';
import type { UsageRow } from './view-reading.js';

const STORE: Readonly<Record<UsageView, string>> = {
  ...STORE_BESIDE,

  QUERY_HISTORY: STORE_QUERIES,
  QUERY_ATTRIBUTION_HISTORY: STORE_ATTRIBUTIONS,

  WAREHOUSE_EVENTS_HISTORY: `/* prepared: billing.store_events */
WITH given AS (
  SELECT * FROM jsonb_to_recordset($2::jsonb) AS r (warehouse_id text, occurred_at timestamptz, name text, cluster integer,
    state text, warehouse_size text, resource_constraint text)
), written AS (
  INSERT INTO usage_warehouse_event AS v (account, warehouse_id, occurred_at, name, cluster, state, warehouse_size, resource_constraint)
  SELECT DISTINCT ON (warehouse_id, occurred_at, name, cluster, state) $1, warehouse_id, occurred_at, name, cluster, state,
    warehouse_size, resource_constraint
  FROM given ORDER BY warehouse_id, occurred_at, name, cluster, state, warehouse_size, resource_constraint
  ON CONFLICT (account, warehouse_id, occurred_at, name, cluster, state) DO UPDATE
    SET warehouse_size = coalesce(excluded.warehouse_size, v.warehouse_size),
      resource_constraint = coalesce(excluded.resource_constraint, v.resource_constraint)
  WHERE (v.warehouse_size, v.resource_constraint) IS DISTINCT FROM
    (coalesce(excluded.warehouse_size, v.warehouse_size), coalesce(excluded.resource_constraint, v.resource_constraint))
  RETURNING warehouse_id, occurred_at, name, cluster, warehouse_size
), ${hoursOfEvents('written')}
SELECT count(*)::integer AS written FROM written`,

  WAREHOUSE_METERING_HISTORY: `/* prepared: billing.store_hours */
WITH given AS (
  SELECT * FROM jsonb_to_recordset($2::jsonb) AS r (warehouse_id text, warehouse text, starts_at timestamptz,
    metered_credits numeric, cloud_services_credits numeric, attributed_credits numeric)
), written AS (
  INSERT INTO usage_warehouse_hour AS h (account, warehouse_id, starts_at, warehouse, metered_credits, cloud_services_credits,
    attributed_credits)
  SELECT DISTINCT ON (warehouse_id, starts_at) $1, warehouse_id, starts_at, warehouse, metered_credits,
    cloud_services_credits, attributed_credits
  FROM given ORDER BY warehouse_id, starts_at, metered_credits DESC, cloud_services_credits DESC, attributed_credits DESC NULLS LAST,
    warehouse
  ON CONFLICT (account, warehouse_id, starts_at) DO UPDATE SET warehouse = excluded.warehouse,
    metered_credits = excluded.metered_credits, cloud_services_credits = excluded.cloud_services_credits,
    attributed_credits = coalesce(excluded.attributed_credits, h.attributed_credits), is_stale = true
  WHERE (h.warehouse, h.metered_credits, h.cloud_services_credits, h.attributed_credits)
    IS DISTINCT FROM (excluded.warehouse, excluded.metered_credits, excluded.cloud_services_credits,
      coalesce(excluded.attributed_credits, h.attributed_credits))
  RETURNING 1
)
SELECT count(*)::integer AS written FROM written`,

  METERING_DAILY_HISTORY: `/* prepared: billing.store_days */
WITH given AS (
  SELECT * FROM jsonb_to_recordset($2::jsonb) AS r (service_type text, day date, compute_credits numeric,
    cloud_services_credits numeric, adjustment_credits numeric, billed_credits numeric)
), written AS (
  INSERT INTO usage_day AS d (account, service_type, day, compute_credits, cloud_services_credits, adjustment_credits,
    billed_credits)
  SELECT DISTINCT ON (service_type, day) $1, service_type, day, compute_credits, cloud_services_credits, adjustment_credits,
    billed_credits
  FROM given g ORDER BY service_type, day, billed_credits DESC, g DESC
  ON CONFLICT (account, service_type, day) DO UPDATE SET compute_credits = excluded.compute_credits,
    cloud_services_credits = excluded.cloud_services_credits, adjustment_credits = excluded.adjustment_credits,
    billed_credits = excluded.billed_credits
  WHERE (d.compute_credits, d.cloud_services_credits, d.adjustment_credits, d.billed_credits) IS DISTINCT FROM
    (excluded.compute_credits, excluded.cloud_services_credits, excluded.adjustment_credits, excluded.billed_credits)
  RETURNING 1
)
SELECT count(*)::integer AS written FROM written`,
};

/**
 * Writes the rows of one window; how many were new or said something else.
 * @param importedBy who asked for it or gave the file; null: the schedule. Kept with prices, which that one cannot accept.
 */
export async function storeUsage(
  tx: Transaction,
  account: string,
  view: UsageView,
  rows: readonly UsageRow[],
  importedBy: string | null = null,
): Promise<number> {
  if (rows.length === 0) return 0;
  const values = [account, JSON.stringify(rows)];
  const { rows: told } = await tx.query<{ written: number }>(
    STORE[view],
    view === 'RATE_SHEET_DAILY' ? [...values, importedBy] : values,
  );
  return told[0]?.written ?? 0;
}
