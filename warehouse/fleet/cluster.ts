/**
 * One cluster of a virtual warehouse and the statements that have a place on it. It is *open* while it takes
 * statements without costing anything, *running* from its start to its stop, and *leaving* when it only waits for the
 * statements that it has.
 *
 * Up to four weighed statements run at full speed; k > 4 of them share four servings, so each runs at 4/k.
 */
import type { EpochMs } from '#base/time.js';
import type { WarehouseMake } from './rates.js';
import { compareSizes } from './rates.js';
import type { Actor, Ended, Placed } from './place.js';
import type { WarehouseSize } from './rates.js';

const FULL_SPEED_STATEMENTS = 4;

/** What a statement takes once it is weighed. */
interface Work {
  readonly size: WarehouseSize;
  readonly startedAt: EpochMs;
  readonly deadline: EpochMs;
  remainingMs: number;
  readonly onEnded: (ended: Ended) => void;
}

/** A statement in the queue or on a cluster. */
export interface Seat {
  readonly arrivedAt: EpochMs;
  readonly queueDeadline: EpochMs;
  /** Work that the statement is known to need, for the scaling policy; undefined when it is not known yet. */
  readonly expectedMs: number | undefined;
  readonly onPlaced: (placed: Placed) => void;
  readonly onAbort: () => void;
  placedAt: EpochMs;
  cluster: Cluster | undefined;
  work: Work | undefined;
}

/** The next statement that ends by itself. */
export interface ComingEnd {
  readonly seat: Seat;
  readonly how: 'done' | 'limit';
  readonly at: EpochMs;
}

export class Cluster {
  readonly number: number;
  readonly make: WarehouseMake;
  readonly seats: Set<Seat> = new Set();
  isRunning = false;
  /** Set when it takes no more statements and stops after those it has. */
  leaving:
    | {
        readonly at: EpochMs;
        readonly reason: string;
        readonly by: Actor | undefined;
      }
    | undefined;
  /** When its servers were there. */
  readyAt: EpochMs = 0;
  /** End of its last weighed statement, or its start. */
  idleSince: EpochMs = 0;
  /** Size that it costs at present: statements of an earlier, larger size keep it until they end. */
  size: WarehouseSize;
  /** Time of its last event; a later event never stands before it. */
  writtenAt: EpochMs = 0;
  #consumedTo: EpochMs = 0;

  constructor(number: number, size: WarehouseSize, make: WarehouseMake) {
    this.number = number;
    this.size = size;
    this.make = make;
  }

  /** The instant from which it must run if one of its statements turns out to need it. */
  earliestPlacement(fallback: EpochMs): EpochMs {
    let earliest = fallback;
    for (const seat of this.seats) earliest = Math.min(earliest, seat.placedAt);
    return earliest;
  }

  /** The larger of `size` and the sizes that its weighed statements started with. */
  neededSize(size: WarehouseSize): WarehouseSize {
    let needed = size;
    for (const { work } of this.seats)
      if (work !== undefined && compareSizes(work.size, needed) > 0) needed = work.size;
    return needed;
  }

  /** Plays the work of its statements up to `until`. */
  consume(until: EpochMs): void {
    const servedMs = Math.max(0, until - Math.max(this.#consumedTo, this.readyAt)) * this.#speed();
    this.#consumedTo = Math.max(this.#consumedTo, until);
    for (const { work } of this.seats)
      if (work !== undefined) work.remainingMs = Math.max(0, work.remainingMs - servedMs);
  }

  /** The weighed statement that ends first, by its work or its limit. */
  nextEnd(): ComingEnd | undefined {
    const speed = this.#speed();
    const from = Math.max(this.#consumedTo, this.readyAt);
    let next: ComingEnd | undefined;
    for (const seat of this.seats) {
      if (seat.work === undefined) continue;
      const doneAt = Math.ceil(from + seat.work.remainingMs / speed);
      const how = doneAt <= seat.work.deadline ? 'done' : 'limit';
      const at = Math.min(doneAt, seat.work.deadline);
      if (next === undefined || at < next.at) next = { seat, how, at };
    }
    return next;
  }

  /**
   * Starts the clock of a statement that has a place here. Time since its place counts at full speed.
   *
   * @returns how it has ended already, or undefined while it still runs.
   */
  weigh(
    seat: Seat,
    work: Omit<Work, 'remainingMs' | 'deadline'> & {
      readonly workMs: number;
      readonly limitMs: number;
    },
    now: EpochMs,
  ): ComingEnd | undefined {
    const { startedAt, workMs, limitMs, size, onEnded } = work;
    const deadline = limitMs > 0 ? startedAt + limitMs : Infinity;
    const remainingMs = workMs - Math.max(0, now - startedAt);
    seat.work = { size, startedAt, deadline, remainingMs: Math.max(0, remainingMs), onEnded };
    const doneAt = startedAt + workMs;
    if (doneAt > deadline && deadline <= now) return { seat, how: 'limit', at: deadline };
    return remainingMs <= 0 ? { seat, how: 'done', at: doneAt } : undefined;
  }

  /** Takes a weighed statement off and tells its owner. */
  end(seat: Seat, how: Ended['how'], at: EpochMs): void {
    this.seats.delete(seat);
    seat.cluster = undefined;
    this.idleSince = Math.max(this.idleSince, at);
    const { work } = seat;
    if (work === undefined) return;
    const runningSince = Math.min(work.startedAt, at);
    work.onEnded({
      how,
      at,
      runningSince,
      provisioningMs: Math.max(0, runningSince - seat.placedAt),
      size: work.size,
      make: this.make,
      cluster: this.number,
    });
  }

  #speed(): number {
    let weighed = 0;
    for (const { work } of this.seats) if (work !== undefined) weighed += 1;
    return weighed <= FULL_SPEED_STATEMENTS ? 1 : FULL_SPEED_STATEMENTS / weighed;
  }
}
