/** The catalogue as SQL inside DuckDB: one source for SHOW, INFORMATION_SCHEMA and the statistics. */
import {
  EVENTS_BYTES,
  EVENTS_DAYS,
  EVENTS_PARTITIONS_PER_DAY,
  EVENTS_ROWS,
} from '../world/events.js';

const NAMES = `split_part(schema_name, '.', 1) AS table_database, split_part(schema_name, '.', 2) AS table_schema`;
const OURS = `database_name = 'warehouse' AND contains(schema_name, '.')`;

/** Average bytes of a value by DuckDB type; texts are counted as 24 when nothing is known. */
const WIDTH = `CASE WHEN data_type IN ('BOOLEAN', 'TINYINT') THEN 1 WHEN data_type = 'DATE' THEN 4
    WHEN data_type IN ('VARCHAR', 'BLOB') THEN 24 WHEN data_type IN ('JSON', 'ARRAY', 'OBJECT') THEN 120 ELSE 8 END`;

const TYPE_NAME = `CASE WHEN data_type = 'VARCHAR' THEN 'TEXT' WHEN data_type = 'JSON' THEN 'VARIANT'
    WHEN data_type = 'BLOB' THEN 'BINARY' WHEN data_type IN ('DOUBLE', 'FLOAT') THEN 'FLOAT'
    WHEN data_type LIKE 'TIMESTAMP WITH%' THEN 'TIMESTAMP_LTZ' WHEN data_type LIKE 'TIMESTAMP%' THEN 'TIMESTAMP_NTZ'
    WHEN data_type IN ('BOOLEAN', 'DATE', 'TIME', 'ARRAY', 'OBJECT') THEN data_type
    WHEN data_type LIKE '%[]' THEN 'ARRAY' WHEN data_type LIKE 'STRUCT%' OR data_type LIKE 'MAP%' THEN 'OBJECT'
    ELSE 'NUMBER' END`;

/** Statements that create the catalogue's tables, views and table macros in our own schema. */
export function catalogueStatements(demoWorld: boolean): readonly string[] {
  return [
    `CREATE TABLE tollgate.modelled (table_database VARCHAR, table_schema VARCHAR, table_name VARCHAR, row_count BIGINT, bytes BIGINT, clustering_key VARCHAR)`,
    ...(demoWorld
      ? [
          `INSERT INTO tollgate.modelled VALUES ('ANALYTICS', 'WEB', 'EVENTS', ${EVENTS_ROWS}, ${EVENTS_BYTES}, 'LINEAR(EVENT_DATE)')`,
        ]
      : []),
    `CREATE TABLE tollgate.created (table_database VARCHAR, table_schema VARCHAR, table_name VARCHAR, created_at TIMESTAMPTZ, clustering_key VARCHAR)`,
    `CREATE VIEW tollgate.all_columns AS
       SELECT ${NAMES}, table_name, column_name, column_index AS ordinal_position, data_type, is_nullable,
              ${TYPE_NAME} AS type_name, CASE WHEN data_type LIKE 'DECIMAL%' THEN numeric_precision ELSE 38 END AS digits, CASE WHEN data_type LIKE 'DECIMAL%' THEN numeric_scale ELSE 0 END AS scale, ${WIDTH} AS width
       FROM duckdb_columns() WHERE ${OURS}`,
    `CREATE VIEW tollgate.all_tables AS
       WITH widths AS (SELECT table_database, table_schema, table_name, sum(width) AS row_bytes FROM tollgate.all_columns GROUP BY ALL),
       objects AS (
         SELECT ${NAMES}, table_name, 'BASE TABLE' AS table_type, estimated_size AS stored_rows FROM duckdb_tables() WHERE ${OURS}
         UNION ALL
         SELECT ${NAMES}, view_name, 'VIEW', NULL FROM duckdb_views() WHERE ${OURS} AND NOT internal)
       SELECT o.table_database, o.table_schema, o.table_name, o.table_type, o.stored_rows,
              coalesce(m.row_count, o.stored_rows) AS row_count, coalesce(m.bytes, (o.stored_rows * w.row_bytes)::BIGINT) AS bytes,
              coalesce(m.clustering_key, c.clustering_key) AS clustering_key, coalesce(c.created_at, l.filled_at) AS created_at
       FROM objects o
       LEFT JOIN widths w USING (table_database, table_schema, table_name)
       LEFT JOIN tollgate.modelled m USING (table_database, table_schema, table_name)
       LEFT JOIN (SELECT table_database, table_schema, table_name, max(created_at) AS created_at, arg_max(clustering_key, created_at) AS clustering_key
                  FROM tollgate.created GROUP BY ALL) c USING (table_database, table_schema, table_name)
       CROSS JOIN (SELECT TIMESTAMPTZ '2026-01-01 00:00:00+00' AS filled_at) l`,
    ...informationSchema(),
    ...zones(demoWorld),
  ];
}

function informationSchema(): readonly string[] {
  return [
    `CREATE MACRO tollgate.information_tables(d) AS TABLE
       SELECT table_database AS TABLE_CATALOG, table_schema AS TABLE_SCHEMA, table_name AS TABLE_NAME, 'SYSADMIN' AS TABLE_OWNER,
              table_type AS TABLE_TYPE, 'NO' AS IS_TRANSIENT, clustering_key AS CLUSTERING_KEY, row_count AS ROW_COUNT, bytes AS BYTES,
              1::BIGINT AS RETENTION_TIME, created_at AS CREATED, created_at AS LAST_ALTERED, NULL::VARCHAR AS COMMENT
       FROM warehouse.tollgate.all_tables WHERE table_database = d`,
    `CREATE MACRO tollgate.information_columns(d) AS TABLE
       SELECT table_database AS TABLE_CATALOG, table_schema AS TABLE_SCHEMA, table_name AS TABLE_NAME, column_name AS COLUMN_NAME,
              ordinal_position::BIGINT AS ORDINAL_POSITION, NULL::VARCHAR AS COLUMN_DEFAULT,
              CASE WHEN is_nullable THEN 'YES' ELSE 'NO' END AS IS_NULLABLE, type_name AS DATA_TYPE,
              CASE type_name WHEN 'TEXT' THEN 16777216::BIGINT END AS CHARACTER_MAXIMUM_LENGTH,
              CASE type_name WHEN 'NUMBER' THEN digits::BIGINT END AS NUMERIC_PRECISION,
              CASE type_name WHEN 'NUMBER' THEN scale::BIGINT END AS NUMERIC_SCALE, NULL::VARCHAR AS COMMENT
       FROM warehouse.tollgate.all_columns WHERE table_database = d`,
    `CREATE MACRO tollgate.information_schemata(d) AS TABLE
       SELECT split_part(schema_name, '.', 1) AS CATALOG_NAME, split_part(schema_name, '.', 2) AS SCHEMA_NAME, 'SYSADMIN' AS SCHEMA_OWNER
       FROM duckdb_schemas() WHERE ${OURS} AND split_part(schema_name, '.', 1) = d`,
    `CREATE MACRO tollgate.information_views(d) AS TABLE
       SELECT table_database AS TABLE_CATALOG, table_schema AS TABLE_SCHEMA, table_name AS TABLE_NAME, created_at AS CREATED
       FROM warehouse.tollgate.all_tables WHERE table_database = d AND table_type = 'VIEW'`,
    `CREATE MACRO tollgate.information_databases(d) AS TABLE
       SELECT DISTINCT split_part(schema_name, '.', 1) AS DATABASE_NAME, 'SYSADMIN' AS DATABASE_OWNER FROM duckdb_schemas() WHERE ${OURS}`,
  ];
}

/** The modelled partitions of EVENTS: one zone a day, each standing for the same number of partitions. */
function zones(demoWorld: boolean): readonly string[] {
  const days = demoWorld ? EVENTS_DAYS : 0;
  return [
    `CREATE TABLE tollgate.event_days AS
       SELECT DATE '2022-01-01' + range::INTEGER AS "EVENT_DATE", ${EVENTS_PARTITIONS_PER_DAY}::BIGINT AS partitions FROM range(${days})`,
  ];
}
