/**
 * `latency`: what a proxy adds to a statement, and the CPU it spends on one. Direct, nginx (twice, as the A/A check), a
 * bare Node relay and Tollgate take turns in random order within every round; figures are medians of per-round ratios.
 */
import { fileURLToPath } from 'node:url';
import type { LoadRequest, LoadResult } from './load/generator.js';
import {
  CORES,
  canPin,
  cpuMs,
  descendantsCpuMs,
  startChild,
  machineBusyMs,
  voidForOthers,
  type Child,
} from './processes.js';
import { startProgram } from './targets.js';
import { startSlots, type Missing, type Slot } from './slots.js';
import {
  ascending,
  median,
  medianWithInterval,
  quantile,
  seededRandom,
  shuffled,
  type Interval,
} from './statistics.js';

export interface LatencyOptions {
  readonly rounds: number;
  readonly seconds: number;
  /** Statements a second. */
  readonly rate: number;
  readonly seed: number;
  readonly log: (line: string) => void;
}

/** One row of the result. */
export interface LatencyRow {
  readonly name: string;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Over all rounds together. */
  readonly p999Ms: number;
  readonly maxMs: number;
  readonly addedP50Ms: Interval | null;
  readonly addedP99Ms: Interval | null;
  /** Added latency as a multiple of what nginx added in the same round. */
  readonly p50ToNginx: Interval | null;
  readonly p99ToNginx: Interval | null;
  /** CPU microseconds of the proxy process for one statement. */
  readonly cpuUs: Interval | null;
  /** The same of processes it started (its Postgres). */
  readonly helpersCpuUs: number | null;
  /** nginx's CPU for a statement over this one's: statements a second and core, as a share of nginx's. */
  readonly perCoreToNginx: Interval | null;
  readonly sent: number;
  readonly failures: number;
  readonly firstFailure: string | null;
}

export interface LatencyReport {
  readonly options: Omit<LatencyOptions, 'log'>;
  readonly isPinned: boolean;
  readonly rows: readonly LatencyRow[];
  readonly missing: readonly Missing[];
  /** Why the figures must not be quoted; empty for a valid run. */
  readonly voidReasons: readonly string[];
  readonly notes: readonly string[];
}

interface Measured {
  readonly p50: number;
  readonly p99: number;
  readonly cpuUs: number;
  readonly helpersCpuUs: number;
  readonly load: LoadResult;
  /** Cores that processes which are not part of the benchmark kept busy. */
  readonly othersCores: number;
}

const WARM_UP_SECONDS = 0.5;
const AA_BOUND = 0.05;

export async function runLatency(options: LatencyOptions): Promise<LatencyReport> {
  const isPinned = canPin();
  const origin = await startProgram('./load/origin.js', isPinned ? CORES.load : null, {});
  const stops: (() => Promise<void>)[] = [() => origin.child.stop()];
  try {
    const { slots, missing } = await startSlots(origin.port, isPinned, stops, options.log);
    const generator = startGenerator(isPinned);
    stops.push(() => generator.stop());
    const results = await measureAll(slots, generator, origin.child, options);
    return reportOf(slots, results, { options, isPinned, missing });
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

function startGenerator(isPinned: boolean): Child {
  return startChild({
    command: process.execPath,
    args: [fileURLToPath(new URL('./load/generator.js', import.meta.url))],
    core: isPinned ? CORES.load : null,
    hasChannel: true,
  });
}

async function measureAll(
  slots: readonly Slot[],
  generator: Child,
  origin: Child,
  options: LatencyOptions,
): Promise<ReadonlyMap<string, readonly Measured[]>> {
  const random = seededRandom(options.seed);
  const results = new Map<string, Measured[]>(slots.map((slot) => [slot.name, []]));
  const measure = (slot: Slot): Promise<Measured> =>
    measureSlot(slot, generator, origin, options, random);
  for (const slot of slots) await measure(slot);
  for (let round = 1; round <= options.rounds; round += 1) {
    const line: string[] = [];
    for (const slot of shuffled(slots, random)) {
      const measured = await measure(slot);
      results.get(slot.name)?.push(measured);
      line.push(`${slot.name} ${measured.p50.toFixed(2)}/${measured.p99.toFixed(2)}`);
    }
    options.log(`round ${round}/${options.rounds} (ms p50/p99): ${line.join(', ')}`);
  }
  return results;
}

async function measureSlot(
  slot: Slot,
  generator: Child,
  origin: Child,
  options: LatencyOptions,
  random: () => number,
): Promise<Measured> {
  const { target } = slot;
  const request: LoadRequest = {
    port: target.port,
    rate: options.rate,
    seconds: options.seconds + WARM_UP_SECONDS,
    seed: Math.floor(random() * 2 ** 32),
    sqlText: slot.sqlText,
    authorization: target.authorization,
    warmUpSeconds: WARM_UP_SECONDS,
  };
  const pids = [process.pid, generator.pid, origin.pid];
  const read = () => ({
    at: performance.now(),
    cpu: target.pid === null ? NaN : cpuMs(target.pid),
    helpers: target.pid === null ? NaN : descendantsCpuMs(target.helperRoots),
    known: pids.reduce((sum, pid) => sum + cpuMs(pid), 0),
    machine: machineBusyMs(),
  });
  const before = read();
  const load = (await generator.ask(request)) as LoadResult;
  const after = read();
  const latencies = ascending(load.latenciesMs);
  const subject = target.pid === null ? 0 : after.cpu - before.cpu + after.helpers - before.helpers;
  return {
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    cpuUs: ((after.cpu - before.cpu) * 1000) / load.sent,
    helpersCpuUs: ((after.helpers - before.helpers) * 1000) / load.sent,
    load,
    othersCores:
      (after.machine - before.machine - (after.known - before.known) - subject) /
      (after.at - before.at),
  };
}

function reportOf(
  slots: readonly Slot[],
  results: ReadonlyMap<string, readonly Measured[]>,
  run: {
    readonly options: LatencyOptions;
    readonly isPinned: boolean;
    readonly missing: readonly Missing[];
  },
): LatencyReport {
  const random = seededRandom(run.options.seed);
  const rows = slots.map((slot) => rowOf(slot.name, results, random));
  const all = [...results.values()].flat();
  const others = median(all.map((each) => each.othersCores));
  const lags = ascending(all.flatMap((each) => each.load.lagsMs));
  const { log: _log, ...options } = run.options;
  return {
    options,
    isPinned: run.isPinned,
    rows,
    missing: run.missing,
    voidReasons: voidReasonsOf(results, others),
    notes: [
      `The generator sent p50 ${quantile(lags, 0.5).toFixed(3)} ms, p99 ${quantile(lags, 0.99).toFixed(2)} ms after a request was due and used ${(100 * median(all.map((each) => each.load.cpuShare))).toFixed(0)} % of its core.`,
      `Other processes kept ${others.toFixed(2)} cores busy (median of all slots).`,
    ],
  };
}

function voidReasonsOf(
  results: ReadonlyMap<string, readonly Measured[]>,
  others: number,
): string[] {
  const reasons: string[] = [];
  const [first, second] = [results.get('nginx') ?? [], results.get('nginx again') ?? []];
  if (first.length === 0)
    reasons.push('nginx did not take part, so nothing can be compared with it');
  const ratio = median(second.map((each, index) => each.p50 / (first[index]?.p50 ?? NaN)));
  if (Math.abs(ratio - 1) > AA_BOUND)
    reasons.push(
      `A/A: nginx against itself differs by ${((ratio - 1) * 100).toFixed(1)} % at the median (bound 5 %)`,
    );
  reasons.push(...voidForOthers(others));
  return reasons;
}

function rowOf(
  name: string,
  results: ReadonlyMap<string, readonly Measured[]>,
  random: () => number,
): LatencyRow {
  const mine = results.get(name) ?? [];
  const [base, peer] = [results.get('direct') ?? [], results.get('nginx') ?? []];
  const failures = mine.reduce((sum, each) => sum + each.load.failures, 0);
  const pooled = ascending(mine.flatMap((each) => each.load.latenciesMs));
  const isProxy = name !== 'direct';
  const interval = (
    of: (each: Measured, index: number) => number,
    isAsked = true,
  ): Interval | null => {
    const values = mine.map(of).filter((value) => Number.isFinite(value));
    return isAsked && values.length > 0 && failures === 0
      ? medianWithInterval(values, random)
      : null;
  };
  const added = (key: 'p50' | 'p99', of: readonly Measured[], index: number): number =>
    (of[index]?.[key] ?? NaN) - (base[index]?.[key] ?? NaN);
  const toNginx = (key: 'p50' | 'p99'): Interval | null =>
    interval((_, index) => {
      const byNginx = added(key, peer, index);
      return byNginx > 0 ? added(key, mine, index) / byNginx : NaN;
    }, isProxy);
  return {
    name,
    p50Ms: median(mine.map((each) => each.p50)),
    p99Ms: median(mine.map((each) => each.p99)),
    p999Ms: quantile(pooled, 0.999),
    maxMs: pooled.at(-1) ?? NaN,
    addedP50Ms: interval((_, index) => added('p50', mine, index), isProxy),
    addedP99Ms: interval((_, index) => added('p99', mine, index), isProxy),
    p50ToNginx: toNginx('p50'),
    p99ToNginx: toNginx('p99'),
    cpuUs: interval((each) => each.cpuUs, isProxy),
    helpersCpuUs: isProxy ? median(mine.map((each) => each.helpersCpuUs)) : null,
    perCoreToNginx: interval((each, index) => (peer[index]?.cpuUs ?? NaN) / each.cpuUs, isProxy),
    sent: mine.reduce((sum, each) => sum + each.load.sent, 0),
    failures,
    firstFailure: mine.find((each) => each.load.firstFailure !== null)?.load.firstFailure ?? null,
  };
}
