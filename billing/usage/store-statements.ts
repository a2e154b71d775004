/**
 * How statements and what Snowflake tells of them later are written. A figure may come before its statement (QUERY_HISTORY may
 * not be read yet, or its file comes last): it waits in `usage_query_ahead` and is taken by the statement when that comes.
 */
import { hoursOfStatements } from './stale-hours.js';

// What a file does not tell (NULL) stays as it is known; of rows of one statement the one that ended last counts.
export const STORE_QUERIES: string = `/* prepared: billing.store_queries */
WITH given AS (
  SELECT * FROM jsonb_to_recordset($2::jsonb) AS r (query_id text, warehouse_id text, cluster integer, warehouse_size text,
    warehouse_kind text, snowflake_user text, role_name text, query_type text, is_container boolean,
    executed_at timestamptz, ended_at timestamptz, shape_hash text, bytes_scanned bigint, cloud_services_credits numeric,
    session_id text)
), one AS (
  SELECT DISTINCT ON (query_id) * FROM given g ORDER BY query_id, ended_at DESC, g DESC
), ahead AS (
  DELETE FROM usage_query_ahead a USING one o WHERE a.account = $1 AND a.query_id = o.query_id
  RETURNING a.query_id, a.attributed_credits, a.acceleration_credits, a.root_query_id, a.is_parent
), known AS (
  SELECT k.query_id, k.warehouse_id, k.cluster, k.warehouse_kind, k.cloud_services_credits, k.executed_at, k.ended_at
  FROM one o JOIN usage_query k ON k.account = $1 AND k.query_id = o.query_id
), written AS (
  INSERT INTO usage_query AS q (account, query_id, warehouse_id, cluster, warehouse_size, warehouse_kind, snowflake_user, role_name,
    query_type, is_container, executed_at, ended_at, shape_hash, bytes_scanned, cloud_services_credits, session_id,
    attributed_credits, acceleration_credits, root_query_id)
  SELECT $1, o.query_id, o.warehouse_id, coalesce(o.cluster, k.cluster, 1), o.warehouse_size,
    coalesce(o.warehouse_kind, k.warehouse_kind, 'STANDARD'), o.snowflake_user, o.role_name, o.query_type,
    o.is_container OR (coalesce(a.is_parent, false) AND a.attributed_credits IS NULL), o.executed_at, o.ended_at, o.shape_hash,
    o.bytes_scanned, coalesce(o.cloud_services_credits, k.cloud_services_credits, 0), o.session_id, a.attributed_credits,
    a.acceleration_credits, a.root_query_id
  FROM one o LEFT JOIN known k USING (query_id) LEFT JOIN ahead a USING (query_id)
  ON CONFLICT (account, query_id) DO UPDATE SET warehouse_id = excluded.warehouse_id, cluster = excluded.cluster,
    warehouse_size = excluded.warehouse_size, warehouse_kind = excluded.warehouse_kind,
    executed_at = excluded.executed_at, ended_at = excluded.ended_at,
    bytes_scanned = coalesce(excluded.bytes_scanned, q.bytes_scanned), cloud_services_credits = excluded.cloud_services_credits,
    session_id = coalesce(excluded.session_id, q.session_id)
  WHERE (q.warehouse_id, q.cluster, q.warehouse_size, q.warehouse_kind, q.executed_at, q.ended_at, q.bytes_scanned,
      q.cloud_services_credits, q.session_id)
    IS DISTINCT FROM (excluded.warehouse_id, excluded.cluster, excluded.warehouse_size, excluded.warehouse_kind,
      excluded.executed_at, excluded.ended_at, coalesce(excluded.bytes_scanned, q.bytes_scanned),
      excluded.cloud_services_credits, coalesce(excluded.session_id, q.session_id))
  RETURNING query_id, warehouse_id, cluster, executed_at, ended_at
), touched AS (
  SELECT warehouse_id, cluster, executed_at, ended_at FROM written
  UNION ALL
  SELECT k.warehouse_id, k.cluster, k.executed_at, k.ended_at FROM known k JOIN written USING (query_id)
), ${hoursOfStatements('touched')}
SELECT count(*)::integer AS written FROM written`;

/** What only contains others by what it is, whatever figure it has; see `queryRow` of the views. */
const CONTAINERS = "('CALL', 'MULTI_STATEMENT')";

export const STORE_ATTRIBUTIONS: string = `/* prepared: billing.store_attributions */
WITH given AS (
  SELECT * FROM jsonb_to_recordset($2::jsonb) AS r (query_id text, parent_query_id text, root_query_id text,
    ended_at timestamptz, attributed_credits numeric, acceleration_credits numeric)
), one AS (
  SELECT query_id, max(ended_at) AS ended_at, max(attributed_credits) AS attributed_credits,
    max(acceleration_credits) AS acceleration_credits, max(root_query_id) AS root_query_id FROM given GROUP BY query_id
), parent AS (
  SELECT DISTINCT parent_query_id AS query_id FROM given WHERE parent_query_id IS NOT NULL
), written AS (
  UPDATE usage_query q SET attributed_credits = g.attributed_credits,
    acceleration_credits = coalesce(g.acceleration_credits, q.acceleration_credits),
    root_query_id = coalesce(g.root_query_id, q.root_query_id),
    -- A parent that has a figure of its own has used the warehouse itself.
    is_container = q.is_container AND q.query_type IN ${CONTAINERS}
  FROM one g
  WHERE q.account = $1 AND q.query_id = g.query_id
    AND (q.attributed_credits, q.acceleration_credits, q.root_query_id) IS DISTINCT FROM
      (g.attributed_credits, coalesce(g.acceleration_credits, q.acceleration_credits), coalesce(g.root_query_id, q.root_query_id))
  RETURNING q.warehouse_id, q.cluster, q.executed_at, q.ended_at
), contained AS (
  UPDATE usage_query q SET is_container = true
  FROM parent g
  WHERE q.account = $1 AND q.query_id = g.query_id AND NOT q.is_container
    AND q.attributed_credits IS NULL AND q.query_id NOT IN (SELECT query_id FROM given)
  RETURNING q.warehouse_id, q.cluster, q.executed_at, q.ended_at
), ahead AS (
  INSERT INTO usage_query_ahead AS a (account, query_id, ended_at, attributed_credits, acceleration_credits, root_query_id, is_parent)
  SELECT $1, query_id, o.ended_at, o.attributed_credits, o.acceleration_credits, o.root_query_id, p.query_id IS NOT NULL
  FROM one o FULL JOIN parent p USING (query_id)
  WHERE NOT EXISTS (SELECT FROM usage_query q WHERE q.account = $1 AND q.query_id = coalesce(o.query_id, p.query_id))
  ORDER BY query_id
  ON CONFLICT (account, query_id) DO UPDATE SET
    ended_at = coalesce(excluded.ended_at, a.ended_at),
    attributed_credits = coalesce(excluded.attributed_credits, a.attributed_credits),
    acceleration_credits = coalesce(excluded.acceleration_credits, a.acceleration_credits),
    root_query_id = coalesce(excluded.root_query_id, a.root_query_id), is_parent = a.is_parent OR excluded.is_parent
  WHERE (a.ended_at, a.attributed_credits, a.acceleration_credits, a.root_query_id, a.is_parent) IS DISTINCT FROM
    (coalesce(excluded.ended_at, a.ended_at), coalesce(excluded.attributed_credits, a.attributed_credits),
      coalesce(excluded.acceleration_credits, a.acceleration_credits), coalesce(excluded.root_query_id, a.root_query_id), a.is_parent OR excluded.is_parent)
  RETURNING 1
), touched AS (SELECT * FROM written UNION ALL SELECT * FROM contained),
${hoursOfStatements('touched')}
SELECT (SELECT count(*) FROM touched)::integer + (SELECT count(*) FROM ahead)::integer AS written`;
