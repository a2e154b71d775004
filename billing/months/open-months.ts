/** The months by which charges and their deltas are kept: who opens them, and whether anything stands in none. */
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';

const OPEN = `/* prepared: billing.open_months */
SELECT open_months($1, $2) AS made`;

/**
 * Opens the month in which `at` is and the `ahead` ones after it, for every table that is kept by months; what was
 * written of them before comes home. Any number of processes may call it at once, and settling goes on meanwhile.
 * @returns how many partitions were made; 0 when all are there.
 * @throws what Postgres says: 55P03 when somebody reads the tables for longer than two seconds (call it again), 22023
 *   when `ahead` is not between 0 and 24 or `at` is years after the last month (a clock is wrong).
 */
export async function openMonths(
  db: Queryable,
  { at, ahead }: { readonly at: EpochMs; readonly ahead: number },
): Promise<number> {
  const { rows } = await db.query<{ made: number }>(OPEN, [new Date(at), ahead]);
  return rows[0]?.made ?? 0;
}

const ANALYSE = `/* prepared: billing.analyse_months */
SELECT analyse_months()`;

/** Makes the statistics of the tables as wholes, by which joins are planned. Faults of Postgres propagate. */
export async function analyseMonths(db: Queryable): Promise<void> {
  await db.query(ANALYSE);
}

const OUTSIDE = `/* prepared: billing.charges_outside_months */
SELECT count(*)::float8 AS rows FROM (SELECT FROM invariant_months LIMIT $1) AS found`;

/** Charges and deltas that stand in no month, counted up to `limit`. Faults of Postgres propagate. */
export async function countOutsideMonths(db: Queryable, limit: number): Promise<number> {
  const { rows } = await db.query<{ rows: number }>(OUTSIDE, [limit]);
  return rows[0]?.rows ?? 0;
}
