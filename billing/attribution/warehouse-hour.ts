/**
 * What one warehouse-hour is allocated from, and what comes out: metered credits in, lines out that sum to them exactly.
 * Everything is a plain value; where it was imported from does not matter here.
 */
import { assert } from '#base/assert.js';
import type { EpochMs } from '#base/time.js';
import { NO_CREDITS, sumCredits, compareAmounts, formatAmount } from '#base/units.js';
import type { Credits } from '#base/units.js';

export const HOUR_MS = 3_600_000;

/**
 * One statement on the servers of one cluster: from the end of queueing and compiling to its end, because neither uses
 * the warehouse. Of a stored procedure only its children are executions; the parent only contains them.
 */
export interface Execution {
  readonly queryId: string;
  readonly cluster: number;
  readonly startsAt: EpochMs;
  readonly endsAt: EpochMs;
  /** What one cluster of the size it ran on uses an hour. */
  readonly creditsPerHour: Credits;
  /** It came through Tollgate; else it is *bypass*. */
  readonly isGoverned: boolean;
  /** Snowflake's own figure of the whole statement; null where the view has none (about 100 ms and less). */
  readonly attributedCredits: Credits | null;
}

/** One cluster from its start to its stop, at one size. */
export interface ClusterSpan {
  readonly cluster: number;
  readonly startsAt: EpochMs;
  /** null: it runs still. */
  readonly endsAt: EpochMs | null;
  readonly creditsPerHour: Credits;
  /** Billed from its start on at least, in milliseconds: 60 s, 60 min where the warehouse is interactive. */
  readonly minimumMs: number;
}

export interface WarehouseHour {
  readonly startsAt: EpochMs;
  /** CREDITS_USED_COMPUTE of WAREHOUSE_METERING_HISTORY. */
  readonly meteredCredits: Credits;
  /** CREDITS_ATTRIBUTED_COMPUTE_QUERIES; null where the view has none. */
  readonly attributedCredits: Credits | null;
  /** Every execution that touches the hour, whole, and of each cluster the last before it and the first after it. */
  readonly executions: readonly Execution[];
  /** Every span that touches the hour, whole; null where the events of the warehouse are not known. */
  readonly spans: readonly ClusterSpan[] | null;
  /** What each statement took in the hour, where the warehouse is adaptive; null: it is not. */
  readonly queryCredits: readonly QueryCredits[] | null;
}

/** QUERY_METERING_HISTORY of one statement in the hour. */
export interface QueryCredits {
  readonly queryId: string;
  readonly isGoverned: boolean;
  readonly credits: Credits;
}

/** Where a metered credit goes. */
export const BUCKETS = [
  /** Executions of statements that came through Tollgate. */
  'direct',
  /** Executions of statements that did not. */
  'bypass',
  /** Executions that Snowflake attributes to the hour, not to a statement. */
  'shortQuery',
  /** What is billed up to the minimum after a start, beyond the time the cluster was up. */
  'resumeMinute',
  /** A cluster was up and nothing ran on it. */
  'idle',
  /** What the sources do not explain; below zero where they explain more than was metered. */
  'unexplained',
] as const;
export type Bucket = (typeof BUCKETS)[number];

/** Why a cluster was up with nothing on it. */
export const IDLE_REASONS = [
  /** After the last execution of a span, until it was suspended. */
  'suspendTail',
  /** Between a start and the first execution. */
  'beforeFirst',
  /** Between two executions. */
  'between',
  /** Nothing ran in the whole span. */
  'unused',
  /** The events of the warehouse are not known. */
  'notKnown',
] as const;
export type IdleReason = (typeof IDLE_REASONS)[number];

export interface AllocationLine {
  readonly bucket: Bucket;
  /** The execution of a direct or bypass line; of idle the last before it, of a resume minute the first after the start. */
  readonly queryId: string | null;
  readonly reason: IdleReason | null;
  readonly credits: Credits;
}

/** How an hour is allocated. A method's version changes whenever the same input would come out otherwise. */
export interface AllocationMethod {
  readonly name: 'sweep' | 'elapsedShare' | 'attributed' | 'perQuery';
  readonly version: number;
  /** Lines of at least zero, but `unexplained`, whose sum is what was metered, in whatever order the input comes. */
  allocate(hour: WarehouseHour): readonly AllocationLine[];
}

/** The part of an interval that lies in the hour, in milliseconds; 0 where none does. */
export function millisIn(
  hourStartsAt: EpochMs,
  interval: { readonly startsAt: EpochMs; readonly endsAt: EpochMs },
): number {
  const from = Math.max(hourStartsAt, interval.startsAt);
  const to = Math.min(hourStartsAt + HOUR_MS, interval.endsAt);
  return Math.max(0, to - from);
}

/** Lines without those of zero, in an order that does not depend on the input's; their sum must be what was metered. */
export function summing(
  lines: readonly AllocationLine[],
  meteredCredits: Credits,
): readonly AllocationLine[] {
  const sum = sumCredits(lines.map((line) => line.credits));
  assert(
    compareAmounts(sum, meteredCredits) === 0,
    `an hour of ${formatAmount(meteredCredits)} credits was allocated as ${formatAmount(sum)}`,
  );
  return lines
    .filter((line) => compareAmounts(line.credits, NO_CREDITS) !== 0)
    .sort((a, b) => compareText(keyOf(a), keyOf(b)));
}

/** What a line is known by inside its hour. */
export function keyOf(line: Pick<AllocationLine, 'bucket' | 'queryId' | 'reason'>): string {
  return `${BUCKETS.indexOf(line.bucket)} ${line.reason ?? ''} ${line.queryId ?? ''}`;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
