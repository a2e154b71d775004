import type { Metrics } from '#base/metrics.js';
import type { Move } from '#billing/ledger-batches.js';

const BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/** Counts how many statements shared a transaction of the ledger, by move. */
export function createBatchSizes(metrics: Metrics): (move: Move, size: number) => void {
  const sizes = metrics.histogram(
    'tollgate_ledger_batch_statements',
    'Statements that shared a transaction of the ledger',
    BUCKETS,
    ['move'],
  );
  return (move, size) => sizes.observe(size, { move });
}
