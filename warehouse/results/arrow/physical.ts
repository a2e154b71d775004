/**
 * How a column of Snowflake's types lies in Arrow, as Snowflake's drivers read it: FIXED as the narrowest integers of
 * value × 10^scale or as decimal128, times as integers, timestamps as structs. Arrow's own timestamp, time and
 * unsigned types must not occur: the Python connector ends in a segmentation fault at the first of them.
 */
import { AssertionError } from '#base/assert.js';
import type { Cell, RowType } from '#base/wire/row-type.js';

export type Physical =
  | { readonly kind: 'int'; readonly bits: 8 | 16 | 32 | 64 }
  | { readonly kind: 'decimal' }
  | { readonly kind: 'real' }
  | { readonly kind: 'bool' }
  | { readonly kind: 'date' }
  | { readonly kind: 'time' }
  | { readonly kind: 'text' }
  | { readonly kind: 'binary' }
  /** Seconds and nanoseconds; with the minutes of the zone, too, for TIMESTAMP_TZ. */
  | { readonly kind: 'instant'; readonly isZoned: boolean };

/** A column of a result and how it lies in Arrow. */
export interface ArrowColumn {
  readonly column: RowType;
  /** Upper case, as field metadata has it. */
  readonly logicalType: string;
  readonly physical: Physical;
}

const DECIMAL_DIGITS_MAX = 38;

/**
 * Columns of a result of several pages. All pages must have the same types, so each is as wide as the widest cell of
 * the whole result: `widths` where the engine measured, else what the precision allows.
 */
export function columnsOfPages(
  columns: readonly RowType[],
  widths: readonly number[] | undefined,
): readonly ArrowColumn[] {
  return columns.map((column, index) => {
    const precision = column.precision ?? DECIMAL_DIGITS_MAX;
    return arrowColumn(column, precision > 18 ? (widths?.[index] ?? precision) : precision);
  });
}

/** Columns of a result whose rows are all here. */
export function columnsOfRows(
  columns: readonly RowType[],
  rows: readonly (readonly Cell[])[],
): readonly ArrowColumn[] {
  return columns.map((column, index) => {
    if (column.type !== 'fixed') return arrowColumn(column, 0);
    let width = 0;
    for (const row of rows) width = Math.max(width, row[index]?.length ?? 0);
    return arrowColumn(column, width);
  });
}

/** `width` is the most characters of a cell of a number. */
function arrowColumn(column: RowType, width: number): ArrowColumn {
  return {
    column,
    logicalType: column.type.toUpperCase(),
    physical: physicalOf(column.type, width),
  };
}

function physicalOf(type: string, width: number): Physical {
  switch (type) {
    case 'fixed':
      if (width <= 2) return { kind: 'int', bits: 8 };
      if (width <= 4) return { kind: 'int', bits: 16 };
      if (width <= 9) return { kind: 'int', bits: 32 };
      return width <= 18 ? { kind: 'int', bits: 64 } : { kind: 'decimal' };
    case 'real':
      return { kind: 'real' };
    case 'boolean':
      return { kind: 'bool' };
    case 'date':
      return { kind: 'date' };
    case 'time':
      return { kind: 'time' };
    case 'timestamp_ntz':
    case 'timestamp_ltz':
      return { kind: 'instant', isZoned: false };
    case 'timestamp_tz':
      return { kind: 'instant', isZoned: true };
    case 'binary':
      return { kind: 'binary' };
    case 'text':
    case 'variant':
    case 'object':
    case 'array':
      return { kind: 'text' };
  }
  throw new AssertionError(`a result column of type ${type} in Arrow`);
}
