/** Ends tickets, with them every hold of theirs, and writes the one charge of each, whatever the amount (I3, I6). */
import { must } from '#base/assert.js';
import type { TicketId } from '#base/ids.js';
import type { Queryable } from '#base/postgres/pool.js';
import { sqlStateOf } from '#base/postgres/pool.js';
import { type Credits, type Money, parseCredits, parseMoney } from '#base/units.js';
import type { SettleOutcome, Settlement, TicketState } from '../ledger.js';
import { plainArray, textArray } from './columns.js';
import { amountParameter } from './standing-row.js';

/** Equal shares of an amount in its smallest unit; the first of them carry what does not divide. */
function share(amount: string): string {
  const units = `(${amount} * 1000000000000)`;
  return `(div(${units}, q.parts) + CASE WHEN q.ordinal <= mod(${units}, q.parts) THEN 1 ELSE 0 END) * 0.000000000001`;
}

/** SQL: an instant from milliseconds of the epoch, exactly. */
const instant = (ms: string): string => `timestamptz 'epoch' + ${ms} * interval '1 millisecond'`;

// The queries of a multi-statement share its charge, and the query that contains them has none: Snowflake meters
// those by themselves. Each ticket is found once, locked and ended by one update, in the order of the ids as long as Postgres
// goes by the index; in another one two batches of the same tickets could wait for each other, and the one that loses is run
// again. The periods are locked last, alone and in the order of their ids (move_settled, 0064). What is held is taken
// from the locked ticket, which a top-up may have raised since the statement began. The amount moves in the period that
// admitted the statement, not in the one in which it ended, and comes from what the statement held: the period's own,
// or a lease's; the rest goes to the period. The commit does not wait for the disk while the periods are locked; FLUSH
// does afterwards, and shares its wait with every other connection.
//
// The arrays are looked up by sub-selects, so that Postgres does not see how long they are and takes them for short: it
// goes by the index of tickets then, also while the tables are not analysed. Holds are looked up by one array of ids and
// joined afterwards, because a ticket is taken to have a two-hundredth of all of them.
const settleSql = (name: string, chargedQueryId: string, queriesOfParents: string): string =>
  `/* prepared: ${name} */
WITH m AS MATERIALIZED (
  SELECT s.id, s.used, s.ending, s.end_code, s.query_id, s.warehouse_ms, s.bytes_scanned, s.rows_produced,
    ${instant('s.started_ms')} AS started_at, ${instant('s.ended_ms')} AS ended_at
  FROM unnest((SELECT $1::uuid[]), (SELECT $2::numeric[]), (SELECT $3::text[]), (SELECT $4::text[]), (SELECT $5::text[]),
    (SELECT $6::bigint[]), (SELECT $7::bigint[]), (SELECT $8::bigint[]), (SELECT $9::bigint[]), (SELECT $10::bigint[]))
    AS s (id, used, ending, end_code, query_id, warehouse_ms, bytes_scanned, rows_produced, started_ms, ended_ms)
), t AS (
  UPDATE ticket SET state = 'SETTLED', ending = m.ending, end_code = m.end_code,
    snowflake_query_id = coalesce(m.query_id, ticket.snowflake_query_id), bytes_scanned = m.bytes_scanned,
    rows_produced = m.rows_produced, started_at = m.started_at, ended_at = m.ended_at
  FROM m WHERE ticket.id = m.id AND ticket.state NOT IN ('NEW', 'SETTLED', 'VOID')
  RETURNING ticket.id, nextval('journal_id_seq') AS journal_id, ticket.hold_credits, m.used,
    round_half_even(m.used * ticket.price_per_credit) AS money, ticket.started_at, ticket.ended_at,
    ticket.snowflake_query_id, ticket.account, ticket.replica, ticket.ending, ticket.team_id, ticket.principal_id,
    ticket.tier, ticket.warehouse, ticket.currency, ticket.price_per_credit, ticket.bytes_scanned, m.warehouse_ms
), closed AS (
  DELETE FROM open_ticket WHERE ticket_id = ANY(ARRAY(SELECT id FROM t)) RETURNING 1
), h AS MATERIALIZED (
  SELECT ticket_id, budget_period_id, lease_id FROM hold WHERE ticket_id = ANY(ARRAY(SELECT id FROM t))
), part AS MATERIALIZED (
  SELECT t.journal_id, h.budget_period_id, h.lease_id IS NOT NULL AS is_leased, t.hold_credits AS held, t.used,
    3 * (row_number() OVER (PARTITION BY t.journal_id) - 1) AS places_before
  FROM t JOIN h ON h.ticket_id = t.id
), journalled AS (
  INSERT INTO journal (id, kind, ticket_id, key, author, reason, occurred_at) OVERRIDING SYSTEM VALUE
  SELECT journal_id, 'settle', id, 'settle:' || id, replica, ending, ended_at FROM t
  RETURNING 1
), entered AS (
  INSERT INTO entry (journal_id, ordinal, budget_period_id, account, credits)
  SELECT s.journal_id, s.places_before + s.place, s.budget_period_id,
    CASE s.place WHEN 1 THEN CASE WHEN s.is_leased THEN 'leased' ELSE 'held' END WHEN 2 THEN 'available' ELSE 'spent' END,
    CASE s.place WHEN 1 THEN -s.held WHEN 2 THEN s.held - s.used ELSE s.used END
  FROM (SELECT part.*, generate_series(1, 3) AS place FROM part) s
  WHERE CASE s.place WHEN 1 THEN s.held <> 0 WHEN 2 THEN s.held <> s.used ELSE s.used <> 0 END
  RETURNING 1
), charged AS (
  INSERT INTO charge (ticket_id, journal_id, account, team_id, principal_id, tier, warehouse, snowflake_query_id,
    occurred_at, ended_at, credits, money, currency, price_per_credit, warehouse_ms, bytes_scanned)
  SELECT id, journal_id, account, team_id, principal_id, tier, warehouse,
    ${chargedQueryId}, started_at, ended_at, used, money, currency, price_per_credit, warehouse_ms, bytes_scanned
  FROM t
  RETURNING 1
)${queriesOfParents}, moves AS MATERIALIZED (
  SELECT budget_period_id, coalesce(sum(held) FILTER (WHERE NOT is_leased), 0) AS held,
    coalesce(sum(held) FILTER (WHERE is_leased), 0) AS leased, sum(used) AS used, sum(greatest(used - held, 0)) AS overrun
  FROM part GROUP BY budget_period_id ORDER BY budget_period_id
)
SELECT string_agg(id::text, ',') AS ids, string_agg(money::text, ',') AS money,
  string_agg(greatest(used - hold_credits, 0)::text, ',') AS overrun,
  (SELECT move_settled(array_agg(budget_period_id), array_agg(held), array_agg(leased), array_agg(used), array_agg(overrun),
    (SELECT count(*) FROM closed) + (SELECT count(*) FROM journalled) + (SELECT count(*) FROM entered)
      + (SELECT count(*) FROM charged)) FROM moves) AS moved,
  (SELECT set_config('synchronous_commit', 'off', true)) AS flush
FROM t`;

const SETTLE = settleSql('billing.settle_batch', 'snowflake_query_id', '');

/** With tickets of multi-statements: what is prepared for two tables more takes longer to begin, so few batches have it. */
const SETTLE_PARENTS = settleSql(
  'billing.settle_parents',
  'CASE WHEN id <> ALL($11::uuid[]) THEN snowflake_query_id END',
  `, parted AS (
  INSERT INTO charge_part (account, snowflake_query_id, ticket_id, ordinal, credits, money)
  SELECT t.account, q.id, t.id, q.ordinal, ${share('t.used')}, ${share('t.money')}
  FROM unnest($11::uuid[], $12::text[], $13::integer[], $14::integer[]) AS q (ticket_id, id, ordinal, parts)
  JOIN t ON t.id = q.ticket_id
), parent AS (
  INSERT INTO ticket_query (account, snowflake_query_id, ticket_id)
  SELECT account, snowflake_query_id, id FROM t WHERE id = ANY($11::uuid[]) AND snowflake_query_id IS NOT NULL
  ON CONFLICT DO NOTHING
)`,
);

// A commit that waits until everything before it is on disk (and on synchronous standbys); it stores nothing.
const FLUSH = `/* prepared: billing.flush */
SELECT pg_logical_emit_message(true, 'tollgate', '')`;

/** What keeps a query from being charged twice. */
const ONE_CHARGE: ReadonlySet<string> = new Set(['charge_query_once', 'charge_part_pkey']);

const STANDS = `/* prepared: billing.charges_of */
SELECT t.id, t.state, c.credits, t.snowflake_query_id, c.ended_at
FROM ticket t LEFT JOIN charge c ON c.ticket_id = t.id WHERE t.id = ANY($1::uuid[])`;

/** One row: of each ticket that is charged its id and amounts, in one order, with commas between; null: none is. */
interface ChargedRow {
  readonly ids: string | null;
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
  const charged = chargedOf(await chargeAll(db, settlements));
  const rest = settlements.filter(({ ticketId }) => !charged.has(ticketId));
  const stands = rest.length === 0 ? [] : await standing(db, rest);
  // A repeat is flushed too: the first call may have failed between its commit and its flush.
  await db.query(FLUSH);
  return settlements.map((settlement) => {
    const amounts = charged.get(settlement.ticketId);
    if (amounts !== undefined)
      return { kind: 'charged', chargedCredits: settlement.usedCredits, ...amounts };
    const found = stands.find(({ id }) => id === settlement.ticketId);
    return found === undefined ? undefined : replayOrConflict(found, settlement);
  });
}

async function chargeAll(db: Queryable, settlements: readonly Settlement[]): Promise<ChargedRow> {
  // By ticket, which is the order in which they are locked.
  const members = settlements.toSorted((one, other) => (one.ticketId < other.ticketId ? -1 : 1));
  const parts = partsOf(members);
  const values = [...valuesOf(members), ...(parts.length === 0 ? [] : partValuesOf(parts))];
  const { rows } = await db.query<ChargedRow & Record<string, unknown>>(
    parts.length === 0 ? SETTLE : SETTLE_PARENTS,
    values,
  );
  return must(rows[0], 'an aggregate has one row');
}

interface ChargedAmounts {
  readonly chargedMoney: Money;
  readonly overrunCredits: Credits;
}

function chargedOf({ ids, money, overrun }: ChargedRow): ReadonlyMap<string, ChargedAmounts> {
  const charged = new Map<string, ChargedAmounts>();
  if (ids === null) return charged;
  const amounts = money.split(',');
  const overruns = overrun.split(',');
  for (const [index, id] of ids.split(',').entries()) {
    charged.set(id, {
      chargedMoney: parseMoney(must(amounts[index], 'each charge has its money')),
      overrunCredits: parseCredits(must(overruns[index], 'each charge has its overrun')),
    });
  }
  return charged;
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

function valuesOf(members: readonly Settlement[]): readonly string[] {
  return [
    plainArray(members.map(({ ticketId }) => ticketId)),
    plainArray(members.map(({ usedCredits }) => amountParameter(usedCredits))),
    plainArray(members.map(({ ending }) => ending)),
    textArray(members.map(({ endCode }) => endCode)),
    textArray(members.map(({ snowflakeQueryId }) => snowflakeQueryId)),
    plainArray(members.map(({ warehouseMs }) => warehouseMs)),
    plainArray(members.map(({ bytesScanned }) => bytesScanned)),
    plainArray(members.map(({ rowsProduced }) => rowsProduced)),
    plainArray(members.map(({ startedAt }) => startedAt)),
    plainArray(members.map(({ endedAt }) => endedAt)),
  ];
}

/** A query of a multi-statement, which shares the charge of its ticket. */
interface Part {
  readonly ticketId: TicketId;
  readonly queryId: string;
  readonly ordinal: number;
  readonly parts: number;
}

function partsOf(members: readonly Settlement[]): readonly Part[] {
  return members.flatMap(({ ticketId, childQueryIds }) =>
    [...new Set(childQueryIds ?? [])].map((queryId, place, all) => ({
      ticketId,
      queryId,
      ordinal: place + 1,
      parts: all.length,
    })),
  );
}

function partValuesOf(parts: readonly Part[]): readonly string[] {
  return [
    plainArray(parts.map(({ ticketId }) => ticketId)),
    textArray(parts.map(({ queryId }) => queryId)),
    plainArray(parts.map(({ ordinal }) => ordinal)),
    plainArray(parts.map((part) => part.parts)),
  ];
}

function replayOrConflict(charge: StandingCharge, settlement: Settlement): SettleOutcome {
  const hasQuery = settlement.snowflakeQueryId !== null && charge.snowflake_query_id !== null;
  const isSameQuery = hasQuery && charge.snowflake_query_id === settlement.snowflakeQueryId;
  const same =
    charge.credits !== null &&
    parseCredits(charge.credits) === settlement.usedCredits &&
    charge.ended_at?.getTime() === settlement.endedAt &&
    (isSameQuery || !hasQuery);
  return same ? { kind: 'replayed' } : { kind: 'conflict', state: charge.state, isSameQuery };
}
