/**
 * A table that sorts by its heads. In a narrow window each row is a block of its cells under their names (styles.css); the
 * roles are written out because a browser forgets those of a table that is laid out as something else.
 */
import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { nextSorting, type SortKey, type Sorting, sorted } from './sorting.js';

export interface Column<Row> {
  readonly name: string;
  /** Amounts and counts stand on the right. */
  readonly isAmount?: boolean;
  readonly unit?: string;
  readonly cell: (row: Row) => ComponentChildren;
  /** Absent: the table does not sort by it. */
  readonly sortKey?: (row: Row) => SortKey;
  readonly class?: string;
}

export function Table<Row>(props: {
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  readonly first?: Sorting;
}): JSX.Element {
  const { label, columns, rows, keyOf } = props;
  const [sorting, setSorting] = useState<Sorting>(
    props.first ?? { column: '', isDescending: false },
  );
  const by = columns.find(({ name }) => name === sorting.column)?.sortKey;
  const shown = by === undefined ? rows : sorted(rows, by, sorting.isDescending);
  return (
    <div class="table-scroll" role="region" aria-label={label} tabIndex={0}>
      <table role="table">
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column) => (
              <Head
                key={column.name}
                column={column}
                sorting={sorting}
                onSort={() =>
                  setSorting(nextSorting(sorting, column.name, column.isAmount ?? false))
                }
              />
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {shown.map((row) => (
            <tr key={keyOf(row)} role="row">
              {columns.map((column) => (
                <td
                  key={column.name}
                  role="cell"
                  class={classOf(column)}
                  data-label={labelOf(column)}
                >
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function classOf<Row>({ isAmount, class: own = '' }: Column<Row>): string {
  return isAmount === true ? `amount ${own}` : own;
}

function labelOf<Row>({ name, unit }: Column<Row>): string {
  return unit === undefined ? name : `${name}, ${unit}`;
}

function Head<Row>(props: {
  readonly column: Column<Row>;
  readonly sorting: Sorting;
  readonly onSort: () => void;
}): JSX.Element {
  const { column, sorting, onSort } = props;
  const isBy = sorting.column === column.name;
  const order = sorting.isDescending ? 'descending' : 'ascending';
  const unit = column.unit === undefined ? null : <span class="unit"> {column.unit}</span>;
  return (
    <th
      scope="col"
      role="columnheader"
      class={classOf(column)}
      aria-sort={isBy ? order : undefined}
    >
      {column.sortKey === undefined ? (
        <>
          {column.name}
          {unit}
        </>
      ) : (
        <button type="button" onClick={onSort}>
          {column.name}
          {unit}
          <span class="arrow" aria-hidden="true">
            {isBy ? (sorting.isDescending ? '↓' : '↑') : ''}
          </span>
        </button>
      )}
    </th>
  );
}
