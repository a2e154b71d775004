/**
 * Holds under leases: tickets of one replica, written together without a lock on any period. The database has the last
 * word: a lease that has ended, has less than is asked, or whose budget is past its limit admits nothing.
 */
import type { Queryable } from '#base/postgres/pool.js';
import type { BudgetStanding, ReserveRequest } from '../ledger.js';
import { NO_CREDITS } from '#base/units.js';
import { STANDING_COLUMNS, amountParameter, fitsSql, standingOf } from './standing-row.js';
import type { StandingRow } from './standing-row.js';
import {
  TICKET_COLUMNS,
  TICKET_RECORD,
  TICKET_VALUES,
  jsonFor,
  ticketRecord,
} from './ticket-row.js';

// Only the leases are locked, which nobody but their replica and whoever ends them wants. The period is read beside
// them: an admission when a limit was lowered below what is taken already would pass it (I1). What moves is from what a lease
// has idle to what statements hold under it; the period's leased amount is the sum of both and stays.
const RESERVE = `/* prepared: billing.reserve_leased */
WITH member AS MATERIALIZED (
  SELECT t.* FROM jsonb_to_recordset($1::jsonb) AS t (ordinal integer, wanted numeric, leases bigint[], ${TICKET_RECORD})
), pair AS MATERIALIZED (
  SELECT m.id AS ticket_id, m.wanted, w.lease_id FROM member m CROSS JOIN LATERAL unnest(m.leases) AS w (lease_id)
), locked AS MATERIALIZED (
  SELECT l.id AS lease_id, l.budget_period_id, l.idle_credits, d.wanted, ${STANDING_COLUMNS}
  FROM (SELECT lease_id, sum(wanted) AS wanted FROM pair GROUP BY lease_id) d
  JOIN lease l ON l.id = d.lease_id JOIN budget_period p ON p.id = l.budget_period_id JOIN budget b ON b.id = p.budget_id
  WHERE l.replica = $2 AND l.ended_at IS NULL AND l.expires_at > clock_timestamp()
  ORDER BY l.id FOR NO KEY UPDATE OF l
), ample AS MATERIALIZED (
  SELECT count(*) = cardinality($3::bigint[])
    AND bool_and(k.idle_credits >= k.wanted AND ${fitsSql('k', '0')}) AS is_ample
  FROM locked k
), made AS (
  INSERT INTO ticket (${TICKET_COLUMNS}, state, stands_for_request, hold_credits)
  SELECT ${TICKET_VALUES}, 'RESERVED', true, t.wanted FROM member t
  WHERE (SELECT is_ample FROM ample)
  ORDER BY t.account, t.session_id, t.request_id
  ON CONFLICT DO NOTHING
  RETURNING id
), opened AS (
  INSERT INTO open_ticket (ticket_id) SELECT id FROM made
), taken AS MATERIALIZED (
  SELECT p.ticket_id, p.lease_id, p.wanted FROM pair p JOIN made m ON m.id = p.ticket_id
), lowered AS (
  UPDATE lease l SET idle_credits = k.idle_credits - t.wanted
  FROM locked k JOIN (SELECT lease_id, sum(wanted) AS wanted FROM taken GROUP BY lease_id) t ON t.lease_id = k.lease_id
  WHERE l.id = k.lease_id
), held AS (
  INSERT INTO hold (ticket_id, budget_period_id, credits, lease_id)
  SELECT t.ticket_id, k.budget_period_id, t.wanted, t.lease_id FROM taken t JOIN locked k ON k.lease_id = t.lease_id
)
SELECT m.ordinal, CASE WHEN NOT a.is_ample THEN 'unleased' WHEN d.id IS NULL THEN 'known' ELSE 'held' END AS found,
  set_config('synchronous_commit', 'off', true) AS flush, k.*
FROM member m CROSS JOIN ample a LEFT JOIN made d ON d.id = m.id LEFT JOIN locked k ON false
UNION ALL
SELECT NULL, NULL, NULL, k.* FROM locked k`;

/** A statement with the leases it is to be held under, one for each of its budgets. */
export interface LeasedRequest {
  readonly request: ReserveRequest;
  readonly leaseIds: readonly string[];
}

export type LeasedOutcome =
  | { readonly kind: 'held'; readonly budgets: readonly BudgetStanding[] }
  | { readonly kind: 'known' }
  /** The leases do not carry it: it is to be judged on the periods. Nothing was written. */
  | { readonly kind: 'unleased' };

interface MemberRow {
  readonly ordinal: number;
  readonly found: LeasedOutcome['kind'];
}
type LeaseStanding = StandingRow & { readonly ordinal: null; readonly lease_id: string };

/** All of them under their leases, or none; no ticket or request twice. In order. */
export async function reserveLeased(
  db: Queryable,
  replica: string,
  members: readonly LeasedRequest[],
): Promise<readonly LeasedOutcome[]> {
  const { rows } = await db.query<MemberRow | LeaseStanding>(RESERVE, [
    jsonFor(
      members.map(({ request, leaseIds }, ordinal) => ({
        ...ticketRecord(request.ticket),
        ordinal,
        wanted: amountParameter(request.holdCredits),
        leases: leaseIds,
      })),
    ),
    replica,
    [...new Set(members.flatMap(({ leaseIds }) => leaseIds))],
  ]);
  const found = new Map<number, MemberRow['found']>();
  const standings = new Map<string, BudgetStanding>();
  for (const row of rows) {
    if (row.ordinal === null) standings.set(row.lease_id, standingOf(row, NO_CREDITS));
    else found.set(row.ordinal, row.found);
  }
  return members.map(({ leaseIds }, ordinal): LeasedOutcome => {
    const kind = found.get(ordinal) ?? 'unleased';
    if (kind !== 'held') return { kind };
    return { kind, budgets: leaseIds.flatMap((id) => standings.get(id) ?? []) };
  });
}
