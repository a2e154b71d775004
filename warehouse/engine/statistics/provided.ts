/** Tables whose rows the server provides: replaced as a whole, readable by everyone. */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Cell, RowType } from '#base/wire/row-type.js';
import type { ProvidedColumn } from '../engine.js';
import { databaseStatements, schemaStatements } from '../database.js';
import { quoteDuckText, quoteName } from '../sql/pieces.js';
import { listDatabases, listSchemas } from './catalogue.js';

export interface ProvidedTable {
  readonly database: string;
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly ProvidedColumn[];
  readonly rows: readonly (readonly Cell[])[];
}

/** Replaces the table's rows in one transaction, creating database, schema and table when missing. */
export async function replaceTable(service: DuckDBConnection, table: ProvidedTable): Promise<void> {
  const { database, schema } = table;
  const missing: string[] = [];
  if (!(await listDatabases(service)).includes(database))
    missing.push(...databaseStatements(database));
  const schemas = await listSchemas(service, database);
  const isMade = schemas.some(({ name }) => name === schema);
  if (!isMade && schema !== 'PUBLIC' && schema !== 'INFORMATION_SCHEMA')
    missing.push(...schemaStatements(database, schema));
  const statements = [...missing, createSql(table)];
  await service.run('BEGIN');
  try {
    for (const statement of statements) await service.run(statement);
    await service.run('COMMIT');
  } catch (cause) {
    await service.run('ROLLBACK');
    throw cause;
  }
}

function createSql({ database, schema, name, columns, rows }: ProvidedTable): string {
  return filledTable(
    `TABLE ${quoteName(`${database}.${schema}`)}.${quoteName(name)}`,
    columns,
    rows,
    'isNull',
  );
}

/**
 * CREATE OR REPLACE of `target` with `rows` in it. The rows travel as one JSON text: one value to parse in SQL however
 * many rows there are.
 *
 * @param unreadable what a cell that is not of its column's type becomes: NULL, so that one bad row leaves the others
 *   readable, or the failure of the whole statement.
 */
export function filledTable(
  target: string,
  columns: readonly ProvidedColumn[],
  rows: readonly (readonly Cell[])[],
  unreadable: 'isNull' | 'fails' = 'fails',
): string {
  return `CREATE OR REPLACE ${target} AS ${decodedRows(columns, quoteDuckText(rowsJson(rows)), unreadable)}`;
}

/** SELECT of the rows in `json`, an SQL expression: a JSON array of rows of cells. */
export function decodedRows(
  columns: readonly ProvidedColumn[],
  json: string,
  unreadable: 'isNull' | 'fails' = 'fails',
): string {
  const cells = columns.map((column, index) => {
    const cell = decoded(`r->>${index}`, column.type);
    return `${unreadable === 'isNull' ? `TRY(${cell})` : cell} AS ${quoteName(column.name)}`;
  });
  return `SELECT ${cells.join(', ')} FROM (SELECT unnest(from_json(${json}, '["JSON"]')) AS r)`;
}

/** The rows as JSON that DuckDB reads whatever is in them: it refuses the whole text at an escaped lone surrogate. */
function rowsJson(rows: readonly (readonly Cell[])[]): string {
  const json = JSON.stringify(rows);
  if (!/\\ud[89a-f]/.test(json)) return json;
  // Every escape is matched, so that a backslash that is itself escaped does not start one.
  return json.replaceAll(/\\(?:u(d[89a-f][0-9a-f]{2})|[^])/g, (escape, lone?: string) =>
    lone === undefined ? escape : '\ufffd',
  );
}

/** The Snowflake type of a result's column. */
export function snowflakeType(column: RowType): string {
  switch (column.type) {
    case 'fixed':
      return `NUMBER(${column.precision ?? 38},${column.scale ?? 0})`;
    case 'real':
      return 'FLOAT';
    case 'text':
      return 'VARCHAR';
    default:
      return column.type.toUpperCase();
  }
}

/** SQL that reads a cell's text in the encoding of results. */
function decoded(cell: string, type: string): string {
  const upper = type.toUpperCase();
  const base = /^[A-Z_]+/.exec(upper)?.[0] ?? 'VARCHAR';
  switch (base) {
    case 'NUMBER':
    case 'DECIMAL':
    case 'NUMERIC':
    case 'FIXED': {
      const size = /\((\d+)(?:\s*,\s*(\d+))?\)/.exec(upper);
      return `(${cell})::DECIMAL(${size?.[1] ?? '38'},${size?.[2] ?? '0'})`;
    }
    case 'INT':
    case 'INTEGER':
    case 'BIGINT':
      return `(${cell})::BIGINT`;
    case 'FLOAT':
    case 'DOUBLE':
    case 'REAL':
      return `(${cell})::DOUBLE`;
    case 'BOOLEAN':
      return `(${cell})::BOOLEAN`;
    case 'DATE':
      return `DATE '1970-01-01' + (${cell})::INTEGER`;
    case 'TIMESTAMP_NTZ':
    case 'TIMESTAMP':
      return `make_timestamp(((${cell})::DECIMAL(38,9) * 1000000)::BIGINT)`;
    case 'TIMESTAMP_LTZ':
    case 'TIMESTAMP_TZ':
      return `make_timestamp((split_part(${cell}, ' ', 1)::DECIMAL(38,9) * 1000000)::BIGINT)::TIMESTAMPTZ`;
    case 'BINARY':
      return `unhex(${cell})`;
    case 'TIME':
      return `TIME '00:00:00' + to_microseconds(((${cell})::DECIMAL(38,9) * 1000000)::BIGINT)`;
    case 'VARIANT':
    case 'OBJECT':
    case 'ARRAY':
      return `(${cell})::JSON`;
    default:
      return `(${cell})::VARCHAR`;
  }
}
