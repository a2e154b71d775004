/**
 * The time of warehouses, as the statements on them share it: those that run at once on one warehouse use its time
 * equally per instant (the sweep method). A warehouse's *shared time* advances by `elapsed ÷ number running`, and a
 * statement has used as much of it as passed since it began. That makes joining, leaving and asking O(1), and the
 * shares of a moment sum to the moment.
 */
import { must } from '#base/assert.js';
import type { EpochMs } from '#base/time.js';

/** What one running statement takes of one warehouse's time. */
export interface TimeShare {
  readonly warehouseKey: string;
  readonly joinedSharedMs: number;
}

interface WarehouseTime {
  sharedMs: number;
  changedAt: EpochMs;
  running: number;
}

/** Times of warehouses, each by a key; as many as have something running. */
export class SharedTime {
  readonly #warehouses = new Map<string, WarehouseTime>();

  /** One statement more; {@link end} takes it out, once. */
  begin(warehouseKey: string, at: EpochMs): TimeShare {
    let time = this.#warehouses.get(warehouseKey);
    if (time === undefined) {
      time = { sharedMs: 0, changedAt: at, running: 0 };
      this.#warehouses.set(warehouseKey, time);
    }
    advance(time, at);
    time.running += 1;
    return { warehouseKey, joinedSharedMs: time.sharedMs };
  }

  /** Warehouse-milliseconds used so far by a share that has not ended, whole. */
  usedMs(share: TimeShare, at: EpochMs): number {
    const time = must(this.#warehouses.get(share.warehouseKey), 'nothing runs on the warehouse');
    advance(time, at);
    return Math.max(0, Math.round(time.sharedMs - share.joinedSharedMs));
  }

  /** Takes a statement out; what it used in all. */
  end(share: TimeShare, at: EpochMs): number {
    const time = must(this.#warehouses.get(share.warehouseKey), 'nothing runs on the warehouse');
    const usedMs = this.usedMs(share, at);
    time.running -= 1;
    if (time.running === 0) this.#warehouses.delete(share.warehouseKey);
    return usedMs;
  }
}

function advance(time: WarehouseTime, at: EpochMs): void {
  // A clock that stepped back adds nothing; it never takes away.
  const elapsed = Math.max(0, at - time.changedAt);
  if (time.running > 0) time.sharedMs += elapsed / time.running;
  time.changedAt = Math.max(time.changedAt, at);
}
