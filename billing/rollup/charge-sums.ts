/**
 * Sums of charges for panels: by hour and by day of shapes, users and estimates, and by the day in which statements ended,
 * kept up behind the sealed chain with the deltas that come later. They are a copy: dropped and built anew they are the same.
 */
import type { Database, Queryable } from '#base/postgres/pool.js';
import { type ChainRange, followChain } from '../seal/follow-chain.js';
import { RANGE, withinRange } from '../seal/range-of-chain.js';

const PANELS_FOLLOWER = 'panels';

/** Places of the chain that a rebuild reads at once: few enough to be joined by keys, as in following. */
const REBUILD_RANGE = 10_000;

/** Of a charge and its deltas. */
const AMOUNTS = ['statements', 'credits', 'money', 'delta_credits', 'delta_money'] as const;
const SHAPE_KEYS = 'grain, team_id, starts_at, fingerprint, currency, statement_class, ending';
const USER_KEYS =
  'grain, team_id, starts_at, principal_id, workload, tier, statement_class, currency';
const ERROR_KEYS = 'grain, team_id, starts_at, tier, basis, error_step';

const summed = (columns: readonly string[]): string =>
  columns.map((column) => `sum(${column})`).join(', ');
const added = (columns: readonly string[]): string =>
  columns.map((column) => `${column} = s.${column} + excluded.${column}`).join(', ');

// What a range of the chain adds, once by hour and once by day. A row of a charge is in the order of its keys, so that two
// writers would wait for each other and not for ever.
const ADD = `/* prepared: billing.add_charge_sums */
WITH ${RANGE}, change AS (
  SELECT c.ticket_id, 1 AS statements, c.credits, c.money, 0::numeric AS delta_credits, 0::numeric AS delta_money,
    c.credits AS most_credits
  FROM range JOIN charge c USING (journal_id) WHERE ${withinRange('c')}
  UNION ALL
  SELECT d.ticket_id, 0, 0, 0, d.delta_credits, d.delta_money, NULL
  FROM range JOIN charge_delta d USING (journal_id) WHERE ${withinRange('d')}
), added AS MATERIALIZED (
  SELECT a.*, c.account, c.occurred_at, c.ended_at, c.team_id, c.principal_id, c.tier, c.currency,
    coalesce(t.fingerprint, '') AS fingerprint, t.statement_shape, coalesce(t.statement_class, '') AS statement_class,
    coalesce(t.ending, '') AS ending, t.workload, t.warehouse_size, t.basis,
    CASE WHEN a.statements > 0 AND c.credits > 0 AND t.expected_credits > 0 THEN
      ceil(abs(ln((t.expected_credits / c.credits)::double precision)) * 50)::integer END AS error_step,
    c.credits <= t.high_credits AS is_covered
  FROM change a JOIN charge c ON c.ticket_id = a.ticket_id LEFT JOIN ticket t ON t.id = a.ticket_id
), grained AS (
  SELECT g.grain, date_trunc(g.grain, a.occurred_at, 'UTC') AS starts_at, a.*
  FROM added a CROSS JOIN (VALUES ('hour'), ('day')) AS g (grain)
), shapes AS (
  INSERT INTO charge_shape_sum AS s (${SHAPE_KEYS}, ${AMOUNTS.join(', ')}, most_credits, first_at, workload, warehouse_size)
  SELECT ${SHAPE_KEYS}, ${summed(AMOUNTS)}, max(most_credits), min(occurred_at), min(workload), min(warehouse_size)
  FROM grained GROUP BY ${SHAPE_KEYS} ORDER BY ${SHAPE_KEYS}
  ON CONFLICT (${SHAPE_KEYS}) DO UPDATE SET ${added(AMOUNTS)},
    most_credits = greatest(s.most_credits, excluded.most_credits), first_at = least(s.first_at, excluded.first_at),
    workload = least(s.workload, excluded.workload), warehouse_size = least(s.warehouse_size, excluded.warehouse_size)
), texts AS (
  INSERT INTO charge_shape_text AS s (team_id, fingerprint, statement_shape)
  SELECT team_id, fingerprint, min(statement_shape) FROM added WHERE statement_shape IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2
  ON CONFLICT (team_id, fingerprint) DO UPDATE SET statement_shape = excluded.statement_shape
    WHERE excluded.statement_shape < s.statement_shape
), users AS (
  INSERT INTO charge_user_sum AS s (${USER_KEYS}, ${AMOUNTS.join(', ')})
  SELECT grain, team_id, starts_at, principal_id, coalesce(workload, ''), tier, statement_class, currency, ${summed(AMOUNTS)}
  FROM grained GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 ORDER BY 1, 2, 3, 4, 5, 6, 7, 8
  ON CONFLICT (${USER_KEYS}) DO UPDATE SET ${added(AMOUNTS)}
), errors AS (
  INSERT INTO charge_error_sum AS s (${ERROR_KEYS}, statements, covered)
  SELECT ${ERROR_KEYS}, count(*), count(*) FILTER (WHERE is_covered)
  FROM grained WHERE error_step IS NOT NULL GROUP BY ${ERROR_KEYS} ORDER BY ${ERROR_KEYS}
  ON CONFLICT (${ERROR_KEYS}) DO UPDATE SET ${added(['statements', 'covered'])}
)
INSERT INTO charge_end_day AS s (account, day, statements, credits, delta_credits)
SELECT account, (ended_at AT TIME ZONE 'UTC')::date, sum(statements), sum(credits), sum(delta_credits)
FROM added GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (account, day) DO UPDATE SET ${added(['statements', 'credits', 'delta_credits'])}`;

const add = async (db: Queryable, { first, last }: ChainRange): Promise<void> => {
  await db.query(ADD, [first, last]);
};

/** Adds what was sealed since the last call; how many journals that were. Faults of Postgres propagate. */
export function sumCharges(db: Database): Promise<number> {
  return followChain(db, PANELS_FOLLOWER, add);
}

/**
 * Drops all sums and builds them anew from the charges, up to where the follower has read. Readers wait for nothing and see
 * the old ones meanwhile. Faults of Postgres propagate, and nothing is changed then.
 */
export async function rebuildChargeSums(db: Database): Promise<void> {
  await db.transaction(async (tx) => {
    const { rows } = await tx.query<{ read: string }>(
      'SELECT sequence AS read FROM ledger_follower WHERE name = $1 FOR UPDATE',
      [PANELS_FOLLOWER],
    );
    const read = Number(rows[0]?.read ?? 0);
    for (const table of [
      'charge_shape_sum',
      'charge_shape_text',
      'charge_user_sum',
      'charge_error_sum',
      'charge_end_day',
    ])
      await tx.query(`DELETE FROM ${table}`);
    await tx.query("SET LOCAL work_mem = '256MB'");
    for (let first = 1; first <= read; first += REBUILD_RANGE)
      await add(tx, { first, last: Math.min(read, first + REBUILD_RANGE - 1) });
  });
}
