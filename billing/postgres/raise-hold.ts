/** Raises the hold of a statement in flight, in the periods that admitted it, where every hard budget has the rest (I7). */
import { must } from '#base/assert.js';
import type { TicketId } from '#base/ids.js';
import type { Queryable } from '#base/postgres/pool.js';
import { parseCredits, subtractCredits } from '#base/units.js';
import type { Credits } from '#base/units.js';
import type { EpochMs } from '#base/time.js';
import type { BudgetStanding, TopUpOutcome } from '../ledger.js';
import { tightest } from '../standing.js';
import type { Shortage } from '../standing.js';
import {
  STANDING_COLUMNS,
  amountParameter,
  byBudgetSql,
  fitsSql,
  standingOf,
} from './standing-row.js';
import type { StandingRow } from './standing-row.js';

// The ticket is locked first, the periods last; every hold of a ticket has the amount in the ticket's row. What a hold
// under a lease grows by comes from the period and is counted with what is leased. Unless $4 says so, nothing is added
// where what is left of a hard budget's period was carried on.
const TOP_UP = `/* prepared: billing.top_up */
WITH t AS MATERIALIZED (
  SELECT id, replica, hold_credits, greatest($2::numeric - hold_credits, 0) AS added FROM ticket
  WHERE id = $1 AND state IN ('RESERVED', 'SENT', 'RUNNING', 'IN_DOUBT') FOR NO KEY UPDATE
), locked AS MATERIALIZED (
  SELECT p.id, t.added, h.lease_id IS NOT NULL AS is_leased, p.is_carried_on,
    ${STANDING_COLUMNS}
  FROM t JOIN hold h ON h.ticket_id = t.id JOIN budget_period p ON p.id = h.budget_period_id
  JOIN budget b ON b.id = p.budget_id
  WHERE t.added > 0
  ORDER BY p.id FOR NO KEY UPDATE OF p
), judged AS MATERIALIZED (
  SELECT coalesce(bool_and(${fitsSql('l', 'l.added')}
    AND ($4::boolean OR NOT (l.is_carried_on AND l.is_hard AND l.limit_credits IS NOT NULL))), true) AS fits
  FROM locked l
), raised_ticket AS (
  UPDATE ticket SET hold_credits = $2::numeric FROM t, judged j
  WHERE ticket.id = t.id AND t.added > 0 AND j.fits
  RETURNING ticket.id
), admitted AS MATERIALIZED (
  SELECT l.id AS budget_period_id, l.added, l.is_leased FROM locked l, judged j WHERE j.fits
), raised_hold AS (
  UPDATE hold h SET credits = h.credits + a.added FROM admitted a
  WHERE h.ticket_id = $1 AND h.budget_period_id = a.budget_period_id
), raised AS (
  UPDATE budget_period p SET held_credits = p.held_credits + CASE WHEN a.is_leased THEN 0 ELSE a.added END,
    leased_credits = p.leased_credits + CASE WHEN a.is_leased THEN a.added ELSE 0 END
  FROM admitted a WHERE p.id = a.budget_period_id
), journalled AS (
  INSERT INTO journal (kind, ticket_id, key, author, reason, occurred_at)
  SELECT 'top_up', t.id, 'top_up:' || t.id || ':' || $2::numeric, t.replica, 'running longer than held', $3
  FROM t, judged j WHERE t.added > 0 AND j.fits
  RETURNING id
), entered AS (
  INSERT INTO entry (journal_id, ordinal, budget_period_id, account, credits)
  SELECT j.id, row_number() OVER (), a.budget_period_id, x.account, x.sign * a.added
  FROM journalled j, admitted a,
    LATERAL (VALUES ('available', -1), (CASE WHEN a.is_leased THEN 'leased' ELSE 'held' END, 1)) AS x (account, sign)
)
SELECT t.hold_credits AS earlier_hold_credits, t.added, j.fits, l.*
FROM t CROSS JOIN judged j LEFT JOIN locked l ON true
ORDER BY ${byBudgetSql('l')}`;

interface TopUpRow {
  readonly earlier_hold_credits: string;
  readonly fits: boolean;
  /** Of the period. */
  readonly id: string;
}

export interface Raise {
  readonly ticketId: TicketId;
  /** What shall be held in all. */
  readonly holdCredits: Credits;
}

/** What one attempt to raise a hold has found. */
export type Raised =
  | Exclude<TopUpOutcome, { kind: 'refused' | 'closed' }>
  | { readonly kind: 'ended' }
  /** Nothing was added; the period is the one that `budget` stands in. */
  | ({ readonly kind: 'short'; readonly periodId: string } & Shortage<BudgetStanding>)
  /** Nothing was added: each period has enough, and what one of them has left was carried on. */
  | { readonly kind: 'carriedOn' };

/**
 * Raises the hold where the periods that admitted it have the rest.
 * @param looked where the caller looks: `own`, nowhere else; `following`, also into the periods that what is left was
 *   carried into, and `carriedOn` is not an outcome.
 */
export async function raiseHold(
  db: Queryable,
  { ticketId, holdCredits }: Raise,
  at: EpochMs,
  looked: 'own' | 'following',
): Promise<Raised> {
  const values = [ticketId, amountParameter(holdCredits), new Date(at), looked === 'following'];
  const { rows } = await db.query<TopUpRow & StandingRow>(TOP_UP, values);
  const first = rows[0];
  if (first === undefined) return { kind: 'ended' };
  const earlier = parseCredits(first.earlier_hold_credits);
  if (earlier >= holdCredits) return { kind: 'replayed', holdCredits: earlier };
  if (first.fits) return { kind: 'held', holdCredits };
  const standings = rows.map((row) => standingOf(row));
  const shortage = tightest(standings, subtractCredits(holdCredits, earlier));
  if (shortage === undefined) return { kind: 'carriedOn' };
  const period = must(rows[standings.indexOf(shortage.budget)], 'the budget is one of these');
  return { kind: 'short', periodId: period.id, ...shortage };
}
