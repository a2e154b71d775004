/** What is carried into the next period, by whom it is opened, and how it follows what still moves in the last one. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TicketId } from '../../base/ids.js';
import type { Credits } from '../../base/units.js';
import type { CarryRule } from '../../billing/carry.js';
import { grant } from '../../billing/control-writes.js';
import { createLedger } from '../../billing/create-ledger.js';
import { keepPeriods } from '../../billing/keep-periods.js';
import type { Ledger } from '../../billing/ledger.js';
import { correctCarried } from '../../billing/postgres/correct-carried.js';
import { openPeriods } from '../../billing/postgres/open-periods.js';
import { buildSettlement, buildTicket, credits, insertBudget } from '../support/builders.js';
import { manualClock } from '../support/clock.js';
import { createTestDatabase, expectInvariants } from '../support/database.js';
import type { TestDatabase } from '../support/database.js';

const DAY_MS = 86_400_000;
const MONDAY = Date.UTC(2026, 6, 13, 12);
const TUESDAY = MONDAY + DAY_MS;
const half: CarryRule = { percent: 50, maxCredits: null, debt: true };
const clock = manualClock(MONDAY);

let database: TestDatabase;
let ledger: Ledger;
beforeAll(async () => {
  database = await createTestDatabase({ connectionsMax: 8 });
  ledger = createLedger(database.db, clock);
});
afterAll(() => database.drop());

async function daily(id: string, carry: CarryRule, limit = '10', isHard = true): Promise<void> {
  await insertBudget(database.db, { id, limit: credits(limit), isHard, periodKind: 'day', carry });
}

/** Holds on the budget at an instant, and settles when asked to. */
async function hold(
  budgetId: string,
  holdCredits: Credits,
  at: number,
): Promise<(used: Credits) => Promise<unknown>> {
  const ticketId = await holdTicket(budgetId, holdCredits, at);
  return (usedCredits) => ledger.settle(buildSettlement(ticketId, { usedCredits }));
}

/** Holds on the budget at an instant. */
async function holdTicket(budgetId: string, holdCredits: Credits, at: number): Promise<TicketId> {
  const ticket = buildTicket({ occurredAt: at });
  const outcome = await ledger.reserve({ ticket, budgetIds: [budgetId], holdCredits });
  expect(outcome.kind).toBe('held');
  return ticket.ticketId;
}

const limitAt = async (id: string, at: number): Promise<unknown> =>
  (await ledger.standing([id], at))[0]?.limitCredits;

test('half of what is left goes into the next period; what is held counts as used until it is settled', async () => {
  await daily('half', half);
  await (
    await hold('half', credits('2'), MONDAY)
  )(credits('2'));
  const settle = await hold('half', credits('4'), MONDAY);
  expect(await limitAt('half', TUESDAY)).toBe(credits('12'));
  await openPeriods(database.db, ['half'], TUESDAY);
  expect(await limitAt('half', TUESDAY)).toBe(credits('12'));
  await settle(credits('1'));
  await keepPeriods(database.db, TUESDAY);
  expect(await limitAt('half', TUESDAY)).toBe(credits('13.5'));
  expect(await correctCarried(database.db, TUESDAY)).toBe(0);
  await expectInvariants(database.db);
});

test('a late overrun takes back what was carried, and becomes a debt where the budget says so', async () => {
  await daily('owing', half);
  const settle = await hold('owing', credits('6'), MONDAY);
  await openPeriods(database.db, ['owing'], TUESDAY);
  expect(await limitAt('owing', TUESDAY)).toBe(credits('12'));
  await settle(credits('13'));
  await keepPeriods(database.db, TUESDAY);
  expect(await limitAt('owing', TUESDAY)).toBe(credits('7'));
  const more = { ticket: buildTicket({ occurredAt: TUESDAY }), budgetIds: ['owing'] };
  expect(await ledger.reserve({ ...more, holdCredits: credits('7.01') })).toMatchObject({
    kind: 'refused',
    budget: { limitCredits: credits('7') },
  });
  await daily('forgiving', { ...half, debt: false });
  await (
    await hold('forgiving', credits('1'), MONDAY)
  )(credits('14'));
  expect(await limitAt('forgiving', TUESDAY)).toBe(credits('10'));
  await expectInvariants(database.db);
});

// Without `is_carried_on` these top up in the closed period alone (planted by hand, seen here).
test('a top-up after the period has ended takes back what was carried, in the same move', async () => {
  await daily('over', { percent: 50, maxCredits: null, debt: false });
  const running = await holdTicket('over', credits('2'), MONDAY);
  await openPeriods(database.db, ['over'], TUESDAY + DAY_MS);
  expect(await limitAt('over', TUESDAY)).toBe(credits('14'));
  expect(await limitAt('over', TUESDAY + DAY_MS)).toBe(credits('17'));
  expect(await ledger.topUp(running, credits('6'))).toEqual({
    kind: 'held',
    holdCredits: credits('6'),
  });
  expect(await limitAt('over', TUESDAY)).toBe(credits('12'));
  expect(await limitAt('over', TUESDAY + DAY_MS)).toBe(credits('16'));
  expect(await correctCarried(database.db, TUESDAY)).toBe(0);
  expect(await ledger.topUp(running, credits('6'))).toMatchObject({ kind: 'replayed' });
  await expectInvariants(database.db);
});

test('a top-up is refused where the open period has spent what it was given, and takes the last that is there', async () => {
  await daily('both', { percent: 100, maxCredits: null, debt: false });
  const running = await holdTicket('both', credits('2'), MONDAY);
  await hold('both', credits('15'), TUESDAY);
  const [before] = await ledger.standing(['both'], TUESDAY);
  expect(before).toMatchObject({ limitCredits: credits('18'), availableCredits: credits('3') });
  expect(await ledger.topUp(running, credits('6'))).toEqual({
    kind: 'refused',
    budget: before,
    shortByCredits: credits('1'),
  });
  expect(await ledger.standing(['both'], TUESDAY)).toEqual([before]);
  expect((await ledger.standing(['both'], MONDAY))[0]?.heldCredits).toBe(credits('2'));
  expect(await ledger.topUp(running, credits('5'))).toMatchObject({ kind: 'held' });
  expect((await ledger.standing(['both'], TUESDAY))[0]?.availableCredits).toBe(0n);
  await expectInvariants(database.db);
});

// Each of twenty rounds ends with nothing left and nothing missing in the open period, whoever was first.
test('top-ups in the closed period and admissions in the open one share what was carried, also while it opens', async () => {
  for (let round = 0; round < 20; round += 1) {
    const id = `shared-${round}`;
    await daily(id, { percent: 100, maxCredits: null, debt: false });
    const running = await Promise.all(
      Array.from({ length: 4 }, () => holdTicket(id, credits('1'), MONDAY)),
    );
    const admit = async (): Promise<string> => {
      const ticket = buildTicket({ occurredAt: TUESDAY });
      const holdCredits = credits('4');
      return (await ledger.reserve({ ticket, budgetIds: [id], holdCredits })).kind;
    };
    await Promise.all([
      ...running.map((ticketId) => ledger.topUp(ticketId, credits('2.5'))),
      ...Array.from({ length: 5 }, admit),
    ]);
    const stood = (await ledger.standing([id], TUESDAY))[0];
    expect(stood?.availableCredits, id).toBeGreaterThanOrEqual(0n);
    expect(await correctCarried(database.db, TUESDAY)).toBe(0);
    expect(await ledger.standing([id], TUESDAY)).toEqual([stood]);
  }
  await expectInvariants(database.db);
});

test('a cap holds, a grant is used first and ends with its period, days without a statement are carried through', async () => {
  await daily('capped', { percent: 100, maxCredits: credits('15'), debt: false });
  await database.db.transaction((tx) =>
    grant(tx, {
      budgetId: 'capped',
      credits: credits('5'),
      until: null,
      idempotencyKey: 'capped-1',
      author: 'ann',
      reason: 'more',
      at: MONDAY,
    }),
  );
  await (
    await hold('capped', credits('4'), MONDAY)
  )(credits('4'));
  // The grant has paid the four: all ten are left.
  expect(await limitAt('capped', TUESDAY)).toBe(credits('20'));
  // Twenty on Tuesday, so that the cap gives Wednesday and each day after it 25.
  expect(await limitAt('capped', TUESDAY + 2 * DAY_MS)).toBe(credits('25'));
  await openPeriods(database.db, ['capped'], TUESDAY + 2 * DAY_MS);
  expect(await limitAt('capped', TUESDAY)).toBe(credits('20'));
  expect(await limitAt('capped', TUESDAY + 2 * DAY_MS)).toBe(credits('25'));
  await expectInvariants(database.db);
});

test('a correction goes on through every period after it', async () => {
  await daily('chain', { percent: 100, maxCredits: null, debt: false });
  const settle = await hold('chain', credits('10'), MONDAY);
  await openPeriods(database.db, ['chain'], MONDAY + 4 * DAY_MS);
  expect(await limitAt('chain', MONDAY + 4 * DAY_MS)).toBe(credits('40'));
  await settle(credits('3'));
  clock.set(MONDAY + 4 * DAY_MS);
  expect(await correctCarried(database.db, clock.now())).toBe(4);
  expect(await limitAt('chain', MONDAY + 4 * DAY_MS)).toBe(credits('47'));
  await expectInvariants(database.db);
});

test('terms that change in a period begin with the next one', async () => {
  await daily('terms', half);
  await openPeriods(database.db, ['terms'], MONDAY);
  await openPeriods(database.db, ['terms'], TUESDAY);
  await database.db.query(
    `UPDATE budget SET carry_percent = NULL, carry_debt = false WHERE id = 'terms'`,
  );
  await keepPeriods(database.db, TUESDAY);
  expect(await limitAt('terms', TUESDAY)).toBe(credits('15'));
  expect(await limitAt('terms', TUESDAY + DAY_MS)).toBe(credits('10'));
});

// Without the locks in `correctCarried`, corrections that run at once add the same difference twice (planted by hand,
// seen here; the next one takes it back, so that only the number of them tells).
test('replicas that open and correct at once carry once', async () => {
  await daily('race', { percent: 100, maxCredits: null, debt: false });
  const settles = [];
  for (let index = 0; index < 8; index += 1) settles.push(await hold('race', credits('1'), MONDAY));
  const eight = <T>(task: () => Promise<T>): Promise<readonly T[]> =>
    Promise.all(Array.from({ length: 8 }, task));
  await eight(() => openPeriods(database.db, ['race'], TUESDAY));
  expect(await limitAt('race', TUESDAY)).toBe(credits('12'));
  for (const [index, settle] of settles.entries()) {
    await settle(credits('0.5'));
    const corrected = await eight(() => correctCarried(database.db, TUESDAY));
    expect(corrected.reduce((sum, each) => sum + each, 0)).toBe(1);
    expect(await limitAt('race', TUESDAY)).toBe(
      (credits('12.5') + BigInt(index) * credits('0.5')) as Credits,
    );
  }
  const { rows } = await database.db.query(
    `SELECT carried_credits FROM budget_period WHERE budget_id = 'race' ORDER BY starts_at`,
  );
  expect(rows).toEqual([
    { carried_credits: '0.000000000000' },
    { carried_credits: '6.000000000000' },
  ]);
  await expectInvariants(database.db);
});

test('a grant ends at its instant wherever a replica runs, also one that was away meanwhile', async () => {
  await daily('granted', { percent: null, maxCredits: null, debt: false });
  await database.db.transaction((tx) =>
    grant(tx, {
      budgetId: 'granted',
      credits: credits('5'),
      idempotencyKey: 'granted-1',
      until: MONDAY + 60_000,
      author: 'ann',
      reason: 'an hour',
      at: MONDAY,
    }),
  );
  await keepPeriods(database.db, MONDAY + 59_999);
  expect(await limitAt('granted', MONDAY)).toBe(credits('15'));
  const late = MONDAY + 3 * DAY_MS;
  await Promise.all(Array.from({ length: 4 }, () => keepPeriods(database.db, late)));
  expect(await limitAt('granted', MONDAY)).toBe(credits('10'));
  await expectInvariants(database.db);
});
