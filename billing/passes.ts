/**
 * Passes: what a granted request lets go past what refused it. A use is taken under the lock of the pass, so that any
 * number of replicas together never take more than was granted; what a statement took is its charge once it has ended,
 * and nothing when it was never sent. Lock order: the passes by their tickets, then inserts.
 */
import { must } from '#base/assert.js';
import { type TicketId, tryParseTicketId } from '#base/ids.js';
import type { Database, Queryable, Transaction } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import {
  compareAmounts,
  type Credits,
  formatAmount,
  maxAmount,
  minAmount,
  parseCredits,
  subtractCredits,
} from '#base/units.js';
import { ledgerCall } from './postgres/availability.js';
import { storable } from './postgres/ticket-row.js';

/** Most passes of a deployment that proxies look at; the newest ones. */
const PASSES_MAX = 10_000;

/** A run may take this many times its hold of the amount, so that one that outgrows its estimate is not stopped. */
const HEADROOM = 2n;

/** What a pass is for and how far it goes. */
export interface PassTerms {
  /** Statements of the shape; false: this text only. */
  readonly isForShape: boolean;
  /** Everybody in the team; false: who asked. */
  readonly isForTeam: boolean;
  /** All its runs together; null: no amount. */
  readonly amountCredits: Credits | null;
  /** null: as many as the amount allows. */
  readonly runsMax: number | null;
  readonly expiresAt: EpochMs;
}

export interface StatementPass extends PassTerms {
  /** Of the request it was granted for; a pass is named by it. */
  readonly ticketId: TicketId;
  readonly teamId: string;
  /** null: the whole team. */
  readonly principalId: string | null;
  /** What it lets the statement past: `rule:<id>`, `ceiling`, `opaque`, `external-location`. */
  readonly passes: readonly string[];
  /** Charges, and what statements under way may take. */
  readonly usedCredits: Credits;
  readonly usedRuns: number;
  readonly grantedAt: EpochMs;
  readonly revoked: {
    readonly at: EpochMs;
    readonly author: string;
    readonly reason: string;
  } | null;
}

const GRANT = `/* prepared: billing.grant_pass */
INSERT INTO statement_pass (ticket_id, account, team_id, principal_id, fingerprint, request_hash, place, passes,
  amount_credits, runs_max, granted_at, expires_at)
SELECT t.id, t.account, t.team_id, CASE WHEN NOT $3 THEN t.principal_id END, CASE WHEN $2 THEN t.fingerprint END,
  CASE WHEN NOT $2 THEN t.request_hash END, r.place, $4, $5, $6, $7, $8
FROM approval_request r JOIN ticket t ON t.id = r.ticket_id WHERE r.ticket_id = $1`;

/** Makes the pass of a request that is being granted; the caller holds the request's lock. */
export async function grantPass(
  tx: Transaction,
  ticketId: TicketId,
  passes: readonly string[],
  terms: PassTerms,
  at: EpochMs,
): Promise<void> {
  await tx.query(GRANT, [
    ticketId,
    terms.isForShape,
    terms.isForTeam,
    passes,
    terms.amountCredits === null ? null : formatAmount(terms.amountCredits),
    terms.runsMax,
    new Date(at),
    new Date(terms.expiresAt),
  ]);
}

/** SQL: runs and credits of `statement_pass p`, statements under way included, as `used.runs` and `used.credits`. */
export const USED_LATERAL: string = `CROSS JOIN LATERAL (
  SELECT p.used_runs + count(o.took) AS runs, p.used_credits + coalesce(sum(o.took), 0) AS credits
  FROM (
    SELECT CASE u.state WHEN 'SETTLED' THEN c.credits ELSE s.taken_credits END AS took
    FROM pass_use s JOIN ticket u ON u.id = s.ticket_id LEFT JOIN charge c ON c.ticket_id = u.id
    WHERE s.pass_ticket_id = p.ticket_id AND NOT s.is_counted AND u.state <> 'VOID'
  ) o
) used`;

// Both conditions on what is used spare the look at passes that are long used up; the exact one follows under the lock.
const CANDIDATES = `/* prepared: billing.pass_candidates */
SELECT p.ticket_id
FROM ticket own JOIN statement_pass p ON p.team_id = own.team_id AND p.account = own.account
WHERE own.id = $1 AND own.state = 'RESERVED' AND (p.principal_id IS NULL OR p.principal_id = own.principal_id)
  AND (p.fingerprint = own.fingerprint OR p.request_hash = own.request_hash) AND (p.place IS NULL OR p.place = $4)
  AND p.passes && $3::text[] AND p.revoked_at IS NULL AND p.expires_at > $2
  AND (p.runs_max IS NULL OR p.used_runs < p.runs_max)
  AND (p.amount_credits IS NULL OR p.used_credits < p.amount_credits)
ORDER BY p.ticket_id LIMIT 20 FOR NO KEY UPDATE OF p`;

const COUNT_ENDED = `/* prepared: billing.count_pass_uses */
WITH ended AS (
  UPDATE pass_use s SET is_counted = true
  FROM ticket u LEFT JOIN charge c ON c.ticket_id = u.id
  WHERE s.pass_ticket_id = ANY($1::uuid[]) AND NOT s.is_counted AND u.id = s.ticket_id AND u.state IN ('SETTLED', 'VOID')
  RETURNING s.pass_ticket_id, CASE WHEN u.state = 'SETTLED' THEN coalesce(c.credits, 0) END AS took
), counted AS (
  SELECT pass_ticket_id, count(took) AS runs, coalesce(sum(took), 0) AS credits FROM ended GROUP BY pass_ticket_id
)
UPDATE statement_pass p SET used_runs = p.used_runs + n.runs, used_credits = p.used_credits + n.credits
FROM counted n WHERE p.ticket_id = n.pass_ticket_id`;

const LEFT = `/* prepared: billing.pass_left */
SELECT p.ticket_id, p.passes, p.runs_max - used.runs AS runs_left, p.amount_credits - used.credits AS credits_left
FROM statement_pass p ${USED_LATERAL}
WHERE p.ticket_id = ANY($1::uuid[]) ORDER BY p.expires_at, p.ticket_id`;

const TAKE = `/* prepared: billing.take_pass */
INSERT INTO pass_use (pass_ticket_id, ticket_id, taken_credits, used_at) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING`;

export interface PassUse {
  readonly ticketId: TicketId;
  /** All of these must be passed, or nothing is taken. */
  readonly passes: readonly string[];
  /** Role, database and schema of the session, see {@link placeOf}. */
  readonly place: string;
  readonly holdCredits: Credits;
  readonly at: EpochMs;
}

export type PassUseOutcome =
  /** It may run, and cost at most this; null: the passes name no amount. */
  | { readonly kind: 'passed'; readonly ceilingCredits: Credits | null }
  /** Nothing lets it pass: not granted, used up, revoked or expired. */
  | { readonly kind: 'none' };

interface Room {
  readonly ticket_id: string;
  readonly passes: readonly string[];
  readonly runs_left: string | null;
  readonly credits_left: string | null;
}

/**
 * Takes one run of what was granted for the ticket's statement, of as many passes as it needs, the one that ends first
 * before the others. Of an amount the run takes twice its hold, at least the hold, at most what is left.
 * Fault `ledgerUnavailable`.
 */
export function usePasses(db: Database, use: PassUse): Promise<PassUseOutcome> {
  const { ticketId, passes, place, at } = use;
  return ledgerCall(() =>
    db.transaction(async (tx): Promise<PassUseOutcome> => {
      const { rows: found } = await tx.query<{ ticket_id: string }>(CANDIDATES, [
        ticketId,
        new Date(at),
        passes,
        place,
      ]);
      if (found.length === 0) return { kind: 'none' };
      const ids = found.map((row) => row.ticket_id);
      await tx.query(COUNT_ENDED, [ids]);
      // A statement of its own sees what others took while the lock was waited for.
      const { rows } = await tx.query<Room>(LEFT, [ids]);
      const chosen = choose(rows, use);
      if (chosen === undefined) return { kind: 'none' };
      for (const { pass, credits } of chosen)
        await tx.query(TAKE, [pass, ticketId, formatAmount(credits ?? NOTHING), new Date(at)]);
      return { kind: 'passed', ceilingCredits: leastOf(chosen.map(({ credits }) => credits)) };
    }),
  );
}

const NOTHING = parseCredits('0');

interface Taken {
  readonly pass: string;
  /** null: the pass has no amount. */
  readonly credits: Credits | null;
}

/** Which passes let it past everything; undefined: something is left in its way. */
function choose(rows: readonly Room[], use: PassUse): readonly Taken[] | undefined {
  const chosen = new Map<string, Taken>();
  const open = new Set(use.passes);
  for (const row of rows) {
    const covers = row.passes.filter((name) => open.has(name));
    if (covers.length === 0) continue;
    const taken = takenOf(row, use.holdCredits);
    if (taken === undefined) continue;
    chosen.set(row.ticket_id, taken);
    for (const name of covers) open.delete(name);
  }
  return open.size === 0 ? [...chosen.values()] : undefined;
}

function takenOf(row: Room, holdCredits: Credits): Taken | undefined {
  if (row.runs_left !== null && Number(row.runs_left) < 1) return undefined;
  if (row.credits_left === null) return { pass: row.ticket_id, credits: null };
  const left = parseCredits(row.credits_left);
  if (left <= 0n || compareAmounts(left, holdCredits) < 0) return undefined;
  const wanted = maxAmount((holdCredits * HEADROOM) as Credits, holdCredits);
  return { pass: row.ticket_id, credits: holdCredits === 0n ? NOTHING : minAmount(wanted, left) };
}

function leastOf(amounts: readonly (Credits | null)[]): Credits | null {
  return amounts.reduce<Credits | null>((least, amount) => {
    if (amount === null || amount === 0n) return least;
    return least === null ? amount : minAmount(least, amount);
  }, null);
}

/** A pass that lasts, as proxies look for it before they refuse. */
export interface LastingPass {
  readonly account: string;
  readonly teamId: string;
  readonly principalId: string | null;
  readonly fingerprint: string | null;
  readonly requestHash: string | null;
  readonly place: string | null;
  readonly passes: readonly string[];
  readonly amountCredits: Credits | null;
  readonly expiresAt: EpochMs;
}

const LASTING = `/* prepared: billing.lasting_passes */
SELECT account, team_id, principal_id, fingerprint, request_hash, place, passes, amount_credits, expires_at
FROM statement_pass
WHERE revoked_at IS NULL AND expires_at > $1 AND (runs_max IS NULL OR used_runs < runs_max)
  AND (amount_credits IS NULL OR used_credits < amount_credits)
ORDER BY granted_at DESC LIMIT ${PASSES_MAX}`;

/** Every pass that lasts at `at`, without those whose ended statements have used them up. Fault `ledgerUnavailable`. */
export function lastingPasses(db: Queryable, at: EpochMs): Promise<readonly LastingPass[]> {
  return ledgerCall(async () => {
    const { rows } = await db.query<{
      account: string;
      team_id: string;
      principal_id: string | null;
      fingerprint: string | null;
      request_hash: string | null;
      place: string | null;
      passes: readonly string[];
      amount_credits: string | null;
      expires_at: Date;
    }>(LASTING, [new Date(at)]);
    return rows.map((row) => ({
      account: row.account,
      teamId: row.team_id,
      principalId: row.principal_id,
      fingerprint: row.fingerprint,
      requestHash: row.request_hash,
      place: row.place,
      passes: row.passes,
      amountCredits: row.amount_credits === null ? null : parseCredits(row.amount_credits),
      expiresAt: row.expires_at.getTime(),
    }));
  });
}

/** The columns of {@link PassRow} from `statement_pass p` and {@link USED_LATERAL}. */
export const PASS_COLUMNS: string = `p.ticket_id AS pass_ticket_id, p.team_id AS pass_team_id,
  p.principal_id AS pass_principal_id, p.fingerprint IS NOT NULL AS pass_for_shape, p.passes AS pass_passes,
  p.amount_credits AS pass_amount, p.runs_max AS pass_runs_max, used.credits AS pass_used_credits,
  used.runs AS pass_used_runs, p.granted_at AS pass_granted_at, p.expires_at AS pass_expires_at,
  p.revoked_at AS pass_revoked_at, p.revoked_by AS pass_revoked_by, p.revoke_reason AS pass_revoke_reason`;

export interface PassRow {
  readonly pass_ticket_id: string;
  readonly pass_team_id: string;
  readonly pass_principal_id: string | null;
  readonly pass_for_shape: boolean;
  readonly pass_passes: readonly string[];
  readonly pass_amount: string | null;
  readonly pass_runs_max: number | null;
  readonly pass_used_credits: string;
  readonly pass_used_runs: string;
  readonly pass_granted_at: Date;
  readonly pass_expires_at: Date;
  readonly pass_revoked_at: Date | null;
  readonly pass_revoked_by: string | null;
  readonly pass_revoke_reason: string | null;
}

/** A row as a pass; amounts at twelve decimals. */
export function passOf(row: PassRow): StatementPass {
  return {
    ticketId: must(tryParseTicketId(row.pass_ticket_id), 'a stored ticket has an id'),
    teamId: row.pass_team_id,
    principalId: row.pass_principal_id,
    isForShape: row.pass_for_shape,
    isForTeam: row.pass_principal_id === null,
    passes: row.pass_passes,
    amountCredits: row.pass_amount === null ? null : parseCredits(row.pass_amount),
    runsMax: row.pass_runs_max,
    usedCredits: parseCredits(row.pass_used_credits),
    usedRuns: Number(row.pass_used_runs),
    grantedAt: row.pass_granted_at.getTime(),
    expiresAt: row.pass_expires_at.getTime(),
    revoked:
      row.pass_revoked_at === null
        ? null
        : {
            at: row.pass_revoked_at.getTime(),
            author: row.pass_revoked_by ?? '',
            reason: row.pass_revoke_reason ?? '',
          },
  };
}

/** Of the amount; null: the pass has none. Negative after an overrun. */
export function leftOf(pass: StatementPass): Credits | null {
  return pass.amountCredits === null ? null : subtractCredits(pass.amountCredits, pass.usedCredits);
}

const REVOKE = `/* prepared: billing.revoke_pass */
UPDATE statement_pass SET revoked_at = $2, revoked_by = $3, revoke_reason = $4
WHERE ticket_id = $1 AND revoked_at IS NULL`;

/** Ends a pass now; statements that run by it run on. False: it does not exist, or is revoked already. */
export async function revokePass(
  tx: Transaction,
  revoking: {
    readonly ticketId: TicketId;
    readonly author: string;
    readonly reason: string;
    readonly at: EpochMs;
  },
): Promise<boolean> {
  const { ticketId, author, reason, at } = revoking;
  const { rowCount } = await tx.query(REVOKE, [ticketId, new Date(at), author, storable(reason)]);
  return rowCount === 1;
}

/** Where a text means what was approved: the names in it are found by role, database and schema. */
export function placeOf(session: {
  readonly role: string | null;
  readonly database: string | null;
  readonly schema: string | null;
}): string {
  return JSON.stringify([session.role, session.database, session.schema]);
}
