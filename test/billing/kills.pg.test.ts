import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TicketId } from '#base/ids.js';
import { createLedger } from '#billing/create-ledger.js';
import { askKill, KILLS_CHANNEL, killsAsked, killsInDoubt, killTaken } from '#billing/kills.js';
import type { KillOutcome } from '#billing/kills.js';
import type { Ledger } from '#billing/ledger.js';
import { buildTicket, credits, insertBudget, NOON } from '../support/builders.js';
import { manualClock } from '../support/clock.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../e2e/support/eventually.js';

let database: TestDatabase;
let ledger: Ledger;

beforeAll(async () => {
  database = await createTestDatabase();
  ledger = createLedger(database.db, manualClock(NOON));
  await insertBudget(database.db, { id: 'b', limit: credits('100') });
});
afterAll(() => database.drop());

async function waiting(replica: string): Promise<TicketId> {
  const ticket = buildTicket({ replica });
  await ledger.reserve({ ticket, budgetIds: ['b'], holdCredits: credits('1') });
  return ticket.ticketId;
}

function ask(ticketId: TicketId, reason = 'too long'): Promise<KillOutcome | undefined> {
  return database.db.transaction((tx) =>
    askKill(tx, { ticketId, askedBy: 'ann', reason, at: NOON }),
  );
}

test('the replica that has a statement is told who wants it ended and why, until it says that it took it', async () => {
  const heard: string[] = [];
  const listening = await database.db.listen(
    [KILLS_CHANNEL],
    (channel) => heard.push(channel),
    () => undefined,
  );
  const [here, there] = [await waiting('here#1'), await waiting('there#1')];
  expect(await ask(here)).toEqual({ kind: 'asked', isReplayed: false, isInDoubt: false });
  expect(await ask(here, 'again')).toEqual({ kind: 'asked', isReplayed: true, isInDoubt: false });
  expect(await ask(there)).toEqual({ kind: 'asked', isReplayed: false, isInDoubt: false });
  await eventually(() => expect(heard.length).toBeGreaterThanOrEqual(3));
  expect(await killsAsked(database.db, 'here#1')).toEqual([
    { ticketId: here, askedBy: 'ann', reason: 'too long' },
  ]);
  await killTaken(database.db, here);
  expect(await killsAsked(database.db, 'here#1')).toEqual([]);
  expect(await killsAsked(database.db, 'there#1')).toHaveLength(1);
  await listening.stop();
});

test('what is over or unknown is not asked for', async () => {
  const gone = await waiting('here#1');
  await ledger.release(gone, { kind: 'failed', reason: 'test' });
  expect(await ask(gone)).toEqual({ kind: 'over', state: 'VOID' });
  expect(await ask(buildTicket().ticketId)).toBeUndefined();
  // One that ends by itself before its replica looks is nobody's to end any more.
  const ended = await waiting('here#1');
  await ask(ended);
  await ledger.release(ended, { kind: 'failed', reason: 'test' });
  expect(await killsAsked(database.db, 'here#1')).toEqual([]);
});

test('in doubt it is asked for until its client was told, whoever said before that it was taken', async () => {
  const of = { askedBy: 'ann', reason: 'too long' };
  const [lost, taken] = [await waiting('gone#1'), await waiting('gone#1')];
  for (const ticketId of [lost, taken]) await ledger.markSent(ticketId, NOON);
  // Its replica took it, and died before it told anybody.
  await ask(taken);
  await killTaken(database.db, taken);
  expect(await killsInDoubt(database.db)).toEqual([]);
  for (const ticketId of [lost, taken]) await ledger.markInDoubt(ticketId, 'gone#1');
  expect(await ask(lost)).toEqual({ kind: 'asked', isReplayed: false, isInDoubt: true });
  expect(await ask(taken)).toEqual({ kind: 'asked', isReplayed: true, isInDoubt: true });
  expect(await killsInDoubt(database.db)).toEqual(
    expect.arrayContaining([
      { ticketId: lost, ...of },
      { ticketId: taken, ...of },
    ]),
  );
  expect(await killsAsked(database.db, 'gone#1')).toEqual([]);
  for (const ticketId of [lost, taken])
    await ledger.tellStop(ticketId, { code: 'TG4003', message: 'ended', detail: null });
  expect(await killsInDoubt(database.db)).toEqual([]);
});
