/** Background work of the deployment: one process at a time, held by an advisory lock, taken over when it dies. */
import { deferred } from '../base/deferred.js';
import { toError } from '../base/errors.js';
import type { Stoppable } from '../base/lifecycle.js';
import type { Log } from '../base/log.js';
import { alone } from '../base/postgres/alone.js';
import type { Database } from '../base/postgres/pool.js';
import type { Clock, EpochMs } from '../base/time.js';
import { auditRequests } from '../admin/stores/request-audit.js';
import { expireRequests } from '../billing/decide-request.js';
import { importTableStatistics } from '../billing/import-table-statistics.js';
import { keepPeriods } from '../billing/keep-periods.js';
import { closeImportRequest, openImportRequests } from '../billing/usage/import-requests.js';
import type { ImportedView } from '../billing/usage/import-usage.js';
import { NEEDED_VIEWS } from '../billing/usage/read-views.js';
import { budgetWatch } from './budget-watch.js';
import type { ServiceAccounts } from './accounts.js';
import { allocateUsage, derivePricesOf, importAndAllocate } from './usage-import.js';

export interface WorkerOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly accounts: Pick<ServiceAccounts, 'served' | 'connect'>;
  /** Seals the ledger and keeps its hours; absent: nobody does here. */
  readonly keepLedger?: () => Promise<void>;
  /** Opens the ledger's months; absent: nobody does here. */
  readonly keepMonths?: () => Promise<void>;
}

const TICK_MS = 1000;
const STATISTICS_EVERY_MS = 60_000;
const LOOK_AGAIN_MS = 5000;
/** Hours are metered 45 minutes to 8 hours after they end; a quarter of an hour more says little. */
const USAGE_EVERY_MS = 15 * 60_000;
/** Transaction-level lock of whoever works. */
const WORKER_LOCK = 8_150_402;

export interface Worker extends Stoppable {
  /** Once this process has read the sizes of tables for the first time, or has left that to another one or to later. */
  readonly firstStatistics: Promise<void>;
}

/** Starts the worker; the first statistics are imported at once. */
export function startWorker(options: WorkerOptions): Worker {
  const first = deferred<void>();
  let statisticsAt = 0;
  let usageAt = 0;
  const watch = budgetWatch(options);
  let working: Promise<void> = Promise.resolve();
  const tick = async (): Promise<void> => {
    try {
      await alone(options.db, WORKER_LOCK, async () => {
        await options.keepMonths?.();
        await keepPeriods(options.db, options.clock.now());
        await expireRequests(options.db, options.clock.now());
        await auditRequests(options.db);
        await watch();
        await options.keepLedger?.();
        await answerImportRequests(options);
        if (Date.now() < statisticsAt) return;
        const accounts = await options.accounts.served();
        // Before the first control document there are none; nobody should wait a minute for what follows it.
        statisticsAt = Date.now() + (accounts.length === 0 ? LOOK_AGAIN_MS : STATISTICS_EVERY_MS);
        await importStatistics(options, accounts);
        first.resolve();
        if (Date.now() < usageAt || accounts.length === 0) return;
        usageAt = Date.now() + USAGE_EVERY_MS;
        for (const account of accounts) await importUsageOf(options, { account });
      });
    } catch (thrown) {
      options.log.warn({ err: toError(thrown) }, 'background work failed; it will be tried again');
    }
  };
  let isBusy = false;
  const run = (): void => {
    if (isBusy) return;
    isBusy = true;
    working = tick().finally(() => {
      isBusy = false;
      first.resolve();
    });
  };
  run();
  const timer = setInterval(run, TICK_MS);
  return {
    firstStatistics: first.promise,
    async stop() {
      clearInterval(timer);
      await working;
    },
  };
}

/** One account after the other; one that does not let us in keeps what was imported of it, and stops no other. */
async function importStatistics(
  { db, log, accounts }: WorkerOptions,
  served: readonly string[],
): Promise<void> {
  for (const account of served) {
    try {
      const connection = await accounts.connect(account);
      try {
        const tables = await importTableStatistics(db, connection, account, log);
        log.info({ tables, account }, 'table statistics imported');
      } finally {
        await connection.close();
      }
    } catch (thrown) {
      log.warn({ err: toError(thrown), account }, 'table statistics could not be imported');
    }
  }
}

/** Imports that somebody asked for, oldest first. */
async function answerImportRequests(options: WorkerOptions): Promise<void> {
  const { db, clock } = options;
  for (const { id, account, from, askedBy, file, rowsWritten } of await openImportRequests(db)) {
    const asked = { account, askedBy, ...(from === null ? {} : { from }) };
    const became =
      file === null
        ? await importUsageOf(options, asked)
        : await allocateFile(options, account, rowsWritten);
    await closeImportRequest(db, id, { ...became, doneAt: clock.now() });
  }
}

/** As for statistics: one account stops no other, and what was imported of one before it failed stays. */
async function importUsageOf(
  { db, clock, log, accounts }: WorkerOptions,
  asked: { readonly account: string; readonly from?: EpochMs; readonly askedBy?: string },
): Promise<{ readonly problem: string | null; readonly rowsWritten: number | null }> {
  const { account } = asked;
  try {
    const connection = await accounts.connect(account);
    try {
      const options = { ...asked, now: clock.now(), log };
      const { views, allocation, sharing } = await importAndAllocate(db, connection, options);
      const rowsWritten = views.reduce((sum, view) => sum + view.written, 0);
      log.info(
        { account, rowsWritten, ...allocation, sharedHours: sharing.hours },
        'usage imported and allocated',
      );
      return { problem: problemOf(views), rowsWritten };
    } finally {
      await connection.close();
    }
  } catch (thrown) {
    const err = toError(thrown);
    log.warn({ err, account }, 'usage could not be imported');
    return { problem: err.message, rowsWritten: null };
  }
}

/** What keeps hours from being allocated; a view that only adds to them says its problem in `GET /usage/imports`. */
function problemOf(views: readonly ImportedView[]): string | null {
  const failed = views.filter(({ view, problem }) => problem !== null && NEEDED_VIEWS.has(view));
  const [first] = failed;
  if (first === undefined) return null;
  return `${failed.map(({ view }) => view).join(', ')} could not be read: ${first.problem ?? ''}`;
}

/** The rows of an uploaded file are in; what they bear on is allocated. */
async function allocateFile(
  { db, log }: WorkerOptions,
  account: string,
  rowsWritten: number | null,
): Promise<{ readonly problem: string | null; readonly rowsWritten: number | null }> {
  try {
    await derivePricesOf(db, account);
    const { allocation } = await allocateUsage(db, account);
    log.info({ account, rowsWritten, ...allocation }, 'usage of a file allocated');
    return { problem: null, rowsWritten };
  } catch (thrown) {
    const err = toError(thrown);
    log.warn({ err, account }, 'usage of a file could not be allocated');
    return { problem: err.message, rowsWritten };
  }
}
