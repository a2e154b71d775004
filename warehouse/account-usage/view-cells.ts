/** Cells that several views have. */
import { idOfName } from '../fleet/warehouse-id.js';
import type { Cell } from '#base/wire/row-type.js';
import type { EpochMs } from '#base/time.js';
import type { ProvidedColumn } from '../engine/engine.js';

export type ViewRow = readonly Cell[];

/**
 * Credits in every view: exact to the pico-credit. Snowflake has NUMBER(38,9) in the metering views and FLOAT in those of
 * statements; here both are exact, so that sums can be compared without a tolerance.
 */
export const CREDITS = 'NUMBER(38,12)';
/** Warehouse under which Snowflake lists cloud services that no warehouse used. */
export const NO_WAREHOUSE = 'CLOUD_SERVICES_ONLY';

/** Columns from `NAME` (VARCHAR) and `NAME:TYPE`, separated by blanks. */
export function columnsFrom(text: string): readonly ProvidedColumn[] {
  return text
    .trim()
    .split(/\s+/)
    .map((one) => {
      const [name = '', type = 'VARCHAR'] = one.split(':');
      return { name, type: type === 'N' ? 'NUMBER(38,0)' : type === 'T' ? 'TIMESTAMP_LTZ' : type };
    });
}

/** Seconds since 1970 with three decimals, as timestamps travel. */
export function instant(at: EpochMs): Cell {
  return (at / 1000).toFixed(3);
}

/** The number of a warehouse, which it keeps through renames; of what was never given one, that of its name. */
export function idOf(name: string, id: number = idOfName(name)): string {
  return String(id);
}

/** One row of several groups of cells. */
export function joined(...groups: readonly ViewRow[]): ViewRow {
  // Every view has rows of such groups, and `flat` takes sixteen times as long.
  return ([] as Cell[]).concat(...groups);
}
