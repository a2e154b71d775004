import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBreakGlass, reserveByBreakGlass } from '#billing/break-glass.js';
import { createLedger } from '#billing/create-ledger.js';
import type { Ledger } from '#billing/ledger.js';
import { buildSettlement, buildTicket, credits, insertBudget, NOON } from '../support/builders.js';
import { manualClock } from '../support/clock.js';
import {
  createTestDatabase,
  expectInvariants,
  expectNoOpenHolds,
  type TestDatabase,
} from '../support/database.js';

const MINUTE = 60_000;
const BY = { principalId: 'ann', wayId: 'on-call', reason: 'payroll' };
let database: TestDatabase;
let ledger: Ledger;

beforeAll(async () => {
  database = await createTestDatabase();
  ledger = createLedger(database.db, manualClock(NOON));
  await insertBudget(database.db, { id: 'empty', limit: credits('0') });
});
afterAll(async () => {
  await expectNoOpenHolds(database.db);
  await expectInvariants(database.db);
  await database.drop();
});

test('a reason opens it once, for its minutes, whoever asks again and at once', async () => {
  const { db } = database;
  const ends = await Promise.all(
    Array.from({ length: 20 }, (_, index) => openBreakGlass(db, BY, NOON + index, 60)),
  );
  expect(new Set(ends).size).toBe(1);
  const [end = 0] = ends;
  expect(end).toBeGreaterThanOrEqual(NOON + 60 * MINUTE);
  expect(await openBreakGlass(db, BY, end + MINUTE, 60)).toBe(end);
  const other = { ...BY, reason: 'payroll, still' };
  expect(await openBreakGlass(db, other, end + MINUTE, 60)).toBe(end + 61 * MINUTE);
});

test('a statement holds nothing of a budget that has nothing, and what it used is debt that stops the next', async () => {
  const { db } = database;
  const budgetIds = ['empty'];
  const ticket = buildTicket();
  const { ticketId } = ticket;
  expect(await reserveByBreakGlass(db, { ticket, budgetIds }, BY)).toEqual({ kind: 'held' });
  expect(await reserveByBreakGlass(db, { ticket, budgetIds }, BY)).toMatchObject({
    kind: 'known',
    ticket: { ticketId },
  });
  expect(await ledger.markSent(ticketId, NOON)).toBe(true);
  const usedCredits = credits('2');
  expect(await ledger.settle(buildSettlement(ticketId, { usedCredits }))).toMatchObject({
    kind: 'charged',
    overrunCredits: credits('2'),
  });
  const [standing] = await ledger.standing(budgetIds, NOON);
  expect(standing?.availableCredits).toBe(credits('-2'));
  // In debt another one passes by it all the same, and nothing else does.
  const next = buildTicket();
  expect(await reserveByBreakGlass(db, { ticket: next, budgetIds }, BY)).toEqual({ kind: 'held' });
  await ledger.release(next.ticketId, { kind: 'failed', reason: 'test' });
  const usual = { ticket: buildTicket(), budgetIds, holdCredits: credits('0.1') };
  expect((await ledger.reserve(usual)).kind).toBe('refused');
});
