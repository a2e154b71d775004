/** SHOW PRIMARY, UNIQUE, IMPORTED and EXPORTED KEYS (pages "SHOW PRIMARY KEYS" and its sisters): keys are kept, not enforced. */
import type { CatalogueKey, CatalogueTable } from '../engine/engine.js';
import { columnType } from '#base/wire/row-type.js';
import type { Cell, RowType } from '#base/wire/row-type.js';
import type { TokenReader } from '../statement/tokens.js';
import { instant } from './listing.js';
import type { Listing } from './listing.js';
import type { ShowClauses } from './show-clauses.js';

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

export type KeysShown = 'PRIMARY' | 'UNIQUE' | 'IMPORTED' | 'EXPORTED';

/** The kind of keys that is asked for; undefined, and nothing read, when no kind of key follows. */
export function keysShown(reader: TokenReader): KeysShown | undefined {
  const kinds = ['PRIMARY', 'UNIQUE', 'IMPORTED', 'EXPORTED'] as const;
  return kinds.find((kind) => reader.accept(kind, 'KEYS'));
}

/** The keys of `tables`, which are all of the account's, that lie in the scope of the statement. */
export function listKeys(
  shown: KeysShown,
  tables: readonly CatalogueTable[],
  { scope }: Pick<ShowClauses, 'scope'>,
): Listing {
  const isInScope = (of: {
    readonly database: string;
    readonly schema: string;
    readonly table: string;
  }): boolean =>
    (scope.database ?? of.database) === of.database &&
    (scope.schema ?? of.schema) === of.schema &&
    (scope.table ?? of.table) === of.table;
  const all = tables.flatMap((table) => table.keys.map((key) => ({ table, key })));
  if (shown === 'PRIMARY' || shown === 'UNIQUE') {
    const kind = shown === 'PRIMARY' ? 'PRIMARY KEY' : 'UNIQUE';
    const rows = all
      .filter(({ table, key }) => key.kind === kind && isInScope({ ...table, table: table.name }))
      .flatMap(({ table, key }) => ownRows(table, key));
    return { columns: OWN_KEYS, rows, nameAt: 3 };
  }
  const rows = all
    .filter(({ table, key: { references } }) =>
      references === undefined
        ? false
        : isInScope(shown === 'IMPORTED' ? { ...table, table: table.name } : references),
    )
    .flatMap(({ table, key }) => foreignRows(tables, table, key));
  return { columns: FOREIGN_KEYS, rows, nameAt: shown === 'IMPORTED' ? 7 : 3 };
}

function ownRows(table: CatalogueTable, key: CatalogueKey): readonly (readonly Cell[])[] {
  return key.columns.map((column, index) => [
    instant(table.createdAtMs),
    table.database,
    table.schema,
    table.name,
    column,
    String(index + 1),
    key.name,
    'false',
    null,
  ]);
}

function foreignRows(
  tables: readonly CatalogueTable[],
  table: CatalogueTable,
  key: CatalogueKey,
): readonly (readonly Cell[])[] {
  const { references } = key;
  if (references === undefined) return [];
  const primary = tables
    .find(
      (other) =>
        other.database === references.database &&
        other.schema === references.schema &&
        other.name === references.table,
    )
    ?.keys.find(({ kind }) => kind === 'PRIMARY KEY');
  const columns = references.columns.length > 0 ? references.columns : (primary?.columns ?? []);
  return key.columns.map((column, index) => [
    instant(table.createdAtMs),
    references.database,
    references.schema,
    references.table,
    columns[index] ?? null,
    table.database,
    table.schema,
    table.name,
    column,
    String(index + 1),
    'NO ACTION',
    'NO ACTION',
    key.name,
    primary?.name ?? null,
    'NOT DEFERRABLE',
    'false',
    null,
  ]);
}
