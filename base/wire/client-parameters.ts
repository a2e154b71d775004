/** A session parameter as login and every result carry it; values are typed JSON, not text. */
export interface ClientParameter {
  readonly name: string;
  readonly value: string | number | boolean;
}

/**
 * The parameters a driver must be told to format values (Node crashes without the output formats and TIMEZONE).
 * `CLIENT_STAGE_ARRAY_BINDING_THRESHOLD` stays below 1,000,000 because Go prints larger numbers as 1e+06.
 */
export const DEFAULT_CLIENT_PARAMETERS: readonly ClientParameter[] = [
  { name: 'AUTOCOMMIT', value: true },
  { name: 'TIMEZONE', value: 'Etc/UTC' },
  { name: 'DATE_OUTPUT_FORMAT', value: 'YYYY-MM-DD' },
  { name: 'TIME_OUTPUT_FORMAT', value: 'HH24:MI:SS' },
  { name: 'TIMESTAMP_OUTPUT_FORMAT', value: 'YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM' },
  { name: 'TIMESTAMP_NTZ_OUTPUT_FORMAT', value: 'YYYY-MM-DD HH24:MI:SS.FF3' },
  { name: 'TIMESTAMP_LTZ_OUTPUT_FORMAT', value: '' },
  { name: 'TIMESTAMP_TZ_OUTPUT_FORMAT', value: '' },
  { name: 'BINARY_OUTPUT_FORMAT', value: 'HEX' },
  { name: 'GEOGRAPHY_OUTPUT_FORMAT', value: 'GeoJSON' },
  { name: 'CLIENT_TIMESTAMP_TYPE_MAPPING', value: 'TIMESTAMP_LTZ' },
  { name: 'CLIENT_TELEMETRY_ENABLED', value: false },
  { name: 'CLIENT_SESSION_KEEP_ALIVE', value: false },
  { name: 'CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY', value: 3600 },
  { name: 'CLIENT_PREFETCH_THREADS', value: 4 },
  { name: 'CLIENT_RESULT_CHUNK_SIZE', value: 160 },
  { name: 'CLIENT_MEMORY_LIMIT', value: 1536 },
  { name: 'CLIENT_STAGE_ARRAY_BINDING_THRESHOLD', value: 999_999 },
  { name: 'CLIENT_METADATA_REQUEST_USE_CONNECTION_CTX', value: false },
  { name: 'CLIENT_RESULT_COLUMN_CASE_INSENSITIVE', value: false },
  { name: 'QUERY_CONTEXT_CACHE_SIZE', value: 5 },
  { name: 'SERVICE_NAME', value: '' },
  { name: 'JDBC_RS_COLUMN_CASE_INSENSITIVE', value: false },
  { name: 'JDBC_TREAT_DECIMAL_AS_INT', value: true },
  { name: 'JDBC_USE_SESSION_TIMEZONE', value: true },
  { name: 'JDBC_ENABLE_PUT_GET', value: true },
];
