/**
 * One virtual warehouse on the warehouse clock: suspended or running, at most `maxConcurrency` statements at once,
 * the rest in a queue.
 *
 * The model of time. A statement is *placed* when it gets one of the places, and *weighed* when the engine has said
 * how much it reads. Up to four weighed statements run at full speed; k > 4 of them share four servings, so each
 * runs at 4/k. Time between placing and weighing counts at full speed, so that how long the engine takes on this
 * machine never changes what a statement costs. A statement that weighs nothing never starts the warehouse.
 */
import type { Clock, EpochMs } from '#base/time.js';
import type { WarehouseEvent, WarehouseEventName } from '../metering/events.js';
import type { WarehouseSize } from './rates.js';

const FULL_SPEED_STATEMENTS = 4;
const TIMER_MAX_MS = 2_000_000_000;
const FIRST_CLUSTER = 1;

/** What an administrator sets. */
export interface WarehouseDefinition {
  readonly name: string;
  readonly size: WarehouseSize;
  /** 0 = never. */
  readonly autoSuspendSeconds: number;
  readonly autoResume: boolean;
  readonly maxConcurrency: number;
  /** 0 = none. */
  readonly statementTimeoutSeconds: number;
  readonly comment: string;
  readonly createdAtMs: EpochMs;
}

export interface Placement {
  readonly at: EpochMs;
  readonly size: WarehouseSize;
  readonly cluster: number;
}

/** A statement's hold on a place. */
export interface Place {
  /** Settles when the place is given: at once, or when the queue reaches it. Undefined if it left before. */
  readonly placed: Promise<Placement | undefined>;
  /** The statement needs `workMs` at full speed, and ends after `limitMs` (0 = no limit) whatever is left. */
  weigh(workMs: number, limitMs: number): Promise<Ended>;
  /** Leaves now: cancelled, failed, or free. A statement that was not weighed leaves no trace. */
  leave(): void;
}

export interface Ended {
  readonly how: 'done' | 'limit' | 'left';
  readonly at: EpochMs;
}

interface Entry {
  placement: Placement | undefined;
  remainingMs: number | undefined;
  deadline: EpochMs;
  readonly onPlaced: (placement: Placement | undefined) => void;
  onEnded: (ended: Ended) => void;
}

export class VirtualWarehouse {
  #definition: WarehouseDefinition;
  readonly #clock: Clock;
  readonly #record: (event: WarehouseEvent) => void;
  #running = false;
  #idleSince: EpochMs = 0;
  #stoppedAt: EpochMs = 0;
  #suspendWhenIdle = false;
  #weighedAt: EpochMs = 0;
  readonly #entries = new Set<Entry>();
  readonly #queue: Entry[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(
    definition: WarehouseDefinition,
    clock: Clock,
    record: (event: WarehouseEvent) => void,
  ) {
    this.#definition = definition;
    this.#clock = clock;
    this.#record = record;
    this.#weighedAt = clock.now();
  }

  get definition(): WarehouseDefinition {
    return this.#definition;
  }

  get state(): 'STARTED' | 'SUSPENDED' {
    return this.#running ? 'STARTED' : 'SUSPENDED';
  }

  get runningCount(): number {
    return this.#entries.size;
  }

  get queuedCount(): number {
    return this.#queue.length;
  }

  /**
   * Asks for a place. The caller must end it by `weigh` or `leave`.
   *
   * @param arrivedAt when the statement came; a place that is free at once is given from then on, so that what this
   *   machine did in between does not count as waiting.
   */
  enter(arrivedAt: EpochMs = this.#clock.now()): Place {
    this.#advance();
    let onPlaced: Entry['onPlaced'] = () => undefined;
    const placed = new Promise<Placement | undefined>((resolve) => {
      onPlaced = resolve;
    });
    const entry: Entry = {
      placement: undefined,
      remainingMs: undefined,
      deadline: Infinity,
      onPlaced,
      onEnded: () => undefined,
    };
    const waits = this.#queue.length > 0 || this.#entries.size >= this.#definition.maxConcurrency;
    this.#queue.push(entry);
    this.#fill(waits ? this.#clock.now() : arrivedAt);
    this.#arm();
    return {
      placed,
      weigh: (workMs, limitMs) => this.#weigh(entry, workMs, limitMs),
      leave: () => this.#leave(entry),
    };
  }

  /** Starts it; false when it runs already. */
  resume(reason: string): boolean {
    this.#advance();
    this.#suspendWhenIdle = false;
    if (this.#running) return false;
    this.#start(this.#clock.now(), reason);
    this.#arm();
    return true;
  }

  /** Stops it, after the statements on it have ended; false when it is suspended already. */
  suspend(reason: string): boolean {
    this.#advance();
    if (!this.#running) return false;
    if (this.#entries.size > 0 && reason === 'USER') this.#suspendWhenIdle = true;
    else this.#stop(this.#clock.now(), reason);
    this.#arm();
    return true;
  }

  /** New settings; a changed size is in force for statements placed from now on. */
  alter(definition: WarehouseDefinition): void {
    this.#advance();
    const resized = definition.size !== this.#definition.size;
    this.#definition = definition;
    if (resized) this.#write(this.#clock.now(), 'RESIZED', 'USER');
    this.#fill(this.#clock.now());
    this.#arm();
  }

  /** Brings the model up to the clock; timers do it by themselves. */
  settle(): void {
    this.#advance();
    this.#arm();
  }

  /** Ends the timers and suspends; statements on it are left to their owners. */
  close(reason: string, event: 'SUSPENDED' | 'DROPPED' = 'SUSPENDED'): void {
    this.#advance();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#running) this.#stop(this.#clock.now(), reason, event);
  }

  #weigh(entry: Entry, workMs: number, limitMs: number): Promise<Ended> {
    this.#advance();
    const now = this.#clock.now();
    const placement = entry.placement;
    if (placement === undefined || !this.#entries.has(entry))
      return Promise.resolve({ how: 'left', at: now });
    if (!this.#running)
      this.#start(Math.max(this.#earliestPlacement(), this.#stoppedAt), 'AUTORESUME');
    const ended = new Promise<Ended>((resolve) => {
      entry.onEnded = resolve;
    });
    entry.deadline = limitMs > 0 ? placement.at + limitMs : Infinity;
    entry.remainingMs = workMs - (now - placement.at);
    const doneAt = placement.at + workMs;
    if (doneAt > entry.deadline && entry.deadline <= now) this.#end(entry, 'limit', entry.deadline);
    else if (entry.remainingMs <= 0) this.#end(entry, 'done', doneAt);
    this.#fill(now);
    this.#arm();
    return ended;
  }

  #leave(entry: Entry): void {
    this.#advance();
    const now = this.#clock.now();
    const queued = this.#queue.indexOf(entry);
    if (queued >= 0) {
      this.#queue.splice(queued, 1);
      entry.onPlaced(undefined);
    } else if (this.#entries.has(entry)) {
      if (entry.remainingMs === undefined) this.#entries.delete(entry);
      else this.#end(entry, 'left', now);
    }
    this.#fill(now);
    this.#arm();
  }

  /** Plays everything that happened up to now, in order. */
  #advance(): void {
    const now = this.#clock.now();
    for (;;) {
      const next = this.#nextEnd();
      if (next === undefined || next.at > now) break;
      this.#consume(next.at);
      this.#end(next.entry, next.how, next.at);
      this.#fill(next.at);
    }
    this.#consume(now);
    const suspendAt = this.#suspendAt();
    if (suspendAt !== undefined && suspendAt <= now)
      this.#stop(suspendAt, this.#suspendWhenIdle ? 'USER' : 'AUTOSUSPEND');
  }

  #consume(until: EpochMs): void {
    const served = Math.max(0, until - this.#weighedAt) * this.#speed();
    this.#weighedAt = Math.max(this.#weighedAt, until);
    for (const entry of this.#entries) {
      if (entry.remainingMs !== undefined)
        entry.remainingMs = Math.max(0, entry.remainingMs - served);
    }
  }

  #speed(): number {
    let weighed = 0;
    for (const entry of this.#entries) if (entry.remainingMs !== undefined) weighed += 1;
    return weighed <= FULL_SPEED_STATEMENTS ? 1 : FULL_SPEED_STATEMENTS / weighed;
  }

  #nextEnd():
    { readonly entry: Entry; readonly how: 'done' | 'limit'; readonly at: EpochMs } | undefined {
    const speed = this.#speed();
    let next:
      { readonly entry: Entry; readonly how: 'done' | 'limit'; readonly at: EpochMs } | undefined;
    for (const entry of this.#entries) {
      if (entry.remainingMs === undefined) continue;
      const doneAt = Math.ceil(this.#weighedAt + entry.remainingMs / speed);
      const how = doneAt <= entry.deadline ? 'done' : 'limit';
      const at = Math.min(doneAt, entry.deadline);
      if (next === undefined || at < next.at) next = { entry, how, at };
    }
    return next;
  }

  #end(entry: Entry, how: Ended['how'], at: EpochMs): void {
    this.#entries.delete(entry);
    this.#idleSince = Math.max(this.#idleSince, at);
    entry.onEnded({ how, at });
  }

  #fill(now: EpochMs): void {
    while (this.#entries.size < this.#definition.maxConcurrency) {
      const entry = this.#queue.shift();
      if (entry === undefined) return;
      const placement = { at: now, size: this.#definition.size, cluster: FIRST_CLUSTER };
      entry.placement = placement;
      this.#entries.add(entry);
      entry.onPlaced(placement);
    }
  }

  #earliestPlacement(): EpochMs {
    let earliest = this.#clock.now();
    for (const entry of this.#entries)
      earliest = Math.min(earliest, entry.placement?.at ?? earliest);
    return earliest;
  }

  #suspendAt(): EpochMs | undefined {
    if (!this.#running || this.#entries.size > 0 || this.#queue.length > 0) return undefined;
    if (this.#suspendWhenIdle) return this.#idleSince;
    const seconds = this.#definition.autoSuspendSeconds;
    return seconds === 0 ? undefined : this.#idleSince + seconds * 1000;
  }

  #start(at: EpochMs, reason: string): void {
    this.#running = true;
    this.#idleSince = at;
    this.#write(at, 'RESUMED', reason);
  }

  #stop(at: EpochMs, reason: string, event: WarehouseEventName = 'SUSPENDED'): void {
    this.#running = false;
    this.#stoppedAt = at;
    this.#suspendWhenIdle = false;
    this.#write(at, event, reason);
  }

  #write(at: EpochMs, event: WarehouseEventName, reason: string): void {
    const { name, size } = this.#definition;
    this.#record({
      type: 'warehouse',
      at,
      warehouse: name,
      cluster: FIRST_CLUSTER,
      event,
      size,
      reason,
    });
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const next = Math.min(this.#nextEnd()?.at ?? Infinity, this.#suspendAt() ?? Infinity);
    if (next === Infinity) {
      this.#timer = undefined;
      return;
    }
    const waitMs = Math.max(0, (next - this.#clock.now()) / this.#clock.scale);
    this.#timer = setTimeout(() => this.settle(), Math.min(Math.ceil(waitMs), TIMER_MAX_MS));
    this.#timer.unref();
  }
}
