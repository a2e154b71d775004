/** Tables whose rows the server provides: replaced as a whole or amended at their end, readable by everyone. */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Cell, RowType } from '#base/wire/row-type.js';
import type { ProvidedColumn, TableAmendment } from '../engine.js';
import { databaseStatements, schemaStatements } from '../database.js';
import { op } from '../sql/functions/polymorphic.js';
import { quoteDuckText, quoteName } from '../sql/pieces.js';
import { listDatabases, listSchemas } from './catalogue.js';
import { CELL_CODE, LINE_CODE, NULL_CODE, encodeRows } from './encoded-rows.js';
import type { EncodedRows } from './encoded-rows.js';

export interface ProvidedTable {
  readonly database: string;
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly ProvidedColumn[];
  readonly rows: EncodedRows;
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
  await inTransaction(service, async () => {
    for (const statement of missing) await service.run(statement);
    await fill(service, `CREATE OR REPLACE TABLE ${nameOf(table)} AS`, table.columns, table.rows);
  });
}

/**
 * Takes rows off the end of a provided table and appends others, in one transaction.
 *
 * @returns false, and nothing is changed, when the table is not there or would not keep exactly `keptRows` rows.
 */
export async function amendTable(
  service: DuckDBConnection,
  table: ProvidedTable,
  { from, keptRows }: TableAmendment,
): Promise<boolean> {
  const name = nameOf(table);
  const column = table.columns.find((one) => one.name === from?.column);
  const isTail =
    from === undefined || column === undefined
      ? 'FALSE'
      : `(${quoteName(column.name)} IS NULL OR ${quoteName(column.name)} >= ${decoded(quoteDuckText(from.cell), column.type)})`;
  const found = await service.runAndReadAll(
    `SELECT count(*)::INTEGER FROM duckdb_tables() WHERE schema_name = ${quoteDuckText(`${table.database}.${table.schema}`)} AND table_name = ${quoteDuckText(table.name)}`,
  );
  if (found.getRows()[0]?.[0] !== 1) return false;
  const kept = await service.runAndReadAll(
    `SELECT count(*)::DOUBLE FROM ${name} WHERE NOT ${isTail}`,
  );
  if (kept.getRows()[0]?.[0] !== keptRows) return false;
  await inTransaction(service, async () => {
    if (isTail !== 'FALSE') await service.run(`DELETE FROM ${name} WHERE ${isTail}`);
    if (table.rows.count > 0) await fill(service, `INSERT INTO ${name}`, table.columns, table.rows);
  });
  return true;
}

async function inTransaction(service: DuckDBConnection, work: () => Promise<void>): Promise<void> {
  await service.run('BEGIN');
  try {
    await work();
    await service.run('COMMIT');
  } catch (cause) {
    await service.run('ROLLBACK');
    throw cause;
  }
}

function nameOf({ database, schema, name }: ProvidedTable): string {
  return `${quoteName(`${database}.${schema}`)}.${quoteName(name)}`;
}

async function fill(
  service: DuckDBConnection,
  target: string,
  columns: readonly ProvidedColumn[],
  rows: EncodedRows,
): Promise<void> {
  const prepared = await service.prepare(
    `${target} ${encodedSelect('$1::VARCHAR', columns, rows, 'isNull')}`,
  );
  try {
    prepared.bindVarchar(1, rows.text);
    await prepared.run();
  } finally {
    prepared.destroySync();
  }
}

/**
 * CREATE OR REPLACE of `target` with `rows` in it.
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
  const encoded = encodeRows(rows);
  return `CREATE OR REPLACE ${target} AS ${encodedSelect(quoteDuckText(encoded.text), columns, encoded, unreadable)}`;
}

/** SELECT of the rows in `json`, an SQL expression: a JSON array of rows of cells, every column among them. */
export function decodedRows(columns: readonly ProvidedColumn[], json: string): string {
  return encodedSelect(json, columns, { form: 'json', count: 1, constants: [], text: '' }, 'fails');
}

function encodedSelect(
  text: string,
  columns: readonly ProvidedColumn[],
  rows: EncodedRows,
  unreadable: 'isNull' | 'fails',
): string {
  let shipped = 0;
  const cells = columns.map((column, index) => {
    const constant = rows.constants[index];
    const raw =
      constant === undefined
        ? cellOf(rows.form, ++shipped)
        : constant === null
          ? 'NULL'
          : quoteDuckText(constant);
    const cell = unreadable === 'isNull' ? tried(raw, column.type) : decoded(raw, column.type);
    return `${cell} AS ${quoteName(column.name)}`;
  });
  return `SELECT ${cells.join(', ')} FROM (${rowsOf(text, rows)})`;
}

function cellOf(form: EncodedRows['form'], index: number): string {
  return form === 'json' ? `r[${index}]` : `nullif(r[${index}], chr(${NULL_CODE}))`;
}

function rowsOf(text: string, { form, count }: EncodedRows): string {
  if (count === 0) return `SELECT NULL::VARCHAR[] AS r FROM (SELECT ${text} AS t) WHERE FALSE`;
  if (form === 'json') return `SELECT unnest(from_json(${text}, '[["VARCHAR"]]')) AS r`;
  return `SELECT string_split(line, chr(${CELL_CODE})) AS r FROM (SELECT unnest(string_split(${text}, chr(${LINE_CODE}))) AS line)`;
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

/**
 * As {@link decoded}, with NULL for what is not of the type. TRY doubles the time of whatever is inside, so of the usual
 * types only what is rarely evaluated is.
 */
function tried(cell: string, type: string): string {
  const base = baseOf(type);
  if (base === 'VARCHAR') return decoded(cell, type);
  if (base === 'NUMBER' || base === 'TIMESTAMP_LTZ')
    return decoded(cell, type, (rare) => `TRY(${rare})`);
  return `TRY(${decoded(cell, type)})`;
}

function baseOf(type: string): string {
  return /^[A-Z_]+/.exec(type.toUpperCase())?.[0] ?? 'VARCHAR';
}

/**
 * SQL that reads a cell's text in the encoding of results.
 *
 * @param guarded what is done about the slow way, which only cells that the quick one cannot read come to.
 */
function decoded(
  cell: string,
  type: string,
  guarded: (sql: string) => string = (sql) => sql,
): string {
  const upper = type.toUpperCase();
  switch (baseOf(type)) {
    case 'NUMBER':
    case 'DECIMAL':
    case 'NUMERIC':
    case 'FIXED': {
      const size = /\((\d+)(?:\s*,\s*(\d+))?\)/.exec(upper);
      return decimal(cell, Number(size?.[1] ?? '38'), Number(size?.[2] ?? '0'), guarded);
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
      return op('+', `DATE '1970-01-01'`, `(${cell})::INTEGER`);
    case 'TIMESTAMP_NTZ':
    case 'TIMESTAMP':
      return `make_timestamp(${microseconds(cell, guarded)})`;
    case 'TIMESTAMP_TZ':
      return `CASE WHEN ${cell} IS NOT NULL THEN struct_pack(tg_instant := ${decoded(cell, 'TIMESTAMP_LTZ', guarded)}, tg_offset := ${op('-', `split_part(${cell}, ' ', 2)::INTEGER`, '1440')}) END`;
    case 'TIMESTAMP_LTZ':
      return `make_timestamp(${microseconds(`split_part(${cell}, ' ', 1)`, guarded)})::TIMESTAMPTZ`;
    case 'BINARY':
      return `unhex(${cell})`;
    case 'TIME':
      return op('+', `TIME '00:00:00'`, `to_microseconds(${microseconds(cell, guarded)})`);
    // A cell has Snowflake's own words, such as `undefined`.
    case 'VARIANT':
      return `tg_parse_json(${cell})`;
    case 'OBJECT':
      return `tg_to_object(tg_parse_json(${cell}))`;
    case 'ARRAY':
      return `tg_to_array(tg_parse_json(${cell}))`;
    default:
      return `(${cell})::VARCHAR`;
  }
}

/** DuckDB reads a decimal of more than 18 digits twenty times slower than one of 18, which nearly all fit into. */
function decimal(
  cell: string,
  precision: number,
  scale: number,
  guarded: (sql: string) => string,
): string {
  const wide = guarded(`(${cell})::DECIMAL(${precision},${scale})`);
  if (precision <= 18 || scale > 18) return wide;
  return `coalesce(TRY_CAST(${cell} AS DECIMAL(18,${scale}))::DECIMAL(${precision},${scale}), ${wide})`;
}

/** Seconds with a fraction as whole microseconds; by way of text, because DECIMAL(18) cannot hold the product. */
function microseconds(cell: string, guarded: (sql: string) => string): string {
  const wide = guarded(`${op('*', `(${cell})::DECIMAL(38,9)`, '1000000')}::BIGINT`);
  return `coalesce(replace(TRY_CAST(${cell} AS DECIMAL(18,6))::VARCHAR, '.', '')::BIGINT, ${wide})`;
}
