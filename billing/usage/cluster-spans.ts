/**
 * When clusters were up and at which size, from the events of a warehouse. What begins is STARTED and tells no size: the
 * next WAREHOUSE_CONSISTENT does. Source: Snowflake, WAREHOUSE_EVENTS_HISTORY, usage notes.
 */
import type { EpochMs } from '#base/time.js';
import type { Credits } from '#base/units.js';
import type { ClusterSpan } from '../attribution/warehouse-hour.js';

export interface WarehouseEventRow {
  readonly at: EpochMs;
  readonly name: string;
  /** -1: of the whole warehouse. */
  readonly cluster: number;
  readonly size: string | null;
  readonly resourceConstraint: string | null;
}

/** What one cluster uses an hour at a size; undefined where no rate is known. */
export type RateOfSize = (
  size: string,
  resourceConstraint: string | null,
  at: EpochMs,
) => Credits | undefined;

const STARTS: ReadonlySet<string> = new Set(['RESUME_CLUSTER', 'SPINUP_CLUSTER']);
const STOPS: ReadonlySet<string> = new Set(['SUSPEND_CLUSTER', 'SPINDOWN_CLUSTER']);
const STOPS_ALL: ReadonlySet<string> = new Set(['SUSPEND_WAREHOUSE', 'DROP_WAREHOUSE']);
/** Snowflake bills at least a minute from every start ("Understanding compute cost"). */
const MINIMUM_MS = 60_000;

interface Open {
  readonly startsAt: EpochMs;
  readonly creditsPerHour: Credits;
  readonly minimumMs: number;
}

/**
 * Spans of every cluster, from the events of one warehouse in the order of time. A resize ends a span and begins the next
 * one, without a minimum of its own.
 * @returns undefined when nothing tells the size of a cluster that started: then what stood idle is not known.
 */
export function clusterSpans(
  events: readonly WarehouseEventRow[],
  rateOf: RateOfSize,
): readonly ClusterSpan[] | undefined {
  const spans: ClusterSpan[] = [];
  const open = new Map<number, Open>();
  const close = (cluster: number, at: EpochMs): void => {
    const span = open.get(cluster);
    open.delete(cluster);
    if (span !== undefined) spans.push({ cluster, ...span, endsAt: at });
  };
  for (const [index, event] of events.entries()) {
    const { at, name, cluster } = event;
    if (STOPS.has(name)) close(cluster, at);
    else if (STOPS_ALL.has(name)) for (const each of open.keys()) close(each, at);
    const isResize = name === 'RESIZE_WAREHOUSE';
    if (!STARTS.has(name) && !isResize) continue;
    const creditsPerHour = rateAfter(events, index, rateOf);
    if (creditsPerHour === undefined) return undefined;
    const clusters = isResize ? [...open.keys()] : open.has(cluster) ? [] : [cluster];
    for (const each of clusters) {
      close(each, at);
      open.set(each, { startsAt: at, creditsPerHour, minimumMs: isResize ? 0 : MINIMUM_MS });
    }
  }
  for (const [cluster, span] of open) spans.push({ cluster, ...span, endsAt: null });
  return spans;
}

/** The rate of the size that the next row with one tells, at the instant of the start. */
function rateAfter(
  events: readonly WarehouseEventRow[],
  index: number,
  rateOf: RateOfSize,
): Credits | undefined {
  const at = events[index]?.at ?? 0;
  const consistent = events.slice(index).find(({ size }) => size !== null);
  if (consistent?.size === null || consistent === undefined) return undefined;
  return rateOf(consistent.size, consistent.resourceConstraint, at);
}
