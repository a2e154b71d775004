/** Follows what still moves in closed periods: what was carried out of them is corrected by further entries. */
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';

/** How long after its end a period's carried credits are looked after, in days: in doubt, a statement ends late. */
const LOOK_BACK = '40 days';
const OUTSTANDING = `/* prepared: billing.carried_outstanding */
SELECT p.id FROM budget_period p JOIN budget_period e ON e.id = p.carried_from
WHERE p.ends_at > $1::timestamptz - interval '${LOOK_BACK}'
  AND p.carried_credits <> credits_to_carry(e, p.carry_percent, p.carry_max_credits, p.carry_debt)
ORDER BY p.id LIMIT 1000`;

// The earlier period is locked first: it was opened first, and locks go by id. Its amounts are read once it is locked.
const CORRECT = `/* prepared: billing.correct_carried */
WITH earlier AS MATERIALIZED (
  SELECT e FROM budget_period p JOIN budget_period e ON e.id = p.carried_from WHERE p.id = $1 FOR SHARE OF e
), p AS MATERIALIZED (
  SELECT p.id, credits_to_carry(x.e, p.carry_percent, p.carry_max_credits, p.carry_debt) - p.carried_credits AS added
  FROM earlier x, budget_period p
  WHERE p.id = $1 FOR NO KEY UPDATE OF p
), journalled AS (
  INSERT INTO journal (kind, key, author, reason, occurred_at)
  SELECT 'carry', 'carry:' || id || ':' || gen_random_uuid(), 'tollgate', 'the period before was settled further', $2
  FROM p WHERE added <> 0
  RETURNING id
), moved AS (
  UPDATE budget_period b SET carried_credits = b.carried_credits + p.added FROM p WHERE b.id = p.id AND p.added <> 0
)
INSERT INTO entry (journal_id, ordinal, budget_period_id, account, credits)
SELECT j.id, x.ordinal, p.id, x.account, x.sign * p.added
FROM journalled j, p, (VALUES (1, 'limit', -1), (2, 'available', 1)) AS x (ordinal, account, sign)`;

/**
 * Brings what one period was given to what its predecessor has left by now.
 * @returns whether anything was corrected.
 */
export async function correctCarriedOf(
  db: Queryable,
  periodId: string,
  at: EpochMs,
): Promise<boolean> {
  const { rowCount } = await db.query(CORRECT, [periodId, new Date(at)]);
  return (rowCount ?? 0) > 0;
}

/** A correction moves the next period on: so many in a row are followed at once, the rest at the next call. */
const ROUNDS_MAX = 100;

/**
 * Brings the carried credits of every period to what its predecessor has left by now. Any number of replicas may do it
 * at once; repeating it changes nothing.
 * @returns how many corrections were written.
 */
export async function correctCarried(db: Queryable, at: EpochMs): Promise<number> {
  let corrected = 0;
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const { rows } = await db.query<{ id: string }>(OUTSTANDING, [new Date(at)]);
    if (rows.length === 0) break;
    for (const { id } of rows) if (await correctCarriedOf(db, id, at)) corrected += 1;
  }
  return corrected;
}
