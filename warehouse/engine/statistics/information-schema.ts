/**
 * INFORMATION_SCHEMA (page "Snowflake Information Schema"): for each of its views a table macro over the catalogue that
 * takes the database, with the columns of the reference in their order. Objects that this warehouse has none of are
 * empty views with their leading columns.
 */

const OWNER = `'SYSADMIN'`;
const text = (...names: readonly string[]): string =>
  names.map((name) => `NULL::VARCHAR AS ${name}`).join(', ');

/** Names of a constraint that was given none, in the manner of Snowflake's own. */
const CONSTRAINTS = `(SELECT table_database, table_schema, table_name, created_at, c->>'kind' AS kind, c AS body,
    coalesce(c->>'name', concat('SYS_CONSTRAINT_', md5(concat(table_database, table_schema, table_name, c::VARCHAR)))) AS name
  FROM (SELECT table_database, table_schema, table_name, created_at, unnest(from_json(coalesce(notes->'$.constraints', '[]'), '["JSON"]')) AS c
        FROM warehouse.tollgate.all_tables WHERE table_database = d))`;

const SEQUENCES = `SELECT split_part(schema_name, '.', 1) AS SEQUENCE_CATALOG, split_part(schema_name, '.', 2) AS SEQUENCE_SCHEMA,
    sequence_name AS SEQUENCE_NAME, ${OWNER} AS SEQUENCE_OWNER, 'NUMBER' AS DATA_TYPE, 38::BIGINT AS NUMERIC_PRECISION,
    10::BIGINT AS NUMERIC_PRECISION_RADIX, 0::BIGINT AS NUMERIC_SCALE, start_value::VARCHAR AS START_VALUE, min_value::VARCHAR AS MINIMUM_VALUE,
    max_value::VARCHAR AS MAXIMUM_VALUE, coalesce(last_value + increment_by, start_value)::VARCHAR AS NEXT_VALUE,
    increment_by::VARCHAR AS INCREMENT, 'NO' AS CYCLE_OPTION, NULL::TIMESTAMPTZ AS CREATED, NULL::TIMESTAMPTZ AS LAST_ALTERED,
    'YES' AS ORDERED, NULL::VARCHAR AS COMMENT
  FROM duckdb_sequences() WHERE database_name = 'warehouse' AND starts_with(schema_name, concat(d, '.'))`;

const COLUMNS = `SELECT table_database AS TABLE_CATALOG, table_schema AS TABLE_SCHEMA, table_name AS TABLE_NAME, column_name AS COLUMN_NAME,
    ordinal_position::BIGINT AS ORDINAL_POSITION, column_default AS COLUMN_DEFAULT, CASE WHEN is_nullable THEN 'YES' ELSE 'NO' END AS IS_NULLABLE,
    type_name AS DATA_TYPE, length AS CHARACTER_MAXIMUM_LENGTH,
    CASE type_name WHEN 'TEXT' THEN least(length * 4, 16777216) ELSE length END AS CHARACTER_OCTET_LENGTH,
    CASE type_name WHEN 'NUMBER' THEN digits::BIGINT END AS NUMERIC_PRECISION, CASE type_name WHEN 'NUMBER' THEN 10::BIGINT END AS NUMERIC_PRECISION_RADIX,
    CASE type_name WHEN 'NUMBER' THEN scale::BIGINT END AS NUMERIC_SCALE,
    CASE WHEN starts_with(type_name, 'TIME') THEN 9::BIGINT END AS DATETIME_PRECISION, ${text('INTERVAL_TYPE', 'INTERVAL_PRECISION')},
    ${text('CHARACTER_SET_CATALOG', 'CHARACTER_SET_SCHEMA', 'CHARACTER_SET_NAME', 'COLLATION_CATALOG', 'COLLATION_SCHEMA', 'COLLATION_NAME')},
    ${text('DOMAIN_CATALOG', 'DOMAIN_SCHEMA', 'DOMAIN_NAME', 'UDT_CATALOG', 'UDT_SCHEMA', 'UDT_NAME')},
    ${text('SCOPE_CATALOG', 'SCOPE_SCHEMA', 'SCOPE_NAME')}, NULL::BIGINT AS MAXIMUM_CARDINALITY, ${text('DTD_IDENTIFIER')}, 'NO' AS IS_SELF_REFERENCING,
    CASE WHEN notes->>'$.identity.start' IS NULL THEN 'NO' ELSE 'YES' END AS IS_IDENTITY,
    CASE WHEN notes->>'$.identity.start' IS NOT NULL THEN 'BY DEFAULT' END AS IDENTITY_GENERATION,
    notes->>'$.identity.start' AS IDENTITY_START, notes->>'$.identity.step' AS IDENTITY_INCREMENT, ${text('IDENTITY_MAXIMUM', 'IDENTITY_MINIMUM')},
    CASE WHEN notes->>'$.identity.start' IS NOT NULL THEN 'NO' END AS IDENTITY_CYCLE, ${text('IDENTITY_ORDERED', 'SCHEMA_EVOLUTION_RECORD')},
    notes->>'$.comment' AS COMMENT, ${text('DATA_TYPE_ALIAS')}
  FROM warehouse.tollgate.all_columns WHERE table_database = d`;

const VIEWS: Readonly<Record<string, string>> = {
  TABLES: `SELECT table_database AS TABLE_CATALOG, table_schema AS TABLE_SCHEMA, table_name AS TABLE_NAME, ${OWNER} AS TABLE_OWNER,
      table_type AS TABLE_TYPE, CASE WHEN table_type <> 'VIEW' THEN CASE WHEN notes->>'$.isTransient' = 'true' THEN 'YES' ELSE 'NO' END END AS IS_TRANSIENT,
      clustering_key AS CLUSTERING_KEY, row_count AS ROW_COUNT, bytes AS BYTES, CASE WHEN table_type <> 'VIEW' THEN 1::BIGINT END AS RETENTION_TIME,
      ${text('SELF_REFERENCING_COLUMN_NAME', 'REFERENCE_GENERATION', 'USER_DEFINED_TYPE_CATALOG', 'USER_DEFINED_TYPE_SCHEMA', 'USER_DEFINED_TYPE_NAME')},
      CASE WHEN table_type <> 'VIEW' THEN 'YES' ELSE 'NO' END AS IS_INSERTABLE_INTO, 'YES' AS IS_TYPED, ${text('COMMIT_ACTION')},
      created_at AS CREATED, created_at AS LAST_ALTERED, created_at AS LAST_DDL, ${OWNER} AS LAST_DDL_BY,
      CASE WHEN clustering_key IS NULL THEN 'NO' ELSE 'YES' END AS AUTO_CLUSTERING_ON, notes->>'$.comment' AS COMMENT,
      'NO' AS IS_TEMPORARY, 'NO' AS IS_ICEBERG, 'NO' AS IS_DYNAMIC, 'NO' AS IS_IMMUTABLE, 'NO' AS IS_HYBRID
    FROM warehouse.tollgate.all_tables WHERE table_database = d`,
  COLUMNS,
  SCHEMATA: `SELECT table_database AS CATALOG_NAME, table_schema AS SCHEMA_NAME, ${OWNER} AS SCHEMA_OWNER, 'NO' AS IS_TRANSIENT, 'NO' AS IS_MANAGED_ACCESS,
      1::BIGINT AS RETENTION_TIME, ${text('DEFAULT_CHARACTER_SET_CATALOG', 'DEFAULT_CHARACTER_SET_SCHEMA', 'DEFAULT_CHARACTER_SET_NAME', 'SQL_PATH')},
      TIMESTAMPTZ '2026-01-01 00:00:00+00' AS CREATED, TIMESTAMPTZ '2026-01-01 00:00:00+00' AS LAST_ALTERED, NULL::VARCHAR AS COMMENT
    FROM warehouse.tollgate.all_schemas WHERE table_database = d`,
  VIEWS: `SELECT table_database AS TABLE_CATALOG, table_schema AS TABLE_SCHEMA, table_name AS TABLE_NAME, ${OWNER} AS TABLE_OWNER,
      notes->>'$.text' AS VIEW_DEFINITION, 'NONE' AS CHECK_OPTION, 'NO' AS IS_UPDATABLE, 'NO' AS INSERTABLE_INTO,
      CASE WHEN notes->>'$.isSecure' = 'true' THEN 'YES' ELSE 'NO' END AS IS_SECURE, created_at AS CREATED, created_at AS LAST_ALTERED,
      created_at AS LAST_DDL, ${OWNER} AS LAST_DDL_BY, notes->>'$.comment' AS COMMENT
    FROM warehouse.tollgate.all_tables WHERE table_database = d AND table_type = 'VIEW'`,
  DATABASES: `SELECT DISTINCT table_database AS DATABASE_NAME, ${OWNER} AS DATABASE_OWNER, 'NO' AS IS_TRANSIENT, NULL::VARCHAR AS COMMENT,
      TIMESTAMPTZ '2026-01-01 00:00:00+00' AS CREATED, TIMESTAMPTZ '2026-01-01 00:00:00+00' AS LAST_ALTERED, 1::BIGINT AS RETENTION_TIME,
      'STANDARD' AS TYPE
    FROM warehouse.tollgate.all_schemas`,
  SEQUENCES,
  TABLE_CONSTRAINTS: `SELECT table_database AS CONSTRAINT_CATALOG, table_schema AS CONSTRAINT_SCHEMA, name AS CONSTRAINT_NAME, table_database AS TABLE_CATALOG,
      table_schema AS TABLE_SCHEMA, table_name AS TABLE_NAME, kind AS CONSTRAINT_TYPE, 'NO' AS IS_DEFERRABLE, 'YES' AS INITIALLY_DEFERRED, 'NO' AS ENFORCED,
      NULL::VARCHAR AS COMMENT, created_at AS CREATED, created_at AS LAST_ALTERED, 'NO' AS RELY
    FROM ${CONSTRAINTS}`,
  REFERENTIAL_CONSTRAINTS: `SELECT table_database AS CONSTRAINT_CATALOG, table_schema AS CONSTRAINT_SCHEMA, name AS CONSTRAINT_NAME,
      coalesce(body->>'$.references.parts[#-3]', table_database) AS UNIQUE_CONSTRAINT_CATALOG,
      coalesce(body->>'$.references.parts[#-2]', table_schema) AS UNIQUE_CONSTRAINT_SCHEMA, NULL::VARCHAR AS UNIQUE_CONSTRAINT_NAME,
      'FULL' AS MATCH_OPTION, 'NO ACTION' AS UPDATE_RULE, 'NO ACTION' AS DELETE_RULE, NULL::VARCHAR AS COMMENT, created_at AS CREATED, created_at AS LAST_ALTERED
    FROM ${CONSTRAINTS} WHERE kind = 'FOREIGN KEY'`,
  TABLE_PRIVILEGES: `SELECT NULL::VARCHAR AS GRANTOR, ${OWNER} AS GRANTEE, table_database AS TABLE_CATALOG, table_schema AS TABLE_SCHEMA, table_name AS TABLE_NAME,
      'OWNERSHIP' AS PRIVILEGE_TYPE, 'YES' AS IS_GRANTABLE, NULL::VARCHAR AS WITH_HIERARCHY, created_at AS CREATED
    FROM warehouse.tollgate.all_tables WHERE table_database = d`,
  OBJECT_PRIVILEGES: `SELECT NULL::VARCHAR AS GRANTOR, ${OWNER} AS GRANTEE, table_database AS OBJECT_CATALOG, table_schema AS OBJECT_SCHEMA, table_name AS OBJECT_NAME,
      CASE table_type WHEN 'VIEW' THEN 'VIEW' ELSE 'TABLE' END AS OBJECT_TYPE, 'OWNERSHIP' AS PRIVILEGE_TYPE, 'YES' AS IS_GRANTABLE, created_at AS CREATED
    FROM warehouse.tollgate.all_tables WHERE table_database = d`,
  ENABLED_ROLES: `SELECT unnest(from_json(coalesce(getvariable('tg_roles')::VARCHAR, '[]'), '["VARCHAR"]')) AS ROLE_NAME, 'USERADMIN' AS ROLE_OWNER`,
  APPLICABLE_ROLES: `SELECT getvariable('tg_user')::VARCHAR AS GRANTEE, unnest(from_json(coalesce(getvariable('tg_roles')::VARCHAR, '[]'), '["VARCHAR"]')) AS ROLE_NAME,
      'USERADMIN' AS ROLE_OWNER, 'NO' AS IS_GRANTABLE`,
  INFORMATION_SCHEMA_CATALOG_NAME: `SELECT d AS CATALOG_NAME`,
  FUNCTIONS: empty(
    'FUNCTION_CATALOG',
    'FUNCTION_SCHEMA',
    'FUNCTION_NAME',
    'FUNCTION_OWNER',
    'ARGUMENT_SIGNATURE',
    'DATA_TYPE',
    'FUNCTION_LANGUAGE',
    'FUNCTION_DEFINITION',
    'COMMENT',
  ),
  PROCEDURES: empty(
    'PROCEDURE_CATALOG',
    'PROCEDURE_SCHEMA',
    'PROCEDURE_NAME',
    'PROCEDURE_OWNER',
    'ARGUMENT_SIGNATURE',
    'DATA_TYPE',
    'PROCEDURE_LANGUAGE',
    'PROCEDURE_DEFINITION',
    'COMMENT',
  ),
  STAGES: empty(
    'STAGE_CATALOG',
    'STAGE_SCHEMA',
    'STAGE_NAME',
    'STAGE_URL',
    'STAGE_REGION',
    'STAGE_TYPE',
    'STAGE_OWNER',
    'COMMENT',
  ),
  FILE_FORMATS: empty(
    'FILE_FORMAT_CATALOG',
    'FILE_FORMAT_SCHEMA',
    'FILE_FORMAT_NAME',
    'FILE_FORMAT_OWNER',
    'FILE_FORMAT_TYPE',
    'COMMENT',
  ),
  PIPES: empty('PIPE_CATALOG', 'PIPE_SCHEMA', 'PIPE_NAME', 'PIPE_OWNER', 'DEFINITION', 'COMMENT'),
  EXTERNAL_TABLES: empty(
    'TABLE_CATALOG',
    'TABLE_SCHEMA',
    'TABLE_NAME',
    'TABLE_OWNER',
    'LOCATION',
    'COMMENT',
  ),
  LOAD_HISTORY: empty('SCHEMA_NAME', 'FILE_NAME', 'TABLE_NAME', 'STATUS', 'FIRST_ERROR_MESSAGE'),
};

function empty(...names: readonly string[]): string {
  return `SELECT ${text(...names)} WHERE false`;
}

/** CREATE OR REPLACE of the macro behind each view. */
export function informationMacros(): readonly string[] {
  return Object.entries(VIEWS).map(
    ([name, query]) =>
      `CREATE OR REPLACE MACRO warehouse.tollgate.information_${name.toLowerCase()}(d) AS TABLE ${query}`,
  );
}

/** CREATE OR REPLACE of the views of `database`, in its schema INFORMATION_SCHEMA. */
export function informationViews(database: string): readonly string[] {
  const own = `${database}.INFORMATION_SCHEMA`.replaceAll('"', '""');
  const argument = database.replaceAll("'", "''");
  return Object.keys(VIEWS).map(
    (name) =>
      `CREATE OR REPLACE VIEW warehouse."${own}".${name} AS SELECT * FROM warehouse.tollgate.information_${name.toLowerCase()}('${argument}')`,
  );
}
