/**
 * What is read of Snowflake's views, window by window. Instants are asked for as epoch milliseconds and amounts as text,
 * so that neither the session's time zone nor a double stands between the view and us. Source of names and latencies:
 * Snowflake, "Account Usage", and the page of each view.
 */
import type { ServiceConnection } from '#base/snowflake/service-connection.js';
import type { EpochMs, Period } from '#base/time.js';
import { rowReader } from './usage-rows.js';
import type { RowReader } from './usage-rows.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export type UsageView =
  | 'QUERY_HISTORY'
  | 'QUERY_ATTRIBUTION_HISTORY'
  | 'WAREHOUSE_EVENTS_HISTORY'
  | 'WAREHOUSE_METERING_HISTORY'
  | 'METERING_DAILY_HISTORY';

/** One row as the tables have it, by column. */
export type UsageRow = Readonly<Record<string, string | number | boolean | null>>;

interface ViewReading {
  /** What a window is cut by. */
  readonly time: string;
  readonly columns: string;
  readonly where?: string;
  /** Rows may come, or change, that long after their time; the documented latency and an hour's margin. */
  readonly lateMs: number;
  readonly toRow: (read: RowReader) => UsageRow;
}

/** In the order in which they are imported: an hour comes after what it is allocated from. */
export const VIEWS: Readonly<Record<UsageView, ViewReading>> = {
  QUERY_HISTORY: {
    time: 'END_TIME',
    // Without a size it did not run on a warehouse: results of earlier runs, metadata, what failed to compile.
    where: 'WAREHOUSE_SIZE IS NOT NULL AND WAREHOUSE_ID IS NOT NULL',
    columns: `QUERY_ID, TO_VARCHAR(WAREHOUSE_ID) AS WAREHOUSE_ID, CLUSTER_NUMBER, WAREHOUSE_SIZE, WAREHOUSE_TYPE, USER_NAME,
      ROLE_NAME, QUERY_TYPE, DATE_PART(EPOCH_MILLISECOND, START_TIME) AS STARTED_MS,
      DATE_PART(EPOCH_MILLISECOND, END_TIME) AS ENDED_MS, EXECUTION_TIME, QUERY_PARAMETERIZED_HASH, BYTES_SCANNED,
      TO_VARCHAR(CREDITS_USED_CLOUD_SERVICES) AS CLOUD_SERVICES`,
    lateMs: 2 * HOUR_MS,
    toRow: queryRow,
  },
  QUERY_ATTRIBUTION_HISTORY: {
    time: 'END_TIME',
    columns: `QUERY_ID, PARENT_QUERY_ID, TO_VARCHAR(CREDITS_ATTRIBUTED_COMPUTE) AS ATTRIBUTED`,
    lateMs: 9 * HOUR_MS,
    toRow: (read) => ({
      query_id: read.text('QUERY_ID'),
      parent_query_id: read.textOrNull('PARENT_QUERY_ID'),
      attributed_credits: read.credits('ATTRIBUTED'),
    }),
  },
  WAREHOUSE_EVENTS_HISTORY: {
    time: 'TIMESTAMP',
    columns: `TO_VARCHAR(WAREHOUSE_ID) AS WAREHOUSE_ID, DATE_PART(EPOCH_MILLISECOND, TIMESTAMP) AS AT_MS, EVENT_NAME,
      CLUSTER_NUMBER, EVENT_STATE, SIZE, RESOURCE_CONSTRAINT`,
    where: 'WAREHOUSE_ID IS NOT NULL',
    lateMs: 4 * HOUR_MS,
    toRow: (read) => ({
      warehouse_id: read.text('WAREHOUSE_ID'),
      occurred_at: instantText(read.instant('AT_MS')),
      name: read.text('EVENT_NAME'),
      cluster: read.wholeOrNull('CLUSTER_NUMBER') ?? -1,
      state: read.text('EVENT_STATE'),
      warehouse_size: read.textOrNull('SIZE'),
      resource_constraint: read.textOrNull('RESOURCE_CONSTRAINT'),
    }),
  },
  WAREHOUSE_METERING_HISTORY: {
    time: 'START_TIME',
    columns: `TO_VARCHAR(WAREHOUSE_ID) AS WAREHOUSE_ID, WAREHOUSE_NAME, DATE_PART(EPOCH_MILLISECOND, START_TIME) AS STARTS_MS,
      TO_VARCHAR(CREDITS_USED_COMPUTE) AS METERED, TO_VARCHAR(CREDITS_USED_CLOUD_SERVICES) AS CLOUD_SERVICES,
      TO_VARCHAR(CREDITS_ATTRIBUTED_COMPUTE_QUERIES) AS ATTRIBUTED`,
    lateMs: 9 * HOUR_MS,
    toRow: (read) => ({
      warehouse_id: read.text('WAREHOUSE_ID'),
      warehouse: read.text('WAREHOUSE_NAME'),
      starts_at: instantText(read.instant('STARTS_MS')),
      metered_credits: read.credits('METERED'),
      cloud_services_credits: read.credits('CLOUD_SERVICES'),
      attributed_credits: read.creditsOrNull('ATTRIBUTED'),
    }),
  },
  METERING_DAILY_HISTORY: {
    time: 'USAGE_DATE',
    columns: `SERVICE_TYPE, TO_VARCHAR(USAGE_DATE, 'YYYY-MM-DD') AS DAY, TO_VARCHAR(CREDITS_USED_COMPUTE) AS COMPUTE,
      TO_VARCHAR(CREDITS_USED_CLOUD_SERVICES) AS CLOUD_SERVICES,
      TO_VARCHAR(CREDITS_ADJUSTMENT_CLOUD_SERVICES) AS ADJUSTMENT, TO_VARCHAR(CREDITS_BILLED) AS BILLED`,
    lateMs: 2 * DAY_MS,
    toRow: (read) => ({
      service_type: read.text('SERVICE_TYPE'),
      day: read.text('DAY'),
      compute_credits: read.credits('COMPUTE'),
      cloud_services_credits: read.credits('CLOUD_SERVICES'),
      adjustment_credits: read.credits('ADJUSTMENT'),
      billed_credits: read.credits('BILLED'),
    }),
  },
};

/**
 * The rows of `view` whose time lies in `[startsAt, endsAt)`; of a view of days, those of every day that it touches.
 * Faults `upstreamUnreachable`, `upstreamProtocol`.
 */
export async function readView(
  connection: ServiceConnection,
  view: UsageView,
  period: Period,
): Promise<readonly UsageRow[]> {
  const { time, columns, where, toRow } = VIEWS[view];
  const conditions = [between(time, period), ...(where === undefined ? [] : [where])];
  const rows = await connection.query(
    `SELECT ${columns} FROM SNOWFLAKE.ACCOUNT_USAGE.${view} WHERE ${conditions.join(' AND ')}`,
  );
  return rows.map((row) => toRow(rowReader(view, row)));
}

function between(time: string, { startsAt, endsAt }: Period): string {
  if (time === 'USAGE_DATE') {
    const [first, last] = [startsAt, endsAt - 1].map((at) => instantText(at).slice(0, 10));
    return `${time} BETWEEN '${first ?? ''}'::DATE AND '${last ?? ''}'::DATE`;
  }
  return `${time} >= ${timestamp(startsAt)} AND ${time} < ${timestamp(endsAt)}`;
}

function timestamp(at: EpochMs): string {
  return `'${instantText(at).replace('T', ' ').replace('Z', ' +0000')}'::TIMESTAMP_TZ`;
}

function instantText(at: EpochMs): string {
  return new Date(at).toISOString();
}

function queryRow(read: RowReader): UsageRow {
  const endedAt = read.instant('ENDED_MS');
  const executedAt = Math.max(read.instant('STARTED_MS'), endedAt - read.whole('EXECUTION_TIME'));
  const queryType = read.text('QUERY_TYPE');
  return {
    query_id: read.text('QUERY_ID'),
    warehouse_id: read.text('WAREHOUSE_ID'),
    cluster: read.wholeOrNull('CLUSTER_NUMBER') ?? 1,
    warehouse_size: read.text('WAREHOUSE_SIZE'),
    warehouse_kind: read.textOrNull('WAREHOUSE_TYPE') ?? 'STANDARD',
    snowflake_user: read.text('USER_NAME'),
    role_name: read.textOrNull('ROLE_NAME'),
    query_type: queryType,
    // Their statements are rows of their own.
    is_container: queryType === 'CALL' || queryType === 'MULTI_STATEMENT',
    executed_at: instantText(Math.min(executedAt, endedAt)),
    ended_at: instantText(endedAt),
    shape_hash: read.textOrNull('QUERY_PARAMETERIZED_HASH'),
    bytes_scanned: read.wholeOrNull('BYTES_SCANNED'),
    cloud_services_credits: read.credits('CLOUD_SERVICES'),
  };
}
