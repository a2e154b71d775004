/**
 * Which hours a written row bears on, as parts of the statement that writes it: these are allocated anew. Beside the hours in
 * which something ran, these are the hours around it that stood idle: a line of idle time names the statement before it, or the
 * one after it, and says whether another followed. So the end does not depend on the order in which rows came.
 */

/** Nothing further away from an hour is looked for. */
export const REACH = "interval '7 days'";

const STOPS = "('SUSPEND_CLUSTER', 'SPINDOWN_CLUSTER', 'SUSPEND_WAREHOUSE', 'DROP_WAREHOUSE')";

/** A part of a statement: warehouse-hours between two columns of `rows` are allocated anew. */
export function hoursOf(rows: string, from: string, to: string): string {
  return `
stale AS (
  UPDATE usage_warehouse_hour h SET is_stale = true
  FROM (SELECT DISTINCT warehouse_id, date_trunc('hour', ${from}, 'UTC') AS first, ${to} AS last FROM ${rows}) AS w
  WHERE h.account = $1 AND h.warehouse_id = w.warehouse_id AND h.starts_at >= w.first AND h.starts_at <= w.last
)`;
}

/**
 * The hours of statements: `rows` has warehouse_id, cluster, executed_at and ended_at of each as it is and as it was. What
 * stood idle reaches from its neighbours on the cluster, or from a stop of the cluster and its minute, to it. Neighbours that
 * are written by the same statement are not seen here: then more hours are allocated anew, never fewer. Of many rows in an hour
 * the first and the last alone have neighbours beyond it.
 */
export function hoursOfStatements(rows: string): string {
  const onCluster = `q.account = $1 AND q.warehouse_id = e.warehouse_id AND q.cluster = e.cluster`;
  const stopOf = `FROM usage_warehouse_event v WHERE v.account = $1 AND v.warehouse_id = e.warehouse_id
      AND v.cluster IN (e.cluster, -1) AND v.name IN ${STOPS}`;
  return `
first_of AS (
  SELECT warehouse_id, cluster, min(executed_at) AS at FROM ${rows}
  GROUP BY warehouse_id, cluster, date_trunc('hour', executed_at, 'UTC')
), last_of AS (
  SELECT warehouse_id, cluster, max(ended_at) AS at FROM ${rows}
  GROUP BY warehouse_id, cluster, date_trunc('hour', ended_at, 'UTC')
), reached AS (
  SELECT warehouse_id, executed_at AS first, ended_at AS last FROM ${rows}
  UNION ALL
  SELECT e.warehouse_id, greatest(e.at - ${REACH}, (
    SELECT max(ended_at) FROM usage_query q WHERE ${onCluster} AND q.ended_at <= e.at AND q.ended_at > e.at - ${REACH}
  ), (
    SELECT max(occurred_at) ${stopOf} AND v.occurred_at <= e.at AND v.occurred_at > e.at - ${REACH}
  )), e.at FROM first_of e
  UNION ALL
  SELECT e.warehouse_id, e.at, least(e.at + ${REACH}, (
    SELECT q.executed_at FROM usage_query q WHERE ${onCluster} AND q.ended_at > e.at AND q.executed_at >= e.at
    ORDER BY q.ended_at LIMIT 1
  ), (
    SELECT min(occurred_at) + interval '1 minute' ${stopOf} AND v.occurred_at >= e.at AND v.occurred_at < e.at + ${REACH}
  )) FROM last_of e
), ${hoursOf('reached', 'first', 'last')}`;
}

/**
 * The hours of events: all that come after it, and before it those of the time that it ends, or whose size it tells:
 * back to the start of its cluster, and to the size that was told before.
 */
export function hoursOfEvents(rows: string): string {
  const before = (condition: string): string => `coalesce((
      SELECT max(v.occurred_at) FROM usage_warehouse_event v
      WHERE v.account = $1 AND v.warehouse_id = e.warehouse_id AND v.occurred_at < e.occurred_at
        AND v.occurred_at > e.occurred_at - ${REACH} AND ${condition}
    ), '-infinity')`;
  const start = `CASE WHEN e.cluster = -1 THEN v.name = 'RESUME_WAREHOUSE'
        ELSE v.cluster = e.cluster AND v.name IN ('RESUME_CLUSTER', 'SPINUP_CLUSTER') END`;
  return `
reached AS (
  SELECT e.warehouse_id, greatest(e.occurred_at - ${REACH}, least(
    CASE WHEN e.name = 'WAREHOUSE_CONSISTENT' THEN e.occurred_at ELSE ${before(start)} END,
    CASE WHEN e.warehouse_size IS NULL THEN e.occurred_at ELSE ${before('v.warehouse_size IS NOT NULL')} END
  )) AS first FROM ${rows} e
), ${hoursOf('reached', 'first', "'infinity'::timestamptz")}`;
}
