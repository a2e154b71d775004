/**
 * One warehouse of a past month, played through without waiting: clusters that start on demand and on queueing, slots,
 * a queue, contention, auto-suspension and resizes. Arrivals must come in order of time. No statement is ever on a
 * cluster that is not running.
 */
import type { EpochMs } from '#base/time.js';
import type { WarehouseEvent, WarehouseEventName } from '../metering/events.js';
import type { WarehouseSize } from '../fleet/rates.js';
import type { Chance } from './random.js';

/** Statements on a cluster that do not slow each other down, as in the live model. */
const FULL_SPEED_STATEMENTS = 4;
/** How long a cluster beyond the first stays without work. */
const SPINDOWN_AFTER_MS = 120_000;

export interface SeededDefinition {
  readonly name: string;
  readonly size: WarehouseSize;
  readonly clustersMax: number;
  /** Statements at once on one cluster. */
  readonly concurrency: number;
  readonly autoSuspendSeconds: number;
  /** By time. */
  readonly resizes: readonly { readonly at: EpochMs; readonly size: WarehouseSize }[];
}

/** Work at full speed on the size that the warehouse has. */
export interface Work {
  readonly compileMs: number;
  readonly executionMs: number;
}

/** Where and when a statement ran. */
export interface Ran {
  readonly cluster: number;
  readonly size: WarehouseSize;
  readonly queuedMs: number;
  /** Part of `queuedMs` in which its cluster was being started. */
  readonly provisioningMs: number;
  readonly runningSince: EpochMs;
  readonly compileMs: number;
  readonly executionMs: number;
  readonly endedAt: EpochMs;
}

interface Cluster {
  readonly number: number;
  isRunning: boolean;
  startedAt: EpochMs;
  idleSince: EpochMs;
  /** When each place is free again. */
  readonly freeAt: EpochMs[];
}

interface Offer {
  readonly cluster: Cluster;
  /** When the statement may begin. */
  readonly at: EpochMs;
  readonly provisioningMs: number;
  readonly starts: 'AUTORESUME' | 'MULTICLUSTER_SPINUP' | undefined;
}

export class SeededWarehouse {
  readonly definition: SeededDefinition;
  readonly #chance: Chance;
  readonly #emit: (event: WarehouseEvent) => void;
  readonly #clusters: readonly Cluster[];
  #size: WarehouseSize;
  #resizes = 0;
  /** Since when no cluster but the first runs. */
  #aloneSince: EpochMs = 0;

  constructor(definition: SeededDefinition, chance: Chance, emit: (event: WarehouseEvent) => void) {
    this.definition = definition;
    this.#chance = chance;
    this.#emit = emit;
    this.#size = definition.size;
    this.#clusters = Array.from({ length: definition.clustersMax }, (_, index) => ({
      number: index + 1,
      isRunning: false,
      startedAt: 0,
      idleSince: 0,
      freeAt: Array.from({ length: definition.concurrency }, () => 0),
    }));
  }

  /**
   * Runs a statement that arrives at `at`.
   *
   * @param workOn its work on a cluster of a size.
   * @param endsBefore a statement that would end at or after it does not run.
   * @param share of the execution after which it is cancelled; 1 when it is not.
   * @returns undefined when it did not run.
   */
  run(
    at: EpochMs,
    workOn: (size: WarehouseSize) => Work,
    endsBefore: EpochMs,
    share: number = 1,
  ): Ran | undefined {
    this.settle(at);
    const offer = this.#offer(at);
    const busy = offer.cluster.freeAt.filter((free) => free > offer.at).length + 1;
    const work = workOn(this.#size);
    const slowed = work.executionMs * Math.max(1, busy / FULL_SPEED_STATEMENTS) * share;
    const executionMs = Math.max(1, Math.round(slowed));
    const endedAt = offer.at + work.compileMs + executionMs;
    if (endedAt >= endsBefore) return undefined;
    const { cluster } = offer;
    if (offer.starts !== undefined) this.#start(cluster, offer.at, offer.starts);
    const slot = cluster.freeAt.indexOf(Math.min(...cluster.freeAt));
    cluster.freeAt[slot] = endedAt;
    cluster.idleSince = Math.max(cluster.idleSince, endedAt);
    return {
      cluster: cluster.number,
      size: this.#size,
      queuedMs: offer.at - at,
      provisioningMs: offer.provisioningMs,
      runningSince: offer.at,
      compileMs: work.compileMs,
      executionMs,
      endedAt,
    };
  }

  /** Plays suspensions and resizes up to `to`. */
  settle(to: EpochMs): void {
    for (;;) {
      const resize = this.definition.resizes[this.#resizes];
      if (resize === undefined || resize.at > to) break;
      this.#suspendIdle(resize.at);
      this.#resizes += 1;
      this.#size = resize.size;
      const running = this.#clusters.filter(({ isRunning }) => isRunning);
      // A cluster that is still starting is resized when it has started.
      const at = Math.max(resize.at, ...running.map(({ startedAt }) => startedAt));
      for (const { number } of running.length === 0 ? this.#clusters.slice(0, 1) : running)
        this.#write(at, number, 'RESIZED', 'USER');
    }
    this.#suspendIdle(to);
  }

  /** Suspends at `at` whatever runs; nothing may be running on it then. */
  close(at: EpochMs): void {
    this.settle(at);
    for (const cluster of [...this.#clusters].reverse())
      if (cluster.isRunning) this.#stop(cluster, at, 'USER');
  }

  /** An event of the warehouse itself. */
  note(at: EpochMs, event: 'CREATED' | 'DROPPED'): void {
    this.#write(at, 1, event, 'USER');
  }

  #offer(at: EpochMs): Offer {
    const running = this.#clusters.filter(({ isRunning }) => isRunning);
    const free = running.find(({ freeAt }) => freeAt.some((free) => free <= at));
    if (free !== undefined) return this.#onRunning(free, at, at);
    const next = this.#clusters.find(({ isRunning }) => !isRunning);
    if (next !== undefined) {
      const provisioningMs = this.#chance.whole(900, 2600);
      const starts = running.length === 0 ? 'AUTORESUME' : 'MULTICLUSTER_SPINUP';
      return { cluster: next, at: at + provisioningMs, provisioningMs, starts };
    }
    const freeAt = Math.min(...running.flatMap((cluster) => cluster.freeAt));
    const [first] = running.filter((cluster) => cluster.freeAt.includes(freeAt));
    return this.#onRunning(first ?? this.#first(), at, freeAt);
  }

  #first(): Cluster {
    const [first] = this.#clusters;
    if (first === undefined) throw new RangeError('a warehouse has at least one cluster');
    return first;
  }

  #onRunning(cluster: Cluster, at: EpochMs, freeAt: EpochMs): Offer {
    const begins = Math.max(at, freeAt, cluster.startedAt);
    const provisioningMs = Math.max(0, cluster.startedAt - at);
    return { cluster, at: begins, provisioningMs, starts: undefined };
  }

  #suspendIdle(to: EpochMs): void {
    for (const cluster of this.#clusters.slice(1)) {
      const idleUntil = cluster.idleSince + SPINDOWN_AFTER_MS;
      if (!cluster.isRunning || idleUntil > to) continue;
      this.#stop(cluster, idleUntil, 'MULTICLUSTER_SPINDOWN');
      this.#aloneSince = Math.max(this.#aloneSince, idleUntil);
    }
    const first = this.#first();
    if (!first.isRunning || this.#clusters.slice(1).some(({ isRunning }) => isRunning)) return;
    const suspendsAt = Math.max(
      first.idleSince + this.definition.autoSuspendSeconds * 1000,
      this.#aloneSince,
    );
    if (suspendsAt <= to) this.#stop(first, suspendsAt, 'AUTOSUSPEND');
  }

  #start(cluster: Cluster, at: EpochMs, reason: string): void {
    cluster.isRunning = true;
    cluster.startedAt = at;
    cluster.idleSince = at;
    cluster.freeAt.fill(0);
    this.#write(at, cluster.number, 'RESUMED', reason);
  }

  #stop(cluster: Cluster, at: EpochMs, reason: string): void {
    cluster.isRunning = false;
    this.#write(at, cluster.number, 'SUSPENDED', reason);
  }

  #write(at: EpochMs, cluster: number, event: WarehouseEventName, reason: string): void {
    const { name } = this.definition;
    this.#emit({
      type: 'warehouse',
      at,
      warehouse: name,
      cluster,
      event,
      size: this.#size,
      reason,
    });
  }
}
