/**
 * What is decided of a request, and its end without a decision. A granted request and what it grants are one
 * transaction. Lock order: the request, the grants of a team's leads, then as everywhere (the budget, its period, inserts).
 */
import { isSamePerson } from '#base/actors.js';
import { assert, must } from '#base/assert.js';
import type { TicketId } from '#base/ids.js';
import type { Queryable, Transaction } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import {
  addCredits,
  compareAmounts,
  type Credits,
  formatAmount,
  maxAmount,
  mulDiv,
  parseCredits,
  subtractCredits,
} from '#base/units.js';
import { grant } from './control-writes.js';
import { grantPass, type PassTerms } from './passes.js';
import { readStanding } from './postgres/read-standing.js';
import { storable } from './postgres/ticket-row.js';
import {
  type ApprovalRequest,
  APPROVALS_CHANNEL,
  findRequest,
  lockRequest,
  REQUEST_DAYS,
} from './requests.js';

/** How long a pass lasts unless somebody says otherwise. */
const PASS_MS = 24 * 3_600_000;
/** What the grants of a team's leads are summed over. */
export const LEAD_DAYS = 30;

/** What is granted; what is absent or null is what was asked for, else the least that lets the statement run. */
export interface GrantTerms {
  /** For the budget, or for all runs of a pass. */
  readonly credits: Credits | null;
  readonly runs?: number | null;
  readonly until?: EpochMs | null;
  readonly isForShape?: boolean | null;
  readonly isForTeam?: boolean;
}

export type Decision = {
  readonly ticketId: TicketId;
  readonly author: string;
  /** Role of the author in the API. */
  readonly role?: string;
  /** The principal that the author is; it does not decide what that principal asked for. */
  readonly principalId?: string | null;
  /** Absent: an administrator, who may grant anything. */
  readonly lead?: LeadLimit;
  /** 1 to 500 characters. */
  readonly reason: string;
  readonly at: EpochMs;
} & ({ readonly state: 'declined' } | ({ readonly state: 'granted' } & GrantTerms));

/** What a team lead may grant. */
export interface LeadLimit {
  readonly teamId: string;
  /** By all leads of the team together in 30 days. */
  readonly creditsMax: Credits;
  /** Budgets of the team itself and of its principals. */
  readonly budgetIds: readonly string[];
}

export type DecideOutcome =
  | { readonly kind: 'decided' | 'replayed'; readonly request: ApprovalRequest }
  /** Decided otherwise before, withdrawn or expired. */
  | { readonly kind: 'conflict'; readonly request: ApprovalRequest }
  /** The terms do not fit what refused it. */
  | {
      readonly kind: 'unfit';
      readonly field: string;
      readonly rule: string;
      readonly request: ApprovalRequest;
    }
  /** Nothing that can be granted would let it run. */
  | { readonly kind: 'notGrantable'; readonly request: ApprovalRequest }
  /** Asked for by whoever would decide. */
  | { readonly kind: 'own'; readonly request: ApprovalRequest }
  /** More than leads may grant, or what only administrators lift. */
  | {
      readonly kind: 'beyondLead';
      readonly worthCredits: Credits | null;
      readonly grantedCredits: Credits;
      readonly request: ApprovalRequest;
    }
  | { readonly kind: 'unknown' };

/** What a team lead does not lift: text that could hide anything, and data that leaves the account. */
const ADMINISTRATORS_ONLY: ReadonlySet<string> = new Set(['opaque', 'external-location']);

/**
 * Decides a waiting request, once. Where a budget refused, `granted` adds credits to its open period: those named, else
 * what the statement needs beyond what the budget had at the refusal or has now, whichever had less, rounded up to a
 * hundredth of a credit. Elsewhere it makes a pass: one run of the text within a day, unless the terms or the wish say
 * more. The same decision again is `replayed`.
 */
export async function decideRequest(tx: Transaction, decision: Decision): Promise<DecideOutcome> {
  const request = await lockRequest(tx, decision.ticketId);
  if (request === undefined) return { kind: 'unknown' };
  if (request.decision !== null)
    return { kind: isSame(request, decision) ? 'replayed' : 'conflict', request };
  if (isOwn(request, decision)) return { kind: 'own', request };
  if (decision.state === 'declined')
    return { kind: 'decided', request: await close(tx, decision, null, null) };
  return request.wants === 'credits'
    ? raiseBudget(tx, request, decision)
    : givePass(tx, request, decision);
}

function isSame(request: ApprovalRequest, decision: Decision): boolean {
  if (request.state !== decision.state) return false;
  return (
    decision.state === 'declined' ||
    decision.credits === null ||
    decision.credits === request.decision?.grantedCredits
  );
}

function isOwn(request: ApprovalRequest, { author, principalId = null }: Decision): boolean {
  const { askedBy, senderId } = request;
  return (
    isSamePerson(askedBy, author) || principalId === request.principalId || principalId === senderId
  );
}

type Granting = Extract<Decision, { state: 'granted' }>;

async function raiseBudget(
  tx: Transaction,
  request: ApprovalRequest,
  decision: Granting,
): Promise<DecideOutcome> {
  const { budgetId, shortCredits } = request;
  if (budgetId === null || shortCredits === null) return { kind: 'notGrantable', request };
  const misfit = (['runs', 'isForShape', 'isForTeam'] as const).find(
    (key) => (decision[key] ?? false) !== false,
  );
  if (misfit !== undefined)
    return {
      kind: 'unfit',
      field: { runs: 'runs', isForShape: 'shape', isForTeam: 'scope' }[misfit],
      rule: `must be absent where a budget refused: credits on ${budgetId} are granted`,
      request,
    };
  const credits =
    decision.credits ??
    request.wish.credits ??
    (await lackingCredits(tx, { ...request, budgetId, shortCredits }, decision.at));
  const isLeads = decision.lead === undefined || decision.lead.budgetIds.includes(budgetId);
  const beyond = await beyondLead(tx, request, decision, isLeads ? credits : null);
  if (beyond !== undefined) return beyond;
  const granted = await grant(tx, {
    budgetId,
    credits,
    until: decision.until ?? untilWished(request, decision),
    idempotencyKey: `request/${decision.ticketId}`,
    author: decision.author,
    reason: decision.reason,
    at: decision.at,
  });
  assert(granted.kind === 'granted', 'a waiting request has no grant');
  return { kind: 'decided', request: await close(tx, decision, credits, credits) };
}

async function givePass(
  tx: Transaction,
  request: ApprovalRequest,
  decision: Granting,
): Promise<DecideOutcome> {
  if (request.passes.length === 0) return { kind: 'notGrantable', request };
  const { wish } = request;
  const amount = decision.credits ?? wish.credits;
  const runsMax = decision.runs ?? wish.runs ?? (amount === null ? 1 : null);
  const needs = (runs: number): Credits =>
    toHundredths((request.needsCredits * BigInt(runs)) as Credits);
  // A run that goes above a ceiling needs another one: what it was said to need.
  const amountCredits =
    amount ?? (request.passes.includes('ceiling') && runsMax !== null ? needs(runsMax) : null);
  const terms: PassTerms = {
    isForShape: decision.isForShape ?? wish.isForShape,
    isForTeam: decision.isForTeam ?? false,
    amountCredits: amountCredits === 0n ? null : amountCredits,
    runsMax,
    expiresAt: decision.until ?? untilWished(request, decision) ?? decision.at + PASS_MS,
  };
  const isLeads = !request.passes.some((name) => ADMINISTRATORS_ONLY.has(name));
  const worth = terms.amountCredits ?? needs(runsMax ?? 1);
  const beyond = await beyondLead(tx, request, decision, isLeads ? worth : null);
  if (beyond !== undefined) return beyond;
  await grantPass(tx, decision.ticketId, request.passes, terms, decision.at);
  return { kind: 'decided', request: await close(tx, decision, terms.amountCredits, worth) };
}

function untilWished({ wish }: ApprovalRequest, { at }: Granting): EpochMs | null {
  return wish.hours === null ? null : at + wish.hours * 3_600_000;
}

const LEAD_GRANTED = `/* prepared: billing.granted_by_leads */
SELECT coalesce(sum(r.worth_credits), 0) AS credits FROM approval_request r JOIN ticket t ON t.id = r.ticket_id
WHERE r.decided_role = 'team-lead' AND r.state = 'granted' AND t.team_id = $1
  AND r.decided_at > $2::timestamptz - interval '${LEAD_DAYS} days'`;

/** Leads of one team grant one after the other, so that together they stay within their limit. `worth` null: never theirs. */
async function beyondLead(
  tx: Transaction,
  request: ApprovalRequest,
  { lead, at }: Granting,
  worthCredits: Credits | null,
): Promise<Extract<DecideOutcome, { kind: 'beyondLead' }> | undefined> {
  if (lead === undefined) return undefined;
  await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [
    `tollgate.lead-grants/${lead.teamId}`,
  ]);
  const { rows } = await tx.query<{ credits: string }>(LEAD_GRANTED, [lead.teamId, new Date(at)]);
  const grantedCredits = parseCredits(must(rows[0], 'a sum is one row').credits);
  const isWithin =
    worthCredits !== null &&
    compareAmounts(addCredits(grantedCredits, worthCredits), lead.creditsMax) <= 0;
  return isWithin ? undefined : { kind: 'beyondLead', worthCredits, grantedCredits, request };
}

/** A hundredth of a credit, in units of 1e-12. */
const HUNDREDTH = 10_000_000_000n;

function toHundredths(credits: Credits): Credits {
  return mulDiv(mulDiv(credits, 1n, HUNDREDTH, 'up'), HUNDREDTH, 1n, 'up') as Credits;
}

async function lackingCredits(
  tx: Transaction,
  request: { budgetId: string; shortCredits: Credits; needsCredits: Credits },
  at: EpochMs,
): Promise<Credits> {
  const [standing] = await readStanding(tx, [request.budgetId], at);
  const available = standing?.availableCredits ?? request.needsCredits;
  return toHundredths(
    maxAmount(request.shortCredits, subtractCredits(request.needsCredits, available)),
  );
}

// Whoever decides through the API writes the event of it in the same transaction.
const CLOSE = `/* prepared: billing.close_request */
WITH closed AS (
  UPDATE approval_request SET state = $2, granted_credits = $3, decided_at = $4, decided_by = $5, decision_reason = $6,
    decided_role = $7, worth_credits = $8
  WHERE ticket_id = $1 AND state = 'waiting' RETURNING 1
)
SELECT pg_notify('${APPROVALS_CHANNEL}', '') FROM closed`;

async function close(
  tx: Transaction,
  decision: Decision,
  grantedCredits: Credits | null,
  worthCredits: Credits | null,
): Promise<ApprovalRequest> {
  const { ticketId, state, author, reason, at, role = null } = decision;
  const amount = (credits: Credits | null): string | null =>
    credits === null ? null : formatAmount(credits);
  await tx.query(CLOSE, [
    ticketId,
    state,
    amount(grantedCredits),
    new Date(at),
    author,
    storable(reason),
    role,
    amount(worthCredits),
  ]);
  return must(await findRequest(tx, ticketId), 'the request was locked');
}

export interface Withdrawal {
  readonly ticketId: TicketId;
  /** Only a request of this team and of this principal; null: of any. */
  readonly teamId: string | null;
  readonly principalId: string | null;
  readonly author: string;
  readonly reason: string;
  readonly at: EpochMs;
}

/** Takes back a request that waits. `conflict`: it was decided, or is expired; `replayed`: withdrawn already. */
export async function withdrawRequest(
  tx: Transaction,
  withdrawal: Withdrawal,
): Promise<
  | { readonly kind: 'withdrawn' | 'replayed' | 'conflict'; readonly request: ApprovalRequest }
  | { readonly kind: 'unknown' }
> {
  const { ticketId, teamId, principalId, author, reason, at } = withdrawal;
  const request = await lockRequest(tx, ticketId);
  const isTheirs =
    (teamId === null || request?.teamId === teamId) &&
    (principalId === null || request?.principalId === principalId);
  if (request === undefined || !isTheirs) return { kind: 'unknown' };
  if (request.state === 'withdrawn') return { kind: 'replayed', request };
  if (request.state !== 'waiting') return { kind: 'conflict', request };
  await tx.query(CLOSE, [
    ticketId,
    'withdrawn',
    null,
    new Date(at),
    author,
    storable(reason),
    null,
    null,
  ]);
  return { kind: 'withdrawn', request: must(await findRequest(tx, ticketId), 'it was locked') };
}

const EXPIRE = `/* prepared: billing.expire_requests */
WITH due AS (
  SELECT ticket_id FROM approval_request
  WHERE state = 'waiting' AND coalesce(expires_at, asked_at + interval '${REQUEST_DAYS} days') <= $1
  ORDER BY ticket_id LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED
), ended AS (
  UPDATE approval_request r SET state = 'expired', decided_at = $1, decided_by = 'tollgate',
    decision_reason = 'nobody decided within ${REQUEST_DAYS} days'
  FROM due WHERE r.ticket_id = due.ticket_id RETURNING 1
)
SELECT count(*) AS ended, CASE WHEN count(*) > 0 THEN pg_notify('${APPROVALS_CHANNEL}', '') END FROM ended`;

/** Ends requests that nobody decided in time; at most 1,000 a call. Returns how many. */
export async function expireRequests(db: Queryable, at: EpochMs): Promise<number> {
  const { rows } = await db.query<{ ended: string }>(EXPIRE, [new Date(at)]);
  return Number(must(rows[0], 'a count is one row').ended);
}
