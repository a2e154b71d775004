/** What is read of ACCOUNT_USAGE. Source of names and latencies: Snowflake, "Account Usage", and the page of each view. */
import type { RowReader } from './usage-rows.js';
import { instantText, readColumns } from './view-reading.js';
import type { UsageRow, ViewReading } from './view-reading.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Longest name of a tool that is kept, in characters. */
const APPLICATION_LENGTH_MAX = 100;

const IN_ACCOUNT = { schema: 'ACCOUNT_USAGE', grant: 'USAGE_VIEWER' } as const;

/** QUERY_HISTORY, of what ran on a warehouse. */
export const QUERY_HISTORY: ViewReading = {
  ...IN_ACCOUNT,
  grant: 'GOVERNANCE_VIEWER',
  time: 'END_TIME',
  // Without a size it did not run on a warehouse: results of earlier runs, metadata, what failed to compile.
  where: 'v.WAREHOUSE_SIZE IS NOT NULL AND v.WAREHOUSE_ID IS NOT NULL',
  keeps: (read) =>
    read.textOrNull('WAREHOUSE_SIZE') !== null && read.textOrNull('WAREHOUSE_ID') !== null,
  columns:
    readColumns(`QUERY_ID WAREHOUSE_ID:id CLUSTER_NUMBER?:whole WAREHOUSE_SIZE WAREHOUSE_TYPE? USER_NAME ROLE_NAME?
    QUERY_TYPE START_TIME:instant END_TIME:instant EXECUTION_TIME:whole QUERY_PARAMETERIZED_HASH? BYTES_SCANNED?:whole
    CREDITS_USED_CLOUD_SERVICES?:amount SESSION_ID?:id`),
  lateMs: 2 * HOUR_MS,
  toRow: queryRow,
};

export const QUERY_ATTRIBUTION_HISTORY: ViewReading = {
  ...IN_ACCOUNT,
  time: 'END_TIME',
  columns:
    readColumns(`QUERY_ID PARENT_QUERY_ID? ROOT_QUERY_ID? END_TIME:instant CREDITS_ATTRIBUTED_COMPUTE:amount
    CREDITS_USED_QUERY_ACCELERATION?:amount`),
  lateMs: 9 * HOUR_MS,
  toRow: (read) => ({
    query_id: read.text('QUERY_ID'),
    parent_query_id: read.textOrNull('PARENT_QUERY_ID'),
    root_query_id: rootOf(read),
    ended_at: instantText(read.instant('END_TIME')),
    attributed_credits: read.figure('CREDITS_ATTRIBUTED_COMPUTE'),
    acceleration_credits: read.creditsOrNull('CREDITS_USED_QUERY_ACCELERATION'),
  }),
};

/** Statements on adaptive warehouses. A row changes in place until its statement has ended; amounts are NULL until then. */
export const QUERY_METERING_HISTORY: ViewReading = {
  ...IN_ACCOUNT,
  time: 'QUERY_METERING_HOUR',
  columns:
    readColumns(`QUERY_ID PARENT_QUERY_ID? ROOT_QUERY_ID? WAREHOUSE_ID:id QUERY_METERING_HOUR:instant
    CREDITS_USED_COMPUTE:amount CREDITS_USED_CLOUD_SERVICES:amount`),
  // A statement may run for two days, and its rows change until it ends.
  lateMs: 50 * HOUR_MS,
  toRow: (read) => ({
    query_id: read.text('QUERY_ID'),
    starts_at: instantText(read.hour('QUERY_METERING_HOUR')),
    warehouse_id: read.id('WAREHOUSE_ID'),
    root_query_id: rootOf(read),
    compute_credits: read.creditsOrNull('CREDITS_USED_COMPUTE'),
    cloud_services_credits: read.creditsOrNull('CREDITS_USED_CLOUD_SERVICES'),
  }),
};

export const WAREHOUSE_EVENTS_HISTORY: ViewReading = {
  ...IN_ACCOUNT,
  time: 'TIMESTAMP',
  columns:
    readColumns(`WAREHOUSE_ID:id TIMESTAMP:instant EVENT_NAME CLUSTER_NUMBER:whole EVENT_STATE SIZE
    RESOURCE_CONSTRAINT?`),
  where: 'v.WAREHOUSE_ID IS NOT NULL',
  keeps: (read) => read.textOrNull('WAREHOUSE_ID') !== null,
  lateMs: 4 * HOUR_MS,
  toRow: (read) => ({
    warehouse_id: read.id('WAREHOUSE_ID'),
    occurred_at: instantText(read.instant('TIMESTAMP')),
    name: read.text('EVENT_NAME'),
    cluster: read.wholeOrNull('CLUSTER_NUMBER') ?? -1,
    state: read.text('EVENT_STATE'),
    warehouse_size: read.textOrNull('SIZE'),
    resource_constraint: read.textOrNull('RESOURCE_CONSTRAINT'),
  }),
};

export const WAREHOUSE_METERING_HISTORY: ViewReading = {
  ...IN_ACCOUNT,
  time: 'START_TIME',
  columns:
    readColumns(`WAREHOUSE_ID:id WAREHOUSE_NAME START_TIME:instant CREDITS_USED_COMPUTE:amount
    CREDITS_USED_CLOUD_SERVICES:amount CREDITS_ATTRIBUTED_COMPUTE_QUERIES?:amount`),
  lateMs: 9 * HOUR_MS,
  toRow: (read) => ({
    warehouse_id: read.id('WAREHOUSE_ID'),
    warehouse: read.text('WAREHOUSE_NAME'),
    starts_at: instantText(read.hour('START_TIME')),
    metered_credits: read.figure('CREDITS_USED_COMPUTE'),
    cloud_services_credits: read.credits('CREDITS_USED_CLOUD_SERVICES'),
    attributed_credits: read.creditsOrNull('CREDITS_ATTRIBUTED_COMPUTE_QUERIES'),
  }),
};

/** Every service by entity and hour. The list of services is open: one that nobody knows is a row like the others. */
export const METERING_HISTORY: ViewReading = {
  ...IN_ACCOUNT,
  time: 'START_TIME',
  columns:
    readColumns(`SERVICE_TYPE START_TIME:instant ENTITY_ID?:id ENTITY_TYPE? NAME? CREDITS_USED_COMPUTE:amount
    CREDITS_USED_CLOUD_SERVICES:amount CREDITS_USED:amount`),
  lateMs: 9 * HOUR_MS,
  toRow: (read) => ({
    service_type: read.text('SERVICE_TYPE'),
    // Some services have names and no ids.
    entity_id: read.idOrNull('ENTITY_ID') ?? read.textOrNull('NAME') ?? '',
    starts_at: instantText(read.hour('START_TIME')),
    entity_kind: read.textOrNull('ENTITY_TYPE'),
    entity_name: read.textOrNull('NAME'),
    compute_credits: read.signed('CREDITS_USED_COMPUTE'),
    cloud_services_credits: read.signed('CREDITS_USED_CLOUD_SERVICES'),
    credits: read.signedFigure('CREDITS_USED'),
  }),
};

export const METERING_DAILY_HISTORY: ViewReading = {
  ...IN_ACCOUNT,
  time: 'USAGE_DATE',
  columns:
    readColumns(`SERVICE_TYPE USAGE_DATE:day CREDITS_USED_COMPUTE:amount CREDITS_USED_CLOUD_SERVICES:amount
    CREDITS_ADJUSTMENT_CLOUD_SERVICES:amount CREDITS_BILLED:amount`),
  lateMs: 2 * DAY_MS,
  toRow: (read) => ({
    service_type: read.text('SERVICE_TYPE'),
    day: read.day('USAGE_DATE'),
    compute_credits: read.signed('CREDITS_USED_COMPUTE'),
    cloud_services_credits: read.signed('CREDITS_USED_CLOUD_SERVICES'),
    adjustment_credits: read.signed('CREDITS_ADJUSTMENT_CLOUD_SERVICES'),
    billed_credits: read.signedFigure('CREDITS_BILLED'),
  }),
};

/** All of the account's bytes, by which storage is billed. */
export const STORAGE_USAGE: ViewReading = {
  ...IN_ACCOUNT,
  time: 'USAGE_DATE',
  columns: readColumns(
    'USAGE_DATE:day STORAGE_BYTES:amount STAGE_BYTES:amount FAILSAFE_BYTES:amount',
  ),
  lateMs: 2 * DAY_MS,
  toRow: (read) => storageRow(read, 'account', ['STORAGE_BYTES', 'FAILSAFE_BYTES', 'STAGE_BYTES']),
};

export const DATABASE_STORAGE_USAGE_HISTORY: ViewReading = {
  ...IN_ACCOUNT,
  time: 'USAGE_DATE',
  columns: readColumns(`USAGE_DATE:day DATABASE_ID:id DATABASE_NAME AVERAGE_DATABASE_BYTES:amount
    AVERAGE_FAILSAFE_BYTES:amount`),
  lateMs: 2 * DAY_MS,
  toRow: (read) => ({
    ...storageRow(read, 'database', ['AVERAGE_DATABASE_BYTES', 'AVERAGE_FAILSAFE_BYTES', null]),
    entity_id: read.id('DATABASE_ID'),
    entity_name: read.text('DATABASE_NAME'),
  }),
};

export const STAGE_STORAGE_USAGE_HISTORY: ViewReading = {
  ...IN_ACCOUNT,
  time: 'USAGE_DATE',
  columns: readColumns('USAGE_DATE:day AVERAGE_STAGE_BYTES:amount'),
  lateMs: 2 * DAY_MS,
  toRow: (read) => storageRow(read, 'stage', [null, null, 'AVERAGE_STAGE_BYTES']),
};

export const DATA_TRANSFER_HISTORY: ViewReading = {
  ...IN_ACCOUNT,
  time: 'START_TIME',
  columns: readColumns(`START_TIME:instant SOURCE_CLOUD? SOURCE_REGION? TARGET_CLOUD? TARGET_REGION?
    BYTES_TRANSFERRED:amount TRANSFER_TYPE?`),
  lateMs: 4 * HOUR_MS,
  toRow: (read) => ({
    starts_at: instantText(read.instant('START_TIME')),
    source_cloud: read.textOrNull('SOURCE_CLOUD') ?? '',
    source_region: read.textOrNull('SOURCE_REGION') ?? '',
    target_cloud: read.textOrNull('TARGET_CLOUD') ?? '',
    target_region: read.textOrNull('TARGET_REGION') ?? '',
    transfer_kind: read.textOrNull('TRANSFER_TYPE') ?? '',
    bytes: read.credits('BYTES_TRANSFERRED'),
  }),
};

export const SESSIONS: ViewReading = {
  ...IN_ACCOUNT,
  grant: 'SECURITY_VIEWER',
  time: 'CREATED_ON',
  columns: readColumns(
    'SESSION_ID:id CREATED_ON:instant USER_NAME CLIENT_APPLICATION_ID? CLIENT_ENVIRONMENT?',
  ),
  lateMs: 4 * HOUR_MS,
  toRow: (read) => ({
    session_id: read.id('SESSION_ID'),
    snowflake_user: read.text('USER_NAME'),
    client: clientText(
      read.textOrNull('CLIENT_APPLICATION_ID'),
      read.textOrNull('CLIENT_ENVIRONMENT'),
    ),
    created_at: instantText(read.instant('CREATED_ON')),
  }),
};

/** `DBeaver_DBeaver (JDBC 4.0.2)`: many tools have one driver, and its name alone tells nobody whom to ask. */
function clientText(driver: string | null, environment: string | null): string | null {
  const application = applicationIn(environment ?? '');
  // Drivers without a tool above them say their own name, as `PythonConnector` does.
  if (application === undefined || driver?.split(' ')[0] === application) return driver;
  return driver === null ? application : `${application} (${driver})`;
}

/** `APPLICATION` of the JSON that a driver tells of its machine; a text that is no such thing says nothing. */
function applicationIn(environment: string): string | undefined {
  let said: unknown;
  try {
    said = (JSON.parse(environment) as { readonly APPLICATION?: unknown } | null)?.APPLICATION;
  } catch {
    return undefined;
  }
  return typeof said === 'string' && said.trim() !== ''
    ? said.trim().slice(0, APPLICATION_LENGTH_MAX)
    : undefined;
}

/** The topmost statement of the chain, which is itself in none. */
function rootOf(read: RowReader): string | null {
  const root = read.textOrNull('ROOT_QUERY_ID') ?? read.textOrNull('PARENT_QUERY_ID');
  return root === read.text('QUERY_ID') ? null : root;
}

function storageRow(
  read: RowReader,
  scope: 'account' | 'database' | 'stage',
  [table, failsafe, stage]: readonly (string | null)[],
): UsageRow {
  const bytes = (column: string | null | undefined): string =>
    typeof column === 'string' ? read.credits(column) : '0';
  return {
    day: read.day('USAGE_DATE'),
    scope,
    entity_id: '',
    entity_name: null,
    table_bytes: bytes(table),
    failsafe_bytes: bytes(failsafe),
    stage_bytes: bytes(stage),
  };
}

/** What is not told is null and stays as it is known, else is the first cluster of a standard warehouse and no services. */
function queryRow(read: RowReader): UsageRow {
  const endedAt = read.instant('END_TIME');
  const executedAt = Math.max(read.instant('START_TIME'), endedAt - read.whole('EXECUTION_TIME'));
  const queryType = read.text('QUERY_TYPE');
  return {
    query_id: read.text('QUERY_ID'),
    warehouse_id: read.id('WAREHOUSE_ID'),
    cluster: read.wholeOrNull('CLUSTER_NUMBER'),
    warehouse_size: read.text('WAREHOUSE_SIZE'),
    warehouse_kind: read.textOrNull('WAREHOUSE_TYPE'),
    snowflake_user: read.text('USER_NAME'),
    role_name: read.textOrNull('ROLE_NAME'),
    query_type: queryType,
    // Their statements are rows of their own.
    is_container: queryType === 'CALL' || queryType === 'MULTI_STATEMENT',
    executed_at: instantText(Math.min(executedAt, endedAt)),
    ended_at: instantText(endedAt),
    shape_hash: read.textOrNull('QUERY_PARAMETERIZED_HASH'),
    bytes_scanned: read.wholeOrNull('BYTES_SCANNED'),
    cloud_services_credits: read.creditsOrNull('CREDITS_USED_CLOUD_SERVICES'),
    session_id: read.idOrNull('SESSION_ID'),
  };
}
