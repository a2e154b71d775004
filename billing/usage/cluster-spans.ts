/**
 * When clusters were up and at which size, from the events of a warehouse. What begins is STARTED and tells no size: the
 * next WAREHOUSE_CONSISTENT does. Source: Snowflake, WAREHOUSE_EVENTS_HISTORY, usage notes.
 */
import type { EpochMs } from '#base/time.js';
import { NO_CREDITS, compareAmounts, subtractCredits } from '#base/units.js';
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

/** Servers that are billed for a minute at least: those of a start, and those that a resize upwards adds. */
interface Layer {
  readonly creditsPerHour: Credits;
  readonly billedTo: EpochMs;
}

/** A span whose rate nothing tells (null): hours that it touches are not known. */
export type ToldSpan = Omit<ClusterSpan, 'creditsPerHour'> & {
  readonly creditsPerHour: Credits | null;
};

interface SizedRow {
  readonly size: string;
  readonly resourceConstraint: string | null;
}

interface Open {
  readonly startsAt: EpochMs;
  readonly creditsPerHour: Credits | null;
  /** The oldest first; rates sum to the cluster's. */
  readonly layers: readonly Layer[];
}

/**
 * Spans of every cluster, from the events of one warehouse in the order of time. A resize ends a span and begins the next
 * one. What is billed of a minute beyond the time its servers were up is in the minimum of the span that ends with them;
 * after a resize it is a span of its own, without time. A span that begins with a size that nothing tells has no rate.
 */
export function clusterSpans(
  events: readonly WarehouseEventRow[],
  rateOf: RateOfSize,
): readonly ToldSpan[] {
  const spans: ToldSpan[] = [];
  const open = new Map<number, Open>();
  const sizes = sizesOf(events);
  const stop = (cluster: number, at: EpochMs): void => {
    const span = open.get(cluster);
    open.delete(cluster);
    if (span !== undefined) spans.push(...ended(cluster, span, at));
  };
  for (const [index, event] of events.entries()) {
    const { at, name, cluster } = event;
    if (STOPS.has(name)) stop(cluster, at);
    else if (STOPS_ALL.has(name)) for (const each of open.keys()) stop(each, at);
    const isResize = name === 'RESIZE_WAREHOUSE';
    if (!STARTS.has(name) && !isResize) continue;
    const told = sizes[index];
    const creditsPerHour =
      told === undefined ? null : (rateOf(told.size, told.resourceConstraint, at) ?? null);
    if (!isResize && !open.has(cluster)) {
      const layers = creditsPerHour === null ? [] : [{ creditsPerHour, billedTo: at + MINIMUM_MS }];
      open.set(cluster, { startsAt: at, creditsPerHour, layers });
    }
    if (!isResize) continue;
    for (const [each, span] of open) {
      const [layers, gone] =
        creditsPerHour === null ? [[], span.layers] : resized(span.layers, creditsPerHour, at);
      const { startsAt, creditsPerHour: rate } = span;
      spans.push(
        { cluster: each, startsAt, endsAt: at, creditsPerHour: rate, minimumMs: 0 },
        ...residues(each, gone, at),
      );
      open.set(each, { startsAt: at, creditsPerHour, layers });
    }
  }
  for (const [cluster, { startsAt, creditsPerHour }] of open)
    spans.push({ cluster, startsAt, creditsPerHour, endsAt: null, minimumMs: MINIMUM_MS });
  return spans;
}

/** The span up to `at`, with what is billed of its layers beyond. */
function ended(
  cluster: number,
  { startsAt, creditsPerHour, layers }: Open,
  at: EpochMs,
): ToldSpan[] {
  const [only] = layers;
  const isWhole = layers.length === 1 && only?.billedTo === startsAt + MINIMUM_MS;
  const span = { cluster, startsAt, endsAt: at, creditsPerHour };
  if (isWhole) return [{ ...span, minimumMs: MINIMUM_MS }];
  return [{ ...span, minimumMs: 0 }, ...residues(cluster, layers, at)];
}

function residues(cluster: number, layers: readonly Layer[], at: EpochMs): ToldSpan[] {
  return layers
    .filter(({ billedTo }) => billedTo > at)
    .map(({ creditsPerHour, billedTo }) => {
      return { cluster, startsAt: at, endsAt: at, creditsPerHour, minimumMs: billedTo - at };
    });
}

/**
 * Upwards adds a layer for the difference, with a minute of its own; downwards ends layers, the newest first. Source:
 * Snowflake, "Understanding compute cost": a larger size is billed for the servers that are added.
 * @returns the layers that stay, and those that ended.
 */
function resized(
  layers: readonly Layer[],
  wanted: Credits,
  at: EpochMs,
): readonly [readonly Layer[], readonly Layer[]] {
  const kept: Layer[] = [];
  const gone: Layer[] = [];
  let left = wanted;
  for (const { creditsPerHour: rate, billedTo } of layers) {
    const stays = compareAmounts(rate, left) <= 0 ? rate : left;
    if (compareAmounts(stays, NO_CREDITS) > 0) kept.push({ creditsPerHour: stays, billedTo });
    if (compareAmounts(rate, stays) > 0)
      gone.push({ creditsPerHour: subtractCredits(rate, stays), billedTo });
    left = subtractCredits(left, stays);
  }
  if (compareAmounts(left, NO_CREDITS) > 0)
    kept.push({ creditsPerHour: left, billedTo: at + MINIMUM_MS });
  return [kept, gone];
}

/** Of each event the row that tells its size: the event's own, else the next that has one. */
function sizesOf(events: readonly WarehouseEventRow[]): readonly (SizedRow | undefined)[] {
  const told: (SizedRow | undefined)[] = [];
  let next: SizedRow | undefined;
  for (const { size, resourceConstraint } of events.toReversed()) {
    if (size !== null) next = { size, resourceConstraint };
    told.push(next);
  }
  return told.toReversed();
}

/**
 * RESOURCE_CONSTRAINT (memory or generation) of what runs at an instant, from the events of one warehouse in the order of time:
 * that of the last start or resize up to then; before the first of them its own. null: nothing tells.
 */
export function constraintsOf(
  events: readonly WarehouseEventRow[],
): (at: EpochMs) => string | null {
  const sizes = sizesOf(events);
  const told = events.flatMap(({ at, name }, index) => {
    const isChange = STARTS.has(name) || name === 'RESIZE_WAREHOUSE';
    const size = sizes[index];
    return isChange && size !== undefined ? [{ at, constraint: size.resourceConstraint }] : [];
  });
  return (at) => {
    let [low, high] = [0, told.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((told[middle]?.at ?? Infinity) <= at) low = middle + 1;
      else high = middle;
    }
    return told[Math.max(0, low - 1)]?.constraint ?? null;
  };
}
