/**
 * The preview of a mapping: which statements of the last 30 days another mapping would have charged to another team,
 * or refused. Reads only: one grouped query over tickets and charges, one row a caller, under a cap.
 */
import type { Database } from '#base/postgres/pool.js';
import { type EpochMs, formatInstant } from '#base/time.js';
import { formatAmount, parseCredits, parseMoney } from '#base/units.js';
import type { ControlDocument } from '#policies/control/document.js';
import {
  type CallerUse,
  type Destination,
  mappingMoves,
  type TeamMove,
  type UseTotals,
} from '#policies/mapping-preview.js';

/** How far back it looks. */
export const PREVIEW_DAYS = 30;
/** Callers (account, user, role, currency) that are compared; those with most statements come first. */
const CALLERS_MAX = 50_000;
/** Pairs of teams that are told. */
const MOVES_MAX = 200;
const STATEMENT_TIMEOUT_MS = 25_000;
const DAY_MS = 86_400_000;

/** Sums as decimal strings. */
export interface PreviewTotals {
  readonly statements: number;
  readonly credits: string;
  readonly amounts: readonly { readonly currency: string; readonly amount: string }[];
}

export interface PreviewMove extends PreviewTotals {
  readonly from: Destination;
  /** `unknown`, `suspended`: the statements would be refused. */
  readonly to: Destination;
  /** Those with most credits, at most ten. */
  readonly principals: readonly (PreviewTotals & {
    readonly from: string | null;
    readonly to: string | null;
  })[];
  /** Some of the tickets, at most five. */
  readonly ticketIds: readonly string[];
}

export interface MappingPreview {
  readonly since: string;
  readonly until: string;
  /** With most credits first. */
  readonly moves: readonly PreviewMove[];
  readonly staying: PreviewTotals;
  /** It depends on the network that the caller was in, which is not kept with a ticket. */
  readonly undecided: PreviewTotals;
  /** Named by a claim or a terminated sign-in, which a mapping does not touch. */
  readonly untouchedStatements: number;
  /** Statements of callers beyond the cap; 0: all were compared. */
  readonly uncomparedStatements: number;
  /** More pairs of teams move than are told. */
  readonly isCut: boolean;
}

const USES = `
WITH use AS MATERIALIZED (
  SELECT t.account, t.snowflake_user, t.role_name, t.currency, count(*) AS statements,
    coalesce(sum(c.credits), 0) AS credits, coalesce(sum(c.money), 0) AS money, max(t.id::text) AS ticket_id,
    (t.via_principal_id IS NOT NULL OR coalesce(s.sign_in = 'terminated', false)) AS is_untouched
  FROM ticket t
  LEFT JOIN charge c ON c.ticket_id = t.id
  LEFT JOIN session_state s ON s.account = t.account AND s.session_id = t.session_id
  WHERE t.occurred_at >= $1 AND t.occurred_at < $2
  GROUP BY t.account, t.snowflake_user, t.role_name, t.currency, is_untouched
), total AS (
  SELECT coalesce(sum(statements) FILTER (WHERE is_untouched), 0)::text AS untouched,
    coalesce(sum(statements) FILTER (WHERE NOT is_untouched), 0)::text AS touched
  FROM use
)
SELECT u.account, u.snowflake_user, u.role_name, u.currency, u.statements, u.credits, u.money, u.ticket_id,
  total.untouched, total.touched
FROM total LEFT JOIN use u ON NOT u.is_untouched
ORDER BY u.statements DESC NULLS LAST, u.account, u.snowflake_user, u.role_name LIMIT ${CALLERS_MAX}`;

interface UseRow {
  /** null: there is no use, the row only has the totals. */
  readonly account: string | null;
  readonly snowflake_user: string;
  readonly role_name: string | null;
  readonly currency: string;
  readonly statements: string;
  readonly credits: string;
  readonly money: string;
  readonly ticket_id: string;
  readonly untouched: string;
  readonly touched: string;
}

/**
 * What `next` would have made of the statements of the {@link PREVIEW_DAYS} days before `at` that `current` makes
 * otherwise. Writes nothing.
 */
export async function previewMapping(
  db: Database,
  current: ControlDocument,
  next: ControlDocument,
  at: EpochMs,
): Promise<MappingPreview> {
  const since = at - PREVIEW_DAYS * DAY_MS;
  const rows = await db.transaction(async (tx) => {
    await tx.query('SET TRANSACTION READ ONLY');
    await tx.query(`SET LOCAL statement_timeout = ${STATEMENT_TIMEOUT_MS}`);
    const result = await tx.query<UseRow & Record<string, unknown>>(USES, [
      new Date(since),
      new Date(at),
    ]);
    return result.rows;
  });
  const uses = rows.flatMap((row) => (row.account === null ? [] : [toUse(row, row.account)]));
  const { moves, staying, undecided } = mappingMoves(current, next, uses);
  const compared = uses.reduce((sum, use) => sum + use.statements, 0);
  return {
    since: formatInstant(since),
    until: formatInstant(at),
    moves: moves.slice(0, MOVES_MAX).map(toMove),
    staying: toTotals(staying),
    undecided: toTotals(undecided),
    untouchedStatements: Number(rows[0]?.untouched ?? 0),
    uncomparedStatements: Number(rows[0]?.touched ?? 0) - compared,
    isCut: moves.length > MOVES_MAX,
  };
}

function toUse(row: UseRow, account: string): CallerUse {
  return {
    account,
    snowflakeUser: row.snowflake_user,
    role: row.role_name,
    currency: row.currency,
    statements: Number(row.statements),
    credits: parseCredits(row.credits),
    money: parseMoney(row.money),
    ticketId: row.ticket_id,
  };
}

function toMove(move: TeamMove): PreviewMove {
  return {
    from: move.from,
    to: move.to,
    ...toTotals(move),
    principals: move.principals.map((each) => ({
      from: each.from,
      to: each.to,
      ...toTotals(each),
    })),
    ticketIds: move.ticketIds,
  };
}

function toTotals({ statements, credits, amounts }: UseTotals): PreviewTotals {
  return {
    statements,
    credits: formatAmount(credits),
    amounts: amounts.map(({ currency, money }) => ({ currency, amount: formatAmount(money) })),
  };
}
