/**
 * The clusters of one virtual warehouse: which exist, when they start and stop, and what each writes into the event
 * log. Every cluster has its own start, and so its own minimum charge.
 *
 * A start of the warehouse starts the minimum of clusters: the first under the reason of the start, the others, and
 * all that come later, as `MULTICLUSTER_SPINUP`. Above the minimum a cluster that has been idle for two minutes
 * (STANDARD) or five (ECONOMY) stops as `MULTICLUSTER_SPINDOWN`. Source: Snowflake, "Multi-cluster warehouses",
 * scaling policies (two to three and five to six checks a minute apart) and "Understanding compute cost".
 */
import type { EpochMs } from '#base/time.js';
import type { WarehouseEvent, WarehouseEventName } from '../metering/events.js';
import { Cluster } from './cluster.js';
import type { ComingEnd } from './cluster.js';
import type { ScalingPolicy, WarehouseDefinition } from './definition.js';
import type { Actor } from './place.js';
import { compareSizes } from './rates.js';

const SPIN_DOWN_MS: Readonly<Record<ScalingPolicy, number>> = {
  STANDARD: 120_000,
  ECONOMY: 300_000,
};

/** What the model of a warehouse assumes beside its definition. */
export interface FleetModel {
  /** From the start of a cluster to its first statement, and to its first billed second. */
  readonly provisioningMs: number;
}

export class ClusterSet {
  readonly #definition: () => WarehouseDefinition;
  readonly #record: (event: WarehouseEvent) => void;
  readonly #model: FleetModel;
  #clusters: Cluster[] = [];
  readonly #stoppedAt = new Map<number, EpochMs>();
  #spunDownAt: EpochMs = 0;
  /** When the definition last changed: what follows from it never stands before it. */
  changedAt: EpochMs = 0;
  #resumedAt: EpochMs | undefined;
  #isDropped = false;

  constructor(
    definition: () => WarehouseDefinition,
    record: (event: WarehouseEvent) => void,
    model: FleetModel,
  ) {
    this.#definition = definition;
    this.#record = record;
    this.#model = model;
  }

  /** Those that take statements, by number. */
  get accepting(): readonly Cluster[] {
    return this.#clusters.filter((cluster) => cluster.leaving === undefined);
  }

  /** Those that cost money and take statements, by number. */
  get running(): readonly Cluster[] {
    return this.accepting.filter((cluster) => cluster.isRunning);
  }

  /** All that hold statements or cost money. */
  get all(): readonly Cluster[] {
    return this.#clusters;
  }

  /** When the warehouse last started; undefined before it did. */
  get resumedAt(): EpochMs | undefined {
    return this.#resumedAt;
  }

  /** The cluster with the fewest statements that has room for one more; undefined when all are full. */
  leastLoaded(): Cluster | undefined {
    const { clustersMin, clustersMax, maxConcurrency } = this.#definition();
    while (this.accepting.length < clustersMin) this.open();
    let best: Cluster | undefined;
    for (const cluster of this.accepting.slice(0, clustersMax)) {
      if (cluster.seats.size >= maxConcurrency) continue;
      if (best === undefined || cluster.seats.size < best.seats.size) best = cluster;
    }
    return best;
  }

  /** One more cluster, which costs nothing before it is woken. */
  open(): Cluster {
    const { size, make } = this.#definition();
    const used = new Set(this.#clusters.map((cluster) => cluster.number));
    let number = 1;
    while (used.has(number)) number += 1;
    const cluster = new Cluster(number, size, make);
    this.#clusters.push(cluster);
    this.#clusters.sort((a, b) => a.number - b.number);
    return cluster;
  }

  /** Forgets a cluster that was opened for statements that did not need it. */
  discardIfUnused(cluster: Cluster): void {
    if (!cluster.isRunning && cluster.seats.size === 0)
      this.#clusters = this.#clusters.filter((one) => one !== cluster);
  }

  /** Starts the warehouse with its minimum of clusters. */
  resume(at: EpochMs, reason: string, by: Actor | undefined): void {
    this.wake(this.accepting[0] ?? this.open(), at, reason, by);
  }

  /** Starts a cluster, not before it last stopped; with the warehouse's first one also the rest of the minimum. */
  wake(cluster: Cluster, at: EpochMs, reason: string, by?: Actor): void {
    const isFirst = this.running.length === 0;
    this.#start(cluster, at, isFirst ? reason : 'MULTICLUSTER_SPINUP', by);
    if (isFirst) this.#resumedAt = cluster.readyAt;
    this.fillMinimum(at);
  }

  /** Starts clusters up to the minimum; nothing while the warehouse is suspended. */
  fillMinimum(at: EpochMs): void {
    const { clustersMin } = this.#definition();
    while (this.running.length > 0 && this.running.length < clustersMin) {
      const waiting = this.accepting.find((cluster) => !cluster.isRunning) ?? this.open();
      this.#start(waiting, at, 'MULTICLUSTER_SPINUP', undefined);
    }
  }

  /** Lets every running cluster stop: at once where it is idle, else after the statements it has. */
  suspend(at: EpochMs, reason: string, by: Actor | undefined): void {
    for (const cluster of this.running) this.#leave(cluster, at, reason, by);
  }

  /** Suspends for good. The last cluster to stop, or else the first number, tells of the drop. */
  drop(at: EpochMs, by: Actor | undefined): void {
    this.#isDropped = true;
    const isRunning = this.#clusters.some((cluster) => cluster.isRunning);
    this.suspend(at, 'USER', by);
    if (!isRunning) this.#write(this.open(), at, 'DROPPED', 'USER', by);
  }

  /** Stops everything now; statements that still run are told that they left. */
  shutDown(at: EpochMs, reason: string): void {
    for (const cluster of this.#clusters) {
      for (const seat of cluster.seats) cluster.end(seat, 'left', at);
      if (cluster.isRunning) this.#stop(cluster, at, reason, undefined);
      this.discardIfUnused(cluster);
    }
  }

  /** Replaces the servers: new clusters start at once, the old ones are billed until their statements end. */
  replace(at: EpochMs, by: Actor | undefined): void {
    for (const cluster of this.running) {
      this.#leave(cluster, at, 'CONVERSION', by);
      this.#start(this.open(), at, 'CONVERSION', by);
    }
    for (const cluster of this.accepting) {
      if (cluster.isRunning) continue;
      // Statements that wait for the engine on a cluster that never started run on the new kind.
      const fresh = new Cluster(cluster.number, this.#definition().size, this.#definition().make);
      for (const seat of cluster.seats) {
        seat.cluster = fresh;
        fresh.seats.add(seat);
      }
      this.#clusters = this.#clusters.map((one) => (one === cluster ? fresh : one));
    }
  }

  /** Bills the size that is in force: larger at once, smaller when the statements that started larger have ended. */
  resize(at: EpochMs, by: Actor | undefined): void {
    const running = this.running;
    for (const cluster of running) this.#rebill(cluster, at, by);
    for (const cluster of this.accepting)
      if (!cluster.isRunning) cluster.size = this.#definition().size;
    if (running.length === 0) this.tell(at, 'USER', by);
  }

  /** Writes that something of the warehouse changed: its name, or its size while it is suspended. */
  tell(at: EpochMs, reason: string, by: Actor | undefined): void {
    const { size, make } = this.#definition();
    const told = this.#clusters.filter((cluster) => cluster.isRunning);
    if (told.length === 0) this.#write(new Cluster(1, size, make), at, 'RESIZED', reason, by);
    for (const cluster of told) this.#write(cluster, at, 'RESIZED', reason, by);
  }

  /** Books what follows from a statement having gone from `cluster`. */
  afterStatement(cluster: Cluster, at: EpochMs): void {
    const { leaving } = cluster;
    if (leaving === undefined) this.#rebill(cluster, at, undefined);
    else if (cluster.seats.size === 0)
      this.#stop(cluster, Math.max(leaving.at, cluster.idleSince), leaving.reason, leaving.by);
    this.discardIfUnused(cluster);
  }

  /** Plays the work on every cluster up to `until`. */
  consume(until: EpochMs): void {
    for (const cluster of this.#clusters) cluster.consume(until);
  }

  /** The statement that ends first of all. */
  nextEnd(): ComingEnd | undefined {
    let next: ComingEnd | undefined;
    for (const cluster of this.#clusters) {
      const own = cluster.nextEnd();
      if (own !== undefined && (next === undefined || own.at < next.at)) next = own;
    }
    return next;
  }

  /** When which cluster above the minimum stops for want of work. */
  nextSpinDown(): { readonly cluster: Cluster; readonly at: EpochMs } | undefined {
    const { clustersMin, clustersMax, scalingPolicy } = this.#definition();
    const { running } = this;
    if (running.length <= clustersMin) return undefined;
    const delayMs = running.length > clustersMax ? 0 : SPIN_DOWN_MS[scalingPolicy];
    let next: { readonly cluster: Cluster; readonly at: EpochMs } | undefined;
    for (const cluster of running) {
      if (cluster.seats.size > 0) continue;
      const at = Math.max(cluster.idleSince + delayMs, this.changedAt);
      if (next === undefined || at <= next.at) next = { cluster, at };
    }
    return next;
  }

  spinDown(cluster: Cluster, at: EpochMs): void {
    this.#stop(cluster, at, 'MULTICLUSTER_SPINDOWN', undefined);
    this.#spunDownAt = Math.max(this.#spunDownAt, at);
  }

  /** When the warehouse suspends itself: only with the minimum running and nothing on it. */
  nextSuspension(): EpochMs | undefined {
    const { clustersMin, autoSuspendSeconds } = this.#definition();
    const { running, accepting } = this;
    if (autoSuspendSeconds === 0 || running.length === 0 || running.length > clustersMin)
      return undefined;
    if (accepting.some((cluster) => cluster.seats.size > 0)) return undefined;
    const idleSince = Math.max(...running.map((cluster) => cluster.idleSince));
    return Math.max(idleSince + autoSuspendSeconds * 1000, this.#spunDownAt, this.changedAt);
  }

  #start(cluster: Cluster, at: EpochMs, reason: string, by: Actor | undefined): void {
    const { size } = this.#definition();
    cluster.isRunning = true;
    cluster.size = size;
    cluster.readyAt =
      Math.max(at, this.#stoppedAt.get(cluster.number) ?? 0) + this.#model.provisioningMs;
    cluster.idleSince = cluster.readyAt;
    this.#write(cluster, cluster.readyAt, 'RESUMED', reason, by);
  }

  #leave(cluster: Cluster, at: EpochMs, reason: string, by: Actor | undefined): void {
    if (cluster.seats.size > 0) cluster.leaving = { at, reason, by };
    else this.#stop(cluster, at, reason, by);
  }

  #stop(cluster: Cluster, at: EpochMs, reason: string, by: Actor | undefined): void {
    cluster.isRunning = false;
    this.#clusters = this.#clusters.filter((one) => one !== cluster);
    const isLast = !this.#clusters.some((one) => one.isRunning);
    this.#write(cluster, at, this.#isDropped && isLast ? 'DROPPED' : 'SUSPENDED', reason, by);
    this.#stoppedAt.set(cluster.number, cluster.writtenAt);
  }

  #rebill(cluster: Cluster, at: EpochMs, by: Actor | undefined): void {
    if (!cluster.isRunning) return;
    const needed = cluster.neededSize(this.#definition().size);
    if (compareSizes(needed, cluster.size) === 0) return;
    cluster.size = needed;
    this.#write(cluster, at, 'RESIZED', 'USER', by);
  }

  #write(
    cluster: Cluster,
    at: EpochMs,
    event: WarehouseEventName,
    reason: string,
    by: Actor | undefined,
  ): void {
    const { id, name } = this.#definition();
    cluster.writtenAt = Math.max(cluster.writtenAt, at);
    this.#record({
      type: 'warehouse',
      at: cluster.writtenAt,
      warehouse: name,
      warehouseId: id,
      cluster: cluster.number,
      event,
      size: cluster.size,
      make: cluster.make,
      reason,
      ...by,
    });
  }
}
