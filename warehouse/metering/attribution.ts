/**
 * What each statement took of its warehouse's compute: at every instant the rate of a running cluster is shared equally
 * by the statements that execute on it; time without statements is nobody's (idle). Source: Snowflake,
 * QUERY_ATTRIBUTION_HISTORY (idle time is not attributed, statements of about 100 ms and less are left out); that page
 * weighs by resources in a way it does not publish, which equal shares stand for.
 *
 * Statements come in the order of the log. A cluster is swept up to a horizon before which every statement is known;
 * what ended by then is final, and whatever is not can be asked for provisionally.
 */
import { NO_CREDITS, addCredits, mulDiv, subtractCredits } from '#base/units.js';
import type { Credits } from '#base/units.js';
import type { EpochMs } from '#base/time.js';
import type {
  EventRecord,
  LoggedStatement,
  StatementEnded,
  StatementStarted,
  WarehouseEvent,
} from './events.js';
import { creditsPerHour } from '../fleet/rates.js';

const HOUR_MS = 3_600_000;
const SHORTEST_MS = 100;

export interface Attribution {
  readonly started: StatementStarted;
  readonly ended: StatementEnded;
  readonly credits: Credits;
}

export interface Attributed {
  /** In the order in which they ended. */
  readonly statements: readonly Attribution[];
  /** Sums by `<hour start> <warehouse>`. */
  readonly byHour: ReadonlyMap<string, Credits>;
}

/** The key of {@link Attributed.byHour}. */
export function hourKey(hourStartsAt: EpochMs, warehouse: string): string {
  return `${hourStartsAt} ${warehouse}`;
}

/** Attributes every ended statement that executed on a warehouse for longer than 100 ms. */
export function attribute(
  statements: Iterable<LoggedStatement>,
  events: Iterable<WarehouseEvent>,
): Attributed {
  const attributor = new Attributor();
  for (const event of events) attributor.add(event);
  for (const { started, ended } of statements) {
    attributor.add(started);
    if (ended !== undefined) attributor.add(ended);
  }
  return attributor.provisional();
}

interface Edge {
  readonly at: EpochMs;
  readonly started: StatementStarted;
  readonly ended: StatementEnded;
  readonly isStart: boolean;
}

/** What a cluster costs from `at` on, and of how many layers metering makes it up: one, and one for each resize. */
interface Segment {
  readonly at: EpochMs;
  readonly rate: Credits;
  readonly layers: number;
}

/** How far a cluster is swept. */
interface Sweep {
  readonly sweptTo: EpochMs;
  readonly running: number;
  /** What one statement would have taken that had run from the beginning. */
  readonly share: Credits;
  /** Index of the segment that holds at `sweptTo`. */
  readonly segment: number;
}

interface Cluster {
  readonly warehouse: string;
  readonly segments: Segment[];
  readonly shareAtStart: Map<string, Credits>;
  edges: Edge[];
  sweep: Sweep;
}

export class Attributor {
  readonly #open = new Map<string, StatementStarted>();
  readonly #clusters = new Map<string, Cluster>();
  readonly #byHour = new Map<string, Credits>();
  #lastStartedAt: EpochMs = -Infinity;
  #settledTo: EpochMs = -Infinity;

  /** Takes in the next event of the log. */
  add(record: EventRecord): void {
    switch (record.type) {
      case 'warehouse':
        addSegment(this.#cluster(record.warehouse, record.cluster).segments, record);
        return;
      case 'started':
        this.#open.set(record.id, record);
        this.#lastStartedAt = Math.max(this.#lastStartedAt, record.at);
        return;
      case 'ended': {
        const started = this.#open.get(record.id);
        this.#open.delete(record.id);
        if (started !== undefined) this.#addStatement(started, record);
        return;
      }
    }
  }

  /** Everything that ended by then is final. */
  get settledTo(): EpochMs {
    return this.#settledTo;
  }

  /** The statements that became final since the last call, in the order in which they ended. */
  settle(): readonly Attribution[] {
    let horizon = this.#lastStartedAt;
    for (const { at } of this.#open.values()) horizon = Math.min(horizon, at);
    if (horizon <= this.#settledTo) return [];
    this.#settledTo = horizon;
    const done: Attribution[] = [];
    for (const cluster of this.#clusters.values()) {
      const edges = cluster.edges.filter((edge) => edge.at <= horizon);
      if (edges.length === 0) continue;
      cluster.edges = cluster.edges.filter((edge) => edge.at > horizon);
      cluster.sweep = sweepOver(cluster, edges, cluster.shareAtStart, this.#byHour, done);
    }
    return done.sort(byEnd);
  }

  /** What is not final as it looks now, and the sums of every hour with it. */
  provisional(): Attributed {
    const byHour = new Map(this.#byHour);
    const statements: Attribution[] = [];
    for (const cluster of this.#clusters.values())
      sweepOver(cluster, cluster.edges, new Map(cluster.shareAtStart), byHour, statements);
    return { statements: statements.sort(byEnd), byHour };
  }

  #addStatement(started: StatementStarted, ended: StatementEnded): void {
    if (ended.warehouse === null || ended.cluster === null) return;
    // Compiling is cloud services' work, so the execution is the end of the time on the cluster.
    const from = Math.max(ended.runningSince, ended.at - ended.executionMs);
    if (ended.at - from <= SHORTEST_MS) return;
    const { edges } = this.#cluster(ended.warehouse, ended.cluster);
    edges.push(
      { at: from, started, ended, isStart: true },
      { at: ended.at, started, ended, isStart: false },
    );
  }

  #cluster(warehouse: string, number: number): Cluster {
    const key = `${number} ${warehouse}`;
    const known = this.#clusters.get(key);
    if (known !== undefined) return known;
    const cluster: Cluster = {
      warehouse,
      segments: [],
      shareAtStart: new Map(),
      edges: [],
      sweep: { sweptTo: -Infinity, running: 0, share: NO_CREDITS, segment: -1 },
    };
    this.#clusters.set(key, cluster);
    return cluster;
  }
}

function byEnd(a: Attribution, b: Attribution): number {
  return a.ended.at - b.ended.at || (a.ended.id < b.ended.id ? -1 : 1);
}

function addSegment(segments: Segment[], event: WarehouseEvent): void {
  const last = segments.at(-1);
  const rate = (): Credits => creditsPerHour(event.size, event.at, event.make);
  switch (event.event) {
    case 'CREATED':
      return;
    case 'RESUMED':
      segments.push({ at: event.at, rate: rate(), layers: 1 });
      return;
    case 'RESIZED':
      if (last !== undefined && last.rate > NO_CREDITS)
        segments.push({ at: event.at, rate: rate(), layers: last.layers + 1 });
      return;
    case 'SUSPENDED':
    case 'DROPPED':
      segments.push({ at: event.at, rate: NO_CREDITS, layers: 1 });
      return;
  }
}

/** Walks over `edges`; the ends among them become attributions. The cluster itself is not changed. */
function sweepOver(
  { warehouse, segments, sweep }: Cluster,
  edges: readonly Edge[],
  shareAtStart: Map<string, Credits>,
  byHour: Map<string, Credits>,
  done: Attribution[],
): Sweep {
  let { sweptTo, running, share, segment } = sweep;
  const ordered = [...edges].sort((a, b) => a.at - b.at);
  for (const { at, started, ended, isStart } of ordered) {
    while (sweptTo < at) {
      while ((segments[segment + 1]?.at ?? Infinity) <= sweptTo) segment += 1;
      const next = segments[segment + 1]?.at ?? Infinity;
      const hourStartsAt = Math.floor(sweptTo / HOUR_MS) * HOUR_MS;
      const until = running === 0 ? at : Math.min(at, next, hourStartsAt + HOUR_MS);
      const current = segments[segment];
      if (running > 0 && current !== undefined && current.rate > NO_CREDITS) {
        const part = shareOf(current, until - sweptTo, running);
        share = addCredits(share, part);
        const key = hourKey(hourStartsAt, warehouse);
        const all = mulDiv(part, BigInt(running), 1n, 'down') as Credits;
        byHour.set(key, addCredits(byHour.get(key) ?? NO_CREDITS, all));
      }
      sweptTo = until;
    }
    running += isStart ? 1 : -1;
    if (isStart) {
      shareAtStart.set(ended.id, share);
      continue;
    }
    const credits = subtractCredits(share, shareAtStart.get(ended.id) ?? share);
    shareAtStart.delete(ended.id);
    done.push({ started, ended, credits });
  }
  return { sweptTo, running, share, segment };
}

/**
 * Rounded down, and less a pico-credit for every further layer, so that what is attributed never exceeds what is
 * metered: metering rounds each layer by itself, which may lose half a pico-credit of each.
 */
function shareOf({ rate, layers }: Segment, millis: number, sharers: number): Credits {
  const part = mulDiv(rate, BigInt(millis), BigInt(HOUR_MS * sharers), 'down') as Credits;
  const margin = BigInt(layers - 1) as Credits;
  return part > margin ? subtractCredits(part, margin) : NO_CREDITS;
}
