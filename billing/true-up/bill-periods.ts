/**
 * The last step of budgets that count `billed`: when a period has ended and all of it is metered and allocated, what is
 * missing between what it spent and what its team is billed is entered in it.
 */
import type { Database } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { ENTER_TRUE_UPS } from './post-deltas.js';

/** How long after its end a period follows its bill. */
const FOLLOWED = '62 days';

// Metering of the last hour must have been imported, of every account whose views are read at all; where none are, of those whose
// files are given, to the last hour in them. No hour of the period may be waiting. Only budgets of a team that count everything of it have a bill of their own.
const BILL = `/* prepared: billing.bill_periods */
WITH metered AS (
  SELECT coalesce((
    SELECT min(read_to) FROM usage_import WHERE view_name = 'WAREHOUSE_METERING_HISTORY'
  ), (
    SELECT min((
      SELECT max(h.starts_at) + interval '1 hour' FROM usage_warehouse_hour h WHERE h.account = f.account
    )) FROM (
      SELECT DISTINCT account FROM usage_import_request WHERE file_view = 'WAREHOUSE_METERING_HISTORY'
    ) f
  )) AS read_to
), ended AS MATERIALIZED (
  SELECT p.id, p.starts_at, p.ends_at, p.spent_credits, b.node_id
  FROM metered m, budget_period p JOIN budget b ON b.id = p.budget_id JOIN org_node n ON n.id = b.node_id
  WHERE b.counts = 'billed' AND n.kind = 'team' AND b.tier IS NULL AND b.workload IS NULL AND b.client IS NULL
    AND p.ends_at <= $1 AND p.ends_at > $1::timestamptz - interval '${FOLLOWED}' AND p.ends_at <= m.read_to
    AND EXISTS (SELECT FROM usage_warehouse_hour h WHERE h.starts_at >= p.starts_at AND h.starts_at < p.ends_at)
    AND NOT EXISTS (
      SELECT FROM usage_warehouse_hour h WHERE h.starts_at >= p.starts_at AND h.starts_at < p.ends_at
        AND (h.is_stale OR h.allocated_at IS NULL))
    AND NOT EXISTS (
      SELECT FROM open_ticket o JOIN hold h ON h.ticket_id = o.ticket_id WHERE h.budget_period_id = p.id)
), moved AS MATERIALIZED (
  SELECT 0 AS chunk, e.id AS budget_period_id, 'billed' AS line,
    coalesce((SELECT sum(x.credits) FROM team_billed x
      WHERE x.team_id = e.node_id AND x.starts_at >= e.starts_at AND x.starts_at < e.ends_at), 0) - e.spent_credits AS credits
  FROM ended e
), journalled AS (
  INSERT INTO journal (kind, key, author, reason, occurred_at)
  SELECT 'adjustment', 'billed:' || gen_random_uuid(), 'tollgate', 'what the team is billed for the period', $1
  WHERE EXISTS (SELECT FROM moved WHERE credits <> 0)
  RETURNING id, 0 AS chunk
), ${ENTER_TRUE_UPS}
SELECT (SELECT count(*) FROM moved WHERE credits <> 0)::integer AS periods`;

/**
 * Brings ended periods of budgets that count `billed` to their team's bill; how many were moved. Repeating it moves
 * nothing until the bill does.
 */
export function billPeriods(db: Database, at: EpochMs): Promise<number> {
  return db.transaction(async (tx) => {
    // Deltas and loading move the same periods: one of them at a time, so that none is counted twice.
    await tx.query("SELECT pg_advisory_xact_lock(hashtextextended('tollgate.deltas', 0))");
    const { rows } = await tx.query<{ periods: number }>(BILL, [new Date(at)]);
    return rows[0]?.periods ?? 0;
  });
}
