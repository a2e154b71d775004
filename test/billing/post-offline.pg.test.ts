/** What was admitted without the ledger, told to it afterwards. Shown to fail with the leases left out of `place`. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { must } from '../../base/assert.js';
import { subtractCredits } from '../../base/units.js';
import type { Credits } from '../../base/units.js';
import { createLedger } from '../../billing/create-ledger.js';
import { Leases } from '../../billing/leases.js';
import type { Ledger } from '../../billing/ledger.js';
import { postOffline, toOfflineStatement } from '../../billing/postgres/post-offline.js';
import type { OfflineBudget, OfflineStatement } from '../../billing/postgres/post-offline.js';
import { NOON, buildSettlement, buildTicket, credits, insertBudget } from '../support/builders.js';
import { manualClock } from '../support/clock.js';
import { createTestDatabase, expectInvariants, expectNoOpenHolds } from '../support/database.js';
import type { TestDatabase } from '../support/database.js';

let database: TestDatabase;
let ledger: Ledger;
beforeAll(async () => {
  database = await createTestDatabase();
  ledger = createLedger(database.db, manualClock());
});
afterAll(async () => {
  await expectNoOpenHolds(database.db);
  await expectInvariants(database.db);
  await database.drop();
});

function statementOn(budgets: readonly OfflineBudget[], amount: string): OfflineStatement {
  return toOfflineStatement(buildTicket(), {
    budgets,
    credits: credits(amount),
    outageStartedAt: NOON - 1_000,
    sentAt: NOON,
  });
}

test('a statement is posted once, also when it is told three times at once, and settles as any other', async () => {
  await insertBudget(database.db, { id: 'soft', isHard: false, limit: credits('1') });
  const statement = statementOn([{ id: 'soft', by: 'allowance' }], '2');
  const posted = await Promise.all([1, 2, 3].map(() => postOffline(database.db, statement)));
  expect(posted).toEqual([credits('2'), credits('2'), credits('2')]);
  expect(await ledger.standing(['soft'], NOON)).toMatchObject([{ heldCredits: credits('2') }]);
  const { ticketId } = statement;
  expect(await ledger.ticket(ticketId)).toMatchObject({ state: 'SENT', standsForRequest: true });
  const settlement = buildSettlement(ticketId, { usedCredits: credits('0.5') });
  expect(await ledger.settle(settlement)).toMatchObject({ kind: 'charged', overrunCredits: 0n });
  expect((await ledger.settle(settlement)).kind).toBe('replayed');
  expect(await postOffline(database.db, statement)).toBe(credits('2'));
  expect(await ledger.standing(['soft'], NOON)).toMatchObject([
    { heldCredits: 0n, spentCredits: credits('0.5') },
  ]);
});

test('what a hard budget has no room for any more is not held, and is overrun when it is settled', async () => {
  await insertBudget(database.db, { id: 'hard', limit: credits('3') });
  const other = buildTicket();
  await ledger.reserve({ ticket: other, budgetIds: ['hard'], holdCredits: credits('2.5') });
  const statement = statementOn([{ id: 'hard', by: 'lease' }], '2');
  expect(await postOffline(database.db, statement)).toBe(credits('0.5'));
  await expectInvariants(database.db);
  const settled = await ledger.settle(
    buildSettlement(statement.ticketId, { usedCredits: credits('1.75') }),
  );
  expect(settled).toMatchObject({ overrunCredits: credits('1.25') });
  await ledger.release(other.ticketId, { kind: 'failed', reason: 'over' });
  const { rows } = await database.db.query(
    'SELECT admitted_credits, held_credits FROM offline_admission WHERE ticket_id = $1',
    [statement.ticketId],
  );
  expect(rows).toEqual([{ admitted_credits: '2.000000000000', held_credits: '0.500000000000' }]);
});

async function amountsOf(budgetId: string): Promise<{
  readonly id: string;
  readonly held: Credits;
  readonly leased: Credits;
  readonly idle: Credits;
}> {
  const { rows } = await database.db.query<{
    id: string;
    held: string;
    leased: string;
    idle: string;
  }>(
    `SELECT p.id, p.held_credits AS held, p.leased_credits AS leased, l.idle_credits AS idle
       FROM budget_period p JOIN lease l ON l.budget_period_id = p.id WHERE p.budget_id = $1`,
    [budgetId],
  );
  const row = must(rows[0], 'there is a lease');
  return {
    id: row.id,
    held: credits(row.held),
    leased: credits(row.leased),
    idle: credits(row.idle),
  };
}

test('what a lease still has idle carries it, and nothing more is taken from the period', async () => {
  await insertBudget(database.db, { id: 'leased', limit: credits('100') });
  let nowMs = 0;
  const leases = new Leases({
    db: database.db,
    clock: manualClock(),
    replica: 'replica-a',
    fromPerSecond: 1,
    realNow: () => nowMs,
    onProblem: (cause) => {
      throw cause;
    },
  });
  const busy = createLedger(database.db, manualClock(), { leases });
  const first = buildTicket();
  await busy.reserve({ ticket: first, budgetIds: ['leased'], holdCredits: credits('5') });
  await expect.poll(() => leases.size).toBe(1);
  expect(leases.offlineCredits('leased', NOON)).toBe(0n);
  await leases.beat();
  const idle = leases.offlineCredits('leased', NOON);
  expect(idle).toBeGreaterThanOrEqual(credits('10'));
  const rest = subtractCredits(idle, credits('4'));

  leases.promise('leased', credits('4'));
  expect(leases.offlineCredits('leased', NOON)).toBe(rest);
  // Nobody gets back what was promised: not the idle sweep, not another replica that asks, not a beat that reads anew.
  nowMs += 5_000;
  await leases.beat();
  const before = await amountsOf('leased');
  await leases.askedBack(before.id);
  expect(leases.offlineCredits('leased', NOON)).toBe(rest);

  const statement = statementOn([{ id: 'leased', by: 'lease' }], '4');
  expect(await postOffline(database.db, statement)).toBe(credits('4'));
  leases.kept('leased', credits('4'), false);
  expect(await amountsOf('leased')).toEqual({
    ...before,
    idle: subtractCredits(before.idle, credits('4')),
  });
  expect(leases.offlineCredits('leased', NOON)).toBe(rest);
  nowMs += 9_001;
  expect(leases.offlineCredits('leased', NOON), 'a lease that may have ended').toBe(0n);
  await ledger.settle(buildSettlement(statement.ticketId, { usedCredits: credits('4') }));
  await busy.release(first.ticketId, { kind: 'failed', reason: 'over' });
  await leases.stop();
});

test('a request that another ticket stands for by now is posted all the same, and stands for nothing', async () => {
  await insertBudget(database.db, { id: 'twice', isHard: false });
  const elsewhere = buildTicket({ requestId: 'the-same' });
  await ledger.reserve({ ticket: elsewhere, budgetIds: ['twice'], holdCredits: credits('1') });
  const statement = toOfflineStatement(buildTicket({ requestId: 'the-same' }), {
    budgets: [{ id: 'twice', by: 'allowance' }],
    credits: credits('1'),
    outageStartedAt: NOON,
    sentAt: NOON,
  });
  expect(await postOffline(database.db, statement)).toBe(credits('1'));
  expect(await ledger.ticket(statement.ticketId)).toMatchObject({ standsForRequest: false });
  await ledger.settle(buildSettlement(statement.ticketId));
  await ledger.release(elsewhere.ticketId, { kind: 'failed', reason: 'over' });
});
