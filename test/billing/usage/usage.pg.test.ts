import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { TicketId } from '../../../base/ids.js';
import { parseCredits, parseMoney } from '../../../base/units.js';
import { allocateStaleHours } from '../../../billing/attribution/allocate-hours.js';
import type { AllocationOptions } from '../../../billing/attribution/allocate-hours.js';
import { readCost } from '../../../billing/attribution/read-cost.js';
import type { CostDimension } from '../../../billing/attribution/read-cost.js';
import { createLedger } from '../../../billing/create-ledger.js';
import type { UsageView } from '../../../billing/usage/read-views.js';
import type { UsageRow } from '../../../billing/usage/view-reading.js';
import { storeUsage } from '../../../billing/usage/store-usage.js';
import { buildSettlement, buildTicket, credits } from '../../support/builders.js';
import { manualClock } from '../../support/clock.js';
import { createTestDatabase, expectInvariants } from '../../support/database.js';
import type { TestDatabase } from '../../support/database.js';
import { usageRowsFrom } from '../../support/usage-rows.js';

const TEN = Date.UTC(2026, 9, 1, 10);
const ACCOUNT = 'demo';
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database.db.query('DELETE FROM allocation_line');
  await database.db.query('DELETE FROM usage_warehouse_hour');
  await database.db.query('DELETE FROM usage_query');
  await database.db.query('DELETE FROM usage_warehouse_event');
});

const { at, query } = usageRowsFrom(TEN);

function hour(minutes: number, metered: string, more: UsageRow = {}): UsageRow {
  return {
    warehouse_id: '7',
    warehouse: 'STANDARD_WH',
    starts_at: at(minutes),
    metered_credits: metered,
    cloud_services_credits: '0',
    attributed_credits: null,
    ...more,
  };
}

function store(view: UsageView, rows: readonly UsageRow[]): Promise<number> {
  return database.db.transaction((tx) => storeUsage(tx, ACCOUNT, view, rows));
}

const OPTIONS: AllocationOptions = {
  account: ACCOUNT,
  rateOf: (_kind, _constraint, size) => (size === 'Medium' ? parseCredits('4') : undefined),
  payerOf: ({ snowflakeUser }) =>
    snowflakeUser === 'SALES_ANALYST'
      ? { teamId: 'sales', principalId: 'sales_analyst' }
      : undefined,
};

/** A statement of marketing that came through Tollgate and has this id at Snowflake. */
async function govern(queryId: string, childQueryIds: readonly string[] = []): Promise<TicketId> {
  const ledger = createLedger(database.db, manualClock());
  const ticket = buildTicket({ account: ACCOUNT, sessionId: queryId });
  await ledger.reserve({ ticket, budgetIds: [], holdCredits: credits('0') });
  await ledger.markSent(ticket.ticketId, TEN);
  await ledger.settle(
    buildSettlement(ticket.ticketId, { snowflakeQueryId: queryId, childQueryIds }),
  );
  return ticket.ticketId;
}

async function lines(): Promise<readonly string[]> {
  const { rows } = await database.db.query<Record<string, string | null>>(
    `SELECT to_char(starts_at AT TIME ZONE 'UTC', 'HH24') AS hour, bucket, reason, query_id, team_id, credits
      FROM allocation_line ORDER BY starts_at, ordinal`,
  );
  return rows.map((row) =>
    [
      row['hour'],
      row['bucket'],
      row['reason'] ?? '-',
      row['query_id'] ?? '-',
      row['team_id'] ?? '-',
      row['credits'],
    ].join(' '),
  );
}

async function stale(): Promise<readonly string[]> {
  const { rows } = await database.db.query<{ hour: string }>(
    "SELECT to_char(starts_at AT TIME ZONE 'UTC', 'HH24') AS hour FROM usage_warehouse_hour WHERE is_stale ORDER BY 1",
  );
  return rows.map((row) => row.hour);
}

test('who pays is proven by the id of the statement at Snowflake; the others are bypass of whom the mapping names', async () => {
  await govern('ours');
  await govern('parent', ['child']);
  await store('QUERY_HISTORY', [
    query('ours', 0, 15),
    query('parent', 15, 30, { is_container: true }),
    query('child', 15, 30),
    query('theirs', 30, 45),
    query('strange', 45, 60, { snowflake_user: 'SOMEBODY' }),
  ]);
  await store('WAREHOUSE_METERING_HISTORY', [hour(0, '4')]);
  expect(await allocateStaleHours(database.db, OPTIONS)).toEqual({ allocated: 1, problems: 0 });
  expect(await lines()).toEqual([
    '10 direct - child marketing 1.000000000000',
    '10 direct - ours marketing 1.000000000000',
    '10 bypass - strange - 1.000000000000',
    '10 bypass - theirs sales 1.000000000000',
  ]);
  await expectInvariants(database.db);
});

test('the same rows again, and in another order, change nothing; a late row makes its own hours stale, and those up to the statements beside it', async () => {
  const rows = [query('a', 0, 30), query('b', 30, 90), query('c', 130, 190)];
  const hours = [hour(0, '4'), hour(60, '2'), hour(120, '2'), hour(180, '2')];
  expect(await store('QUERY_HISTORY', rows)).toBe(3);
  expect(await store('WAREHOUSE_METERING_HISTORY', hours)).toBe(4);
  expect(await stale()).toEqual(['10', '11', '12', '13']);
  await allocateStaleHours(database.db, OPTIONS);
  const first = await lines();
  expect(await stale()).toEqual([]);
  expect(await store('QUERY_HISTORY', [...rows].reverse())).toBe(0);
  expect(await store('WAREHOUSE_METERING_HISTORY', [...hours, ...hours])).toBe(0);
  expect(await stale()).toEqual([]);
  expect(await allocateStaleHours(database.db, OPTIONS)).toEqual({ allocated: 0, problems: 0 });
  expect(await store('QUERY_HISTORY', [query('late', 80, 100)])).toBe(1);
  // It ran in hour 11 alone; what stood idle beside it may be told otherwise.
  expect(await stale()).toEqual(['10', '11', '12']);
  await allocateStaleHours(database.db, OPTIONS);
  const second = await lines();
  expect(second.filter((line) => !line.startsWith('11'))).toEqual(
    first.filter((line) => !line.startsWith('11')),
  );
  expect(second).not.toEqual(first);
  await expectInvariants(database.db);
});

test('what a row does not tell stays as it is known, and else is what it usually is', async () => {
  const known = { cluster: 2, warehouse_kind: 'SNOWPARK-OPTIMIZED', cloud_services_credits: '0.5' };
  const untold = { cluster: null, warehouse_kind: null, cloud_services_credits: null };
  await store('QUERY_HISTORY', [query('known', 0, 30, known), query('new', 0, 30, untold)]);
  await store('WAREHOUSE_METERING_HISTORY', [hour(0, '4', { attributed_credits: '1.5' })]);
  expect(
    await store('QUERY_HISTORY', [query('known', 0, 30, { ...untold, bytes_scanned: null })]),
  ).toBe(0);
  expect(await store('WAREHOUSE_METERING_HISTORY', [hour(0, '4')])).toBe(0);
  const { rows } = await database.db.query(
    'SELECT query_id, cluster, warehouse_kind, cloud_services_credits::float AS services, bytes_scanned FROM usage_query ORDER BY 1',
  );
  expect(rows).toEqual([
    {
      query_id: 'known',
      cluster: 2,
      warehouse_kind: 'SNOWPARK-OPTIMIZED',
      services: 0.5,
      bytes_scanned: '1000',
    },
    { query_id: 'new', cluster: 1, warehouse_kind: 'STANDARD', services: 0, bytes_scanned: '1000' },
  ]);
});

test('a figure that comes before its statement waits for it; again it changes nothing', async () => {
  const figure = {
    query_id: 'a',
    parent_query_id: 'p',
    root_query_id: 'p',
    attributed_credits: '1.5',
  };
  expect(await store('QUERY_ATTRIBUTION_HISTORY', [figure])).toBe(2);
  expect(await store('QUERY_ATTRIBUTION_HISTORY', [figure])).toBe(0);
  await store('WAREHOUSE_METERING_HISTORY', [hour(0, '4')]);
  await store('QUERY_HISTORY', [query('a', 0, 30), query('p', 0, 30)]);
  expect(await store('QUERY_ATTRIBUTION_HISTORY', [figure])).toBe(0);
  const { rows } = await database.db.query(
    `SELECT query_id, is_container, attributed_credits::float AS credits, root_query_id,
       (SELECT count(*)::integer FROM usage_query_ahead) AS waiting FROM usage_query ORDER BY 1`,
  );
  expect(rows).toEqual([
    { query_id: 'a', is_container: false, credits: 1.5, root_query_id: 'p', waiting: 0 },
    { query_id: 'p', is_container: true, credits: null, root_query_id: null, waiting: 0 },
  ]);
});

test('figures of Snowflake that come later supersede the sweep, and parents stop being statements of their own', async () => {
  await store('QUERY_HISTORY', [query('root', 0, 30), query('leaf', 0, 30)]);
  await store('WAREHOUSE_METERING_HISTORY', [hour(0, '4')]);
  await allocateStaleHours(database.db, OPTIONS);
  expect(await lines()).toEqual([
    '10 bypass - leaf sales 1.000000000000',
    '10 bypass - root sales 1.000000000000',
    '10 idle notKnown - - 2.000000000000',
  ]);
  await store('QUERY_ATTRIBUTION_HISTORY', [
    { query_id: 'leaf', parent_query_id: 'root', attributed_credits: '1.5' },
  ]);
  await store('WAREHOUSE_METERING_HISTORY', [hour(0, '4', { attributed_credits: '1.6' })]);
  await allocateStaleHours(database.db, OPTIONS);
  expect(await lines()).toEqual([
    '10 bypass - leaf sales 1.500000000000',
    '10 shortQuery - - - 0.100000000000',
    '10 idle notKnown - - 2.400000000000',
  ]);
  await expectInvariants(database.db);
});

test('an hour whose rate nobody has entered says so and waits for it; other hours do not', async () => {
  await store('QUERY_HISTORY', [
    query('a', 0, 30, { warehouse_size: '2X-Large' }),
    query('b', 200, 210),
  ]);
  await store('WAREHOUSE_METERING_HISTORY', [hour(0, '4'), hour(180, '2')]);
  expect(await allocateStaleHours(database.db, OPTIONS)).toEqual({ allocated: 1, problems: 1 });
  expect(await stale()).toEqual(['10']);
  const cost = await readCost(database.db, costOf('team'));
  expect(cost.reconciliation).toMatchObject({ hours: 2, staleHours: 1 });
  expect(cost.reconciliation.problems).toEqual([
    expect.stringMatching(/No rate is known for STANDARD.*2X-Large.*STANDARD_WH.*statement a/),
  ]);
  const rateOf = (): ReturnType<typeof parseCredits> => parseCredits('32');
  expect(await allocateStaleHours(database.db, { ...OPTIONS, rateOf })).toEqual({
    allocated: 1,
    problems: 0,
  });
  expect((await readCost(database.db, costOf('team'))).reconciliation).toMatchObject({
    staleHours: 0,
    problems: [],
  });
});

test('rows that are written while their hour is allocated make it stale again', async () => {
  await store('QUERY_HISTORY', [query('a', 0, 30)]);
  await store('WAREHOUSE_METERING_HISTORY', [hour(0, '4')]);
  // The import has written its row and has not committed; the allocation must wait for it, or be told of it.
  let allocated: Promise<unknown> | undefined;
  await database.db.transaction(async (tx) => {
    await storeUsage(tx, ACCOUNT, 'QUERY_HISTORY', [query('late', 30, 60)]);
    allocated = allocateStaleHours(database.db, OPTIONS);
    // It comes as far as the hour's row and no further.
    for (let looks = 0; looks < 500; looks += 1) {
      const { rows } = await database.db.query(
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
      );
      if (rows.length > 0) return;
    }
    throw new Error('nothing waited for the import');
  });
  await allocated;
  expect(await lines()).toEqual([
    '10 bypass - a sales 2.000000000000',
    '10 bypass - late sales 2.000000000000',
  ]);
});

function costOf(by: CostDimension, teamId: string | null = null): Parameters<typeof readCost>[1] {
  return {
    period: { startsAt: TEN, endsAt: TEN + 24 * 3_600_000 },
    by,
    teamId,
    priceAt: () => parseMoney('3'),
    rowsMax: 100,
  };
}

test('by whatever a cost is asked, it sums to what was metered, and a team to its own statements', async () => {
  await govern('ours-too');
  await store('QUERY_HISTORY', [
    query('ours-too', 0, 15),
    query('theirs', 10, 45),
    query('x', 70, 80),
  ]);
  await store('WAREHOUSE_METERING_HISTORY', [hour(0, '3.333333333333'), hour(60, '1')]);
  await allocateStaleHours(database.db, OPTIONS);
  const dimensions: readonly CostDimension[] = [
    'team',
    'principal',
    'warehouse',
    'tier',
    'workload',
    'user',
    'shape',
    'query',
    'reason',
    'bucket',
    'day',
  ];
  for (const by of dimensions) {
    const cost = await readCost(database.db, costOf(by));
    expect([by, cost.totalCredits]).toEqual([by, parseCredits('4.333333333333')]);
    expect([by, cost.totalMoney]).toEqual([by, parseMoney('12.999999999999')]);
    expect(cost.reconciliation.allocatedCredits).toBe(cost.reconciliation.meteredCredits);
    expect([by, cost.rows.reduce((sum, { statements }) => sum + statements, 0)]).toEqual([by, 3]);
    const own = await readCost(database.db, costOf(by, 'marketing'));
    // A quarter of an hour of four credits an hour, a third of which it shared.
    expect([by, own.totalCredits]).toEqual([by, parseCredits('0.833333333333')]);
  }
  const few = await readCost(database.db, { ...costOf('query'), rowsMax: 1 });
  expect(few.rows.map(({ key }) => key)).toEqual([expect.any(String), 'others']);
  expect(few.totalCredits).toBe(parseCredits('4.333333333333'));
});

test('the tool that opened a session stays known where a later file tells of its driver alone', async () => {
  const clientAfter = async (client: string | null): Promise<string | null | undefined> => {
    const row = { session_id: '77', snowflake_user: 'EVE', client, created_at: at(0) };
    await store('SESSIONS', [row]);
    const { rows } = await database.db.query<{ client: string | null }>(
      "SELECT client FROM usage_session WHERE session_id = '77'",
    );
    return rows[0]?.client;
  };
  expect(await clientAfter('JDBC 4.0.2')).toBe('JDBC 4.0.2');
  expect(await clientAfter('DBeaver (JDBC 4.0.2)')).toBe('DBeaver (JDBC 4.0.2)');
  expect(await clientAfter('JDBC 4.0.2')).toBe('DBeaver (JDBC 4.0.2)');
  expect(await clientAfter(null)).toBe('DBeaver (JDBC 4.0.2)');
  expect(await clientAfter('ODBC 3.1')).toBe('ODBC 3.1');
});
