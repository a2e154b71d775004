import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLedger } from '../../billing/create-ledger.js';
import type { Ledger } from '../../billing/ledger.js';
import { NOON, buildSettlement, buildTicket, credits, insertBudget } from '../support/builders.js';
import { manualClock } from '../support/clock.js';
import { createTestDatabase, expectInvariants } from '../support/database.js';
import type { TestDatabase } from '../support/database.js';

let database: TestDatabase;
let ledger: Ledger;
beforeAll(async () => {
  database = await createTestDatabase();
  ledger = createLedger(database.db, manualClock());
});
afterAll(() => database.drop());

test('a reserved statement is sent, runs and is settled', async () => {
  await insertBudget(database.db, { id: 'b1', limit: credits('10') });
  const ticket = buildTicket();
  const held = await ledger.reserve({ ticket, budgetIds: ['b1'], holdCredits: credits('2') });
  expect(held).toMatchObject({
    kind: 'held',
    budgets: [{ budgetId: 'b1', heldCredits: credits('2'), availableCredits: credits('8') }],
  });
  expect(await ledger.markSent(ticket.ticketId, NOON)).toBe(true);
  await ledger.markRunning(ticket.ticketId, 'q1');
  expect(await ledger.topUp(ticket.ticketId, credits('3'))).toEqual({
    kind: 'held',
    holdCredits: credits('3'),
  });
  expect(
    await ledger.settle(buildSettlement(ticket.ticketId, { usedCredits: credits('4') })),
  ).toMatchObject({
    kind: 'charged',
    overrunCredits: credits('1'),
  });
  expect(await ledger.standing(['b1'], NOON)).toMatchObject([
    { spentCredits: credits('4'), heldCredits: 0n },
  ]);
  await expectInvariants(database.db);
});
