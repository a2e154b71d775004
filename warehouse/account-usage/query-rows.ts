/** Columns and rows of QUERY_HISTORY: the view, and what the functions of INFORMATION_SCHEMA show of it. */
import { NO_CREDITS, creditsForMillis, formatAmount } from '#base/units.js';
import type { Credits } from '#base/units.js';
import type { Cell } from '#base/wire/row-type.js';
import type { ProvidedColumn } from '../engine/engine.js';
import type { LoggedStatement, StatementEnded } from '../metering/events.js';
import type { WarehouseMake } from '../fleet/rates.js';
import { SERVER_VERSION } from '../statement/context.js';
import { CLOUD_SERVICES_PER_HOUR, sizeLabel } from '../fleet/rates.js';
import { QUERY_HASH_VERSION } from './query-hash.js';
import type { QueryHashes } from './query-hash.js';
import { CREDITS, columnsFrom, idOf, instant, joined } from './view-cells.js';
import type { ViewRow } from './view-cells.js';

/** ACCOUNT_USAGE.QUERY_HISTORY in the order of Snowflake's page. */
export const QUERY_HISTORY: readonly ProvidedColumn[] = columnsFrom(`
  QUERY_ID QUERY_TEXT DATABASE_ID:N DATABASE_NAME SCHEMA_ID:N SCHEMA_NAME QUERY_TYPE SESSION_ID:N USER_NAME ROLE_NAME
  WAREHOUSE_ID:N WAREHOUSE_NAME WAREHOUSE_SIZE WAREHOUSE_TYPE CLUSTER_NUMBER:N QUERY_TAG EXECUTION_STATUS ERROR_CODE
  ERROR_MESSAGE START_TIME:T END_TIME:T TOTAL_ELAPSED_TIME:N BYTES_SCANNED:N PERCENTAGE_SCANNED_FROM_CACHE:FLOAT
  BYTES_WRITTEN:N BYTES_WRITTEN_TO_RESULT:N BYTES_READ_FROM_RESULT:N ROWS_PRODUCED:N ROWS_INSERTED:N ROWS_UPDATED:N
  ROWS_DELETED:N ROWS_UNLOADED:N BYTES_DELETED:N PARTITIONS_SCANNED:N PARTITIONS_TOTAL:N
  BYTES_SPILLED_TO_LOCAL_STORAGE:N BYTES_SPILLED_TO_REMOTE_STORAGE:N BYTES_SENT_OVER_THE_NETWORK:N COMPILATION_TIME:N
  EXECUTION_TIME:N QUEUED_PROVISIONING_TIME:N QUEUED_REPAIR_TIME:N QUEUED_OVERLOAD_TIME:N TRANSACTION_BLOCKED_TIME:N
  OUTBOUND_DATA_TRANSFER_CLOUD OUTBOUND_DATA_TRANSFER_REGION OUTBOUND_DATA_TRANSFER_BYTES:N INBOUND_DATA_TRANSFER_CLOUD
  INBOUND_DATA_TRANSFER_REGION INBOUND_DATA_TRANSFER_BYTES:N LIST_EXTERNAL_FILES_TIME:N
  CREDITS_USED_CLOUD_SERVICES:${CREDITS} RELEASE_VERSION EXTERNAL_FUNCTION_TOTAL_INVOCATIONS:N
  EXTERNAL_FUNCTION_TOTAL_SENT_ROWS:N EXTERNAL_FUNCTION_TOTAL_RECEIVED_ROWS:N EXTERNAL_FUNCTION_TOTAL_SENT_BYTES:N
  EXTERNAL_FUNCTION_TOTAL_RECEIVED_BYTES:N QUERY_LOAD_PERCENT:N IS_CLIENT_GENERATED_STATEMENT:BOOLEAN
  QUERY_ACCELERATION_BYTES_SCANNED:N QUERY_ACCELERATION_PARTITIONS_SCANNED:N
  QUERY_ACCELERATION_UPPER_LIMIT_SCALE_FACTOR:N TRANSACTION_ID:N CHILD_QUERIES_WAIT_TIME:N ROLE_TYPE QUERY_HASH
  QUERY_HASH_VERSION:N QUERY_PARAMETERIZED_HASH QUERY_PARAMETERIZED_HASH_VERSION:N SECONDARY_ROLE_STATS
  ROWS_WRITTEN_TO_RESULT:N QUERY_RETRY_TIME:N QUERY_RETRY_CAUSE FAULT_HANDLING_TIME:N USER_TYPE`);

/** Columns of the functions of INFORMATION_SCHEMA: without partitions, spilling and the cache's share. */
const LIVE_NAMES: ReadonlySet<string> = new Set(
  `QUERY_ID QUERY_TEXT DATABASE_NAME SCHEMA_NAME QUERY_TYPE SESSION_ID USER_NAME ROLE_NAME WAREHOUSE_NAME WAREHOUSE_SIZE
   WAREHOUSE_TYPE CLUSTER_NUMBER QUERY_TAG EXECUTION_STATUS ERROR_CODE ERROR_MESSAGE START_TIME END_TIME
   TOTAL_ELAPSED_TIME BYTES_SCANNED ROWS_PRODUCED COMPILATION_TIME EXECUTION_TIME QUEUED_PROVISIONING_TIME
   QUEUED_REPAIR_TIME QUEUED_OVERLOAD_TIME TRANSACTION_BLOCKED_TIME OUTBOUND_DATA_TRANSFER_CLOUD
   OUTBOUND_DATA_TRANSFER_REGION OUTBOUND_DATA_TRANSFER_BYTES INBOUND_DATA_TRANSFER_CLOUD
   INBOUND_DATA_TRANSFER_REGION INBOUND_DATA_TRANSFER_BYTES CREDITS_USED_CLOUD_SERVICES LIST_EXTERNAL_FILES_TIME
   RELEASE_VERSION EXTERNAL_FUNCTION_TOTAL_INVOCATIONS EXTERNAL_FUNCTION_TOTAL_SENT_ROWS
   EXTERNAL_FUNCTION_TOTAL_RECEIVED_ROWS EXTERNAL_FUNCTION_TOTAL_SENT_BYTES EXTERNAL_FUNCTION_TOTAL_RECEIVED_BYTES
   IS_CLIENT_GENERATED_STATEMENT QUERY_HASH QUERY_HASH_VERSION QUERY_PARAMETERIZED_HASH
   QUERY_PARAMETERIZED_HASH_VERSION TRANSACTION_ID QUERY_ACCELERATION_BYTES_SCANNED
   QUERY_ACCELERATION_PARTITIONS_SCANNED QUERY_ACCELERATION_UPPER_LIMIT_SCALE_FACTOR BYTES_WRITTEN_TO_RESULT
   ROWS_WRITTEN_TO_RESULT ROWS_INSERTED QUERY_RETRY_TIME QUERY_RETRY_CAUSE FAULT_HANDLING_TIME`.split(
    /\s+/,
  ),
);
const LIVE_INDEXES = QUERY_HISTORY.flatMap(({ name }, index) =>
  LIVE_NAMES.has(name) ? [index] : [],
);
export const LIVE_QUERY_HISTORY: readonly ProvidedColumn[] = QUERY_HISTORY.filter(({ name }) =>
  LIVE_NAMES.has(name),
);

/** Cloud services of one statement: its compile time at the dated rate. */
export function cloudServices(ended: StatementEnded): Credits {
  return creditsForMillis(CLOUD_SERVICES_PER_HOUR, ended.compileMs, 'half-even');
}

/** The row of an ended statement in ACCOUNT_USAGE.QUERY_HISTORY. */
export function queryRow(
  statement: LoggedStatement,
  hashesOf: (text: string) => QueryHashes,
): ViewRow {
  return rowOf(statement, statement.ended?.status ?? null, hashesOf(statement.started.text));
}

/** The row of a statement, running or ended, in INFORMATION_SCHEMA.QUERY_HISTORY, with that function's names of statuses. */
export function liveQueryRow(
  statement: LoggedStatement,
  hashesOf: (text: string) => QueryHashes,
): ViewRow {
  const row = rowOf(statement, liveStatus(statement.ended), hashesOf(statement.started.text));
  return LIVE_INDEXES.map((index) => row[index] ?? null);
}

function liveStatus(ended: StatementEnded | undefined): Cell {
  switch (ended?.status) {
    case undefined:
      return 'RUNNING';
    case 'SUCCESS':
      return 'SUCCESS';
    case 'FAIL':
      return 'FAILED_WITH_ERROR';
    case 'INCIDENT':
      return 'FAILED_WITH_INCIDENT';
  }
}

/** WAREHOUSE_TYPE of a make: `STANDARD`, `SNOWPARK-OPTIMIZED`, `INTERACTIVE`. */
function warehouseType(make: WarehouseMake | undefined): Cell {
  return make?.kind ?? 'STANDARD';
}

const count = (value: number | undefined): Cell => String(value ?? 0);
const idOrNull = (name: string | null): Cell => (name === null ? null : idOf(name));

function rowOf({ started, ended }: LoggedStatement, status: Cell, hashes: QueryHashes): ViewRow {
  const warehouse = ended?.warehouse ?? null;
  const provisioningMs = ended?.provisioningMs ?? 0;
  const scanned = ended?.bytesScanned ?? 0;
  const cached = scanned === 0 ? 0 : (ended?.cachedBytes ?? 0) / scanned;
  const { database, schema } = started;
  return joined(
    [started.id, started.text, idOrNull(database), database],
    [idOrNull(schema === null ? null : `${database ?? ''}.${schema}`), schema],
    [started.queryType, String(started.sessionId), started.user, started.role],
    [
      warehouse === null ? null : idOf(warehouse, ended?.warehouseId),
      warehouse,
      sizeLabel(ended?.size),
    ],
    [warehouse === null ? null : warehouseType(ended?.make), ended?.cluster?.toString() ?? null],
    [started.tag, status, ended?.errorCode ?? null, ended?.errorMessage ?? null],
    [instant(started.at), ended === undefined ? null : instant(ended.at)],
    [count(ended === undefined ? 0 : ended.at - started.at), count(scanned), String(cached)],
    // Bytes written, to and from results; rows.
    [count(ended?.bytesWritten), '0', '0', count(ended?.rowsProduced)],
    [count(ended?.rowsInserted), count(ended?.rowsUpdated), count(ended?.rowsDeleted), '0', '0'],
    [count(ended?.partitionsScanned), count(ended?.partitionsTotal)],
    [count(ended?.spilledLocalBytes), count(ended?.spilledRemoteBytes), '0'],
    [count(ended?.compileMs), count(ended?.executionMs), String(provisioningMs), '0'],
    [count(Math.max(0, (ended?.queuedMs ?? 0) - provisioningMs)), '0'],
    // Data transfer, external files.
    [null, null, '0', null, null, '0', '0'],
    [formatAmount(ended === undefined ? NO_CREDITS : cloudServices(ended)), SERVER_VERSION],
    // External functions, load, origin, acceleration.
    ['0', '0', '0', '0', '0', warehouse === null ? null : '100'],
    [String(started.isClientGenerated ?? false), '0', '0', '0', '0', '0', 'ROLE'],
    [hashes.hash, String(QUERY_HASH_VERSION)],
    [hashes.parameterizedHash, String(QUERY_HASH_VERSION)],
    [null, count(ended?.rowsProduced), '0', null, '0', null],
  );
}
