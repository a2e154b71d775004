/** SHOW PRIMARY, UNIQUE, IMPORTED and EXPORTED KEYS: no table has constraints here, but clients read the columns by name. */
import { columnType } from '#base/wire/row-type.js';
import type { RowType } from '#base/wire/row-type.js';
import type { TokenReader } from '../statement/tokens.js';

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

/** Snowflake's columns of `SHOW <kind> KEYS`; undefined, and nothing read, when no kind of key follows. */
export function keyColumns(reader: TokenReader): readonly RowType[] | undefined {
  if (reader.accept('PRIMARY', 'KEYS') || reader.accept('UNIQUE', 'KEYS')) return OWN_KEYS;
  if (reader.accept('IMPORTED', 'KEYS') || reader.accept('EXPORTED', 'KEYS')) return FOREIGN_KEYS;
  return undefined;
}
