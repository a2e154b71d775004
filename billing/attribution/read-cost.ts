/**
 * What a period cost, by whatever one asks: from the lines that metered hours were allocated to, with the reconciliation
 * beside it. Every way of asking sums to the same lines.
 */
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs, Period } from '#base/time.js';
import {
  NO_CREDITS,
  NO_MONEY,
  addCredits,
  sumCredits,
  addMoney,
  compareAmounts,
  parseCredits,
  priceCredits,
} from '#base/units.js';
import type { Credits, Money } from '#base/units.js';
import { ledgerCall } from '../postgres/availability.js';
import { BUCKETS } from './warehouse-hour.js';
import type { Bucket } from './warehouse-hour.js';

/** What a cost can be asked by, each with the expression over a line `l`, its hour `h`, its statement `q` and ticket `t`. */
const DIMENSIONS = {
  team: 'l.team_id',
  principal: 'l.principal_id',
  warehouse: 'h.warehouse',
  tier: 't.tier',
  workload: 't.workload',
  model: "t.origin ->> 'model'",
  run: "t.origin ->> 'run'",
  dag: "t.origin ->> 'dag'",
  dashboard: "t.origin ->> 'dashboard'",
  user: 'q.snowflake_user',
  shape: 'coalesce(t.fingerprint, q.shape_hash)',
  query: 'l.query_id',
  reason: 'l.reason',
  bucket: 'l.bucket',
  day: "to_char(l.starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
} as const;
export type CostDimension = keyof typeof DIMENSIONS;
export const COST_DIMENSIONS = Object.keys(DIMENSIONS) as readonly CostDimension[];

export interface CostRequest {
  /** Whole hours of the account, UTC. */
  readonly period: Period;
  readonly by: CostDimension;
  /** Only what this team's statements took; null: everything that was metered. */
  readonly teamId: string | null;
  /** Price of a credit at an instant; undefined where none is known. */
  readonly priceAt: (at: EpochMs) => Money | undefined;
  readonly rowsMax: number;
}

export interface CostRow {
  /** null: of nobody, such as idle time. */
  readonly key: string | null;
  readonly credits: Credits;
  readonly byBucket: Readonly<Record<Bucket, Credits>>;
  /** null: a day of it has no price. */
  readonly money: Money | null;
  /** That began in the period. */
  readonly statements: number;
}

export interface Cost {
  /** Dearest first, ties by key. What is beyond `rowsMax` is one row with the key `others`. */
  readonly rows: readonly CostRow[];
  readonly totalCredits: Credits;
  readonly totalMoney: Money | null;
  readonly reconciliation: Reconciliation;
}

/** Of everything metered in the period, whichever part was asked for. */
export interface Reconciliation {
  readonly meteredCredits: Credits;
  readonly allocatedCredits: Credits;
  readonly hours: number;
  /** Hours whose figures have changed, or came, since they were allocated. */
  readonly staleHours: number;
  /** What hours could not be allocated for, one of each. */
  readonly problems: readonly string[];
  /** Hours whose lines, or shares of them, are not what was metered; the largest first, {@link PROBLEMS_MAX} at most. */
  readonly differences: readonly HourDifference[];
}

export interface HourDifference {
  readonly warehouse: string;
  readonly startsAt: EpochMs;
  readonly meteredCredits: Credits;
  readonly allocatedCredits: Credits;
}

const PROBLEMS_MAX = 20;

function costSql(by: CostDimension): string {
  return `/* prepared: billing.cost_by_${by} */
SELECT ${DIMENSIONS[by]} AS key, l.bucket, date_trunc('day', l.starts_at, 'UTC') AS day, sum(l.credits) AS credits,
  (count(*) FILTER (WHERE l.bucket IN ('direct', 'bypass') AND l.starts_at = date_trunc('hour', q.executed_at, 'UTC')))::integer
    AS statements
FROM allocation_borne l
JOIN usage_warehouse_hour h USING (account, warehouse_id, starts_at)
LEFT JOIN usage_query q ON q.account = l.account AND q.query_id = l.query_id
LEFT JOIN ticket t ON t.id = l.ticket_id
WHERE l.starts_at >= $1 AND l.starts_at < $2 AND ($3::text IS NULL OR l.team_id = $3)
GROUP BY 1, 2, 3`;
}

const RECONCILIATION = `/* prepared: billing.cost_reconciliation */
WITH hour AS (
  SELECT h.metered_credits, h.is_stale, h.problem, coalesce((
    SELECT sum(credits) FROM allocation_line l
    WHERE (l.account, l.warehouse_id, l.starts_at) = (h.account, h.warehouse_id, h.starts_at)), 0) AS allocated
  FROM usage_warehouse_hour h WHERE h.starts_at >= $1 AND h.starts_at < $2
)
SELECT coalesce(sum(metered_credits), 0) AS metered, coalesce(sum(allocated), 0) AS allocated, count(*)::integer AS hours,
  (count(*) FILTER (WHERE is_stale))::integer AS stale,
  coalesce((array_agg(DISTINCT problem) FILTER (WHERE problem IS NOT NULL))[1:${PROBLEMS_MAX}], '{}') AS problems
FROM hour`;

// Hours that are stale have lines of other figures, and are told of as such.
const DIFFERENCES = `/* prepared: billing.cost_differences */
WITH line AS (
  SELECT account, warehouse_id, starts_at, sum(credits) AS credits FROM allocation_line
  WHERE starts_at >= $1 AND starts_at < $2 GROUP BY 1, 2, 3
), borne AS (
  SELECT account, warehouse_id, starts_at, sum(credits) AS credits FROM allocation_borne
  WHERE starts_at >= $1 AND starts_at < $2 GROUP BY 1, 2, 3
), hour AS (
  SELECT h.warehouse, h.starts_at, h.metered_credits AS metered, CASE
      WHEN h.metered_credits <> coalesce(l.credits, 0) THEN coalesce(l.credits, 0) ELSE coalesce(b.credits, 0) END AS allocated
  FROM usage_warehouse_hour h LEFT JOIN line l USING (account, warehouse_id, starts_at)
  LEFT JOIN borne b USING (account, warehouse_id, starts_at)
  WHERE h.starts_at >= $1 AND h.starts_at < $2 AND NOT h.is_stale
)
SELECT * FROM hour WHERE metered <> allocated ORDER BY abs(metered - allocated) DESC, starts_at, warehouse LIMIT ${PROBLEMS_MAX}`;

interface DifferenceRow {
  readonly warehouse: string;
  readonly starts_at: Date;
  readonly metered: string;
  readonly allocated: string;
}

interface PartRow {
  readonly key: string | null;
  readonly bucket: Bucket;
  readonly day: Date;
  readonly credits: string;
  readonly statements: number;
}

/** Reads what the period cost, with the reconciliation of everything. Fault `ledgerUnavailable` without the database. */
export async function readCost(db: Queryable, request: CostRequest): Promise<Cost> {
  const rows = await readCostRows(db, request);
  return { ...rows, reconciliation: await readReconciliation(db, request.period) };
}

/** The same for whoever may not see all: adding up every line of the account takes longer than what is asked of one team. */
export async function readCostRows(
  db: Queryable,
  request: CostRequest,
): Promise<Omit<Cost, 'reconciliation'>> {
  const { by, teamId } = request;
  const parts = await ledgerCall(() =>
    db.query<PartRow>(costSql(by), [...spanOf(request.period), teamId]),
  );
  const rows = gather(parts.rows, request.priceAt);
  return {
    rows: withOthers(rows, request.rowsMax),
    totalCredits: sumCredits(rows.map(({ credits }) => credits)),
    totalMoney: rows.reduce<Money | null>((sum, { money }) => together(sum, money), NO_MONEY),
  };
}

function spanOf({ startsAt, endsAt }: Period): readonly Date[] {
  return [new Date(startsAt), new Date(endsAt)];
}

/** How far all that was metered in the period is accounted for. Fault `ledgerUnavailable` without the database. */
export async function readReconciliation(db: Queryable, period: Period): Promise<Reconciliation> {
  const span = spanOf(period);
  const { rows } = await ledgerCall(() =>
    db.query<{
      metered: string;
      allocated: string;
      hours: number;
      stale: number;
      problems: readonly string[];
    }>(RECONCILIATION, [...span]),
  );
  const differences = await ledgerCall(() => db.query<DifferenceRow>(DIFFERENCES, [...span]));
  const [row] = rows;
  return {
    meteredCredits: parseCredits(row?.metered ?? '0'),
    allocatedCredits: parseCredits(row?.allocated ?? '0'),
    hours: row?.hours ?? 0,
    staleHours: row?.stale ?? 0,
    problems: row?.problems ?? [],
    differences: differences.rows.map((each) => ({
      warehouse: each.warehouse,
      startsAt: each.starts_at.getTime(),
      meteredCredits: parseCredits(each.metered),
      allocatedCredits: parseCredits(each.allocated),
    })),
  };
}

/** Each day is priced by itself, rounded half to even once. */
function gather(parts: readonly PartRow[], priceAt: CostRequest['priceAt']): readonly CostRow[] {
  const rows = new Map<string | null, CostRow>();
  for (const { key, bucket, day, credits: text, statements } of parts) {
    const credits = parseCredits(text);
    const price = priceAt(day.getTime());
    const money = price === undefined ? null : priceCredits(credits, price, 'half-even');
    const row = rows.get(key) ?? emptyRow(key);
    rows.set(key, joined(row, { ...emptyRow(key), credits, money, statements }, bucket));
  }
  return [...rows.values()].sort(
    (a, b) => compareAmounts(b.credits, a.credits) || compareKeys(a, b),
  );
}

function emptyRow(key: string | null): CostRow {
  const byBucket = Object.fromEntries(BUCKETS.map((bucket) => [bucket, NO_CREDITS]));
  return {
    key,
    credits: NO_CREDITS,
    byBucket: byBucket as Record<Bucket, Credits>,
    money: NO_MONEY,
    statements: 0,
  };
}

function joined(a: CostRow, b: CostRow, bucket?: Bucket): CostRow {
  const byBucket =
    bucket === undefined
      ? mapBuckets((each) => addCredits(a.byBucket[each], b.byBucket[each]))
      : { ...a.byBucket, [bucket]: addCredits(a.byBucket[bucket], b.credits) };
  return {
    key: a.key,
    credits: addCredits(a.credits, b.credits),
    byBucket,
    money: together(a.money, b.money),
    statements: a.statements + b.statements,
  };
}

function mapBuckets(of: (bucket: Bucket) => Credits): Readonly<Record<Bucket, Credits>> {
  return Object.fromEntries(BUCKETS.map((bucket) => [bucket, of(bucket)])) as Record<
    Bucket,
    Credits
  >;
}

function together(a: Money | null, b: Money | null): Money | null {
  return a === null || b === null ? null : addMoney(a, b);
}

function withOthers(rows: readonly CostRow[], rowsMax: number): readonly CostRow[] {
  if (rows.length <= rowsMax) return rows;
  const others = rows.slice(rowsMax).reduce((a, b) => joined(a, b), emptyRow('others'));
  return [...rows.slice(0, rowsMax), others];
}

function compareKeys(a: CostRow, b: CostRow): number {
  return (a.key ?? '') < (b.key ?? '') ? -1 : 1;
}
