/**
 * What a team asks for after a refusal: asking, listing, withdrawing, and the end of what nobody decides. The decision
 * is in decide-request.ts.
 */
import { must } from '#base/assert.js';
import { tgLabel } from '#base/errors.js';
import { type TicketId, tryParseTicketId } from '#base/ids.js';
import type { Queryable, Transaction } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import {
  AMOUNT_SCALE,
  type Credits,
  formatAmount,
  type Money,
  mulDiv,
  parseCredits,
  parseMoney,
  priceCredits,
} from '#base/units.js';
import { PASS_COLUMNS, passOf, type PassRow, type StatementPass, USED_LATERAL } from './passes.js';
import { storable } from './postgres/ticket-row.js';

/** Notified when a request was decided or closed, or a pass changed. */
export const APPROVALS_CHANNEL = 'tollgate_approvals';

export const REQUEST_STATES = ['waiting', 'granted', 'declined', 'withdrawn', 'expired'] as const;
export type RequestState = (typeof REQUEST_STATES)[number];

/** Longest reason, in characters; the table has the same rule. */
export const REASON_CHARACTERS_MAX = 500;
/** A request that nobody decides ends after this many days. */
export const REQUEST_DAYS = 7;
/** Most runs and hours that can be asked for and granted. */
export const RUNS_MAX = 100_000;
export const HOURS_MAX = 8_784;

/** What is asked for beyond one run of this statement; null and false: nothing was said. */
export interface Wish {
  readonly credits: Credits | null;
  readonly runs: number | null;
  readonly hours: number | null;
  readonly isForShape: boolean;
}

/** A wish as it is asked: money becomes credits at the price of the ticket. */
export interface AskedWish extends Wish {
  readonly money?: { readonly amount: Money; readonly currency: string } | null;
}

export const NO_WISH: Wish = { credits: null, runs: null, hours: null, isForShape: false };

export interface ApprovalRequest {
  readonly ticketId: TicketId;
  readonly state: RequestState;
  readonly teamId: string;
  /** Who asked; not always who sent the statement. */
  readonly principalId: string;
  /** Who sent the statement. */
  readonly senderId: string;
  /** Actor of the API who asked; null: asked in SQL, or by a statement that waits. */
  readonly askedBy: string | null;
  readonly reason: string;
  /** What would let it run: credits on the budget that refused it, or a pass for the statement. */
  readonly wants: 'credits' | 'statement';
  /** What a pass would let it past; empty where a budget refused. */
  readonly passes: readonly string[];
  readonly wish: Wish;
  /** `TG2001` …; of a statement that waits for approval, the code it would be refused with. */
  readonly refusalCode: string;
  /** For people: literals are not shown. */
  readonly statementShape: string;
  /** What the statement needed. */
  readonly needsCredits: Credits;
  readonly needsMoney: Money;
  readonly currency: string;
  /** The budget that refused, and what it was short of then; null when no budget did. */
  readonly budgetId: string | null;
  readonly shortCredits: Credits | null;
  readonly askedAt: EpochMs;
  /** When it ends undecided. */
  readonly expiresAt: EpochMs;
  /** Of every state but waiting; one that is withdrawn or expired has its author too. */
  readonly decision: {
    readonly at: EpochMs;
    readonly author: string;
    readonly reason: string;
    /** Added to the budget, or the amount of the pass; null: declined, or a pass for runs. */
    readonly grantedCredits: Credits | null;
  } | null;
  readonly pass: StatementPass | null;
}

export interface Asking {
  readonly ticketId: TicketId;
  /** Only a ticket of this team can be asked for; null: of any. */
  readonly teamId: string | null;
  readonly principalId: string;
  /** Actor of the API; null: in SQL. */
  readonly askedBy?: string | null;
  /** Only tickets of this principal can be asked for; absent: of the whole team. */
  readonly onlyOf?: string;
  /** 1 to 500 characters. */
  readonly reason: string;
  readonly wish?: AskedWish;
  readonly at: EpochMs;
}

export type AskOutcome =
  | { readonly kind: 'asked' | 'replayed'; readonly request: ApprovalRequest }
  /** No such ticket in this team. */
  | { readonly kind: 'unknown' }
  /** It ran, or was refused by what nobody can lift (a full queue, a ledger that is away). */
  | { readonly kind: 'notRefused' }
  /** Money was asked for in another currency than the ticket's. */
  | { readonly kind: 'otherCurrency'; readonly currency: string }
  /** The rule says that nobody lifts it. */
  | { readonly kind: 'notApprovable'; readonly rule: string };

/** The refusals that offer a request. */
const REFUSALS: ReadonlySet<string> = new Set([
  tgLabel('budgetExceeded'),
  tgLabel('ruleRefused'),
  tgLabel('opaqueRefused'),
  tgLabel('ceilingExceeded'),
  tgLabel('approvalNeeded'),
]);

const NEEDS = 'greatest(t.high_credits, t.expected_credits)';

const TICKET = `/* prepared: billing.asked_ticket */
SELECT state, refusal_code, refusal_detail, price_per_credit, currency FROM ticket
WHERE id = $1 AND ($2::text IS NULL OR team_id = $2) AND ($3::text IS NULL OR principal_id = $3)`;

const ASK = `/* prepared: billing.ask */
INSERT INTO approval_request (ticket_id, principal_id, asked_by, reason, wants, passes, place, budget_id, short_credits,
  asked_credits, asked_runs, asked_hours, asked_shape, asked_at, expires_at)
SELECT t.id, $2, $3, $4, CASE WHEN cardinality($5::text[]) > 0 THEN 'statement' ELSE 'credits' END, $5, $6, b.id,
  CASE WHEN b.id IS NOT NULL THEN ${NEEDS} - r.available END, $7, $8, $9, $10, $11,
  $11::timestamptz + interval '${REQUEST_DAYS} days'
FROM ticket t
CROSS JOIN LATERAL (
  SELECT t.refusal_detail #>> '{budget,id}' AS budget_id,
    (t.refusal_detail #>> '{budget,availableCredits}')::numeric AS available
) r
LEFT JOIN budget b ON b.id = r.budget_id AND r.available < ${NEEDS}
WHERE t.id = $1
ON CONFLICT (ticket_id) DO NOTHING`;

/** Asks for a refused ticket; a ticket that was asked for already keeps the first request as it is. */
export async function askApproval(tx: Transaction, asking: Asking): Promise<AskOutcome> {
  const { ticketId, teamId, principalId, at } = asking;
  const wish: AskedWish = asking.wish ?? NO_WISH;
  const { rows } = await tx.query<{
    state: string;
    refusal_code: string | null;
    refusal_detail: unknown;
    price_per_credit: string;
    currency: string;
  }>(TICKET, [ticketId, teamId, asking.onlyOf ?? null]);
  const ticket = rows[0];
  if (ticket === undefined) return { kind: 'unknown' };
  const { money = null } = wish;
  if (money !== null && money.currency !== ticket.currency)
    return { kind: 'otherCurrency', currency: ticket.currency };
  const known = await findRequest(tx, ticketId);
  if (known !== undefined) return { kind: 'replayed', request: known };
  const code = ticket.refusal_code ?? '';
  if (ticket.state !== 'VOID' || !REFUSALS.has(code)) return { kind: 'notRefused' };
  const detail = Object(ticket.refusal_detail) as Readonly<Record<string, unknown>>;
  if (detail['isApprovable'] === false)
    return {
      kind: 'notApprovable',
      rule: typeof detail['rule'] === 'string' ? detail['rule'] : '',
    };
  const credits =
    money === null ? wish.credits : creditsFor(money.amount, parseMoney(ticket.price_per_credit));
  const { rowCount } = await tx.query(ASK, [
    ticketId,
    principalId,
    asking.askedBy ?? null,
    storable(asking.reason),
    passesOf(code, detail),
    typeof detail['place'] === 'string' ? detail['place'] : null,
    credits === null ? null : formatAmount(credits),
    wish.runs,
    wish.hours,
    wish.isForShape,
    new Date(at),
  ]);
  // A conflicting insert was waited for: a statement of its own sees what it committed.
  const request = must(await findRequest(tx, ticketId), 'it was asked for, here or elsewhere');
  return { kind: rowCount === 1 ? 'asked' : 'replayed', request };
}

/** Credits that an amount of money buys at a price, rounded down: never more than the money. Null: the price is zero. */
export function creditsFor(amount: Money, pricePerCredit: Money): Credits | null {
  if (pricePerCredit === 0n) return null;
  return mulDiv(amount, 10n ** BigInt(AMOUNT_SCALE), pricePerCredit, 'down') as Credits;
}

/** What a pass has to lift, as the refusal says, or its code and rule. */
function passesOf(code: string, detail: Readonly<Record<string, unknown>>): readonly string[] {
  const { passes, rule } = detail;
  if (Array.isArray(passes)) return passes.filter((name) => typeof name === 'string');
  if (code === tgLabel('budgetExceeded')) return [];
  if (code === tgLabel('ceilingExceeded')) return ['ceiling'];
  if (rule === 'external-location') return [rule];
  return [typeof rule === 'string' ? `rule:${rule}` : 'opaque'];
}

/** The request for a ticket, or undefined. */
export async function findRequest(
  db: Queryable,
  ticketId: TicketId,
): Promise<ApprovalRequest | undefined> {
  const { rows } = await db.query<RequestRow>(`${SELECT} WHERE r.ticket_id = $1`, [ticketId]);
  return rows[0] === undefined ? undefined : fromRow(rows[0]);
}

/** The request, locked until the transaction ends; undefined: there is none. */
export async function lockRequest(
  tx: Transaction,
  ticketId: TicketId,
): Promise<ApprovalRequest | undefined> {
  await tx.query('SELECT 1 FROM approval_request WHERE ticket_id = $1 FOR NO KEY UPDATE', [
    ticketId,
  ]);
  return findRequest(tx, ticketId);
}

/** Which requests are listed, and where the page begins. */
export interface RequestsAsked {
  readonly state: RequestState;
  /** null: of every team. */
  readonly teamId: string | null;
  /** null: of every principal. */
  readonly principalId?: string | null;
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
       AND ($6::text IS NULL OR r.principal_id = $6)
       AND ($3::timestamptz IS NULL OR (r.asked_at, r.ticket_id) > ($3, $4::uuid))
     ORDER BY r.asked_at, r.ticket_id LIMIT $5`,
    [
      asked.state,
      asked.teamId,
      asked.after?.[0] ?? null,
      asked.after?.[1] ?? null,
      asked.limit,
      asked.principalId ?? null,
    ],
  );
  return rows.map(fromRow);
}

/** The requests of passes that last at `at`, those that end first before the others; at most `limit`. */
export async function listLasting(
  db: Queryable,
  asked: {
    readonly teamId: string | null;
    readonly principalId: string | null;
    readonly at: EpochMs;
    readonly limit: number;
    readonly after?: readonly [expiresAt: string, ticketId: string] | undefined;
  },
): Promise<readonly ApprovalRequest[]> {
  const { rows } = await db.query<RequestRow>(
    `${SELECT} WHERE p.revoked_at IS NULL AND p.expires_at > $1 AND ($2::text IS NULL OR p.team_id = $2)
       AND ($3::text IS NULL OR p.principal_id IS NULL OR p.principal_id = $3)
       AND ($4::timestamptz IS NULL OR (p.expires_at, p.ticket_id) > ($4, $5::uuid))
     ORDER BY p.expires_at, p.ticket_id LIMIT $6`,
    [
      new Date(asked.at),
      asked.teamId,
      asked.principalId,
      asked.after?.[0] ?? null,
      asked.after?.[1] ?? null,
      asked.limit,
    ],
  );
  return rows.map(fromRow);
}

const SELECT = `SELECT r.ticket_id, r.state, t.team_id, r.principal_id, t.principal_id AS sender_id, r.asked_by, r.reason,
  CASE WHEN r.budget_id IS NULL THEN 'statement' ELSE r.wants END AS wants, r.passes, r.asked_credits, r.asked_runs,
  r.asked_hours, r.asked_shape, coalesce(t.refusal_code, '${tgLabel('approvalNeeded')}') AS refusal_code,
  t.statement_shape, ${NEEDS} AS needs_credits, t.price_per_credit, t.currency, r.budget_id, r.short_credits, r.asked_at,
  coalesce(r.expires_at, r.asked_at + interval '${REQUEST_DAYS} days') AS expires_at, r.granted_credits, r.decided_at,
  r.decided_by, r.decision_reason, ${PASS_COLUMNS}
FROM approval_request r JOIN ticket t ON t.id = r.ticket_id
LEFT JOIN statement_pass p ON p.ticket_id = r.ticket_id
${USED_LATERAL}`;

interface RequestRow extends Omit<PassRow, 'pass_ticket_id'> {
  readonly pass_ticket_id: string | null;
  readonly ticket_id: string;
  readonly state: RequestState;
  readonly team_id: string;
  readonly principal_id: string;
  readonly sender_id: string;
  readonly asked_by: string | null;
  readonly reason: string;
  readonly wants: ApprovalRequest['wants'];
  readonly passes: readonly string[];
  readonly asked_credits: string | null;
  readonly asked_runs: number | null;
  readonly asked_hours: number | null;
  readonly asked_shape: boolean;
  readonly refusal_code: string;
  readonly statement_shape: string;
  readonly needs_credits: string;
  readonly price_per_credit: string;
  readonly currency: string;
  readonly budget_id: string | null;
  readonly short_credits: string | null;
  readonly asked_at: Date;
  readonly expires_at: Date;
  readonly granted_credits: string | null;
  readonly decided_at: Date | null;
  readonly decided_by: string | null;
  readonly decision_reason: string | null;
}

function fromRow(row: RequestRow): ApprovalRequest {
  const needsCredits = parseCredits(row.needs_credits);
  const amount = (text: string | null): Credits | null =>
    text === null ? null : parseCredits(text);
  return {
    ticketId: must(tryParseTicketId(row.ticket_id), 'a stored ticket has an id'),
    state: row.state,
    teamId: row.team_id,
    principalId: row.principal_id,
    senderId: row.sender_id,
    askedBy: row.asked_by,
    reason: row.reason,
    wants: row.wants,
    passes: row.passes,
    wish: {
      credits: amount(row.asked_credits),
      runs: row.asked_runs,
      hours: row.asked_hours,
      isForShape: row.asked_shape,
    },
    refusalCode: row.refusal_code,
    statementShape: row.statement_shape,
    needsCredits,
    needsMoney: priceCredits(needsCredits, parseMoney(row.price_per_credit), 'up'),
    currency: row.currency,
    budgetId: row.budget_id,
    shortCredits: amount(row.short_credits),
    askedAt: row.asked_at.getTime(),
    expiresAt: row.expires_at.getTime(),
    decision:
      row.decided_at === null
        ? null
        : {
            at: row.decided_at.getTime(),
            author: row.decided_by ?? '',
            reason: row.decision_reason ?? '',
            grantedCredits: amount(row.granted_credits),
          },
    pass:
      row.pass_ticket_id === null ? null : passOf({ ...row, pass_ticket_id: row.pass_ticket_id }),
  };
}
