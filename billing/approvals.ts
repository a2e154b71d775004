/** Statements that run only by somebody's word: asking while they wait, what was decided, and using what was granted. */
import { type TicketId } from '#base/ids.js';
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { ledgerCall } from './postgres/availability.js';
import { storable } from './postgres/ticket-row.js';
import { REASON_CHARACTERS_MAX } from './requests.js';
import type { RequestState } from './requests.js';

/** How long after it was granted a statement may still be sent. */
const GRANTED_FOR = '24 hours';

const ASK = `/* prepared: billing.ask_waiting */
INSERT INTO approval_request (ticket_id, principal_id, reason, wants, asked_at)
SELECT id, principal_id, $2, 'statement', $3 FROM ticket WHERE id = $1
ON CONFLICT (ticket_id) DO NOTHING`;

const DECIDED = `/* prepared: billing.approvals_decided */
SELECT ticket_id, state, decided_by, decision_reason FROM approval_request
WHERE ticket_id = ANY($1::uuid[]) AND state <> 'waiting'`;

// A ticket that became void has not run: what was granted to it is not used up.
const USE = `/* prepared: billing.use_approval */
UPDATE approval_request SET used_by = $1
WHERE ticket_id = (
  SELECT r.ticket_id
  FROM ticket own
  JOIN ticket t ON t.account = own.account AND t.team_id = own.team_id AND t.principal_id = own.principal_id
    AND t.request_hash = own.request_hash
  JOIN approval_request r ON r.ticket_id = t.id
  WHERE own.id = $1 AND r.wants = 'statement' AND r.state = 'granted' AND r.decided_at > $2::timestamptz - interval '${GRANTED_FOR}'
    AND NOT EXISTS (SELECT FROM ticket u WHERE u.id = r.used_by AND u.state <> 'VOID')
  ORDER BY r.decided_at LIMIT 1 FOR UPDATE OF r SKIP LOCKED
)`;

/** What became of a request. */
export interface Approval {
  readonly ticketId: TicketId;
  readonly state: Exclude<RequestState, 'waiting'>;
  readonly author: string;
  readonly reason: string;
}

/** Asks for a statement that waits; `reason` is the rule's. Fault `ledgerUnavailable`. */
export function askForWaiting(
  db: Queryable,
  ticketId: TicketId,
  reason: string,
  at: EpochMs,
): Promise<void> {
  const text = storable(Array.from(reason).slice(0, REASON_CHARACTERS_MAX).join(''));
  return ledgerCall(async () => {
    await db.query(ASK, [ticketId, text, new Date(at)]);
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

/**
 * Uses what was granted for this ticket, or for an earlier one of the same statement by the same principal, within a
 * day. True: it may run, and no other will by that word. Fault `ledgerUnavailable`.
 */
export function useApproval(db: Queryable, ticketId: TicketId, at: EpochMs): Promise<boolean> {
  return ledgerCall(async () => (await db.query(USE, [ticketId, new Date(at)])).rowCount === 1);
}
