/** What the ledger shows of itself as numbers: read by one worker every few seconds, never on a statement's path. */
import type { Queryable } from '#base/postgres/pool.js';
import { formatInstant, type EpochMs } from '#base/time.js';

/** A budget whose period is open; amounts are for graphs and alerts, decisions are made elsewhere. */
export interface BudgetGauge {
  readonly budget: string;
  readonly node: string;
  readonly isHard: boolean;
  /** null: unlimited. */
  readonly limitCredits: number | null;
  readonly spentCredits: number;
  readonly heldCredits: number;
  /** At the end of the period; null: not forecast yet. */
  readonly forecastCredits: number | null;
  readonly periodSeconds: number;
  readonly leftSeconds: number;
}

export interface LaneGauge {
  readonly tier: string;
  readonly waiting: number;
  readonly oldestWaitSeconds: number;
}

export interface LedgerGauges {
  readonly budgets: readonly BudgetGauge[];
  readonly lanes: readonly LaneGauge[];
  /** Open tickets by state, with what they hold and how old the oldest is. */
  readonly tickets: readonly {
    readonly state: string;
    readonly count: number;
    readonly heldCredits: number;
    readonly oldestSeconds: number;
  }[];
  readonly imports: readonly {
    readonly account: string;
    readonly view: string;
    readonly ageSeconds: number;
  }[];
  /** Metered credits of the last seven days that are imported, by where they went. */
  readonly metered: readonly {
    readonly account: string;
    readonly bucket: string;
    readonly credits: number;
  }[];
  /** Part of what ran on a warehouse in the last allocated day that came through Tollgate, by credits, 0 to 1. */
  readonly coverage: readonly {
    readonly account: string;
    readonly warehouse: string;
    readonly ratio: number;
  }[];
  /** Warehouse-hours by account and whether they are allocated, waiting or cannot be. */
  readonly hours: readonly {
    readonly account: string;
    readonly state: string;
    readonly hours: number;
  }[];
  readonly replicas: { readonly live: number; readonly silent: number };
}

/** Series of one metric; of more budgets only the first by id are shown, and the rest is counted by nobody. */
const SERIES_MAX = 1_000;

const BUDGETS = `/* prepared: billing.gauges_budgets */
SELECT budget_id AS budget, node_id AS node, is_hard AS "isHard", limit_credits::float8 AS "limitCredits",
  spent_credits::float8 AS "spentCredits", held_credits::float8 AS "heldCredits",
  forecast_credits::float8 AS "forecastCredits", extract(epoch FROM ends_at - starts_at)::float8 AS "periodSeconds",
  extract(epoch FROM ends_at - $1::timestamptz)::float8 AS "leftSeconds"
FROM dash_budget WHERE starts_at <= $1 AND ends_at > $1 ORDER BY budget_id LIMIT $2`;

const LANES = `/* prepared: billing.gauges_lanes */
SELECT tier, waiting::float8 AS waiting, oldest_wait_seconds AS "oldestWaitSeconds" FROM dash_lane ORDER BY tier LIMIT $1`;

const TICKETS = `/* prepared: billing.gauges_tickets */
SELECT state, count(*)::float8 AS count, sum(hold_credits)::float8 AS "heldCredits",
  greatest(0, extract(epoch FROM $1::timestamptz - min(occurred_at)))::float8 AS "oldestSeconds"
FROM dash_open_ticket GROUP BY state ORDER BY state`;

const IMPORTS = `/* prepared: billing.gauges_imports */
SELECT account, view_name AS view, age_seconds AS "ageSeconds" FROM dash_import ORDER BY account, view_name LIMIT $1`;

// Of statements their sums by team and hour: this is read every few seconds, and a week may have millions of lines.
const METERED = `/* prepared: billing.gauges_metered */
SELECT account, bucket, sum(credits)::float8 AS credits FROM (
  SELECT t.account, b.bucket, b.credits
  FROM allocation_team_hour t,
    LATERAL (VALUES ('direct', t.credits - t.bypass_credits), ('bypass', t.bypass_credits)) AS b (bucket, credits)
  WHERE t.starts_at > $1::timestamptz - interval '7 days'
  UNION ALL
  SELECT account, bucket, credits FROM allocation_line
  WHERE starts_at > $1::timestamptz - interval '7 days' AND bucket IN ('idle', 'resumeMinute', 'shortQuery', 'unexplained')
) l GROUP BY account, bucket ORDER BY account, bucket LIMIT $2`;

/** The last day of which something is allocated, of the warehouses that the document governs. */
const COVERAGE = `/* prepared: billing.gauges_coverage */
WITH last AS (
  SELECT account, max(starts_at) AS at FROM allocation_team_hour WHERE starts_at > $1::timestamptz - interval '7 days' GROUP BY 1
)
SELECT t.account, h.warehouse, (1 - sum(t.bypass_credits) / sum(t.credits))::float8 AS ratio
FROM last l JOIN allocation_team_hour t ON t.account = l.account AND t.starts_at > l.at - interval '1 day'
JOIN usage_warehouse_hour h ON h.account = t.account AND h.warehouse_id = t.warehouse_id AND h.starts_at = t.starts_at
WHERE upper(h.warehouse) IN (SELECT upper(warehouse) FROM tier)
GROUP BY 1, 2 ORDER BY 1, 2 LIMIT $2`;

const HOURS = `/* prepared: billing.gauges_hours */
SELECT account, CASE WHEN problem IS NOT NULL THEN 'problem' ELSE 'waiting' END AS state, count(*)::float8 AS hours
FROM usage_warehouse_hour WHERE is_stale GROUP BY 1, 2 ORDER BY 1, 2 LIMIT $1`;

const REPLICAS = `/* prepared: billing.gauges_replicas */
SELECT (count(*) FILTER (WHERE silent_seconds <= 10))::float8 AS live,
  (count(*) FILTER (WHERE silent_seconds > 10 AND silent_seconds < 3600))::float8 AS silent
FROM dash_replica`;

/** Reads them as of `now` in business time. Rejects when Postgres does not answer. */
export async function readGauges(db: Queryable, now: EpochMs): Promise<LedgerGauges> {
  const at = formatInstant(now);
  const all = async <Row extends object>(
    text: string,
    ...values: readonly unknown[]
  ): Promise<Row[]> => (await db.query<Row>(text, values)).rows;
  const [replicas] = await all<LedgerGauges['replicas']>(REPLICAS);
  return {
    budgets: await all<BudgetGauge>(BUDGETS, at, SERIES_MAX),
    lanes: await all<LaneGauge>(LANES, SERIES_MAX),
    tickets: await all<LedgerGauges['tickets'][number]>(TICKETS, at),
    imports: await all<LedgerGauges['imports'][number]>(IMPORTS, SERIES_MAX),
    metered: await all<LedgerGauges['metered'][number]>(METERED, at, SERIES_MAX),
    coverage: await all<LedgerGauges['coverage'][number]>(COVERAGE, at, SERIES_MAX),
    hours: await all<LedgerGauges['hours'][number]>(HOURS, SERIES_MAX),
    replicas: replicas ?? { live: 0, silent: 0 },
  };
}

/** Views that are empty while the ledger holds together, in the order of their names. */
const INVARIANTS = `/* prepared: billing.gauges_invariants */
SELECT table_name::text AS name FROM information_schema.views
WHERE table_schema = 'tollgate' AND starts_with(table_name, 'invariant_') ORDER BY table_name`;

/** Rows that are counted of a broken one. */
const BROKEN_MAX = 1_000;

/**
 * Looks at each invariant of the ledger, one after the other: they read all of it. Told per invariant how many rows
 * break it (at most 1,000), or that it could not be looked at.
 */
export async function checkInvariants(
  db: Queryable,
  tell: (
    invariant: string,
    outcome: { readonly rows: number } | { readonly failed: Error },
  ) => void,
): Promise<void> {
  const { rows: views } = await db.query<{ name: string }>(INVARIANTS);
  for (const { name } of views) {
    try {
      // The name is the catalogue's own and begins as ours do.
      const { rows } = await db.query<{ broken: number }>(
        `SELECT count(*)::float8 AS broken FROM (SELECT FROM tollgate.${name} LIMIT ${BROKEN_MAX}) AS found`,
      );
      tell(name, { rows: rows[0]?.broken ?? 0 });
    } catch (thrown) {
      tell(name, { failed: thrown instanceof Error ? thrown : new Error(String(thrown)) });
    }
  }
}
