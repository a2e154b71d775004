/** Gives back what a statement holds that did not run. */
import type { TicketId } from '#base/ids.js';
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { parseCredits } from '#base/units.js';
import type { ReleaseOutcome, ReleaseReason } from '../ledger.js';
import { jsonFor, storable } from './ticket-row.js';
import { ticketState } from './ticket-state.js';

// What is held is taken from the locked row, as in settle.ts.
const RELEASE = `/* prepared: billing.release */
WITH t AS MATERIALIZED (
  SELECT id, replica, hold_credits FROM ticket WHERE id = $1 AND state = ANY($2::text[]) FOR NO KEY UPDATE
), ended AS (
  UPDATE ticket SET state = 'VOID', ended_at = $4, ending = $5, refusal_code = $6, refusal_message = $7,
    refusal_detail = $8::jsonb, stands_for_request = ticket.stands_for_request AND ($5::text IS NOT NULL OR $6::text IS NOT NULL)
  FROM t WHERE ticket.id = t.id
), closed AS (
  UPDATE hold SET closed_at = $4 FROM t WHERE hold.ticket_id = t.id AND hold.closed_at IS NULL
), locked AS MATERIALIZED (
  SELECT p.id, t.hold_credits AS held, p.held_credits AS period_held
  FROM t JOIN hold h ON h.ticket_id = t.id JOIN budget_period p ON p.id = h.budget_period_id
  ORDER BY p.id FOR NO KEY UPDATE OF p
), lowered AS (
  UPDATE budget_period p SET held_credits = l.period_held - l.held FROM locked l WHERE p.id = l.id
), journalled AS (
  INSERT INTO journal (kind, ticket_id, key, author, reason, occurred_at)
  SELECT 'release', id, 'release:' || id, replica, $3, $4 FROM t
  RETURNING id
), entered AS (
  INSERT INTO entry (journal_id, ordinal, budget_period_id, account, credits)
  SELECT j.id, row_number() OVER (), l.id, x.account, x.sign * l.held
  FROM journalled j, locked l, (VALUES ('held', -1), ('available', 1)) AS x (account, sign)
  WHERE l.held > 0
)
SELECT hold_credits FROM t`;

const NEVER_SENT = ['RESERVED'] as const;
const IN_FLIGHT = ['RESERVED', 'SENT', 'RUNNING', 'IN_DOUBT'] as const;
const IN_DOUBT = ['IN_DOUBT'] as const;
const REASON_CHARACTERS_MAX = 2_000;

/** RESERVED → VOID. `sent` when only a settlement or evidence may close it (I5). */
export function release(
  db: Queryable,
  ticketId: TicketId,
  reason: ReleaseReason,
  at: EpochMs,
): Promise<ReleaseOutcome> {
  return toVoid(db, ticketId, NEVER_SENT, reason, at);
}

/**
 * Any open ticket → VOID, on evidence that it did not run; the evidence is the reason in the journal. Its request may
 * come again as a new statement.
 */
export function voidOnEvidence(
  db: Queryable,
  {
    ticketId,
    evidence,
    onlyInDoubt,
  }: { readonly ticketId: TicketId; readonly evidence: string; readonly onlyInDoubt: boolean },
  at: EpochMs,
): Promise<ReleaseOutcome> {
  const from = onlyInDoubt ? IN_DOUBT : IN_FLIGHT;
  return toVoid(db, ticketId, from, { kind: 'failed', reason: evidence }, at);
}

async function toVoid(
  db: Queryable,
  ticketId: TicketId,
  from: readonly string[],
  reason: ReleaseReason,
  at: EpochMs,
): Promise<ReleaseOutcome> {
  const refusal = reason.kind === 'refused' ? reason.refusal : null;
  const text = reason.kind === 'refused' ? reason.refusal.message : reason.reason;
  const { rows } = await db.query<{ hold_credits: string }>(RELEASE, [
    ticketId,
    from,
    storable(text.slice(0, REASON_CHARACTERS_MAX)),
    new Date(at),
    reason.kind === 'cancelled' ? 'cancelled' : null,
    refusal?.code ?? null,
    refusal === null ? null : storable(refusal.message),
    refusal === null ? null : jsonFor(refusal.detail ?? null),
  ]);
  const row = rows[0];
  if (row !== undefined)
    return { kind: 'released', releasedCredits: parseCredits(row.hold_credits) };
  const state = await ticketState(db, ticketId);
  return { kind: state === 'VOID' || state === 'SETTLED' ? 'alreadyClosed' : 'sent', state };
}
