/** The views that are imported, in the order in which they are, and how one is read window by window. */
import { toError } from '#base/errors.js';
import type { ServiceConnection, ServiceRow } from '#base/snowflake/service-connection.js';
import type { Period } from '#base/time.js';
import * as account from './account-views.js';
import * as organization from './organization-views.js';
import { rowReader } from './usage-rows.js';
import type { RowReader } from './usage-rows.js';
import { viewQuery } from './view-reading.js';
import type { UsageRow, ViewReading } from './view-reading.js';

export const USAGE_VIEWS = [
  'QUERY_HISTORY',
  'QUERY_ATTRIBUTION_HISTORY',
  'QUERY_METERING_HISTORY',
  'WAREHOUSE_EVENTS_HISTORY',
  'WAREHOUSE_METERING_HISTORY',
  'METERING_HISTORY',
  'METERING_DAILY_HISTORY',
  'STORAGE_USAGE',
  'DATABASE_STORAGE_USAGE_HISTORY',
  'STAGE_STORAGE_USAGE_HISTORY',
  'DATA_TRANSFER_HISTORY',
  'SESSIONS',
  'REMAINING_BALANCE_DAILY',
  'RATE_SHEET_DAILY',
  'USAGE_IN_CURRENCY_DAILY',
] as const;
export type UsageView = (typeof USAGE_VIEWS)[number];

/** An hour comes after what it is allocated from, and a price after the balance that says which of two holds. */
export const VIEWS: Readonly<Record<UsageView, ViewReading>> = {
  QUERY_HISTORY: account.QUERY_HISTORY,
  QUERY_ATTRIBUTION_HISTORY: account.QUERY_ATTRIBUTION_HISTORY,
  QUERY_METERING_HISTORY: account.QUERY_METERING_HISTORY,
  WAREHOUSE_EVENTS_HISTORY: account.WAREHOUSE_EVENTS_HISTORY,
  WAREHOUSE_METERING_HISTORY: account.WAREHOUSE_METERING_HISTORY,
  METERING_HISTORY: account.METERING_HISTORY,
  METERING_DAILY_HISTORY: account.METERING_DAILY_HISTORY,
  STORAGE_USAGE: account.STORAGE_USAGE,
  DATABASE_STORAGE_USAGE_HISTORY: account.DATABASE_STORAGE_USAGE_HISTORY,
  STAGE_STORAGE_USAGE_HISTORY: account.STAGE_STORAGE_USAGE_HISTORY,
  DATA_TRANSFER_HISTORY: account.DATA_TRANSFER_HISTORY,
  SESSIONS: account.SESSIONS,
  REMAINING_BALANCE_DAILY: organization.REMAINING_BALANCE_DAILY,
  RATE_SHEET_DAILY: organization.RATE_SHEET_DAILY,
  USAGE_IN_CURRENCY_DAILY: organization.USAGE_IN_CURRENCY_DAILY,
};

/** Without these nothing can be allocated; the others say less when they cannot be read. */
export const NEEDED_VIEWS: ReadonlySet<UsageView> = new Set([
  'QUERY_HISTORY',
  'QUERY_ATTRIBUTION_HISTORY',
  'WAREHOUSE_EVENTS_HISTORY',
  'WAREHOUSE_METERING_HISTORY',
  'METERING_DAILY_HISTORY',
]);

/**
 * The rows of `view` whose time lies in `[startsAt, endsAt)`; of a view of days, those of every day that it touches.
 * @param of the account's id: rows of other accounts of its organization are left out.
 * @param lacking columns that the account's view was found not to have; those that are found now are added. Only what a file may
 *   lack, too, may be lacking: Snowflake adds columns to its views region by region.
 * @throws Fault `upstreamUnreachable`, `upstreamProtocol`.
 */
export async function readView(
  connection: ServiceConnection,
  view: UsageView,
  of: string,
  period: Period,
  lacking: Set<string>,
): Promise<readonly UsageRow[]> {
  const reading = VIEWS[view];
  const rows = await rowsOf(connection, view, period, lacking);
  return rows.flatMap((row) => {
    const read = rowReader(view, row);
    return isOf(reading, read, of) ? [reading.toRow(read)] : [];
  });
}

async function rowsOf(
  connection: ServiceConnection,
  view: UsageView,
  period: Period,
  lacking: Set<string>,
): Promise<readonly ServiceRow[]> {
  for (;;)
    try {
      return await connection.query(viewQuery(view, VIEWS[view], period, lacking));
    } catch (thrown) {
      const column = lackedBy(view, toError(thrown).message);
      if (column === undefined || lacking.has(column)) throw thrown;
      lacking.add(column);
    }
}

/** `SQL compilation error: invalid identifier 'V.RESOURCE_CONSTRAINT'`; undefined: another failure, or a column that is needed. */
function lackedBy(view: UsageView, message: string): string | undefined {
  const name = /invalid identifier '"?V"?\."?(\w+)"?'/i.exec(message)?.[1]?.toUpperCase();
  return VIEWS[view].columns.find((column) => column.isOptional && column.name === name)?.name;
}

/** Whether a row is one of `account`, by locator, name, or organization and name (Snowflake, "Account identifiers"). */
export function isOf(reading: ViewReading, read: RowReader, of: string): boolean {
  return !reading.columns.some(({ name }) => name === 'ACCOUNT_NAME') || isNamed(read, of);
}

/** Whether the columns of a row that name its account name `of`. */
export function isNamed(read: RowReader, of: string): boolean {
  const id = of.toUpperCase();
  return organization.accountNames(read).some((name) => name.toUpperCase() === id);
}
