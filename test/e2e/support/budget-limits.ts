/** Tests that make a budget small give the next test its limit back. */
import { setBudgetLimit } from '../../../billing/control-writes.js';
import { parseCredits } from '../../../base/units.js';
import type { Database } from '../../../base/postgres/pool.js';

/** Notes the limits of budgets; what is returned sets them again. */
export async function keepLimits(
  db: Database,
  budgetIds: readonly string[],
): Promise<() => Promise<void>> {
  const { rows } = await db.query<{ id: string; credits: string | null }>(
    'SELECT id, limit_credits AS credits FROM budget WHERE id = ANY($1::text[])',
    [budgetIds],
  );
  return async () => {
    for (const { id, credits } of rows) {
      const limitCredits = credits === null ? null : parseCredits(credits);
      const change = { author: 'test', reason: 'as it was', at: Date.now() };
      await db.transaction((tx) => setBudgetLimit(tx, { budgetId: id, limitCredits, ...change }));
    }
  };
}
