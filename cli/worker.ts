/** Background work of the deployment: one process at a time, held by an advisory lock, taken over when it dies. */
import { toError } from '../base/errors.js';
import type { Stoppable } from '../base/lifecycle.js';
import type { Log } from '../base/log.js';
import type { Database } from '../base/postgres/pool.js';
import type { Clock } from '../base/time.js';
import { auditRequests } from '../admin/stores/request-audit.js';
import { expireGrants } from '../billing/control-writes.js';
import { expireRequests } from '../billing/decide-request.js';
import { importTableStatistics } from '../billing/import-table-statistics.js';
import type { ServiceAccounts } from './accounts.js';

export interface WorkerOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly accounts: Pick<ServiceAccounts, 'served' | 'connect'>;
}

const TICK_MS = 1000;
const STATISTICS_EVERY_MS = 60_000;
const LOOK_AGAIN_MS = 5000;
/** Transaction-level lock of whoever works. */
const WORKER_LOCK = 8_150_402;

/** Starts the worker; the first statistics are imported at once, off the way of the start. */
export function startWorker(options: WorkerOptions): Stoppable {
  let statisticsAt = 0;
  let working: Promise<void> = Promise.resolve();
  const tick = async (): Promise<void> => {
    try {
      await alone(options.db, async () => {
        await options.db.transaction((tx) => expireGrants(tx, options.clock.now()));
        await expireRequests(options.db, options.clock.now());
        await auditRequests(options.db);
        if (Date.now() < statisticsAt) return;
        const accounts = await options.accounts.served();
        // Before the first control document there are none; nobody should wait a minute for what follows it.
        statisticsAt = Date.now() + (accounts.length === 0 ? LOOK_AGAIN_MS : STATISTICS_EVERY_MS);
        await importStatistics(options, accounts);
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
    });
  };
  run();
  const timer = setInterval(run, TICK_MS);
  return {
    async stop() {
      clearInterval(timer);
      await working;
    },
  };
}

/** Runs `work` if no other process of the deployment is at it. */
async function alone(db: Database, work: () => Promise<void>): Promise<void> {
  await db.transaction(async (tx) => {
    const { rows } = await tx.query<{ locked: boolean }>(
      'SELECT pg_try_advisory_xact_lock($1) AS locked',
      [WORKER_LOCK],
    );
    if (rows[0]?.locked === true) await work();
  });
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
