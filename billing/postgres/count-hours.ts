/** What budgets spend in which hour: the history behind a forecast. One process at a time calls this. */
import { must } from '#base/assert.js';
import type { Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { NO_CREDITS, maxAmount, parseCredits } from '#base/units.js';
import type { Credits } from '#base/units.js';
import { HOURS_OF_WEEK } from '../forecast.js';
import type { HourProfile } from '../forecast.js';

// What was spent since the last call belongs to this hour. What a period had spent before it was first seen belongs to
// none that anybody knows, unless it is only just open.
const COUNT = `/* prepared: billing.count_hours */
WITH moved AS MATERIALIZED (
  SELECT p.id, p.budget_id, p.spent_credits,
    CASE WHEN c.budget_period_id IS NOT NULL OR p.starts_at > $1::timestamptz - interval '1 hour'
      THEN p.spent_credits - coalesce(c.spent_credits, 0) ELSE 0 END AS added
  FROM budget_period p LEFT JOIN budget_counted c ON c.budget_period_id = p.id
  WHERE p.ends_at > $1::timestamptz - interval '8 days'
    AND (c.budget_period_id IS NULL OR p.spent_credits <> c.spent_credits)
), counted AS (
  INSERT INTO budget_counted (budget_period_id, spent_credits) SELECT id, spent_credits FROM moved
  ON CONFLICT (budget_period_id) DO UPDATE SET spent_credits = excluded.spent_credits
)
INSERT INTO budget_hour (budget_id, hour_at, credits)
SELECT budget_id, date_trunc('hour', $1::timestamptz, 'UTC'), sum(added) FROM moved GROUP BY budget_id
ON CONFLICT (budget_id, hour_at) DO UPDATE SET credits = budget_hour.credits + excluded.credits`;

const FORGET = `/* prepared: billing.forget_hours */
DELETE FROM budget_hour WHERE hour_at < $1::timestamptz - interval '8 weeks'`;

// The latest whole weeks, at most six, up to this hour; the hour of the week from Monday on, as `hourOfWeek` counts.
const PROFILES = `/* prepared: billing.hour_profiles */
WITH known AS (
  SELECT budget_id, least(6, floor(extract(epoch FROM date_trunc('hour', $2::timestamptz, 'UTC') - min(hour_at)) / 604800))::integer
    AS weeks
  FROM budget_hour WHERE budget_id = ANY($1::text[]) GROUP BY budget_id
)
SELECT h.budget_id, k.weeks, ((extract(epoch FROM h.hour_at)::bigint / 3600 + 72) % 168)::integer AS hour,
  sum(h.credits) AS credits
FROM known k JOIN budget_hour h ON h.budget_id = k.budget_id
WHERE k.weeks > 0 AND h.hour_at < date_trunc('hour', $2::timestamptz, 'UTC')
  AND h.hour_at >= date_trunc('hour', $2::timestamptz, 'UTC') - make_interval(days => 7 * k.weeks)
GROUP BY h.budget_id, k.weeks, hour`;

/** Adds what was spent since the last call to the hour of `at`, and forgets what is older than eight weeks. */
export async function countHours(db: Queryable, at: EpochMs): Promise<void> {
  await db.query(COUNT, [new Date(at)]);
  await db.query(FORGET, [new Date(at)]);
}

/** The profiles of the budgets that have at least one whole week of history. */
export async function hourProfiles(
  db: Queryable,
  budgetIds: readonly string[],
  at: EpochMs,
): Promise<ReadonlyMap<string, HourProfile>> {
  const { rows } = await db.query<{
    budget_id: string;
    weeks: number;
    hour: number;
    credits: string;
  }>(PROFILES, [budgetIds, new Date(at)]);
  const found = new Map<string, { readonly credits: Credits[]; readonly weeks: number }>();
  for (const row of rows) {
    if (!found.has(row.budget_id)) {
      const credits = Array.from({ length: HOURS_OF_WEEK }, () => NO_CREDITS);
      found.set(row.budget_id, { credits, weeks: row.weeks });
    }
    const profile = must(found.get(row.budget_id), 'it was just made');
    // A correction of a charge may make an hour less than nothing.
    profile.credits[row.hour] = maxAmount(NO_CREDITS, parseCredits(row.credits));
  }
  return found;
}
