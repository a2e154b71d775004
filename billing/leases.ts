/**
 * The leases of one replica: what it may hold of busy budgets without locking their rows. Everything here is a guess
 * that keeps work from the hot rows; whether a lease carries a statement, the database says when the hold is written
 * (postgres/reserve-leased.ts), so a wrong guess costs a round trip and never a credit.
 *
 * A path (the budgets of a statement) is leased when it is busy: a lease is filled for the next two seconds before it
 * is used up, given back when nobody used it for as long, and at once when another replica asks for it. A replica that was
 * asked decides on the period for a while.
 */
import type { Occupancy } from '#base/metrics.js';
import type { Database } from '#base/postgres/pool.js';
import type { Clock, EpochMs } from '#base/time.js';
import {
  NO_CREDITS,
  addCredits,
  sumCredits,
  maxAmount,
  minAmount,
  subtractCredits,
} from '#base/units.js';
import type { Credits } from '#base/units.js';
import type { ReserveRequest } from './ledger.js';
import {
  askBack,
  reclaimExpired,
  refillLeases,
  renewLeases,
  returnAll,
  returnIdle,
  takeIdle,
} from './postgres/lease-rows.js';
import { LEASE_MS } from './postgres/lease-rows.js';
import type { LeaseRow, Returnable } from './postgres/lease-rows.js';

/** A path is busy from this many statements a second on, where nothing else is said. */
export const BUSY_PER_SECOND = 50;
/** A lease is filled for this long, and given back when it was not used for as long. */
const AHEAD_MS = 2_000;
/** Once asked for its idle parts, a replica takes no lease of that period for this long. */
const EXACT_MS = 2_000;
/** Budgets that are leased at once, at most. */
const LEASES_MAX = 1_000;
/** Without the ledger a lease is used up to this long before it may have ended. */
const OFFLINE_MARGIN_MS = 1_000;
/**
 * After the ledger was away for this replica, leases that have ended are left alone for this long: others post first what
 * they admitted under them.
 */
export const AFTER_OUTAGE_MS = 15_000;

export interface LeasesOptions {
  readonly db: Database;
  readonly clock: Clock;
  /** This incarnation's id: another one's leases are not ours, even after a restart. */
  readonly replica: string;
  /** From how many statements a second on a path is busy; 0: nothing is leased. */
  readonly fromPerSecond?: number;
  /** Monotonic milliseconds. */
  readonly realNow: () => number;
  /** Monotonic: before this, leases of others that have ended are left alone. */
  readonly reclaimFromMs?: number;
  /** For so long after the ledger's server has started, nothing is taken from others; {@link AFTER_OUTAGE_MS}. */
  readonly calmMs?: number;
  /** Told of a refill or return that failed; the next one tries again. */
  readonly onProblem: (cause: unknown, what: string) => void;
}

interface Lease {
  readonly row: LeaseRow;
  idleCredits: Credits;
  /** Taken by statements whose holds are being written. */
  takenCredits: Credits;
  usedAt: number;
  /** Idle as a renewal found it, on the disk of the ledger, less what was taken since. */
  durableCredits: Credits;
  /** When that renewal was sent: the lease lasts at least {@link LEASE_MS} from then. */
  renewedAt: number;
}

export interface AskedBack extends Returnable {
  /** False: the ledger was away a short while ago, and others may have promised what they have idle. */
  readonly mayTake: boolean;
}

/** What a path asked for in the second that is under way and in the one before. */
interface Rate {
  second: number;
  count: number;
  credits: Credits;
  before: { readonly count: number; readonly credits: Credits };
}

export class Leases {
  readonly #options: LeasesOptions;
  readonly #leases = new Map<string, Lease>();
  readonly #rates = new Map<string, Rate>();
  /** By the id of a period, and of its budget where that is known. */
  readonly #exactUntil = new Map<string, number>();
  /** Under way, by the key of the path. */
  readonly #refilling = new Map<string, Promise<void>>();
  readonly #asking = new Map<string, Promise<AskedBack>>();
  readonly #taking = new Map<string, Promise<void>>();
  /** Taken without the ledger, by budget, and not posted yet: never given back. */
  readonly #promised = new Map<string, Credits>();
  #reclaimFromMs: number;
  #sequence = 0n;
  #isStopped = false;

  constructor(options: LeasesOptions) {
    this.#options = options;
    this.#reclaimFromMs = options.reclaimFromMs ?? Number.NEGATIVE_INFINITY;
  }

  get replica(): string {
    return this.#options.replica;
  }

  /** Monotonic milliseconds. */
  realNow(): number {
    return this.#options.realNow();
  }

  /** Budgets leased here of those that may be; like the next two for metrics. */
  get occupancy(): Occupancy {
    return { used: this.#leases.size, max: LEASES_MAX };
  }

  get size(): number {
    return this.#leases.size;
  }

  get idleCredits(): Credits {
    return sumCredits([...this.#leases.values()].map(({ idleCredits }) => idleCredits));
  }

  /** Takes the hold from the leases of every budget of the path: their ids, or undefined when one does not have it. */
  take(request: ReserveRequest): readonly string[] | undefined {
    this.#note(request);
    const { holdCredits, ticket } = request;
    const path = new Set(request.budgetIds);
    const leases: Lease[] = [];
    for (const budgetId of path) {
      const lease = this.#leases.get(budgetId);
      if (lease === undefined || lease.idleCredits < holdCredits) return undefined;
      const { startsAt, endsAt } = lease.row;
      if (ticket.occurredAt < startsAt || ticket.occurredAt >= endsAt) return undefined;
      leases.push(lease);
    }
    if (leases.length === 0) return undefined;
    for (const lease of leases) {
      lease.idleCredits = subtractCredits(lease.idleCredits, holdCredits);
      lease.takenCredits = addCredits(lease.takenCredits, holdCredits);
      lease.durableCredits = atLeastNone(subtractCredits(lease.durableCredits, holdCredits));
      lease.usedAt = this.#options.realNow();
    }
    return leases.map(({ row }) => row.id);
  }

  /**
   * What may be promised of a budget while the ledger does not answer: what a renewal saw on its disk, until the lease
   * may have ended by its clock. A filling that a crash may have forgotten does not count.
   */
  offlineCredits(budgetId: string, at: EpochMs): Credits {
    const lease = this.#leases.get(budgetId);
    if (lease === undefined || at < lease.row.startsAt || at >= lease.row.endsAt) return NO_CREDITS;
    const isOver = this.#options.realNow() - lease.renewedAt > LEASE_MS - OFFLINE_MARGIN_MS;
    return isOver ? NO_CREDITS : minAmount(lease.durableCredits, lease.idleCredits);
  }

  /** The ledger does not answer this replica: what others have leased is left alone until a while after it does again. */
  sawAway(): void {
    this.#reclaimFromMs = Number.POSITIVE_INFINITY;
  }

  /** Promises credits of a lease that {@link offlineCredits} has just found there. */
  promise(budgetId: string, credits: Credits): void {
    const lease = this.#leases.get(budgetId);
    if (lease !== undefined) this.#lower(lease, credits);
    this.#promised.set(budgetId, addCredits(this.#promised.get(budgetId) ?? NO_CREDITS, credits));
  }

  /** A promise that has ended: the ledger has its hold, or its statement was not sent (`isUnused`). */
  kept(budgetId: string, credits: Credits, isUnused: boolean): void {
    const left = atLeastNone(subtractCredits(this.#promised.get(budgetId) ?? NO_CREDITS, credits));
    if (left === NO_CREDITS) this.#promised.delete(budgetId);
    else this.#promised.set(budgetId, left);
    const lease = this.#leases.get(budgetId);
    if (!isUnused || lease === undefined) return;
    lease.idleCredits = addCredits(lease.idleCredits, credits);
    lease.durableCredits = addCredits(lease.durableCredits, credits);
  }

  #lower(lease: Lease, credits: Credits): void {
    lease.idleCredits = atLeastNone(subtractCredits(lease.idleCredits, credits));
    lease.durableCredits = atLeastNone(subtractCredits(lease.durableCredits, credits));
    lease.usedAt = this.#options.realNow();
  }

  /** What became of the statements that leases were taken for. */
  written(
    outcomes: readonly { readonly request: ReserveRequest; readonly isHeld: boolean }[],
  ): void {
    for (const { request, isHeld } of outcomes) {
      for (const budgetId of new Set(request.budgetIds)) {
        const lease = this.#leases.get(budgetId);
        if (lease === undefined) continue;
        const left = subtractCredits(lease.takenCredits, request.holdCredits);
        lease.takenCredits = maxAmount(left, NO_CREDITS);
        // What the database did not confirm is not counted on before the next beat says what there is.
        if (!isHeld) lease.idleCredits = NO_CREDITS;
        if (!isHeld) lease.durableCredits = NO_CREDITS;
      }
    }
  }

  /** Fills the leases of a busy path in the background, before they are used up. */
  refillSoon(request: ReserveRequest): void {
    const key = pathKey(request);
    const rate = this.#rates.get(key);
    if (rate === undefined || this.#isStopped || this.#refilling.has(key)) return;
    const count = Math.max(rate.count, rate.before.count);
    const from = this.#options.fromPerSecond ?? BUSY_PER_SECOND;
    if (from === 0 || count < from) return;
    if (request.budgetIds.some((id) => this.#isExactNow(id))) return;
    const perSecond = maxAmount(rate.credits, rate.before.credits);
    const short = [...new Set(request.budgetIds)].filter(
      (id) => (this.#leases.get(id)?.idleCredits ?? NO_CREDITS) < perSecond,
    );
    if (short.length === 0 || this.#leases.size + short.length > LEASES_MAX) return;
    const refill = this.#refill(short, addCredits(perSecond, perSecond))
      .catch((thrown: unknown) => this.#options.onProblem(thrown, 'a lease could not be filled'))
      .finally(() => this.#refilling.delete(key));
    this.#refilling.set(key, refill);
  }

  /** Resolves when the refills under way have ended, each in a lease or a problem told. */
  async filled(): Promise<void> {
    await Promise.allSettled(this.#refilling.values());
  }

  async #refill(budgetIds: readonly string[], wantedCredits: Credits): Promise<void> {
    const { db, replica, clock, realNow } = this.#options;
    this.#sequence += 1n;
    const sequence = this.#sequence;
    const refills = budgetIds.map((budgetId) => ({ budgetId, wantedCredits, sequence }));
    for (const row of await refillLeases(db, replica, refills, clock.now())) {
      const other = this.#leases.get(row.budgetId);
      const same = other?.row.id === row.id ? other : undefined;
      const takenCredits = same?.takenCredits ?? NO_CREDITS;
      this.#leases.set(row.budgetId, {
        row,
        idleCredits: this.#idleOf(row.budgetId, row.idleCredits, takenCredits),
        takenCredits,
        usedAt: realNow(),
        durableCredits: same?.durableCredits ?? NO_CREDITS,
        renewedAt: same?.renewedAt ?? Number.NEGATIVE_INFINITY,
      });
      // Asked for while it was being filled: it goes back at once.
      if (this.#isExactNow(row.periodId)) await this.askedBack(row.periodId);
    }
  }

  /** Another replica is short of a period: what is idle of it here goes back, and no more is leased for a while. */
  async askedBack(periodId: string): Promise<void> {
    const until = this.#options.realNow() + EXACT_MS;
    this.#exactUntil.set(periodId, until);
    const own = [...this.#leases.values()].filter(
      ({ row }) => row.periodId === periodId && !this.#promised.has(row.budgetId),
    );
    for (const { row } of own) this.#exactUntil.set(row.budgetId, until);
    if (own.length > 0) await this.#giveBack(own.map(({ row }) => row));
  }

  async #giveBack(rows: readonly LeaseRow[]): Promise<void> {
    const { db, replica, clock } = this.#options;
    for (const { budgetId } of rows) this.#leases.delete(budgetId);
    const periodIds = rows.map(({ periodId }) => periodId);
    await returnIdle(db, replica, periodIds, clock.now());
  }

  /** Asks everybody, this replica too, for the idle parts of a period. */
  ask(periodId: string): Promise<AskedBack> {
    return once(this.#asking, periodId, () => this.#ask(periodId));
  }

  /**
   * Takes what others have idle of a period and have not given back, so that a holder that stands still keeps nobody
   * out. Where {@link ask} said `mayTake`.
   */
  takeBack(periodId: string): Promise<void> {
    const { db, replica, clock, calmMs = AFTER_OUTAGE_MS } = this.#options;
    return once(this.#taking, periodId, () =>
      takeIdle(db, replica, periodId, { at: clock.now(), calmMs }),
    );
  }

  async #ask(periodId: string): Promise<AskedBack> {
    const { db, realNow, calmMs = AFTER_OUTAGE_MS } = this.#options;
    const found = await askBack(db, periodId);
    if (found.idleCredits > NO_CREDITS) await this.askedBack(periodId);
    return { ...found, mayTake: found.upMs >= calmMs && realNow() >= this.#reclaimFromMs };
  }

  /** Renews what is in use, gives back what is not, and ends what others left. Called every two seconds. */
  async beat(): Promise<void> {
    const { db, clock, realNow } = this.#options;
    const now = realNow();
    const unused = [...this.#leases.values()].filter(
      ({ usedAt, row }) =>
        !this.#promised.has(row.budgetId) && (now - usedAt > AHEAD_MS || clock.now() >= row.endsAt),
    );
    try {
      // While the ledger is away nothing can go back, and what is forgotten here cannot be promised.
      const isAway = this.#reclaimFromMs === Number.POSITIVE_INFINITY;
      if (unused.length > 0 && !isAway) await this.#giveBack(unused.map(({ row }) => row));
      await this.#renew(now);
    } catch (thrown) {
      this.sawAway();
      throw thrown;
    }
    if (this.#reclaimFromMs === Number.POSITIVE_INFINITY)
      this.#reclaimFromMs = realNow() + AFTER_OUTAGE_MS;
    if (realNow() >= this.#reclaimFromMs) await reclaimExpired(db, clock.now());
    for (const [key, rate] of this.#rates)
      if (Math.floor(now / 1000) - rate.second > 1) this.#rates.delete(key);
    for (const [key, until] of this.#exactUntil) if (until <= now) this.#exactUntil.delete(key);
  }

  async #renew(sentAt: number): Promise<void> {
    const { db, replica, clock } = this.#options;
    const idle = await renewLeases(db, replica);
    const known = new Set<string>();
    for (const lease of this.#leases.values()) {
      const { budgetId, periodId } = lease.row;
      known.add(periodId);
      const credits = idle.get(periodId);
      lease.idleCredits = this.#idleOf(budgetId, credits ?? NO_CREDITS, lease.takenCredits);
      lease.durableCredits = lease.idleCredits;
      if (credits !== undefined) lease.renewedAt = sentAt;
    }
    // Filled, and the answer was lost.
    const unknown = [...idle.keys()].filter((periodId) => !known.has(periodId));
    if (unknown.length > 0) await returnIdle(db, replica, unknown, clock.now());
  }

  /** What the ledger says is idle, less what statements are being held by and what was promised. */
  #idleOf(budgetId: string, credits: Credits, takenCredits: Credits): Credits {
    const promised = this.#promised.get(budgetId) ?? NO_CREDITS;
    return atLeastNone(subtractCredits(credits, addCredits(takenCredits, promised)));
  }

  /** Gives everything back; nothing is leased afterwards. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    // One that is still on its way would lease again what is given back below.
    await this.filled();
    this.#leases.clear();
    await returnAll(this.#options.db, this.#options.replica, this.#options.clock.now());
  }

  #isExactNow(id: string): boolean {
    return (this.#exactUntil.get(id) ?? 0) > this.#options.realNow();
  }

  #note(request: ReserveRequest): void {
    const key = pathKey(request);
    const second = Math.floor(this.#options.realNow() / 1000);
    const rate = this.#rates.get(key);
    if (rate?.second === second) {
      rate.count += 1;
      rate.credits = addCredits(rate.credits, request.holdCredits);
      return;
    }
    const before =
      rate?.second === second - 1
        ? { count: rate.count, credits: rate.credits }
        : { count: 0, credits: NO_CREDITS };
    if (rate === undefined && this.#rates.size >= LEASES_MAX) return;
    this.#rates.set(key, { second, count: 1, credits: request.holdCredits, before });
  }
}

/** One call for a key at a time; who comes meanwhile shares it. */
function once<T>(
  underWay: Map<string, Promise<T>>,
  key: string,
  call: () => Promise<T>,
): Promise<T> {
  const made = underWay.get(key) ?? call().finally(() => underWay.delete(key));
  underWay.set(key, made);
  return made;
}

function atLeastNone(credits: Credits): Credits {
  return maxAmount(credits, NO_CREDITS);
}

function pathKey({ budgetIds }: ReserveRequest): string {
  return budgetIds.toSorted().join('\n');
}
