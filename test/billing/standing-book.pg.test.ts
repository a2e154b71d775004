/**
 * The same moves in the ledger on Postgres and in the book in memory: each has the same outcome, and after each every
 * budget stands the same. `tollgate replay` decides by the book what the proxy decides by the ledger. The sequences are
 * the same in every run (their seed is fixed); a failing one prints its moves.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TicketId } from '../../base/ids.js';
import type { EpochMs } from '../../base/time.js';
import type { Credits } from '../../base/units.js';
import { createLedger } from '../../billing/create-ledger.js';
import type { Ledger } from '../../billing/ledger.js';
import { correctCarried } from '../../billing/postgres/correct-carried.js';
import { openPeriods } from '../../billing/postgres/open-periods.js';
import { StandingBook } from '../../billing/standing-book.js';
import type { BookBudget } from '../../billing/standing-book.js';
import { buildSettlement, buildTicket, credits, insertBudget } from '../support/builders.js';
import { manualClock } from '../support/clock.js';
import { createTestDatabase, expectInvariants, expectNoOpenHolds } from '../support/database.js';
import type { TestDatabase } from '../support/database.js';

/** Four days before summer time begins in Berlin, six before a quarter ends. */
const START = Date.UTC(2026, 2, 25, 12);
const HOUR_MS = 3_600_000;
const clock = manualClock(START);

let database: TestDatabase;
let ledger: Ledger;
beforeAll(async () => {
  database = await createTestDatabase({ connectionsMax: 2 });
  ledger = createLedger(database.db, clock);
});
afterAll(() => database.drop());

/** Two that are alike, so that both lack the same; names whose order is another one in most languages. */
function budgetsOf(run: number): readonly BookBudget[] {
  const day = { periodKind: 'day', timeZone: 'Europe/Berlin', weekStartsOn: 1 } as const;
  const week = { periodKind: 'week', timeZone: 'America/New_York', weekStartsOn: 7 } as const;
  const month = { periodKind: 'month', timeZone: 'UTC', weekStartsOn: 1 } as const;
  const quarter = { periodKind: 'quarter', timeZone: 'Asia/Kolkata', weekStartsOn: 1 } as const;
  const span = {
    periodKind: 'custom',
    timeZone: 'Pacific/Kiritimati',
    weekStartsOn: 1,
    custom: { everyDays: 2, firstDay: '2026-02-28' },
  } as const;
  const owing = { percent: 50, maxCredits: credits('4'), debt: true };
  const saving = { percent: 100, maxCredits: null, debt: false };
  return [
    { id: `${run}-b`, isHard: true, limitCredits: credits('8'), period: day },
    { id: `${run}a`, isHard: true, limitCredits: credits('8'), period: day },
    { id: `${run}-week`, isHard: true, limitCredits: credits('14'), period: week },
    { id: `${run}-soft`, isHard: false, limitCredits: credits('3'), period: month },
    { id: `${run}-unlimited`, isHard: true, limitCredits: null, period: quarter },
    { id: `${run}-nothing`, isHard: true, limitCredits: credits('0'), period: quarter },
    { id: `${run}-owing`, isHard: true, limitCredits: credits('3'), period: day, carry: owing },
    { id: `${run}-saving`, isHard: true, limitCredits: credits('5'), period: span, carry: saving },
  ];
}

const amount = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 7 }).map((whole) => credits(String(whole))) },
  fc.bigInt({ min: 0n, max: 12_000_000_000_000n }).map((units) => units as Credits),
);
/** Which budgets are on a path; the one that has nothing seldom. */
const path = fc.tuple(
  fc.subarray([0, 1, 2, 3, 4, 6, 7]),
  fc.oneof({ weight: 9, arbitrary: fc.constant([]) }, fc.constant([5])),
);
const moves = fc.array(
  fc.record({
    kind: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom('reserve', 'topUp') },
      { weight: 5, arbitrary: fc.constantFrom('settle', 'settle', 'release') },
      { weight: 1, arbitrary: fc.constant('again' as const) },
    ),
    path,
    amount,
    ofEnded: fc.constantFrom(false, false, false, true),
    pick: fc.nat(5),
    wait: fc.oneof(
      fc.integer({ min: 0, max: 6 * HOUR_MS }),
      fc.constantFrom('last moment of a period' as const, 'period begins' as const),
    ),
  }),
  { minLength: 50, maxLength: 50 },
);
type Move = typeof moves extends fc.Arbitrary<(infer M)[]> ? M : never;

interface Admitted {
  readonly id: TicketId;
  readonly at: EpochMs;
}

interface Sides {
  readonly book: StandingBook;
  readonly budgetIds: readonly string[];
  /** What is held. */
  readonly open: Admitted[];
  /** What was refused, or is over. */
  readonly ended: Admitted[];
}

/** How often each outcome was seen: sequences that never refuse would show nothing. */
const seen = new Map<string, number>();

function expectSame(move: string, inBook: { readonly kind: string }, inLedger: unknown): void {
  expect(inBook, move).toEqual(inLedger);
  const key = `${move} ${inBook.kind}`;
  seen.set(key, (seen.get(key) ?? 0) + 1);
}

/** The book forgets what ended; the ledger says how. */
function forgotten(outcome: { readonly kind: string }): unknown {
  const ended = ['closed', 'conflict', 'replayed', 'alreadyClosed'].includes(outcome.kind);
  return ended ? { kind: 'notHeld' } : outcome;
}

async function reserve(sides: Sides, move: Move, at: EpochMs): Promise<void> {
  const ticket = buildTicket({ occurredAt: at });
  const id = ticket.ticketId;
  const indices = [...move.path[0], ...move.path[1]];
  const request = {
    budgetIds: sides.budgetIds.filter((_, index) => indices.includes(index)),
    holdCredits: move.amount,
  };
  const outcome = await ledger.reserve({ ...request, ticket });
  expectSame('reserve', sides.book.reserve({ ...request, id, at }), outcome);
  (outcome.kind === 'held' ? sides.open : sides.ended).unshift({ id, at });
}

async function reserveAgain(sides: Sides, id: TicketId, at: EpochMs): Promise<void> {
  const request = { budgetIds: sides.budgetIds, holdCredits: credits('1') };
  const ticket = buildTicket({ ticketId: id, occurredAt: at });
  const outcome = await ledger.reserve({ ...request, ticket });
  if (outcome.kind !== 'known') return expect.fail(`reserved twice: ${outcome.kind}`);
  const { holdCredits } = outcome.ticket;
  expectSame('again', sides.book.reserve({ ...request, id, at }), { kind: 'known', holdCredits });
}

async function end(sides: Sides, move: Move, picked: Admitted, at: EpochMs): Promise<void> {
  const { id } = picked;
  if (move.kind === 'settle') {
    const figures = { usedCredits: move.amount, startedAt: picked.at, endedAt: at };
    const outcome = await ledger.settle(buildSettlement(id, figures));
    const { chargedMoney: _, ...charged } = { chargedMoney: null, ...outcome };
    expectSame('settle', sides.book.settle(id, move.amount), forgotten(charged));
  } else {
    const outcome = await ledger.release(id, { kind: 'failed', reason: 'not sent' });
    expectSame('release', sides.book.release(id), forgotten(outcome));
  }
  const index = sides.open.indexOf(picked);
  if (index >= 0) sides.ended.unshift(...sides.open.splice(index, 1));
}

async function apply(sides: Sides, move: Move, at: EpochMs): Promise<void> {
  const from = move.ofEnded ? sides.ended : sides.open;
  const picked = from[move.pick % Math.max(1, from.length)];
  if (move.kind === 'reserve' || picked === undefined) return reserve(sides, move, at);
  switch (move.kind) {
    case 'again':
      return move.ofEnded ? undefined : reserveAgain(sides, picked.id, at);
    case 'topUp': {
      const outcome = await ledger.topUp(picked.id, move.amount);
      const inLedger = outcome.kind === 'closed' ? forgotten(outcome) : outcome;
      return expectSame('topUp', sides.book.topUp(picked.id, move.amount), inLedger);
    }
    case 'settle':
    case 'release':
      return end(sides, move, picked, at);
  }
}

function later(sides: Sides, wait: Move['wait'], at: EpochMs): EpochMs {
  if (typeof wait === 'number') return at + wait;
  const ends = sides.book.standing(sides.budgetIds, at).map(({ periodEndsAt }) => periodEndsAt);
  return Math.max(at, Math.min(...ends) - (wait === 'period begins' ? 0 : 1));
}

test(
  'the book decides as the ledger does and stands as it stands, after every move',
  { timeout: 60_000 },
  async () => {
    let run = 0;
    let corrections = 0;
    await fc.assert(
      fc.asyncProperty(moves, async (steps) => {
        run += 1;
        const budgets = budgetsOf(run);
        for (const { id, isHard, limitCredits: limit, period, carry = null } of budgets)
          await insertBudget(database.db, { id, isHard, limit, ...period, carry });
        const budgetIds = budgets.map(({ id }) => id);
        const sides: Sides = {
          book: new StandingBook(budgets),
          budgetIds,
          open: [],
          ended: [],
        };
        let at = START;
        await openPeriods(database.db, budgetIds, at);
        for (const step of steps) {
          at = later(sides, step.wait, at);
          clock.set(at);
          await apply(sides, step, at);
          // As the upkeep of every replica does.
          await openPeriods(database.db, budgetIds, at);
          corrections += await correctCarried(database.db, at);
          expect(sides.book.standing(budgetIds, at)).toEqual(await ledger.standing(budgetIds, at));
          if (!step.ofEnded) continue;
          // Where an earlier statement was admitted: what is settled late moves there.
          const before = [...sides.ended, ...sides.open].at(-1 - step.pick)?.at ?? at;
          const stood = await ledger.standing(budgetIds, before);
          expect(sides.book.standing(budgetIds, before)).toEqual(stood);
        }
        for (const { id } of sides.open) {
          const outcome = await ledger.release(id, { kind: 'failed', reason: 'over' });
          expect(sides.book.release(id)).toEqual(outcome);
        }
        expect(sides.book.openHolds).toBe(0);
      }),
      { seed: 7, numRuns: 6, endOnFailure: true },
    );
    expect(corrections).toBeGreaterThanOrEqual(5);
    await expectInvariants(database.db);
    await expectNoOpenHolds(database.db);
    const outcomes =
      'reserve held, reserve refused, again known, topUp held, topUp replayed, topUp refused, topUp notHeld, settle charged, settle notHeld, release released, release notHeld';
    for (const outcome of outcomes.split(', '))
      expect(seen.get(outcome) ?? 0, outcome).toBeGreaterThanOrEqual(5);
  },
);
