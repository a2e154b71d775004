/**
 * `throughput`: statements a second that one core of each proxy answers when it is given all it can take, and the CPU
 * of one statement there. Where the proxy's core is not full, the load was the limit and only the CPU figure counts.
 */
import type { SaturationRequest, SaturationResult } from './load/saturator.js';
import {
  CORES,
  canPin,
  cpuMs,
  descendantsCpuMs,
  machineBusyMs,
  startChild,
  voidForOthers,
  type Child,
} from './processes.js';
import { startSlots, type Missing, type Slot } from './slots.js';
import { median, medianWithInterval, seededRandom, shuffled, type Interval } from './statistics.js';
import { program, startProgram } from './targets.js';

export interface ThroughputOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly seed: number;
  readonly log: (line: string) => void;
}

export interface ThroughputRow {
  readonly name: string;
  readonly perSecond: number;
  /** Cores that the proxy process kept busy; near 1 when it was the limit. */
  readonly coresBusy: number | null;
  readonly cpuUs: Interval | null;
  readonly helpersCpuUs: number | null;
  /** nginx's CPU for a statement over this one's: statements a second and core, as a share of nginx's. */
  readonly perCoreToNginx: Interval | null;
  readonly generatorShare: number;
  readonly failures: number;
  readonly firstFailure: string | null;
}

export interface ThroughputReport {
  readonly options: Omit<ThroughputOptions, 'log'>;
  readonly rows: readonly ThroughputRow[];
  readonly missing: readonly Missing[];
  readonly voidReasons: readonly string[];
}

const CONNECTIONS = 32;
const AA_BOUND = 0.05;

export async function runThroughput(options: ThroughputOptions): Promise<ThroughputReport> {
  const isPinned = canPin();
  const origin = await startProgram('./load/origin.js', isPinned ? CORES.load : null, {});
  const stops: (() => Promise<void>)[] = [() => origin.child.stop()];
  try {
    const { slots, missing } = await startSlots(origin.port, isPinned, stops, options.log);
    const saturator = startChild({
      command: process.execPath,
      args: [program('./load/saturator.js')],
      core: isPinned ? CORES.load : null,
      hasChannel: true,
    });
    stops.push(() => saturator.stop());
    const results = await measureAll(slots, saturator, origin.child, options);
    const random = seededRandom(options.seed);
    return {
      options: { rounds: options.rounds, seconds: options.seconds, seed: options.seed },
      rows: slots.map((slot) => rowOf(slot, results, random)),
      missing,
      voidReasons: voidReasonsOf(results),
    };
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

interface Measured {
  readonly load: SaturationResult;
  readonly cpuUs: number;
  readonly helpersCpuUs: number;
  readonly coresBusy: number;
  /** Cores that processes which are not part of the benchmark kept busy. */
  readonly othersCores: number;
}

type Results = ReadonlyMap<string, readonly Measured[]>;

async function measureAll(
  slots: readonly Slot[],
  saturator: Child,
  origin: Child,
  options: ThroughputOptions,
): Promise<Results> {
  const random = seededRandom(options.seed);
  const results = new Map<string, Measured[]>(slots.map((slot) => [slot.name, []]));
  for (const slot of slots) await measure(slot, saturator, origin, options.seconds);
  for (let round = 1; round <= options.rounds; round += 1) {
    const line: string[] = [];
    for (const slot of shuffled(slots, random)) {
      const measured = await measure(slot, saturator, origin, options.seconds);
      results.get(slot.name)?.push(measured);
      line.push(`${slot.name} ${(measured.load.answered / measured.load.seconds).toFixed(0)}`);
    }
    options.log(`round ${round}/${options.rounds} (statements a second): ${line.join(', ')}`);
  }
  return results;
}

async function measure(
  slot: Slot,
  saturator: Child,
  origin: Child,
  seconds: number,
): Promise<Measured> {
  const { target } = slot;
  const cpu = (): number => (target.pid === null ? NaN : cpuMs(target.pid));
  const helpers = (): number => descendantsCpuMs(target.helperRoots);
  const ours = (): number =>
    [process.pid, saturator.pid, origin.pid].reduce((sum, pid) => sum + cpuMs(pid), 0);
  const [before, helpersBefore, oursBefore, machineBefore] = [
    cpu(),
    helpers(),
    ours(),
    machineBusyMs(),
  ];
  const request: SaturationRequest = {
    port: target.port,
    connections: CONNECTIONS,
    seconds,
    sqlText: slot.sqlText,
    authorization: target.authorization,
  };
  const load = (await saturator.ask(request)) as SaturationResult;
  const used = cpu() - before;
  const helped = helpers() - helpersBefore;
  const known = (Number.isNaN(used) ? 0 : used) + helped + ours() - oursBefore;
  return {
    load,
    cpuUs: (used * 1000) / load.answered,
    helpersCpuUs: (helped * 1000) / load.answered,
    coresBusy: used / 1000 / load.seconds,
    othersCores: (machineBusyMs() - machineBefore - known) / 1000 / load.seconds,
  };
}

function rowOf({ name, target }: Slot, results: Results, random: () => number): ThroughputRow {
  const mine = results.get(name) ?? [];
  const peer = results.get('nginx') ?? [];
  const failures = mine.reduce((sum, each) => sum + each.load.failures, 0);
  const isShown = target.pid !== null && failures === 0;
  const ratios = mine
    .map((each, index) => (peer[index]?.cpuUs ?? NaN) / each.cpuUs)
    .filter(Number.isFinite);
  return {
    name,
    perSecond:
      failures === 0 ? median(mine.map((each) => each.load.answered / each.load.seconds)) : NaN,
    coresBusy: isShown ? median(mine.map((each) => each.coresBusy)) : null,
    cpuUs: isShown
      ? medianWithInterval(
          mine.map((each) => each.cpuUs),
          random,
        )
      : null,
    helpersCpuUs: isShown ? median(mine.map((each) => each.helpersCpuUs)) : null,
    perCoreToNginx: isShown && ratios.length > 0 ? medianWithInterval(ratios, random) : null,
    generatorShare: median(mine.map((each) => each.load.cpuShare)),
    failures,
    firstFailure: mine.find((each) => each.load.firstFailure !== null)?.load.firstFailure ?? null,
  };
}

function voidReasonsOf(results: Results): string[] {
  const reasons: string[] = [];
  const [first, second] = [results.get('nginx') ?? [], results.get('nginx again') ?? []];
  if (first.length === 0)
    reasons.push('nginx did not take part, so nothing can be compared with it');
  const ratio = median(second.map((each, index) => each.cpuUs / (first[index]?.cpuUs ?? NaN)));
  if (Math.abs(ratio - 1) > AA_BOUND)
    reasons.push(
      `A/A: nginx against itself differs by ${((ratio - 1) * 100).toFixed(1)} % in CPU a statement (bound 5 %)`,
    );
  const others = median([...results.values()].flat().map((each) => each.othersCores));
  reasons.push(...voidForOthers(others));
  return reasons;
}
