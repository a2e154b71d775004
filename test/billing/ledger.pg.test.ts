import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Fault } from '../../base/errors.js';
import { parseMoney, priceCredits } from '../../base/units.js';
import { createLedger } from '../../billing/create-ledger.js';
import type { Ledger } from '../../billing/ledger.js';
import {
  NOON,
  buildSettlement,
  buildTicket,
  buildTicketId,
  credits,
  insertBudget,
} from '../support/builders.js';
import { manualClock } from '../support/clock.js';
import { createTestDatabase, expectInvariants, expectNoOpenHolds } from '../support/database.js';
import type { TestDatabase } from '../support/database.js';

let database: TestDatabase;
let ledger: Ledger;
beforeAll(async () => {
  database = await createTestDatabase();
  ledger = createLedger(database.db, manualClock());
});
afterEach(async () => {
  await expectInvariants(database.db);
  await expectNoOpenHolds(database.db);
});
afterAll(() => database.drop());

test('a statement is held, sent, runs and is charged what it used', async () => {
  await insertBudget(database.db, { id: 'plain', limit: credits('10') });
  const ticket = buildTicket();
  expect(await ledger.reserve({ ticket, budgetIds: ['plain'], holdCredits: credits('2') })).toEqual(
    {
      kind: 'held',
      holdCredits: credits('2'),
      budgets: [
        {
          budgetId: 'plain',
          periodStartsAt: Date.UTC(2026, 6, 1),
          periodEndsAt: Date.UTC(2026, 7, 1),
          isHard: true,
          limitCredits: credits('10'),
          spentCredits: 0n,
          heldCredits: credits('2'),
          availableCredits: credits('8'),
        },
      ],
    },
  );
  expect(await ledger.markSent(ticket.ticketId, NOON)).toBe(true);
  await ledger.markRunning(ticket.ticketId, 'query-1');
  const settlement = buildSettlement(ticket.ticketId, {
    usedCredits: credits('0.7'),
    snowflakeQueryId: null,
  });
  expect(await ledger.settle(settlement)).toEqual({
    kind: 'charged',
    chargedCredits: credits('0.7'),
    chargedMoney: parseMoney('2.1'),
    overrunCredits: 0n,
  });
  expect(await ledger.standing(['plain'], NOON)).toMatchObject([
    { spentCredits: credits('0.7'), heldCredits: 0n, availableCredits: credits('9.3') },
  ]);
  const { rows } = await database.db.query(
    'SELECT state, ending, snowflake_query_id, warehouse_ms, charged_credits FROM my_queries WHERE ticket_id = $1',
    [ticket.ticketId],
  );
  expect(rows).toEqual([
    {
      state: 'SETTLED',
      ending: 'succeeded',
      snowflake_query_id: 'query-1',
      warehouse_ms: '1440000',
      charged_credits: '0.700000000000',
    },
  ]);
});

test('a hard budget is usable to its last unit and not beyond, and names what is missing', async () => {
  await insertBudget(database.db, { id: 'tight', limit: credits('1') });
  const first = buildTicket();
  expect(
    await ledger.reserve({ ticket: first, budgetIds: ['tight'], holdCredits: credits('1') }),
  ).toMatchObject({
    kind: 'held',
    budgets: [{ availableCredits: 0n }],
  });
  const second = buildTicket();
  const smallest = credits('0.000000000001');
  expect(
    await ledger.reserve({ ticket: second, budgetIds: ['tight'], holdCredits: smallest }),
  ).toMatchObject({
    kind: 'refused',
    shortByCredits: smallest,
    budget: { budgetId: 'tight', heldCredits: credits('1'), availableCredits: 0n },
  });
  expect(await ledger.markSent(second.ticketId, NOON)).toBe(false);
  await ledger.release(first.ticketId, { kind: 'failed', reason: 'client gone' });
});

test('a refusal keeps the code, the text and the details the client was given', async () => {
  await insertBudget(database.db, { id: 'refusing', limit: credits('1') });
  const ticket = buildTicket({ statementShape: 'SELECT \0 \uD800' });
  await ledger.reserve({ ticket, budgetIds: ['refusing'], holdCredits: credits('2') });
  const refusal = {
    code: 'TG2001',
    message: 'TG2001 Not run, nothing charged',
    detail: { limit: '1', nul: '\0' },
  };
  await ledger.recordRefusal(ticket.ticketId, refusal);
  const { rows } = await database.db.query(
    'SELECT refusal_code, refusal_message, refusal_detail, statement_shape FROM refusals WHERE ticket_id = $1',
    [ticket.ticketId],
  );
  expect(rows).toEqual([
    {
      refusal_code: 'TG2001',
      refusal_message: refusal.message,
      refusal_detail: { limit: '1', nul: '\u{FFFD}' },
      statement_shape: 'SELECT \u{FFFD} \u{FFFD}',
    },
  ]);
});

test('every budget of the path holds, or none does', async () => {
  await insertBudget(database.db, { id: 'path-team', limit: credits('10') });
  await insertBudget(database.db, { id: 'path-department', limit: credits('3') });
  const budgetIds = ['path-team', 'path-department', 'path-team'];
  const fits = buildTicket();
  expect(
    await ledger.reserve({ ticket: fits, budgetIds, holdCredits: credits('2') }),
  ).toMatchObject({ kind: 'held' });
  const short = buildTicket();
  expect(
    await ledger.reserve({ ticket: short, budgetIds, holdCredits: credits('2') }),
  ).toMatchObject({
    kind: 'refused',
    budget: { budgetId: 'path-department' },
    shortByCredits: credits('1'),
  });
  expect(await ledger.standing(['path-team', 'path-department'], NOON)).toMatchObject([
    { budgetId: 'path-team', heldCredits: credits('2') },
    { budgetId: 'path-department', heldCredits: credits('2') },
  ]);
  await ledger.settle(buildSettlement(fits.ticketId, { usedCredits: credits('1') }));
  expect(await ledger.standing(['path-department', 'path-team'], NOON)).toMatchObject([
    { budgetId: 'path-department', spentCredits: credits('1') },
    { budgetId: 'path-team', spentCredits: credits('1') },
  ]);
});

test('a soft budget and an unlimited one admit beyond any amount', async () => {
  await insertBudget(database.db, { id: 'soft', limit: credits('1'), isHard: false });
  await insertBudget(database.db, { id: 'endless', limit: null });
  const ticket = buildTicket();
  const outcome = await ledger.reserve({
    ticket,
    budgetIds: ['soft', 'endless'],
    holdCredits: credits('5'),
  });
  expect(outcome).toMatchObject({
    kind: 'held',
    budgets: [
      { budgetId: 'endless', limitCredits: null, availableCredits: null },
      { budgetId: 'soft', availableCredits: credits('-4') },
    ],
  });
  await ledger.release(ticket.ticketId, { kind: 'failed', reason: 'client gone' });
});

test('a statement without a budget on its path is still a ticket with a charge', async () => {
  const ticket = buildTicket();
  expect(await ledger.reserve({ ticket, budgetIds: [], holdCredits: credits('1') })).toEqual({
    kind: 'held',
    holdCredits: credits('1'),
    budgets: [],
  });
  expect(await ledger.openTickets()).toMatchObject([
    { ticketId: ticket.ticketId, holdCredits: credits('1') },
  ]);
  expect(await ledger.settle(buildSettlement(ticket.ticketId))).toMatchObject({ kind: 'charged' });
});

test('a budget nobody knows admits nothing', async () => {
  const ticket = buildTicket();
  const attempt = ledger.reserve({ ticket, budgetIds: ['nobody'], holdCredits: credits('1') });
  await expect(attempt).rejects.toMatchObject({ code: 'controlStale' });
  await expect(ledger.standing(['nobody'], NOON)).rejects.toMatchObject({ code: 'controlStale' });
  await expect(ledger.markSent(ticket.ticketId, NOON)).resolves.toBe(false);
});

test('reserving a ticket again writes nothing and tells its state', async () => {
  await insertBudget(database.db, { id: 'again', limit: credits('10') });
  const request = { ticket: buildTicket(), budgetIds: ['again'], holdCredits: credits('2') };
  const [a, b] = await Promise.all([ledger.reserve(request), ledger.reserve(request)]);
  expect([a.kind, b.kind].sort()).toEqual(['held', 'known']);
  await ledger.markSent(request.ticket.ticketId, NOON);
  expect(await ledger.reserve(request)).toMatchObject({ kind: 'known', ticket: { state: 'SENT' } });
  expect(await ledger.standing(['again'], NOON)).toMatchObject([{ heldCredits: credits('2') }]);
  await ledger.settle(buildSettlement(request.ticket.ticketId));
});

test('a top-up holds the difference, is refused by a hard budget, and ends with the statement', async () => {
  await insertBudget(database.db, { id: 'growing', limit: credits('5') });
  await insertBudget(database.db, { id: 'growing-soft', limit: credits('1'), isHard: false });
  const { ticketId } = buildTicket();
  const ticket = buildTicket({ ticketId });
  await ledger.reserve({
    ticket,
    budgetIds: ['growing', 'growing-soft'],
    holdCredits: credits('1'),
  });
  await ledger.markSent(ticketId, NOON);
  expect(await ledger.topUp(ticketId, credits('4'))).toEqual({
    kind: 'held',
    holdCredits: credits('4'),
  });
  expect(await ledger.topUp(ticketId, credits('4'))).toEqual({
    kind: 'replayed',
    holdCredits: credits('4'),
  });
  expect(await ledger.topUp(ticketId, credits('2'))).toEqual({
    kind: 'replayed',
    holdCredits: credits('4'),
  });
  expect(await ledger.topUp(ticketId, credits('6'))).toMatchObject({
    kind: 'refused',
    budget: { budgetId: 'growing', availableCredits: credits('1') },
    shortByCredits: credits('1'),
  });
  expect(await ledger.standing(['growing', 'growing-soft'], NOON)).toMatchObject([
    { heldCredits: credits('4') },
    { heldCredits: credits('4') },
  ]);
  expect(
    await ledger.settle(buildSettlement(ticketId, { usedCredits: credits('4.5') })),
  ).toMatchObject({
    kind: 'charged',
    overrunCredits: credits('0.5'),
  });
  expect(await ledger.topUp(ticketId, credits('9'))).toEqual({ kind: 'closed', state: 'SETTLED' });
});

test('what is used above the hold is charged in full, leaves a debt and stops the next admission', async () => {
  await insertBudget(database.db, { id: 'debt', limit: credits('2') });
  const ticket = buildTicket();
  await ledger.reserve({ ticket, budgetIds: ['debt'], holdCredits: credits('2') });
  expect(
    await ledger.settle(buildSettlement(ticket.ticketId, { usedCredits: credits('7') })),
  ).toMatchObject({
    kind: 'charged',
    chargedCredits: credits('7'),
    overrunCredits: credits('5'),
  });
  expect(await ledger.standing(['debt'], NOON)).toMatchObject([
    { availableCredits: credits('-5') },
  ]);
  const next = buildTicket();
  expect(
    await ledger.reserve({ ticket: next, budgetIds: ['debt'], holdCredits: credits('0') }),
  ).toMatchObject({
    kind: 'refused',
    shortByCredits: credits('5'),
  });
  const { rows } = await database.db.query(
    `SELECT overrun_credits FROM my_budget WHERE budget_id = 'debt'`,
  );
  expect(rows).toEqual([{ overrun_credits: '5.000000000000' }]);
});

test('the same settlement again changes nothing, another one is a conflict', async () => {
  await insertBudget(database.db, { id: 'twice', limit: credits('9') });
  const ticket = buildTicket();
  await ledger.reserve({ ticket, budgetIds: ['twice'], holdCredits: credits('1') });
  const settlement = buildSettlement(ticket.ticketId);
  const both = await Promise.all([ledger.settle(settlement), ledger.settle(settlement)]);
  expect(both.map(({ kind }) => kind).sort()).toEqual(['charged', 'replayed']);
  expect(await ledger.settle(settlement)).toEqual({ kind: 'replayed' });
  expect(await ledger.settle({ ...settlement, usedCredits: credits('0.5') })).toEqual({
    kind: 'conflict',
    state: 'SETTLED',
    isSameQuery: true,
  });
  const other = { ...settlement, snowflakeQueryId: 'another' };
  expect(await ledger.settle(other)).toMatchObject({ kind: 'conflict', isSameQuery: false });
  expect(await ledger.standing(['twice'], NOON)).toMatchObject([{ spentCredits: credits('0.4') }]);
});

test('one query of Snowflake is charged once, whatever ticket claims it', async () => {
  await insertBudget(database.db, { id: 'one-query', limit: credits('9') });
  const [first, second] = [buildTicket(), buildTicket()];
  for (const ticket of [first, second]) {
    await ledger.reserve({ ticket, budgetIds: ['one-query'], holdCredits: credits('1') });
    await ledger.markSent(ticket.ticketId, NOON);
  }
  await ledger.settle(buildSettlement(first.ticketId, { snowflakeQueryId: 'same' }));
  expect(
    await ledger.settle(buildSettlement(second.ticketId, { snowflakeQueryId: 'same' })),
  ).toEqual({
    kind: 'conflict',
    state: 'SENT',
    isSameQuery: false,
  });
  expect(
    await ledger.voidOnEvidence(second.ticketId, 'the query belongs to another ticket'),
  ).toEqual({
    kind: 'released',
    releasedCredits: credits('1'),
  });
});

test('only a statement that was never sent is released without evidence', async () => {
  await insertBudget(database.db, { id: 'released', limit: credits('9') });
  const unsent = buildTicket();
  await ledger.reserve({ ticket: unsent, budgetIds: ['released'], holdCredits: credits('1') });
  expect(await ledger.release(unsent.ticketId, { kind: 'failed', reason: 'queue full' })).toEqual({
    kind: 'released',
    releasedCredits: credits('1'),
  });
  expect(await ledger.release(unsent.ticketId, { kind: 'failed', reason: 'queue full' })).toEqual({
    kind: 'alreadyClosed',
    state: 'VOID',
  });
  expect(await ledger.settle(buildSettlement(unsent.ticketId))).toEqual({
    kind: 'conflict',
    state: 'VOID',
    isSameQuery: false,
  });
  const sent = buildTicket();
  await ledger.reserve({ ticket: sent, budgetIds: ['released'], holdCredits: credits('1') });
  await ledger.markSent(sent.ticketId, NOON);
  expect(await ledger.release(sent.ticketId, { kind: 'failed', reason: 'client gone' })).toEqual({
    kind: 'sent',
    state: 'SENT',
  });
  expect(await ledger.voidOnEvidence(sent.ticketId, 'not in query history')).toMatchObject({
    kind: 'released',
  });
  const { rows } = await database.db.query(`SELECT reason FROM journal WHERE key = $1`, [
    `release:${sent.ticketId}`,
  ]);
  expect(rows).toEqual([{ reason: 'not in query history' }]);
});

test('marking as sent is repeatable by the sender alone', async () => {
  const ticket = buildTicket();
  await ledger.reserve({ ticket, budgetIds: [], holdCredits: credits('1') });
  expect(await ledger.markSent(ticket.ticketId, NOON)).toBe(true);
  expect(await ledger.markSent(ticket.ticketId, NOON)).toBe(true);
  expect(await ledger.markSent(ticket.ticketId, NOON + 1)).toBe(false);
  await ledger.settle(buildSettlement(ticket.ticketId));
  await ledger.markRunning(ticket.ticketId, 'late');
  expect(await ledger.markSent(ticket.ticketId, NOON)).toBe(false);
});

test('the tickets of a dead replica are in doubt if sent and void if not', async () => {
  await insertBudget(database.db, { id: 'orphans', limit: credits('9') });
  const [unsent, sent, living] = [
    buildTicket({ replica: 'dead' }),
    buildTicket({ replica: 'dead' }),
    buildTicket({ replica: 'alive' }),
  ];
  for (const ticket of [unsent, sent, living]) {
    await ledger.reserve({ ticket, budgetIds: ['orphans'], holdCredits: credits('1') });
  }
  await ledger.markSent(sent.ticketId, NOON);
  await ledger.markSent(living.ticketId, NOON);
  const doubtful = await ledger.adoptOrphans(['alive'], NOON);
  expect(doubtful).toMatchObject([
    { ticketId: sent.ticketId, state: 'IN_DOUBT', holdCredits: credits('1') },
  ]);
  expect(await ledger.adoptOrphans(['alive'], NOON)).toEqual(doubtful);
  expect(await ledger.markSent(unsent.ticketId, NOON)).toBe(false);
  expect(await ledger.standing(['orphans'], NOON)).toMatchObject([{ heldCredits: credits('2') }]);
  expect(await ledger.settle(buildSettlement(sent.ticketId))).toMatchObject({ kind: 'charged' });
  expect(await ledger.settle(buildSettlement(living.ticketId))).toMatchObject({ kind: 'charged' });
});

test('free and refused statements are recorded in one batch, once', async () => {
  const [free, refused] = [buildTicket(), buildTicket()];
  const batch = [
    { ticket: free, state: 'SETTLED', refusal: null, snowflakeQueryId: 'free-1' },
    {
      ticket: refused,
      state: 'VOID',
      refusal: { code: 'TG2101', message: 'no', detail: null },
      snowflakeQueryId: null,
    },
  ] as const;
  await ledger.recordUnheld(batch);
  await ledger.recordUnheld(batch);
  await ledger.recordUnheld([]);
  const { rows } = await database.db.query(
    'SELECT state, refusal_code, charged_credits FROM my_queries WHERE ticket_id = ANY($1) ORDER BY state',
    [[free.ticketId, refused.ticketId]],
  );
  expect(rows).toEqual([
    { state: 'SETTLED', refusal_code: null, charged_credits: null },
    { state: 'VOID', refusal_code: 'TG2101', charged_credits: null },
  ]);
});

test('a hold is settled in the period that admitted it, and the next period starts with its full limit', async () => {
  await insertBudget(database.db, {
    id: 'daily',
    limit: credits('2'),
    periodKind: 'day',
    timeZone: 'Europe/Berlin',
  });
  const evening = Date.UTC(2026, 6, 15, 21, 59, 59);
  const ticket = buildTicket({ occurredAt: evening });
  await ledger.reserve({ ticket, budgetIds: ['daily'], holdCredits: credits('2') });
  const midnight = Date.UTC(2026, 6, 15, 22);
  expect(await ledger.standing(['daily'], midnight)).toMatchObject([
    { periodStartsAt: midnight, heldCredits: 0n },
  ]);
  const next = buildTicket({ occurredAt: midnight });
  expect(
    await ledger.reserve({ ticket: next, budgetIds: ['daily'], holdCredits: credits('2') }),
  ).toMatchObject({
    kind: 'held',
  });
  await ledger.settle(
    buildSettlement(ticket.ticketId, { usedCredits: credits('1.5'), endedAt: midnight + 5 }),
  );
  await ledger.release(next.ticketId, { kind: 'failed', reason: 'client gone' });
  expect(await ledger.standing(['daily'], evening)).toMatchObject([
    { spentCredits: credits('1.5') },
  ]);
  expect(await ledger.standing(['daily'], midnight)).toMatchObject([{ spentCredits: 0n }]);
});

test('money is the charge times the price, rounded half to even as in the code', async () => {
  const cases = [
    ['0.000000000001', '0.5'],
    ['0.000000000003', '0.5'],
    ['0.000000000005', '0.3'],
    ['1.234567890123', '2.987654321987'],
    ['0.000000000007', '0.500000000001'],
    ['12345678.9', '3.000000000001'],
  ] as const;
  for (const [used, price] of cases) {
    const ticket = buildTicket({ pricePerCredit: parseMoney(price) });
    await ledger.reserve({ ticket, budgetIds: [], holdCredits: credits('0') });
    const outcome = await ledger.settle(
      buildSettlement(ticket.ticketId, { usedCredits: credits(used) }),
    );
    expect(outcome).toMatchObject({
      chargedMoney: priceCredits(credits(used), parseMoney(price), 'half-even'),
    });
  }
});

test('a ticket nobody made is a fault, not a silent nothing', async () => {
  const ticketId = buildTicketId();
  await expect(ledger.settle(buildSettlement(ticketId))).rejects.toBeInstanceOf(Fault);
  await expect(ledger.release(ticketId, { kind: 'failed', reason: 'x' })).rejects.toMatchObject({
    code: 'ticketUnknown',
  });
  await expect(ledger.topUp(ticketId, credits('1'))).rejects.toMatchObject({
    code: 'ticketUnknown',
  });
  const refusal = { code: 'TG2001', message: 'm', detail: null };
  await expect(ledger.recordRefusal(ticketId, refusal)).rejects.toMatchObject({
    code: 'ticketUnknown',
  });
});
