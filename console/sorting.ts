/** The order of a table's rows. */

export type SortKey = bigint | number | string | null;

export interface Sorting {
  readonly column: string;
  readonly isDescending: boolean;
}

/** Rows by a key, equal ones in the order they came; what has no key comes last either way. */
export function sorted<Row>(
  rows: readonly Row[],
  keyOf: (row: Row) => SortKey,
  isDescending: boolean,
): readonly Row[] {
  return rows.toSorted((a, b) => {
    const [left, right] = [keyOf(a), keyOf(b)];
    if (left === null || right === null) return Number(left === null) - Number(right === null);
    const order = compared(left, right);
    return isDescending ? -order : order;
  });
}

function compared(left: bigint | number | string, right: bigint | number | string): number {
  if (typeof left === 'string' || typeof right === 'string')
    return String(left).localeCompare(String(right), 'en', { numeric: true });
  if (left < right) return -1;
  return left > right ? 1 : 0;
}

/** What a click on a column's head makes of the order: amounts begin with the largest. */
export function nextSorting(now: Sorting, column: string, isAmount: boolean): Sorting {
  if (now.column !== column) return { column, isDescending: isAmount };
  return { column, isDescending: !now.isDescending };
}
