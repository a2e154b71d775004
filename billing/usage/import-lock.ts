/** Imports of one account take turns: two that write the same rows in another order would wait for each other. */
import type { Transaction } from '#base/postgres/pool.js';

const IMPORT_LOCK = 8_150_418;

/** Waits for the turn; it ends with the transaction. */
export async function lockUsage(tx: Transaction, account: string): Promise<void> {
  await tx.query('SELECT pg_advisory_xact_lock($1::integer, hashtext($2))', [IMPORT_LOCK, account]);
}
