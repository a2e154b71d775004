/**
 * Followers of the chain: work that is done once for every sealed journal, in order, and never for one that might still
 * be missing. A follower moves its place in the transaction that does the work.
 */
import type { Database, Transaction } from '#base/postgres/pool.js';

/** Journals of the chain, both ends included, by sequence. */
export interface ChainRange {
  readonly first: number;
  readonly last: number;
}

const RANGE_MAX = 10_000;
const RANGES_MAX = 50;

/**
 * Does `work` for what was sealed since the last call, in ranges; how many journals that were. Others that follow under
 * the same name wait.
 */
export async function followChain(
  db: Database,
  name: string,
  work: (tx: Transaction, range: ChainRange) => Promise<void>,
): Promise<number> {
  let followed = 0;
  for (let turn = 0; turn < RANGES_MAX; turn += 1) {
    const count = await db.transaction((tx) => followOnce(tx, name, work));
    followed += count;
    if (count < RANGE_MAX) break;
  }
  return followed;
}

async function followOnce(
  tx: Transaction,
  name: string,
  work: (tx: Transaction, range: ChainRange) => Promise<void>,
): Promise<number> {
  const range = await nextRange(tx, name);
  if (range === undefined) return 0;
  await work(tx, range);
  await tx.query('UPDATE ledger_follower SET sequence = $2 WHERE name = $1', [name, range.last]);
  return range.last - range.first + 1;
}

async function nextRange(tx: Transaction, name: string): Promise<ChainRange | undefined> {
  const ahead = await tx.query<{ ahead: boolean }>(
    `SELECT coalesce((SELECT max(last_sequence) FROM ledger_seal_batch), 0)
       > coalesce((SELECT sequence FROM ledger_follower WHERE name = $1), 0) AS ahead`,
    [name],
  );
  if (ahead.rows[0]?.ahead !== true) return undefined;
  await tx.query(
    'INSERT INTO ledger_follower (name, sequence) VALUES ($1, 0) ON CONFLICT (name) DO NOTHING',
    [name],
  );
  const { rows } = await tx.query<{ read: string; head: string }>(
    `SELECT f.sequence AS read, (SELECT coalesce(max(last_sequence), 0) FROM ledger_seal_batch) AS head
     FROM ledger_follower f WHERE f.name = $1 FOR UPDATE OF f`,
    [name],
  );
  const [read, head] = [Number(rows[0]?.read ?? 0), Number(rows[0]?.head ?? 0)];
  return head <= read ? undefined : { first: read + 1, last: Math.min(head, read + RANGE_MAX) };
}
