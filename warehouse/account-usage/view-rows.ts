/** Columns and rows of the account's views, computed from event records alone. */
import { NO_CREDITS, addCredits, creditsForMillis, formatAmount } from '#base/units.js';
import type { Credits } from '#base/units.js';
import type { Cell } from '#base/wire/row-type.js';
import type { EpochMs } from '#base/time.js';
import type { ProvidedColumn } from '../engine/engine.js';
import type { EventLog } from '../metering/event-log.js';
import type {
  LoggedStatement,
  StatementEnded,
  WarehouseEvent,
  WarehouseEventName,
} from '../metering/events.js';
import { adjustDay } from '../metering/daily-adjustment.js';
import { meterHours } from '../metering/metering.js';
import { attribute, hourKey } from '../metering/attribution.js';
import { ACCOUNT, REGION } from '../statement/context.js';
import {
  CLOUD_SERVICES_PER_HOUR,
  PRICE_CURRENCY,
  SIZE_LABELS,
  pricePerCredit,
  sizeLabel,
} from '../fleet/rates.js';

export type ViewName =
  | 'QUERY_HISTORY'
  | 'WAREHOUSE_METERING_HISTORY'
  | 'METERING_DAILY_HISTORY'
  | 'QUERY_ATTRIBUTION_HISTORY'
  | 'QUERY_METERING_HISTORY'
  | 'RATE_SHEET_DAILY'
  | 'WAREHOUSE_EVENTS_HISTORY';

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const CREDITS = 'NUMBER(38,12)';

const columns = (text: string): readonly ProvidedColumn[] =>
  text.split(' ').map((one) => {
    const [name = '', type = 'VARCHAR'] = one.split(':');
    return { name, type };
  });

const QUERY_HISTORY = columns(
  'QUERY_ID QUERY_TEXT DATABASE_NAME SCHEMA_NAME QUERY_TYPE SESSION_ID:NUMBER(38,0) USER_NAME ROLE_NAME ' +
    'WAREHOUSE_ID:NUMBER(38,0) WAREHOUSE_NAME WAREHOUSE_SIZE WAREHOUSE_TYPE CLUSTER_NUMBER:NUMBER(38,0) QUERY_TAG ' +
    'EXECUTION_STATUS ERROR_CODE ERROR_MESSAGE START_TIME:TIMESTAMP_LTZ END_TIME:TIMESTAMP_LTZ ' +
    'TOTAL_ELAPSED_TIME:NUMBER(38,0) COMPILATION_TIME:NUMBER(38,0) EXECUTION_TIME:NUMBER(38,0) ' +
    'QUEUED_PROVISIONING_TIME:NUMBER(38,0) QUEUED_REPAIR_TIME:NUMBER(38,0) QUEUED_OVERLOAD_TIME:NUMBER(38,0) ' +
    'BYTES_SCANNED:NUMBER(38,0) BYTES_WRITTEN:NUMBER(38,0) PERCENTAGE_SCANNED_FROM_CACHE:FLOAT ' +
    'PARTITIONS_SCANNED:NUMBER(38,0) PARTITIONS_TOTAL:NUMBER(38,0) ROWS_PRODUCED:NUMBER(38,0) ' +
    `CREDITS_USED_CLOUD_SERVICES:${CREDITS} QUERY_HASH`,
);

/** Columns by view, in order. */
export const VIEW_COLUMNS: Readonly<Record<ViewName, readonly ProvidedColumn[]>> = {
  QUERY_HISTORY,
  WAREHOUSE_METERING_HISTORY: columns(
    'START_TIME:TIMESTAMP_LTZ END_TIME:TIMESTAMP_LTZ WAREHOUSE_ID:NUMBER(38,0) WAREHOUSE_NAME ' +
      `CREDITS_USED:${CREDITS} CREDITS_USED_COMPUTE:${CREDITS} CREDITS_USED_CLOUD_SERVICES:${CREDITS} ` +
      `CREDITS_ATTRIBUTED_COMPUTE_QUERIES:${CREDITS}`,
  ),
  METERING_DAILY_HISTORY: columns(
    `SERVICE_TYPE USAGE_DATE:DATE CREDITS_USED_COMPUTE:${CREDITS} CREDITS_USED_CLOUD_SERVICES:${CREDITS} ` +
      `CREDITS_USED:${CREDITS} CREDITS_ADJUSTMENT_CLOUD_SERVICES:${CREDITS} CREDITS_BILLED:${CREDITS}`,
  ),
  QUERY_ATTRIBUTION_HISTORY: columns(
    'QUERY_ID PARENT_QUERY_ID ROOT_QUERY_ID WAREHOUSE_ID:NUMBER(38,0) WAREHOUSE_NAME QUERY_HASH ' +
      'QUERY_PARAMETERIZED_HASH QUERY_TAG USER_NAME START_TIME:TIMESTAMP_LTZ END_TIME:TIMESTAMP_LTZ ' +
      `CREDITS_ATTRIBUTED_COMPUTE:${CREDITS} CREDITS_USED_QUERY_ACCELERATION:${CREDITS}`,
  ),
  QUERY_METERING_HISTORY: columns(
    'QUERY_ID WAREHOUSE_ID:NUMBER(38,0) WAREHOUSE_NAME QUERY_METERING_HOUR:TIMESTAMP_LTZ ' +
      `CREDITS_USED_COMPUTE:${CREDITS} CREDITS_USED_CLOUD_SERVICES:${CREDITS} CREDITS_USED:${CREDITS}`,
  ),
  RATE_SHEET_DAILY: columns(
    'DATE:DATE ORGANIZATION_NAME CONTRACT_NUMBER ACCOUNT_NAME ACCOUNT_LOCATOR REGION SERVICE_LEVEL USAGE_TYPE ' +
      'CURRENCY EFFECTIVE_RATE:NUMBER(38,2) SERVICE_TYPE RATING_TYPE BILLING_TYPE IS_ADJUSTMENT:BOOLEAN',
  ),
  WAREHOUSE_EVENTS_HISTORY: columns(
    'TIMESTAMP:TIMESTAMP_LTZ WAREHOUSE_ID:NUMBER(38,0) WAREHOUSE_NAME CLUSTER_NUMBER:NUMBER(38,0) EVENT_NAME ' +
      'EVENT_REASON EVENT_STATE USER_NAME ROLE_NAME SIZE CLUSTER_COUNT:NUMBER(38,0) RESOURCE_CONSTRAINT',
  ),
};

const instant = (at: EpochMs): Cell => (at / 1000).toFixed(3);

/** A number that belongs to the name alone; the log knows warehouses by name. */
function warehouseId(name: string): Cell {
  let hash = 0x811c9dc5;
  for (const character of name)
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return String(hash);
}

/** Cloud services of one statement: its compile time at the dated rate. */
function cloudServices(ended: StatementEnded): Credits {
  return creditsForMillis(CLOUD_SERVICES_PER_HOUR, ended.compileMs, 'half-even');
}

/**
 * Rows of QUERY_HISTORY in order of arrival.
 *
 * @param form `account-usage` has ended statements only, with SUCCESS, FAIL, INCIDENT; `live` also running ones,
 *   with the statuses of INFORMATION_SCHEMA (`RUNNING`, `FAILED_WITH_ERROR`, …).
 * @param user only this user's statements when given.
 */
export function queryRows(
  statements: Iterable<LoggedStatement>,
  form: 'account-usage' | 'live',
  user: string | undefined,
): readonly (readonly Cell[])[] {
  const rows: (readonly Cell[])[] = [];
  for (const statement of statements) {
    if (user !== undefined && statement.started.user !== user) continue;
    if (statement.ended === undefined && form === 'account-usage') continue;
    rows.push(queryRow(statement, form));
  }
  return rows;
}

function queryRow(
  { started, ended }: LoggedStatement,
  form: 'account-usage' | 'live',
): readonly Cell[] {
  const warehouse = ended?.warehouse ?? null;
  const count = (value: number | undefined): Cell => String(value ?? 0);
  return [
    started.id,
    started.text,
    started.database,
    started.schema,
    started.queryType,
    String(started.sessionId),
    started.user,
    started.role,
    warehouse === null ? null : warehouseId(warehouse),
    warehouse,

    sizeLabel(ended?.size),
    warehouse === null ? null : 'STANDARD',
    ended?.cluster?.toString() ?? null,
    started.tag,
    status(ended, form),
    ended?.errorCode ?? null,
    ended?.errorMessage ?? null,
    instant(started.at),

    ended === undefined ? null : instant(ended.at),
    count(ended === undefined ? 0 : ended.at - started.at),
    count(ended?.compileMs),
    count(ended?.executionMs),
    '0',
    '0',
    count(ended?.queuedMs),
    count(ended?.bytesScanned),
    count(ended?.bytesWritten),
    '0',
    count(ended?.partitionsScanned),
    count(ended?.partitionsTotal),
    count(ended?.rowsProduced),
    formatAmount(ended === undefined ? NO_CREDITS : cloudServices(ended)),
    null,
  ];
}

function status(ended: StatementEnded | undefined, form: 'account-usage' | 'live'): Cell {
  if (ended === undefined) return 'RUNNING';
  if (form === 'account-usage' || ended.status === 'SUCCESS') return ended.status;
  return ended.status === 'FAIL' ? 'FAILED_WITH_ERROR' : 'FAILED_WITH_INCIDENT';
}

interface HourUse {
  readonly hourStartsAt: EpochMs;
  readonly warehouse: string;
  compute: Credits;
  cloudServices: Credits;
}

const NO_WAREHOUSE = 'CLOUD_SERVICES_ONLY';

/** Compute and cloud services by warehouse and hour; statements without a warehouse under CLOUD_SERVICES_ONLY. */
function useByHour(events: EventLog, now: EpochMs): readonly HourUse[] {
  const hours = new Map<string, HourUse>();
  const at = (hourStartsAt: EpochMs, warehouse: string): HourUse => {
    const key = `${hourStartsAt} ${warehouse}`;
    const known = hours.get(key);
    if (known !== undefined) return known;
    const fresh: HourUse = {
      hourStartsAt,
      warehouse,
      compute: NO_CREDITS,
      cloudServices: NO_CREDITS,
    };
    hours.set(key, fresh);
    return fresh;
  };
  for (const hour of meterHours(events.warehouseEvents(), now))
    at(hour.hourStartsAt, hour.warehouse).compute = hour.credits;
  for (const { ended } of events.statements()) {
    if (ended === undefined) continue;
    const use = at(Math.floor(ended.at / HOUR_MS) * HOUR_MS, ended.warehouse ?? NO_WAREHOUSE);
    use.cloudServices = addCredits(use.cloudServices, cloudServices(ended));
  }
  return [...hours.values()].sort(
    (a, b) => a.hourStartsAt - b.hourStartsAt || (a.warehouse < b.warehouse ? -1 : 1),
  );
}

/** Rows of WAREHOUSE_METERING_HISTORY; the hour in progress is included up to `now`. */
export function meteringRows(events: EventLog, now: EpochMs): readonly (readonly Cell[])[] {
  const attributed = attribute(events.statements()).byHour;
  return useByHour(events, now).map((use) => [
    instant(use.hourStartsAt),
    instant(use.hourStartsAt + HOUR_MS),
    warehouseId(use.warehouse),
    use.warehouse,
    formatAmount(addCredits(use.compute, use.cloudServices)),
    formatAmount(use.compute),
    formatAmount(use.cloudServices),
    formatAmount(attributed.get(hourKey(use.hourStartsAt, use.warehouse)) ?? NO_CREDITS),
  ]);
}

/**
 * Rows of METERING_DAILY_HISTORY. Cloud services are billed only above a tenth of the day's compute
 * (Snowflake, "Understanding compute cost"): the adjustment is minus the lesser of both.
 */
export function meteringDailyRows(events: EventLog, now: EpochMs): readonly (readonly Cell[])[] {
  const days = new Map<number, { compute: Credits; cloudServices: Credits }>();
  for (const use of useByHour(events, now)) {
    const day = Math.floor(use.hourStartsAt / DAY_MS);
    const sum = days.get(day) ?? { compute: NO_CREDITS, cloudServices: NO_CREDITS };
    days.set(day, {
      compute: addCredits(sum.compute, use.compute),
      cloudServices: addCredits(sum.cloudServices, use.cloudServices),
    });
  }
  return [...days].map(([day, { compute, cloudServices: services }]) => {
    const { used, adjustment, billed } = adjustDay(compute, services);
    const amounts = [compute, services, used, adjustment, billed];
    return ['WAREHOUSE_METERING', String(day), ...amounts.map(formatAmount)];
  });
}

/** Rows of QUERY_ATTRIBUTION_HISTORY in order of arrival. */
export function attributionRows(events: EventLog): readonly (readonly Cell[])[] {
  return attribute(events.statements()).statements.map(
    ({ statement: { started, ended }, credits }) => {
      const warehouse = ended?.warehouse ?? '';
      return [
        started.id,
        null,
        null,
        warehouseId(warehouse),
        warehouse,
        null,
        null,
        started.tag,
        started.user,
        instant(started.at),
        instant(ended?.at ?? started.at),
        formatAmount(credits),
        null,
      ];
    },
  );
}

/** Rows of ORGANIZATION_USAGE.RATE_SHEET_DAILY: the price of a credit for every day with events, and today. */
export function rateSheetRows(events: EventLog, now: EpochMs): readonly (readonly Cell[])[] {
  const days = new Set<number>([Math.floor(now / DAY_MS)]);
  for (const event of events.warehouseEvents()) days.add(Math.floor(event.at / DAY_MS));
  return [...days]
    .sort((a, b) => a - b)
    .flatMap((day) =>
      ['WAREHOUSE_METERING', 'CLOUD_SERVICES'].map((service) => [
        String(day),
        ACCOUNT,
        'EMBEDDED',
        ACCOUNT,
        ACCOUNT,
        REGION,
        'ENTERPRISE',
        service === 'CLOUD_SERVICES' ? 'cloud services' : 'compute',
        PRICE_CURRENCY,
        pricePerCredit(day * DAY_MS),
        service,
        'COMPUTE',
        'CONSUMPTION',
        'false',
      ]),
    );
}

const EVENT_NAMES: Readonly<Record<WarehouseEventName, string>> = {
  CREATED: 'CREATE_WAREHOUSE',
  RESUMED: 'RESUME_WAREHOUSE',
  RESIZED: 'RESIZE_WAREHOUSE',
  SUSPENDED: 'SUSPEND_WAREHOUSE',
  DROPPED: 'DROP_WAREHOUSE',
};

/** Rows of WAREHOUSE_EVENTS_HISTORY: each event as STARTED, then the state it led to as WAREHOUSE_CONSISTENT. */
export function warehouseEventRows(
  events: readonly WarehouseEvent[],
): readonly (readonly Cell[])[] {
  return events.flatMap((event) => {
    const head = [instant(event.at), warehouseId(event.warehouse), event.warehouse];
    return [
      [
        ...head,
        null,
        EVENT_NAMES[event.event],
        event.reason,
        'STARTED',
        null,
        null,
        null,
        null,
        null,
      ],
      [
        ...head,
        String(event.cluster),
        'WAREHOUSE_CONSISTENT',
        event.reason,
        'COMPLETED',
        null,
        null,
        SIZE_LABELS[event.size],
        '1',
        'STANDARD_GEN_1',
      ],
    ];
  });
}
