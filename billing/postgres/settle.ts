/** Ends tickets, with them every hold of theirs, and writes the one charge of each, whatever the amount (I3, I6). */
import type { TicketId } from '#base/ids.js';
import type { Queryable } from '#base/postgres/pool.js';
import { sqlStateOf } from '#base/postgres/pool.js';
import { parseCredits, parseMoney } from '#base/units.js';
import type { SettleOutcome, Settlement, TicketState } from '../ledger.js';
import { amountParameter } from './standing-row.js';
import { jsonFor } from './ticket-row.js';

/** Equal shares of an amount in its smallest unit; the first of them carry what does not divide. */
function share(amount: string): string {
  const units = `(${amount} * 1000000000000)`;
  const parts = 'cardinality(t.children)';
  return `(div(${units}, ${parts}) + CASE WHEN q.ordinal <= mod(${units}, ${parts}) THEN 1 ELSE 0 END) * 0.000000000001`;
}

// The queries of a multi-statement share its charge, and the query that contains them has none: Snowflake meters
// those by themselves. The tickets are locked first, the periods last, both in the order of their ids. What is held is taken
// from the locked rows: an UPDATE would check its constraint on the snapshot's row, which a top-up may have raised since.
// The amount moves in the period that admitted the statement, not in the one in which it ended, and comes from what the
// statement held: the period's own, or a lease's; the rest goes to the period. The commit does not wait for the disk while the periods
// are locked; FLUSH does afterwards, and shares its wait with every other connection.
// Tickets and holds are looked up by one array of ids and joined afterwards: joined at once, each that there ever was is read
// for every batch while the tables are not analysed (Postgres takes a ticket to have a two-hundredth of all holds), or as
// long as a plan lives that was made when they were small.
const SETTLE = `/* prepared: billing.settle_batch */
WITH m AS MATERIALIZED (
  SELECT s.* FROM jsonb_to_recordset($1::jsonb) AS s (id uuid, used numeric, ending text, end_code text, query_id text,
    warehouse_ms bigint, bytes_scanned bigint, rows_produced bigint, started_at timestamptz, ended_at timestamptz,
    children text[])
), k AS MATERIALIZED (
  SELECT id, account, team_id, principal_id, tier, warehouse, currency, price_per_credit, replica, hold_credits,
    snowflake_query_id
  FROM ticket
  WHERE id = ANY(ARRAY(SELECT id FROM m)) AND state NOT IN ('NEW', 'SETTLED', 'VOID')
  ORDER BY id FOR NO KEY UPDATE
), t AS MATERIALIZED (
  SELECT k.id, k.account, k.team_id, k.principal_id, k.tier, k.warehouse, k.currency, k.price_per_credit, k.replica,
    k.hold_credits, coalesce(m.query_id, k.snowflake_query_id) AS settled_query_id, m.used, m.ending, m.end_code,
    m.warehouse_ms, m.bytes_scanned, m.rows_produced, m.started_at, m.ended_at, m.children
  FROM k JOIN m ON m.id = k.id
), ended AS (
  UPDATE ticket SET state = 'SETTLED', ending = t.ending, end_code = t.end_code,
    snowflake_query_id = t.settled_query_id, bytes_scanned = t.bytes_scanned, rows_produced = t.rows_produced,
    started_at = t.started_at, ended_at = t.ended_at
  FROM t WHERE ticket.id = t.id
), closed AS (
  DELETE FROM open_ticket WHERE ticket_id = ANY(ARRAY(SELECT id FROM t))
), h AS MATERIALIZED (
  SELECT ticket_id, budget_period_id, lease_id FROM hold WHERE ticket_id = ANY(ARRAY(SELECT id FROM t))
), part AS MATERIALIZED (
  SELECT t.id AS ticket_id, h.budget_period_id, h.lease_id IS NOT NULL AS is_leased, t.hold_credits AS held, t.used
  FROM t JOIN h ON h.ticket_id = t.id
), locked AS MATERIALIZED (
  SELECT p.id, p.held_credits, p.leased_credits
  FROM (SELECT DISTINCT budget_period_id FROM part) w JOIN budget_period p ON p.id = w.budget_period_id
  ORDER BY p.id FOR NO KEY UPDATE OF p
), moved AS (
  UPDATE budget_period p SET held_credits = l.held_credits - s.held, leased_credits = l.leased_credits - s.leased,
    spent_credits = p.spent_credits + s.used, overrun_credits = p.overrun_credits + s.overrun
  FROM locked l JOIN (
    SELECT budget_period_id, coalesce(sum(held) FILTER (WHERE NOT is_leased), 0) AS held,
      coalesce(sum(held) FILTER (WHERE is_leased), 0) AS leased, sum(used) AS used, sum(greatest(used - held, 0)) AS overrun
    FROM part GROUP BY budget_period_id
  ) s ON s.budget_period_id = l.id
  WHERE p.id = l.id
), journalled AS (
  INSERT INTO journal (kind, ticket_id, key, author, reason, occurred_at)
  SELECT 'settle', id, 'settle:' || id, replica, ending, ended_at FROM t
  RETURNING id, ticket_id
), entered AS (
  INSERT INTO entry (journal_id, ordinal, budget_period_id, account, credits)
  SELECT j.id, row_number() OVER (PARTITION BY j.id), s.budget_period_id, x.account, x.credits
  FROM journalled j JOIN part s ON s.ticket_id = j.ticket_id,
    LATERAL (VALUES (CASE WHEN s.is_leased THEN 'leased' ELSE 'held' END, -s.held), ('available', s.held - s.used),
      ('spent', s.used)) AS x (account, credits)
  WHERE x.credits <> 0
), charged AS (
  INSERT INTO charge (ticket_id, journal_id, account, team_id, principal_id, tier, warehouse, snowflake_query_id,
    occurred_at, ended_at, credits, money, currency, price_per_credit, warehouse_ms, bytes_scanned)
  SELECT t.id, j.id, t.account, t.team_id, t.principal_id, t.tier, t.warehouse,
    CASE WHEN cardinality(t.children) = 0 THEN t.settled_query_id END, t.started_at, t.ended_at, t.used,
    round_half_even(t.used * t.price_per_credit), t.currency, t.price_per_credit, t.warehouse_ms, t.bytes_scanned
  FROM t JOIN journalled j ON j.ticket_id = t.id
  RETURNING ticket_id, credits, money
), parted AS (
  INSERT INTO charge_part (account, snowflake_query_id, ticket_id, ordinal, credits, money)
  SELECT t.account, q.id, t.id, q.ordinal, ${share('c.credits')}, ${share('c.money')}
  FROM charged c JOIN t ON t.id = c.ticket_id, unnest(t.children) WITH ORDINALITY AS q (id, ordinal)
), parent AS (
  INSERT INTO ticket_query (account, snowflake_query_id, ticket_id)
  SELECT account, settled_query_id, id FROM t WHERE cardinality(children) > 0 AND settled_query_id IS NOT NULL
  ON CONFLICT DO NOTHING
)
SELECT t.id AS ticket_id, c.credits, c.money, greatest(c.credits - t.hold_credits, 0) AS overrun,
  set_config('synchronous_commit', 'off', true)
FROM charged c JOIN t ON t.id = c.ticket_id`;

// A commit that waits until everything before it is on disk (and on synchronous standbys); it stores nothing.
const FLUSH = `/* prepared: billing.flush */
SELECT pg_logical_emit_message(true, 'tollgate', '')`;

/** What keeps a query from being charged twice. */
const ONE_CHARGE: ReadonlySet<string> = new Set(['charge_query_once', 'charge_part_pkey']);

const STANDS = `/* prepared: billing.charges_of */
SELECT t.id, t.state, c.credits, c.snowflake_query_id, c.ended_at
FROM ticket t LEFT JOIN charge c ON c.ticket_id = t.id WHERE t.id = ANY($1::uuid[])`;

interface ChargedRow {
  readonly ticket_id: TicketId;
  readonly credits: string;
  readonly money: string;
  readonly overrun: string;
}

interface StandingCharge {
  readonly id: TicketId;
  readonly state: TicketState;
  readonly credits: string | null;
  readonly snowflake_query_id: string | null;
  readonly ended_at: Date | null;
}

/**
 * Settles many tickets, none twice, in one transaction; it is on disk when this resolves.
 * @returns in order: `charged`; `replayed` for the same figures again; `conflict` when another charge stands or the
 *   ticket is void; undefined where there is no such ticket.
 */
export async function settleBatch(
  db: Queryable,
  settlements: readonly Settlement[],
): Promise<readonly (SettleOutcome | undefined)[]> {
  const { rows } = await db.query<ChargedRow>(SETTLE, [jsonFor(settlements.map(recordOf))]);
  const charged = new Map(rows.map((row) => [row.ticket_id, row]));
  const rest = settlements.filter(({ ticketId }) => !charged.has(ticketId));
  const stands = rest.length === 0 ? [] : await standing(db, rest);
  // A repeat is flushed too: the first call may have failed between its commit and its flush.
  await db.query(FLUSH);
  return settlements.map((settlement) => {
    const row = charged.get(settlement.ticketId);
    if (row !== undefined) {
      return {
        kind: 'charged',
        chargedCredits: parseCredits(row.credits),
        chargedMoney: parseMoney(row.money),
        overrunCredits: parseCredits(row.overrun),
      };
    }
    const found = stands.find(({ id }) => id === settlement.ticketId);
    return found === undefined ? undefined : replayOrConflict(found, settlement);
  });
}

/** True for what keeps a query from being charged twice: the settlement contradicts a charge that stands. */
export function isChargedElsewhere(thrown: unknown): boolean {
  return (
    sqlStateOf(thrown) === '23505' &&
    ONE_CHARGE.has(String((thrown as { constraint?: unknown }).constraint))
  );
}

async function standing(
  db: Queryable,
  settlements: readonly Settlement[],
): Promise<readonly StandingCharge[]> {
  const ids = settlements.map(({ ticketId }) => ticketId);
  return (await db.query<StandingCharge>(STANDS, [ids])).rows;
}

function recordOf(settlement: Settlement): Readonly<Record<string, unknown>> {
  return {
    id: settlement.ticketId,
    used: amountParameter(settlement.usedCredits),
    ending: settlement.ending,
    end_code: settlement.endCode,
    query_id: settlement.snowflakeQueryId,
    warehouse_ms: settlement.warehouseMs,
    bytes_scanned: settlement.bytesScanned,
    rows_produced: settlement.rowsProduced,
    started_at: new Date(settlement.startedAt).toISOString(),
    ended_at: new Date(settlement.endedAt).toISOString(),
    children: [...new Set(settlement.childQueryIds ?? [])],
  };
}

function replayOrConflict(charge: StandingCharge, settlement: Settlement): SettleOutcome {
  const same =
    charge.credits !== null &&
    parseCredits(charge.credits) === settlement.usedCredits &&
    charge.ended_at?.getTime() === settlement.endedAt &&
    (settlement.snowflakeQueryId === null ||
      charge.snowflake_query_id === null ||
      charge.snowflake_query_id === settlement.snowflakeQueryId);
  return same ? { kind: 'replayed' } : { kind: 'conflict', state: charge.state };
}
