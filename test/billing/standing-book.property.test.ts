import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NO_CREDITS, addCredits } from '../../base/units.js';
import type { Credits } from '../../base/units.js';
import { StandingBook } from '../../billing/standing-book.js';
import type { BookBudget } from '../../billing/standing-book.js';
import { NOON } from '../support/builders.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const BUDGETS: readonly BookBudget[] = [
  { id: 'hard', isHard: true, limitCredits: 20n as Credits, period: periodic('month', 'UTC') },
  { id: 'soft', isHard: false, limitCredits: 5n as Credits, period: periodic('month', 'UTC') },
  { id: 'daily', isHard: true, limitCredits: 9n as Credits, period: periodic('day', 'Asia/Tokyo') },
  { id: 'unlimited', isHard: true, limitCredits: null, period: periodic('week', 'UTC') },
];
const IDS = BUDGETS.map(({ id }) => id);

function periodic(periodKind: 'day' | 'week' | 'month', timeZone: string): BookBudget['period'] {
  return { periodKind, timeZone, weekStartsOn: 1 };
}

const amount = fc.integer({ min: 0, max: 12 }).map((units) => BigInt(units) as Credits);
const path = fc.subarray(IDS);
const moves = fc.array(
  fc.record({
    kind: fc.constantFrom('reserve', 'reserve', 'topUp', 'settle', 'release'),
    pick: fc.nat(9),
    path,
    amount,
    afterMs: fc.integer({ min: 0, max: 9 * HOUR_MS }),
  }),
  { minLength: 1, maxLength: 80 },
);
type Move = typeof moves extends fc.Arbitrary<(infer M)[]> ? M : never;

interface Held {
  readonly budgetIds: readonly string[];
  readonly at: number;
  holdCredits: Credits;
}

function totals(book: StandingBook, at: number): readonly string[] {
  return book
    .standing(IDS, at)
    .map(({ budgetId, spentCredits, heldCredits }) => `${budgetId} ${spentCredits} ${heldCredits}`);
}

/** One move on the book, and on the list of what is held. */
function apply(book: StandingBook, held: Map<string, Held>, move: Move, at: number): void {
  const id = `statement-${move.pick}`;
  const before = totals(book, at);
  if (move.kind === 'reserve') {
    const outcome = book.reserve({ id, budgetIds: move.path, holdCredits: move.amount, at });
    expect(outcome.kind === 'known').toBe(held.has(id));
    if (outcome.kind === 'held')
      held.set(id, { budgetIds: move.path, at, holdCredits: move.amount });
    else expect(totals(book, at)).toEqual(before);
    return;
  }
  const hold = held.get(id);
  if (move.kind === 'topUp') {
    const outcome = book.topUp(id, move.amount);
    expect(outcome.kind === 'notHeld').toBe(hold === undefined);
    if (outcome.kind === 'held' && hold !== undefined) hold.holdCredits = outcome.holdCredits;
    else expect(totals(book, at)).toEqual(before);
    return;
  }
  const outcome = move.kind === 'settle' ? book.settle(id, move.amount) : book.release(id);
  expect(outcome.kind === 'notHeld').toBe(hold === undefined);
  held.delete(id);
}

test('what a budget holds is the sum of the open holds of its period, and no admission passes a hard limit', () => {
  fc.assert(
    fc.property(moves, (steps) => {
      const book = new StandingBook(BUDGETS);
      const held = new Map<string, Held>();
      let at = NOON;
      for (const step of steps) {
        at += step.afterMs;
        const before = book.standing(IDS, at);
        apply(book, held, step, at);
        expect(book.openHolds).toBe(held.size);
        for (const [index, budget] of book.standing(IDS, at).entries()) {
          const sum = [...held.values()]
            .filter(
              (hold) =>
                hold.budgetIds.includes(budget.budgetId) &&
                hold.at >= budget.periodStartsAt &&
                hold.at < budget.periodEndsAt,
            )
            .reduce((total, { holdCredits }) => addCredits(total, holdCredits), NO_CREDITS);
          expect(budget.heldCredits).toBe(sum);
          if (budget.limitCredits === null || budget.availableCredits === null) continue;
          expect(budget.availableCredits).toBe(budget.limitCredits - budget.spentCredits - sum);
          const admits = step.kind === 'reserve' || step.kind === 'topUp';
          const less = budget.availableCredits < (before[index]?.availableCredits ?? 0n);
          if (budget.isHard && admits && less)
            expect(budget.availableCredits).toBeGreaterThanOrEqual(0n);
        }
      }
    }),
    { numRuns: 60 },
  );
});

test('the order in which holds end does not matter to what is left', () => {
  const ends = fc
    .array(fc.record({ path, amount, used: fc.option(amount, { nil: null }) }), { maxLength: 12 })
    .chain((all) =>
      fc.tuple(
        fc.constant(all),
        fc.shuffledSubarray(
          all.map((_, index) => index),
          { minLength: all.length },
        ),
      ),
    );
  fc.assert(
    fc.property(ends, ([all, order]) => {
      const left = (indices: readonly number[]): readonly string[] => {
        const book = new StandingBook(BUDGETS);
        for (const [index, { path: budgetIds, amount: holdCredits }] of all.entries())
          book.reserve({ id: String(index), budgetIds, holdCredits, at: NOON });
        for (const index of indices) {
          const used = all[index]?.used ?? null;
          if (used === null) book.release(String(index));
          else book.settle(String(index), used);
        }
        return totals(book, NOON);
      };
      expect(left(order)).toEqual(left(order.toSorted((a, b) => a - b)));
    }),
    { numRuns: 60 },
  );
});

test('where no hard budget is on the path, the order of admissions does not matter either', () => {
  const holds = fc.array(fc.record({ path: fc.subarray(['soft', 'unlimited']), amount }), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(holds, (all) => {
      const held = (list: typeof all): readonly string[] => {
        const book = new StandingBook(BUDGETS);
        for (const [index, { path: budgetIds, amount: holdCredits }] of list.entries()) {
          const outcome = book.reserve({ id: String(index), budgetIds, holdCredits, at: NOON });
          expect(outcome.kind).toBe('held');
        }
        return totals(book, NOON);
      };
      expect(held(all.toReversed())).toEqual(held(all));
    }),
    { numRuns: 40 },
  );
});

const carrying: readonly BookBudget[] = [
  { percent: 100, maxCredits: null, debt: false },
  { percent: 50, maxCredits: 7n as Credits, debt: true },
].map((carry, index) => ({
  id: `carries-${index}`,
  isHard: true,
  limitCredits: 20n as Credits,
  period: periodic('day', 'UTC'),
  carry,
}));
const carryingIds = carrying.map(({ id }) => id);
const carriedMoves = fc.array(
  fc.record({
    kind: fc.constantFrom('reserve', 'topUp', 'topUp', 'settle', 'release'),
    pick: fc.nat(5),
    path: fc.subarray(carryingIds, { minLength: 1 }),
    amount: fc.integer({ min: 0, max: 40 }),
    afterMs: fc.integer({ min: 0, max: 14 * HOUR_MS }),
  }),
  { minLength: 10, maxLength: 80 },
);

function expectNoDebt(book: StandingBook, at: number): void {
  for (const { availableCredits } of book.standing(carryingIds, at))
    expect(availableCredits).toBeGreaterThanOrEqual(0n);
}

// Top-ups that look at their own period alone fail it within a hundred sequences (planted by hand, seen here).
test('where nothing is used above its hold, neither an admission nor a top-up carries any period past its limit', () => {
  const late = { held: 0, refused: 0 };
  fc.assert(
    fc.property(carriedMoves, (steps) => {
      const book = new StandingBook(carrying);
      const held = new Map<string, { at: number; holdCredits: Credits }>();
      const days = new Set<number>();
      let at = NOON;
      for (const { kind, pick, path: budgetIds, amount: units, afterMs } of steps) {
        at += afterMs;
        days.add(Math.floor(at / DAY_MS) * DAY_MS);
        const id = `statement-${pick}`;
        const credits = BigInt(units) as Credits;
        const hold = held.get(id);
        if (kind === 'reserve') {
          const { kind: outcome } = book.reserve({ id, budgetIds, holdCredits: credits, at });
          if (outcome === 'held') held.set(id, { at, holdCredits: credits });
        } else if (hold !== undefined && kind === 'topUp') {
          const outcome = book.topUp(id, credits);
          if (outcome.kind === 'held') hold.holdCredits = credits;
          if (at - hold.at > DAY_MS && outcome.kind in late) late[outcome.kind as 'held'] += 1;
        } else if (hold !== undefined) {
          if (kind === 'settle') book.settle(id, (hold.holdCredits / 2n) as Credits);
          else book.release(id);
          held.delete(id);
        }
        expectNoDebt(book, at);
      }
      for (const day of days) expectNoDebt(book, day);
    }),
    { numRuns: 200, seed: 8 },
  );
  expect(late.held).toBeGreaterThan(20);
  expect(late.refused).toBeGreaterThan(20);
});
