/**
 * What follows a charge once it is sealed: budgets that count `billed` are moved by the loading of its warehouse, and a
 * charge that comes after its hours were allocated makes them stale: they took its statement for a stranger's.
 */
import type { Database, Transaction } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { type ChainRange, followChain } from '../seal/follow-chain.js';
import { RANGE, withinRange } from '../seal/range-of-chain.js';
import { ENTER_TRUE_UPS } from './post-deltas.js';

const TRUE_UP_FOLLOWER = 'true-up';

/** How many days before a day its loading is taken from. */
const LOADING_DAYS = 28;

/** Follows the chain; how many journals were read. `at`: when the journals of it occur, in business time. */
export function followCharges(db: Database, at: EpochMs): Promise<number> {
  return followChain(db, TRUE_UP_FOLLOWER, async (tx: Transaction, { first, last }: ChainRange) => {
    await tx.query(WRITE_LOADINGS, [first, last]);
    await tx.query(LOAD, [first, last, new Date(at)]);
    await tx.query(MAKE_STALE, [first, last]);
  });
}

const SEALED = `
${RANGE}, sealed AS MATERIALIZED (
  SELECT c.ticket_id, c.account, c.warehouse, c.snowflake_query_id, c.credits, (c.occurred_at AT TIME ZONE 'UTC')::date AS day
  FROM range JOIN charge c USING (journal_id) WHERE ${withinRange('c')}
)`;

// What was metered for one credit that ran, whoever ran it: idle time is not the fault of those who came through Tollgate
// alone. Days without usage are told too, as 1, so that what was posted by a day is taken back by the same.
const WRITE_LOADINGS = `/* prepared: billing.write_loadings */
WITH ${SEALED}, wanted AS (
  SELECT DISTINCT s.account, s.warehouse, s.day FROM sealed s
  WHERE s.warehouse IS NOT NULL AND EXISTS (SELECT FROM budget WHERE counts = 'billed')
    AND NOT EXISTS (SELECT FROM warehouse_loading l WHERE (l.account, l.warehouse, l.day) = (s.account, s.warehouse, s.day))
)
INSERT INTO warehouse_loading (account, warehouse, day, metered_credits, run_credits, loading)
SELECT w.account, w.warehouse, w.day, coalesce(u.metered, 0), coalesce(u.run, 0),
  CASE WHEN u.run > 0 AND u.metered > 0 THEN greatest(round_half_even(u.metered / u.run), 0.000000000001) ELSE 1 END
FROM wanted w LEFT JOIN LATERAL (
  SELECT sum(h.metered_credits) AS metered, sum((
    SELECT sum(t.credits) FROM allocation_team_hour t
    WHERE (t.account, t.warehouse_id, t.starts_at) = (h.account, h.warehouse_id, h.starts_at))) AS run
  FROM usage_warehouse_hour h
  WHERE h.account = w.account AND h.warehouse = w.warehouse AND h.allocated_at IS NOT NULL AND NOT h.is_stale
    AND h.starts_at >= (w.day - ${LOADING_DAYS})::timestamp AT TIME ZONE 'UTC' AND h.starts_at < w.day::timestamp AT TIME ZONE 'UTC'
) u ON true
ON CONFLICT (account, warehouse, day) DO NOTHING`;

const LOAD = `/* prepared: billing.load_charges */
WITH ${SEALED}, moved AS MATERIALIZED (
  SELECT 0 AS chunk, h.budget_period_id, 'loading' AS line, sum(round_half_even(s.credits * (w.loading - 1))) AS credits
  FROM sealed s JOIN warehouse_loading w ON (w.account, w.warehouse, w.day) = (s.account, s.warehouse, s.day)
  JOIN hold h USING (ticket_id) JOIN budget_period p ON p.id = h.budget_period_id
  JOIN budget b ON b.id = p.budget_id AND b.counts = 'billed'
  GROUP BY h.budget_period_id
), journalled AS (
  INSERT INTO journal (kind, key, author, reason, occurred_at)
  SELECT 'adjustment', 'loading:' || $1::bigint || '-' || $2::bigint, 'tollgate', 'the loading of warehouses', $3
  WHERE EXISTS (SELECT FROM moved WHERE credits <> 0)
  RETURNING id, 0 AS chunk
), ${ENTER_TRUE_UPS}
SELECT count(*) FROM journalled`;

const MAKE_STALE = `/* prepared: billing.stale_hours_of_charges */
WITH ${SEALED}, late AS (
  SELECT s.account, s.snowflake_query_id AS query_id FROM sealed s WHERE s.snowflake_query_id IS NOT NULL
  UNION ALL
  SELECT p.account, p.snowflake_query_id FROM sealed s JOIN charge_part p USING (ticket_id)
), near AS (
  SELECT account, query_id FROM late
  UNION
  SELECT q.account, q.query_id FROM late l JOIN usage_query q ON q.account = l.account AND q.root_query_id = l.query_id
  UNION
  SELECT q.account, q.query_id FROM sealed s JOIN ticket t ON t.id = s.ticket_id
  JOIN usage_query q ON q.account = t.account AND q.root_query_id = t.snowflake_query_id
)
UPDATE usage_warehouse_hour h SET is_stale = true
FROM near l JOIN usage_query q USING (account, query_id)
WHERE h.account = q.account AND h.warehouse_id = q.warehouse_id AND h.allocated_at IS NOT NULL AND NOT h.is_stale
  AND h.starts_at > q.executed_at - interval '1 hour' AND h.starts_at <= q.ended_at
  AND EXISTS (
    SELECT FROM allocation_line a
    WHERE (a.account, a.warehouse_id, a.starts_at) = (h.account, h.warehouse_id, h.starts_at)
      AND a.query_id = q.query_id AND a.ticket_id IS NULL)`;
