/** What a replica that died had raised and spent goes on where another one has its statement, and ends once. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLedger } from '../../billing/create-ledger.js';
import type { Ledger } from '../../billing/ledger.js';
import type { TicketId } from '../../base/ids.js';
import { NOON, buildSettlement, buildTicket, credits, insertBudget } from '../support/builders.js';
import { manualClock } from '../support/clock.js';
import { createTestDatabase, expectInvariants, expectNoOpenHolds } from '../support/database.js';
import type { TestDatabase } from '../support/database.js';

let database: TestDatabase;
let ledger: Ledger;
beforeAll(async () => {
  database = await createTestDatabase({ connectionsMax: 4 });
  ledger = createLedger(database.db, manualClock());
});
afterAll(async () => {
  await expectInvariants(database.db);
  await expectNoOpenHolds(database.db);
  await database.drop();
});

const BUDGETS = ['team', 'company'];
const dead = 'dead#1';
const alive = 'alive#1';

async function raisedByTheDead(ids: readonly string[]): Promise<TicketId> {
  const { ticketId, ...ticket } = buildTicket({ replica: dead });
  await ledger.reserve({
    ticket: { ticketId, ...ticket },
    budgetIds: ids,
    holdCredits: credits('1'),
  });
  await ledger.markSent(ticketId, NOON, credits('10'));
  await ledger.markRunning(ticketId, `q-${ticketId}`);
  expect(await ledger.topUp(ticketId, credits('3'))).toMatchObject({ kind: 'held' });
  return ticketId;
}

test('an adopted statement goes on from what its dead replica had raised, and is charged once', async () => {
  for (const id of BUDGETS) await insertBudget(database.db, { id, limit: credits('10') });
  const ticketId = await raisedByTheDead(BUDGETS);
  expect(await ledger.adoptOrphans([alive], NOON)).toMatchObject([
    { ticketId, state: 'IN_DOUBT', holdCredits: credits('3'), snowflakeQueryId: `q-${ticketId}` },
  ]);
  // In doubt it runs on, and whoever looks after it raises what is held for it.
  expect(await ledger.topUp(ticketId, credits('4'))).toMatchObject({ kind: 'held' });
  expect(await ledger.takeOver(ticketId, alive, NOON + 1)).toEqual({
    firstSentAt: NOON,
    ceilingCredits: credits('10'),
    use: null,
  });
  expect((await ledger.ticket(ticketId))?.holdCredits).toBe(credits('4'));
  // Whoever has it now begins with what it knows; what is held already is said, and not held again.
  expect(await ledger.topUp(ticketId, credits('2'))).toEqual({
    kind: 'replayed',
    holdCredits: credits('4'),
  });
  expect(await ledger.topUp(ticketId, credits('5'))).toMatchObject({ kind: 'held' });
  for (const { heldCredits } of await ledger.standing(BUDGETS, NOON))
    expect(heldCredits).toBe(credits('5'));
  expect(await ledger.topUp(ticketId, credits('11'))).toMatchObject({ kind: 'refused' });
  const settlement = buildSettlement(ticketId, { usedCredits: credits('4.5') });
  expect(await ledger.settle(settlement)).toMatchObject({
    chargedCredits: credits('4.5'),
    overrunCredits: 0n,
  });
  // The dead one had journalled the same end, and comes back.
  expect(await ledger.settle(settlement)).toEqual({ kind: 'replayed' });
  expect(await ledger.standing(BUDGETS, NOON)).toMatchObject([
    { spentCredits: credits('4.5'), heldCredits: 0n },
    { spentCredits: credits('4.5'), heldCredits: 0n },
  ]);
});

test('what ended while it was in doubt is charged against the hold as it had been raised', async () => {
  await insertBudget(database.db, { id: 'ended', limit: credits('10') });
  const ticketId = await raisedByTheDead(['ended']);
  await ledger.adoptOrphans([alive], NOON);
  const settlement = buildSettlement(ticketId, { usedCredits: credits('3.5') });
  expect(await ledger.settle(settlement)).toMatchObject({ overrunCredits: credits('0.5') });
  expect(await ledger.takeOver(ticketId, alive, NOON + 1)).toBeUndefined();
});

test('what never ran gives back all that its dead replica had raised', async () => {
  await insertBudget(database.db, { id: 'never', limit: credits('10') });
  const ticketId = await raisedByTheDead(['never']);
  await ledger.adoptOrphans([alive], NOON);
  expect(await ledger.voidOnEvidence(ticketId, 'not in the history', true)).toEqual({
    kind: 'released',
    releasedCredits: credits('3'),
  });
  expect(await ledger.standing(['never'], NOON)).toMatchObject([
    { spentCredits: 0n, heldCredits: 0n, availableCredits: credits('10') },
  ]);
});

test('one that is being stopped is taken over by nobody', async () => {
  await insertBudget(database.db, { id: 'stopped', limit: credits('10') });
  const ticketId = await raisedByTheDead(['stopped']);
  await ledger.adoptOrphans([alive], NOON);
  expect((await ledger.ticket(ticketId))?.ceilingCredits).toBe(credits('10'));
  await ledger.tellStop(ticketId, { code: 'TG4003', message: 'ended', detail: null });
  expect(await ledger.takeOver(ticketId, alive, NOON + 1)).toBeUndefined();
  await ledger.settle(buildSettlement(ticketId, { usedCredits: credits('1'), ending: 'stopped' }));
});
