import { expect, test } from 'vitest';
import type { Credits } from '../../base/units.js';
import { StandingBook } from '../../billing/standing-book.js';
import type { BookBudget } from '../../billing/standing-book.js';
import { NOON, credits } from '../support/builders.js';

const HOUR_MS = 3_600_000;

function budget(id: string, changes: Partial<BookBudget> = {}): BookBudget {
  return {
    id,
    isHard: true,
    limitCredits: credits('10'),
    period: { periodKind: 'month', timeZone: 'UTC', weekStartsOn: 1 },
    ...changes,
  };
}

const daily = { periodKind: 'day', timeZone: 'Europe/Berlin', weekStartsOn: 1 } as const;

/** A book of `budgets`, and a way to hold that states only what matters. */
function bookOf(...budgets: readonly BookBudget[]): {
  readonly book: StandingBook;
  readonly reserve: (
    id: string,
    holdCredits: Credits,
    at?: number,
  ) => ReturnType<StandingBook['reserve']>;
} {
  const book = new StandingBook(budgets);
  const budgetIds = budgets.map(({ id }) => id);
  return {
    book,
    reserve: (id, holdCredits, at = NOON) => book.reserve({ id, budgetIds, holdCredits, at }),
  };
}

test('a statement is held, settled and leaves what it used', () => {
  const { book, reserve } = bookOf(budget('plain'));
  expect(reserve('one', credits('2'))).toEqual({
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
  });
  expect(book.openHolds).toBe(1);
  expect(book.settle('one', credits('0.7'))).toEqual({
    kind: 'charged',
    chargedCredits: credits('0.7'),
    overrunCredits: 0n,
  });
  expect(book.openHolds).toBe(0);
  expect(book.standing(['plain'], NOON)).toMatchObject([
    { spentCredits: credits('0.7'), heldCredits: 0n, availableCredits: credits('9.3') },
  ]);
});

test('a hard budget gives its last unit and refuses the next, on every budget or on none', () => {
  const { book, reserve } = bookOf(
    budget('wide', { limitCredits: credits('100') }),
    budget('narrow'),
  );
  expect(reserve('all', credits('10'))).toMatchObject({ kind: 'held' });
  expect(reserve('one-too-many', 1n as Credits)).toMatchObject({
    kind: 'refused',
    budget: { budgetId: 'narrow', availableCredits: 0n },
    shortByCredits: 1n,
  });
  expect(book.standing(['wide', 'narrow'], NOON)).toMatchObject([
    { heldCredits: credits('10') },
    { heldCredits: credits('10') },
  ]);
  expect(reserve('nothing', 0n as Credits)).toMatchObject({ kind: 'held' });
});

test('the budget that lacks the most is named, the first by id where two lack the same', () => {
  const { reserve } = bookOf(
    budget('b', { limitCredits: credits('1') }),
    budget('a', { limitCredits: credits('1') }),
    budget('c', { limitCredits: credits('2') }),
  );
  expect(reserve('dear', credits('5'))).toMatchObject({
    kind: 'refused',
    budget: { budgetId: 'a' },
    shortByCredits: credits('4'),
  });
  expect(reserve('cheap', credits('1'))).toMatchObject({
    budgets: [{ budgetId: 'a' }, { budgetId: 'b' }, { budgetId: 'c' }],
  });
});

test('soft and unlimited budgets refuse nothing; a soft one shows how far it is passed', () => {
  const { reserve } = bookOf(
    budget('soft', { isHard: false, limitCredits: credits('1') }),
    budget('unlimited', { limitCredits: null }),
  );
  expect(reserve('dear', credits('7'))).toMatchObject({
    kind: 'held',
    budgets: [
      { budgetId: 'soft', availableCredits: credits('-6') },
      { budgetId: 'unlimited', availableCredits: null, heldCredits: credits('7') },
    ],
  });
});

test('a top-up raises to what is said in all, or adds nothing', () => {
  const { book, reserve } = bookOf(budget('hard'));
  reserve('one', credits('2'));
  expect(book.topUp('one', credits('4'))).toEqual({ kind: 'held', holdCredits: credits('4') });
  expect(book.topUp('one', credits('3'))).toEqual({ kind: 'replayed', holdCredits: credits('4') });
  expect(book.topUp('one', credits('11'))).toMatchObject({
    kind: 'refused',
    budget: { budgetId: 'hard', availableCredits: credits('6') },
    shortByCredits: credits('1'),
  });
  expect(book.release('one')).toEqual({ kind: 'released', releasedCredits: credits('4') });
  expect(book.standing(['hard'], NOON)).toMatchObject([{ availableCredits: credits('10') }]);
});

test('what is used above the hold is charged in full, leaves a debt and stops the next admission', () => {
  const { book, reserve } = bookOf(budget('debt'));
  reserve('one', credits('9'));
  expect(book.settle('one', credits('12'))).toMatchObject({
    chargedCredits: credits('12'),
    overrunCredits: credits('3'),
  });
  expect(reserve('two', 0n as Credits)).toMatchObject({
    kind: 'refused',
    shortByCredits: credits('2'),
  });
});

test('a hold moves in the period that admitted it, in the time zone of the budget', () => {
  const evening = Date.UTC(2026, 6, 15, 21, 59);
  const midnight = Date.UTC(2026, 6, 15, 22);
  const { book, reserve } = bookOf(budget('daily', { period: daily }));
  reserve('late', credits('6'), evening);
  expect(reserve('next-day', credits('10'), midnight)).toMatchObject({
    budgets: [{ periodStartsAt: midnight, availableCredits: 0n }],
  });
  expect(book.topUp('late', credits('10'))).toMatchObject({ kind: 'held' });
  book.settle('late', credits('8'));
  expect(book.standing(['daily'], evening)).toMatchObject([{ spentCredits: credits('8') }]);
  expect(book.standing(['daily'], midnight)).toMatchObject([
    { spentCredits: 0n, heldCredits: credits('10') },
  ]);
  expect(book.standing(['daily'], midnight + 24 * HOUR_MS)).toMatchObject([
    { heldCredits: 0n, availableCredits: credits('10') },
  ]);
});

test('a path may be empty or name a budget twice', () => {
  const { book } = bookOf(budget('only'));
  const path = { holdCredits: credits('1'), at: NOON };
  expect(book.reserve({ ...path, id: 'free', budgetIds: [] })).toMatchObject({ budgets: [] });
  book.reserve({ ...path, id: 'twice', budgetIds: ['only', 'only'] });
  expect(book.standing(['only', 'only'], NOON)).toMatchObject([
    { heldCredits: credits('1') },
    { heldCredits: credits('1') },
  ]);
});

test('an id holds once; what ended or was refused is not held', () => {
  const { book, reserve } = bookOf(budget('hard'));
  reserve('one', credits('2'));
  expect(reserve('one', credits('5'))).toEqual({ kind: 'known', holdCredits: credits('2') });
  reserve('refused', credits('9'));
  book.settle('one', credits('1'));
  for (const id of ['one', 'refused', 'never']) {
    expect(book.topUp(id, credits('3'))).toEqual({ kind: 'notHeld' });
    expect(book.settle(id, credits('3'))).toEqual({ kind: 'notHeld' });
    expect(book.release(id)).toEqual({ kind: 'notHeld' });
  }
  expect(book.standing(['hard'], NOON)).toMatchObject([{ spentCredits: credits('1') }]);
});

test('standings are values: later moves do not change them', () => {
  const { book, reserve } = bookOf(budget('hard'));
  const [before] = book.standing(['hard'], NOON);
  reserve('one', credits('2'));
  expect(before).toMatchObject({ heldCredits: 0n });
});

test('a budget nobody defined is a fault, and holds nothing on the others; amounts below zero and two of one id are bugs', () => {
  const { book, reserve } = bookOf(budget('hard'));
  expect(() =>
    book.reserve({ id: 'x', budgetIds: ['hard', 'none'], holdCredits: credits('1'), at: NOON }),
  ).toThrow('No budget is called none.');
  expect(book.standing(['hard'], NOON)).toMatchObject([{ heldCredits: 0n }]);
  expect(() => reserve('y', credits('-1'))).toThrow('not negative');
  expect(() => book.settle('y', credits('-1'))).toThrow('not negative');
  expect(() => new StandingBook([budget('a'), budget('a')])).toThrow('twice');
});
