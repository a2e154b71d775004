/**
 * What a team asks for after a refusal, and what is decided of it. A granted request and its grant are one
 * transaction. Lock order: the request, then as everywhere (the budget, its period, inserts).
 */
import { assert, must } from '#base/assert.js';
import { tgLabel } from '#base/errors.js';
import { type TicketId, tryParseTicketId } from '#base/ids.js';
import type { Queryable, Transaction } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import {
  type Credits,
  formatAmount,
  maxAmount,
  type Money,
  mulDiv,
  parseCredits,
  parseMoney,
  priceCredits,
  subtractCredits,
} from '#base/units.js';
import { grant } from './control-writes.js';
import { readStanding } from './postgres/read-standing.js';
import { storable } from './postgres/ticket-row.js';

/** Notified when a statement that waits for somebody's word was decided. */
export const APPROVALS_CHANNEL = 'tollgate_approvals';

export const REQUEST_STATES = ['waiting', 'granted', 'declined'] as const;
export type RequestState = (typeof REQUEST_STATES)[number];

/** Longest reason, in characters; the table has the same rule. */
export const REASON_CHARACTERS_MAX = 500;

export interface ApprovalRequest {
  readonly ticketId: TicketId;
  readonly state: RequestState;
  readonly teamId: string;
  /** Who asked; not always who sent the statement. */
  readonly principalId: string;
  readonly reason: string;
  /** What would let it run: credits on the budget that refused it, or somebody's word (TG2401). */
  readonly wants: 'credits' | 'statement';
  /** `TG2001` …; of a statement that waits for approval, the code it would be refused with. */
  readonly refusalCode: string;
  /** What the statement needed. */
  readonly needsCredits: Credits;
  readonly needsMoney: Money;
  readonly currency: string;
  /** The budget that refused, and what it was short of then; null when no budget did. */
  readonly budgetId: string | null;
  readonly shortCredits: Credits | null;
  readonly askedAt: EpochMs;
  readonly decision: {
    readonly at: EpochMs;
    readonly author: string;
    readonly reason: string;
    /** null: declined, or no credits were asked for. */
    readonly grantedCredits: Credits | null;
  } | null;
}

export interface Asking {
  readonly ticketId: TicketId;
  /** Only a ticket of this team can be asked for. */
  readonly teamId: string;
  readonly principalId: string;
  /** 1 to 500 characters. */
  readonly reason: string;
  readonly at: EpochMs;
}

export type AskOutcome =
  | { readonly kind: 'asked' | 'replayed'; readonly request: ApprovalRequest }
  /** No such ticket in this team. */
  | { readonly kind: 'unknown' }
  /** It ran, or was refused by what nobody can lift (a full queue, a ledger that is away). */
  | { readonly kind: 'notRefused' };

/** The refusals that offer a request. */
const REFUSALS: readonly string[] = [
  tgLabel('budgetExceeded'),
  tgLabel('ruleRefused'),
  tgLabel('opaqueRefused'),
  tgLabel('ceilingExceeded'),
  tgLabel('approvalNeeded'),
];

const NEEDS = 'greatest(t.high_credits, t.expected_credits)';

const ASK = `/* prepared: billing.ask */
INSERT INTO approval_request (ticket_id, principal_id, reason, wants, budget_id, short_credits, asked_at)
SELECT t.id, $3, $4, CASE t.refusal_code WHEN '${tgLabel('approvalNeeded')}' THEN 'statement' ELSE 'credits' END, b.id, CASE WHEN b.id IS NOT NULL THEN ${NEEDS} - r.available END, $5
FROM ticket t
CROSS JOIN LATERAL (
  SELECT t.refusal_detail #>> '{budget,id}' AS budget_id,
    (t.refusal_detail #>> '{budget,availableCredits}')::numeric AS available
) r
LEFT JOIN budget b ON b.id = r.budget_id AND r.available < ${NEEDS}
WHERE t.id = $1 AND t.team_id = $2 AND t.state = 'VOID' AND t.refusal_code = ANY($6::text[])
ON CONFLICT (ticket_id) DO NOTHING`;

const FIND_TICKET = `/* prepared: billing.find_asked_ticket */
SELECT 1 FROM ticket WHERE id = $1 AND team_id = $2`;

/** Asks for a refused ticket; a ticket that was asked for already keeps the first request as it is. */
export async function askApproval(tx: Transaction, asking: Asking): Promise<AskOutcome> {
  const { ticketId, teamId, principalId, at } = asking;
  const reason = storable(asking.reason);
  const { rowCount } = await tx.query(ASK, [
    ticketId,
    teamId,
    principalId,
    reason,
    new Date(at),
    REFUSALS,
  ]);
  // A conflicting insert was waited for: a statement of its own sees what it committed.
  const { rows } = await tx.query<RequestRow>(
    `${SELECT} WHERE r.ticket_id = $1 AND t.team_id = $2`,
    [ticketId, teamId],
  );
  const row = rows[0];
  if (row !== undefined)
    return { kind: rowCount === 1 ? 'asked' : 'replayed', request: fromRow(row) };
  const ticket = await tx.query(FIND_TICKET, [ticketId, teamId]);
  return { kind: ticket.rows.length === 0 ? 'unknown' : 'notRefused' };
}

/** Which requests are listed, and where the page begins. */
export interface RequestsAsked {
  readonly state: RequestState;
  /** null: of every team. */
  readonly teamId: string | null;
  readonly limit: number;
  /** Instant of asking and ticket of the last request of the page before. */
  readonly after?: readonly [askedAt: string, ticketId: string] | undefined;
}

/** The requests in a state, the oldest first; at most `limit`. */
export async function listRequests(
  db: Queryable,
  asked: RequestsAsked,
): Promise<readonly ApprovalRequest[]> {
  const { rows } = await db.query<RequestRow>(
    `${SELECT} WHERE r.state = $1 AND ($2::text IS NULL OR t.team_id = $2)
       AND ($3::timestamptz IS NULL OR (r.asked_at, r.ticket_id) > ($3, $4::uuid))
     ORDER BY r.asked_at, r.ticket_id LIMIT $5`,
    [asked.state, asked.teamId, asked.after?.[0] ?? null, asked.after?.[1] ?? null, asked.limit],
  );
  return rows.map(fromRow);
}

export type Decision = {
  readonly ticketId: TicketId;
  readonly author: string;
  /** 1 to 500 characters. */
  readonly reason: string;
  readonly at: EpochMs;
} & (
  | { readonly state: 'declined' }
  /** `credits` null: what the statement lacks, see {@link decideRequest}. */
  | { readonly state: 'granted'; readonly credits: Credits | null }
);

export type DecideOutcome =
  | { readonly kind: 'decided' | 'replayed'; readonly request: ApprovalRequest }
  /** Decided otherwise before. */
  | { readonly kind: 'conflict'; readonly request: ApprovalRequest }
  /** No budget refused it, so that credits would not admit it, or there is nothing to grant. */
  | { readonly kind: 'notByBudget'; readonly request: ApprovalRequest }
  | { readonly kind: 'unknown' };

/**
 * Decides a waiting request, once. A statement that is granted may run once, see `useApproval`; for any other request
 * `granted` adds credits to the open period of the refusing budget: those named, else
 * what the statement needs beyond what the budget had at the refusal or has now, whichever had less, rounded up to a
 * hundredth of a credit. The same decision again is `replayed`.
 */
export async function decideRequest(tx: Transaction, decision: Decision): Promise<DecideOutcome> {
  const { rows } = await tx.query<RequestRow>(
    `${SELECT} WHERE r.ticket_id = $1 FOR NO KEY UPDATE OF r`,
    [decision.ticketId],
  );
  const row = rows[0];
  if (row === undefined) return { kind: 'unknown' };
  const request = fromRow(row);
  if (request.decision !== null)
    return { kind: isSame(request, decision) ? 'replayed' : 'conflict', request };
  if (decision.state === 'declined')
    return { kind: 'decided', request: await close(tx, decision, null) };
  if (request.wants === 'statement')
    return decision.credits === null
      ? { kind: 'decided', request: await close(tx, decision, null) }
      : { kind: 'notByBudget', request };
  const { budgetId, shortCredits } = request;
  if (budgetId === null || shortCredits === null) return { kind: 'notByBudget', request };
  const credits =
    decision.credits ??
    (await lackingCredits(tx, { ...request, budgetId, shortCredits }, decision.at));
  const granted = await grant(tx, {
    budgetId,
    credits,
    until: null,
    idempotencyKey: `request/${decision.ticketId}`,
    author: decision.author,
    reason: decision.reason,
    at: decision.at,
  });
  assert(granted.kind === 'granted', 'a waiting request has no grant');
  return { kind: 'decided', request: await close(tx, decision, credits) };
}

function isSame(request: ApprovalRequest, decision: Decision): boolean {
  if (request.state !== decision.state) return false;
  return (
    decision.state === 'declined' ||
    decision.credits === null ||
    decision.credits === request.decision?.grantedCredits
  );
}

/** A hundredth of a credit, in units of 1e-12. */
const CENT = 10_000_000_000n;

async function lackingCredits(
  tx: Transaction,
  request: { budgetId: string; shortCredits: Credits; needsCredits: Credits },
  at: EpochMs,
): Promise<Credits> {
  const [standing] = await readStanding(tx, [request.budgetId], at);
  const available = standing?.availableCredits ?? request.needsCredits;
  const lacking = maxAmount(request.shortCredits, subtractCredits(request.needsCredits, available));
  return mulDiv(mulDiv(lacking, 1n, CENT, 'up'), CENT, 1n, 'up') as Credits;
}

const CLOSE = `/* prepared: billing.close_request */
WITH closed AS (
  UPDATE approval_request SET state = $2, granted_credits = $3, decided_at = $4, decided_by = $5, decision_reason = $6
  WHERE ticket_id = $1 RETURNING wants
)
SELECT pg_notify('${APPROVALS_CHANNEL}', '') FROM closed WHERE wants = 'statement'`;

async function close(
  tx: Transaction,
  decision: Decision,
  grantedCredits: Credits | null,
): Promise<ApprovalRequest> {
  const { ticketId, state, author, reason, at } = decision;
  const granted = grantedCredits === null ? null : formatAmount(grantedCredits);
  await tx.query(CLOSE, [ticketId, state, granted, new Date(at), author, storable(reason)]);
  const { rows } = await tx.query<RequestRow>(`${SELECT} WHERE r.ticket_id = $1`, [ticketId]);
  return fromRow(must(rows[0], 'the request was locked'));
}

const SELECT = `SELECT r.ticket_id, r.state, t.team_id, r.principal_id, r.reason, r.wants,
  coalesce(t.refusal_code, '${tgLabel('approvalNeeded')}') AS refusal_code,
  ${NEEDS} AS needs_credits, t.price_per_credit, t.currency, r.budget_id, r.short_credits, r.asked_at,
  r.granted_credits, r.decided_at, r.decided_by, r.decision_reason
FROM approval_request r JOIN ticket t ON t.id = r.ticket_id`;

interface RequestRow {
  readonly ticket_id: string;
  readonly state: RequestState;
  readonly team_id: string;
  readonly principal_id: string;
  readonly reason: string;
  readonly wants: ApprovalRequest['wants'];
  readonly refusal_code: string;
  readonly needs_credits: string;
  readonly price_per_credit: string;
  readonly currency: string;
  readonly budget_id: string | null;
  readonly short_credits: string | null;
  readonly asked_at: Date;
  readonly granted_credits: string | null;
  readonly decided_at: Date | null;
  readonly decided_by: string | null;
  readonly decision_reason: string | null;
}

function fromRow(row: RequestRow): ApprovalRequest {
  const needsCredits = parseCredits(row.needs_credits);
  return {
    ticketId: must(tryParseTicketId(row.ticket_id), 'a stored ticket has an id'),
    state: row.state,
    teamId: row.team_id,
    principalId: row.principal_id,
    reason: row.reason,
    wants: row.wants,
    refusalCode: row.refusal_code,
    needsCredits,
    needsMoney: priceCredits(needsCredits, parseMoney(row.price_per_credit), 'up'),
    currency: row.currency,
    budgetId: row.budget_id,
    shortCredits: row.short_credits === null ? null : parseCredits(row.short_credits),
    askedAt: row.asked_at.getTime(),
    decision:
      row.decided_at === null
        ? null
        : {
            at: row.decided_at.getTime(),
            author: row.decided_by ?? '',
            reason: row.decision_reason ?? '',
            grantedCredits: row.granted_credits === null ? null : parseCredits(row.granted_credits),
          },
  };
}
