/**
 * Many statements in one transaction: each has its own outcome, in the order they came. A call is made while another
 * is under way, so that the rest come together; `sizes` proves that they did.
 */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Credits } from '../../base/units.js';
import { createLedger } from '../../billing/create-ledger.js';
import type { Ledger, ReserveOutcome, TicketFacts } from '../../billing/ledger.js';
import { openPeriods } from '../../billing/postgres/open-periods.js';
import { NOON, buildSettlement, buildTicket, credits, insertBudget } from '../support/builders.js';
import { manualClock } from '../support/clock.js';
import { createTestDatabase, expectInvariants } from '../support/database.js';
import type { TestDatabase } from '../support/database.js';

let database: TestDatabase;
let ledger: Ledger;
let sizes: [string, number][] = [];
beforeAll(async () => {
  database = await createTestDatabase({ connectionsMax: 6 });
  ledger = createLedger(database.db, manualClock(), {
    onBatch: (move, size) => sizes.push([move, size]),
  });
});
afterAll(() => database.drop());
afterEach(() => expectInvariants(database.db));

interface Wish {
  readonly budgetIds: readonly string[];
  readonly hold: string;
  readonly ticket?: TicketFacts;
}

/** Reserves in one batch, proven by its size. */
async function together(wishes: readonly Wish[]): Promise<readonly ReserveOutcome[]> {
  const paths = [...new Set(wishes.flatMap(({ budgetIds }) => budgetIds))];
  await openPeriods(database.db, paths, NOON);
  const one = createLedger(database.db, manualClock(), {
    limits: { sizeMax: 256, lanesMax: 1, waitingMax: 1000 },
    onBatch: (move, size) => sizes.push([move, size]),
  });
  sizes = [];
  const ahead = one.reserve({ ticket: buildTicket(), budgetIds: [], holdCredits: credits('0') });
  const outcomes = await Promise.all(
    wishes.map(({ budgetIds, hold, ticket = buildTicket() }) =>
      one.reserve({ ticket, budgetIds, holdCredits: credits(hold) }),
    ),
  );
  await ahead;
  expect(sizes).toContainEqual(['reserve', wishes.length]);
  return outcomes;
}

const kinds = (outcomes: readonly ReserveOutcome[]): readonly string[] =>
  outcomes.map(({ kind }) => kind);

async function standing(id: string): Promise<{ held: Credits; spent: Credits }> {
  const [found] = await ledger.standing([id], NOON);
  return { held: found?.heldCredits ?? credits('-1'), spent: found?.spentCredits ?? credits('-1') };
}

test('in arrival order a larger one is refused and a smaller one after it has the last unit', async () => {
  await insertBudget(database.db, { id: 'order', limit: credits('10') });
  const budgetIds = ['order'];
  const outcomes = await together([
    { budgetIds, hold: '6' },
    { budgetIds, hold: '5' },
    { budgetIds, hold: '3.999999999999' },
    { budgetIds, hold: '0.000000000002' },
    { budgetIds, hold: '0.000000000001' },
  ]);
  expect(kinds(outcomes)).toEqual(['held', 'refused', 'held', 'refused', 'held']);
  expect(outcomes[1]).toMatchObject({
    budget: { budgetId: 'order', availableCredits: credits('4') },
    shortByCredits: credits('1'),
  });
  expect(outcomes[3]).toMatchObject({ shortByCredits: credits('0.000000000001') });
  expect(outcomes[2]).toMatchObject({ budgets: [{ availableCredits: credits('0.000000000001') }] });
  expect(await standing('order')).toMatchObject({ held: credits('10') });
});

test('paths that share a budget are judged against what the earlier ones took of it', async () => {
  await insertBudget(database.db, { id: 'shared', limit: credits('5') });
  await insertBudget(database.db, { id: 'own-a', limit: credits('4') });
  await insertBudget(database.db, { id: 'own-b', limit: credits('4') });
  await insertBudget(database.db, { id: 'own-soft', limit: credits('1'), isHard: false });
  await insertBudget(database.db, { id: 'own-free' });
  const outcomes = await together([
    { budgetIds: ['shared', 'own-a', 'own-free'], hold: '3' },
    { budgetIds: ['shared', 'own-b'], hold: '3' },
    { budgetIds: ['own-b', 'own-soft'], hold: '4' },
    { budgetIds: ['own-a', 'shared'], hold: '1.5' },
    { budgetIds: ['shared', 'own-soft'], hold: '2' },
  ]);
  expect(kinds(outcomes)).toEqual(['held', 'refused', 'held', 'refused', 'held']);
  expect(outcomes[1]).toMatchObject({
    budget: { budgetId: 'shared' },
    shortByCredits: credits('1'),
  });
  expect(outcomes[3]).toMatchObject({
    budget: { budgetId: 'own-a' },
    shortByCredits: credits('0.5'),
  });
  expect(await standing('own-soft')).toMatchObject({ held: credits('6') });
});

test('one that is known already takes nothing from those after it', async () => {
  await insertBudget(database.db, { id: 'with-known', limit: credits('2') });
  const ticket = buildTicket();
  await ledger.reserve({ ticket, budgetIds: [], holdCredits: credits('1') });
  const budgetIds = ['with-known'];
  const outcomes = await together([
    { budgetIds, hold: '1', ticket },
    { budgetIds, hold: '1.5' },
    { budgetIds, hold: '1' },
    { budgetIds, hold: '0.5' },
  ]);
  expect(kinds(outcomes)).toEqual(['known', 'held', 'refused', 'held']);
});

test('one bad statement fails alone', async () => {
  await insertBudget(database.db, { id: 'with-bad', limit: credits('10') });
  await openPeriods(database.db, ['with-bad'], NOON);
  const tickets = Array.from({ length: 7 }, () => buildTicket());
  const bad = buildTicket({ controlVersion: 0.5 });
  const answers = await Promise.allSettled(
    [...tickets.slice(0, 3), bad, ...tickets.slice(3)].map((ticket) =>
      ledger.reserve({ ticket, budgetIds: ['with-bad'], holdCredits: credits('1') }),
    ),
  );
  expect(answers.map(({ status }) => status === 'fulfilled')).toEqual([
    true,
    true,
    true,
    false,
    true,
    true,
    true,
    true,
  ]);
  expect(await standing('with-bad')).toMatchObject({ held: credits('7') });
});

test('marks, settlements and releases share transactions, and each has its own outcome', async () => {
  await insertBudget(database.db, { id: 'moves', limit: credits('100') });
  const tickets = Array.from({ length: 40 }, () => buildTicket());
  const ids = tickets.map(({ ticketId }) => ticketId);
  await Promise.all(
    tickets.map((ticket) =>
      ledger.reserve({ ticket, budgetIds: ['moves'], holdCredits: credits('1') }),
    ),
  );
  sizes = [];
  const marks = await Promise.all(ids.map((id) => ledger.markSent(id, NOON)));
  expect(marks.every(Boolean)).toBe(true);
  const releases = await Promise.all(
    ids
      .slice(0, 20)
      .map((id, index) =>
        index % 2 === 0
          ? ledger.voidOnEvidence(id, 'not in the history')
          : ledger.release(id, { kind: 'failed', reason: 'x' }),
      ),
  );
  expect(releases.map(({ kind }) => kind)).toEqual(
    ids.slice(0, 20).map((_, index) => (index % 2 === 0 ? 'released' : 'sent')),
  );
  const settled = await Promise.all(
    ids.map((id, index) =>
      ledger.settle(
        buildSettlement(id, {
          // The last two claim one query.
          snowflakeQueryId: index === 39 ? `query-${ids[38]}` : `query-${id}`,
          usedCredits: credits('0.25'),
        }),
      ),
    ),
  );
  const kinds = settled.map(({ kind }) => kind);
  expect(kinds.slice(0, 38)).toEqual(
    ids.slice(0, 38).map((_, index) => (index < 20 && index % 2 === 0 ? 'conflict' : 'charged')),
  );
  // Two transactions may be under way at once: either has the query, and never both.
  expect(kinds.slice(38).sort()).toEqual(['charged', 'conflict']);
  expect(await standing('moves')).toEqual({ held: credits('1'), spent: credits('7.25') });
  for (const move of ['send', 'release', 'settle'])
    expect(
      Math.max(...sizes.filter(([each]) => each === move).map(([, size]) => size)),
    ).toBeGreaterThan(5);
  const loser = must(ids[kinds[39] === 'conflict' ? 39 : 38]);
  await ledger.voidOnEvidence(loser, 'the query is charged to another ticket');
});

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('it is there');
  return value;
}

/** Shown to fail: with `FOR NO KEY UPDATE OF p` taken out of the reserve statement more than K were held. */
test('4 replicas, statements at one barrier, room for exactly K: K are held, in batches', async () => {
  const K = 37;
  for (let round = 0; round < 3; round += 1) {
    const id = `barrier-${round}`;
    await insertBudget(database.db, { id, limit: credits('18.5') });
    await openPeriods(database.db, [id], NOON);
    const replicas = Array.from({ length: 4 }, () => createLedger(database.db, manualClock()));
    const outcomes = await Promise.all(
      replicas.flatMap((replica) =>
        Array.from({ length: 50 }, async () => {
          const ticket = buildTicket();
          const { kind } = await replica.reserve({
            ticket,
            budgetIds: [id],
            holdCredits: credits('0.5'),
          });
          return { ticket, kind };
        }),
      ),
    );
    const held = outcomes.filter(({ kind }) => kind === 'held');
    expect(held).toHaveLength(K);
    expect(await standing(id)).toMatchObject({ held: credits('18.5') });
    await Promise.all(held.map(({ ticket }) => ledger.settle(buildSettlement(ticket.ticketId))));
    expect(await standing(id)).toMatchObject({ held: 0n });
  }
});
