/** Statements that an administrator wants ended: asked for once, taken by the replica that has them. No money moves here. */
import type { TicketId } from '#base/ids.js';
import type { Queryable, Transaction } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import type { TicketState } from './ledger.js';
import { ledgerCall } from './postgres/availability.js';
import { storable } from './postgres/ticket-row.js';

/** Notified when a statement is to be ended. */
export const KILLS_CHANNEL = 'tollgate_kills';

export interface KillAsked {
  readonly ticketId: TicketId;
  readonly askedBy: string;
  readonly reason: string;
  readonly at: EpochMs;
}

export type KillOutcome =
  /** The replica that has it is told; `isReplayed`: somebody had asked before. */
  | { readonly kind: 'asked'; readonly isReplayed: boolean }
  /** It does not wait or run on any replica. */
  | { readonly kind: 'over'; readonly state: TicketState };

const STATE = 'SELECT state FROM ticket WHERE id = $1 FOR NO KEY UPDATE';
const ASK = `INSERT INTO kill_request (ticket_id, asked_by, reason, asked_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (ticket_id) DO NOTHING`;

const OPEN = `/* prepared: billing.kills_asked */
SELECT k.ticket_id, k.asked_by, k.reason FROM kill_request k JOIN ticket t ON t.id = k.ticket_id
WHERE k.taken_at IS NULL AND t.replica = $1 AND t.state IN ('RESERVED', 'SENT', 'RUNNING')
LIMIT 1000`;

const TAKEN = `/* prepared: billing.kill_taken */
UPDATE kill_request SET taken_at = now() WHERE ticket_id = $1`;

/** Asks for the end of a statement; undefined: there is no such ticket. */
export async function askKill(tx: Transaction, asked: KillAsked): Promise<KillOutcome | undefined> {
  const { rows } = await tx.query<{ state: TicketState }>(STATE, [asked.ticketId]);
  const state = rows[0]?.state;
  if (state === undefined) return undefined;
  if (state !== 'RESERVED' && state !== 'SENT' && state !== 'RUNNING')
    return { kind: 'over', state };
  const { rowCount } = await tx.query(ASK, [
    asked.ticketId,
    storable(asked.askedBy),
    storable(asked.reason),
    new Date(asked.at),
  ]);
  await tx.query('SELECT pg_notify($1, $2)', [KILLS_CHANNEL, '']);
  return { kind: 'asked', isReplayed: rowCount === 0 };
}

/** What is asked for of statements that `replica` has. Fault `ledgerUnavailable`. */
export function killsAsked(
  db: Queryable,
  replica: string,
): Promise<readonly Omit<KillAsked, 'at'>[]> {
  return ledgerCall(async () => {
    const { rows } = await db.query<{ ticket_id: TicketId; asked_by: string; reason: string }>(
      OPEN,
      [replica],
    );
    return rows.map(({ ticket_id: ticketId, asked_by: askedBy, reason }) => ({
      ticketId,
      askedBy,
      reason,
    }));
  });
}

/** The statement is being ended. Fault `ledgerUnavailable`. */
export function killTaken(db: Queryable, ticketId: TicketId): Promise<void> {
  return ledgerCall(async () => {
    await db.query(TAKEN, [ticketId]);
  });
}
