/**
 * Hours of charges: what every team was charged by hour, warehouse, tier and stage, kept up behind the sealed chain, so that
 * a month is read from hundreds of rows and not from millions. They are a copy: dropped and built anew they are the same.
 */
import type { Database, Transaction } from '#base/postgres/pool.js';
import { type ChainRange, followChain } from '../seal/follow-chain.js';
import { RANGE, withinRange } from '../seal/range-of-chain.js';

const HOURS_FOLLOWER = 'hours';

const KEYS = 'hour_at, team_id, warehouse, tier, currency, stage';

type Narrow = (row: 'c' | 'd') => string;

/** What the journals of `range` add; `narrow` says more of their charges and deltas. */
const ADDED = (narrow: Narrow): string => `
  SELECT date_trunc('hour', c.occurred_at, 'UTC') AS hour_at, c.team_id, coalesce(c.warehouse, '') AS warehouse, c.tier, c.currency,
    'provisional' AS stage, 1 AS statements, c.credits, c.money, c.warehouse_ms
  FROM range s JOIN charge c ON c.journal_id = s.journal_id WHERE ${narrow('c')}
  UNION ALL
  SELECT date_trunc('hour', c.occurred_at, 'UTC'), c.team_id, coalesce(c.warehouse, ''), c.tier, c.currency, d.stage, 0,
    d.delta_credits, d.delta_money, 0
  FROM range s JOIN charge_delta d ON d.journal_id = s.journal_id JOIN charge c ON c.ticket_id = d.ticket_id
  WHERE ${narrow('d')}`;

const INSERT = (narrow: Narrow): string => `
INSERT INTO charge_hour AS h (${KEYS}, statements, credits, money, warehouse_ms)
SELECT ${KEYS}, sum(statements), sum(credits), sum(money), sum(warehouse_ms)
FROM (${ADDED(narrow)}) AS added GROUP BY ${KEYS}`;

const ADD = `/* prepared: billing.add_charge_hours */
WITH ${RANGE}
${INSERT(withinRange)}
ORDER BY ${KEYS}
ON CONFLICT (team_id, hour_at, warehouse, tier, currency, stage) DO UPDATE SET statements = h.statements + excluded.statements,
  credits = h.credits + excluded.credits, money = h.money + excluded.money, warehouse_ms = h.warehouse_ms + excluded.warehouse_ms`;

/** Adds what was sealed since the last call; how many journals that were. */
export function rollUpHours(db: Database): Promise<number> {
  return followChain(db, HOURS_FOLLOWER, async (tx: Transaction, { first, last }: ChainRange) => {
    await tx.query(ADD, [first, last]);
  });
}

const REBUILD = `
WITH range AS (
  SELECT journal_id FROM ledger_seal WHERE sequence <= (SELECT sequence FROM ledger_follower WHERE name = '${HOURS_FOLLOWER}')
)
${INSERT(() => 'true')}`;

/** Drops all hours and builds them anew from the charges, up to where the follower has read. Readers wait for nothing. */
export async function rebuildHours(db: Database): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.query('SELECT FROM ledger_follower WHERE name = $1 FOR UPDATE', [HOURS_FOLLOWER]);
    // All hours of a month are summed at once: with less memory every charge would go through a temporary file.
    await tx.query("SET LOCAL work_mem = '256MB'");
    await tx.query('DELETE FROM charge_hour');
    await tx.query(REBUILD);
  });
}
