/**
 * Makes tickets and holds their amounts on every budget of their paths, or on none: many statements at once, in the
 * order they came, in one SQL statement and so one transaction.
 */
import { must } from '#base/assert.js';
import type { Queryable } from '#base/postgres/pool.js';
import type { BudgetStanding, ReserveRequest } from '../ledger.js';
import { tightest, withHeld } from '../standing.js';
import type { Shortage } from '../standing.js';
import { plainArray, textArray } from './columns.js';
import { STANDING_COLUMNS, amountParameter, fitsSql, standingOf } from './standing-row.js';
import type { StandingRow } from './standing-row.js';
import {
  TICKET_COLUMNS,
  TICKET_VALUES,
  ticketArrayParameters,
  ticketArrays,
} from './ticket-row.js';

/** What the batch found of one statement. Nothing is written of any but those that are held. */
export type Reserved =
  | { readonly kind: 'held'; readonly budgets: readonly BudgetStanding[] }
  | ({ readonly kind: 'short'; readonly periodId: string } & Shortage<BudgetStanding>)
  /** A period of its path is not open yet. */
  | { readonly kind: 'unopened' }
  /** A ticket stands for it already. */
  | { readonly kind: 'known' }
  /** It lacked only what another statement of the batch took that turned out to be known: ask again. */
  | { readonly kind: 'again' };

// The rows of the periods are locked in the order of their ids, read as they are once the lock is had, and written
// by the same statement: no round trip passes while a hot row is locked. Where all statements of the batch fit together,
// each fits. Where they do not, `walk` goes through them in their order with what is left of each period, so that a
// smaller one is admitted after a larger one was not (the last unit is usable); those whose tickets exist
// already take nothing. The commit does not wait for the disk, so that the hot row is not
// locked for a flush: markSent does wait, its flush covers this one too (the log is sequential), and a ticket that a
// crash forgets in between was never sent.
const RESERVE = `/* prepared: billing.reserve_batch */
WITH RECURSIVE member AS MATERIALIZED (
  SELECT t.* FROM unnest($6::integer[], $7::numeric[], ${ticketArrayParameters(8)}) AS t (ordinal, wanted, ${TICKET_COLUMNS})
), period AS MATERIALIZED (
  SELECT id, budget_id, starts_at, ends_at FROM budget_period
  WHERE budget_id = ANY($1::text[]) AND starts_at <= $3 AND ends_at > $2
), pair AS MATERIALIZED (
  SELECT d.*, 2 * (row_number() OVER (PARTITION BY d.ordinal) - 1) AS places_before FROM (
    SELECT DISTINCT ON (m.ordinal, w.budget_id) m.ordinal, m.id AS ticket_id, m.wanted, p.id AS period_id
    FROM unnest($4::integer[], $5::text[]) AS w (ordinal, budget_id) JOIN member m ON m.ordinal = w.ordinal
    LEFT JOIN period p ON p.budget_id = w.budget_id AND p.starts_at <= m.occurred_at AND p.ends_at > m.occurred_at
    ORDER BY m.ordinal, w.budget_id, p.starts_at DESC
  ) d
), path AS MATERIALIZED (
  SELECT m.ordinal, coalesce(f.is_open, true) AS is_open FROM member m
  LEFT JOIN (SELECT ordinal, bool_and(period_id IS NOT NULL) AS is_open FROM pair GROUP BY ordinal) f
    ON f.ordinal = m.ordinal
), locked AS MATERIALIZED (
  SELECT p.id, ${STANDING_COLUMNS}
  FROM (SELECT DISTINCT period_id FROM pair) w JOIN budget_period p ON p.id = w.period_id
  JOIN budget b ON b.id = p.budget_id
  ORDER BY p.id FOR NO KEY UPDATE OF p
), ample AS MATERIALIZED (
  SELECT coalesce(bool_and(${fitsSql('l', 'd.wanted')}), true) AS is_ample
  FROM locked l JOIN (SELECT period_id, sum(wanted) AS wanted FROM pair GROUP BY period_id) d ON d.period_id = l.id
), place AS MATERIALIZED (
  SELECT l.id, (row_number() OVER (ORDER BY l.id))::integer AS place,
    CASE WHEN l.is_hard THEN l.limit_credits - l.spent_credits - l.held_credits - l.leased_credits END AS room
  FROM locked l WHERE (SELECT NOT is_ample FROM ample)
), candidate AS MATERIALIZED (
  SELECT row_number() OVER (ORDER BY m.ordinal) AS turn, m.ordinal, m.wanted, coalesce(o.places, '{}') AS places
  FROM member m JOIN path h ON h.ordinal = m.ordinal
  LEFT JOIN (
    SELECT p.ordinal, array_agg(x.place) AS places FROM pair p JOIN place x ON x.id = p.period_id GROUP BY p.ordinal
  ) o ON o.ordinal = m.ordinal
  WHERE h.is_open AND (SELECT NOT is_ample FROM ample)
    AND NOT EXISTS (SELECT FROM ticket k WHERE k.id = m.id)
    AND NOT EXISTS (SELECT FROM ticket k WHERE k.account = m.account AND k.session_id = m.session_id
      AND k.request_id = m.request_id AND k.stands_for_request)
), walk AS (
  SELECT 0::bigint AS turn, (SELECT array_agg(room ORDER BY place) FROM place) AS rooms, false AS fits
  WHERE (SELECT NOT is_ample FROM ample)
  UNION ALL
  SELECT c.turn, CASE WHEN f.fits THEN (
      SELECT array_agg(CASE WHEN r.place = ANY(c.places) THEN r.room - c.wanted ELSE r.room END ORDER BY r.place)
      FROM unnest(w.rooms) WITH ORDINALITY AS r (room, place)
    ) ELSE w.rooms END, f.fits
  FROM walk w JOIN candidate c ON c.turn = w.turn + 1
  CROSS JOIN LATERAL (
    SELECT NOT EXISTS (SELECT FROM unnest(c.places) AS p (place) WHERE w.rooms[p.place] < c.wanted) AS fits
  ) f
), judged AS MATERIALIZED (
  SELECT ordinal, true AS fits FROM path WHERE is_open AND (SELECT is_ample FROM ample)
  UNION ALL
  SELECT c.ordinal, w.fits FROM walk w JOIN candidate c ON c.turn = w.turn
), made AS (
  INSERT INTO ticket (${TICKET_COLUMNS}, state, stands_for_request, hold_credits)
  SELECT ${TICKET_VALUES}, 'RESERVED', true, t.wanted
  FROM judged j JOIN member t ON t.ordinal = j.ordinal
  WHERE j.fits
  ORDER BY t.account, t.session_id, t.request_id
  ON CONFLICT DO NOTHING
  RETURNING id, replica, occurred_at, nextval('journal_id_seq') AS journal_id
), opened AS (
  INSERT INTO open_ticket (ticket_id) SELECT id FROM made
), taken AS MATERIALIZED (
  SELECT p.ticket_id, p.period_id, p.wanted, p.places_before, m.journal_id FROM pair p JOIN made m ON m.id = p.ticket_id
), raised AS (
  UPDATE budget_period b SET held_credits = b.held_credits + r.added
  FROM (SELECT period_id, sum(wanted) AS added FROM taken GROUP BY period_id) r WHERE b.id = r.period_id
), held AS (
  INSERT INTO hold (ticket_id, budget_period_id, credits) SELECT ticket_id, period_id, wanted FROM taken
), journalled AS (
  INSERT INTO journal (id, kind, ticket_id, key, author, reason, occurred_at) OVERRIDING SYSTEM VALUE
  SELECT journal_id, 'hold', id, 'hold:' || id, replica, 'admitted', occurred_at FROM made
), entered AS (
  INSERT INTO entry (journal_id, ordinal, budget_period_id, account, credits)
  SELECT s.journal_id, s.places_before + s.place, s.period_id,
    CASE s.place WHEN 1 THEN 'available' ELSE 'held' END, CASE s.place WHEN 1 THEN -s.wanted ELSE s.wanted END
  FROM (SELECT taken.*, generate_series(1, 2) AS place FROM taken WHERE wanted > 0) s
), found AS MATERIALIZED (
  SELECT string_agg(CASE WHEN a.id IS NOT NULL THEN 'held' WHEN NOT h.is_open THEN 'unopened'
    WHEN NOT j.fits THEN 'short' ELSE 'known' END, ',' ORDER BY m.ordinal) AS found,
    (SELECT set_config('synchronous_commit', 'off', true)) AS flush
  FROM member m JOIN path h ON h.ordinal = m.ordinal LEFT JOIN made a ON a.id = m.id
  LEFT JOIN judged j ON j.ordinal = m.ordinal
)
SELECT f.*, l.* FROM found f LEFT JOIN locked l ON true`;

/** One a period of the batch, and one if there is none; each says what became of all. */
interface FoundRow extends StandingRow {
  /** Of each statement, in order, with commas between: held, short, unopened or known. */
  readonly found: string;
  /** Of the period; null: the batch has none. */
  readonly id: string | null;
}
type PeriodRow = FoundRow & { readonly id: string };

function valuesOf(requests: readonly ReserveRequest[]): readonly unknown[] {
  const tickets = requests.map(({ ticket }) => ticket);
  const instants = tickets.map(({ occurredAt }) => occurredAt);
  const paths = requests.flatMap(({ budgetIds }, ordinal) =>
    budgetIds.map((budgetId) => ({ ordinal, budgetId })),
  );
  return [
    [...new Set(paths.map(({ budgetId }) => budgetId))],
    new Date(Math.min(...instants)),
    new Date(Math.max(...instants)),
    plainArray(paths.map(({ ordinal }) => ordinal)),
    textArray(paths.map(({ budgetId }) => budgetId)),
    plainArray(requests.map((_, ordinal) => ordinal)),
    plainArray(requests.map(({ holdCredits }) => amountParameter(holdCredits))),
    ...ticketArrays(tickets),
  ];
}

/**
 * Judges and holds in the order given, no ticket or request twice. What comes back is in that order, with the standings
 * that each statement met.
 */
export async function reserveBatch(
  db: Queryable,
  requests: readonly ReserveRequest[],
): Promise<readonly Reserved[]> {
  const { rows } = await db.query<FoundRow>(RESERVE, valuesOf(requests));
  const found = must(rows[0], 'a batch is judged').found.split(',');
  const periods = rows
    .filter((row): row is PeriodRow => row.id !== null)
    .toSorted((one, other) => (one.budget_id < other.budget_id ? -1 : 1));
  const standings = new Map(periods.map((row) => [row.id, standingOf(row)]));
  const standing = (id: string): BudgetStanding => must(standings.get(id), 'each period stands');
  return requests.map((request, ordinal): Reserved => {
    const kind = must(found[ordinal], 'a batch answers for each statement');
    if (kind === 'unopened' || kind === 'known') return { kind };
    const own = periodsOf(request, periods).map(({ id }) => id);
    const wanted = request.holdCredits;
    if (kind === 'held') {
      for (const id of own) standings.set(id, withHeld(standing(id), wanted));
      return { kind, budgets: own.map(standing) };
    }
    const before = own.map(standing);
    const shortage = tightest(before, wanted);
    if (shortage === undefined) return { kind: 'again' };
    const periodId = must(own[before.indexOf(shortage.budget)], 'the budget is one of its own');
    return { kind: 'short', periodId, ...shortage };
  });
}

/** The periods that the statement falls into, in the order of their budgets; of two of one budget the later one. */
function periodsOf(request: ReserveRequest, periods: readonly PeriodRow[]): readonly PeriodRow[] {
  const at = request.ticket.occurredAt;
  const latest = new Map<string, PeriodRow>();
  const path = new Set(request.budgetIds);
  for (const period of periods) {
    if (!path.has(period.budget_id)) continue;
    if (period.starts_at.getTime() > at || period.ends_at.getTime() <= at) continue;
    const other = latest.get(period.budget_id);
    if (other === undefined || other.starts_at < period.starts_at)
      latest.set(period.budget_id, period);
  }
  return [...latest.values()];
}
