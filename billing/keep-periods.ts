/**
 * What time does to budgets by itself: grants end, periods open, and what was carried follows the statements that end
 * late. Every replica and the worker call it again and again, so that it happens where any of them runs; it changes
 * nothing a second time, and a process that was away for long finds everything done, or does it then.
 */
import type { Database, Queryable } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { expireGrants } from './control-writes.js';
import { ledgerCall } from './postgres/availability.js';
import { correctCarried } from './postgres/correct-carried.js';
import { openPeriods } from './postgres/open-periods.js';

// Others open with their first statement. These do not wait for one: what is left of a period nobody used is carried
// too, the days of these kinds are not written in a view, and a team is billed (idle time, services, what ran past Tollgate)
// for a period in which it ran nothing through it.
const UNOPENED = `/* prepared: billing.periods_due */
SELECT b.id FROM budget b JOIN org_node n ON n.id = b.node_id
WHERE b.is_active AND (b.carry_percent IS NOT NULL OR b.carry_debt OR b.period_kind IN ('fiscal', 'custom')
    OR (b.counts = 'billed' AND n.kind = 'team' AND b.tier IS NULL AND b.workload IS NULL AND b.client IS NULL))
  AND NOT EXISTS (
    SELECT FROM budget_period p WHERE p.budget_id = b.id AND p.starts_at <= $1 AND p.ends_at > $1
  )
ORDER BY b.period_kind = 'custom', b.id LIMIT 1000`;

/** Ends grants, opens periods that are due, corrects what was carried. Fault `ledgerUnavailable`. */
export function keepPeriods(db: Database, at: EpochMs): Promise<void> {
  return ledgerCall(async () => {
    await db.transaction((tx) => expireGrants(tx, at));
    const due = await periodsDue(db, at);
    if (due.length > 0) await openPeriods(db, due, at);
    await correctCarried(db, at);
  });
}

async function periodsDue(db: Queryable, at: EpochMs): Promise<readonly string[]> {
  const { rows } = await db.query<{ id: string }>(UNOPENED, [new Date(at)]);
  return rows.map(({ id }) => id);
}
