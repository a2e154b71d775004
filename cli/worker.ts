/**
 * Background work of the deployment: one process at a time, held by an advisory lock, taken over when it dies. Imports have a
 * lock and rounds of their own: the first one of a busy account takes hours, and one that waits for a slow view as long as
 * that, while the ledger is sealed, periods begin and budgets are watched.
 */
import { whenAborted, type Stoppable } from '../base/lifecycle.js';
import { alone } from '../base/postgres/alone.js';
import { toError } from '../base/errors.js';
import { auditRequests } from '../admin/stores/request-audit.js';
import { expireRequests } from '../billing/decide-request.js';
import { keepPeriods } from '../billing/keep-periods.js';
import { budgetWatch } from './budget-watch.js';
import { createImports } from './imports.js';
import type { ImportsOptions } from './imports.js';

export interface WorkerOptions extends ImportsOptions {
  /** Seals the ledger and keeps its hours; absent: nobody does here. */
  readonly keepLedger?: () => Promise<void>;
  /** Opens the ledger's months; absent: nobody does here. */
  readonly keepMonths?: () => Promise<void>;
}

const TICK_MS = 1000;
/** Transaction-level locks of whoever works, and of whoever imports. */
const WORKER_LOCK = 8_150_402;
const IMPORTS_LOCK = 8_150_403;

export interface Worker extends Stoppable {
  /** Once this process has read the sizes of tables for the first time, or has left that to another one or to later. */
  readonly firstStatistics: Promise<void>;
}

/** Starts the worker; the first statistics are imported at once. */
export function startWorker(options: WorkerOptions): Worker {
  const { db, clock, log } = options;
  const watch = budgetWatch(options);
  const imports = createImports(options);
  const keep = async (): Promise<void> => {
    await options.keepMonths?.();
    await keepPeriods(db, clock.now());
    await expireRequests(db, clock.now());
    await auditRequests(db);
    await watch();
    await options.keepLedger?.();
  };
  const inRounds = (lock: number, work: () => Promise<void>, ended: () => void): Stoppable =>
    rounds(async () => {
      try {
        await alone(db, lock, work);
      } catch (thrown) {
        log.warn({ err: toError(thrown) }, 'background work failed; it will be tried again');
      }
      ended();
    });
  const keeping = inRounds(WORKER_LOCK, keep, () => undefined);
  const importing = inRounds(IMPORTS_LOCK, imports.round, imports.endFirst);
  return {
    firstStatistics: imports.firstStatistics,
    async stop(signal) {
      await Promise.all([keeping.stop(signal), importing.stop(signal)]);
    },
  };
}

/** Does `work` at once and every second, unless it is still at it; stopping waits for its end, until nobody waits any more. */
function rounds(work: () => Promise<void>): Stoppable {
  let isBusy = false;
  let working: Promise<void> = Promise.resolve();
  const run = (): void => {
    if (isBusy) return;
    isBusy = true;
    working = work().finally(() => {
      isBusy = false;
    });
  };
  run();
  const timer = setInterval(run, TICK_MS);
  return {
    async stop(signal) {
      clearInterval(timer);
      // An import that is cut off goes on from where it was, in whatever process is next.
      await Promise.race([working, whenAborted(signal)]);
    },
  };
}
