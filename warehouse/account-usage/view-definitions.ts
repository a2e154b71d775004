/** The account's views: columns as Snowflake's pages have them, and how rows follow from the event log. */
import type { CatalogueTable, ProvidedColumn } from '../engine/engine.js';
import { warehouseEventRows } from './event-rows.js';
import { DAY_MS, useByDay, useByHour } from './hours.js';
import type { DayUse, Metered } from './hours.js';
import { isVisible } from './latencies.js';
import type { Late, Viewing } from './latencies.js';
import {
  currencyRows,
  loadRow,
  meteringDailyRow,
  meteringRow,
  organizationMeteringRow,
  rateSheetRows,
  sessionRow,
  warehouseMeteringRow,
} from './metering-rows.js';
import type { TableName } from './provided-tables.js';
import { QUERY_HISTORY } from './query-rows.js';
import { LOAD_INTERVAL_MS } from './usage-book.js';
import type { UsageBook } from './usage-book.js';
import { CREDITS, columnsFrom, idOf } from './view-cells.js';
import type { ViewRow } from './view-cells.js';

/** What rows are computed from. */
export interface ViewSources {
  readonly metered: Metered;
  readonly book: Pick<UsageBook, 'loads' | 'sessions'>;
  readonly viewing: Viewing;
  /** Tables of the account as they are now. */
  readonly tables: readonly CatalogueTable[];
}

/** A view whose rows are computed as a whole, sorted by `orderBy`. */
export interface ViewDefinition {
  readonly schema: 'ACCOUNT_USAGE' | 'ORGANIZATION_USAGE';
  readonly name: string;
  readonly columns: readonly ProvidedColumn[];
  readonly orderBy: string;
  rows(sources: ViewSources): readonly ViewRow[];
}

/** Views of one row a statement, which grow: their rows are appended as the log does. */
export const QUERY_HISTORY_VIEW: TableName = {
  schema: 'ACCOUNT_USAGE',
  name: 'QUERY_HISTORY',
  columns: QUERY_HISTORY,
};
export const ATTRIBUTION_VIEW: TableName = {
  schema: 'ACCOUNT_USAGE',
  name: 'QUERY_ATTRIBUTION_HISTORY',
  columns: columnsFrom(
    `QUERY_ID PARENT_QUERY_ID ROOT_QUERY_ID WAREHOUSE_ID:N WAREHOUSE_NAME QUERY_HASH QUERY_PARAMETERIZED_HASH
     QUERY_TAG USER_NAME START_TIME:T END_TIME:T CREDITS_ATTRIBUTED_COMPUTE:${CREDITS}
     CREDITS_USED_QUERY_ACCELERATION:${CREDITS}`,
  ),
};

const HOURLY_CREDITS = `CREDITS_USED:${CREDITS} CREDITS_USED_COMPUTE:${CREDITS} CREDITS_USED_CLOUD_SERVICES:${CREDITS}`;
const DAILY_CREDITS = `CREDITS_USED_COMPUTE:${CREDITS} CREDITS_USED_CLOUD_SERVICES:${CREDITS} CREDITS_USED:${CREDITS}
  CREDITS_ADJUSTMENT_CLOUD_SERVICES:${CREDITS} CREDITS_BILLED:${CREDITS}`;

/** The days that `view` shows, as far as the hours of its own are seen. */
function days({ metered, viewing }: ViewSources, view: Late): readonly DayUse[] {
  return useByDay(useByHour(metered, view, viewing));
}

/** Whole days that have ended long enough ago for `view`. */
function endedDays(sources: ViewSources, view: Late): readonly DayUse[] {
  return days(sources, view).filter(({ day }) =>
    isVisible(view, (day + 1) * DAY_MS, sources.viewing),
  );
}

const ACCOUNT_VIEWS: readonly Omit<ViewDefinition, 'schema'>[] = [
  {
    name: 'WAREHOUSE_METERING_HISTORY',
    columns: columnsFrom(
      `START_TIME:T END_TIME:T WAREHOUSE_ID:N WAREHOUSE_NAME ${HOURLY_CREDITS}
       CREDITS_ATTRIBUTED_COMPUTE_QUERIES:${CREDITS}`,
    ),
    orderBy: 'START_TIME',
    rows: ({ metered, viewing }) =>
      useByHour(metered, 'WAREHOUSE_METERING_HISTORY', viewing).map(warehouseMeteringRow),
  },
  {
    name: 'METERING_HISTORY',
    columns: columnsFrom(
      `SERVICE_TYPE START_TIME:T END_TIME:T ENTITY_ID:N ENTITY_TYPE NAME DATABASE_ID:N DATABASE_NAME SCHEMA_ID:N
       SCHEMA_NAME CREDITS_USED_COMPUTE:${CREDITS} CREDITS_USED_CLOUD_SERVICES:${CREDITS} CREDITS_USED:${CREDITS}
       BYTES:N ROWS:N FILES:N`,
    ),
    orderBy: 'START_TIME',
    rows: ({ metered, viewing }) =>
      useByHour(metered, 'METERING_HISTORY', viewing).map(meteringRow),
  },
  {
    name: 'METERING_DAILY_HISTORY',
    columns: columnsFrom(`SERVICE_TYPE USAGE_DATE:DATE ${DAILY_CREDITS}`),
    orderBy: 'USAGE_DATE',
    rows: (sources) =>
      days(sources, 'METERING_DAILY_HISTORY').map((day) => meteringDailyRow(day, 'account')),
  },
  {
    // Of adaptive warehouses only, which this account has none of.
    name: 'QUERY_METERING_HISTORY',
    columns: columnsFrom(
      `QUERY_ID WAREHOUSE_ID:N WAREHOUSE_NAME QUERY_METERING_HOUR:T PARENT_QUERY_ID ROOT_QUERY_ID
       CREDITS_USED_COMPUTE:${CREDITS} CREDITS_USED_CLOUD_SERVICES:${CREDITS} CREDITS_USED:${CREDITS}`,
    ),
    orderBy: 'QUERY_METERING_HOUR',
    rows: () => [],
  },
  {
    name: 'WAREHOUSE_EVENTS_HISTORY',
    columns: columnsFrom(
      `TIMESTAMP:T WAREHOUSE_ID:N WAREHOUSE_NAME CLUSTER_NUMBER:N EVENT_NAME EVENT_REASON EVENT_STATE USER_NAME
       ROLE_NAME QUERY_ID SIZE CLUSTER_COUNT:N RESOURCE_CONSTRAINT`,
    ),
    orderBy: 'TIMESTAMP',
    rows: ({ metered, viewing }) =>
      warehouseEventRows(
        metered.warehouseEvents.filter(({ at }) =>
          isVisible('WAREHOUSE_EVENTS_HISTORY', at, viewing),
        ),
      ),
  },
  {
    name: 'WAREHOUSE_LOAD_HISTORY',
    columns: columnsFrom(
      `START_TIME:T END_TIME:T WAREHOUSE_ID:N WAREHOUSE_NAME AVG_RUNNING:NUMBER(38,9)
       AVG_QUEUED_LOAD:NUMBER(38,9) AVG_QUEUED_PROVISIONING:NUMBER(38,9) AVG_BLOCKED:NUMBER(38,9)`,
    ),
    orderBy: 'START_TIME',
    rows: ({ book, viewing }) =>
      [...book.loads]
        .filter(({ startsAt }) =>
          isVisible('WAREHOUSE_LOAD_HISTORY', startsAt + LOAD_INTERVAL_MS, viewing),
        )
        .sort((a, b) => a.startsAt - b.startsAt || (a.warehouse < b.warehouse ? -1 : 1))
        .map(loadRow),
  },
  {
    // Only what statements tell of their sessions; how somebody logged in is not in the log.
    name: 'SESSIONS',
    columns: columnsFrom(
      'SESSION_ID:N CREATED_ON:T USER_NAME CLIENT_APPLICATION_ID CLIENT_ENVIRONMENT',
    ),
    orderBy: 'CREATED_ON',
    rows: ({ book, viewing }) =>
      [...book.sessions]
        .filter(({ firstAt }) => isVisible('SESSIONS', firstAt, viewing))
        .sort((a, b) => a.firstAt - b.firstAt || a.id - b.id)
        .map(sessionRow),
  },
  {
    name: 'STORAGE_USAGE',
    columns: columnsFrom(
      'USAGE_DATE:DATE STORAGE_BYTES:N STAGE_BYTES:N FAILSAFE_BYTES:N HYBRID_TABLE_STORAGE_BYTES:N',
    ),
    orderBy: 'USAGE_DATE',
    rows: ({ tables, viewing }) => [[today(viewing), bytesOf(tables), '0', '0', '0']],
  },
  {
    name: 'DATABASE_STORAGE_USAGE_HISTORY',
    columns: columnsFrom(
      `USAGE_DATE:DATE DATABASE_ID:N DATABASE_NAME DELETED:T AVERAGE_DATABASE_BYTES:FLOAT
       AVERAGE_FAILSAFE_BYTES:FLOAT AVERAGE_HYBRID_TABLE_STORAGE_BYTES:FLOAT`,
    ),
    orderBy: 'USAGE_DATE',
    rows: ({ tables, viewing }) =>
      [...new Set(tables.map(({ database }) => database))].map((name) => {
        const own = tables.filter(({ database }) => database === name);
        return [today(viewing), idOf(name), name, null, bytesOf(own), '0', '0'];
      }),
  },
  {
    name: 'STAGE_STORAGE_USAGE_HISTORY',
    columns: columnsFrom('USAGE_DATE:DATE AVERAGE_STAGE_BYTES:FLOAT'),
    orderBy: 'USAGE_DATE',
    rows: ({ viewing }) => [[today(viewing), '0']],
  },
  {
    // Nothing leaves this account.
    name: 'DATA_TRANSFER_HISTORY',
    columns: columnsFrom(
      'START_TIME:T END_TIME:T SOURCE_CLOUD SOURCE_REGION TARGET_CLOUD TARGET_REGION BYTES_TRANSFERRED:N TRANSFER_TYPE',
    ),
    orderBy: 'START_TIME',
    rows: () => [],
  },
];

const ORGANIZATION_VIEWS: readonly Omit<ViewDefinition, 'schema'>[] = [
  {
    name: 'RATE_SHEET_DAILY',
    columns: columnsFrom(
      `DATE:DATE ORGANIZATION_NAME CONTRACT_NUMBER ACCOUNT_NAME ACCOUNT_LOCATOR REGION SERVICE_LEVEL USAGE_TYPE CURRENCY
       EFFECTIVE_RATE:NUMBER(38,2) SERVICE_TYPE RATING_TYPE BILLING_TYPE IS_ADJUSTMENT:BOOLEAN`,
    ),
    orderBy: 'DATE',
    rows: (sources) => {
      const known = new Set(
        endedDays(sources, 'ORGANIZATION_USAGE.RATE_SHEET_DAILY').map(({ day }) => day),
      );
      if (sources.viewing.latencyScale === 0) known.add(Number(today(sources.viewing)));
      return [...known].sort((a, b) => a - b).flatMap(rateSheetRows);
    },
  },
  {
    // The contract of this account has no balance to use up.
    name: 'REMAINING_BALANCE_DAILY',
    columns: columnsFrom(
      `DATE:DATE ORGANIZATION_NAME CONTRACT_NUMBER CURRENCY FREE_USAGE_BALANCE:NUMBER(38,2)
       CAPACITY_BALANCE:NUMBER(38,2) ON_DEMAND_CONSUMPTION_BALANCE:NUMBER(38,2) ROLLOVER_BALANCE:NUMBER(38,2)
       MARKETPLACE_CAPACITY_DRAWDOWN_BALANCE:NUMBER(38,2)`,
    ),
    orderBy: 'DATE',
    rows: () => [],
  },
  {
    name: 'USAGE_IN_CURRENCY_DAILY',
    columns: columnsFrom(
      `ORGANIZATION_NAME CONTRACT_NUMBER ACCOUNT_NAME ACCOUNT_LOCATOR REGION SERVICE_LEVEL USAGE_DATE:DATE USAGE_TYPE
       USAGE:NUMBER(38,3) CURRENCY USAGE_IN_CURRENCY:NUMBER(38,2) BALANCE_SOURCE BILLING_TYPE RATING_TYPE SERVICE_TYPE
       IS_ADJUSTMENT:BOOLEAN`,
    ),
    orderBy: 'USAGE_DATE',
    rows: (sources) =>
      endedDays(sources, 'ORGANIZATION_USAGE.USAGE_IN_CURRENCY_DAILY').flatMap(currencyRows),
  },
  {
    name: 'METERING_DAILY_HISTORY',
    columns: columnsFrom(
      `ORGANIZATION_NAME ACCOUNT_NAME ACCOUNT_LOCATOR REGION SERVICE_TYPE USAGE_DATE:DATE ${DAILY_CREDITS}`,
    ),
    orderBy: 'USAGE_DATE',
    rows: (sources) =>
      days(sources, 'ORGANIZATION_USAGE.METERING_DAILY_HISTORY').map((day) =>
        meteringDailyRow(day, 'organization'),
      ),
  },
  {
    name: 'WAREHOUSE_METERING_HISTORY',
    columns: columnsFrom(
      `ORGANIZATION_NAME ACCOUNT_NAME ACCOUNT_LOCATOR REGION SERVICE_TYPE START_TIME:T END_TIME:T WAREHOUSE_ID:N
       WAREHOUSE_NAME ${HOURLY_CREDITS}`,
    ),
    orderBy: 'START_TIME',
    rows: ({ metered, viewing }) =>
      useByHour(metered, 'ORGANIZATION_USAGE.WAREHOUSE_METERING_HISTORY', viewing).map(
        organizationMeteringRow,
      ),
  },
];

/** Every view whose rows are computed as a whole. */
export const VIEWS: readonly ViewDefinition[] = [
  ...ACCOUNT_VIEWS.map((view) => ({ ...view, schema: 'ACCOUNT_USAGE' as const })),
  ...ORGANIZATION_VIEWS.map((view) => ({ ...view, schema: 'ORGANIZATION_USAGE' as const })),
];

/** Storage is not in the log: the views have the day of `now` alone, as the tables were when it was first looked at. */
function today({ now }: Viewing): string {
  return String(Math.floor(now / DAY_MS));
}

function bytesOf(tables: readonly CatalogueTable[]): string {
  return String(Math.round(tables.reduce((sum, { bytes }) => sum + bytes, 0)));
}
