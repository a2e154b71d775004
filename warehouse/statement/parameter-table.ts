/**
 * The session and object parameters of Snowflake that drivers and tools set or read (Snowflake, "Parameters"):
 * name, default, description, and which values are legal. The type is that of the default.
 *
 * Defaults are Snowflake's, save where this account says otherwise: it reckons in Etc/UTC, its drivers send no
 * telemetry and no bind stages.
 */

export interface ParameterDefinition {
  readonly name: string;
  readonly default: string | number | boolean;
  readonly description: string;
  /** Legal texts, in the spelling that is kept; any when left out. */
  readonly values?: readonly string[];
  /** Least and greatest legal number. */
  readonly range?: readonly [number, number];
  /** What it belongs to besides the session; a session cannot set an object's. */
  readonly object?: 'WAREHOUSE' | 'DATABASE';
}

type More = Omit<ParameterDefinition, 'name' | 'default' | 'description'>;

const parameter = (
  name: string,
  value: ParameterDefinition['default'],
  description: string,
  more: More = {},
): ParameterDefinition => ({ name, default: value, description, ...more });

const RESULT_FORMATS = ['JSON', 'ARROW', 'ARROW_FORCE'];
const GEO_FORMATS = ['GeoJSON', 'WKT', 'WKB', 'EWKT', 'EWKB'];
const TIMESTAMP_TYPES = ['TIMESTAMP_LTZ', 'TIMESTAMP_NTZ', 'TIMESTAMP_TZ'];
const LEVELS = ['OFF', 'TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
const SECONDS_MAX = 604_800;

/** Parameters that change how statements run, and what they answer. */
const STATEMENT_PARAMETERS: readonly ParameterDefinition[] = [
  parameter('ABORT_DETACHED_QUERY', false, 'Abort statements whose client went away'),
  parameter('AUTOCOMMIT', true, 'Commit every statement by itself'),
  parameter('BINARY_INPUT_FORMAT', 'HEX', 'Text form of binary input', {
    values: ['HEX', 'BASE64', 'UTF8', 'UTF-8'],
  }),
  parameter('BINARY_OUTPUT_FORMAT', 'HEX', 'Text form of binary output', {
    values: ['HEX', 'BASE64'],
  }),
  parameter('CSV_TIMESTAMP_FORMAT', '', 'Format of timestamps in unloaded CSV files'),
  parameter('DATE_INPUT_FORMAT', 'AUTO', 'Input format of dates'),
  parameter('DATE_OUTPUT_FORMAT', 'YYYY-MM-DD', 'Display format of dates'),
  parameter('DEFAULT_DDL_COLLATION', '', 'Collation of new text columns'),
  parameter('DEFAULT_NULL_ORDERING', 'LAST', 'Where NULL stands in an ascending order', {
    values: ['FIRST', 'LAST'],
  }),
  parameter('ENABLE_CONSOLE_OUTPUT', false, 'Show the console output of handlers'),
  parameter('ENABLE_UNLOAD_PHYSICAL_TYPE_OPTIMIZATION', true, 'Optimise types of unloaded Parquet'),
  parameter('ERROR_ON_NONDETERMINISTIC_MERGE', true, 'Fail a MERGE that matches a row twice'),
  parameter('ERROR_ON_NONDETERMINISTIC_UPDATE', false, 'Fail an UPDATE that matches a row twice'),
  parameter('GEOGRAPHY_OUTPUT_FORMAT', 'GeoJSON', 'Display format of GEOGRAPHY', {
    values: GEO_FORMATS,
  }),
  parameter('GEOMETRY_OUTPUT_FORMAT', 'GeoJSON', 'Display format of GEOMETRY', {
    values: GEO_FORMATS,
  }),
  parameter('HYBRID_TABLE_LOCK_TIMEOUT', 3600, 'Seconds that a row lock is waited for', {
    range: [0, SECONDS_MAX],
  }),
  parameter('JSON_INDENT', 2, 'Blanks of an indentation in JSON output', { range: [0, 16] }),
  parameter('LOCK_TIMEOUT', 43_200, 'Seconds that a lock is waited for', {
    range: [0, Number.MAX_SAFE_INTEGER],
  }),
  parameter('LOG_LEVEL', 'OFF', 'Least severity of logged messages', { values: LEVELS }),
  parameter('METRIC_LEVEL', 'NONE', 'Which metrics are kept', { values: ['NONE', 'ALL'] }),
  parameter('MULTI_STATEMENT_COUNT', 1, 'Statements of one request; 0 = any number', {
    range: [0, Number.MAX_SAFE_INTEGER],
  }),
  parameter('NOORDER_SEQUENCE_AS_DEFAULT', true, 'New sequences keep no order'),
  parameter('QUERY_TAG', '', 'Text that marks the statements of a session'),
  parameter('QUOTED_IDENTIFIERS_IGNORE_CASE', false, 'Case of quoted identifiers does not count'),
  parameter('ROWS_PER_RESULTSET', 0, 'Most rows of a result; 0 = all', {
    range: [0, Number.MAX_SAFE_INTEGER],
  }),
  parameter('SEARCH_PATH', '$current, $public', 'Schemas in which unqualified names are sought'),
  parameter('SIMULATED_DATA_SHARING_CONSUMER', '', 'Consumer account that a session plays'),
  parameter('STATEMENT_QUEUED_TIMEOUT_IN_SECONDS', 0, 'Seconds in a queue; 0 = no limit', {
    range: [0, Number.MAX_SAFE_INTEGER],
  }),
  parameter('STATEMENT_TIMEOUT_IN_SECONDS', 172_800, 'Seconds that a statement may take', {
    range: [0, SECONDS_MAX],
  }),
  parameter('STRICT_JSON_OUTPUT', false, 'JSON output keeps strictly to the standard'),
  parameter('TIME_INPUT_FORMAT', 'AUTO', 'Input format of times'),
  parameter('TIME_OUTPUT_FORMAT', 'HH24:MI:SS', 'Display format of times'),
  parameter('TIMESTAMP_DAY_IS_ALWAYS_24H', false, 'A day is 24 hours when days are added'),
  parameter('TIMESTAMP_INPUT_FORMAT', 'AUTO', 'Input format of timestamps'),
  parameter('TIMESTAMP_LTZ_OUTPUT_FORMAT', '', 'Display format of TIMESTAMP_LTZ; empty = general'),
  parameter(
    'TIMESTAMP_NTZ_OUTPUT_FORMAT',
    'YYYY-MM-DD HH24:MI:SS.FF3',
    'Display format of TIMESTAMP_NTZ; empty = general',
  ),
  parameter(
    'TIMESTAMP_OUTPUT_FORMAT',
    'YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM',
    'Display format of timestamps',
  ),
  parameter('TIMESTAMP_TYPE_MAPPING', 'TIMESTAMP_NTZ', 'What TIMESTAMP stands for', {
    values: TIMESTAMP_TYPES,
  }),
  parameter('TIMESTAMP_TZ_OUTPUT_FORMAT', '', 'Display format of TIMESTAMP_TZ; empty = general'),
  parameter('TIMEZONE', 'Etc/UTC', 'Time zone of the session'),
  parameter('TRACE_LEVEL', 'OFF', 'Which trace events are kept', {
    values: ['OFF', 'ON_EVENT', 'ALWAYS', 'PROPAGATE'],
  }),
  parameter('TRANSACTION_ABORT_ON_ERROR', false, 'A failing statement aborts its transaction'),
  parameter('TRANSACTION_DEFAULT_ISOLATION_LEVEL', 'READ COMMITTED', 'Isolation of transactions', {
    values: ['READ COMMITTED'],
  }),
  parameter('TWO_DIGIT_CENTURY_START', 1970, 'First year that two digits mean', {
    range: [1900, 2100],
  }),
  parameter('UNSUPPORTED_DDL_ACTION', 'ignore', 'What unsupported constraints do', {
    values: ['ignore', 'fail'],
  }),
  parameter('USE_CACHED_RESULT', true, 'Results may be used again'),
  parameter('WEEK_OF_YEAR_POLICY', 0, 'How weeks of a year are counted', { range: [0, 1] }),
  parameter('WEEK_START', 0, 'First day of a week; 0 = as ISO does', { range: [0, 7] }),
];

/** Parameters that drivers read from replies. */
const CLIENT_PARAMETERS: readonly ParameterDefinition[] = [
  parameter('C_API_QUERY_RESULT_FORMAT', 'JSON', 'Result format of the C API', {
    values: RESULT_FORMATS,
  }),
  parameter('CLIENT_CONSENT_CACHE_ID_TOKEN', false, 'Clients may keep an id token'),
  parameter('CLIENT_DISABLE_INCIDENTS', true, 'Clients report no incidents'),
  parameter('CLIENT_ENABLE_LOG_INFO_STATEMENT_PARAMETERS', false, 'Clients may log binds'),
  parameter('CLIENT_MEMORY_LIMIT', 1536, 'Megabytes that a client uses for results', {
    range: [0, Number.MAX_SAFE_INTEGER],
  }),
  parameter('CLIENT_METADATA_REQUEST_USE_CONNECTION_CTX', false, 'Metadata of the session only'),
  parameter('CLIENT_METADATA_USE_SESSION_DATABASE', false, 'Metadata of the database only'),
  parameter('CLIENT_PREFETCH_THREADS', 4, 'Threads that fetch results', { range: [1, 10] }),
  parameter('CLIENT_REQUEST_MFA_TOKEN', false, 'Clients ask for a token of multi-factor logins'),
  parameter('CLIENT_RESULT_CHUNK_SIZE', 160, 'Megabytes of a chunk at most', { range: [16, 160] }),
  parameter('CLIENT_RESULT_COLUMN_CASE_INSENSITIVE', false, 'Column names without case'),
  parameter('CLIENT_RESULT_PREFETCH_SLOTS', 2, 'Chunks that are fetched ahead', {
    range: [1, 1000],
  }),
  parameter('CLIENT_RESULT_PREFETCH_THREADS', 1, 'Threads that fetch ahead', { range: [1, 100] }),
  parameter('CLIENT_SESSION_CLONE', false, 'Sessions are cloned'),
  parameter('CLIENT_SESSION_KEEP_ALIVE', false, 'Clients keep an idle session alive'),
  parameter('CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY', 3600, 'Seconds between heartbeats', {
    range: [900, 3600],
  }),
  parameter('CLIENT_STAGE_ARRAY_BINDING_THRESHOLD', 999_999, 'Binds that go through a stage', {
    range: [0, Number.MAX_SAFE_INTEGER],
  }),
  parameter('CLIENT_STORE_TEMPORARY_CREDENTIAL', false, 'Clients keep temporary credentials'),
  parameter('CLIENT_TELEMETRY_ENABLED', false, 'Clients send telemetry'),
  parameter('CLIENT_TIMESTAMP_TYPE_MAPPING', 'TIMESTAMP_LTZ', 'Type of timestamp binds', {
    values: ['TIMESTAMP_LTZ', 'TIMESTAMP_NTZ'],
  }),
  parameter('CLIENT_VALIDATE_DEFAULT_PARAMETERS', false, 'A login names only what exists'),
  parameter('DOTNET_QUERY_RESULT_FORMAT', 'JSON', 'Result format of .NET', {
    values: RESULT_FORMATS,
  }),
  parameter('ENABLE_STAGE_S3_PRIVATELINK_FOR_US_EAST_1', false, 'Private link to stages'),
  parameter('GO_QUERY_RESULT_FORMAT', 'JSON', 'Result format of Go', { values: RESULT_FORMATS }),
  parameter('JDBC_ENABLE_PUT_GET', true, 'JDBC may move files'),
  parameter('JDBC_EXECUTE_RETURN_COUNT_FOR_DML', false, 'JDBC counts rows of DML'),
  parameter('JDBC_FORMAT_DATE_WITH_TIMEZONE', false, 'JDBC formats dates in the time zone'),
  parameter('JDBC_QUERY_RESULT_FORMAT', 'JSON', 'Result format of JDBC', {
    values: RESULT_FORMATS,
  }),
  parameter('JDBC_RS_COLUMN_CASE_INSENSITIVE', false, 'JDBC column names without case'),
  parameter('JDBC_TREAT_DECIMAL_AS_INT', true, 'JDBC reads whole decimals as integers'),
  parameter('JDBC_TREAT_TIMESTAMP_NTZ_AS_UTC', false, 'JDBC reads TIMESTAMP_NTZ as UTC'),
  parameter('JDBC_USE_SESSION_TIMEZONE', true, 'JDBC uses the time zone of the session'),
  parameter('JS_DRIVER_DISABLE_OCSP_FOR_NON_SF_ENDPOINTS', false, 'Node checks fewer hosts'),
  parameter('JS_TREAT_INTEGER_AS_BIGINT', false, 'Node reads integers as bigint'),
  parameter('ODBC_QUERY_RESULT_FORMAT', 'JSON', 'Result format of ODBC', {
    values: RESULT_FORMATS,
  }),
  parameter('ODBC_TREAT_DECIMAL_AS_INT', false, 'ODBC reads whole decimals as integers'),
  parameter('PYTHON_CONNECTOR_QUERY_RESULT_FORMAT', 'ARROW', 'Result format of Python', {
    values: RESULT_FORMATS,
  }),
  parameter('PYTHON_PROFILER_MODULES', '', 'Modules that are profiled'),
  parameter('PYTHON_PROFILER_TARGET_STAGE', '', 'Stage of profiles'),
  parameter('QUERY_CONTEXT_CACHE_SIZE', 5, 'Entries of the query context', { range: [0, 1000] }),
  parameter('S3_STAGE_VPCE_DNS_NAME', '', 'Name of the endpoint to stages'),
  parameter('SERVICE_NAME', '', 'Hint for load balancers'),
];

/** Parameters of objects. */
const OBJECT_PARAMETERS: readonly ParameterDefinition[] = [
  parameter('DATA_RETENTION_TIME_IN_DAYS', 1, 'Days of Time Travel', {
    range: [0, 90],
    object: 'DATABASE',
  }),
  parameter('MAX_DATA_EXTENSION_TIME_IN_DAYS', 14, 'Days by which retention may grow', {
    range: [0, 90],
    object: 'DATABASE',
  }),
  parameter('MAX_CONCURRENCY_LEVEL', 8, 'Statements that a cluster runs at once', {
    range: [1, 32],
    object: 'WAREHOUSE',
  }),
];

/** Every parameter by name. */
export const PARAMETERS: ReadonlyMap<string, ParameterDefinition> = new Map(
  [...STATEMENT_PARAMETERS, ...CLIENT_PARAMETERS, ...OBJECT_PARAMETERS]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((definition) => [definition.name, definition]),
);
