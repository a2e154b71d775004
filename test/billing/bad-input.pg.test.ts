/** Budgets and ledger under bad input: cases of the catalogue in docs/attacks.md that no other file meets. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { TicketId } from '../../base/ids.js';
import { type Credits, NO_CREDITS, parseMoney } from '../../base/units.js';
import { createLedger } from '../../billing/create-ledger.js';
import type { Ledger } from '../../billing/ledger.js';
import { buildSettlement, buildTicket, credits, insertBudget, NOON } from '../support/builders.js';
import { manualClock } from '../support/clock.js';
import { createTestDatabase, expectInvariants, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
let ledger: Ledger;
beforeAll(async () => {
  database = await createTestDatabase();
  ledger = createLedger(database.db, manualClock());
});
afterEach(() => expectInvariants(database.db));
afterAll(() => database.drop());

async function held(
  budgetId: string,
  changes: Parameters<typeof buildTicket>[0] = {},
): Promise<TicketId> {
  const ticket = buildTicket(changes);
  const outcome = await ledger.reserve({
    ticket,
    budgetIds: [budgetId],
    holdCredits: credits('1'),
  });
  expect(outcome.kind).toBe('held');
  return ticket.ticketId;
}

test('48: a statement is charged at the price of its admission, whatever the price is when it ends', async () => {
  await insertBudget(database.db, { id: 'priced', limit: credits('10') });
  const before = await held('priced', { pricePerCredit: parseMoney('3') });
  const after = await held('priced', { pricePerCredit: parseMoney('4') });
  for (const [ticketId, money] of [
    [before, '1.5'],
    [after, '2'],
  ] as const)
    expect(
      await ledger.settle(buildSettlement(ticketId, { usedCredits: credits('0.5') })),
    ).toMatchObject({ kind: 'charged', chargedMoney: parseMoney(money) });
});

test('49: a settlement of nothing charges nothing, a negative one is refused and leaves the hold as it is', async () => {
  await insertBudget(database.db, { id: 'odd', limit: credits('10') });
  const nothing = await held('odd');
  expect(await ledger.settle(buildSettlement(nothing, { usedCredits: NO_CREDITS }))).toMatchObject({
    kind: 'charged',
    chargedCredits: NO_CREDITS,
  });
  const negative = await held('odd');
  await expect(
    ledger.settle(buildSettlement(negative, { usedCredits: -1n as Credits })),
  ).rejects.toThrow();
  expect(await ledger.standing(['odd'], NOON)).toMatchObject([
    { heldCredits: credits('1'), spentCredits: NO_CREDITS },
  ]);
  await ledger.settle(buildSettlement(negative, { usedCredits: NO_CREDITS }));
});

test('49: an absurd settlement is posted in full as overrun, once, and admits nothing more', async () => {
  await insertBudget(database.db, { id: 'absurd', limit: credits('10') });
  const ticketId = await held('absurd');
  const used = credits('1000000000000');
  expect(await ledger.settle(buildSettlement(ticketId, { usedCredits: used }))).toMatchObject({
    kind: 'charged',
    overrunCredits: credits('999999999999'),
  });
  const next = await ledger.reserve({
    ticket: buildTicket(),
    budgetIds: ['absurd'],
    holdCredits: NO_CREDITS,
  });
  expect(next).toMatchObject({ kind: 'refused', budget: { budgetId: 'absurd' } });
});

test('44: a cancel that races the end of a statement leaves one end and at most one charge', async () => {
  await insertBudget(database.db, { id: 'raced', limit: credits('1000') });
  let settledFirst = 0;
  for (let round = 0; round < 20; round += 1) {
    const ticketId = await held('raced', { sessionId: `raced ${round}` });
    if (round % 2 === 0) await ledger.markSent(ticketId, NOON);
    const [settled, released] = await Promise.all([
      ledger.settle(buildSettlement(ticketId, { usedCredits: credits('0.25') })),
      ledger.release(ticketId, { kind: 'cancelled', reason: 'cancelled by the client' }),
    ]);
    const isCharged = settled.kind === 'charged';
    expect(released.kind === 'released').toBe(!isCharged);
    settledFirst += isCharged ? 1 : 0;
    const { rows } = await database.db.query<{ state: string; charges: string }>(
      `SELECT t.state, (SELECT count(*) FROM charge c WHERE c.ticket_id = t.id) AS charges
       FROM ticket t WHERE t.id = $1`,
      [ticketId],
    );
    expect(rows).toEqual([
      isCharged ? { state: 'SETTLED', charges: '1' } : { state: 'VOID', charges: '0' },
    ]);
  }
  // What was sent is never given back.
  expect(settledFirst).toBeGreaterThanOrEqual(10);
  expect(await ledger.standing(['raced'], NOON)).toMatchObject([{ heldCredits: NO_CREDITS }]);
});

test('47: a budget in the zone that is furthest ahead counts by its own days, over the leap day too', async () => {
  await insertBudget(database.db, {
    id: 'ahead',
    limit: credits('2'),
    periodKind: 'day',
    timeZone: 'Pacific/Kiritimati',
  });
  // 29 February 2028 begins there at 10:00 UTC of the 28th.
  const first = Date.UTC(2028, 1, 28, 9, 59);
  const straddling = await held('ahead', { occurredAt: first });
  const settled = buildSettlement(straddling, {
    usedCredits: credits('0.5'),
    startedAt: first,
    endedAt: first + 120_000,
  });
  expect((await ledger.settle(settled)).kind).toBe('charged');
  const at = async (instant: number): Promise<unknown> =>
    (await ledger.standing(['ahead'], instant))[0];
  expect(await at(first)).toMatchObject({ spentCredits: credits('0.5') });
  expect(await at(Date.UTC(2028, 1, 28, 10))).toMatchObject({
    spentCredits: NO_CREDITS,
    periodStartsAt: Date.UTC(2028, 1, 28, 10),
    periodEndsAt: Date.UTC(2028, 1, 29, 10),
  });
});
