import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../../base/log.js';
import type { ServiceConnection } from '../../base/snowflake/service-connection.js';
import { systemClock } from '../../base/time.js';
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
