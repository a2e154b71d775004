/**
 * Seconds of warehouses that statements of a history used, by the arithmetic of the live path: what runs at once on
 * one warehouse shares its time. Where the history says which cluster a statement ran on, each cluster has a time of
 * its own. Events come in the order of their times; one that comes late counts as if it came now.
 */
import type { EpochMs } from '../../base/time.js';
import { SharedTime } from '../../billing/shared-time.js';
import type { TimeShare } from '../../billing/shared-time.js';
import type { ReplayRow } from './row.js';

/** Of one warehouse of one account, or of one of its clusters. */
export function warehouseTimeKey(
  row: Pick<ReplayRow, 'account' | 'cluster'> & { readonly warehouse: string },
): string {
  return JSON.stringify([row.account, row.warehouse, row.cluster]);
}

/** As large as what runs at once. */
export class WarehouseTimes {
  readonly #time = new SharedTime();
  readonly #shares = new Map<string, TimeShare>();

  /** Statements that run. */
  get size(): number {
    return this.#shares.size;
  }

  /** False, and nothing changes, when a statement with this id runs already. */
  begin(id: string, warehouseKey: string, startedAt: EpochMs): boolean {
    if (this.#shares.has(id)) return false;
    this.#shares.set(id, this.#time.begin(warehouseKey, startedAt));
    return true;
  }

  /** What a running statement has used by `at`; undefined for others. */
  usedMs(id: string, at: EpochMs): number | undefined {
    const share = this.#shares.get(id);
    return share === undefined ? undefined : this.#time.usedMs(share, at);
  }

  /** Ends a statement: warehouse-milliseconds it used, whole. Undefined when none with this id runs. */
  end(id: string, endedAt: EpochMs): { readonly usedMs: number } | undefined {
    const share = this.#shares.get(id);
    if (share === undefined) return undefined;
    this.#shares.delete(id);
    return { usedMs: this.#time.end(share, endedAt) };
  }
}
