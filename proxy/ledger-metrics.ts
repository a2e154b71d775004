import type { Metrics } from '#base/metrics.js';
import type { LedgerOptions } from '#billing/create-ledger.js';
import { MOVES } from '#billing/ledger-batches.js';

const BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/** How many statements share a transaction of the ledger, by move, and how many wait for one. */
export function createLedgerMetrics(
  metrics: Metrics,
): Required<Pick<LedgerOptions, 'onBatch' | 'exposeWaiting'>> {
  const sizes = metrics.histogram(
    'tollgate_ledger_batch_statements',
    'Statements that shared a transaction of the ledger',
    BUCKETS,
    ['move'],
  );
  return {
    onBatch: (move, size) => sizes.observe(size, { move }),
    exposeWaiting: (read) => {
      metrics.gaugeFrom(
        'tollgate_ledger_waiting',
        'Statements that wait for a transaction of the ledger',
        () => MOVES.reduce((sum, move) => sum + read(move).used, 0),
      );
      for (const move of MOVES)
        metrics.limited({
          resource: `ledger-${move}`,
          unit: 'statements',
          whenFull: 'refused with TG2501, or tried again by the settler',
          read: () => read(move),
        });
    },
  };
}
