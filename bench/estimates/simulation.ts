/**
 * Statements on warehouses, event by event: compiling, waiting for a place, sharing a cluster, ending. What comes out
 * is consistent by construction: start + compilation + waiting + execution = end, and the shares of a cluster's time
 * sum to the time it was busy.
 */
import { must } from '../../base/assert.js';
import type { EpochMs } from '../../base/time.js';
import type { Arrival } from './arrival.js';
import { SharedCluster } from './cluster.js';
import type { Draw } from './draw.js';
import { EventQueue } from './event-queue.js';
import { CONCURRENCY_MAX, WAREHOUSES } from './profile.js';
import type { Profile, WarehouseModel } from './profile.js';
import { workOf } from './shape.js';
import type { Sources } from './sources/sources.js';
import { DAY_MS } from './tables.js';
import type { Table } from './tables.js';

/** A statement that has ended; times in whole milliseconds. */
export interface Ended {
  readonly arrival: Arrival;
  readonly number: number;
  readonly startedAt: EpochMs;
  readonly compileMs: number;
  readonly provisioningMs: number;
  readonly queuedMs: number;
  readonly executionMs: number;
  readonly endedAt: EpochMs;
  /** 1 or 2; null: it used no warehouse. */
  readonly cluster: number | null;
  readonly bytesScanned: number;
  /** Its part of the time of the cluster. */
  readonly shareMs: number;
  /** As the work of the run has it. */
  readonly noise: number;
  readonly status: 'SUCCESS' | 'FAIL';
  readonly error: readonly [string, string] | null;
}

interface Running {
  readonly arrival: Arrival;
  readonly number: number;
  readonly startedAt: EpochMs;
  readonly compileMs: number;
  readonly readyAt: EpochMs;
  provisioningMs: number;
  begunAt: number;
  bytesScanned: number;
  noise: number;
}

interface Cluster {
  readonly number: number;
  readonly sharing: SharedCluster<Running>;
  /** Places taken, those included that wait for the start of the cluster. */
  places: number;
  isUp: boolean;
  availableAt: number;
  idleSince: number;
}

interface Warehouse {
  readonly model: WarehouseModel;
  readonly clusters: readonly Cluster[];
  readonly queue: Running[];
  /** What its clients hold back because they have enough in flight. */
  readonly heldBack: Arrival[];
  inFlight: number;
  streams: number;
  /** Tables that it has read since it was resumed. */
  readonly warm: Set<Table>;
}

type Event =
  | { readonly kind: 'arrives'; readonly arrival: Arrival }
  | { readonly kind: 'compiled'; readonly running: Running }
  | { readonly kind: 'placed'; readonly running: Running; readonly cluster: Cluster }
  | { readonly kind: 'ended'; readonly running: Running };

const SUSPEND_AFTER_MS = 300_000;
const SPINDOWN_AFTER_MS = 600_000;
const STREAMS_BLOCK_MS = 3 * 3_600_000;
const HELD_BACK_MAX = 500;
const REUSABLE_MS = DAY_MS;
const INVALID = ['000904', "SQL compilation error: invalid identifier 'F.NO_SUCH_COLUMN'"] as const;
const CANCELLED = ['000604', 'SQL execution canceled'] as const;

export class Simulation {
  readonly #draw: Draw;
  readonly #profile: Profile;
  readonly #sources: Sources;
  readonly #rowsMax: number;
  readonly #emit: (ended: Ended) => void;
  readonly #events = new EventQueue<Event>();
  readonly #warehouses: ReadonlyMap<string, Warehouse>;
  /** When a text was last answered, for reuse of its result. */
  readonly #results = new Map<string, EpochMs>();
  #started = 0;
  #lastStartAt: EpochMs = 0;

  constructor(
    profile: Profile,
    sources: Sources,
    rowsMax: number,
    draw: Draw,
    emit: (ended: Ended) => void,
  ) {
    this.#profile = profile;
    this.#sources = sources;
    this.#rowsMax = rowsMax;
    this.#draw = draw;
    this.#emit = emit;
    this.#warehouses = new Map(WAREHOUSES.map((model) => [model.name, toWarehouse(model)]));
  }

  get lastStartAt(): EpochMs {
    return this.#lastStartAt;
  }

  /** Milliseconds that each warehouse's clusters were busy. */
  busyMs(): ReadonlyMap<string, number> {
    return new Map(
      [...this.#warehouses].map(([name, { clusters }]) => [
        name,
        clusters.reduce((sum, { sharing }) => sum + sharing.busyMs, 0),
      ]),
    );
  }

  /** Runs until enough statements have started and all of them have ended. */
  run(startsAt: EpochMs): void {
    for (let day = startsAt; this.#started < this.#rowsMax; day += DAY_MS) {
      for (const arrival of this.#sources.day(day))
        this.#events.push(arrival.at, { kind: 'arrives', arrival });
      for (const [text, at] of this.#results)
        if (at < day - REUSABLE_MS) this.#results.delete(text);
      this.#drain(day, day + DAY_MS);
    }
    this.#drain(this.#lastStartAt, Infinity);
  }

  #drain(from: EpochMs, until: number): void {
    let blockEndsAt = from;
    for (;;) {
      const ending = this.#nextEnding();
      const at = Math.min(this.#events.nextAt(), ending?.sharing.nextEndAt() ?? Infinity);
      if (at >= until || at === Infinity) return;
      if (at >= blockEndsAt) {
        for (const warehouse of this.#warehouses.values())
          warehouse.streams = this.#draw.pick(this.#profile.streams);
        blockEndsAt = (Math.floor(at / STREAMS_BLOCK_MS) + 1) * STREAMS_BLOCK_MS;
      }
      if (ending !== undefined && ending.sharing.nextEndAt() <= this.#events.nextAt())
        this.#end(ending);
      else this.#play(this.#events.pop(), at);
    }
  }

  #nextEnding(): Cluster | undefined {
    let found: Cluster | undefined;
    let foundAt = Infinity;
    for (const { clusters } of this.#warehouses.values())
      for (const cluster of clusters) {
        const at = cluster.sharing.nextEndAt();
        if (at < foundAt) [found, foundAt] = [cluster, at];
      }
    return found;
  }

  #play(event: Event, at: number): void {
    switch (event.kind) {
      case 'arrives':
        return this.#arrive(event.arrival, at);
      case 'compiled':
        return this.#compiled(event.running, at);
      case 'placed':
        return this.#begin(event.running, event.cluster, at);
      case 'ended':
        return this.#finish(event.running, at, null, 0);
    }
  }

  #warehouse(arrival: Arrival): Warehouse {
    return must(this.#warehouses.get(arrival.warehouse), 'a known warehouse');
  }

  #arrive(arrival: Arrival, at: number): void {
    const warehouse = this.#warehouse(arrival);
    if (arrival.kind === 'free') return this.#submit(arrival, at, warehouse);
    if (warehouse.inFlight < warehouse.streams) return this.#submit(arrival, at, warehouse);
    if (warehouse.heldBack.length < HELD_BACK_MAX) warehouse.heldBack.push(arrival);
  }

  #submit(arrival: Arrival, at: number, warehouse: Warehouse): void {
    if (this.#started >= this.#rowsMax) return;
    const startedAt = Math.ceil(at);
    const isCached = this.#isCached(arrival, startedAt);
    const isFree = isCached || arrival.fate.kind === 'metadata' || arrival.fate.kind === 'invalid';
    const median = isCached ? 30 : arrival.shape.compileMs;
    const compileMs = Math.max(1, Math.round(this.#draw.spread(median, 0.3)));
    const readyAt = startedAt + compileMs;
    const number = this.#started;
    this.#started += 1;
    this.#lastStartAt = startedAt;
    warehouse.inFlight += 1;
    const running: Running = {
      arrival,
      number,
      startedAt,
      compileMs,
      readyAt,
      provisioningMs: 0,
      begunAt: readyAt,
      bytesScanned: 0,
      noise: 1,
    };
    this.#events.push(readyAt, { kind: isFree ? 'ended' : 'compiled', running });
  }

  /** Answered from its last result: the same text within a day, and no table of it has changed since. */
  #isCached({ shape, text, fate }: Arrival, at: EpochMs): boolean {
    if (!shape.isReusable || fate.kind !== 'runs') return false;
    const before = this.#results.get(text);
    if (before === undefined || at - before > REUSABLE_MS) return false;
    return shape.readings.every(
      ({ table: { changesEveryMs: every } }) =>
        Math.floor(at / every) === Math.floor(before / every),
    );
  }

  #compiled(running: Running, at: number): void {
    const warehouse = this.#warehouse(running.arrival);
    warehouse.queue.push(running);
    this.#placeQueued(warehouse, at);
  }

  /** Gives places to those that wait, on running clusters first; a further cluster is started for the rest. */
  #placeQueued(warehouse: Warehouse, at: number): void {
    this.#suspend(warehouse, at);
    while (warehouse.queue.length > 0) {
      const cluster = this.#offer(warehouse, at);
      if (cluster === undefined) return;
      const running = must(warehouse.queue.shift(), 'a waiting statement');
      cluster.places += 1;
      const startsAt = Math.max(at, cluster.availableAt);
      running.provisioningMs = Math.round(startsAt - at);
      if (startsAt > at) this.#events.push(startsAt, { kind: 'placed', running, cluster });
      else this.#begin(running, cluster, at);
    }
  }

  #offer({ clusters }: Warehouse, at: number): Cluster | undefined {
    const open = clusters.filter(({ isUp, places }) => isUp && places < CONCURRENCY_MAX);
    const [first, second] = open;
    if (first !== undefined)
      return second !== undefined && second.places < first.places ? second : first;
    const next = clusters.find(({ isUp }) => !isUp);
    if (next === undefined) return undefined;
    next.isUp = true;
    next.availableAt = Math.round(at + this.#draw.between(700, 2_500));
    return next;
  }

  #suspend({ clusters, warm }: Warehouse, at: number): void {
    for (const cluster of clusters) {
      const patience = cluster.number === 1 ? SUSPEND_AFTER_MS : SPINDOWN_AFTER_MS;
      if (!cluster.isUp || cluster.places > 0 || at - cluster.idleSince <= patience) continue;
      cluster.isUp = false;
      if (clusters.every(({ isUp }) => !isUp)) warm.clear();
    }
  }

  #begin(running: Running, cluster: Cluster, at: number): void {
    const { arrival } = running;
    const { warm, model } = this.#warehouse(arrival);
    const isCold = (table: Table): boolean => !warm.has(table);
    const { shape, literals, fate } = arrival;
    const { workMs, bytesScanned, noise } = workOf(
      shape,
      literals,
      at,
      model.nodes,
      isCold,
      this.#draw,
    );
    for (const { table } of shape.readings) warm.add(table);
    const share = fate.kind === 'cut' ? fate.share : 1;
    running.bytesScanned = Math.round(bytesScanned * share);
    running.noise = noise;
    running.begunAt = at;
    cluster.sharing.begin(running, workMs * share, at);
  }

  #end(cluster: Cluster): void {
    const { job, at, shareMs } = cluster.sharing.end();
    cluster.places -= 1;
    cluster.idleSince = at;
    this.#finish(job, at, cluster, shareMs);
    this.#placeQueued(this.#warehouse(job.arrival), at);
  }

  #finish(running: Running, at: number, cluster: Cluster | null, shareMs: number): void {
    const { arrival, number, startedAt, compileMs, readyAt, provisioningMs } = running;
    const begunAt = Math.round(running.begunAt);
    const executionMs = cluster === null ? 0 : Math.max(1, Math.round(at) - begunAt);
    const isCut = arrival.fate.kind === 'cut' && cluster !== null;
    const isInvalid = arrival.fate.kind === 'invalid';
    const endedAt = begunAt + executionMs;
    if (cluster !== null && !isCut && arrival.shape.isReusable)
      this.#results.set(arrival.text, endedAt);
    this.#emit({
      arrival,
      number,
      startedAt,
      compileMs,
      provisioningMs,
      queuedMs: begunAt - readyAt - provisioningMs,
      executionMs,
      endedAt,
      cluster: cluster?.number ?? null,
      bytesScanned: running.bytesScanned,
      shareMs,
      noise: running.noise,
      status: isCut || isInvalid ? 'FAIL' : 'SUCCESS',
      error: isInvalid ? INVALID : isCut ? CANCELLED : null,
    });
    this.#release(arrival, at);
  }

  #release({ next, warehouse: name }: Arrival, at: number): void {
    const warehouse = must(this.#warehouses.get(name), 'a known warehouse');
    warehouse.inFlight -= 1;
    if (next !== null) {
      const startsAt = Math.ceil(at + next.afterMs);
      this.#events.push(startsAt, { kind: 'arrives', arrival: next.arrival });
    }
    while (warehouse.inFlight < warehouse.streams && this.#started < this.#rowsMax) {
      const held = warehouse.heldBack.shift();
      if (held === undefined) return;
      this.#submit(held, at, warehouse);
    }
  }
}

function toWarehouse(model: WarehouseModel): Warehouse {
  return {
    model,
    clusters: Array.from({ length: model.clustersMax }, (_, index) => ({
      number: index + 1,
      sharing: new SharedCluster<Running>(model.fullSpeed),
      places: 0,
      isUp: false,
      availableAt: 0,
      idleSince: 0,
    })),
    queue: [],
    heldBack: [],
    inFlight: 0,
    streams: 1,
    warm: new Set(),
  };
}
