/**
 * Writes rows of views. A row that is there already is written again only where it says something else, and every hour
 * that a written row bears on becomes stale: it is allocated anew. So reading the same rows twice changes nothing.
 */
import type { Transaction } from '#base/postgres/pool.js';
import type { UsageView } from './read-views.js';
import { HOURS_OF, STORE_BESIDE } from './store-beside.js';
import type { UsageRow } from './view-reading.js';

const STORE: Readonly<Record<UsageView, string>> = {
  ...STORE_BESIDE,

  QUERY_HISTORY: `/* prepared: billing.store_queries */
WITH given AS (
  SELECT * FROM jsonb_to_recordset($2::jsonb) AS r (query_id text, warehouse_id text, cluster integer, warehouse_size text,
    warehouse_kind text, snowflake_user text, role_name text, query_type text, is_container boolean,
    executed_at timestamptz, ended_at timestamptz, shape_hash text, bytes_scanned bigint, cloud_services_credits numeric,
    session_id text)
), written AS (
  INSERT INTO usage_query AS q (account, query_id, warehouse_id, cluster, warehouse_size, warehouse_kind, snowflake_user, role_name,
    query_type, is_container, executed_at, ended_at, shape_hash, bytes_scanned, cloud_services_credits, session_id)
  SELECT DISTINCT ON (query_id) $1, query_id, warehouse_id, cluster, warehouse_size, warehouse_kind, snowflake_user, role_name,
    query_type, is_container, executed_at, ended_at, shape_hash, bytes_scanned, cloud_services_credits, session_id
  FROM given ORDER BY query_id, ended_at DESC
  ON CONFLICT (account, query_id) DO UPDATE SET warehouse_id = excluded.warehouse_id, cluster = excluded.cluster,
    warehouse_size = excluded.warehouse_size, executed_at = excluded.executed_at, ended_at = excluded.ended_at,
    bytes_scanned = excluded.bytes_scanned, cloud_services_credits = excluded.cloud_services_credits,
    session_id = coalesce(excluded.session_id, q.session_id)
  WHERE (q.warehouse_id, q.cluster, q.warehouse_size, q.executed_at, q.ended_at, q.bytes_scanned, q.cloud_services_credits,
      q.session_id)
    IS DISTINCT FROM (excluded.warehouse_id, excluded.cluster, excluded.warehouse_size, excluded.executed_at,
      excluded.ended_at, excluded.bytes_scanned, excluded.cloud_services_credits, coalesce(excluded.session_id, q.session_id))
  RETURNING warehouse_id, executed_at, ended_at
), ${HOURS_OF('written', 'executed_at', 'ended_at')}
SELECT count(*)::integer AS written FROM written`,

  QUERY_ATTRIBUTION_HISTORY: `/* prepared: billing.store_attributions */
WITH given AS (
  SELECT * FROM jsonb_to_recordset($2::jsonb) AS r (query_id text, parent_query_id text, root_query_id text,
    attributed_credits numeric, acceleration_credits numeric)
), written AS (
  UPDATE usage_query q SET attributed_credits = g.attributed_credits, acceleration_credits = g.acceleration_credits,
    root_query_id = coalesce(g.root_query_id, q.root_query_id)
  FROM (SELECT query_id, max(attributed_credits) AS attributed_credits, max(acceleration_credits) AS acceleration_credits,
    max(root_query_id) AS root_query_id FROM given GROUP BY query_id) AS g
  WHERE q.account = $1 AND q.query_id = g.query_id
    AND (q.attributed_credits, q.acceleration_credits, q.root_query_id) IS DISTINCT FROM
      (g.attributed_credits, g.acceleration_credits, coalesce(g.root_query_id, q.root_query_id))
  RETURNING q.warehouse_id, q.executed_at, q.ended_at
), contained AS (
  UPDATE usage_query q SET is_container = true
  FROM (SELECT DISTINCT parent_query_id FROM given WHERE parent_query_id IS NOT NULL) AS g
  WHERE q.account = $1 AND q.query_id = g.parent_query_id AND NOT q.is_container
    -- A parent that has a figure of its own has used the warehouse itself.
    AND q.attributed_credits IS NULL AND q.query_id NOT IN (SELECT query_id FROM given)
  RETURNING q.warehouse_id, q.executed_at, q.ended_at
), touched AS (SELECT * FROM written UNION ALL SELECT * FROM contained),
${HOURS_OF('touched', 'executed_at', 'ended_at')}
SELECT count(*)::integer AS written FROM touched`,

  WAREHOUSE_EVENTS_HISTORY: `/* prepared: billing.store_events */
WITH given AS (
  SELECT * FROM jsonb_to_recordset($2::jsonb) AS r (warehouse_id text, occurred_at timestamptz, name text, cluster integer,
    state text, warehouse_size text, resource_constraint text)
), written AS (
  INSERT INTO usage_warehouse_event (account, warehouse_id, occurred_at, name, cluster, state, warehouse_size, resource_constraint)
  SELECT DISTINCT ON (warehouse_id, occurred_at, name, cluster, state) $1, warehouse_id, occurred_at, name, cluster, state,
    warehouse_size, resource_constraint
  FROM given ORDER BY warehouse_id, occurred_at, name, cluster, state
  ON CONFLICT DO NOTHING
  RETURNING warehouse_id, occurred_at
), ${HOURS_OF('written', 'occurred_at', "'infinity'::timestamptz")}
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
  FROM given ORDER BY warehouse_id, starts_at, metered_credits DESC
  ON CONFLICT (account, warehouse_id, starts_at) DO UPDATE SET warehouse = excluded.warehouse,
    metered_credits = excluded.metered_credits, cloud_services_credits = excluded.cloud_services_credits,
    attributed_credits = excluded.attributed_credits, is_stale = true
  WHERE (h.warehouse, h.metered_credits, h.cloud_services_credits, h.attributed_credits)
    IS DISTINCT FROM (excluded.warehouse, excluded.metered_credits, excluded.cloud_services_credits, excluded.attributed_credits)
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
  FROM given ORDER BY service_type, day, billed_credits DESC
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
