/** Rows of an account's views, as they are stored: what tests say of them, and the rest of a usual one. */
import type { UsageRow } from '../../billing/usage/view-reading.js';

export interface UsageRows {
  /** An instant so many minutes after the beginning. */
  readonly at: (minutes: number) => string;
  /** A statement of warehouse 7, a Medium of one cluster, that runs from minute `from` to minute `to`. */
  readonly query: (queryId: string, from: number, to: number, more?: UsageRow) => UsageRow;
}

/** Rows whose minutes are counted from `beginning`, in epoch milliseconds. */
export function usageRowsFrom(beginning: number): UsageRows {
  const at = (minutes: number): string => new Date(beginning + minutes * 60_000).toISOString();
  return {
    at,
    query: (queryId, from, to, more = {}) => ({
      query_id: queryId,
      warehouse_id: '7',
      cluster: 1,
      warehouse_size: 'Medium',
      warehouse_kind: 'STANDARD',
      snowflake_user: 'SALES_ANALYST',
      role_name: 'ANALYST',
      query_type: 'SELECT',
      is_container: false,
      executed_at: at(from),
      ended_at: at(to),
      shape_hash: 'shape',
      bytes_scanned: 1000,
      cloud_services_credits: '0.001',
      ...more,
    }),
  };
}
