/** A listing of SHOW before LIKE, STARTS WITH and LIMIT, and what its cells are made of. */
import { columnType } from '#base/wire/row-type.js';
import type { Cell, RowType } from '#base/wire/row-type.js';

export interface Listing {
  readonly columns: readonly RowType[];
  readonly rows: readonly (readonly Cell[])[];
  /** Index of the column that LIKE, STARTS WITH and LIMIT … FROM look at. */
  readonly nameAt: number;
}

/** Columns of these names: text, save those that Snowflake types otherwise everywhere. */
export function columnsOf(names: string): readonly RowType[] {
  return names
    .trim()
    .split(/\s+/)
    .map((name) =>
      TIMES.has(name)
        ? columnType(name, 'timestamp_ltz', { scale: 3 })
        : columnType(name, COUNTS.has(name) ? 'fixed' : 'text'),
    );
}

const TIMES: ReadonlySet<string> = new Set([
  'created_on',
  'updated_on',
  'dropped_on',
  'started_on',
  'last_success_login',
]);
const COUNTS: ReadonlySet<string> = new Set([
  'rows',
  'bytes',
  'assigned_to_users',
  'granted_to_roles',
  'granted_roles',
  'min_num_arguments',
  'max_num_arguments',
]);

/** A listing of rows as objects by column name; a column that a row does not have is null. */
export function listingOf(
  names: string,
  rows: readonly Readonly<Record<string, Cell>>[],
  nameColumn = 'name',
): Listing {
  const columns = columnsOf(names);
  return {
    columns,
    rows: rows.map((row) => columns.map(({ name }) => row[name] ?? null)),
    nameAt: columns.findIndex(({ name }) => name === nameColumn),
  };
}

/** An instant in milliseconds as a cell of a timestamp column. */
export function instant(atMs: number): Cell {
  return (atMs / 1000).toFixed(3);
}

/** Y or N. */
export function yesNo(condition: boolean): Cell {
  return condition ? 'Y' : 'N';
}
