/**
 * The time of one set of servers (a cluster at one size) in one hour: which executions share it, and where nothing runs.
 * A statement's share of an instant is one part of as many as run then. Shares are whole numbers of parts: the
 * denominator is the least that every number of sharers of the hour divides, so that nothing is rounded here.
 */
import { must } from '#base/assert.js';
import type { EpochMs } from '#base/time.js';
import { HOUR_MS, millisIn } from './warehouse-hour.js';
import type { Execution } from './warehouse-hour.js';

/** Executions that run at once share their instants. */
export interface Servers {
  readonly executions: readonly Execution[];
}

/** A stretch of an hour in which nothing ran, between the executions before and after it. */
export interface Gap {
  readonly startsAt: EpochMs;
  readonly endsAt: EpochMs;
  readonly before: Execution | null;
  readonly after: Execution | null;
}

interface Edge {
  readonly at: EpochMs;
  readonly change: 1 | -1;
  readonly execution: Execution;
}

/** Executions that run on the same servers: those of one cluster at one size, because a resize starts others. */
export function serversOf(executions: readonly Execution[]): readonly Servers[] {
  const byServers = new Map<string, Execution[]>();
  for (const execution of executions) {
    const key = `${execution.cluster} ${String(execution.creditsPerHour)}`;
    const own = byServers.get(key);
    if (own === undefined) byServers.set(key, [execution]);
    else own.push(execution);
  }
  return [...byServers.values()].map((own) => ({ executions: own }));
}

/** The least number that every number of sharers in the hour divides, over all servers. */
export function partsPerMs(servers: readonly Servers[], hourStartsAt: EpochMs): bigint {
  const counts = new Set<number>();
  for (const { executions } of servers) {
    let running = 0;
    for (const { change } of edgesIn(executions, hourStartsAt)) {
      running += change;
      if (running > 0) counts.add(running);
    }
  }
  let parts = 1n;
  for (const count of counts) parts = lcm(parts, BigInt(count));
  return parts;
}

/** Parts of the servers' milliseconds that each execution takes in the hour, by query id. */
export function sharedParts(
  { executions }: Servers,
  hourStartsAt: EpochMs,
  parts: bigint,
): ReadonlyMap<string, bigint> {
  const taken = new Map<string, bigint>();
  const atStart = new Map<Execution, bigint>();
  let passed = 0n;
  let running = 0;
  let at = hourStartsAt;
  for (const edge of edgesIn(executions, hourStartsAt)) {
    if (running > 0) passed += (BigInt(edge.at - at) * parts) / BigInt(running);
    at = edge.at;
    running += edge.change;
    if (edge.change === 1) atStart.set(edge.execution, passed);
    else {
      const { queryId } = edge.execution;
      const own = passed - must(atStart.get(edge.execution), 'what ends has begun');
      taken.set(queryId, (taken.get(queryId) ?? 0n) + own);
    }
  }
  return taken;
}

/** Where nothing runs between `from` and `to`, in order. */
export function gapsIn(
  executions: readonly Execution[],
  from: EpochMs,
  to: EpochMs,
): readonly Gap[] {
  const gaps: Gap[] = [];
  let at = from;
  let before: Execution | null = null;
  for (const execution of [...executions].sort(byTime)) {
    if (execution.startsAt > at && at < to) {
      const endsAt = Math.min(execution.startsAt, to);
      gaps.push({ startsAt: at, endsAt, before, after: execution });
    }
    if (execution.endsAt >= at) {
      at = execution.endsAt;
      before = execution;
    }
  }
  if (at < to) gaps.push({ startsAt: at, endsAt: to, before, after: null });
  return gaps;
}

/** Starts and ends cut to the hour; what ends at an instant comes before what starts then. */
function edgesIn(executions: readonly Execution[], hourStartsAt: EpochMs): readonly Edge[] {
  const edges: Edge[] = [];
  for (const execution of executions) {
    if (millisIn(hourStartsAt, execution) === 0) continue;
    const from = Math.max(hourStartsAt, execution.startsAt);
    const to = Math.min(hourStartsAt + HOUR_MS, execution.endsAt);
    edges.push({ at: from, change: 1, execution }, { at: to, change: -1, execution });
  }
  return edges.sort((a, b) => a.at - b.at || a.change - b.change);
}

function byTime(a: Execution, b: Execution): number {
  return a.startsAt - b.startsAt || a.endsAt - b.endsAt || (a.queryId < b.queryId ? -1 : 1);
}

function lcm(a: bigint, b: bigint): bigint {
  let [left, right] = [a, b];
  while (right !== 0n) [left, right] = [right, left % right];
  return (a / left) * b;
}
