/** Closes every hold of a ticket and writes its one charge, whatever the amount (I3, I6). */
import type { Queryable } from '#base/postgres/pool.js';
import { sqlStateOf } from '#base/postgres/pool.js';
import { parseCredits, parseMoney } from '#base/units.js';
import type { SettleOutcome, Settlement, TicketState } from '../ledger.js';
import { amountParameter } from './standing-row.js';
import { ticketState } from './ticket-state.js';

/** Equal shares of an amount in its smallest unit; the first of them carry what does not divide. */
function share(amount: string): string {
  const units = `(${amount} * 1000000000000)`;
  const parts = 'cardinality($11::text[])';
  return `(div(${units}, ${parts}) + CASE WHEN q.ordinal <= mod(${units}, ${parts}) THEN 1 ELSE 0 END) * 0.000000000001`;
}

// The queries of a multi-statement share its charge, and the query that contains them has none: Snowflake meters
// those by themselves. The ticket is locked first, the periods last and in the order of their ids. What is held is taken from the locked row: the
// UPDATE would check its constraint on the snapshot's row, which a top-up may have raised since. The amount moves in the
// period that admitted the statement, not in the one in which it ended. The commit does not wait for the disk while the periods
// are locked; FLUSH does afterwards, and shares its wait with every other connection.
const SETTLE = `/* prepared: billing.settle */
WITH t AS MATERIALIZED (
  SELECT id, account, team_id, principal_id, tier, warehouse, currency, price_per_credit, replica, hold_credits,
    coalesce($5, snowflake_query_id) AS query_id
  FROM ticket
  WHERE id = $1 AND state IN ('RESERVED', 'SENT', 'RUNNING', 'IN_DOUBT') FOR NO KEY UPDATE
), ended AS (
  UPDATE ticket SET state = 'SETTLED', ending = $3, end_code = $4, snowflake_query_id = t.query_id,
    bytes_scanned = $7, rows_produced = $8, started_at = $9, ended_at = $10
  FROM t WHERE ticket.id = t.id
), closed AS (
  UPDATE hold SET closed_at = $10 FROM t WHERE hold.ticket_id = t.id AND hold.closed_at IS NULL
), locked AS MATERIALIZED (
  SELECT p.id, t.hold_credits AS held, p.held_credits AS period_held
  FROM t JOIN hold h ON h.ticket_id = t.id JOIN budget_period p ON p.id = h.budget_period_id
  ORDER BY p.id FOR NO KEY UPDATE OF p
), moved AS (
  UPDATE budget_period p SET held_credits = l.period_held - l.held, spent_credits = p.spent_credits + $2::numeric,
    overrun_credits = p.overrun_credits + greatest($2::numeric - l.held, 0)
  FROM locked l WHERE p.id = l.id
), journalled AS (
  INSERT INTO journal (kind, ticket_id, key, author, reason, occurred_at)
  SELECT 'settle', id, 'settle:' || id, replica, $3, $10 FROM t
  RETURNING id
), entered AS (
  INSERT INTO entry (journal_id, ordinal, budget_period_id, account, credits)
  SELECT j.id, row_number() OVER (), l.id, x.account, x.credits
  FROM journalled j, locked l,
    LATERAL (VALUES ('held', -l.held), ('available', l.held - $2::numeric), ('spent', $2::numeric)) AS x (account, credits)
  WHERE x.credits <> 0
), charged AS (
  INSERT INTO charge (ticket_id, journal_id, account, team_id, principal_id, tier, warehouse, snowflake_query_id,
    occurred_at, ended_at, credits, money, currency, price_per_credit, warehouse_ms, bytes_scanned)
  SELECT t.id, j.id, t.account, t.team_id, t.principal_id, t.tier, t.warehouse,
    CASE WHEN cardinality($11::text[]) = 0 THEN t.query_id END, $9, $10, $2::numeric,
    round_half_even($2::numeric * t.price_per_credit), t.currency, t.price_per_credit, $6, $7
  FROM t, journalled j
  RETURNING credits, money
), parted AS (
  INSERT INTO charge_part (account, snowflake_query_id, ticket_id, ordinal, credits, money)
  SELECT t.account, q.id, t.id, q.ordinal, ${share('c.credits')}, ${share('c.money')}
  FROM charged c, t, unnest($11::text[]) WITH ORDINALITY AS q (id, ordinal)
)
SELECT c.credits, c.money, greatest(c.credits - t.hold_credits, 0) AS overrun,
  set_config('synchronous_commit', 'off', true)
FROM charged c, t`;

// A commit that waits until everything before it is on disk (and on synchronous standbys); it stores nothing.
const FLUSH = `/* prepared: billing.flush */
SELECT pg_logical_emit_message(true, 'tollgate', '')`;

/** What keeps a query from being charged twice. */
const ONE_CHARGE: ReadonlySet<string> = new Set(['charge_query_once', 'charge_part_pkey']);

const CHARGED = `/* prepared: billing.charge_of */
SELECT credits, snowflake_query_id, ended_at FROM charge WHERE ticket_id = $1`;

/**
 * @returns `charged`; `replayed` for the same figures again; `conflict` when another charge stands, the query id is
 *   charged to another ticket, or the ticket is void.
 * @throws Fault `ticketUnknown`.
 */
export async function settle(db: Queryable, settlement: Settlement): Promise<SettleOutcome> {
  try {
    const { rows } = await db.query<{ credits: string; money: string; overrun: string }>(
      SETTLE,
      valuesOf(settlement),
    );
    const row = rows[0];
    if (row === undefined) return await replayOrConflict(db, settlement);
    await db.query(FLUSH);
    return {
      kind: 'charged',
      chargedCredits: parseCredits(row.credits),
      chargedMoney: parseMoney(row.money),
      overrunCredits: parseCredits(row.overrun),
    };
  } catch (thrown) {
    if (
      sqlStateOf(thrown) === '23505' &&
      ONE_CHARGE.has(String((thrown as { constraint?: unknown }).constraint))
    ) {
      return { kind: 'conflict', state: await ticketState(db, settlement.ticketId) };
    }
    throw thrown;
  }
}

function valuesOf(settlement: Settlement): readonly unknown[] {
  return [
    settlement.ticketId,
    amountParameter(settlement.usedCredits),
    settlement.ending,
    settlement.endCode,
    settlement.snowflakeQueryId,
    settlement.warehouseMs,
    settlement.bytesScanned,
    settlement.rowsProduced,
    new Date(settlement.startedAt),
    new Date(settlement.endedAt),
    [...new Set(settlement.childQueryIds ?? [])],
  ];
}

async function replayOrConflict(db: Queryable, settlement: Settlement): Promise<SettleOutcome> {
  const state: TicketState = await ticketState(db, settlement.ticketId);
  const { rows } = await db.query<{
    credits: string;
    snowflake_query_id: string | null;
    ended_at: Date;
  }>(CHARGED, [settlement.ticketId]);
  const charge = rows[0];
  const same =
    charge !== undefined &&
    parseCredits(charge.credits) === settlement.usedCredits &&
    charge.ended_at.getTime() === settlement.endedAt &&
    (settlement.snowflakeQueryId === null ||
      charge.snowflake_query_id === null ||
      charge.snowflake_query_id === settlement.snowflakeQueryId);
  if (!same) return { kind: 'conflict', state };
  // The first call may have failed between its commit and its flush.
  await db.query(FLUSH);
  return { kind: 'replayed' };
}
