/** The worker's eye on budgets: forecasts, and an audit event with every threshold that is passed. */
import { appendAudit } from '../admin/stores/audit-store.js';
import type { Database } from '../base/postgres/pool.js';
import { formatInstant, type Clock } from '../base/time.js';
import { formatAmount } from '../base/units.js';
import { forecastBudgets, writeNotices, type BudgetNotice } from '../billing/watch-budgets.js';

/** Forecasts move slowly; thresholds of use are looked at with every call. In business time. */
const FORECAST_EVERY_MS = 60_000;

/** One look at the budgets a call; notices and their audit events are written together or not at all. */
export function budgetWatch({
  db,
  clock,
}: {
  readonly db: Database;
  readonly clock: Clock;
}): () => Promise<void> {
  let forecastAt = 0;
  return async () => {
    const at = clock.now();
    if (at >= forecastAt) {
      await forecastBudgets(db, at);
      forecastAt = at + FORECAST_EVERY_MS;
    }
    await db.transaction(async (tx) => {
      for (const notice of await writeNotices(tx, at))
        await appendAudit(tx, {
          actor: { id: 'tollgate', role: 'platform' },
          action: 'budget.threshold',
          subject: `budget/${notice.budgetId}`,
          reason: reasonOf(notice),
          before: null,
          after: toJson(notice),
          at,
        });
    });
  };
}

function reasonOf({ measure, threshold }: BudgetNotice): string {
  return measure === 'use'
    ? `${threshold} % of the limit is spent`
    : `${threshold} % of the limit is what the forecast comes to`;
}

function toJson(notice: BudgetNotice): Record<string, unknown> {
  const { forecastCredits, exhaustedAt } = notice;
  return {
    measure: notice.measure,
    thresholdPercent: notice.threshold,
    limitCredits: formatAmount(notice.limitCredits),
    spentCredits: formatAmount(notice.spentCredits),
    forecastCredits: forecastCredits === null ? null : formatAmount(forecastCredits),
    exhaustedAt: exhaustedAt === null ? null : formatInstant(exhaustedAt),
    periodEndsAt: formatInstant(notice.periodEndsAt),
  };
}
