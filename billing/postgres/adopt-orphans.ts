/** Takes over the open tickets of replicas that are gone. */
import type { TicketId } from '#base/ids.js';
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import type { OpenTicket } from '../ledger.js';
import { openTickets } from './open-tickets.js';
import { releaseBatch, unsentRelease } from './release.js';

const DOUBT = `/* prepared: billing.adopt_sent */
UPDATE ticket t SET state = 'IN_DOUBT' FROM open_ticket o
WHERE t.id = o.ticket_id AND t.state IN ('SENT', 'RUNNING') AND t.replica <> ALL($1::text[])`;

const UNSENT = `/* prepared: billing.orphans_unsent */
SELECT t.id FROM open_ticket o JOIN ticket t ON t.id = o.ticket_id
WHERE t.state = 'RESERVED' AND t.replica <> ALL($1::text[]) ORDER BY t.id`;

/** Tickets given back in one transaction. */
const BATCH = 256;

/**
 * SENT and RUNNING tickets of other replicas become IN_DOUBT; RESERVED ones are void, because a ticket is marked
 * SENT before its first byte goes upstream. A replica that was wrongly given up finds its tickets void and sends nothing.
 * @returns every ticket in doubt, also those adopted earlier.
 */
export async function adoptOrphans(
  db: Queryable,
  liveReplicas: readonly string[],
  at: EpochMs,
): Promise<readonly OpenTicket[]> {
  await db.query(DOUBT, [liveReplicas]);
  const { rows: unsent } = await db.query<{ id: TicketId }>(UNSENT, [liveReplicas]);
  const reason = { kind: 'failed', reason: 'its replica ended before it was sent' } as const;
  for (let first = 0; first < unsent.length; first += BATCH) {
    const batch = unsent.slice(first, first + BATCH);
    await releaseBatch(
      db,
      batch.map(({ id }) => unsentRelease(id, reason)),
      at,
    );
  }
  return openTickets(db, 'IN_DOUBT');
}
