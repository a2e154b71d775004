/** Work of a deployment that one process at a time does. */
import type { Database } from './pool.js';

/**
 * Runs `work` if no other process of the deployment is at it. The lock is that of a transaction that is idle meanwhile,
 * so that a process that dies gives it back; a time-out of the server for such transactions would take it away in the
 * middle of the work.
 * @param lock key of the advisory lock.
 * @returns false: somebody else has it, and nothing was done.
 * @throws what `work` throws, and what the driver does.
 */
export function alone(db: Database, lock: number, work: () => Promise<void>): Promise<boolean> {
  return db.transaction(async (tx) => {
    const { rows } = await tx.query<{ locked: boolean }>(
      `SELECT pg_try_advisory_xact_lock($1) AS locked, set_config('idle_in_transaction_session_timeout', '0', true)`,
      [lock],
    );
    if (rows[0]?.locked !== true) return false;
    await work();
    return true;
  });
}
