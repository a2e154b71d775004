/**
 * Budgets in memory, by the rules of the ledger: for a past that no database holds (`tollgate replay`). The same moves
 * in the same order end as they end in Postgres, with the same standings (`standing-book.pg.test.ts` compares them).
 *
 * It has no clock and one caller, and remembers a hold until it ends: what was closed is unknown afterwards. So it is
 * as large as what is held at once, and a few amounts for each period of a budget that something was held in.
 */
import { assert } from '#base/assert.js';
import { Fault } from '#base/errors.js';
import type { EpochMs, Period } from '#base/time.js';
import { NO_CREDITS, addCredits, maxAmount, subtractCredits } from '#base/units.js';
import type { Credits } from '#base/units.js';
import type {
  BudgetStanding,
  ReleaseOutcome,
  ReserveOutcome,
  SettleOutcome,
  TopUpOutcome,
} from './ledger.js';
import { carriesAnything, creditsToCarry, periodsBetween } from './carry.js';
import type { CarryRule } from './carry.js';
import { periodAt } from './period.js';
import type { PeriodRule } from './period.js';
import { availableOf, shortOfCarried, tightest } from './standing.js';

/** A budget as it is defined; every period opens with its limit, and what the one before carries into it. */
export interface BookBudget {
  readonly id: string;
  readonly isHard: boolean;
  /** null: unlimited. */
  readonly limitCredits: Credits | null;
  readonly period: PeriodRule;
  /** Absent: nothing is carried. */
  readonly carry?: CarryRule | null;
}

export interface BookReservation {
  /** Of the statement; any text that no open hold has. */
  readonly id: string;
  /** Every budget on the statement's path; all or none are held against. */
  readonly budgetIds: readonly string[];
  readonly holdCredits: Credits;
  readonly at: EpochMs;
}

/** Nothing is held under this id: it was refused, has ended, or never was. */
export interface NotHeld {
  readonly kind: 'notHeld';
}

export type BookReserveOutcome =
  | Extract<ReserveOutcome, { kind: 'held' | 'refused' }>
  /** Something is held under this id already; nothing was added. */
  | { readonly kind: 'known'; readonly holdCredits: Credits };
export type BookTopUpOutcome = Exclude<TopUpOutcome, { kind: 'closed' }> | NotHeld;
export type BookSettleOutcome =
  Omit<Extract<SettleOutcome, { kind: 'charged' }>, 'chargedMoney'> | NotHeld;
export type BookReleaseOutcome = Extract<ReleaseOutcome, { kind: 'released' }> | NotHeld;

/** A period of a budget, with the amounts as they are now. */
type BookPeriod = {
  -readonly [Key in keyof BudgetStanding]: BudgetStanding[Key];
};

/** A period with the next one of its budget, which what it has left is carried into. */
interface Link {
  readonly period: BookPeriod;
  readonly carry: CarryRule | null;
  carriedCredits: Credits;
  next: Link | null;
}

interface Hold {
  /** The periods that admitted it, in the order of their budgets' ids. */
  readonly periods: readonly BookPeriod[];
  holdCredits: Credits;
}

/** Standings of budgets in memory, with the periods that moves open. */
export class StandingBook {
  readonly #budgets: ReadonlyMap<string, BookPeriods>;
  readonly #holds = new Map<string, Hold>();

  /** @param budgets each id once. */
  constructor(budgets: readonly BookBudget[]) {
    this.#budgets = new Map(budgets.map((budget) => [budget.id, new BookPeriods(budget)]));
    assert(this.#budgets.size === budgets.length, 'a budget is defined twice');
  }

  /** How many statements hold something, or have a hold of nothing. */
  get openHolds(): number {
    return this.#holds.size;
  }

  /**
   * Holds on every budget of the path, in the periods that contain `at`, or on none.
   * @returns `held` with the standings after it, by budget id; `refused` with the hard budget that lacks the most;
   *   `known` when something is held under the id.
   * @throws Fault `controlStale` for a budget the book does not have.
   */
  reserve({ id, budgetIds, holdCredits, at }: BookReservation): BookReserveOutcome {
    assert(holdCredits >= 0n, 'a hold is not negative');
    const known = this.#holds.get(id);
    if (known !== undefined) return { kind: 'known', holdCredits: known.holdCredits };
    const periods = this.#periodsAt(budgetIds, at);
    const shortage = tightest(periods, holdCredits);
    if (shortage !== undefined) {
      const { budget, shortByCredits } = shortage;
      return { kind: 'refused', budget: { ...budget }, shortByCredits };
    }
    for (const period of periods) this.#holdMore(period, holdCredits);
    this.#holds.set(id, { periods, holdCredits });
    return { kind: 'held', holdCredits, budgets: periods.map((period) => ({ ...period })) };
  }

  /**
   * Raises a hold to `holdCredits` in all, in the periods that admitted it.
   * @returns `held`; `replayed` when as much is held already; `refused` with the hard budget that lacks the most,
   *   nothing added; `notHeld`.
   */
  topUp(id: string, holdCredits: Credits): BookTopUpOutcome {
    const hold = this.#holds.get(id);
    if (hold === undefined) return { kind: 'notHeld' };
    if (hold.holdCredits >= holdCredits) return { kind: 'replayed', holdCredits: hold.holdCredits };
    const added = subtractCredits(holdCredits, hold.holdCredits);
    const shortage = tightest(hold.periods, added);
    if (shortage !== undefined) {
      const { budget, shortByCredits } = shortage;
      return { kind: 'refused', budget: { ...budget }, shortByCredits };
    }
    // What is left of a period that has ended may have been carried on: then it is taken from there too, or not at all.
    const before = this.#following(hold);
    for (const period of hold.periods) this.#holdMore(period, added);
    const lacking = shortOfCarried(before, this.#following(hold));
    if (lacking !== undefined) {
      for (const period of hold.periods) this.#holdMore(period, subtractCredits(NO_CREDITS, added));
      return { kind: 'refused', ...lacking };
    }
    hold.holdCredits = holdCredits;
    return { kind: 'held', holdCredits };
  }

  /**
   * Closes a hold with what was used, whatever the amount, in the periods that admitted it (I6).
   * @returns `charged`, with what was used above the hold; `notHeld`.
   */
  settle(id: string, usedCredits: Credits): BookSettleOutcome {
    assert(usedCredits >= 0n, 'what was used is not negative');
    const hold = this.#close(id, usedCredits);
    if (hold === undefined) return { kind: 'notHeld' };
    const overrun = subtractCredits(usedCredits, hold.holdCredits);
    return {
      kind: 'charged',
      chargedCredits: usedCredits,
      overrunCredits: maxAmount(overrun, NO_CREDITS),
    };
  }

  /** Gives a hold back. @returns `released`; `notHeld`. */
  release(id: string): BookReleaseOutcome {
    const hold = this.#close(id, NO_CREDITS);
    if (hold === undefined) return { kind: 'notHeld' };
    return { kind: 'released', releasedCredits: hold.holdCredits };
  }

  /**
   * How the budgets stand in the periods that contain `at`, in the order asked.
   * @throws Fault `controlStale` for a budget the book does not have.
   */
  standing(budgetIds: readonly string[], at: EpochMs): readonly BudgetStanding[] {
    return budgetIds.map((id) => ({ ...this.#budget(id).at(at) }));
  }

  #close(id: string, usedCredits: Credits): Hold | undefined {
    const hold = this.#holds.get(id);
    if (hold === undefined) return undefined;
    this.#holds.delete(id);
    for (const period of hold.periods) {
      endHold(period, hold, usedCredits);
      this.#budget(period.budgetId).moved(period);
    }
    return hold;
  }

  /** As they stand: the periods that what is left of the hold's own was carried into. */
  #following(hold: Hold): readonly BudgetStanding[] {
    return hold.periods.flatMap((period) => this.#budget(period.budgetId).following(period));
  }

  #holdMore(period: BookPeriod, addedCredits: Credits): void {
    holdMore(period, addedCredits);
    this.#budget(period.budgetId).moved(period);
  }

  #periodsAt(budgetIds: readonly string[], at: EpochMs): readonly BookPeriod[] {
    const periods = [...new Set(budgetIds)].map((id) => this.#budget(id).at(at));
    return periods.sort((a, b) => (a.budgetId < b.budgetId ? -1 : 1));
  }

  #budget(id: string): BookPeriods {
    const budget = this.#budgets.get(id);
    if (budget === undefined)
      throw new Fault('controlStale', `No budget is called ${id.slice(0, 200)}.`);
    return budget;
  }
}

/** The periods of one budget that were asked for. */
class BookPeriods {
  readonly #budget: BookBudget;
  readonly #byStart = new Map<EpochMs, Link>();
  // To find a period in its time zone takes a thousand times as long as to compare with the one of last time.
  #latest: BookPeriod | undefined;

  constructor(budget: BookBudget) {
    this.#budget = budget;
  }

  /** The period that contains `at`, opened with its limit, and what is carried, if it was not. */
  at(at: EpochMs): BookPeriod {
    const latest = this.#latest;
    if (latest !== undefined && latest.periodStartsAt <= at && at < latest.periodEndsAt)
      return latest;
    const period = periodAt(this.#budget.period, at);
    const link = this.#byStart.get(period.startsAt) ?? this.#open(period);
    this.#latest = link.period;
    return link.period;
  }

  /** Follows what moved in the period into those after it. */
  moved(period: BookPeriod): void {
    let from = this.#byStart.get(period.periodStartsAt);
    for (let to = from?.next ?? null; from !== undefined && to !== null; to = to.next) {
      carryOn(from, to);
      from = to;
    }
  }

  /** Copies of the periods that what is left of this one was carried into, in their order. */
  following(period: BookPeriod): readonly BudgetStanding[] {
    const found: BudgetStanding[] = [];
    let link = this.#byStart.get(period.periodStartsAt)?.next ?? null;
    for (; link !== null; link = link.next) found.push({ ...link.period });
    return found;
  }

  #open(period: Period): Link {
    const { carry = null } = this.#budget;
    const before = carry !== null && carriesAnything(carry) ? this.#before(period) : undefined;
    if (before === undefined) return this.#add(period);
    const between = periodsBetween(this.#budget.period, before.period.periodEndsAt, period);
    let last = before;
    for (const each of [...between, period]) {
      const link = this.#add(each);
      last.next = link;
      carryOn(last, link);
      last = link;
    }
    return last;
  }

  #add({ startsAt, endsAt }: Period): Link {
    const period = openPeriod(this.#budget, startsAt, endsAt);
    const link: Link = {
      period,
      carry: this.#budget.carry ?? null,
      carriedCredits: NO_CREDITS,
      next: null,
    };
    this.#byStart.set(startsAt, link);
    return link;
  }

  #before({ startsAt }: Period): Link | undefined {
    let found: Link | undefined;
    for (const link of this.#byStart.values())
      if (link.period.periodEndsAt <= startsAt && link.period.periodEndsAt > endOf(found))
        found = link;
    return found;
  }
}

function endOf(link: Link | undefined): EpochMs {
  return link === undefined ? Number.NEGATIVE_INFINITY : link.period.periodEndsAt;
}

function carryOn(from: Link, to: Link): void {
  const { limitCredits, spentCredits, heldCredits } = from.period;
  if (from.carry === null || limitCredits === null || to.period.limitCredits === null) return;
  const carried = creditsToCarry(from.carry, {
    limitCredits: subtractCredits(limitCredits, from.carriedCredits),
    grantedCredits: NO_CREDITS,
    carriedCredits: from.carriedCredits,
    usedCredits: addCredits(spentCredits, heldCredits),
  });
  const added = subtractCredits(carried, to.carriedCredits);
  to.period.limitCredits = addCredits(to.period.limitCredits, added);
  to.carriedCredits = carried;
  refresh(to.period);
}

function openPeriod(budget: BookBudget, startsAt: EpochMs, endsAt: EpochMs): BookPeriod {
  return {
    budgetId: budget.id,
    periodStartsAt: startsAt,
    periodEndsAt: endsAt,
    isHard: budget.isHard,
    limitCredits: budget.limitCredits,
    spentCredits: NO_CREDITS,
    heldCredits: NO_CREDITS,
    availableCredits: budget.limitCredits,
  };
}

function holdMore(period: BookPeriod, addedCredits: Credits): void {
  period.heldCredits = addCredits(period.heldCredits, addedCredits);
  refresh(period);
}

function endHold(period: BookPeriod, hold: Hold, usedCredits: Credits): void {
  period.heldCredits = subtractCredits(period.heldCredits, hold.holdCredits);
  period.spentCredits = addCredits(period.spentCredits, usedCredits);
  refresh(period);
}

function refresh(period: BookPeriod): void {
  const { limitCredits, spentCredits, heldCredits } = period;
  period.availableCredits = availableOf({ limitCredits, spentCredits, heldCredits });
}
