/** The ledger by months: a ledger in use becomes one, months are opened, and what is of no month is told and comes home. */
import { afterEach, expect, test } from 'vitest';
import type { Database } from '../../../base/postgres/pool.js';
import { createLedger } from '../../../billing/create-ledger.js';
import { openMonths } from '../../../billing/months/open-months.js';
import { readSealed } from '../../../billing/seal/read-records.js';
import { knownMigrations, migrationText } from '../../../migrations/migrate.js';
import {
  NOON,
  buildSettlement,
  buildTicket,
  buildTicketId,
  credits,
  insertBudget,
} from '../../support/builders.js';
import { manualClock } from '../../support/clock.js';
import {
  createTestDatabase,
  expectInvariants,
  openTestPool,
  type TestDatabase,
} from '../../support/database.js';
import { sealAll } from '../../support/sealing.js';

const DAY_MS = 86_400_000;

let database: TestDatabase;
afterEach(() => database.drop());

/** Settles a statement that began at `atMs`. */
async function settleAt(
  db: Database,
  atMs: number,
  changes: { readonly queryId?: string; readonly children?: readonly string[] } = {},
): Promise<string> {
  const ledger = createLedger(db, manualClock());
  const ticket = buildTicket({ ticketId: buildTicketId(atMs) });
  await ledger.reserve({ ticket, budgetIds: ['b'], holdCredits: credits('1') });
  const { queryId = `query-${ticket.ticketId}`, children } = changes;
  const settlement = buildSettlement(ticket.ticketId, { snowflakeQueryId: queryId });
  const outcome = await ledger.settle(
    children === undefined ? settlement : { ...settlement, childQueryIds: children },
  );
  return outcome.kind;
}

async function partitionOf(db: Database): Promise<Record<string, number>> {
  const { rows } = await db.query<{ name: string; n: number }>(
    'SELECT tableoid::regclass::text AS name, count(*)::integer AS n FROM charge GROUP BY 1 ORDER BY 1',
  );
  return Object.fromEntries(rows.map(({ name, n }) => [name, n]));
}

/** Every view of the schema, in full. */
async function viewsOf(db: Database): Promise<Record<string, unknown>> {
  const { rows } = await db.query<{ name: string }>(
    "SELECT table_name AS name FROM information_schema.views WHERE table_schema = 'tollgate' ORDER BY 1",
  );
  const seen: Record<string, unknown> = {};
  for (const { name } of rows) {
    const found = await db.query(
      `SELECT to_jsonb(v) - 'age_seconds' AS row FROM ${name} v ORDER BY v::text`,
    );
    seen[name] = found.rows;
  }
  return seen;
}

test('a ledger in use is kept by months as it is: no row moves, and every view, seal and grant is as before', async () => {
  database = await createTestDatabase({ empty: true });
  const owner = openTestPool(database.ownerUrl, 1);
  try {
    await owner.query('CREATE SCHEMA IF NOT EXISTS tollgate');
    await owner.query('CREATE TABLE tollgate.migration (id integer, name text, run_on timestamp)');
    await owner.query('SET search_path TO tollgate');
    // The two have what the ledger of today reads of tickets and settles by.
    const before = knownMigrations().filter((name) => name < '0049' || /^00(55|64)/.test(name));
    for (const name of before) await owner.query(migrationText(name));
    await owner.query(
      'CREATE VIEW of_somebody WITH (security_barrier) AS SELECT team_id, credits FROM charge',
    );
    await insertBudget(owner, { id: 'b' });
    for (const days of [0, 1, 40]) await settleAt(owner, NOON - days * DAY_MS);
    await settleAt(owner, NOON, { children: ['child-1', 'child-2'] });
    await owner.query(
      `INSERT INTO charge_delta SELECT ticket_id, 1, journal_id, 'metered', credits, credits + 1, 1, money, money + 3, 3, 3 FROM charge
       ORDER BY ticket_id LIMIT 2`,
    );
    await sealAll(owner);
    const place = 'SELECT ticket_id, ctid::text AS place FROM charge ORDER BY ticket_id';
    const grants = `SELECT grantee, privilege_type FROM information_schema.role_table_grants
      WHERE table_schema = 'tollgate' AND table_name IN ('charge', 'charge_delta') ORDER BY table_name, 1, 2`;
    const look = async (): Promise<unknown> => ({
      places: (await owner.query(place)).rows,
      views: await viewsOf(owner),
      grants: (await owner.query(grants)).rows,
      seals: await readSealed(owner, { first: 1, last: 100 }),
      options: (await owner.query("SELECT reloptions FROM pg_class WHERE relname = 'of_somebody'"))
        .rows,
    });
    const seen = await look();
    const after = knownMigrations().filter((name) => !before.includes(name));
    for (const name of after) await owner.query(migrationText(name));
    expect(await look()).toMatchObject(seen as object);
    expect(await partitionOf(owner)).toEqual({ charge_before_months: 4 });
    await expectInvariants(owner);
    // The keys of queries are those of before.
    const { rows } = await owner.query<{ id: string }>(
      'SELECT snowflake_query_id AS id FROM charge WHERE snowflake_query_id IS NOT NULL LIMIT 1',
    );
    await expect(settleAt(owner, NOON, { queryId: rows[0]?.id ?? '' })).resolves.toBe('conflict');
    await settleAt(owner, NOON);
    expect(await viewsOf(owner)).not.toEqual((seen as { views: object }).views);
  } finally {
    await owner.stop();
  }
});

test('a query is charged once, whichever months the tickets that name it are of', async () => {
  database = await createTestDatabase();
  await insertBudget(database.db, { id: 'b' });
  const [first] = await openedMonths();
  const outcomes = await Promise.all([
    settleAt(database.db, NOON, { queryId: 'one' }),
    settleAt(database.db, first, { queryId: 'one' }),
  ]);
  expect(outcomes.toSorted()).toEqual(['charged', 'conflict']);
  const { rows } = await database.db.query<{ n: number }>(
    'SELECT count(*)::integer AS n FROM charge',
  );
  expect(rows).toEqual([{ n: 1 }]);
});

/** Starts of the months that have a partition of their own, in their order. */
async function openedMonths(): Promise<readonly [number, ...number[]]> {
  const { rows } = await database.db.query<{ starts_at: Date }>(
    "SELECT starts_at FROM month_partition WHERE of_table = 'charge' AND starts_at IS NOT NULL ORDER BY starts_at",
  );
  const [first, ...rest] = rows.map(({ starts_at: at }) => at.getTime());
  if (first === undefined) throw new Error('no month is open');
  return [first, ...rest];
}

test('months are opened ahead, once, by whoever asks, and begin and end to the millisecond in UTC', async () => {
  database = await createTestDatabase();
  const months = await openedMonths();
  const last = months.at(-1) ?? 0;
  const made = await Promise.all(
    Array.from({ length: 4 }, () => openMonths(database.db, { at: last, ahead: 2 })),
  );
  // Two tables.
  expect(made.toSorted((a, b) => a - b)).toEqual([0, 0, 0, 4]);
  expect(await openMonths(database.db, { at: last, ahead: 2 })).toBe(0);
  const opened = await openedMonths();
  expect(opened).toHaveLength(months.length + 2);
  const second = opened.at(-2) ?? 0;
  expect(new Date(second).toISOString()).toMatch(/-01T00:00:00\.000Z$/);
  await insertBudget(database.db, { id: 'b' });
  for (const atMs of [second - 1, second]) await settleAt(database.db, atMs);
  expect(Object.values(await partitionOf(database.db))).toEqual([1, 1]);
  await expectInvariants(database.db);
  await expect(openMonths(database.db, { at: last, ahead: 25 })).rejects.toThrow(
    'between 0 and 24',
  );
  await expect(openMonths(database.db, { at: last + 8 * 366 * DAY_MS, ahead: 0 })).rejects.toThrow(
    'five years',
  );
});

test('a charge of no open month is written, told, and stands in its month once that is opened; its seal stays', async () => {
  database = await createTestDatabase();
  const { db } = database;
  await insertBudget(db, { id: 'b' });
  const beyond = ((await openedMonths()).at(-1) ?? 0) + 45 * DAY_MS;
  await settleAt(db, beyond);
  await settleAt(db, beyond + 40 * DAY_MS);
  await sealAll(db);
  const sealed = await readSealed(db, { first: 1, last: 100 });
  expect(await partitionOf(db)).toEqual({ charge_outside_months: 2 });
  expect((await db.query('SELECT of_table FROM invariant_months')).rows).toHaveLength(2);
  await openMonths(db, { at: beyond, ahead: 0 });
  expect((await db.query('SELECT of_table FROM invariant_months')).rows).toHaveLength(1);
  await openMonths(db, { at: beyond, ahead: 2 });
  expect(Object.keys(await partitionOf(db))).toHaveLength(2);
  expect(await partitionOf(db)).not.toHaveProperty('charge_outside_months');
  expect(await readSealed(db, { first: 1, last: 100 })).toEqual(sealed);
  await expectInvariants(db);
});

test('a month is as closed to changes as the whole, for the owner too, and the application does not write to it', async () => {
  database = await createTestDatabase();
  const owner = openTestPool(database.ownerUrl, 1);
  try {
    await insertBudget(database.db, { id: 'b' });
    const [month] = await openedMonths();
    await settleAt(database.db, month);
    const { rows } = await database.db.query<{ name: string }>(
      `SELECT inhrelid::regclass::text AS name FROM pg_inherits
       WHERE inhparent IN ('charge'::regclass, 'charge_delta'::regclass)`,
    );
    expect(rows.length).toBeGreaterThanOrEqual(8);
    for (const { name } of rows) {
      for (const change of [
        `DELETE FROM ${name}`,
        `UPDATE ${name} SET ticket_id = ticket_id`,
        `TRUNCATE ${name}`,
      ])
        await expect(owner.query(change)).rejects.toMatchObject({ code: '42501' });
    }
    // A server that is given has one role for both.
    if (database.url === database.ownerUrl) return;
    for (const change of [
      ...rows.map(({ name }) => `INSERT INTO ${name} DEFAULT VALUES`),
      "SELECT move_to_month('charge', 'charge_part', NULL, NULL)",
      'DELETE FROM month_partition',
    ])
      await expect(database.db.query(change)).rejects.toMatchObject({ code: '42501' });
  } finally {
    await owner.stop();
  }
});
