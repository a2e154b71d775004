/**
 * What hours of one warehouse are allocated from, as it was imported: statements with the proof that they came through
 * Tollgate, and the spans of clusters.
 */
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { parseCredits } from '#base/units.js';
import type { Credits } from '#base/units.js';
import { clusterSpans, constraintsOf } from '../usage/cluster-spans.js';
import type { ToldSpan, WarehouseEventRow } from '../usage/cluster-spans.js';
import { REACH } from '../usage/stale-hours.js';
import { ticketOf } from './ticket-of.js';
import { HOUR_MS, millisIn } from './warehouse-hour.js';
import type { ClusterSpan, Execution, WarehouseHour } from './warehouse-hour.js';

/** What one cluster uses an hour; undefined where no rate covers it. `kind`: WAREHOUSE_TYPE of the view. */
export type RateOf = (
  kind: string,
  resourceConstraint: string | null,
  size: string,
  at: EpochMs,
) => Credits | undefined;

export interface MeteredRow {
  readonly warehouse: string;
  readonly starts_at: Date;
  readonly metered_credits: string;
  readonly attributed_credits: string | null;
}

/** Who ran a statement, as far as that is known. */
export interface QueryPayer {
  readonly query_id: string;
  /** null: QUERY_HISTORY has not got it yet. */
  readonly snowflake_user: string | null;
  readonly role_name: string | null;
  readonly ticket_id: string | null;
  readonly team_id: string | null;
  readonly principal_id: string | null;
}

export interface QueryRow extends QueryPayer {
  readonly cluster: number;
  readonly warehouse_size: string;
  readonly warehouse_kind: string;
  readonly executed_at: Date;
  readonly ended_at: Date;
  /** Its figure is beside those of the statements it contains; by time it would be counted twice. */
  readonly is_container: boolean;
  readonly attributed_credits: string | null;
}

/** A statement in an hour of an adaptive warehouse. */
interface MeteredQueryRow extends QueryPayer {
  readonly starts_at: Date;
  readonly compute_credits: string;
}

export interface HourInputs {
  readonly queries: ReadonlyMap<string, QueryPayer>;
  /** The hour, or why it cannot be allocated. */
  hourOf(row: MeteredRow): WarehouseHour | { readonly problem: string };
}

interface Ran {
  readonly query: QueryRow;
  readonly startsAt: EpochMs;
  readonly endsAt: EpochMs;
  /** undefined: no rate covers it. */
  readonly execution: Execution | undefined;
}

/**
 * Reads what bears on the hours of a warehouse in `[from, to)`; `key` is account and warehouse. Faults of Postgres
 * propagate.
 */
export async function readHourInputs(
  db: Queryable,
  key: readonly [account: string, warehouseId: string],
  { from, to }: { readonly from: Date; readonly to: Date },
  rateOf: RateOf,
): Promise<HourInputs> {
  const span = [...key, from, to];
  const { rows: queries } = await db.query<QueryRow>(QUERIES, span);
  const { rows: metered } = await db.query<MeteredQueryRow>(METERED_QUERIES, span);
  const events = await eventsOf(db, span);
  const constraintAt = constraintsOf(events);
  const ran = queries.map((query) =>
    ranAs(query, constraintAt(query.executed_at.getTime()), rateOf),
  );
  const kind = queries[0]?.warehouse_kind ?? 'STANDARD';
  const spans =
    events.length === 0
      ? undefined
      : clusterSpans(events, (size, each, at) => rateOf(kind, each, size, at));
  return {
    queries: new Map([...metered, ...queries].map((query) => [query.query_id, query])),
    hourOf(row) {
      const startsAt = row.starts_at.getTime();
      const near = around(
        row.attributed_credits === null ? ran.filter(({ query }) => !query.is_container) : ran,
        startsAt,
      );
      const queryCredits = queryCreditsIn(startsAt, metered, near);
      if (queryCredits !== null) return adaptiveHour(row, queryCredits);
      const unknown = near.find(
        (each) => each.execution === undefined && millisIn(startsAt, each) > 0,
      );
      if (unknown !== undefined)
        return { problem: noRate(row, unknown.query, constraintAt(unknown.startsAt)) };
      return {
        startsAt,
        meteredCredits: parseCredits(row.metered_credits),
        attributedCredits: creditsOrNull(row.attributed_credits),
        // Beside the hour a statement only says where an idle stretch ends.
        executions: near.flatMap(({ execution }) => execution ?? []),
        spans: spans === undefined ? null : spansIn(startsAt, spans),
        queryCredits: null,
      };
    },
  };
}

const ADAPTIVE = 'ADAPTIVE';

/** null: the warehouse is not adaptive then. Without rows yet, all of the hour is of no statement. */
function queryCreditsIn(
  hourStartsAt: EpochMs,
  metered: readonly MeteredQueryRow[],
  near: readonly Ran[],
): WarehouseHour['queryCredits'] {
  const rows = metered.filter((row) => row.starts_at.getTime() === hourStartsAt);
  const isAdaptive = near.some(({ query }) => query.warehouse_kind === ADAPTIVE);
  if (rows.length === 0 && !isAdaptive) return null;
  return rows.map((row) => ({
    queryId: row.query_id,
    isGoverned: row.ticket_id !== null,
    credits: parseCredits(row.compute_credits),
  }));
}

function adaptiveHour(
  row: MeteredRow,
  queryCredits: NonNullable<WarehouseHour['queryCredits']>,
): WarehouseHour {
  return {
    startsAt: row.starts_at.getTime(),
    meteredCredits: parseCredits(row.metered_credits),
    attributedCredits: null,
    executions: [],
    spans: null,
    queryCredits,
  };
}

function ranAs(query: QueryRow, resourceConstraint: string | null, rateOf: RateOf): Ran {
  const [startsAt, endsAt] = [query.executed_at.getTime(), query.ended_at.getTime()];
  const { warehouse_kind: kind, warehouse_size: size } = query;
  const creditsPerHour = rateOf(kind, resourceConstraint, size, startsAt);
  const execution = creditsPerHour && {
    queryId: query.query_id,
    cluster: query.cluster,
    startsAt,
    endsAt,
    creditsPerHour,
    isGoverned: query.ticket_id !== null,
    attributedCredits: creditsOrNull(query.attributed_credits),
  };
  return { query, startsAt, endsAt, execution };
}

/** What touches the hour, and of each cluster the last before it and the first after it. */
function around(ran: readonly Ran[], hourStartsAt: EpochMs): readonly Ran[] {
  const before = new Map<number, Ran>();
  const after = new Map<number, Ran>();
  const inside: Ran[] = [];
  for (const each of ran) {
    const { cluster } = each.query;
    if (each.endsAt <= hourStartsAt) {
      if (each.endsAt >= (before.get(cluster)?.endsAt ?? -Infinity)) before.set(cluster, each);
    } else if (each.startsAt >= hourStartsAt + HOUR_MS) {
      if (each.startsAt < (after.get(cluster)?.startsAt ?? Infinity)) after.set(cluster, each);
    } else inside.push(each);
  }
  return [...before.values(), ...inside, ...after.values()];
}

/** The spans that touch the hour; null where the rate of one is not known. */
function spansIn(hourStartsAt: EpochMs, spans: readonly ToldSpan[]): readonly ClusterSpan[] | null {
  const own: ClusterSpan[] = [];
  for (const { creditsPerHour, ...span } of spans) {
    const endsAt = Math.max(span.endsAt ?? Infinity, span.startsAt + span.minimumMs);
    if (span.startsAt >= hourStartsAt + HOUR_MS || endsAt <= hourStartsAt) continue;
    if (creditsPerHour === null) return null;
    own.push({ ...span, creditsPerHour });
  }
  return own;
}

function noRate(row: MeteredRow, query: QueryRow, resourceConstraint: string | null): string {
  const make = [query.warehouse_kind, resourceConstraint, query.warehouse_size].filter(Boolean);
  return `No rate is known for ${make.join(' ')} (warehouse ${row.warehouse}, statement ${query.query_id}): enter it under rates.`;
}

function creditsOrNull(text: string | null): Credits | null {
  return text === null ? null : parseCredits(text);
}

// A row of a statement that runs has no credits yet, and is written again in its place.
const METERED_QUERIES = `/* prepared: billing.metered_queries_of_hours */
SELECT m.query_id, m.starts_at, coalesce(m.compute_credits, 0) AS compute_credits, q.snowflake_user, q.role_name,
  t.id AS ticket_id, t.team_id, t.principal_id
FROM usage_query_hour m LEFT JOIN usage_query q ON q.account = m.account AND q.query_id = m.query_id
LEFT JOIN ${ticketOf('m.query_id', 'q.root_query_id')} ON true
WHERE m.account = $1 AND m.warehouse_id = $2 AND m.starts_at >= $3 AND m.starts_at < $4
ORDER BY m.starts_at, m.query_id`;

// What touches the hours, and of each cluster the last before them and the first after them. What only contains others is none
// of them, unless Snowflake has a figure of its own for it.
const QUERIES = `/* prepared: billing.queries_of_hours */
WITH near AS (
  SELECT * FROM usage_query q WHERE q.account = $1 AND q.warehouse_id = $2 AND (NOT q.is_container OR q.attributed_credits > 0)
    AND q.ended_at > $3::timestamptz - ${REACH} AND q.executed_at < $4::timestamptz + ${REACH}
), picked AS (
  SELECT query_id FROM near WHERE ended_at > $3 AND executed_at < $4
  UNION
  (SELECT DISTINCT ON (cluster) query_id FROM near WHERE ended_at <= $3 ORDER BY cluster, ended_at DESC, query_id DESC)
  UNION
  (SELECT DISTINCT ON (cluster) query_id FROM near WHERE executed_at >= $4 ORDER BY cluster, executed_at, query_id)
)
SELECT n.query_id, n.cluster, n.warehouse_size, n.warehouse_kind, n.snowflake_user, n.role_name, n.executed_at, n.ended_at,
  n.is_container, n.attributed_credits, t.id AS ticket_id, t.team_id, t.principal_id
FROM picked JOIN near n USING (query_id)
LEFT JOIN ${ticketOf('n.query_id', 'n.root_query_id')} ON true
ORDER BY n.executed_at, n.query_id`;

// Everything since the warehouse was last suspended as a whole before the hours: what was up then is up still; and until it is
// suspended next, so that a stretch that goes on beyond the hours ends where it does.
const EVENTS = `/* prepared: billing.events_of_hours */
SELECT occurred_at, name, cluster, warehouse_size, resource_constraint FROM usage_warehouse_event
WHERE account = $1 AND warehouse_id = $2 AND occurred_at < least($4::timestamptz + ${REACH}, (
    SELECT min(occurred_at) + interval '1 hour' FROM usage_warehouse_event
    WHERE account = $1 AND warehouse_id = $2 AND name IN ('SUSPEND_WAREHOUSE', 'DROP_WAREHOUSE')
      AND occurred_at > $4::timestamptz AND occurred_at < $4::timestamptz + ${REACH}))
  AND occurred_at >= coalesce((
    SELECT max(occurred_at) FROM usage_warehouse_event
    WHERE account = $1 AND warehouse_id = $2 AND name = 'RESUME_WAREHOUSE'
      AND occurred_at <= $3::timestamptz - interval '1 hour'), '-infinity')
ORDER BY occurred_at, name = 'WAREHOUSE_CONSISTENT', name LIKE 'RESUME%' OR name LIKE 'SPINUP%', name, cluster`;

async function eventsOf(
  db: Queryable,
  span: readonly unknown[],
): Promise<readonly WarehouseEventRow[]> {
  const { rows } = await db.query<{
    occurred_at: Date;
    name: string;
    cluster: number;
    warehouse_size: string | null;
    resource_constraint: string | null;
  }>(EVENTS, [...span]);
  return rows.map((row) => ({
    at: row.occurred_at.getTime(),
    name: row.name,
    cluster: row.cluster,
    size: row.warehouse_size,
    resourceConstraint: row.resource_constraint,
  }));
}
