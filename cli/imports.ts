/** What the worker imports: sizes of tables, what the account says was used, and what somebody asked for in between. */
import { deferred } from '../base/deferred.js';
import { toError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import type { Database } from '../base/postgres/pool.js';
import type { ServiceConnection } from '../base/snowflake/service-connection.js';
import type { Clock, EpochMs } from '../base/time.js';
import { importTableStatistics } from '../billing/import-table-statistics.js';
import { EVERY_VIEW, clearViewProblem, noteViewProblem } from '../billing/usage/import-problems.js';
import { closeImportRequest, openImportRequests } from '../billing/usage/import-requests.js';
import type { ImportedView } from '../billing/usage/import-usage.js';
import { NEEDED_VIEWS } from '../billing/usage/read-views.js';
import type { ServiceAccounts } from './accounts.js';
import { allocateUsage, derivePricesOf, importAndAllocate } from './usage-import.js';

const STATISTICS_EVERY_MS = 60_000;
const LOOK_AGAIN_MS = 5000;
/** Hours are metered 45 minutes to 8 hours after they end; a quarter of an hour more says little. */
const USAGE_EVERY_MS = 15 * 60_000;

export interface ImportsOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly accounts: Pick<ServiceAccounts, 'served' | 'connect'>;
}

export interface Imports {
  /** Imports what is due. Faults of Postgres propagate; what an account says against it is told and stops nothing. */
  readonly round: () => Promise<void>;
  /** A round has ended, whatever came of it. */
  readonly endFirst: () => void;
  /** Once sizes of tables were read for the first time, or the first round ended without. */
  readonly firstStatistics: Promise<void>;
}

/** Imports of this process, all of which are due in the first round. */
export function createImports(options: ImportsOptions): Imports {
  const first = deferred<void>();
  let statisticsAt = 0;
  let usageAt = 0;
  return {
    firstStatistics: first.promise,
    endFirst: () => first.resolve(),
    async round() {
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
    },
  };
}

/** One account after the other; one that does not let us in keeps what was imported of it, and stops no other. */
async function importStatistics(
  { db, log, accounts }: ImportsOptions,
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
async function answerImportRequests(options: ImportsOptions): Promise<void> {
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
  imports: ImportsOptions,
  asked: { readonly account: string; readonly from?: EpochMs; readonly askedBy?: string },
): Promise<{ readonly problem: string | null; readonly rowsWritten: number | null }> {
  const { db, clock, log } = imports;
  const { account } = asked;
  try {
    const connection = await signedIn(imports, account);
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

/** Signs in; an account that does not let us in says so in `GET /usage/imports` until it does. */
async function signedIn(
  { db, clock, accounts }: ImportsOptions,
  account: string,
): Promise<ServiceConnection> {
  let connection: ServiceConnection;
  try {
    connection = await accounts.connect(account);
  } catch (thrown) {
    const cause = toError(thrown);
    await noteViewProblem(db, { account, view: EVERY_VIEW, cause, now: clock.now() });
    throw thrown;
  }
  await clearViewProblem(db, account, EVERY_VIEW);
  return connection;
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
  { db, log }: ImportsOptions,
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
