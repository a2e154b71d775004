/**
 * `tollgate replay` against the guards of the proxy: drawn histories under drawn documents, whose statements run into ceilings and
 * use budgets up while they run. Both refuse and stop the same statements, at the same amounts, and leave budgets alike.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bookBudgets } from '../../../admin/stores/book-budgets.js';
import { ensureControl } from '../../../admin/stores/control-store.js';
import { addCredits, type Credits, creditsForMillis, NO_CREDITS } from '../../../base/units.js';
import { must } from '../../../base/assert.js';
import { createLedger } from '../../../billing/create-ledger.js';
import type { BudgetStanding } from '../../../billing/ledger.js';
import { StandingBook } from '../../../billing/standing-book.js';
import { demoTables } from '../../../cli/explanation/statistics.js';
import { replay } from '../../../cli/replay/engine.js';
import { govern } from '../../../cli/replay/judge.js';
import type { ReplayRow } from '../../../cli/replay/row.js';
import type { Turned } from '../../../cli/replay/tally.js';
import type { ControlDocument } from '../../../policies/control/document.js';
import { type ControlSnapshot, createSnapshot } from '../../../policies/control/snapshot.js';
import { HistoryStore } from '../../../policies/estimate/history-store.js';
import type { TextFacts } from '../../../policies/sql/facts.js';
import { SpendBook } from '../../../proxy/running/spend-book.js';
import { manualClock } from '../../support/clock.js';
import { createTestDatabase, expectInvariants, expectNoOpenHolds } from '../../support/database.js';
import { longRun } from '../../support/long-run.js';
import { type Ended, GuardedWorld } from './guarded-world.js';
import { analysedTexts } from './live-world.js';
import { guardedDocuments, guardedRowsOf, WORLD_BEGINS_AT } from './worlds.js';

const ROWS = 30;

/** What a replay counts, by code and budget: statements, and what they would not have used. */
type Sums = Readonly<Record<string, { readonly statements: number; readonly saved: Credits }>>;

function turnedSums(turned: readonly Turned[]): Sums {
  const sums: Record<string, { statements: number; saved: Credits }> = {};
  for (const { by, code, statements, savedCredits } of turned)
    add(sums, `${code} ${by.startsWith('budget: ') ? by.slice(8) : ''}`, statements, savedCredits);
  return sums;
}

function endedSums(
  ended: readonly Ended[],
  rows: readonly ReplayRow[],
  snapshot: ControlSnapshot,
): Sums {
  const sums: Record<string, { statements: number; saved: Credits }> = {};
  for (const { queryId, code, budgetId, usedCredits } of ended) {
    const row = must(
      rows.find((each) => each.queryId === queryId),
      'a row',
    );
    const rate = must(snapshot.rateOfWarehouse(row.warehouse ?? '', row.submittedAt), 'a rate');
    const all = creditsForMillis(rate, row.executionMs, 'half-even');
    const saved = all > usedCredits ? ((all - usedCredits) as Credits) : NO_CREDITS;
    add(sums, `${code} ${budgetId ?? ''}`, 1, saved);
  }
  return sums;
}

function add(
  sums: Record<string, { statements: number; saved: Credits }>,
  key: string,
  statements: number,
  saved: Credits,
): void {
  const before = sums[key] ?? { statements: 0, saved: NO_CREDITS };
  sums[key] = {
    statements: before.statements + statements,
    saved: addCredits(before.saved, saved),
  };
}

async function replayed(
  document: ControlDocument,
  rows: readonly ReplayRow[],
  factsOf: (text: string) => TextFacts,
): Promise<{ readonly sums: Sums; readonly book: StandingBook }> {
  const snapshot = createSnapshot(document, 1);
  const book = new StandingBook(bookBudgets(document.budgets));
  const history = new HistoryStore(10_000);
  const spends = new SpendBook(1);
  const { statistics, catalogue } = demoTables();
  const figures = await replay({
    source: {
      intake: {
        rows: rows.length,
        leftOut: { unreadable: 0, unfinished: 0, repeated: 0 },
        columns: [],
        consequences: [],
        lastAt: 0,
      },
      async *batches() {
        yield await Promise.resolve(rows);
      },
      close: () => Promise.resolve(),
    },
    judge: govern(snapshot, {
      history,
      statistics,
      standing: (ids, at) => book.standing(ids, at),
      freezes: [],
      spends,
    }),
    analyser: {
      analyse: (text) => Promise.resolve(factsOf(text)),
      stop: () => Promise.resolve(),
    },
    catalogue,
    history,
    book,
    spends,
    concurrencyOf: () => undefined,
    predict: () => Promise.resolve(),
  });
  return { sums: turnedSums(figures.turned), book };
}

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
