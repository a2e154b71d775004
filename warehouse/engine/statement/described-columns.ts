/** Columns of a prepared query under the names that its text gives them. */
import type { DuckDBPreparedStatement, DuckDBType } from '@duckdb/node-api';
import type { RowType } from '#base/wire/row-type.js';
import { rowTypeOf } from './cells.js';

/** `names`: by item of the select list, as `textNames` gives them. */
export function describedColumns(
  prepared: DuckDBPreparedStatement,
  names: readonly (string | undefined)[],
): { readonly columns: readonly RowType[]; readonly types: readonly DuckDBType[] } {
  const star = names.indexOf('*');
  const count = prepared.columnCount;
  const textName = (index: number): string | undefined => {
    if (star < 0) return names.length === count ? names[index] : undefined;
    if (index < star) return names[index];
    const fromEnd = count - index;
    const after = names.slice(star + 1);
    return fromEnd <= after.length && !after.includes('*')
      ? after[after.length - fromEnd]
      : undefined;
  };
  const types = Array.from({ length: count }, (_, index) => prepared.columnType(index));
  const columns = types.map((type, index) =>
    rowTypeOf(textName(index) ?? prepared.columnName(index), type),
  );
  return { columns, types };
}
