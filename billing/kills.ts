/**
 * Statements that an administrator wants ended: asked for once, taken by the replica that has them, or by whoever looks
 * after those in doubt. No money moves here.
 */
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
  /**
   * Whoever has it is told; `isReplayed`: somebody had asked before. `isInDoubt`: no replica has it, so that it is
   * cancelled once evidence shows that it runs, and needs no cancel when it shows that it does not.
   */
  | { readonly kind: 'asked'; readonly isReplayed: boolean; readonly isInDoubt: boolean }
  /** It has ended. */
  | { readonly kind: 'over'; readonly state: TicketState };

const STATE = 'SELECT state FROM ticket WHERE id = $1 FOR NO KEY UPDATE';
const ASK = `INSERT INTO kill_request (ticket_id, asked_by, reason, asked_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (ticket_id) DO NOTHING`;

const OPEN = `/* prepared: billing.kills_asked */
SELECT k.ticket_id, k.asked_by, k.reason FROM kill_request k JOIN ticket t ON t.id = k.ticket_id
WHERE k.taken_at IS NULL AND t.replica = $1 AND t.state IN ('RESERVED', 'SENT', 'RUNNING')
LIMIT 1000`;

// Taken or not: the replica that took it may have died before it told anybody, and that is what counts.
const IN_DOUBT = `/* prepared: billing.kills_in_doubt */
SELECT k.ticket_id, k.asked_by, k.reason
FROM open_ticket o JOIN ticket t ON t.id = o.ticket_id JOIN kill_request k ON k.ticket_id = t.id
WHERE t.state = 'IN_DOUBT' AND t.stop_told IS NULL
LIMIT 1000`;

const TAKEN = `/* prepared: billing.kill_taken */
UPDATE kill_request SET taken_at = now() WHERE ticket_id = $1`;

/** Asks for the end of a statement; undefined: there is no such ticket. */
export async function askKill(tx: Transaction, asked: KillAsked): Promise<KillOutcome | undefined> {
  const { rows } = await tx.query<{ state: TicketState }>(STATE, [asked.ticketId]);
  const state = rows[0]?.state;
  if (state === undefined) return undefined;
  const isInDoubt = state === 'IN_DOUBT';
  if (!isInDoubt && state !== 'RESERVED' && state !== 'SENT' && state !== 'RUNNING')
    return { kind: 'over', state };
  const { rowCount } = await tx.query(ASK, [
    asked.ticketId,
    storable(asked.askedBy),
    storable(asked.reason),
    new Date(asked.at),
  ]);
  await tx.query('SELECT pg_notify($1, $2)', [KILLS_CHANNEL, '']);
  return { kind: 'asked', isReplayed: rowCount === 0, isInDoubt };
}

/** What is asked for of statements that `replica` has. Fault `ledgerUnavailable`. */
export function killsAsked(
  db: Queryable,
  replica: string,
): Promise<readonly Omit<KillAsked, 'at'>[]> {
  return readKills(db, OPEN, [replica]);
}

/** What is asked for of statements in doubt whose clients were told nothing yet. Fault `ledgerUnavailable`. */
export function killsInDoubt(db: Queryable): Promise<readonly Omit<KillAsked, 'at'>[]> {
  return readKills(db, IN_DOUBT, []);
}

function readKills(
  db: Queryable,
  sql: string,
  values: readonly string[],
): Promise<readonly Omit<KillAsked, 'at'>[]> {
  return ledgerCall(async () => {
    const { rows } = await db.query<{ ticket_id: TicketId; asked_by: string; reason: string }>(
      sql,
      values,
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
