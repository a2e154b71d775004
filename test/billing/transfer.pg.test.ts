import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLedger } from '../../billing/create-ledger.js';
import type { Ledger } from '../../billing/ledger.js';
import { transfer } from '../../billing/transfer.js';
import type { Transfer, TransferOutcome } from '../../billing/transfer.js';
import { NOON, buildTicket, credits, insertBudget } from '../support/builders.js';
import { manualClock } from '../support/clock.js';
import { createTestDatabase, expectInvariants } from '../support/database.js';
import type { TestDatabase } from '../support/database.js';

let database: TestDatabase;
let ledger: Ledger;
beforeAll(async () => {
  database = await createTestDatabase({ connectionsMax: 8 });
  ledger = createLedger(database.db, manualClock());
  for (const id of ['a', 'b', 'c', 'd'])
    await insertBudget(database.db, { id, limit: credits('10') });
  await insertBudget(database.db, { id: 'endless' });
  await insertBudget(database.db, { id: 'week', limit: credits('1'), periodKind: 'week' });
  await insertBudget(database.db, {
    id: 'over',
    limit: credits('1'),
    periodKind: 'custom',
    custom: { spans: [{ firstDay: '2020-01-01', lastDay: '2020-01-31' }] },
  });
});
afterAll(() => database.drop());

let next = 0;
function move(
  giverId: string,
  takerId: string,
  amount: string,
  changes: Partial<Transfer> = {},
): Promise<TransferOutcome> {
  next += 1;
  return database.db.transaction((tx) =>
    transfer(tx, {
      giverId,
      takerId,
      credits: credits(amount),
      idempotencyKey: `key-${next}`,
      author: 'ann',
      reason: 'moved work',
      at: NOON,
      ...changes,
    }),
  );
}

const available = async (...ids: string[]): Promise<unknown> =>
  (await ledger.standing(ids, NOON)).map((standing) => standing.availableCredits);

test('credits move between periods of different kinds, and never what is spent or held', async () => {
  const holdCredits = credits('4');
  await ledger.reserve({ ticket: buildTicket(), budgetIds: ['a'], holdCredits });
  expect(await move('a', 'week', '5')).toEqual({
    kind: 'transferred',
    giverAvailableCredits: credits('1'),
    takerAvailableCredits: credits('6'),
  });
  expect(await move('a', 'week', '1.000000000001')).toEqual({
    kind: 'short',
    giverAvailableCredits: credits('1'),
  });
  expect(await move('a', 'week', '1')).toMatchObject({ kind: 'transferred' });
  expect(await available('a', 'week')).toEqual([credits('0'), credits('7')]);
  await expectInvariants(database.db);
});

test('the same key moves once; another transfer under it is refused', async () => {
  const key = { idempotencyKey: 'once' };
  const before = await available('b', 'c');
  const outcomes = await Promise.all(Array.from({ length: 6 }, () => move('b', 'c', '3', key)));
  const kinds = outcomes.map(({ kind }) => kind).sort();
  expect(kinds).toEqual([...Array.from({ length: 5 }, () => 'replayed'), 'transferred']);
  expect(await move('b', 'c', '2', key)).toEqual({ kind: 'conflict' });
  expect(await move('c', 'b', '3', key)).toEqual({ kind: 'conflict' });
  expect(before).toEqual([credits('10'), credits('10')]);
  expect(await available('b', 'c')).toEqual([credits('7'), credits('13')]);
  await expectInvariants(database.db);
});

test('a budget without a limit, one out of its days, itself, nothing and a stranger are told apart', async () => {
  expect(await move('endless', 'd', '1')).toEqual({ kind: 'unlimited', budgetId: 'endless' });
  expect(await move('d', 'endless', '1')).toEqual({ kind: 'unlimited', budgetId: 'endless' });
  expect(await move('d', 'over', '1')).toEqual({ kind: 'notInForce', budgetId: 'over' });
  await expect(move('d', 'd', '1')).rejects.toThrow('between two budgets');
  await expect(move('d', 'c', '0')).rejects.toThrow('more than zero');
  await expect(move('d', 'c', '-1')).rejects.toThrow('more than zero');
  await expect(move('d', 'nobody', '1')).rejects.toThrow('does not know the budget nobody');
  expect(await available('d')).toEqual([credits('10')]);
});

// Without FOR NO KEY UPDATE in the read, 40 at once give more than ten (planted by hand, seen here).
test('of transfers and holds at once exactly what is there is given, in both directions without a deadlock', async () => {
  const holdCredits = credits('1');
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, () => [
      move('d', 'b', '1'),
      ledger.reserve({ ticket: buildTicket(), budgetIds: ['d', 'b'], holdCredits }),
      move('b', 'd', '0.5'),
    ]).flat(),
  );
  expect(outcomes).toHaveLength(60);
  const [d, b] = await ledger.standing(['d', 'b'], NOON);
  expect(d?.availableCredits).toBeGreaterThanOrEqual(0n);
  expect(b?.availableCredits).toBeGreaterThanOrEqual(0n);
  expect((d?.limitCredits ?? 0n) + (b?.limitCredits ?? 0n)).toBe(credits('17'));
  await expectInvariants(database.db);
});
