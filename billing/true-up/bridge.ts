/**
 * The bridge from what a budget has spent to what its team is billed, line by line, so that neither is a surprise. Of
 * budgets of a team that count everything of it: of others no bill is told.
 */
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs, Period } from '#base/time.js';
import { parseCredits, type Credits } from '#base/units.js';
import { ledgerCall } from '../postgres/availability.js';

/** What truing up has moved in a period. */
export interface TrueUps {
  /** What statements were settled with. */
  readonly directCredits: Credits;
  /** What metering made of them. */
  readonly meteredCredits: Credits;
  /** The loading of their warehouses, of budgets that count `billed`. */
  readonly loadingCredits: Credits;
  /** What was missing to the bill when the period was metered as a whole. */
  readonly billedCredits: Credits;
}

/** Every line; `spent` is the sum of the first four, and `billed` that of all that follow it. */
export interface BudgetBridge extends TrueUps {
  readonly budgetId: string;
  readonly period: Period;
  readonly spentCredits: Credits;
  /** Loading and what was trued up to the bill, taken back: the lines below stand for them. */
  readonly withoutLoadingCredits: Credits;
  readonly bypassCredits: Credits;
  readonly idleShareCredits: Credits;
  readonly cloudServicesCredits: Credits;
  readonly adjustmentCredits: Credits;
  readonly servicesCredits: Credits;
  readonly unexplainedCredits: Credits;
  /** Metered direct credits of the period's hours that its statements do not have: not metered yet, or over its ends. */
  readonly differenceCredits: Credits;
  readonly teamBilledCredits: Credits;
  /** Hours of the period that are not allocated by their newest. */
  readonly staleHours: number;
}

const BRIDGE = `/* prepared: billing.budget_bridge */
WITH p AS MATERIALIZED (
  SELECT p.*, b.node_id FROM budget_period p JOIN budget b ON b.id = p.budget_id
  WHERE b.node_id = $1 AND b.tier IS NULL AND b.workload IS NULL AND b.client IS NULL AND p.starts_at <= $2 AND p.ends_at > $2
), l AS (
  SELECT p.id, coalesce(sum(x.credits), 0) AS all_lines,
    coalesce(sum(x.credits) FILTER (WHERE x.line = 'direct'), 0) AS direct,
    coalesce(sum(x.credits) FILTER (WHERE x.line = 'bypass'), 0) AS bypass,
    coalesce(sum(x.credits) FILTER (WHERE x.line = 'idleShare'), 0) AS idle_share,
    coalesce(sum(x.credits) FILTER (WHERE x.line = 'cloudServices'), 0) AS cloud_services,
    coalesce(sum(x.credits) FILTER (WHERE x.line = 'adjustment'), 0) AS adjustment,
    coalesce(sum(x.credits) FILTER (WHERE x.line = 'services'), 0) AS services,
    coalesce(sum(x.credits) FILTER (WHERE x.line = 'unexplained'), 0) AS unexplained
  FROM p LEFT JOIN team_billed x ON x.team_id = p.node_id AND x.starts_at >= p.starts_at AND x.starts_at < p.ends_at
  GROUP BY p.id
)
SELECT p.budget_id, p.starts_at, p.ends_at, p.spent_credits AS spent, p.spent_credits - p.metered_credits - p.loading_credits - p.billed_credits AS settled,
  p.metered_credits AS metered, p.loading_credits AS loading, p.billed_credits AS billed,
  -p.loading_credits - p.billed_credits AS without_loading, l.bypass, l.idle_share, l.cloud_services, l.adjustment, l.services,
  l.unexplained, l.direct - (p.spent_credits - p.loading_credits - p.billed_credits) AS difference, l.all_lines AS team_billed,
  (SELECT count(*) FROM usage_warehouse_hour h WHERE h.starts_at >= p.starts_at AND h.starts_at < p.ends_at
    AND (h.is_stale OR h.allocated_at IS NULL))::integer AS stale_hours
FROM p JOIN l USING (id) ORDER BY p.budget_id`;

type BridgeRow = Readonly<Record<string, string>> & {
  readonly starts_at: Date;
  readonly ends_at: Date;
  readonly stale_hours: number;
} & Record<string, unknown>;

/** The bridges of every budget of `teamId` whose period contains `at`, by id. Fault `ledgerUnavailable`. */
export function readBridges(
  db: Queryable,
  teamId: string,
  at: EpochMs,
): Promise<readonly BudgetBridge[]> {
  return ledgerCall(async () => {
    const { rows } = await db.query<BridgeRow>(BRIDGE, [teamId, new Date(at)]);
    return rows.map(fromRow);
  });
}

function fromRow(row: BridgeRow): BudgetBridge {
  const credits = (column: string): Credits => parseCredits(String(row[column]));
  return {
    budgetId: String(row['budget_id']),
    period: { startsAt: row.starts_at.getTime(), endsAt: row.ends_at.getTime() },
    directCredits: credits('settled'),
    meteredCredits: credits('metered'),
    loadingCredits: credits('loading'),
    billedCredits: credits('billed'),
    spentCredits: credits('spent'),
    withoutLoadingCredits: credits('without_loading'),
    bypassCredits: credits('bypass'),
    idleShareCredits: credits('idle_share'),
    cloudServicesCredits: credits('cloud_services'),
    adjustmentCredits: credits('adjustment'),
    servicesCredits: credits('services'),
    unexplainedCredits: credits('unexplained'),
    differenceCredits: credits('difference'),
    teamBilledCredits: credits('team_billed'),
    staleHours: row.stale_hours,
  };
}
