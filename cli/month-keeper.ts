/** The worker's care for the ledger's months: opens those ahead, and says by a metric whether anything stands in none. */
import { toError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import type { GaugeMetric, Metrics } from '../base/metrics.js';
import type { Database } from '../base/postgres/pool.js';
import type { Clock } from '../base/time.js';
import { analyseMonths, countOutsideMonths, openMonths } from '../billing/months/open-months.js';

/**
 * A worker may be away for two months before a charge finds none of its own. Each is planned for by whatever reads
 * charges by time.
 */
const MONTHS_AHEAD = 2;
/** Finds nothing to do but once a month; business time may run fast. */
const OPEN_EVERY_MS = 60_000;
const ANALYSE_EVERY_MS = 86_400_000;
const OUTSIDE_MAX = 1_000;

/** Makes the instrument, which the keeper sets. */
export function exposeMonths(metrics: Metrics): GaugeMetric {
  return metrics.gauge(
    'tollgate_ledger_rows_outside_months',
    'Charges and deltas that stand in no month, at most 1000: a clock was wrong, or no month was opened',
  );
}

/** One look a call, at the first at once; a failure is told, and nothing else of the worker waits for it. */
export function monthKeeper(options: {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}): () => Promise<void> {
  const { db, clock, log, metrics } = options;
  const outside = exposeMonths(metrics);
  let openAt = 0;
  let analyseAt = 0;
  return async () => {
    if (Date.now() < openAt) return;
    openAt = Date.now() + OPEN_EVERY_MS;
    try {
      const made = await openMonths(db, { at: clock.now(), ahead: MONTHS_AHEAD });
      if (made > 0) log.info({ partitions: made }, 'months of the ledger were opened');
      outside.set(await countOutsideMonths(db, OUTSIDE_MAX));
      if (Date.now() < analyseAt) return;
      await analyseMonths(db);
      analyseAt = Date.now() + ANALYSE_EVERY_MS;
    } catch (thrown) {
      log.warn({ err: toError(thrown) }, 'months could not be opened; it will be tried again');
    }
  };
}
