/** What a statement of the history really used: what the export says, else its share of the warehouse's time. */
import {
  approximate,
  compareAmounts,
  type Credits,
  creditsForMillis,
  NO_CREDITS,
  tryParseCredits,
} from '../../base/units.js';
import type { ReplayRow } from './row.js';

export interface Usage {
  readonly credits: Credits;
  /** Warehouse-seconds that those credits are. */
  readonly seconds: number;
  /** Seconds from when it began to run to its end. */
  readonly elapsedSeconds: number;
}

/** What a history can tell of warehouses. */
export interface Columns {
  readonly hasWarehouses: boolean;
  readonly hasSizes: boolean;
}

/** @param columns that were read; empty: those of the ledger, which has them all but the size. */
export function columnsOf(columns: readonly string[]): Columns {
  return {
    hasWarehouses: columns.length === 0 || columns.includes('WAREHOUSE_NAME'),
    hasSizes: columns.includes('WAREHOUSE_SIZE'),
  };
}

/**
 * Unless the history says that it used none: it was answered from metadata or an earlier result. What has scanned bytes ran on
 * its warehouse, also where the size is missing.
 */
export function usesWarehouse(row: ReplayRow, { hasWarehouses, hasSizes }: Columns): boolean {
  if (row.executionMs === 0) return false;
  if (hasWarehouses && row.warehouse === null) return false;
  return !hasSizes || row.warehouseSize !== null || (row.bytesScanned ?? 0) > 0;
}

/** Of one warehouse of one account, or of one of its clusters: what shares time. Without a name, nothing is shared. */
export function warehouseTimeKey({ account, warehouse, cluster, queryId }: ReplayRow): string {
  return warehouse === null ? queryId : JSON.stringify([account, warehouse, cluster]);
}

/**
 * @param sharedMs its share of the warehouse's time, where no credits are given.
 * @param creditsPerHour of one cluster of the warehouse.
 */
export function usageOf(row: ReplayRow, sharedMs: number, creditsPerHour: Credits): Usage {
  const elapsedSeconds = row.executionMs / 1_000;
  const given = row.credits === null ? undefined : tryParseCredits(row.credits);
  if (given === undefined)
    return {
      credits: creditsForMillis(creditsPerHour, sharedMs, 'half-even'),
      seconds: sharedMs / 1_000,
      elapsedSeconds,
    };
  if (compareAmounts(given, NO_CREDITS) <= 0)
    return { credits: NO_CREDITS, seconds: 0, elapsedSeconds };
  const seconds = (approximate(given) * 3_600) / approximate(creditsPerHour);
  return { credits: given, seconds, elapsedSeconds };
}
