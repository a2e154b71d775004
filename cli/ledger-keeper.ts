/** The worker's care for the ledger: seals it, brings charges to what was metered, and says by a metric what was passed over. */
import { toError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import type { GaugeMetric, Metrics } from '../base/metrics.js';
import type { Database } from '../base/postgres/pool.js';
import type { SealKey } from '../base/sealing.js';
import type { Clock } from '../base/time.js';
import { rollUpHours } from '../billing/rollup/charge-hours.js';
import { sumCharges } from '../billing/rollup/charge-sums.js';
import { billPeriods } from '../billing/true-up/bill-periods.js';
import { followCharges } from '../billing/true-up/follow-charges.js';
import { postDeltas } from '../billing/true-up/post-deltas.js';
import { readPassedOver, sealLedger } from '../billing/seal/seal.js';

export interface LedgerKeeperOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly sealKeys: readonly SealKey[];
}

/** Hours are allocated every quarter of an hour. */
const DELTAS_EVERY_MS = 10_000;
/** Reads what teams are billed for whole periods. */
const BILLED_EVERY_MS = 3_600_000;
/** Looking for journals without a seal reads the whole chain. */
const PASSED_OVER_EVERY_MS = 3_600_000;
const PASSED_OVER_MAX = 100;

/** Makes the instrument, which the keeper sets. */
export function exposeChain(metrics: Metrics): GaugeMetric {
  return metrics.gauge(
    'tollgate_ledger_passed_over_journals',
    'Journals before the head of the chain that have no seal: written past Tollgate',
  );
}

/** One look a call; a failure is told, and nothing else of the worker waits for it. */
export function ledgerKeeper(options: LedgerKeeperOptions): () => Promise<void> {
  const { db, clock, log, metrics, sealKeys } = options;
  const passedOver = exposeChain(metrics);
  let lookAt = 0;
  let deltasAt = 0;
  let billedAt = 0;
  return async () => {
    try {
      await sealLedger(db, { keys: sealKeys, now: clock.now() });
      await followCharges(db, clock.now());
      await rollUpHours(db);
      await sumCharges(db);
      if (Date.now() >= deltasAt) {
        deltasAt = Date.now() + DELTAS_EVERY_MS;
        const posted = await postDeltas(db, clock.now());
        if (Date.now() >= billedAt) {
          billedAt = Date.now() + BILLED_EVERY_MS;
          await billPeriods(db, clock.now());
        }
        if (posted.deltas > 0) log.info(posted, 'charges were brought to what was metered');
      }
    } catch (thrown) {
      log.warn({ err: toError(thrown) }, 'the ledger could not be kept up; it will be tried again');
    }
    if (Date.now() < lookAt) return;
    lookAt = Date.now() + PASSED_OVER_EVERY_MS;
    const found = await readPassedOver(db, { limit: PASSED_OVER_MAX });
    passedOver.set(found.length);
    if (found.length > 0)
      log.error({ journals: found.slice(0, 10) }, 'journals were written past Tollgate');
  };
}
