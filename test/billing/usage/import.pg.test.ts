import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Fault } from '../../../base/errors.js';
import { silentLog } from '../../../base/log.js';
import type { ServiceConnection, ServiceRow } from '../../../base/snowflake/service-connection.js';
import { importedTo } from '../../../billing/usage/imported-to.js';
import { lockUsage } from '../../../billing/usage/import-lock.js';
import { importUsage } from '../../../billing/usage/import-usage.js';
import type { ImportedView } from '../../../billing/usage/import-usage.js';
import { USAGE_VIEWS } from '../../../billing/usage/read-views.js';
import { createTestDatabase } from '../../support/database.js';
import type { TestDatabase } from '../../support/database.js';

const NOW = Date.UTC(2026, 9, 2);
const HOUR_MS = 3_600_000;
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  for (const table of [
    'usage_import',
    'usage_import_problem',
    'usage_query_hour',
    'usage_rate_day',
  ])
    await database.db.query(`DELETE FROM ${table}`);
});

/** An account that answers by view; an Error is what it says to every window of the view. */
function account(
  answers: Readonly<Record<string, readonly ServiceRow[] | Error>>,
  asked: string[] = [],
): ServiceConnection {
  return {
    query: (sql) => {
      asked.push(sql);
      const view = /SNOWFLAKE\.\w+\.(\w+)/.exec(sql)?.[1] ?? '';
      const answer = answers[view] ?? [];
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
    close: () => Promise.resolve(),
  };
}

function run(connection: ServiceConnection, now = NOW): Promise<readonly ImportedView[]> {
  const from = now - 2 * HOUR_MS;
  return importUsage(database.db, connection, { account: 'demo', now, from, log: silentLog });
}

const NO_PRIVILEGE = new Fault(
  'upstreamUnreachable',
  "the service statement failed: SQL compilation error: Object 'SNOWFLAKE.ORGANIZATION_USAGE.RATE_SHEET_DAILY' does not exist or not authorized.",
);

test('a view that may not be read says so with the grant that helps, and stops no other; once it is read it says nothing', async () => {
  const imported = await run(account({ RATE_SHEET_DAILY: NO_PRIVILEGE }));
  expect(imported.map(({ view }) => view)).toEqual(USAGE_VIEWS);
  expect(imported.filter(({ problem }) => problem !== null).map(({ view }) => view)).toEqual([
    'RATE_SHEET_DAILY',
  ]);
  const told = await importedTo(database.db);
  expect(told).toHaveLength(USAGE_VIEWS.length);
  expect(told.find(({ view }) => view === 'RATE_SHEET_DAILY')).toMatchObject({
    readTo: null,
    problem: expect.stringContaining('not authorized'),
    wayOut: expect.stringMatching(
      /^GRANT DATABASE ROLE SNOWFLAKE\.ORGANIZATION_BILLING_VIEWER TO ROLE .*tollgate import --file/,
    ),
  });
  expect(told.find(({ view }) => view === 'USAGE_IN_CURRENCY_DAILY')).toMatchObject({
    readTo: NOW,
    problem: null,
  });
  await run(account({}));
  expect((await importedTo(database.db)).every(({ problem }) => problem === null)).toBe(true);
});

const QUERY_HOUR = {
  QUERY_ID: 'adaptive',
  PARENT_QUERY_ID: null,
  ROOT_QUERY_ID: null,
  WAREHOUSE_ID: '9',
  QUERY_METERING_HOUR: String(NOW - HOUR_MS),
  CREDITS_USED_COMPUTE: null,
  CREDITS_USED_CLOUD_SERVICES: null,
};

test('a cell that nobody understands is named by view, column and value, and nothing of its window is written', async () => {
  const bad = { ...QUERY_HOUR, QUERY_ID: 'other', CREDITS_USED_COMPUTE: '1,5' };
  const imported = await run(account({ QUERY_METERING_HISTORY: [QUERY_HOUR, bad] }));
  expect(imported.find(({ view }) => view === 'QUERY_METERING_HISTORY')?.problem).toMatch(
    /^QUERY_METERING_HISTORY\.CREDITS_USED_COMPUTE is no amount of credits such as 1\.25: 1,5; nothing of this part was imported/,
  );
  const { rows } = await database.db.query('SELECT FROM usage_query_hour');
  expect(rows).toHaveLength(0);
});

test('criterion 15: rows of adaptive statements are updated in place and never counted twice', async () => {
  const at = (credits: string | null): ServiceConnection =>
    account({ QUERY_METERING_HISTORY: [{ ...QUERY_HOUR, CREDITS_USED_COMPUTE: credits }] });
  for (const credits of [null, '0.25', '1.5', '1.5']) await run(at(credits));
  const { rows } = await database.db.query('SELECT compute_credits FROM usage_query_hour');
  expect(rows).toEqual([{ compute_credits: '1.500000000000' }]);
  const last = await run(at('1.5'));
  expect(last.find(({ view }) => view === 'QUERY_METERING_HISTORY')).toMatchObject({ written: 0 });
});

const RATE: ServiceRow = {
  DATE: '2026-10-01',
  ORGANIZATION_NAME: 'ACME',
  ACCOUNT_NAME: 'DEMO',
  ACCOUNT_LOCATOR: 'XY123',
  USAGE_TYPE: 'compute',
  RATING_TYPE: 'COMPUTE',
  SERVICE_TYPE: 'WAREHOUSE_METERING',
  BILLING_TYPE: 'CONSUMPTION',
  IS_ADJUSTMENT: 'false',
  CURRENCY: 'USD',
  EFFECTIVE_RATE: '3.00',
  REGION: 'AWS_US_EAST_1',
  SERVICE_LEVEL: 'ENTERPRISE',
};

test('of the organization only rows of the account are taken, by locator, name, or organization and name', async () => {
  const others = [
    { ...RATE, USAGE_TYPE: 'a', ACCOUNT_NAME: 'OTHER', ACCOUNT_LOCATOR: 'demo' },
    { ...RATE, USAGE_TYPE: 'b', ACCOUNT_NAME: 'OTHER', ACCOUNT_LOCATOR: 'ZZ9' },
    { ...RATE, USAGE_TYPE: 'c', ACCOUNT_NAME: 'OTHER', ORGANIZATION_NAME: 'DEMO' },
  ];
  await run(account({ RATE_SHEET_DAILY: [RATE, ...others] }));
  const { rows } = await database.db.query<{ usage_type: string }>(
    'SELECT usage_type FROM usage_rate_day ORDER BY 1',
  );
  expect(rows.map((row) => row.usage_type)).toEqual(['a', 'compute']);
});

test('an account is asked in UTC, for instants as numbers and amounts as text', async () => {
  const asked: string[] = [];
  await run(account({}, asked));
  expect(asked[0]).toBe("ALTER SESSION SET TIMEZONE = 'UTC'");
  const hours = asked.find((sql) => sql.includes('.WAREHOUSE_METERING_HISTORY '));
  expect(hours).toContain('DATE_PART(EPOCH_MILLISECOND, v.START_TIME) AS START_TIME');
  expect(hours).toContain('TO_VARCHAR(v.CREDITS_USED_COMPUTE) AS CREDITS_USED_COMPUTE');
  expect(hours).toContain("v.START_TIME >= '2026-10-01 22:00:00.000 +0000'::TIMESTAMP_TZ");
});

test('imports of one account take turns, however long one is at it, and those of others do not wait', async () => {
  const { db } = database;
  const order: string[] = [];
  let second: Promise<void> | undefined;
  await db.transaction(async (tx) => {
    await lockUsage(tx, 'demo');
    // No statement of the one that waits takes longer than this, so that no time-out of Postgres ends it.
    second = db.transaction(async (other) => {
      await other.query("SELECT set_config('statement_timeout', '50', true)");
      await lockUsage(other, 'demo');
      order.push('second');
    });
    await db.transaction((other) => lockUsage(other, 'elsewhere'));
    await tx.query('SELECT pg_sleep(0.3)');
    order.push('first');
  });
  await second;
  expect(order).toEqual(['first', 'second']);
});

test('a view that lacks a column which a file may lack is read without it; one that is needed stops the view', async () => {
  const asked: string[] = [];
  const lacks = (view: string, column: string): ServiceConnection => ({
    query: (sql) => {
      if (!sql.includes(`.${view} `)) return Promise.resolve([]);
      asked.push(sql);
      return sql.includes(`v.${column} `) || sql.includes(`v.${column})`)
        ? Promise.reject(
            new Fault(
              'upstreamUnreachable',
              `SQL compilation error: invalid identifier 'V.${column}'`,
            ),
          )
        : Promise.resolve([QUERY_HOUR]);
    },
    close: () => Promise.resolve(),
  });
  const imported = await run(lacks('QUERY_METERING_HISTORY', 'PARENT_QUERY_ID'));
  expect(imported.every(({ problem }) => problem === null)).toBe(true);
  const without = asked.filter((sql) => sql.includes('NULL AS PARENT_QUERY_ID'));
  // Asked for once, and left out from then on.
  expect(asked.length - without.length).toBe(1);
  expect(imported.find(({ view }) => view === 'QUERY_METERING_HISTORY')?.rows).toBeGreaterThan(0);
  const needed = await run(lacks('QUERY_METERING_HISTORY', 'CREDITS_USED_COMPUTE'));
  expect(needed.find(({ view }) => view === 'QUERY_METERING_HISTORY')?.problem).toMatch(
    /invalid identifier 'V\.CREDITS_USED_COMPUTE'/,
  );
});
