/**
 * One virtual warehouse on the warehouse clock: its queue, its clusters, and what happens when.
 *
 * The model of time. A statement is *placed* when it gets one of the places (`MAX_CONCURRENCY_LEVEL` a cluster, first
 * come first served, on the cluster with the fewest statements), and *weighed* when the engine has said how much it
 * reads. From its place on, it takes its modelled work divided by its cluster's speed. Time between placing and
 * weighing counts at full speed, so that how long the engine takes on this machine never changes what a statement
 * costs. A statement that weighs nothing never starts a cluster: a full warehouse *opens* another one, which costs
 * money only from the place of its first weighed statement on.
 *
 * A cluster takes no time to start unless {@link FleetModel} says so; then the statement that woke it waits, and the
 * meter starts when it is ready. Another cluster is opened as soon as a statement would queue (STANDARD), or when the
 * queue holds six minutes of work (ECONOMY), where the work of a statement that is not weighed yet counts as the mean
 * of those that were.
 *
 * A resize is in force for statements weighed from then on; those that run keep their size, and a smaller size is
 * billed when the last of them has ended. A change of type, generation or resource constraint, and one from 5X-Large
 * or 6X-Large to less, replaces the clusters: the old ones are billed beside the new ones until their statements
 * end. A suspension and a drop wait for the statements that have a place in the same way.
 * Source: Snowflake, "Multi-cluster warehouses", "Working with warehouses" and "Understanding compute cost".
 */
import type { Clock, EpochMs } from '#base/time.js';
import type { WarehouseEvent } from '../metering/events.js';
import type { Seat } from './cluster.js';
import { ClusterSet } from './cluster-set.js';
import type { FleetModel } from './cluster-set.js';
import { isReplacement, isSameMake } from './definition.js';
import type { WarehouseDefinition } from './definition.js';
import type { Actor, Ended, Entering, Place, Placed, Servers } from './place.js';

const TIMER_MAX_MS = 2_000_000_000;
/** Statements that may wait on one warehouse. */
export const QUEUE_MAX = 10_000;
/** Source: Snowflake, "Multi-cluster warehouses": ECONOMY wants enough load to keep a cluster busy for six minutes. */
const ECONOMY_WORK_MS = 360_000;
const MEAN_OVER_STATEMENTS = 100;

interface Happening {
  readonly at: EpochMs;
  readonly play: () => void;
}

export class VirtualWarehouse {
  #definition: WarehouseDefinition;
  readonly #clock: Clock;
  readonly #clusters: ClusterSet;
  #queue: Seat[] = [];
  /** Those of the queue that have a limit. */
  readonly #impatient = new Set<Seat>();
  #meanWorkMs = 0;
  #weighedCount = 0;
  #isDropped = false;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param record gets every event at once, in the order in which they were caused.
   * @param model what is assumed beside the definition; a start takes no time unless it says so.
   */
  constructor(
    definition: WarehouseDefinition,
    clock: Clock,
    record: (event: WarehouseEvent) => void,
    model: FleetModel = { provisioningMs: 0 },
  ) {
    this.#definition = definition;
    this.#clock = clock;
    this.#clusters = new ClusterSet(() => this.#definition, record, model);
  }

  get definition(): WarehouseDefinition {
    return this.#definition;
  }

  /** STARTED as long as any cluster costs money. */
  get state(): 'STARTED' | 'SUSPENDED' {
    return this.#clusters.all.some((cluster) => cluster.isRunning) ? 'STARTED' : 'SUSPENDED';
  }

  /** Whether a statement may ask for a place: it runs, or may start by itself. */
  get isUsable(): boolean {
    return this.#clusters.running.length > 0 || this.#definition.autoResume;
  }

  /** Dropped, and its last statement has ended. */
  get isGone(): boolean {
    return this.#isDropped && this.state === 'SUSPENDED';
  }

  /** Statements that have a place. */
  get runningCount(): number {
    return this.#clusters.all.reduce((sum, cluster) => sum + cluster.seats.size, 0);
  }

  get queuedCount(): number {
    return this.#queue.length;
  }

  /** Clusters that take statements, those that only finish theirs, and when it last started. */
  get clusters(): {
    readonly started: number;
    readonly leaving: number;
    readonly resumedAt: EpochMs | undefined;
  } {
    const started = this.#clusters.running.length;
    const live = this.#clusters.all.filter((cluster) => cluster.isRunning).length;
    return { started, leaving: live - started, resumedAt: this.#clusters.resumedAt };
  }

  /** Asks for a place. The caller must end it by `weigh` or `leave`. */
  enter(entering: Entering = {}): Place {
    const now = this.#advance();
    const { arrivedAt = now, queueLimitMs = 0, expectedMs, onAbort } = entering;
    let onPlaced: Seat['onPlaced'] = () => undefined;
    const placed = new Promise<Placed>((resolve) => {
      onPlaced = resolve;
    });
    const seat: Seat = {
      arrivedAt,
      queueDeadline: queueLimitMs > 0 ? arrivedAt + queueLimitMs : Infinity,
      expectedMs,
      onPlaced,
      onAbort: onAbort ?? (() => undefined),
      placedAt: arrivedAt,
      cluster: undefined,
      work: undefined,
    };
    if (this.#isDropped) onPlaced({ how: 'left', at: now });
    else if (this.#queue.length >= QUEUE_MAX) onPlaced({ how: 'full', at: now });
    else {
      this.#queue.push(seat);
      if (seat.queueDeadline < Infinity) this.#impatient.add(seat);
      this.#fill(now, seat);
    }
    this.#arm();
    return {
      placed,
      weigh: (workMs, limitMs) => this.#weigh(seat, workMs, limitMs),
      leave: () => this.#leave(seat),
    };
  }

  /** Starts it; false when it runs already. */
  resume(reason: string, by?: Actor): boolean {
    const now = this.#advance();
    if (this.#clusters.running.length > 0) return false;
    this.#clusters.resume(now, reason, by);
    this.#fill(now);
    this.#arm();
    return true;
  }

  /** Stops it, after the statements on it have ended; false when it is suspended or stopping already. */
  suspend(reason: string, by?: Actor): boolean {
    const now = this.#advance();
    if (this.#clusters.running.length === 0) return false;
    this.#clusters.suspend(now, reason, by);
    this.#fill(now);
    this.#arm();
    return true;
  }

  /** New settings. Their effect on what runs is in the header of this file. */
  alter(definition: WarehouseDefinition, by?: Actor): void {
    const now = this.#advance();
    const before = this.#definition;
    this.#definition = definition;
    this.#clusters.changedAt = now;
    if (isReplacement(before, definition)) this.#clusters.replace(now, by);
    if (before.size !== definition.size || !isSameMake(before.make, definition.make))
      this.#clusters.resize(now, by);
    if (before.name !== definition.name) this.#clusters.tell(now, 'RENAMED', by);
    this.#clusters.fillMinimum(now);
    this.#fill(now);
    this.#arm();
  }

  /** Calls `onAbort` of every statement that runs or waits here. */
  abortAll(): void {
    this.#advance();
    const seats = [...this.#queue, ...this.#clusters.all.flatMap((cluster) => [...cluster.seats])];
    for (const seat of seats) seat.onAbort();
  }

  /** Brings the model up to the clock; timers do it by themselves. */
  settle(): void {
    this.#advance();
    this.#arm();
  }

  /** Takes it out of use: what waits leaves, what has a place ends, then it is gone. */
  drop(by?: Actor): void {
    const now = this.#advance();
    this.#isDropped = true;
    this.#emptyQueue(now);
    this.#clusters.drop(now, by);
    this.#arm();
  }

  /** Ends the timers, lets every statement leave and stops every cluster now. */
  close(reason: string): void {
    const now = this.#advance();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#emptyQueue(now);
    this.#clusters.shutDown(now, reason);
  }

  #emptyQueue(now: EpochMs): void {
    const waiting = this.#queue;
    this.#queue = [];
    this.#impatient.clear();
    for (const seat of waiting) seat.onPlaced({ how: 'left', at: now });
  }

  #weigh(seat: Seat, workOf: (servers: Servers) => number, limitMs: number): Promise<Ended> {
    const now = this.#advance();
    const { cluster } = seat;
    const { size, make } = this.#definition;
    if (cluster === undefined || seat.work !== undefined)
      return Promise.resolve({
        how: 'left',
        at: now,
        runningSince: now,
        provisioningMs: 0,
        size,
        make,
        cluster: cluster?.number ?? 1,
      });
    if (!cluster.isRunning)
      this.#clusters.wake(cluster, cluster.earliestPlacement(now), 'AUTORESUME');
    const servers = {
      size: cluster.leaving === undefined ? size : cluster.size,
      make: cluster.make,
    };
    const workMs = workOf(servers);
    this.#weighedCount = Math.min(this.#weighedCount + 1, MEAN_OVER_STATEMENTS);
    this.#meanWorkMs += (workMs - this.#meanWorkMs) / this.#weighedCount;
    const ended = new Promise<Ended>((resolve) => {
      const startedAt = Math.max(seat.placedAt, cluster.readyAt);
      const work = { size: servers.size, startedAt, workMs, limitMs, onEnded: resolve };
      const over = cluster.weigh(seat, work, now);
      if (over !== undefined) this.#end(seat, over.how, over.at);
    });
    this.#fill(now);
    this.#arm();
    return ended;
  }

  #leave(seat: Seat): void {
    const now = this.#advance();
    const { cluster } = seat;
    if (cluster === undefined) {
      if (!this.#queue.includes(seat)) return;
      this.#unqueue(seat);
      seat.onPlaced({ how: 'left', at: now });
    } else if (seat.work === undefined) {
      cluster.seats.delete(seat);
      seat.cluster = undefined;
      this.#clusters.afterStatement(cluster, now);
    } else this.#end(seat, 'left', now);
    this.#fill(now);
    this.#arm();
  }

  #end(seat: Seat, how: Ended['how'], at: EpochMs): void {
    const { cluster } = seat;
    if (cluster === undefined) return;
    cluster.end(seat, how, at);
    this.#clusters.afterStatement(cluster, at);
  }

  /** Plays everything that happened up to now, in order; returns that now: read twice, work in between would count twice. */
  #advance(): EpochMs {
    const now = this.#clock.now();
    for (;;) {
      const next = this.#next();
      if (next === undefined || next.at > now) break;
      this.#clusters.consume(next.at);
      next.play();
    }
    this.#clusters.consume(now);
    return now;
  }

  /** What happens next by itself; at one instant ends come before the queue limit, so that a place freed then is given. */
  #next(): Happening | undefined {
    const candidates: Happening[] = [];
    const end = this.#clusters.nextEnd();
    if (end !== undefined)
      candidates.push({
        at: end.at,
        play: () => {
          this.#end(end.seat, end.how, end.at);
          this.#fill(end.at);
        },
      });
    const impatient = this.#firstToGiveUp();
    if (impatient !== undefined) {
      const at = impatient.queueDeadline;
      candidates.push({
        at,
        play: () => {
          this.#unqueue(impatient);
          impatient.onPlaced({ how: 'limit', at });
        },
      });
    }
    const spinDown = this.#clusters.nextSpinDown();
    if (spinDown !== undefined)
      candidates.push({
        at: spinDown.at,
        play: () => this.#clusters.spinDown(spinDown.cluster, spinDown.at),
      });
    const suspension = this.#queue.length > 0 ? undefined : this.#clusters.nextSuspension();
    if (suspension !== undefined)
      candidates.push({
        at: suspension,
        play: () => this.#clusters.suspend(suspension, 'AUTOSUSPEND', undefined),
      });
    return candidates.reduce<Happening | undefined>(
      (first, one) => (first === undefined || one.at < first.at ? one : first),
      undefined,
    );
  }

  #unqueue(seat: Seat): void {
    this.#queue = this.#queue.filter((one) => one !== seat);
    this.#impatient.delete(seat);
  }

  #firstToGiveUp(): Seat | undefined {
    let first: Seat | undefined;
    for (const seat of this.#impatient)
      if (seat.queueDeadline < (first?.queueDeadline ?? Infinity)) first = seat;
    return first;
  }

  /** Gives places from the front of the queue; `fresh` has just come and gets its place from its arrival on. */
  #fill(at: EpochMs, fresh?: Seat): void {
    for (;;) {
      const [seat] = this.#queue;
      if (seat === undefined) return;
      const cluster =
        this.#clusters.leastLoaded() ?? (this.#wantsMore() ? this.#clusters.open() : undefined);
      if (cluster === undefined) return;
      this.#queue.shift();
      this.#impatient.delete(seat);
      seat.placedAt = seat === fresh ? seat.arrivedAt : Math.max(at, seat.arrivedAt);
      seat.cluster = cluster;
      cluster.seats.add(seat);
      seat.onPlaced({ how: 'placed', at: seat.placedAt });
    }
  }

  #wantsMore(): boolean {
    const { clustersMax, scalingPolicy } = this.#definition;
    if (this.#clusters.accepting.length >= clustersMax) return false;
    if (scalingPolicy === 'STANDARD') return true;
    let waitingMs = 0;
    for (const seat of this.#queue) waitingMs += seat.expectedMs ?? this.#meanWorkMs;
    return waitingMs >= ECONOMY_WORK_MS;
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const next = this.#next();
    if (next === undefined) {
      this.#timer = undefined;
      return;
    }
    const waitMs = Math.max(0, (next.at - this.#clock.now()) / this.#clock.scale);
    this.#timer = setTimeout(() => this.settle(), Math.min(Math.ceil(waitMs), TIMER_MAX_MS));
    this.#timer.unref();
  }
}
