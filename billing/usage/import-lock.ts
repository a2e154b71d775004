/** What writes usage of one account takes turns, imports and what allocates them: else they would wait for rows of each other. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Transaction } from '#base/postgres/pool.js';

const IMPORT_LOCK = 8_150_418;
const ASK_AGAIN_MS = 200;

/**
 * Waits for the turn; it ends with the transaction. It is asked for again and again and not waited for in Postgres: the import
 * of a large file takes longer than any statement may, and one that is cut off looks like an outage.
 */
export async function lockUsage(tx: Transaction, account: string): Promise<void> {
  for (;;) {
    const { rows } = await tx.query<{ locked: boolean }>(
      'SELECT pg_try_advisory_xact_lock($1::integer, hashtext($2)) AS locked',
      [IMPORT_LOCK, account],
    );
    if (rows[0]?.locked === true) return;
    await sleep(ASK_AGAIN_MS);
  }
}
