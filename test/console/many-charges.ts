/** A ledger that has seen a month: settled tickets with their charges, written set-based, as of the last 28 days. */
import pg from 'pg';
import { SCHEMA } from '../../base/postgres/session.js';

/** Adds `count` settled statements of all teams of the demo. @param ownerUrl of a Postgres that Tollgate has migrated. */
export async function writeCharges(ownerUrl: string, count: number): Promise<void> {
  const owner = new pg.Client({ connectionString: ownerUrl });
  await owner.connect();
  try {
    await owner.query(`SET search_path = ${SCHEMA}`);
    // Foreign keys and triggers are not what is measured.
    await owner.query('SET session_replication_role = replica');
    await owner.query('SET synchronous_commit = off');
    await owner.query(WRITE, [count]);
    await owner.query('ANALYZE');
  } finally {
    await owner.end();
  }
}

const WRITE = `
WITH teams AS (
  SELECT array_agg(DISTINCT team_id ORDER BY team_id) AS ids FROM principal
), made AS (
  SELECT n, gen_random_uuid() AS id, (SELECT ids[1 + n % cardinality(ids)] FROM teams) AS team,
    now() - ($1 - n) * (interval '28 days' / $1) AS at, (n % 9973) * 0.000001 + 0.0001 AS credits
  FROM generate_series(1, $1::bigint) AS n
), tickets AS (
  INSERT INTO ticket (id, state, account, session_id, request_id, request_hash, principal_id, team_id, snowflake_user, tier,
    warehouse, warehouse_size, statement_class, fingerprint, statement_shape, basis, low_credits, expected_credits,
    high_credits, expected_seconds, price_per_credit, currency, control_version, replica, hold_credits, occurred_at,
    sent_at, started_at, ended_at, ending, snowflake_query_id)
  SELECT id, 'SETTLED', 'demo', 's', 'r' || n, 'h', team || '_analyst', team, 'U', 'standard', 'STANDARD_WH', 'Medium',
    'query', 'f' || n % 500, 'SELECT C' || n % 500 || ' FROM T WHERE D = ?', 'HISTORY', credits / 2, credits * 1.1,
    credits * 1.5, 2, 3, 'USD', 1, 'r', credits * 1.5, at, at, at, at + interval '2 seconds', 'succeeded', 'q' || n
  FROM made
)
INSERT INTO charge (ticket_id, journal_id, account, team_id, principal_id, tier, warehouse, snowflake_query_id,
  occurred_at, ended_at, credits, money, currency, price_per_credit, warehouse_ms)
SELECT id, -n, 'demo', team, team || '_analyst', 'standard', 'STANDARD_WH', 'q' || n, at, at + interval '2 seconds', credits,
  credits * 3, 'USD', 3, 2000
FROM made`;
