import { afterAll, beforeAll, expect, test } from 'vitest';
import { deferred } from '../../base/deferred.js';
import { silentLog } from '../../base/log.js';
import type { ServiceConnection } from '../../base/snowflake/service-connection.js';
import { systemClock } from '../../base/time.js';
import { askForImport } from '../../billing/usage/import-requests.js';
import { importedTo } from '../../billing/usage/imported-to.js';
import { startWorker } from '../../cli/worker.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../e2e/support/eventually.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

/** An account with one table, whose size tells the accounts apart. */
function accountOf(bytes: number): ServiceConnection {
  return {
    query: (sql) =>
      Promise.resolve(
        sql.startsWith('SHOW')
          ? [{ NAME: 'D' }]
          : sql.includes('.COLUMNS')
            ? [{ TABLE_SCHEMA: 'S', TABLE_NAME: 'T', COLUMN_NAME: 'A', DATA_TYPE: 'NUMBER' }]
            : [
                {
                  TABLE_CATALOG: 'D',
                  TABLE_SCHEMA: 'S',
                  TABLE_NAME: 'T',
                  ROW_COUNT: '1',
                  BYTES: String(bytes),
                  CLUSTERING_KEY: null,
                },
              ],
      ),
    close: () => Promise.resolve(),
  };
}

test('statistics of every account are kept apart, and one that does not let us in stops no other', async () => {
  const worker = startWorker({
    db: database.db,
    clock: systemClock,
    log: silentLog,
    accounts: {
      served: () => Promise.resolve(['alpha', 'closed', 'beta']),
      connect: (account) =>
        account === 'closed'
          ? Promise.reject(new Error('no'))
          : Promise.resolve(accountOf(account === 'alpha' ? 10 : 20)),
    },
  });
  await eventually(async () => {
    const { rows } = await database.db.query(
      'SELECT account, table_name, bytes FROM table_statistics ORDER BY account',
    );
    expect(rows).toEqual([
      { account: 'alpha', table_name: 'D.S.T', bytes: '10' },
      { account: 'beta', table_name: 'D.S.T', bytes: '20' },
    ]);
  });
  await worker.stop(new AbortController().signal);
});

test('while a view is slow the ledger is kept, and an account that lets nobody in says so until it does', async () => {
  const { db } = database;
  let answer = (): void => undefined;
  const slow = new Promise<void>((resolve) => (answer = resolve));
  let isOpen = false;
  let kept = 0;
  const worker = startWorker({
    db,
    clock: systemClock,
    log: silentLog,
    keepLedger: () => {
      kept += 1;
      return Promise.resolve();
    },
    accounts: {
      served: () => Promise.resolve(['locked', 'slow']),
      connect: (account) => {
        if (account === 'locked' && !isOpen)
          return Promise.reject(new Error('the service user could not sign in: JWT has expired'));
        const connection = accountOf(1);
        const isSlow = (sql: string): boolean =>
          account === 'slow' && sql.includes('QUERY_HISTORY');
        return Promise.resolve({
          ...connection,
          query: async (sql) => {
            if (/ACCOUNT_USAGE|ORGANIZATION_USAGE/.test(sql)) {
              if (isSlow(sql)) await slow;
              return [];
            }
            return connection.query(sql);
          },
        });
      },
    },
  });
  const problems = async (): Promise<readonly unknown[]> =>
    (await importedTo(db))
      .filter(({ account }) => ['locked', 'slow'].includes(account))
      .filter(({ problem }) => problem !== null)
      .map(({ account, view, problem }) => [account, view, problem]);
  await eventually(async () => {
    expect(await problems()).toEqual([
      ['locked', 'EVERY VIEW', expect.stringContaining('JWT has expired')],
    ]);
  });
  const before = kept;
  await eventually(() => {
    expect(kept).toBeGreaterThan(before);
    return Promise.resolve();
  });
  isOpen = true;
  const at = Date.now();
  await askForImport(db, { account: 'locked', from: at, askedBy: 'test', askedAt: at });
  answer();
  await eventually(async () => expect(await problems()).toEqual([]));
  await worker.stop(new AbortController().signal);
});

test('an import that hangs keeps no process that is told to end, once nobody waits any more', async () => {
  const open = deferred<void>();
  const asked = deferred<void>();
  const worker = startWorker({
    db: database.db,
    clock: systemClock,
    log: silentLog,
    accounts: {
      served: () => Promise.resolve(['hanging']),
      connect: async () => {
        asked.resolve();
        await open.promise;
        return accountOf(10);
      },
    },
  });
  await asked.promise;
  await worker.stop(AbortSignal.abort());
  open.resolve();
  await worker.firstStatistics;
  await worker.stop(new AbortController().signal);
});
