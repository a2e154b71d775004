/**
 * How rows of the views beside warehouses' own are written: services, adaptive statements, storage, transfer, sessions,
 * prices and money. As for the others, a row is written only where it says something new.
 */
import type { UsageView } from './read-views.js';
import { hoursOf } from './stale-hours.js';

// A file without the environment knows the driver alone: the tool above it stays as it is known.
const CLIENT = `CASE WHEN right(t.client, length(excluded.client) + 3) = ' (' || excluded.client || ')' THEN t.client
      ELSE coalesce(excluded.client, t.client) END`;

const STORE_STORAGE = `/* prepared: billing.store_storage */
WITH given AS (
  SELECT * FROM jsonb_to_recordset($2::jsonb) AS r (day date, scope text, entity_id text, entity_name text,
    table_bytes numeric, failsafe_bytes numeric, stage_bytes numeric)
), written AS (
  INSERT INTO usage_storage_day AS t (account, day, scope, entity_id, entity_name, table_bytes, failsafe_bytes,
    stage_bytes)
  SELECT DISTINCT ON (day, scope, entity_id) $1, day, scope, entity_id, entity_name, table_bytes, failsafe_bytes,
    stage_bytes
  FROM given g ORDER BY day, scope, entity_id, table_bytes + stage_bytes DESC, g DESC
  ON CONFLICT (account, day, scope, entity_id) DO UPDATE SET entity_name = excluded.entity_name,
    table_bytes = excluded.table_bytes, failsafe_bytes = excluded.failsafe_bytes, stage_bytes = excluded.stage_bytes
  WHERE (t.entity_name, t.table_bytes, t.failsafe_bytes, t.stage_bytes) IS DISTINCT FROM (excluded.entity_name,
    excluded.table_bytes, excluded.failsafe_bytes, excluded.stage_bytes)
  RETURNING 1
)
SELECT count(*)::integer AS written FROM written`;

/** `$1` account, `$2` rows as JSON; of prices `$3` is who imported them, null the schedule. */
export const STORE_BESIDE: Readonly<
  Record<
    Exclude<
      UsageView,
      | 'QUERY_HISTORY'
      | 'QUERY_ATTRIBUTION_HISTORY'
      | 'WAREHOUSE_EVENTS_HISTORY'
      | 'WAREHOUSE_METERING_HISTORY'
      | 'METERING_DAILY_HISTORY'
    >,
    string
  >
> = {
  QUERY_METERING_HISTORY: `/* prepared: billing.store_query_hours */
WITH given AS (
  SELECT * FROM jsonb_to_recordset($2::jsonb) AS r (query_id text, starts_at timestamptz, warehouse_id text,
    root_query_id text, compute_credits numeric, cloud_services_credits numeric)
), rooted AS (
  UPDATE usage_query q SET root_query_id = g.root_query_id
  FROM (SELECT query_id, max(root_query_id) AS root_query_id FROM given WHERE root_query_id IS NOT NULL GROUP BY 1) AS g
  WHERE q.account = $1 AND q.query_id = g.query_id AND q.root_query_id IS DISTINCT FROM g.root_query_id
  RETURNING q.warehouse_id, q.executed_at, q.ended_at
), ahead AS (
  INSERT INTO usage_query_ahead AS a (account, query_id, root_query_id)
  SELECT $1, query_id, max(root_query_id) FROM given g WHERE root_query_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM usage_query q WHERE q.account = $1 AND q.query_id = g.query_id)
  GROUP BY query_id ORDER BY query_id
  ON CONFLICT (account, query_id) DO UPDATE SET root_query_id = excluded.root_query_id
  WHERE a.root_query_id IS DISTINCT FROM excluded.root_query_id
), written AS (
  INSERT INTO usage_query_hour AS t (account, query_id, starts_at, warehouse_id, compute_credits,
    cloud_services_credits)
  SELECT DISTINCT ON (query_id, starts_at) $1, query_id, starts_at, warehouse_id, compute_credits,
    cloud_services_credits
  FROM given g ORDER BY query_id, starts_at, compute_credits DESC NULLS LAST, g DESC
  ON CONFLICT (account, query_id, starts_at) DO UPDATE SET warehouse_id = excluded.warehouse_id,
    compute_credits = excluded.compute_credits, cloud_services_credits = excluded.cloud_services_credits
  WHERE (t.warehouse_id, t.compute_credits, t.cloud_services_credits) IS DISTINCT FROM (excluded.warehouse_id,
    excluded.compute_credits, excluded.cloud_services_credits)
  RETURNING warehouse_id, starts_at
), touched AS (
  SELECT warehouse_id, starts_at, starts_at AS ends_at FROM written
  UNION ALL SELECT warehouse_id, executed_at, ended_at FROM rooted
), ${hoursOf('touched', 'starts_at', 'ends_at')}
SELECT count(*)::integer AS written FROM written`,

  METERING_HISTORY: `/* prepared: billing.store_service_hours */
WITH given AS (
  SELECT * FROM jsonb_to_recordset($2::jsonb) AS r (service_type text, entity_id text, starts_at timestamptz,
    entity_kind text, entity_name text, compute_credits numeric, cloud_services_credits numeric, credits numeric)
), written AS (
  INSERT INTO usage_service_hour AS t (account, service_type, entity_id, starts_at, entity_kind, entity_name,
    compute_credits, cloud_services_credits, credits)
  SELECT DISTINCT ON (service_type, entity_id, starts_at) $1, service_type, entity_id, starts_at, entity_kind,
    entity_name, compute_credits, cloud_services_credits, credits
  FROM given g ORDER BY service_type, entity_id, starts_at, credits DESC, g DESC
  ON CONFLICT (account, service_type, entity_id, starts_at) DO UPDATE SET
    entity_kind = coalesce(excluded.entity_kind, t.entity_kind), entity_name = coalesce(excluded.entity_name, t.entity_name),
    compute_credits = excluded.compute_credits,
    cloud_services_credits = excluded.cloud_services_credits, credits = excluded.credits
  WHERE (t.entity_kind, t.entity_name, t.compute_credits, t.cloud_services_credits,
    t.credits) IS DISTINCT FROM (coalesce(excluded.entity_kind, t.entity_kind), coalesce(excluded.entity_name, t.entity_name),
    excluded.compute_credits, excluded.cloud_services_credits, excluded.credits)
  RETURNING 1
)
SELECT count(*)::integer AS written FROM written`,

  STORAGE_USAGE: STORE_STORAGE,
  DATABASE_STORAGE_USAGE_HISTORY: STORE_STORAGE,
  STAGE_STORAGE_USAGE_HISTORY: STORE_STORAGE,

  DATA_TRANSFER_HISTORY: `/* prepared: billing.store_transfer */
WITH given AS (
  SELECT * FROM jsonb_to_recordset($2::jsonb) AS r (starts_at timestamptz, source_cloud text, source_region text,
    target_cloud text, target_region text, transfer_kind text, bytes numeric)
), written AS (
  INSERT INTO usage_transfer_hour AS t (account, starts_at, source_cloud, source_region, target_cloud,
    target_region, transfer_kind, bytes)
  SELECT DISTINCT ON (starts_at, source_cloud, source_region, target_cloud, target_region, transfer_kind) $1,
    starts_at, source_cloud, source_region, target_cloud, target_region, transfer_kind, bytes
  FROM given ORDER BY starts_at, source_cloud, source_region, target_cloud, target_region, transfer_kind, bytes DESC
  ON CONFLICT (account, starts_at, source_cloud, source_region, target_cloud, target_region,
    transfer_kind) DO UPDATE SET bytes = excluded.bytes
  WHERE t.bytes IS DISTINCT FROM excluded.bytes
  RETURNING 1
)
SELECT count(*)::integer AS written FROM written`,

  SESSIONS: `/* prepared: billing.store_sessions */
WITH given AS (
  SELECT * FROM jsonb_to_recordset($2::jsonb) AS r (session_id text, snowflake_user text, client text,
    created_at timestamptz)
), written AS (
  INSERT INTO usage_session AS t (account, session_id, snowflake_user, client, created_at)
  SELECT DISTINCT ON (session_id) $1, session_id, snowflake_user, client, created_at
  FROM given g ORDER BY session_id, created_at, g DESC
  ON CONFLICT (account, session_id) DO UPDATE SET snowflake_user = excluded.snowflake_user,
    client = ${CLIENT}, created_at = excluded.created_at
  WHERE (t.snowflake_user, t.client, t.created_at) IS DISTINCT FROM (excluded.snowflake_user,
    ${CLIENT}, excluded.created_at)
  RETURNING 1
)
SELECT count(*)::integer AS written FROM written`,

  REMAINING_BALANCE_DAILY: `/* prepared: billing.store_balances */
WITH given AS (
  SELECT * FROM jsonb_to_recordset($2::jsonb) AS r (contract text, day date, currency text, balance numeric)
), written AS (
  INSERT INTO usage_balance_day AS t (account, contract, day, currency, balance)
  SELECT DISTINCT ON (contract, day, currency) $1, contract, day, currency, balance
  FROM given ORDER BY contract, day, currency, balance
  ON CONFLICT (account, contract, day, currency) DO UPDATE SET balance = excluded.balance
  WHERE t.balance IS DISTINCT FROM excluded.balance
  RETURNING 1
)
SELECT count(*)::integer AS written FROM written`,

  RATE_SHEET_DAILY: `/* prepared: billing.store_rates */
WITH given AS (
  SELECT * FROM jsonb_to_recordset($2::jsonb) AS r (day date, usage_type text, rating_type text, service_type text,
    billing_type text, is_adjustment boolean, currency text, effective_rate numeric, region text, edition text)
), written AS (
  INSERT INTO usage_rate_day AS t (account, day, usage_type, rating_type, service_type, billing_type, is_adjustment,
    currency, effective_rate, region, edition, imported_by)
  SELECT DISTINCT ON (day, usage_type, rating_type, service_type, billing_type, is_adjustment) $1, day, usage_type,
    rating_type, service_type, billing_type, is_adjustment, currency, effective_rate, region, edition, $3
  FROM given g ORDER BY day, usage_type, rating_type, service_type, billing_type, is_adjustment,
    effective_rate DESC NULLS LAST, g DESC
  ON CONFLICT (account, day, usage_type, rating_type, service_type, billing_type,
    is_adjustment) DO UPDATE SET currency = excluded.currency, effective_rate = excluded.effective_rate,
    region = excluded.region, edition = excluded.edition, imported_by = excluded.imported_by
  WHERE (t.currency, t.effective_rate, t.region, t.edition) IS DISTINCT FROM (excluded.currency,
    excluded.effective_rate, excluded.region, excluded.edition)
  RETURNING 1
)
SELECT count(*)::integer AS written FROM written`,

  USAGE_IN_CURRENCY_DAILY: `/* prepared: billing.store_money */
WITH given AS (
  SELECT * FROM jsonb_to_recordset($2::jsonb) AS r (day date, usage_type text, rating_type text, service_type text,
    billing_type text, is_adjustment boolean, balance_source text, currency text, usage_amount numeric, money numeric)
), written AS (
  INSERT INTO usage_money_day AS t (account, day, usage_type, rating_type, service_type, billing_type,
    is_adjustment, balance_source, currency, usage_amount, money)
  SELECT DISTINCT ON (day, usage_type, rating_type, service_type, billing_type, is_adjustment, balance_source,
    currency) $1, day, usage_type, rating_type, service_type, billing_type, is_adjustment, balance_source, currency,
    usage_amount, money
  FROM given g ORDER BY day, usage_type, rating_type, service_type, billing_type, is_adjustment, balance_source,
    currency, money DESC, g DESC
  ON CONFLICT (account, day, usage_type, rating_type, service_type, billing_type, is_adjustment, balance_source,
    currency) DO UPDATE SET usage_amount = excluded.usage_amount, money = excluded.money
  WHERE (t.usage_amount, t.money) IS DISTINCT FROM (excluded.usage_amount, excluded.money)
  RETURNING 1
)
SELECT count(*)::integer AS written FROM written`,
};
