/** What was forecast of budgets, and which of their thresholds are passed, for those who read it. */
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { parseCredits } from '#base/units.js';
import type { Credits } from '#base/units.js';
import { ledgerCall } from './postgres/availability.js';

/** A forecast as it was made last. */
export interface KeptForecast {
  readonly forecastAt: EpochMs;
  readonly lowCredits: Credits;
  readonly expectedCredits: Credits;
  readonly highCredits: Credits;
  readonly exhaustedAt: EpochMs | null;
}

export interface PeriodDetails {
  readonly grantedCredits: Credits;
  readonly carriedCredits: Credits;
  /** What metering, loading and the bill have moved of what is spent. */
  readonly meteredCredits: Credits;
  readonly loadingCredits: Credits;
  readonly billedCredits: Credits;
  /** null: none was made yet. */
  readonly forecast: KeptForecast | null;
  /** Percent of the limit spent that was told, the highest; null: none. */
  readonly passedPercent: number | null;
}

// A forecast is up to a minute old: what is spent by now is the least that can come of it.
const DETAILS = `/* prepared: billing.period_details */
SELECT DISTINCT ON (p.budget_id) p.budget_id, p.granted_credits, p.carried_credits,
  p.metered_credits, p.loading_credits, p.billed_credits, f.forecast_at,
  greatest(f.low_credits, p.spent_credits) AS low_credits, greatest(f.expected_credits, p.spent_credits) AS expected_credits,
  greatest(f.high_credits, p.spent_credits) AS high_credits, f.exhausted_at,
  (SELECT max(n.threshold) FROM budget_notice n
    WHERE n.budget_period_id = p.id AND n.measure = 'use' AND n.rearmed_at IS NULL) AS passed
FROM budget_period p LEFT JOIN budget_forecast f ON f.budget_period_id = p.id
WHERE p.budget_id = ANY($1::text[]) AND p.starts_at <= $2 AND p.ends_at > $2
ORDER BY p.budget_id, p.starts_at DESC`;

interface DetailsRow {
  readonly budget_id: string;
  readonly granted_credits: string;
  readonly carried_credits: string;
  readonly metered_credits: string;
  readonly loading_credits: string;
  readonly billed_credits: string;
  readonly forecast_at: Date | null;
  readonly low_credits: string;
  readonly expected_credits: string;
  readonly high_credits: string;
  readonly exhausted_at: Date | null;
  readonly passed: number | null;
}

/** By budget id, of those whose period that contains `at` is open. Fault `ledgerUnavailable`. */
export function readPeriodDetails(
  db: Queryable,
  budgetIds: readonly string[],
  at: EpochMs,
): Promise<ReadonlyMap<string, PeriodDetails>> {
  return ledgerCall(async () => {
    const { rows } = await db.query<DetailsRow>(DETAILS, [budgetIds, new Date(at)]);
    return new Map(rows.map((row) => [row.budget_id, fromRow(row)]));
  });
}

function fromRow(row: DetailsRow): PeriodDetails {
  return {
    grantedCredits: parseCredits(row.granted_credits),
    carriedCredits: parseCredits(row.carried_credits),
    meteredCredits: parseCredits(row.metered_credits),
    loadingCredits: parseCredits(row.loading_credits),
    billedCredits: parseCredits(row.billed_credits),
    forecast:
      row.forecast_at === null
        ? null
        : {
            forecastAt: row.forecast_at.getTime(),
            lowCredits: parseCredits(row.low_credits),
            expectedCredits: parseCredits(row.expected_credits),
            highCredits: parseCredits(row.high_credits),
            exhaustedAt: row.exhausted_at === null ? null : row.exhausted_at.getTime(),
          },
    passedPercent: row.passed,
  };
}
