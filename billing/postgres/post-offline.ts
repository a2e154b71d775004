/**
 * Tells the ledger of a statement that was admitted and sent without it: ticket, hold and what they were admitted by, in
 * one transaction, once. What its lease still has idle carries it; else the period does, as far as a hard budget has
 * room. What has none is not held and becomes overrun when it is settled, so that no admission passes a limit (I1, I6).
 */
import type { Queryable } from '#base/postgres/pool.js';
import { formatAmount, parseCredits, tryParseCredits } from '#base/units.js';
import type { Credits } from '#base/units.js';
import { tryParseTicketId, type TicketId } from '#base/ids.js';
import { must } from '#base/assert.js';
import type { EpochMs } from '#base/time.js';
import type { TicketFacts } from '../ledger.js';
import { openPeriods } from './open-periods.js';
import { STANDING_COLUMNS } from './standing-row.js';
import {
  TICKET_COLUMNS,
  TICKET_RECORD,
  TICKET_VALUES,
  jsonFor,
  ticketRecord,
} from './ticket-row.js';

/** By what a budget let a statement pass. */
export type OfflineBy = 'lease' | 'allowance';

export type OfflineBudget = { readonly id: string; readonly by: OfflineBy };

/** As it stands in the journal of a replica. */
export type OfflineStatement = {
  readonly kind: 'offline';
  readonly ticketId: TicketId;
  /** The columns of its ticket, as JSON. */
  readonly ticket: string;
  readonly budgets: readonly OfflineBudget[];
  /** What it was admitted for; a decimal. */
  readonly credits: string;
  readonly outageStartedAt: EpochMs;
  readonly sentAt: EpochMs;
};

// The period is locked before the lease, as everywhere. A repeat finds the ticket and changes nothing. Another ticket may
// stand for the request by now, sent elsewhere: this one ran all the same, and stands for nothing.
const POST = `/* prepared: billing.post_offline */
WITH m AS MATERIALIZED (
  SELECT t.* FROM jsonb_to_record($1::jsonb) AS t (${TICKET_RECORD}, wanted numeric, sent_at timestamptz,
    outage_started_at timestamptz, budgets jsonb)
), period AS MATERIALIZED (
  SELECT DISTINCT ON (p.budget_id) p.id FROM m JOIN budget_period p
    ON p.budget_id = ANY($2::text[]) AND p.starts_at <= m.occurred_at AND p.ends_at > m.occurred_at
  ORDER BY p.budget_id, p.starts_at DESC
), locked AS MATERIALIZED (
  SELECT p.id, ${STANDING_COLUMNS} FROM period x JOIN budget_period p ON p.id = x.id JOIN budget b ON b.id = p.budget_id
  ORDER BY p.id FOR NO KEY UPDATE OF p
), l AS MATERIALIZED (
  SELECT l.id, l.budget_period_id, l.idle_credits FROM locked k JOIN lease l ON l.budget_period_id = k.id, m
  WHERE l.replica = m.replica AND l.ended_at IS NULL AND l.idle_credits >= m.wanted AND m.wanted > 0
  ORDER BY l.id FOR NO KEY UPDATE OF l
), place AS MATERIALIZED (
  SELECT k.id, l.id AS lease_id, CASE WHEN l.id IS NULL AND k.is_hard AND k.limit_credits IS NOT NULL
      THEN greatest(k.limit_credits - k.spent_credits - k.held_credits - k.leased_credits, 0) END AS room
  FROM locked k LEFT JOIN l ON l.budget_period_id = k.id
), fit AS MATERIALIZED (
  SELECT least(m.wanted, coalesce((SELECT min(room) FROM place), m.wanted)) AS held FROM m
), made AS (
  INSERT INTO ticket (${TICKET_COLUMNS}, state, stands_for_request, hold_credits, sent_at)
  SELECT ${TICKET_VALUES}, 'SENT', NOT EXISTS (SELECT FROM ticket k WHERE k.account = t.account
      AND k.session_id = t.session_id AND k.request_id = t.request_id AND k.stands_for_request), fit.held, t.sent_at
  FROM m t, fit
  ON CONFLICT DO NOTHING
  RETURNING id, replica, occurred_at, hold_credits
), opened AS (
  INSERT INTO open_ticket (ticket_id) SELECT id FROM made
), taken AS MATERIALIZED (
  SELECT d.id AS ticket_id, p.id AS period_id, p.lease_id, d.hold_credits AS held FROM made d, place p
), lowered AS (
  UPDATE lease SET idle_credits = l.idle_credits - t.held FROM l JOIN taken t ON t.lease_id = l.id WHERE lease.id = l.id
), raised AS (
  UPDATE budget_period b SET held_credits = b.held_credits + t.held FROM taken t
  WHERE b.id = t.period_id AND t.lease_id IS NULL
), held AS (
  INSERT INTO hold (ticket_id, budget_period_id, credits, lease_id) SELECT ticket_id, period_id, held, lease_id FROM taken
), journalled AS (
  INSERT INTO journal (kind, ticket_id, key, author, reason, occurred_at)
  SELECT 'hold', id, 'hold:' || id, replica, 'admitted without the ledger', occurred_at FROM made
  RETURNING id, ticket_id
), entered AS (
  INSERT INTO entry (journal_id, ordinal, budget_period_id, account, credits)
  SELECT j.id, row_number() OVER (PARTITION BY j.id), t.period_id, x.account, x.sign * t.held
  FROM journalled j JOIN taken t ON t.ticket_id = j.ticket_id
  CROSS JOIN (VALUES ('available', -1), ('held', 1)) AS x (account, sign)
  WHERE t.held > 0 AND t.lease_id IS NULL
), noted AS (
  INSERT INTO offline_admission (ticket_id, replica, outage_started_at, admitted_at, budgets, admitted_credits, held_credits)
  SELECT d.id, d.replica, m.outage_started_at, m.sent_at, m.budgets, m.wanted, d.hold_credits FROM made d, m
)
SELECT hold_credits AS held FROM made`;

const POSTED = `/* prepared: billing.posted_offline */
SELECT held_credits AS held FROM offline_admission WHERE ticket_id = $1`;

/** What {@link OfflineStatement} says of a statement. */
export function toOfflineStatement(
  ticket: TicketFacts,
  said: Pick<OfflineStatement, 'budgets' | 'outageStartedAt' | 'sentAt'> & {
    readonly credits: Credits;
  },
): OfflineStatement {
  const { budgets, outageStartedAt, sentAt } = said;
  return {
    kind: 'offline',
    ticketId: ticket.ticketId,
    ticket: JSON.stringify(ticketRecord(ticket)),
    budgets,
    credits: formatAmount(said.credits),
    outageStartedAt,
    sentAt,
  };
}

/** A record of a journal, if it is such a statement. */
export function tryParseOffline(record: unknown): OfflineStatement | undefined {
  if (typeof record !== 'object' || record === null) return undefined;
  const fields = record as Partial<OfflineStatement>;
  if (fields.kind !== 'offline') return undefined;
  const ticketId = must(
    tryParseTicketId(String(fields.ticketId)),
    'a journalled statement names its ticket',
  );
  const { ticket, budgets, credits, outageStartedAt, sentAt } = fields;
  must(tryParseCredits(String(credits)), 'a journalled statement has an amount');
  return {
    kind: 'offline',
    ticketId,
    ticket: must(ticket, 'a journalled statement has its ticket'),
    budgets: must(budgets, 'a journalled statement has its budgets'),
    credits: String(credits),
    outageStartedAt: must(outageStartedAt, 'a journalled statement has its outage'),
    sentAt: must(sentAt, 'a journalled statement has its time'),
  };
}

/** Tries at a request for which another ticket came to stand meanwhile. */
const TRIES_MAX = 3;

/**
 * Posts the statement unless it is posted; on disk when this resolves. The credits that are held for it, less than it was
 * admitted for where a hard budget has no room any more.
 */
export async function postOffline(db: Queryable, statement: OfflineStatement): Promise<Credits> {
  const { ticketId, ticket, budgets, credits } = statement;
  const budgetIds = budgets.map(({ id }) => id);
  const columns = JSON.parse(ticket) as ReturnType<typeof ticketRecord>;
  const occurredAt = Date.parse(String(columns.occurred_at));
  const record = jsonFor({
    ...columns,
    budgets,
    wanted: credits,
    sent_at: new Date(statement.sentAt).toISOString(),
    outage_started_at: new Date(statement.outageStartedAt).toISOString(),
  });
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const { rows: before } = await db.query<{ held: string }>(POSTED, [ticketId]);
    if (before[0] !== undefined) return parseCredits(before[0].held);
    if (tries === 0) await openPeriods(db, budgetIds, occurredAt);
    const { rows } = await db.query<{ held: string }>(POST, [record, budgetIds]);
    if (rows[0] !== undefined) return parseCredits(rows[0].held);
  }
  throw new Error(`the ticket ${ticketId} exists and was not admitted without the ledger`);
}
