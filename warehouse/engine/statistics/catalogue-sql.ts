/** The catalogue as SQL inside DuckDB: one source for SHOW, INFORMATION_SCHEMA and the statistics. */
import {
  EVENTS_BYTES,
  EVENTS_DAYS,
  EVENTS_PARTITIONS_PER_DAY,
  EVENTS_ROWS,
} from '../world/events.js';
import { informationMacros } from './information-schema.js';

import { CAPPED_SCALE_MAX, WHOLE_DIGITS } from '../values/type-rules.js';

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

/** What table and column notes are, or an empty object: see stored-table.ts. */
const NOTES = `CASE WHEN starts_with(comment, '{') THEN comment::JSON ELSE '{}'::JSON END`;

/** Statements that create the catalogue's tables in our own schema. */
export function catalogueStatements(demoWorld: boolean): readonly string[] {
  return [
    `CREATE TABLE tollgate.modelled (table_database VARCHAR, table_schema VARCHAR, table_name VARCHAR, row_count BIGINT, bytes BIGINT, clustering_key VARCHAR)`,
    ...(demoWorld
      ? [
          `INSERT INTO tollgate.modelled VALUES ('ANALYTICS', 'WEB', 'EVENTS', ${EVENTS_ROWS}, ${EVENTS_BYTES}, 'LINEAR(EVENT_DATE)')`,
        ]
      : []),
    ...zones(demoWorld),
  ];
}

/** CREATE OR REPLACE of the views over DuckDB's own catalogue: they are of this program, not of the file. */
export function catalogueViews(): readonly string[] {
  return [
    `CREATE OR REPLACE VIEW tollgate.all_schemas AS SELECT ${NAMES} FROM duckdb_schemas() WHERE ${OURS}`,
    `CREATE OR REPLACE VIEW tollgate.all_columns AS
       SELECT table_database, table_schema, table_name, column_name, ordinal_position, data_type, is_nullable, notes,
              coalesce(CASE WHEN declared = 'VARCHAR' THEN 'TEXT' ELSE nullif(declared, '') END, guessed) AS type_name, digits, scale, width,
              CASE guessed WHEN 'TEXT' THEN coalesce((notes->>'$.lengthMax')::BIGINT, 16777216) WHEN 'BINARY' THEN coalesce((notes->>'$.lengthMax')::BIGINT, 8388608) END AS length,
              coalesce(notes->>'$.default', CASE WHEN notes->>'$.identity.start' IS NOT NULL THEN NULL END) AS column_default
       FROM (
         SELECT *, ${TYPE_NAME} AS guessed, regexp_extract(coalesce(notes->>'$.type', ''), '^[A-Z_]+') AS declared
         FROM (
           SELECT ${NAMES}, table_name, column_name, column_index AS ordinal_position, data_type, is_nullable, ${NOTES} AS notes,
                  CASE WHEN data_type LIKE 'DECIMAL%' AND NOT (numeric_precision - numeric_scale = ${WHOLE_DIGITS} AND numeric_scale <= ${CAPPED_SCALE_MAX}) THEN numeric_precision ELSE 38 END AS digits, CASE WHEN data_type LIKE 'DECIMAL%' THEN numeric_scale ELSE 0 END AS scale, ${WIDTH} AS width
           FROM duckdb_columns() WHERE ${OURS}))`,
    `CREATE OR REPLACE VIEW tollgate.all_tables AS
       WITH widths AS (SELECT table_database, table_schema, table_name, sum(width) AS row_bytes FROM tollgate.all_columns GROUP BY ALL),
       objects AS (
         SELECT ${NAMES}, table_name, 'BASE TABLE' AS table_type, estimated_size AS stored_rows, ${NOTES} AS notes FROM duckdb_tables() WHERE ${OURS}
         UNION ALL
         SELECT ${NAMES}, view_name, 'VIEW', NULL, ${NOTES} FROM duckdb_views() WHERE ${OURS} AND NOT internal)
       SELECT o.table_database, o.table_schema, o.table_name, o.table_type, o.stored_rows, o.notes,
              coalesce(m.row_count, o.stored_rows) AS row_count, coalesce(m.bytes, (o.stored_rows * w.row_bytes)::BIGINT) AS bytes,
              coalesce(o.notes->>'$.clusteringKey', m.clustering_key) AS clustering_key,
              coalesce((o.notes->>'$.createdAt')::TIMESTAMPTZ, TIMESTAMPTZ '2026-01-01 00:00:00+00') AS created_at
       FROM objects o
       LEFT JOIN widths w USING (table_database, table_schema, table_name)
       LEFT JOIN tollgate.modelled m USING (table_database, table_schema, table_name)`,
    ...informationMacros(),
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
