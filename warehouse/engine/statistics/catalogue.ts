/** Databases, schemas, tables and columns for SHOW, from the catalogue's views. */
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import type {
  CatalogueColumn,
  CatalogueKey,
  CatalogueSequence,
  CatalogueTable,
} from '../engine.js';
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
            clustering_key, epoch_ms(created_at)::DOUBLE, ${KEYS},
            notes->>'$.comment', notes->>'$.text', coalesce(notes->>'$.isSecure', 'false')
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
    keys: keysOf(row[8], row[0] as string, row[1] as string),
    comment: row[9] as string | null,
    viewText: row[10] as string | null,
    isSecure: row[11] === 'true',
  }));
}

/** A key without a name has one that is its own, the same as in INFORMATION_SCHEMA. */
const KEYS = `(SELECT to_json(list(json_object('key', c, 'name', coalesce(c->>'name', concat('SYS_CONSTRAINT_', md5(concat(table_database, table_schema, table_name, c::VARCHAR)))))))::VARCHAR
   FROM (SELECT unnest(from_json(coalesce(notes->'$.constraints', '[]'), '["JSON"]')) AS c))`;

interface NotedKey {
  readonly name: string;
  readonly key: {
    readonly kind: CatalogueKey['kind'];
    readonly columns: readonly string[];
    readonly references?: {
      readonly parts: readonly string[];
      readonly columns: readonly string[];
    };
  };
}

function keysOf(
  json: DuckDBValue | undefined,
  database: string,
  schema: string,
): readonly CatalogueKey[] {
  if (typeof json !== 'string') return [];
  return (JSON.parse(json) as readonly NotedKey[]).map(({ name, key }) => {
    const { kind, columns, references } = key;
    if (references === undefined) return { kind, name, columns };
    const { parts } = references;
    return {
      kind,
      name,
      columns,
      references: {
        database: parts.at(-3) ?? database,
        schema: parts.at(-2) ?? schema,
        table: parts.at(-1) ?? '',
        columns: references.columns,
      },
    };
  });
}

/** Sequences, sorted by name. */
export async function listSequences(
  service: DuckDBConnection,
  database: string | null,
  schema: string | null,
): Promise<readonly CatalogueSequence[]> {
  const rows = await rowsOf(
    service,
    `SELECT * FROM (
       SELECT split_part(schema_name, '.', 1) AS table_database, split_part(schema_name, '.', 2) AS table_schema, sequence_name,
              coalesce(last_value + increment_by, start_value)::VARCHAR, increment_by::VARCHAR
       FROM duckdb_sequences() WHERE database_name = 'warehouse' AND contains(schema_name, '.')
     ) ${where({ table_database: database, table_schema: schema })} ORDER BY 1, 2, 3`,
  );
  return rows.map((row) => ({
    database: row[0] as string,
    schema: row[1] as string,
    name: row[2] as string,
    nextValue: row[3] as string,
    increment: row[4] as string,
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
              WHEN 'TIME' THEN 'TIME(9)' ELSE type_name END END, column_default, notes->>'$.comment'
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
    default: row[7] as string | null,
    comment: row[8] as string | null,
  }));
}
