/** One history replayed under a document, and what was refused and stopped on either side, in the same words. */
import { bookBudgets } from '../../../admin/stores/book-budgets.js';
import { must } from '../../../base/assert.js';
import { addCredits, type Credits, creditsForMillis, NO_CREDITS } from '../../../base/units.js';
import { StandingBook } from '../../../billing/standing-book.js';
import { demoTables } from '../../../cli/explanation/statistics.js';
import { replay } from '../../../cli/replay/engine.js';
import { govern } from '../../../cli/replay/judge.js';
import type { ReplayRow } from '../../../cli/replay/row.js';
import type { ReplayFigures, Turned } from '../../../cli/replay/tally.js';
import type { ControlDocument } from '../../../policies/control/document.js';
import { type ControlSnapshot, createSnapshot } from '../../../policies/control/snapshot.js';
import { HistoryStore } from '../../../policies/estimate/history-store.js';
import type { TextFacts } from '../../../policies/sql/facts.js';
import { SpendBook } from '../../../proxy/running/spend-book.js';
import type { Ended } from './guarded-world.js';

/** By code and budget: statements, and what they would not have used. */
export type Sums = Readonly<
  Record<string, { readonly statements: number; readonly saved: Credits }>
>;

function turnedSums(turned: readonly Turned[]): Sums {
  const sums: Record<string, { statements: number; saved: Credits }> = {};
  for (const { by, code, statements, savedCredits } of turned)
    add(sums, `${code} ${by.startsWith('budget: ') ? by.slice(8) : ''}`, statements, savedCredits);
  return sums;
}

export function endedSums(
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

export async function replayed(
  document: ControlDocument,
  rows: readonly ReplayRow[],
  factsOf: (text: string) => TextFacts,
): Promise<{
  readonly figures: ReplayFigures;
  readonly sums: Sums;
  readonly book: StandingBook;
}> {
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
    predict: () => Promise.resolve(),
  });
  return { figures, sums: turnedSums(figures.turned), book };
}
