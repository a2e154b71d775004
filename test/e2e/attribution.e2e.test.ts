import { afterAll, beforeAll, expect, test } from 'vitest';
import { must } from '../../base/assert.js';
import { silentLog } from '../../base/log.js';
import { connectService, type ServiceConnection } from '../../base/snowflake/service-connection.js';
import { addCredits, formatAmount, parseCredits } from '../../base/units.js';
import { importAndAllocate } from '../../cli/usage-import.js';
import { expectInvariants } from '../support/database.js';
import { connectNode } from './support/node-driver.js';
import { startSystem, type System } from './support/system.js';

/** A month that is past, with few statements: what it has of hours is the same. */
const MONTH = '2026-10';
const OCTOBER = { startsAt: Date.UTC(2026, 9, 1), endsAt: Date.UTC(2026, 10, 1) };
const SCAN =
  "SELECT COUNT(*) FROM ANALYTICS.WEB.EVENTS WHERE EVENT_DATE = '2026-03-05' AND COUNTRY = 'DE'";

let system: System;
let service: ServiceConnection;
/** An import reads fifteen views, each in several windows: seconds on a quiet machine. */
const IMPORT_MS = 90_000;

beforeAll(async () => {
  system = await startSystem({ latencyScale: 0 });
  const { warehouseUrl: origin } = system;
  service = await connectService({ origin, account: 'demo', ...system.service });
  await service.query(`CALL SYSTEM$SEED_MONTH('${MONTH}', 'attribution', 30)`);
  const client = await connectNode(system.proxyUrl, { warehouse: 'STANDARD_WH' });
  await client.rows(SCAN);
  await client.close();
  // The same at the account itself, past Tollgate.
  const direct = await connectNode(origin, {
    username: 'sales_analyst',
    warehouse: 'STANDARD_WH',
    application: 'Shop_Reports',
  });
  await direct.rows(SCAN);
  await direct.close();
});

afterAll(async () => {
  await service?.close();
  await system?.stop();
});

function imported(from: number): ReturnType<typeof importAndAllocate> {
  const options = { account: 'demo', now: Date.now(), from, log: silentLog };
  return importAndAllocate(system.database.db, service, options);
}

async function costs(query: string): Promise<Record<string, unknown>> {
  const { status, body } = await system.admin('GET', `/api/v1/costs?${query}`);
  expect([status, body]).toEqual([200, expect.anything()]);
  return body as Record<string, unknown>;
}

test(
  'a month that was metered is allocated to its last unit, and read by team it is what the account says',
  { timeout: IMPORT_MS },
  async () => {
    const first = await imported(OCTOBER.startsAt);
    expect(first.allocation.problems).toBe(0);
    expect(first.allocation.allocated).toBeGreaterThan(700);
    await expectInvariants(system.database.db);
    const hours = await service.query(
      `SELECT TO_VARCHAR(CREDITS_USED_COMPUTE) AS CREDITS FROM SNOWFLAKE.ACCOUNT_USAGE.WAREHOUSE_METERING_HISTORY
      WHERE START_TIME >= '2026-10-01 00:00:00 +0000'::TIMESTAMP_TZ AND START_TIME < '2026-11-01 00:00:00 +0000'::TIMESTAMP_TZ`,
    );
    const metered = formatAmount(
      addCredits(...hours.map((row) => parseCredits(must(row['CREDITS'], 'an hour is metered')))),
    );
    const october = await costs(`month=${MONTH}`);
    expect(october).toMatchObject({
      totalCredits: metered,
      reconciliation: {
        meteredCredits: metered,
        allocatedCredits: metered,
        hours: hours.length,
        staleHours: 0,
        problems: [],
      },
    });
    for (const by of ['warehouse', 'user', 'day', 'reason'])
      expect(await costs(`month=${MONTH}&by=${by}`)).toMatchObject({ totalCredits: metered });
    // Imported days, and hours of each, come from two views.
    const { rows: days } = await system.database.db.query(
      `SELECT d.day FROM usage_day d JOIN (
       SELECT (starts_at AT TIME ZONE 'UTC')::date AS day, sum(metered_credits) AS credits
       FROM usage_warehouse_hour GROUP BY 1) h ON h.day = d.day AND h.credits = d.compute_credits
      WHERE d.day >= '2026-10-01' AND d.day < '2026-11-01'`,
    );
    expect(days).toHaveLength(31);
  },
);

test('what came through Tollgate is direct and of its team, the same statement past it is bypass', async () => {
  const today = new Date().toISOString().slice(0, 10);
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
  const { rows } = await costs(`from=${today}&to=${tomorrow}&by=team`);
  const teams = rows as readonly { readonly key: string | null; readonly buckets: object }[];
  expect(teams.find(({ key }) => key === 'marketing')?.buckets).toMatchObject({
    directCredits: expect.not.stringMatching(/^0\.0+$/),
    bypassCredits: expect.stringMatching(/^0\.0+$/),
  });
  expect(teams.find(({ key }) => key === 'sales')?.buckets).toMatchObject({
    directCredits: expect.stringMatching(/^0\.0+$/),
    bypassCredits: expect.not.stringMatching(/^0\.0+$/),
  });
  const { body } = await system.admin(
    'GET',
    `/api/v1/bypass?from=${today}&to=${tomorrow}&addresses=203.0.113.10/32`,
  );
  expect(body).toMatchObject({
    callers: expect.arrayContaining([
      expect.objectContaining({
        // The tool by its name, with the driver that it uses.
        application: expect.stringMatching(/^Shop_Reports \(JavaScript /),
        snowflakeUser: 'SALES_ANALYST',
        warehouses: ['STANDARD_WH'],
      }),
    ]),
    coveragePercent: expect.stringMatching(/^\d+\.\d\d$/),
    sql: expect.arrayContaining([expect.stringContaining('203.0.113.10/32')]),
  });
});

test('services, storage, sessions, prices and money are imported beside it, each from its own view', async () => {
  const { rows: told } = await system.database.db.query<Record<string, string>>(
    `SELECT (SELECT count(*) FROM usage_service_hour s JOIN usage_warehouse_hour h ON h.account = s.account
        AND h.warehouse_id = s.entity_id AND h.starts_at = s.starts_at AND h.metered_credits = s.compute_credits
        WHERE h.starts_at < '2026-11-01' AND h.metered_credits > 0)
        = (SELECT count(*) FROM usage_warehouse_hour WHERE starts_at < '2026-11-01' AND metered_credits > 0) AS same_hours,
      (SELECT count(DISTINCT scope) FROM usage_storage_day) AS scopes,
      (SELECT bool_or(s.client LIKE '%JavaScript %') FROM usage_query q JOIN usage_session s USING (account, session_id)
        WHERE q.snowflake_user = 'SALES_ANALYST') AS client,
      (SELECT count(*) FROM usage_rate_day WHERE account = 'demo') >= 90 AS rates,
      (SELECT count(*) FROM usage_money_day WHERE account = 'demo') >= 60 AS money`,
  );
  expect(told).toEqual([{ same_hours: true, scopes: '3', client: true, rates: true, money: true }]);
  const { body } = await system.admin('GET', '/api/v1/usage/imports');
  expect((body as { views: readonly object[] }).views).toHaveLength(15);
  expect((body as { views: readonly object[] }).views).toContainEqual(
    expect.objectContaining({ view: 'REMAINING_BALANCE_DAILY', problem: null }),
  );
});

test(
  'importing days of the month again, while it is read, writes nothing of it anew',
  { timeout: IMPORT_MS },
  async () => {
    const before = await costs(`month=${MONTH}&by=query&rows=10000`);
    const again = await imported(OCTOBER.endsAt - 7 * 86_400_000);
    for (const { view, written } of again.views)
      expect([view, written]).toEqual([view, expect.toSatisfy((rows: number) => rows < 20)]);
    expect(again.views.filter(({ rows }) => rows > 5).length).toBeGreaterThan(4);
    expect(await costs(`month=${MONTH}&by=query&rows=10000`)).toEqual(before);
  },
);

/** A call by a person of finance. */
async function asFinance(
  secret: string,
  method: 'GET' | 'POST',
  path: string,
  body?: object,
): Promise<Record<string, unknown>> {
  const response = await fetch(`${system.adminUrl}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as Record<string, unknown>;
  expect([path, response.status, answer]).toEqual([path, 200, expect.anything()]);
  return answer;
}

async function person(name: string): Promise<string> {
  const { body } = await system.admin('POST', '/api/v1/tokens', { name, role: 'finance' });
  return (body as { secret: string }).secret;
}

test(
  'the month is closed by two people: what is owed sums to the invoice, and an adjustment stands in the month after it',
  { timeout: IMPORT_MS },
  async () => {
    const { db } = system.database;
    const [ann, ben] = [await person('ann'), await person('ben')];
    const open = await asFinance(ann, 'GET', `/closes/${MONTH}`);
    expect(open).toMatchObject({ state: 'open', problems: [], reconciliation: { open: [] } });
    await asFinance(ann, 'POST', `/closes/${MONTH}/freeze`, {});
    await asFinance(ann, 'POST', `/closes/${MONTH}/propose`, {});
    await asFinance(ben, 'POST', `/closes/${MONTH}/approve`, {});
    const closed = await asFinance(ann, 'POST', `/closes/${MONTH}/close`, {});
    const { rows: sums } = await db.query<Record<string, string>>(
      `SELECT (SELECT sum(money) FROM usage_money_day WHERE day >= '2026-10-01' AND day < '2026-11-01') AS invoiced,
         sum(l.amount) AS owed, count(DISTINCT l.team_id) AS teams,
         (SELECT sum(total_amount) FROM month_bill) AS bills, bool_and(scale(trim_scale(l.amount)) <= 2) AS in_cents
       FROM month_bill_line l`,
    );
    expect(sums).toEqual([
      {
        invoiced: closed['totalAmount'],
        owed: closed['totalAmount'],
        bills: closed['totalAmount'],
        teams: expect.stringMatching(/^1\d$/),
        in_cents: true,
      },
    ]);
    // Services by account and day are owed as they were invoiced, too.
    const { rows: services } = await db.query(
      `SELECT service_type FROM (
         SELECT CASE WHEN kind IN ('cloudServices', 'cloudServicesAdjustment') THEN 'CLOUD_SERVICES' ELSE service_type END
           AS service_type, sum(amount) AS owed FROM month_bill_line GROUP BY 1) o
       FULL JOIN (SELECT service_type, sum(money) AS invoiced FROM usage_money_day
         WHERE day >= '2026-10-01' AND day < '2026-11-01' GROUP BY 1) i USING (service_type)
       WHERE coalesce(owed, 0) <> coalesce(invoiced, 0)`,
    );
    expect(services).toEqual([]);
    await asFinance(ann, 'POST', '/adjustments', {
      creditedTeam: 'marketing',
      debitedTeam: 'platform',
      amount: '12.34',
      corrects: { month: MONTH },
      reason: 'a backfill of others',
    });
    await asFinance(ben, 'POST', '/adjustments/1/decision', {
      decision: 'approved',
      reason: 'yes',
    });
    expect(await asFinance(ann, 'GET', `/closes/${MONTH}`)).toEqual(closed);
    const { rows: booked } = await db.query('SELECT month FROM bill_adjustment_decision');
    expect(booked).toEqual([{ month: '2026-11' }]);
    const november = (await asFinance(ann, 'GET', '/closes/2026-11')) as {
      bills: { team: string; totalAmount: string }[];
    };
    expect(november.bills.find(({ team }) => team === 'platform')?.totalAmount).toBe(
      '12.340000000000',
    );
    await expectInvariants(db);
  },
);
