/**
 * `tollgate replay` against the guards of the proxy: drawn histories under drawn documents, whose statements run into ceilings and
 * use budgets up while they run. Both refuse and stop the same statements, at the same amounts, and leave budgets alike.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ensureControl } from '../../../admin/stores/control-store.js';
import { must } from '../../../base/assert.js';
import { createLedger } from '../../../billing/create-ledger.js';
import type { BudgetStanding } from '../../../billing/ledger.js';
import { createSnapshot } from '../../../policies/control/snapshot.js';
import { manualClock } from '../../support/clock.js';
import { createTestDatabase, expectInvariants, expectNoOpenHolds } from '../../support/database.js';
import { longRun } from '../../support/long-run.js';
import { GuardedWorld } from './guarded-world.js';
import { analysedTexts } from './live-world.js';
import { endedSums, replayed } from './replayed.js';
import { guardedDocuments, guardedRowsOf, WORLD_BEGINS_AT } from './worlds.js';

const ROWS = 30;

/** What of a standing a ledger says too. */
function amounts(standings: readonly BudgetStanding[]): unknown {
  return standings.map(({ budgetId, spentCredits, heldCredits, availableCredits }) => ({
    budgetId,
    spentCredits,
    heldCredits,
    availableCredits,
  }));
}

test('a replay stops what the guards of the proxy stop, at the same amounts', async () => {
  const long = longRun('replay-guards', 5);
  const worlds = fc.sample(fc.tuple(guardedDocuments, guardedRowsOf(ROWS)), {
    seed: 8_112_026 + long.seed,
    numRuns: long.count,
  });
  const factsOf = await analysedTexts();
  const met = new Map<string, number>();
  for (const [document, rows] of worlds) {
    const database = await createTestDatabase({ connectionsMax: 2 });
    try {
      await ensureControl(database.db, document, WORLD_BEGINS_AT);
      const clock = manualClock(WORLD_BEGINS_AT);
      const ledger = createLedger(database.db, clock);
      const snapshot = createSnapshot(document, 1);
      const ended = await new GuardedWorld({ snapshot, ledger, clock, factsOf }).run(rows);
      const { sums, book } = await replayed(document, rows, factsOf);
      expect(sums).toEqual(endedSums(ended, rows, snapshot));
      const ids = document.budgets.map(({ id }) => id);
      const [first, last] = [must(rows[0], 'a row'), must(rows.at(-1), 'a row')];
      for (const at of [first.submittedAt, last.submittedAt])
        expect(amounts(book.standing(ids, at))).toEqual(amounts(await ledger.standing(ids, at)));
      for (const { code } of ended) met.set(code, (met.get(code) ?? 0) + 1);
      await expectNoOpenHolds(database.db);
      await expectInvariants(database.db);
    } finally {
      await database.drop();
    }
  }
  for (const code of ['ceilingReached', 'budgetExhausted', 'budgetExceeded'])
    expect(must(met.get(code), code), code).toBeGreaterThan(2);
  long.report({
    worlds: worlds.length,
    statements: worlds.length * ROWS,
    stoppedAtCeiling: met.get('ceilingReached') ?? 0,
    stoppedByBudgets: met.get('budgetExhausted') ?? 0,
    refusedByBudgets: met.get('budgetExceeded') ?? 0,
  });
}, 600_000);
