/**
 * From provisional to metered: when every hour of a statement is allocated, its charge is followed by what it really
 * took, as a delta to the figure before. Deltas are rows of the ledger, never edits, and move the budgets that the
 * statement was held against, in the periods that admitted it.
 */
import type { Database, Transaction } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';

export interface DeltasPosted {
  /** Warehouse-hours that were looked at. */
  readonly hours: number;
  readonly deltas: number;
}

const HOURS_AT_ONCE = 24;
const TURNS_MAX = 200;

/**
 * Posts a delta for every charge whose figure has changed by allocations since the last call. Once a change, whoever
 * calls and however often.
 * @param at when the journals of it occur, in business time.
 */
export async function postDeltas(db: Database, at: EpochMs): Promise<DeltasPosted> {
  let hours = 0;
  let deltas = 0;
  for (let turn = 0; turn < TURNS_MAX; turn += 1) {
    const posted = await db.transaction((tx) => postOnce(tx, at));
    hours += posted.hours;
    deltas += posted.deltas;
    if (posted.hours < HOURS_AT_ONCE) break;
  }
  return { hours, deltas };
}

async function postOnce(tx: Transaction, at: EpochMs): Promise<DeltasPosted> {
  await tx.query("SELECT pg_advisory_xact_lock(hashtextextended('tollgate.deltas', 0))");
  const { rows } = await tx.query<{ hours: number; deltas: number }>(POST, [
    new Date(at),
    HOURS_AT_ONCE,
  ]);
  return rows[0] ?? { hours: 0, deltas: 0 };
}

/** Statements of one journal. */
const DELTAS_A_JOURNAL = 1_000;

// Hours that were allocated anew bring their statements up, whether those still have lines in them or not. A statement
// counts when each of its queries is known and each hour of each is allocated by its newest. One that only contains others,
// such as a procedure, is what those take; which are its own is told with Snowflake's figures, so it waits for these. One
// that its hours took for a stranger's waits until they are allocated anew.
const CHANGED = `
due AS MATERIALIZED (
  SELECT h.account, h.warehouse_id, h.starts_at, h.allocated_at
  FROM usage_warehouse_hour h LEFT JOIN charge_delta_hour m USING (account, warehouse_id, starts_at)
  WHERE h.allocated_at IS NOT NULL AND NOT h.is_stale AND m.allocated_at IS DISTINCT FROM h.allocated_at
  ORDER BY h.starts_at, h.account, h.warehouse_id LIMIT $2
), near AS MATERIALIZED (
  SELECT DISTINCT q.account, x.query_id
  FROM due d JOIN usage_query q ON q.account = d.account AND q.warehouse_id = d.warehouse_id
    AND q.ended_at >= d.starts_at AND q.ended_at < d.starts_at + interval '8 days'
    AND q.executed_at < d.starts_at + interval '1 hour',
    LATERAL (VALUES (q.query_id), (q.root_query_id)) AS x (query_id)
  WHERE x.query_id IS NOT NULL
), touched AS MATERIALIZED (
  SELECT k.ticket_id FROM near n JOIN charge_query k ON k.account = n.account AND k.snowflake_query_id = n.query_id
  UNION
  SELECT p.ticket_id FROM near n JOIN charge_part p ON p.account = n.account AND p.snowflake_query_id = n.query_id
  UNION
  -- The parent of a multi-statement has no charge of its own, and may be the root of what its parts ran.
  SELECT c.ticket_id FROM near n JOIN ticket_query t ON t.account = n.account AND t.snowflake_query_id = n.query_id
  JOIN charge c USING (ticket_id)
), own AS MATERIALIZED (
  SELECT c.ticket_id, c.account, c.snowflake_query_id FROM touched JOIN charge c USING (ticket_id)
  WHERE c.snowflake_query_id IS NOT NULL
  UNION ALL
  SELECT p.ticket_id, p.account, p.snowflake_query_id FROM touched JOIN charge_part p USING (ticket_id)
), part AS MATERIALIZED (
  SELECT * FROM own
  UNION
  SELECT o.ticket_id, q.account, q.query_id FROM own o
  JOIN usage_query q ON q.account = o.account AND q.root_query_id = o.snowflake_query_id
  UNION
  SELECT t.id, q.account, q.query_id FROM touched JOIN ticket t ON t.id = touched.ticket_id
  JOIN usage_query q ON q.account = t.account AND q.root_query_id = t.snowflake_query_id
), ran AS MATERIALIZED (
  SELECT p.ticket_id, p.account, q.query_id, q.warehouse_id, coalesce(q.is_container, false) AS is_container, s.starts_at
  FROM part p LEFT JOIN usage_query q ON q.account = p.account AND q.query_id = p.snowflake_query_id
  LEFT JOIN LATERAL generate_series(date_trunc('hour', q.executed_at, 'UTC'),
    greatest(q.executed_at, q.ended_at - interval '1 microsecond'), interval '1 hour') AS s (starts_at) ON true
), complete AS MATERIALIZED (
  SELECT r.ticket_id, bool_and(h.method = 'attributed') AS is_attributed
  FROM ran r LEFT JOIN usage_warehouse_hour h USING (account, warehouse_id, starts_at)
  GROUP BY r.ticket_id
  HAVING bool_and(r.query_id IS NOT NULL AND h.allocated_at IS NOT NULL AND NOT h.is_stale
    AND (NOT r.is_container OR h.method IN ('attributed', 'perQuery')))
), figure AS MATERIALIZED (
  SELECT r.ticket_id, sum(l.credits) AS credits, bool_or(l.ticket_id IS NULL) AS is_strange
  FROM ran r JOIN complete USING (ticket_id)
  JOIN allocation_line l USING (account, warehouse_id, starts_at, query_id)
  WHERE l.bucket IN ('direct', 'bypass')
  GROUP BY r.ticket_id
), changed AS MATERIALIZED (
  SELECT c.ticket_id, c.account, c.warehouse, c.occurred_at, c.price_per_credit, c.final_credits AS previous_credits,
    c.final_money AS previous_money, coalesce(f.credits, 0) AS credits,
    CASE WHEN t.is_attributed THEN 'attributed' ELSE 'metered' END AS stage,
    (row_number() OVER (ORDER BY c.ticket_id) - 1) / ${DELTAS_A_JOURNAL} AS chunk
  FROM complete t JOIN charge_final c USING (ticket_id) LEFT JOIN figure f USING (ticket_id)
  WHERE coalesce(f.credits, 0) <> c.final_credits AND f.is_strange IS NOT true
)`;

/**
 * Enters true-ups as `moved (chunk, budget_period_id, line, credits)` under `journalled (id, chunk)`: the periods are
 * locked in the order of their ids, as every move of the ledger does.
 */
export const ENTER_TRUE_UPS = `
summed AS MATERIALIZED (
  SELECT chunk, budget_period_id, sum(credits) AS credits FROM moved GROUP BY chunk, budget_period_id
), locked AS MATERIALIZED (
  SELECT p.id FROM (SELECT DISTINCT budget_period_id FROM summed) w JOIN budget_period p ON p.id = w.budget_period_id
  ORDER BY p.id FOR NO KEY UPDATE OF p
), moved_periods AS (
  UPDATE budget_period p SET spent_credits = p.spent_credits + s.credits,
    trued_up_credits = p.trued_up_credits + greatest(s.credits, 0), metered_credits = p.metered_credits + s.metered,
    loading_credits = p.loading_credits + s.loading, billed_credits = p.billed_credits + s.billed
  FROM locked l JOIN (
    SELECT budget_period_id, sum(credits) AS credits, coalesce(sum(credits) FILTER (WHERE line = 'metered'), 0) AS metered,
      coalesce(sum(credits) FILTER (WHERE line = 'loading'), 0) AS loading,
      coalesce(sum(credits) FILTER (WHERE line = 'billed'), 0) AS billed
    FROM moved GROUP BY budget_period_id
  ) s ON s.budget_period_id = l.id
  WHERE p.id = l.id
), entered AS (
  INSERT INTO entry (journal_id, ordinal, budget_period_id, account, credits)
  SELECT j.id, row_number() OVER (PARTITION BY j.id ORDER BY s.budget_period_id, x.account DESC), s.budget_period_id, x.account,
    x.credits
  FROM summed s JOIN journalled j USING (chunk), LATERAL (VALUES ('spent', s.credits), ('available', -s.credits)) AS x (account, credits)
  WHERE x.credits <> 0
), told AS (
  INSERT INTO budget_true_up (journal_id, budget_period_id, line, credits)
  SELECT j.id, m.budget_period_id, m.line, m.credits FROM moved m JOIN journalled j USING (chunk) WHERE m.credits <> 0
)`;

const POST = `/* prepared: billing.post_deltas */
WITH ${CHANGED}, journalled AS (
  INSERT INTO journal (kind, key, author, reason, occurred_at)
  SELECT 'adjustment', 'delta:' || gen_random_uuid() || ':' || chunk, 'tollgate', 'what was metered of statements', $1
  FROM changed GROUP BY chunk
  RETURNING id, substring(key FROM '[0-9]+$')::bigint AS chunk
), posted AS (
  INSERT INTO charge_delta (ticket_id, ordinal, journal_id, stage, previous_credits, credits, delta_credits, previous_money,
    money, delta_money, price_per_credit)
  SELECT c.ticket_id, (SELECT count(*) + 1 FROM charge_delta d WHERE d.ticket_id = c.ticket_id), j.id, c.stage,
    c.previous_credits, c.credits, c.credits - c.previous_credits, c.previous_money, m.money, m.money - c.previous_money,
    c.price_per_credit
  FROM changed c JOIN journalled j USING (chunk),
    LATERAL (SELECT round_half_even(c.credits * c.price_per_credit) AS money) m
  RETURNING 1
), held AS (
  SELECT c.chunk, h.budget_period_id, c.credits - c.previous_credits AS credits,
    CASE WHEN b.counts = 'billed' THEN coalesce(w.loading, 1) ELSE 1 END AS loading
  FROM changed c JOIN hold h USING (ticket_id) JOIN budget_period p ON p.id = h.budget_period_id
  JOIN budget b ON b.id = p.budget_id
  LEFT JOIN warehouse_loading w ON w.account = c.account AND w.warehouse = c.warehouse
    AND w.day = (c.occurred_at AT TIME ZONE 'UTC')::date
), moved AS MATERIALIZED (
  SELECT chunk, budget_period_id, 'metered' AS line, sum(credits) AS credits FROM held GROUP BY 1, 2
  UNION ALL
  SELECT chunk, budget_period_id, 'loading', sum(round_half_even(credits * (loading - 1))) FROM held GROUP BY 1, 2
), ${ENTER_TRUE_UPS}, marked AS (
  INSERT INTO charge_delta_hour AS m (account, warehouse_id, starts_at, allocated_at)
  SELECT account, warehouse_id, starts_at, allocated_at FROM due
  ON CONFLICT (account, warehouse_id, starts_at) DO UPDATE SET allocated_at = excluded.allocated_at
)
SELECT (SELECT count(*) FROM due)::integer AS hours, (SELECT count(*) FROM posted)::integer AS deltas`;
