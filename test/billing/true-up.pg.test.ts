import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { must } from '../../base/assert.js';
import type { TicketId } from '../../base/ids.js';
import { tryParseMonth } from '../../base/time.js';
import { addCredits, formatAmount, parseCredits, parseMoney } from '../../base/units.js';
import { allocateStaleHours } from '../../billing/attribution/allocate-hours.js';
import { createLedger } from '../../billing/create-ledger.js';
import { CHARGES_ADDED } from '../../billing/postgres/charges-added.js';
import { rebuildHours, rollUpHours } from '../../billing/rollup/charge-hours.js';
import { billPeriods } from '../../billing/true-up/bill-periods.js';
import { readBridges } from '../../billing/true-up/bridge.js';
import { followCharges } from '../../billing/true-up/follow-charges.js';
import { postDeltas } from '../../billing/true-up/post-deltas.js';
import type { UsageView } from '../../billing/usage/read-views.js';
import type { UsageRow } from '../../billing/usage/view-reading.js';
import { storeUsage } from '../../billing/usage/store-usage.js';
import { buildSettlement, buildTicket, credits, insertBudget } from '../support/builders.js';
import { manualClock } from '../support/clock.js';
import { createTestDatabase, expectInvariants, type TestDatabase } from '../support/database.js';
import { sealAll } from '../support/sealing.js';
import { usageRowsFrom } from '../support/usage-rows.js';

const TEN = Date.UTC(2026, 9, 15, 10);
const ACCOUNT = 'demo';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database.drop();
  database = await createTestDatabase();
  await insertBudget(database.db, { id: 'direct', limit: credits('100') });
  await insertBudget(database.db, { id: 'billed', limit: credits('100') });
  await database.db.query("UPDATE budget SET counts = 'billed' WHERE id = 'billed'");
});

const { at, query } = usageRowsFrom(TEN);

const hour = (minutes: number, metered: string, attributed: string | null = null): UsageRow => ({
  warehouse_id: '7',
  warehouse: 'STANDARD_WH',
  starts_at: at(minutes),
  metered_credits: metered,
  cloud_services_credits: '0',
  attributed_credits: attributed,
});

const store = (view: UsageView, rows: readonly UsageRow[]): Promise<number> =>
  database.db.transaction((tx) => storeUsage(tx, ACCOUNT, view, rows));

function allocate(): Promise<unknown> {
  return allocateStaleHours(database.db, {
    account: ACCOUNT,
    rateOf: (_kind, _constraint, size) => (size === 'Medium' ? parseCredits('4') : undefined),
    payerOf: () => undefined,
  });
}

async function keep(): Promise<number> {
  const { deltas } = await postDeltas(database.db, TEN);
  await sealAll(database.db);
  await followCharges(database.db, TEN);
  await rollUpHours(database.db);
  return deltas;
}

/** A statement of the team that did not come through Tollgate, which is billed to it too, in the place of idle time. */
async function ranPastTollgate(): Promise<void> {
  await database.db.query(
    `WITH gone AS (DELETE FROM allocation_line WHERE bucket = 'idle')
     INSERT INTO allocation_line (account, warehouse_id, starts_at, ordinal, bucket, team_id, credits)
     VALUES ('demo', '7', $1, 90, 'bypass', 'marketing', 0.5)`,
    [at(0)],
  );
}

/** A statement of marketing that was charged `used` credits. */
async function charged(
  queryId: string,
  used: string,
  childQueryIds: readonly string[] = [],
): Promise<TicketId> {
  const ledger = createLedger(database.db, manualClock(TEN));
  const ticket = buildTicket({
    account: ACCOUNT,
    sessionId: queryId,
    warehouse: 'STANDARD_WH',
    pricePerCredit: parseMoney('3'),
    occurredAt: TEN,
  });
  await ledger.reserve({ ticket, budgetIds: ['billed', 'direct'], holdCredits: credits('5') });
  await ledger.markSent(ticket.ticketId, TEN);
  await ledger.settle(
    buildSettlement(ticket.ticketId, {
      snowflakeQueryId: queryId,
      childQueryIds,
      usedCredits: credits(used),
      startedAt: TEN,
      endedAt: TEN + 900_000,
    }),
  );
  return ticket.ticketId;
}

async function deltasOf(ticketId: TicketId): Promise<readonly string[]> {
  const { rows } = await database.db.query<Record<string, string>>(
    `SELECT stage, previous_credits::numeric(10, 3) AS a, credits::numeric(10, 3) AS b, delta_money::numeric(10, 3) AS m
     FROM charge_delta WHERE ticket_id = $1 ORDER BY ordinal`,
    [ticketId],
  );
  return rows.map((row) => `${row['stage']} ${row['a']} -> ${row['b']}, ${row['m']}`);
}

async function spent(): Promise<Readonly<Record<string, string>>> {
  const { rows } = await database.db.query<{ budget_id: string; spent: string }>(
    'SELECT budget_id, spent_credits::numeric(10, 3)::text AS spent FROM budget_period ORDER BY budget_id',
  );
  return Object.fromEntries(rows.map((row) => [row.budget_id, row.spent]));
}

test('criterion 15: provisional, metered and attributed follow each other by deltas that sum to the final figure', async () => {
  const ticket = await charged('ours', '1.2');
  await store('QUERY_HISTORY', [query('ours', 0, 15)]);
  expect(await keep()).toBe(0);
  // A quarter of an hour alone on a Medium is one credit.
  await store('WAREHOUSE_METERING_HISTORY', [hour(0, '1.5')]);
  await allocate();
  expect([await keep(), await keep()]).toEqual([1, 0]);
  expect(await spent()).toMatchObject({ direct: '1.000' });
  // Snowflake's own figure comes hours later.
  await store('QUERY_ATTRIBUTION_HISTORY', [{ query_id: 'ours', attributed_credits: '0.9' }]);
  await store('WAREHOUSE_METERING_HISTORY', [hour(0, '1.5', '0.9')]);
  await allocate();
  expect([await keep(), await keep()]).toEqual([1, 0]);
  expect(await deltasOf(ticket)).toEqual([
    'metered 1.200 -> 1.000, -0.600',
    'attributed 1.000 -> 0.900, -0.300',
  ]);
  // The same rows again, and a figure that changes back.
  await store('WAREHOUSE_METERING_HISTORY', [hour(0, '1.5', '0.9')]);
  await allocate();
  expect(await keep()).toBe(0);
  await store('QUERY_ATTRIBUTION_HISTORY', [{ query_id: 'ours', attributed_credits: '1.2' }]);
  await store('WAREHOUSE_METERING_HISTORY', [hour(0, '1.5', '1.2')]);
  await allocate();
  expect(await keep()).toBe(1);
  expect(await spent()).toMatchObject({ direct: '1.200' });
  const { rows } = await database.db.query(
    `SELECT (c.credits + sum(d.delta_credits))::numeric(10, 3) AS final, (c.money + sum(d.delta_money))::numeric(10, 3) AS money
     FROM charge c JOIN charge_delta d USING (ticket_id) GROUP BY c.ticket_id`,
  );
  expect(rows).toEqual([{ final: '1.200', money: '3.600' }]);
  await expectInvariants(database.db);
});

test('a statement of several hours waits for all of them, and one of several queries for all of these', async () => {
  const long = await charged('long', '5');
  const script = await charged('script', '2', ['first', 'second']);
  await store('QUERY_HISTORY', [query('long', 30, 90), query('first', 0, 6)]);
  await store('WAREHOUSE_METERING_HISTORY', [hour(0, '4')]);
  await allocate();
  expect(await keep()).toBe(0);
  await store('WAREHOUSE_METERING_HISTORY', [hour(60, '4')]);
  await allocate();
  expect(await keep()).toBe(1);
  expect(await deltasOf(long)).toEqual(['metered 5.000 -> 4.000, -3.000']);
  await store('QUERY_HISTORY', [query('second', 6, 12)]);
  await allocate();
  expect(await keep()).toBe(1);
  expect(await deltasOf(script)).toEqual(['metered 2.000 -> 0.800, -3.600']);
  await expectInvariants(database.db);
});

/** Snowflake's figures of what a procedure ran: the nested call is in no view, so the root alone leads to the outer one. */
const INSIDE: readonly UsageRow[] = [
  {
    query_id: 'inside',
    parent_query_id: 'call',
    root_query_id: 'call',
    attributed_credits: '0.25',
  },
  { query_id: 'deep', parent_query_id: 'nested', root_query_id: 'call', attributed_credits: '0.5' },
  { query_id: 'theirs', parent_query_id: null, root_query_id: null, attributed_credits: '0.1' },
];
const PROCEDURE: readonly UsageRow[] = [
  query('call', 0, 15, { query_type: 'CALL', is_container: true }),
  query('nested', 5, 15, { query_type: 'CALL', is_container: true }),
  query('inside', 0, 5),
  query('deep', 5, 15),
  query('theirs', 15, 20),
];

test('a procedure is what its statements took, once it is told which are its own', async () => {
  const call = await charged('call', '1');
  await store('QUERY_HISTORY', PROCEDURE);
  await store('WAREHOUSE_METERING_HISTORY', [hour(0, '1')]);
  await allocate();
  expect(await keep()).toBe(0);
  expect(await deltasOf(call)).toEqual([]);
  await store('QUERY_ATTRIBUTION_HISTORY', INSIDE);
  await store('WAREHOUSE_METERING_HISTORY', [hour(0, '1', '0.85')]);
  await allocate();
  expect([await keep(), await keep()]).toEqual([1, 0]);
  expect(await deltasOf(call)).toEqual(['attributed 1.000 -> 0.750, -0.750']);
  expect(await spent()).toMatchObject({ direct: '0.750' });
  const { rows } = await database.db.query(
    "SELECT bucket, string_agg(query_id, ' ' ORDER BY query_id) AS ids FROM allocation_line WHERE query_id IS NOT NULL AND bucket <> 'idle' GROUP BY 1 ORDER BY 1",
  );
  expect(rows).toEqual([
    { bucket: 'bypass', ids: 'theirs' },
    { bucket: 'direct', ids: 'deep inside' },
  ]);
  // A figure of the call's own comes on top, and a statement of it that is late.
  await store('QUERY_HISTORY', [query('late', 14, 15)]);
  await store('QUERY_ATTRIBUTION_HISTORY', [
    { query_id: 'call', attributed_credits: '0.05' },
    { query_id: 'late', root_query_id: 'call', attributed_credits: '0.1' },
  ]);
  await store('WAREHOUSE_METERING_HISTORY', [hour(0, '1.1', '1')]);
  await allocate();
  expect([await keep(), await keep()]).toEqual([1, 0]);
  expect((await deltasOf(call)).at(-1)).toBe('attributed 0.750 -> 0.900, 0.450');
  // Snowflake's rows once more, in another order, say nothing new.
  expect(await store('QUERY_ATTRIBUTION_HISTORY', INSIDE.toReversed())).toBe(0);
  await expectInvariants(database.db);
});

test('a procedure in a multi-statement, and one that is charged late, take what their statements took', async () => {
  await store('QUERY_HISTORY', [
    ...PROCEDURE,
    query('script', 20, 40, { query_type: 'MULTI_STATEMENT', is_container: true }),
    query('part', 20, 30, { query_type: 'CALL', is_container: true }),
    query('of-part', 20, 30),
    query('plain', 30, 40),
  ]);
  await store('QUERY_ATTRIBUTION_HISTORY', [
    ...INSIDE,
    {
      query_id: 'of-part',
      parent_query_id: 'part',
      root_query_id: 'script',
      attributed_credits: '0.2',
    },
    {
      query_id: 'plain',
      parent_query_id: 'script',
      root_query_id: 'script',
      attributed_credits: '0.3',
    },
  ]);
  await store('WAREHOUSE_METERING_HISTORY', [hour(0, '2', '1.35')]);
  await allocate();
  await keep();
  const call = await charged('call', '1');
  const script = await charged('script', '3', ['part', 'plain']);
  expect(await keep()).toBe(0);
  await allocate();
  expect([await keep(), await keep()]).toEqual([2, 0]);
  expect(await deltasOf(call)).toEqual(['attributed 1.000 -> 0.750, -0.750']);
  expect(await deltasOf(script)).toEqual(['attributed 3.000 -> 0.500, -7.500']);
  await expectInvariants(database.db);
});

test('a charge that comes after its hour was allocated is brought up too', async () => {
  await store('QUERY_HISTORY', [query('late', 0, 15)]);
  await store('WAREHOUSE_METERING_HISTORY', [hour(0, '1')]);
  await allocate();
  await keep();
  const late = await charged('late', '2');
  // Until the hour is allocated anew, it takes the statement for a stranger's: it is not brought to nothing.
  expect(await keep()).toBe(0);
  await allocate();
  expect(await keep()).toBe(1);
  expect(await deltasOf(late)).toEqual(['metered 2.000 -> 1.000, -3.000']);
  await expectInvariants(database.db);
});

test('many that post deltas at once post each once', async () => {
  for (let n = 0; n < 20; n += 1) await charged(`q${n}`, '1');
  await store(
    'QUERY_HISTORY',
    Array.from({ length: 20 }, (_, n) => query(`q${n}`, n, n + 1)),
  );
  await store('WAREHOUSE_METERING_HISTORY', [hour(0, '4')]);
  await allocate();
  const all = await Promise.all(Array.from({ length: 6 }, () => postDeltas(database.db, TEN)));
  expect(all.reduce((sum, { deltas }) => sum + deltas, 0)).toBe(20);
  expect(await spent()).toMatchObject({ direct: '1.333' });
  await expectInvariants(database.db);
});

test('a billed budget counts the loading of its warehouse from the end of the statement on, and deltas with it', async () => {
  // The day before, one credit ran for every two that were metered.
  const dayBefore = -24 * 60;
  await store('QUERY_HISTORY', [query('before', dayBefore, dayBefore + 15)]);
  await store('WAREHOUSE_METERING_HISTORY', [hour(dayBefore, '2')]);
  await allocate();
  await charged('ours', '1.2');
  expect(await spent()).toEqual({ billed: '1.200', direct: '1.200' });
  await keep();
  expect(await spent()).toEqual({ billed: '2.400', direct: '1.200' });
  await store('QUERY_HISTORY', [query('ours', 0, 15)]);
  await store('WAREHOUSE_METERING_HISTORY', [hour(0, '1.5')]);
  await allocate();
  await keep();
  await keep();
  expect(await spent()).toEqual({ billed: '2.000', direct: '1.000' });
  const { rows } = await database.db.query(
    `SELECT budget_id, line, sum(credits)::numeric(10, 3) AS credits FROM budget_true_up t
     JOIN budget_period p ON p.id = t.budget_period_id GROUP BY 1, 2 ORDER BY 1, 2`,
  );
  expect(rows).toEqual([
    { budget_id: 'billed', line: 'loading', credits: '1.000' },
    { budget_id: 'billed', line: 'metered', credits: '-0.200' },
    { budget_id: 'direct', line: 'metered', credits: '-0.200' },
  ]);
  await expectInvariants(database.db);
});

test("a billed budget's spend is its team's bill once the period is metered; a direct one's is after the bridge", async () => {
  await charged('ours', '1.2');
  await store('QUERY_HISTORY', [query('ours', 0, 15)]);
  await store('WAREHOUSE_METERING_HISTORY', [hour(0, '1.5')]);
  await allocate();
  await keep();
  const november = Date.UTC(2026, 10, 2);
  // Not before metering is imported to the end of the period.
  expect(await billPeriods(database.db, november)).toBe(0);
  await database.db.query(
    `INSERT INTO usage_import VALUES ('demo', 'WAREHOUSE_METERING_HISTORY', '2026-11-01Z', now(), now())`,
  );
  await ranPastTollgate();
  expect(await billPeriods(database.db, november)).toBe(1);
  expect(await billPeriods(database.db, november)).toBe(0);
  expect(await spent()).toEqual({ billed: '1.500', direct: '1.000' });
  const bridges = await readBridges(database.db, 'marketing', TEN);
  expect(bridges.map(({ budgetId }) => budgetId)).toEqual(['billed', 'direct']);
  for (const bridge of bridges) {
    const { directCredits, meteredCredits, loadingCredits, billedCredits } = bridge;
    expect(addCredits(directCredits, meteredCredits, loadingCredits, billedCredits)).toBe(
      bridge.spentCredits,
    );
    expect(
      addCredits(
        bridge.spentCredits,
        bridge.withoutLoadingCredits,
        bridge.bypassCredits,
        bridge.idleShareCredits,
        bridge.cloudServicesCredits,
        bridge.adjustmentCredits,
        bridge.servicesCredits,
        bridge.unexplainedCredits,
        bridge.differenceCredits,
      ),
    ).toBe(bridge.teamBilledCredits);
    expect(formatAmount(bridge.teamBilledCredits)).toBe('1.500000000000');
    expect(formatAmount(bridge.differenceCredits)).toBe('0.000000000000');
  }
  await expectInvariants(database.db);
});

test('where files are given and no view is read, a period follows its bill once their hours reach its end', async () => {
  await charged('ours', '1.2');
  await store('QUERY_HISTORY', [query('ours', 0, 15)]);
  await store('WAREHOUSE_METERING_HISTORY', [hour(0, '1.5')]);
  await allocate();
  await keep();
  const november = Date.UTC(2026, 10, 2);
  await database.db.query(
    `INSERT INTO usage_import_request (account, asked_by, asked_at, file_view, file_rows)
     VALUES ('demo', 'finance', now(), 'WAREHOUSE_METERING_HISTORY', 1)`,
  );
  expect(await billPeriods(database.db, november)).toBe(0);
  await store('WAREHOUSE_METERING_HISTORY', [
    hour((Date.UTC(2026, 9, 31, 23) - TEN) / 60_000, '0'),
  ]);
  await allocate();
  await keep();
  await ranPastTollgate();
  expect(await billPeriods(database.db, november)).toBe(1);
  expect(await billPeriods(database.db, november)).toBe(0);
  expect(await spent()).toEqual({ billed: '1.500', direct: '1.000' });
  await expectInvariants(database.db);
});

test('what is trued up may pass a hard limit, is no overshoot of an admission, and blocks the next one', async () => {
  await database.db.query("UPDATE budget SET limit_credits = 5 WHERE id = 'direct'");
  const ledger = createLedger(database.db, manualClock(TEN));
  await charged('ours', '1');
  await store('QUERY_HISTORY', [query('ours', 0, 90)]);
  await store('WAREHOUSE_METERING_HISTORY', [hour(0, '4'), hour(60, '2')]);
  await allocate();
  await keep();
  expect(await spent()).toMatchObject({ direct: '6.000' });
  await expectInvariants(database.db);
  const outcome = await ledger.reserve({
    ticket: buildTicket({ occurredAt: TEN }),
    budgetIds: ['direct'],
    holdCredits: credits('0.1'),
  });
  expect(outcome.kind).not.toBe('held');
});

test('hours are the charges with their deltas; dropped and built anew they are the same bytes, and what was charged reads the same', async () => {
  const period = must(tryParseMonth('2026-10'), 'a month');
  const charges = async (): Promise<unknown> =>
    (
      await database.db.query(
        `WITH ${CHARGES_ADDED} SELECT warehouse, tier, sum(statements)::integer AS statements, sum(credits) AS credits,
           sum(money) AS money, sum(credits) FILTER (WHERE stage = 'provisional') AS provisional
         FROM added WHERE team_id = 'marketing' GROUP BY 1, 2`,
        ['USD', new Date(period.startsAt), new Date(period.endsAt)],
      )
    ).rows;
  const hours = async (): Promise<string> =>
    (
      await database.db.query<{ text: string }>(
        `SELECT string_agg(h::text, E'\\n' ORDER BY h::text) AS text FROM charge_hour h`,
      )
    ).rows[0]?.text ?? '';
  for (let n = 0; n < 4; n += 1) await charged(`q${n}`, '1.1');
  const unsealed = await charges();
  await keep();
  expect(await charges()).toEqual(unsealed);
  await store(
    'QUERY_HISTORY',
    Array.from({ length: 4 }, (_, n) => query(`q${n}`, n * 10, n * 10 + 10)),
  );
  await store('WAREHOUSE_METERING_HISTORY', [hour(0, '4')]);
  await allocate();
  await postDeltas(database.db, TEN);
  // Half of it is in hours, half behind them.
  const between = await charges();
  await keep();
  await charged('tail', '0.5');
  await sealAll(database.db);
  await charged('tail2', '0.25');
  expect(between).toMatchObject([{ credits: '2.666666666667', provisional: '4.400000000000' }]);
  expect(await charges()).toMatchObject([
    {
      credits: '3.416666666667',
      provisional: '5.150000000000',
      statements: 6,
    },
  ]);
  const first = await hours();
  await rebuildHours(database.db);
  expect(await hours()).toBe(first);
  expect(first.split('\n')).toHaveLength(2);
  await expectInvariants(database.db);
});
