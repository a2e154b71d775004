import { afterAll, beforeAll, expect, test } from 'vitest';
import { AssertionError } from '../../base/assert.js';
import { Fault } from '../../base/errors.js';
import type { Database } from '../../base/postgres/pool.js';
import { openDatabase } from '../../base/postgres/pool.js';
import { createLedger } from '../../billing/create-ledger.js';
import type { Ledger } from '../../billing/ledger.js';
import { ledgerCall } from '../../billing/postgres/availability.js';
import { openPeriods } from '../../billing/postgres/open-periods.js';
import { beat, liveReplicas, replicaStopped } from '../../billing/postgres/replicas.js';
import { NOON, buildSettlement, buildTicket, credits, insertBudget } from '../support/builders.js';
import { manualClock } from '../support/clock.js';
import { createTestDatabase, openTestPool } from '../support/database.js';
import type { TestDatabase } from '../support/database.js';

let database: TestDatabase;
let owner: Database;
let ledger: Ledger;
beforeAll(async () => {
  database = await createTestDatabase();
  owner = openTestPool(database.ownerUrl, 1);
  ledger = createLedger(database.db, manualClock());
  await insertBudget(database.db, { id: 'kept', limit: credits('10') });
  const ticket = buildTicket();
  await ledger.reserve({ ticket, budgetIds: ['kept'], holdCredits: credits('1') });
  await ledger.settle(buildSettlement(ticket.ticketId));
});
afterAll(async () => {
  await owner.stop();
  await database.drop();
});

test.each(['journal', 'entry', 'charge'])(
  'criterion 16: %s only grows, nobody changes or removes a row',
  async (table) => {
    const column = table === 'journal' ? 'reason' : table === 'entry' ? 'account' : 'currency';
    const changes = [
      `UPDATE ${table} SET ${column} = ${column}`,
      `DELETE FROM ${table}`,
      `TRUNCATE ${table} CASCADE`,
    ];
    for (const change of changes) {
      await expect(database.db.query(change)).rejects.toMatchObject({ code: '42501' });
      await expect(owner.query(change)).rejects.toMatchObject({ code: '42501' });
    }
    const { rows } = await database.db.query<{ n: number }>(
      `SELECT count(*)::integer AS n FROM ${table}`,
    );
    expect(rows[0]?.n).toBeGreaterThan(0);
  },
);

test('what a hold or a journal refers to is not removed, and what refers to nothing is named', async () => {
  for (const table of ['ticket', 'lease'])
    for (const change of [`DELETE FROM ${table}`, `TRUNCATE ${table} CASCADE`]) {
      await expect(database.db.query(change)).rejects.toMatchObject({ code: '42501' });
      await expect(owner.query(change)).rejects.toMatchObject({ code: '42501' });
    }
  const strangers: Readonly<Record<string, string>> = {
    hold: `INSERT INTO hold (ticket_id, budget_period_id, credits, lease_id)
      SELECT gen_random_uuid(), id, 0, 4711 FROM budget_period LIMIT 1`,
    journal: `INSERT INTO journal (kind, ticket_id, key, author, reason, occurred_at)
      VALUES ('hold', gen_random_uuid(), 'stranger', 'test', 'test', now())`,
    entry: `INSERT INTO entry (journal_id, ordinal, budget_period_id, account, credits)
      SELECT 4711, x.ordinal, p.id, x.account, x.credits FROM budget_period p,
        (VALUES (1, 'available', -1), (2, 'held', 1)) AS x (ordinal, account, credits)`,
    charge: `INSERT INTO charge (ticket_id, journal_id, account, team_id, principal_id, tier, occurred_at, ended_at, credits,
        money, currency, price_per_credit, warehouse_ms)
      VALUES (gen_random_uuid(), 4711, 'demo', 'a', 'a', 'standard', now(), now(), 0, 0, 'USD', 3, 0)`,
    ledger_seal: "INSERT INTO ledger_seal VALUES (4711, 4711, sha256('x'))",
  };
  const undone = new Error('undone');
  for (const [table, insert] of Object.entries(strangers)) {
    const looked = owner.transaction(async (tx) => {
      await tx.query(insert);
      const { rows } = await tx.query('SELECT DISTINCT of_table FROM invariant_references');
      expect(rows).toEqual([{ of_table: table }]);
      throw undone;
    });
    await expect(looked).rejects.toBe(undone);
  }
});

test('criterion 16: entries that do not sum to zero are refused', async () => {
  const unbalanced = `INSERT INTO entry (journal_id, ordinal, budget_period_id, account, credits)
    SELECT journal_id, 99, budget_period_id, 'available', 1 FROM entry LIMIT 1`;
  await expect(database.db.query(unbalanced)).rejects.toMatchObject({ code: '23514' });
});

test('a ticket that ended stays ended, and one in doubt does not run by itself', async () => {
  const back = `UPDATE ticket SET state = 'RUNNING' WHERE state = 'SETTLED'`;
  await expect(owner.query(back)).rejects.toMatchObject({ code: '23514' });
  const ticket = buildTicket({ replica: 'gone' });
  await ledger.reserve({ ticket, budgetIds: [], holdCredits: credits('1') });
  await ledger.markSent(ticket.ticketId, NOON);
  await ledger.adoptOrphans([], NOON);
  const resent = `UPDATE ticket SET state = 'RUNNING' WHERE state = 'IN_DOUBT'`;
  await expect(database.db.query(resent)).rejects.toMatchObject({ code: '23514' });
});

test('an invariant view names what somebody broke by hand', async () => {
  await owner.query(`UPDATE budget_period SET spent_credits = spent_credits + 0.000000000001`);
  expect((await database.db.query('SELECT budget_period_id FROM invariant_entries')).rowCount).toBe(
    1,
  );
  await owner.query(
    `UPDATE budget_period SET spent_credits = spent_credits - 0.000000000001, held_credits = 1`,
  );
  expect((await database.db.query('SELECT budget_period_id FROM invariant_holds')).rowCount).toBe(
    1,
  );
  await owner.query(`UPDATE budget_period SET held_credits = 10`);
  expect((await database.db.query('SELECT budget_period_id FROM invariant_limit')).rowCount).toBe(
    1,
  );
  await owner.query(`UPDATE budget_period SET held_credits = 0`);
});

test('a period opened by many at once is opened once, with one limit', async () => {
  await insertBudget(database.db, { id: 'opening', limit: credits('7') });
  await Promise.all(Array.from({ length: 10 }, () => openPeriods(database.db, ['opening'], NOON)));
  const { rows } = await database.db.query(
    `SELECT p.limit_credits, count(e.*)::integer AS entries FROM budget_period p JOIN entry e ON e.budget_period_id = p.id
      WHERE p.budget_id = 'opening' GROUP BY p.id`,
  );
  expect(rows).toEqual([{ limit_credits: '7.000000000000', entries: 2 }]);
});

test('a database that is away is the fault ledgerUnavailable, for every move', async () => {
  const nowhere = openDatabase(
    {
      url: 'postgres://nobody:none@127.0.0.1:1/none',
      connectionsMax: 1,
      connectTimeoutMs: 2_000,
      statementTimeoutMs: 1_000,
      applicationName: 'test',
    },
    () => undefined,
  );
  const away = createLedger(nowhere, manualClock());
  const ticket = buildTicket();
  const moves = [
    () => away.reserve({ ticket, budgetIds: ['kept'], holdCredits: credits('1') }),
    () => away.topUp(ticket.ticketId, credits('1')),
    () => away.markSent(ticket.ticketId, NOON),
    () => away.settle(buildSettlement(ticket.ticketId)),
    () => away.release(ticket.ticketId, { kind: 'failed', reason: 'x' }),
    () => away.standing(['kept'], NOON),
    () => away.openTickets(),
  ];
  for (const move of moves)
    await expect(move()).rejects.toMatchObject({ code: 'ledgerUnavailable' });
  await nowhere.stop();
});

test('a budget whose row stays locked is the fault ledgerUnavailable, and nothing was held', async () => {
  const impatient = openDatabase(
    {
      url: database.url,
      connectionsMax: 1,
      connectTimeoutMs: 2_000,
      statementTimeoutMs: 200,
      applicationName: 'test',
    },
    () => undefined,
  );
  const ticket = buildTicket();
  await database.db.transaction(async (tx) => {
    await tx.query(`SELECT id FROM budget_period WHERE budget_id = 'kept' FOR UPDATE`);
    const attempt = createLedger(impatient, manualClock()).reserve({
      ticket,
      budgetIds: ['kept'],
      holdCredits: credits('1'),
    });
    await expect(attempt).rejects.toMatchObject({ code: 'ledgerUnavailable' });
  });
  expect(await ledger.standing(['kept'], NOON)).toMatchObject([{ heldCredits: 0n }]);
  expect(await ledger.markSent(ticket.ticketId, NOON)).toBe(false);
  await impatient.stop();
});

test('our own mistakes and faults pass through unchanged', async () => {
  for (const thrown of [
    new Fault('controlStale', 'x'),
    new AssertionError('x'),
    new TypeError('x'),
  ]) {
    await expect(ledgerCall(() => Promise.reject(thrown))).rejects.toBe(thrown);
  }
  await expect(ledgerCall(() => database.db.query('SELECT nonsense'))).rejects.toMatchObject({
    code: '42703',
  });
});

test('a database that takes no writes is a ledger that is away, not a bug of ours', async () => {
  const standby = openTestPool(database.url, 1);
  await standby.query('SET default_transaction_read_only = on');
  const hold = createLedger(standby, manualClock()).reserve({
    ticket: buildTicket(),
    budgetIds: ['kept'],
    holdCredits: credits('1'),
  });
  await expect(hold).rejects.toMatchObject({
    code: 'ledgerUnavailable',
    message: expect.stringContaining('takes no writes'),
  });
  await standby.stop();
  expect(await ledger.standing(['kept'], NOON)).toMatchObject([{ heldCredits: 0n }]);
});

const NO_CONTROL = { version: null, problem: null };

test('replicas are alive while they are heard of, until they say goodbye', async () => {
  await beat(database.db, 'r1', NO_CONTROL);
  await beat(database.db, 'r2', NO_CONTROL);
  await beat(database.db, 'r1', NO_CONTROL);
  await owner.query(`UPDATE replica SET seen_at = now() - interval '1 minute' WHERE id = 'r2'`);
  expect(await liveReplicas(database.db, 15_000)).toEqual(['r1']);
  expect(await liveReplicas(database.db, 90_000)).toEqual(['r1', 'r2']);
  await replicaStopped(database.db, 'r1');
  expect(await liveReplicas(database.db, 15_000)).toEqual([]);
  await beat(database.db, 'r1', NO_CONTROL);
  expect(await liveReplicas(database.db, 15_000)).toEqual(['r1']);
});
