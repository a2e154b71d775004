/** Makes the ticket and holds its amount on every budget of the path, or on none. One statement, one transaction. */
import { Fault, tgLabel } from '#base/errors.js';
import { must } from '#base/assert.js';
import type { Database } from '#base/postgres/pool.js';
import { NO_CREDITS } from '#base/units.js';
import type { ReserveOutcome, ReserveRequest, TicketState } from '../ledger.js';
import { tightest } from '../standing.js';
import { ticketById, ticketByRequest } from './known-ticket.js';
import { openPeriods } from './open-periods.js';
import {
  STANDING_COLUMNS,
  amountParameter,
  byBudgetSql,
  fitsSql,
  standingOf,
} from './standing-row.js';
import type { StandingRow } from './standing-row.js';
import {
  TICKET_COLUMNS,
  TICKET_RECORD,
  TICKET_VALUES,
  jsonFor,
  ticketRecord,
} from './ticket-row.js';

// The rows of the periods are locked in the order of their ids, read as they are once the lock is had, and written
// by the same statement: no round trip passes while a hot row is locked. Nothing is written when a period is not
// open yet (found < asked) or a ticket stands for the request. The commit does not wait for the disk, so that the hot row is not
// locked for a flush: markSent does wait, its flush covers this one too (the log is sequential), and a ticket that a
// crash forgets in between was never sent.
const RESERVE = `/* prepared: billing.reserve */
WITH period AS MATERIALIZED (
  SELECT DISTINCT ON (budget_id) id FROM budget_period
  WHERE budget_id = ANY($2::text[]) AND starts_at <= $4 AND ends_at > $4
  ORDER BY budget_id, starts_at DESC
), locked AS MATERIALIZED (
  SELECT p.id, ${STANDING_COLUMNS}
  FROM period w JOIN budget_period p ON p.id = w.id JOIN budget b ON b.id = p.budget_id
  ORDER BY p.id FOR NO KEY UPDATE OF p
), judged AS MATERIALIZED (
  SELECT count(*) AS found, coalesce(bool_and(${fitsSql('l', '$3::numeric')}), true) AS fits FROM locked l
), made AS (
  INSERT INTO ticket (${TICKET_COLUMNS}, state, stands_for_request, hold_credits, refusal_code, ended_at)
  SELECT ${TICKET_VALUES}, CASE WHEN j.fits THEN 'RESERVED' ELSE 'VOID' END, true, CASE WHEN j.fits THEN $3::numeric ELSE 0 END,
    CASE WHEN j.fits THEN NULL ELSE $5 END, CASE WHEN j.fits THEN NULL ELSE $4::timestamptz END
  FROM judged j, jsonb_to_recordset($1::jsonb) AS t (${TICKET_RECORD})
  WHERE j.found = cardinality($2::text[])
  ON CONFLICT DO NOTHING
  RETURNING id, state, replica
), admitted AS MATERIALIZED (
  SELECT l.id AS budget_period_id, m.id AS ticket_id FROM made m, locked l WHERE m.state = 'RESERVED'
), raised AS (
  UPDATE budget_period p SET held_credits = p.held_credits + $3::numeric
  FROM admitted a WHERE p.id = a.budget_period_id
), held AS (
  INSERT INTO hold (ticket_id, budget_period_id, credits)
  SELECT ticket_id, budget_period_id, $3::numeric FROM admitted
), journalled AS (
  INSERT INTO journal (kind, ticket_id, key, author, reason, occurred_at)
  SELECT 'hold', id, 'hold:' || id, replica, 'admitted', $4 FROM made WHERE state = 'RESERVED'
  RETURNING id
), entered AS (
  INSERT INTO entry (journal_id, ordinal, budget_period_id, account, credits)
  SELECT j.id, row_number() OVER (), a.budget_period_id, x.account, x.sign * $3::numeric
  FROM journalled j, admitted a, (VALUES ('available', -1), ('held', 1)) AS x (account, sign)
  WHERE $3::numeric > 0
)
SELECT (SELECT state FROM made) AS made_state, j.found, set_config('synchronous_commit', 'off', true), l.*
FROM judged j LEFT JOIN locked l ON true
ORDER BY ${byBudgetSql('l')}`;

interface ReserveRow extends Partial<StandingRow> {
  readonly made_state: TicketState | null;
  readonly found: string;
}

/** Opening a period and losing a race for the same request each need one more try; more is a bug or a bad clock. */
const TRIES_MAX = 4;

/**
 * @returns `held`, `known` (a ticket stands for the request already), or `refused` with the tightest hard budget; then the ticket is
 *   VOID with the code of the refusal.
 * @throws Fault `controlStale` for a budget the database does not have.
 */
export async function reserve(db: Database, request: ReserveRequest): Promise<ReserveOutcome> {
  const { ticket, holdCredits } = request;
  const budgetIds = [...new Set(request.budgetIds)];
  const values = [
    jsonFor([ticketRecord(ticket)]),
    budgetIds,
    amountParameter(holdCredits),
    new Date(ticket.occurredAt),
    tgLabel('budgetExceeded'),
  ];
  for (let attempt = 0; attempt < TRIES_MAX; attempt += 1) {
    const { rows } = await db.query<ReserveRow & StandingRow>(RESERVE, values);
    const first = must(rows[0], 'reserve returns at least one row');
    const standings = first.found === '0' ? [] : rows;
    if (first.made_state === 'RESERVED') {
      return {
        kind: 'held',
        holdCredits,
        budgets: standings.map((row) => standingOf(row, holdCredits)),
      };
    }
    if (first.made_state !== null) {
      const budgets = standings.map((row) => standingOf(row, NO_CREDITS));
      const shortage = tightest(budgets, holdCredits);
      return { kind: 'refused', ...must(shortage, 'a refusal has a budget that is short') };
    }
    if (Number(first.found) < budgetIds.length) await openPeriods(db, budgetIds, ticket.occurredAt);
    const known = (await ticketByRequest(db, ticket)) ?? (await ticketById(db, ticket.ticketId));
    if (known !== undefined) return { kind: 'known', ticket: known };
  }
  throw new Fault('ledgerUnavailable', 'The periods of the budgets could not be opened.', {
    detail: { budgetIds },
  });
}
