import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { expireGrants, grant, setBudgetLimit } from '../../billing/control-writes.js';
import { createLedger } from '../../billing/create-ledger.js';
import type { Ledger } from '../../billing/ledger.js';
import { NOON, buildTicket, credits, insertBudget } from '../support/builders.js';
import { manualClock } from '../support/clock.js';
import { createTestDatabase, expectInvariants } from '../support/database.js';
import type { TestDatabase } from '../support/database.js';

let database: TestDatabase;
let ledger: Ledger;
beforeAll(async () => {
  database = await createTestDatabase();
  ledger = createLedger(database.db, manualClock());
});
afterEach(() => expectInvariants(database.db));
afterAll(() => database.drop());

const change = { author: 'admin', reason: 'quarter end', at: NOON };
const HOUR_MS = 3_600_000;

test('a limit is changed in the open period and for those to come, and lowering it leaves a debt', async () => {
  await insertBudget(database.db, { id: 'limits', limit: credits('5'), periodKind: 'day' });
  const ticket = buildTicket();
  await ledger.reserve({ ticket, budgetIds: ['limits'], holdCredits: credits('4') });
  const set = (limit: string | null): Promise<void> =>
    database.db.transaction((tx) =>
      setBudgetLimit(tx, {
        ...change,
        budgetId: 'limits',
        limitCredits: limit === null ? null : credits(limit),
      }),
    );
  await set('9');
  expect(await ledger.standing(['limits'], NOON)).toMatchObject([
    { availableCredits: credits('5') },
  ]);
  await set('1');
  expect(await ledger.standing(['limits'], NOON)).toMatchObject([
    { availableCredits: credits('-3') },
  ]);
  expect(await ledger.standing(['limits'], NOON + 24 * HOUR_MS)).toMatchObject([
    { limitCredits: credits('1') },
  ]);
  const refused = await ledger.reserve({
    ticket: buildTicket(),
    budgetIds: ['limits'],
    holdCredits: credits('0.1'),
  });
  expect(refused).toMatchObject({ kind: 'refused', shortByCredits: credits('3.1') });
  await set(null);
  expect(await ledger.standing(['limits'], NOON)).toMatchObject([
    { limitCredits: null, availableCredits: null },
  ]);
  await set('6');
  expect(await ledger.standing(['limits'], NOON)).toMatchObject([
    { availableCredits: credits('2') },
  ]);
  await ledger.release(ticket.ticketId, { kind: 'failed', reason: 'over' });
  const { rows } = await database.db.query(
    `SELECT author, reason FROM journal WHERE kind = 'limit' AND author = 'admin'`,
  );
  expect(rows).toHaveLength(4);
});

test('a grant raises the open period once for its key and lapses at its hour', async () => {
  await insertBudget(database.db, { id: 'granted', limit: credits('1') });
  const request = {
    ...change,
    budgetId: 'granted',
    credits: credits('2'),
    until: NOON + HOUR_MS,
    idempotencyKey: 'grant-1',
  };
  const give = (): ReturnType<typeof grant> => database.db.transaction((tx) => grant(tx, request));
  const outcomes = await Promise.all([give(), give(), give()]);
  expect(outcomes.filter(({ kind }) => kind === 'granted')).toEqual([
    { kind: 'granted', grantedCredits: credits('2'), endsAt: NOON + HOUR_MS },
  ]);
  const ticket = buildTicket();
  expect(
    await ledger.reserve({ ticket, budgetIds: ['granted'], holdCredits: credits('3') }),
  ).toMatchObject({
    kind: 'held',
    budgets: [{ limitCredits: credits('3'), availableCredits: 0n }],
  });
  const expire = (at: number): Promise<unknown> =>
    database.db.transaction((tx) => expireGrants(tx, at));
  expect(await expire(NOON + HOUR_MS - 1)).toBe(0n);
  expect(await expire(NOON + HOUR_MS)).toBe(credits('2'));
  expect(await expire(NOON + HOUR_MS)).toBe(0n);
  expect(await ledger.standing(['granted'], NOON)).toMatchObject([
    { availableCredits: credits('-2') },
  ]);
  await ledger.release(ticket.ticketId, { kind: 'failed', reason: 'over' });
});

test('a grant without an end lasts as long as its period', async () => {
  await insertBudget(database.db, { id: 'whole', limit: credits('1') });
  const request = {
    ...change,
    budgetId: 'whole',
    credits: credits('2'),
    until: null,
    idempotencyKey: 'grant-2',
  };
  expect(await database.db.transaction((tx) => grant(tx, request))).toMatchObject({
    endsAt: Date.UTC(2026, 7, 1),
  });
  expect(await ledger.standing(['whole'], Date.UTC(2026, 7, 1))).toMatchObject([
    { limitCredits: credits('1') },
  ]);
});

test('an unknown budget and a grant of nothing or into the past are refused', async () => {
  const limit = { ...change, budgetId: 'absent', limitCredits: credits('1') };
  await expect(database.db.transaction((tx) => setBudgetLimit(tx, limit))).rejects.toMatchObject({
    code: 'controlStale',
  });
  const request = {
    ...change,
    budgetId: 'absent',
    credits: credits('1'),
    until: null,
    idempotencyKey: 'k',
  };
  const cases = [
    [request, 'controlStale'],
    [{ ...request, credits: credits('0') }, 'requestMalformed'],
    [{ ...request, until: NOON }, 'requestMalformed'],
  ] as const;
  for (const [bad, code] of cases) {
    await expect(database.db.transaction((tx) => grant(tx, bad))).rejects.toMatchObject({ code });
  }
});
