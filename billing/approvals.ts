/** Statements that wait for somebody's word: asking for them, what was decided, and closing what nobody waits for. */
import { type TicketId } from '#base/ids.js';
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { ledgerCall } from './postgres/availability.js';
import { storable } from './postgres/ticket-row.js';
import { REASON_CHARACTERS_MAX, REQUEST_DAYS } from './requests.js';
import type { RequestState } from './requests.js';

const ASK = `/* prepared: billing.ask_waiting */
INSERT INTO approval_request (ticket_id, principal_id, reason, wants, passes, place, asked_at, expires_at)
SELECT id, principal_id, $2, 'statement', $4, $5, $3, $3::timestamptz + interval '${REQUEST_DAYS} days'
FROM ticket WHERE id = $1
ON CONFLICT (ticket_id) DO NOTHING`;

const DECIDED = `/* prepared: billing.approvals_decided */
SELECT ticket_id, state, decided_by, decision_reason FROM approval_request
WHERE ticket_id = ANY($1::uuid[]) AND state <> 'waiting'`;

const WITHDRAW = `/* prepared: billing.withdraw_waiting */
UPDATE approval_request SET state = 'withdrawn', decided_at = $2, decided_by = principal_id, decision_reason = $3
WHERE ticket_id = $1 AND state = 'waiting'`;

/** What became of a request. */
export interface Approval {
  readonly ticketId: TicketId;
  readonly state: Exclude<RequestState, 'waiting'>;
  readonly author: string;
  readonly reason: string;
}

export interface WaitingAsk {
  readonly ticketId: TicketId;
  /** The rule's; cut where it is too long. */
  readonly reason: string;
  /** What has to be lifted, see `StatementPass.passes`. */
  readonly passes: readonly string[];
  readonly place: string;
  readonly at: EpochMs;
}

/** Asks for a statement that waits. Fault `ledgerUnavailable`. */
export function askForWaiting(db: Queryable, ask: WaitingAsk): Promise<void> {
  const { ticketId, reason, passes, place, at } = ask;
  const text = storable(Array.from(reason).slice(0, REASON_CHARACTERS_MAX).join(''));
  return ledgerCall(async () => {
    await db.query(ASK, [ticketId, text, new Date(at), passes, place]);
  });
}

/** Closes the request of a statement that does not wait any more; decided ones stay. Fault `ledgerUnavailable`. */
export function withdrawWaiting(
  db: Queryable,
  ticketId: TicketId,
  reason: string,
  at: EpochMs,
): Promise<void> {
  return ledgerCall(async () => {
    await db.query(WITHDRAW, [ticketId, new Date(at), reason]);
  });
}

/** Which of these tickets were decided. Fault `ledgerUnavailable`. */
export function approvalsDecided(
  db: Queryable,
  ticketIds: readonly TicketId[],
): Promise<readonly Approval[]> {
  return ledgerCall(async () => {
    const { rows } = await db.query<{
      ticket_id: TicketId;
      state: Approval['state'];
      decided_by: string;
      decision_reason: string;
    }>(DECIDED, [ticketIds]);
    return rows.map((row) => ({
      ticketId: row.ticket_id,
      state: row.state,
      author: row.decided_by,
      reason: row.decision_reason,
    }));
  });
}
