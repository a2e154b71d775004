/**
 * Statements that pass their budgets by break-glass: they hold nothing, and what they use is charged to every budget of
 * their path as overrun, into debt where there is nothing left (I6).
 */
import type { TicketId } from '#base/ids.js';
import type { Database, Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { Fault } from '#base/errors.js';
import type { KnownTicket, TicketFacts } from './ledger.js';
import { ledgerCall } from './postgres/availability.js';
import { ticketById, ticketByRequest } from './postgres/known-ticket.js';
import { openPeriods } from './postgres/open-periods.js';
import {
  jsonFor,
  storable,
  TICKET_COLUMNS,
  TICKET_RECORD,
  TICKET_VALUES,
  ticketRecord,
} from './postgres/ticket-row.js';

export interface BreakGlassReason {
  readonly principalId: string;
  readonly wayId: string;
  /** 1 to 500 characters. */
  readonly reason: string;
}

const OPEN = `/* prepared: billing.open_break_glass */
INSERT INTO break_glass (principal_id, way_id, reason, opened_at, ends_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (principal_id, way_id, reason) DO NOTHING`;
const ENDS = `/* prepared: billing.break_glass_end */
SELECT ends_at FROM break_glass WHERE principal_id = $1 AND way_id = $2 AND reason = $3`;

/** Opens break-glass by a reason, once for ever; until when it is open. Fault `ledgerUnavailable`. */
export function openBreakGlass(
  db: Queryable,
  by: BreakGlassReason,
  at: EpochMs,
  minutes: number,
): Promise<EpochMs> {
  const key = [by.principalId, by.wayId, storable(by.reason)];
  return ledgerCall(async () => {
    await db.query(OPEN, [...key, new Date(at), new Date(at + minutes * 60_000)]);
    const { rows } = await db.query<{ ends_at: Date }>(ENDS, key);
    return rows[0]?.ends_at.getTime() ?? at;
  });
}

// As a reserve (postgres/reserve.ts) that asks no budget and holds nothing: no amounts, so no entries.
const RESERVE = `/* prepared: billing.reserve_break_glass */
WITH period AS MATERIALIZED (
  SELECT DISTINCT ON (budget_id) id FROM budget_period
  WHERE budget_id = ANY($2::text[]) AND starts_at <= $3 AND ends_at > $3
  ORDER BY budget_id, starts_at DESC
), made AS (
  INSERT INTO ticket (${TICKET_COLUMNS}, state, stands_for_request, hold_credits)
  SELECT ${TICKET_VALUES}, 'RESERVED', true, 0 FROM jsonb_to_recordset($1::jsonb) AS t (${TICKET_RECORD})
  WHERE (SELECT count(*) FROM period) = cardinality($2::text[])
  ON CONFLICT DO NOTHING
  RETURNING id, replica
), opened AS (
  INSERT INTO open_ticket (ticket_id) SELECT id FROM made
), held AS (
  INSERT INTO hold (ticket_id, budget_period_id, credits) SELECT m.id, p.id, 0 FROM made m, period p
), journalled AS (
  INSERT INTO journal (kind, ticket_id, key, author, reason, occurred_at)
  SELECT 'hold', id, 'hold:' || id, replica, 'break-glass', $3 FROM made
), used AS (
  INSERT INTO break_glass_use (ticket_id, principal_id, way_id, reason, used_at) SELECT id, $4, $5, $6, $3 FROM made
)
SELECT (SELECT count(*) FROM period) AS found, (SELECT count(*) FROM made) AS made`;

const TRIES_MAX = 4;

export type BreakGlassOutcome =
  | { readonly kind: 'held' }
  /** A ticket stands for this request already. */
  | { readonly kind: 'known'; readonly ticket: KnownTicket };

/** Makes the ticket, with holds of nothing on every budget of the path. Fault `ledgerUnavailable`. */
export function reserveByBreakGlass(
  db: Database,
  request: { readonly ticket: TicketFacts; readonly budgetIds: readonly string[] },
  by: BreakGlassReason,
): Promise<BreakGlassOutcome> {
  return ledgerCall(async () => {
    const { ticket } = request;
    const budgetIds = [...new Set(request.budgetIds)];
    const at = new Date(ticket.occurredAt);
    const values = [
      jsonFor([ticketRecord(ticket)]),
      budgetIds,
      at,
      by.principalId,
      by.wayId,
      storable(by.reason),
    ];
    for (let attempt = 0; attempt < TRIES_MAX; attempt += 1) {
      const { rows } = await db.query<{ found: string; made: string }>(RESERVE, values);
      if (rows[0]?.made === '1') return { kind: 'held' };
      if (Number(rows[0]?.found) < budgetIds.length)
        await openPeriods(db, budgetIds, ticket.occurredAt);
      const known = (await ticketByRequest(db, ticket)) ?? (await ticketById(db, ticket.ticketId));
      if (known !== undefined) return { kind: 'known', ticket: known };
    }
    throw new Fault('ledgerUnavailable', 'The periods of the budgets could not be opened.');
  });
}

/** What was passed by break-glass once, for the audit log. */
export interface BreakGlassUse extends BreakGlassReason {
  readonly ticketId: TicketId;
  readonly teamId: string;
  readonly fingerprint: string;
  readonly endsAt: EpochMs;
  readonly at: EpochMs;
}
