/** SHOW PRIMARY, UNIQUE, IMPORTED and EXPORTED KEYS: no table has constraints here, but clients read the columns by name. */
import { columnType } from '#base/wire/row-type.js';
import type { RowType } from '#base/wire/row-type.js';

const text = (...names: readonly string[]): readonly RowType[] =>
  names.map((name) => columnType(name, 'text'));
const CREATED_ON: RowType = columnType('created_on', 'timestamp_ltz', { scale: 3 });
const KEY_SEQUENCE: RowType = columnType('key_sequence', 'fixed', { precision: 38, scale: 0 });

const OWN_KEYS: readonly RowType[] = [
  CREATED_ON,
  ...text('database_name', 'schema_name', 'table_name', 'column_name'),
  KEY_SEQUENCE,
  ...text('constraint_name', 'rely', 'comment'),
];

const FOREIGN_KEYS: readonly RowType[] = [
  CREATED_ON,
  ...text('pk_database_name', 'pk_schema_name', 'pk_table_name', 'pk_column_name'),
  ...text('fk_database_name', 'fk_schema_name', 'fk_table_name', 'fk_column_name'),
  KEY_SEQUENCE,
  ...text('update_rule', 'delete_rule', 'fk_name', 'pk_name', 'deferrability', 'rely', 'comment'),
];

/** Snowflake's columns of `SHOW <kind> KEYS`; undefined for words that are no kind of key. */
export function keyColumns(kind: string): readonly RowType[] | undefined {
  switch (kind) {
    case 'PRIMARY':
    case 'UNIQUE':
      return OWN_KEYS;
    case 'IMPORTED':
    case 'EXPORTED':
      return FOREIGN_KEYS;
    default:
      return undefined;
  }
}
