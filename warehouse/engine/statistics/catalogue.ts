/** Databases, schemas, tables and columns for SHOW, from the catalogue's views. */
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import type { CatalogueColumn, CatalogueTable } from '../engine.js';
import type { SchemaName } from '../process/messages.js';

async function rowsOf(
  service: DuckDBConnection,
  sql: string,
): Promise<readonly (readonly DuckDBValue[])[]> {
  const found = await service.runAndReadAll(sql);
  return found.getRows();
}

function where(conditions: Readonly<Record<string, string | null>>): string {
  const tests = Object.entries(conditions).flatMap(([column, value]) =>
    value === null ? [] : [`${column} = '${value.replaceAll("'", "''")}'`],
  );
  return tests.length === 0 ? '' : `WHERE ${tests.join(' AND ')}`;
}

const SCHEMAS = `(SELECT split_part(schema_name, '.', 1) AS table_database, split_part(schema_name, '.', 2) AS table_schema
  FROM duckdb_schemas() WHERE database_name = 'warehouse' AND contains(schema_name, '.'))`;

/** Names of all databases, sorted. */
export async function listDatabases(service: DuckDBConnection): Promise<readonly string[]> {
  const rows = await rowsOf(service, `SELECT DISTINCT table_database FROM ${SCHEMAS} ORDER BY 1`);
  return rows.map(([name]) => name as string);
}

/** Schemas of one database or of all, sorted. */
export async function listSchemas(
  service: DuckDBConnection,
  database: string | null,
): Promise<readonly SchemaName[]> {
  const rows = await rowsOf(
    service,
    `SELECT * FROM ${SCHEMAS} ${where({ table_database: database })} ORDER BY 1, 2`,
  );
  return rows.map(([of, name]) => ({ database: of as string, name: name as string }));
}

/** Tables and views with their statistics, sorted by name. */
export async function listTables(
  service: DuckDBConnection,
  database: string | null,
  schema: string | null,
): Promise<readonly CatalogueTable[]> {
  const rows = await rowsOf(
    service,
    `SELECT table_database, table_schema, table_name, table_type, coalesce(row_count, 0)::DOUBLE, coalesce(bytes, 0)::DOUBLE,
            clustering_key, epoch_ms(created_at)::DOUBLE
     FROM tollgate.all_tables ${where({ table_database: database, table_schema: schema })} ORDER BY 1, 2, 3`,
  );
  return rows.map((row) => ({
    database: row[0] as string,
    schema: row[1] as string,
    name: row[2] as string,
    kind: row[3] === 'VIEW' ? 'VIEW' : 'TABLE',
    rows: row[4] as number,
    bytes: row[5] as number,
    clusteringKey: row[6] as string | null,
    createdAtMs: row[7] as number,
  }));
}

/** Columns in the order of their tables. */
export async function listColumns(
  service: DuckDBConnection,
  database: string | null,
  schema: string | null,
  table: string | null,
): Promise<readonly CatalogueColumn[]> {
  const rows = await rowsOf(
    service,
    `SELECT table_database, table_schema, table_name, column_name, ordinal_position::INTEGER, is_nullable,
            CASE WHEN notes->>'$.type' IS NOT NULL THEN notes->>'$.type' ELSE CASE type_name WHEN 'NUMBER' THEN format('NUMBER({},{})', digits, scale) WHEN 'TEXT' THEN 'VARCHAR(16777216)'
              WHEN 'BINARY' THEN 'BINARY(8388608)' WHEN 'TIMESTAMP_NTZ' THEN 'TIMESTAMP_NTZ(9)' WHEN 'TIMESTAMP_LTZ' THEN 'TIMESTAMP_LTZ(9)'
              WHEN 'TIME' THEN 'TIME(9)' ELSE type_name END END
     FROM tollgate.all_columns ${where({ table_database: database, table_schema: schema, table_name: table })} ORDER BY 1, 2, 3, 5`,
  );
  return rows.map((row) => ({
    database: row[0] as string,
    schema: row[1] as string,
    table: row[2] as string,
    name: row[3] as string,
    position: row[4] as number,
    nullable: row[5] as boolean,
    dataType: row[6] as string,
  }));
}
