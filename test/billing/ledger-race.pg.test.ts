/**
 * Races on one budget row, started behind a barrier. Shown to fail: with `FOR NO KEY UPDATE OF p` taken out of the
 * reserve statement 64 of 64 were held instead of ten; taken out of the top-up statement, all 16 were topped up, and
 * paths that cross ended in deadlocks.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../base/postgres/pool.js';
import { createLedger } from '../../billing/create-ledger.js';
import type { Ledger } from '../../billing/ledger.js';
import { openPeriods } from '../../billing/postgres/open-periods.js';
import { NOON, buildSettlement, buildTicket, credits, insertBudget } from '../support/builders.js';
import { manualClock } from '../support/clock.js';
import {
  createTestDatabase,
  expectInvariants,
  expectNoOpenHolds,
  openTestPool,
} from '../support/database.js';
import type { TestDatabase } from '../support/database.js';

const RACERS = 64;
let database: TestDatabase;
let ledger: Ledger;
beforeAll(async () => {
  database = await createTestDatabase({ connectionsMax: RACERS + 2 });
  ledger = createLedger(database.db, manualClock());
});
afterAll(() => database.drop());

/** One more replica: nothing of it comes into a batch of another. */
function replica(): Ledger {
  return createLedger(database.db, manualClock());
}

/**
 * Starts every work while the rows of `budgetIds` are locked, waits until each of them waits for a lock in the
 * server, then lets all go at once.
 */
async function atOnce<T>(
  budgetIds: readonly string[],
  works: readonly (() => Promise<T>)[],
): Promise<T[]> {
  await openPeriods(database.db, budgetIds, NOON);
  const gate = openTestPool(database.url, 2);
  try {
    return await (
      await gate.transaction(async (tx) => {
        await tx.query(
          'SELECT id FROM budget_period WHERE budget_id = ANY($1) ORDER BY id FOR UPDATE',
          [budgetIds],
        );
        const running = Promise.all(works.map((work) => work()));
        await untilWaiting(gate, works.length);
        // Wrapped, because the commit that follows is what lets them go.
        return () => running;
      })
    )();
  } finally {
    await gate.stop();
  }
}

async function untilWaiting(db: Database, count: number): Promise<void> {
  for (;;) {
    const { rows } = await db.query<{ waiting: number }>(
      `SELECT count(*)::integer AS waiting FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    if ((rows[0]?.waiting ?? 0) >= count) return;
  }
}

test('64 statements at once on a budget of ten and a half holds: exactly ten are held', async () => {
  for (let round = 0; round < 5; round += 1) {
    const id = `race-${round}`;
    await insertBudget(database.db, { id, limit: credits('10.5') });
    const tickets = Array.from({ length: RACERS }, () => buildTicket());
    const outcomes = await atOnce(
      [id],
      tickets.map(
        (ticket) => () => replica().reserve({ ticket, budgetIds: [id], holdCredits: credits('1') }),
      ),
    );
    expect(outcomes.filter(({ kind }) => kind === 'held')).toHaveLength(10);
    expect(outcomes.filter(({ kind }) => kind === 'refused')).toHaveLength(RACERS - 10);
    expect(await ledger.standing([id], NOON)).toMatchObject([{ heldCredits: credits('10') }]);
    await Promise.all(
      tickets
        .filter((_, index) => outcomes[index]?.kind === 'held')
        .map(({ ticketId }) =>
          ledger.settle(buildSettlement(ticketId, { usedCredits: credits('0.25') })),
        ),
    );
    expect(await ledger.standing([id], NOON)).toMatchObject([
      { heldCredits: 0n, spentCredits: credits('2.5') },
    ]);
  }
  await expectInvariants(database.db);
  await expectNoOpenHolds(database.db);
});

test('top-ups at once never take a hard budget past its limit', async () => {
  await insertBudget(database.db, { id: 'top-ups', limit: credits('20') });
  const tickets = Array.from({ length: 16 }, () => buildTicket());
  for (const ticket of tickets) {
    await ledger.reserve({ ticket, budgetIds: ['top-ups'], holdCredits: credits('1') });
  }
  const outcomes = await atOnce(
    ['top-ups'],
    tickets.map(
      ({ ticketId }) =>
        () =>
          ledger.topUp(ticketId, credits('2')),
    ),
  );
  expect(outcomes.filter(({ kind }) => kind === 'held')).toHaveLength(4);
  expect(await ledger.standing(['top-ups'], NOON)).toMatchObject([{ heldCredits: credits('20') }]);
  await Promise.all(
    tickets.map(({ ticketId }) => ledger.release(ticketId, { kind: 'failed', reason: 'over' })),
  );
  await expectInvariants(database.db);
  await expectNoOpenHolds(database.db);
});

test('paths that share budgets in any order neither deadlock nor lose a unit', async () => {
  for (const id of ['x', 'y', 'z']) await insertBudget(database.db, { id, limit: credits('40') });
  const paths: readonly (readonly string[])[] = [
    ['x', 'y', 'z'],
    ['z', 'y', 'x'],
    ['y', 'x'],
    ['z', 'x'],
  ];
  const tickets = Array.from({ length: RACERS }, () => buildTicket());
  const outcomes = await atOnce(
    ['x', 'y', 'z'],
    tickets.map((ticket, index) => async () => {
      const budgetIds = paths[index % paths.length] ?? [];
      const own = replica();
      const outcome = await own.reserve({ ticket, budgetIds, holdCredits: credits('1') });
      if (outcome.kind !== 'held') return false;
      if (index % 3 === 0) await own.topUp(ticket.ticketId, credits('1.5'));
      await own.settle(buildSettlement(ticket.ticketId, { usedCredits: credits('0.1') }));
      return true;
    }),
  );
  const charged = BigInt(outcomes.filter(Boolean).length) * credits('0.1');
  expect(await ledger.standing(['x'], NOON)).toMatchObject([
    { heldCredits: 0n, spentCredits: charged },
  ]);
  await expectInvariants(database.db);
  await expectNoOpenHolds(database.db);
});

/**
 * Postgres checks a row's constraints on what the statement's snapshot saw, before it notices that the row has changed
 * since: a settlement that takes away what a top-up has just added must not compute from the snapshot.
 */
test('a settlement beside a top-up of the same statement, with nothing else held, succeeds at once', async () => {
  await insertBudget(database.db, { id: 'beside', limit: credits('1000') });
  for (let round = 0; round < 150; round += 1) {
    const ticket = buildTicket();
    const { ticketId } = ticket;
    await ledger.reserve({ ticket, budgetIds: ['beside'], holdCredits: credits('0.012') });
    await ledger.markSent(ticketId, NOON);
    const [, settled] = await Promise.all([
      ledger.topUp(ticketId, credits('0.018')),
      ledger.settle(buildSettlement(ticketId, { usedCredits: credits('0.001') })),
    ]);
    expect(settled.kind).toBe('charged');
  }
  await expectInvariants(database.db);
});
