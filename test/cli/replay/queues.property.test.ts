/**
 * `tollgate replay` against the queues of the proxy: drawn crowds under drawn documents with short queues and little patience. Both refuse
 * the same statements because a queue is full, or the wait too long, and the same by budgets that those who wait hold meanwhile.
 */
import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { must } from '../../../base/assert.js';
import { createSnapshot } from '../../../policies/control/snapshot.js';
import { longRun } from '../../support/long-run.js';
import { analysedTexts } from './live-world.js';
import { QueuedWorld } from './queued-world.js';
import { crowdOf, queuedDocuments } from './queues.js';
import { endedSums, replayed } from './replayed.js';
import { WORLD_BEGINS_AT } from './worlds.js';

const ROWS = 40;

afterEach(() => {
  vi.useRealTimers();
});

test('a replay keeps waiting, and turns away, whom the queues of the proxy do', async () => {
  const long = longRun('replay-queues', 15);
  const worlds = fc.sample(fc.tuple(queuedDocuments, crowdOf(ROWS)), {
    seed: 27_112_028 + long.seed,
    numRuns: long.count,
  });
  const factsOf = await analysedTexts();
  const met = new Map<string, number>();
  let waited = 0;
  for (const [document, rows] of worlds) {
    const snapshot = createSnapshot(document, 1);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: WORLD_BEGINS_AT - 1 });
    const world = new QueuedWorld({ snapshot, factsOf });
    world.begin(rows);
    const lastMs = Math.max(...rows.map(({ endedAt }) => endedAt));
    // Not until there is no timer: whatever else runs in this process may set one after another.
    while (world.open > 0 || Date.now() <= lastMs) await vi.advanceTimersByTimeAsync(1_000);
    vi.useRealTimers();
    const { figures, sums, book } = await replayed(document, rows, factsOf);
    expect(sums).toEqual(endedSums(world.ended, rows, snapshot));
    expect(figures.decisions).toEqual({
      allowed: rows.length - world.ended.length - world.waited,
      queued: world.waited,
      refused: world.ended.length,
      stopped: 0,
    });
    const ids = document.budgets.map(({ id }) => id);
    const at = must(rows.at(-1), 'a row').submittedAt;
    expect(book.standing(ids, at)).toEqual(world.book.standing(ids, at));
    for (const { code } of world.ended) met.set(code, (met.get(code) ?? 0) + 1);
    waited += world.waited;
  }
  for (const code of ['queueFull', 'queueTimeout', 'budgetExceeded'])
    expect(must(met.get(code), code), code).toBeGreaterThan(20);
  expect(waited).toBeGreaterThan(20);
  long.report({
    worlds: worlds.length,
    statements: worlds.length * ROWS,
    waited,
    queueFull: met.get('queueFull') ?? 0,
    queueTimeout: met.get('queueTimeout') ?? 0,
    refusedByBudgets: met.get('budgetExceeded') ?? 0,
  });
}, 600_000);
