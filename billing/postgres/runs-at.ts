import { Fault } from '#base/errors.js';
import type { TicketId } from '#base/ids.js';
import type { Database } from '#base/postgres/pool.js';
import { formatInstant, type EpochMs } from '#base/time.js';

/** Writes when the statement of a ticket runs that waits for the off-peak hours. Fault `ledgerUnavailable`. */
export async function writeRunsAt(db: Database, ticketId: TicketId, at: EpochMs): Promise<void> {
  try {
    await db.query('UPDATE ticket SET runs_at = $2 WHERE id = $1', [ticketId, formatInstant(at)]);
  } catch (cause) {
    throw new Fault('ledgerUnavailable', 'when a statement runs is kept in Postgres', { cause });
  }
}
