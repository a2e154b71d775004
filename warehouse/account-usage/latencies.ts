/**
 * How late a row of each view is. Source: Snowflake, "Account Usage", "Organization Usage" and the page of each view:
 * the documented greatest latency, as dated data. Real rows come at any time up to it; here they come exactly then,
 * times a scale, so that a test can wait for them.
 */
import { must } from '#base/assert.js';
import type { EpochMs } from '#base/time.js';

const MINUTE_MS = 60_000;

/** What has a latency of its own: the views, and columns of theirs that come later than their rows. */
export type Late =
  | 'QUERY_HISTORY'
  | 'WAREHOUSE_METERING_HISTORY'
  | 'WAREHOUSE_METERING_HISTORY.CREDITS_USED_CLOUD_SERVICES'
  | 'METERING_HISTORY'
  | 'METERING_DAILY_HISTORY'
  | 'QUERY_ATTRIBUTION_HISTORY'
  | 'WAREHOUSE_EVENTS_HISTORY'
  | 'WAREHOUSE_LOAD_HISTORY'
  | 'SESSIONS'
  | 'ORGANIZATION_USAGE.RATE_SHEET_DAILY'
  | 'ORGANIZATION_USAGE.USAGE_IN_CURRENCY_DAILY'
  | 'ORGANIZATION_USAGE.METERING_DAILY_HISTORY'
  | 'ORGANIZATION_USAGE.WAREHOUSE_METERING_HISTORY';

interface LatencyRow {
  readonly effectiveFrom: string;
  readonly minutes: Readonly<Record<Late, number>>;
}

const LATENCIES: readonly LatencyRow[] = [
  {
    effectiveFrom: '2014-01-01',
    minutes: {
      QUERY_HISTORY: 45,
      WAREHOUSE_METERING_HISTORY: 180,
      'WAREHOUSE_METERING_HISTORY.CREDITS_USED_CLOUD_SERVICES': 360,
      METERING_HISTORY: 180,
      METERING_DAILY_HISTORY: 180,
      QUERY_ATTRIBUTION_HISTORY: 480,
      WAREHOUSE_EVENTS_HISTORY: 180,
      WAREHOUSE_LOAD_HISTORY: 180,
      SESSIONS: 180,
      'ORGANIZATION_USAGE.RATE_SHEET_DAILY': 1440,
      'ORGANIZATION_USAGE.USAGE_IN_CURRENCY_DAILY': 4320,
      'ORGANIZATION_USAGE.METERING_DAILY_HISTORY': 120,
      'ORGANIZATION_USAGE.WAREHOUSE_METERING_HISTORY': 1440,
    },
  },
];

/** When, on the warehouse clock, and on what scale: 0 shows everything at once, 1 is as documented. */
export interface Viewing {
  readonly now: EpochMs;
  readonly latencyScale: number;
}

/**
 * Whether what was complete at `completeAt` is to be seen. At scale 0 even what is not complete yet is: an hour in
 * progress, a day that has not ended.
 */
export function isVisible(
  what: Late,
  completeAt: EpochMs,
  { now, latencyScale }: Viewing,
): boolean {
  if (latencyScale === 0) return true;
  const row = LATENCIES.findLast(({ effectiveFrom }) => Date.parse(effectiveFrom) <= completeAt);
  const { minutes } = must(row ?? LATENCIES[0], 'a table of latencies');
  return completeAt + minutes[what] * MINUTE_MS * latencyScale <= now;
}
