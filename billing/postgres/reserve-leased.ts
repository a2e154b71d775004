/**
 * Holds under leases: tickets of one replica, written together without a lock on any period. The database has the last
 * word: a lease that has ended, has less than is asked, or whose budget is past its limit admits nothing.
 */
import { must } from '#base/assert.js';
import type { Queryable } from '#base/postgres/pool.js';
import type { BudgetStanding, ReserveRequest, TicketFacts } from '../ledger.js';
import { plainArray } from './columns.js';
import { STANDING_COLUMNS, amountParameter, fitsSql, standingOf } from './standing-row.js';
import type { StandingRow } from './standing-row.js';
import {
  TICKET_COLUMNS,
  TICKET_VALUES,
  ticketArrayParameters,
  ticketArrays,
} from './ticket-row.js';

// Only the leases are locked, which nobody but their replica and whoever ends them wants. The period is read beside
// them: an admission when a limit was lowered below what is taken already would pass it (I1). What moves is from what a lease
// has idle to what statements hold under it; the period's leased amount is the sum of both and stays.
const RESERVE = `/* prepared: billing.reserve_leased */
WITH member AS MATERIALIZED (
  SELECT t.* FROM unnest($6::numeric[], ${ticketArrayParameters(7)}) AS t (wanted, ${TICKET_COLUMNS})
), pair AS MATERIALIZED (
  SELECT p.* FROM unnest($3::uuid[], $4::bigint[], $5::numeric[]) AS p (ticket_id, lease_id, wanted)
), locked AS MATERIALIZED (
  SELECT l.id AS lease_id, l.budget_period_id, l.idle_credits, d.wanted, ${STANDING_COLUMNS}
  FROM (SELECT lease_id, sum(wanted) AS wanted FROM pair GROUP BY lease_id) d
  JOIN lease l ON l.id = d.lease_id JOIN budget_period p ON p.id = l.budget_period_id JOIN budget b ON b.id = p.budget_id
  WHERE l.replica = $1 AND l.ended_at IS NULL AND l.expires_at > clock_timestamp()
  ORDER BY l.id FOR NO KEY UPDATE OF l
), ample AS MATERIALIZED (
  SELECT count(*) = $2::integer AND bool_and(k.idle_credits >= k.wanted AND ${fitsSql('k', '0')}) AS is_ample
  FROM locked k
), made AS (
  INSERT INTO ticket (${TICKET_COLUMNS}, state, stands_for_request, hold_credits)
  SELECT ${TICKET_VALUES}, 'RESERVED', true, t.wanted FROM member t
  WHERE (SELECT is_ample FROM ample)
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
SELECT a.is_ample, (SELECT string_agg(id::text, ',') FROM made) AS made,
  (SELECT set_config('synchronous_commit', 'off', true)) AS flush, k.*
FROM ample a LEFT JOIN locked k ON true`;

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

/** One a lease that is there, and one if none is; each says what became of all. */
interface LeaseRow extends StandingRow {
  readonly is_ample: boolean;
  /** Ids of the tickets that were made, with commas between; null: none. */
  readonly made: string | null;
  readonly lease_id: string | null;
}

/** All of them under their leases, or none; no ticket or request twice. In order. */
export async function reserveLeased(
  db: Queryable,
  replica: string,
  members: readonly LeasedRequest[],
): Promise<readonly LeasedOutcome[]> {
  const { rows } = await db.query<LeaseRow & Record<string, unknown>>(
    RESERVE,
    valuesOf(replica, members),
  );
  const { is_ample: isAmple, made } = must(rows[0], 'a batch is judged');
  if (!isAmple) return members.map(() => ({ kind: 'unleased' }));
  const held = new Set(made?.split(','));
  const standings = new Map(
    rows.map((row): [string | null, BudgetStanding] => [row.lease_id, standingOf(row)]),
  );
  return members.map(({ request, leaseIds }): LeasedOutcome => {
    if (!held.has(request.ticket.ticketId)) return { kind: 'known' };
    return { kind: 'held', budgets: leaseIds.flatMap((id) => standings.get(id) ?? []) };
  });
}

/** By request, so that two batches never wait for each other's. */
function valuesOf(replica: string, members: readonly LeasedRequest[]): readonly unknown[] {
  const sorted = members
    .map((member) => ({ member, key: requestKey(member.request.ticket) }))
    .toSorted((one, other) => (one.key < other.key ? -1 : 1))
    .map(({ member }) => member);
  const wanted = sorted.map(({ request }) => amountParameter(request.holdCredits));
  const pairs = sorted.flatMap(({ request, leaseIds }, index) =>
    leaseIds.map((leaseId) => ({ id: request.ticket.ticketId, leaseId, wanted: wanted[index] })),
  );
  return [
    replica,
    new Set(pairs.map(({ leaseId }) => leaseId)).size,
    plainArray(pairs.map(({ id }) => id)),
    plainArray(pairs.map(({ leaseId }) => leaseId)),
    plainArray(pairs.map((pair) => pair.wanted ?? null)),
    plainArray(wanted),
    ...ticketArrays(sorted.map(({ request }) => request.ticket)),
  ];
}

/** What is one request to the ledger. */
function requestKey({ account, sessionId, requestId }: TicketFacts): string {
  return `${account}\n${sessionId}\n${requestId}`;
}
