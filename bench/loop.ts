/**
 * `loop`: how late the proxy's event loop is while bad input comes beside an honest load, kind by kind, and what the
 * honest clients notice of it. The peer is the bare Node relay, which reads no body. The bar is p99 of 20 ms.
 */
import { BAD_GROUPS, type BadGroup, type BadRequest, type BadResult } from './load/bad-input.js';
import type { LoadRequest, LoadResult } from './load/generator.js';
import type { LoopDelay } from './load/loop-watch.js';
import {
  CORES,
  canPin,
  cpuMsOfAllThreads,
  descendantsCpuMs,
  machineBusyMs,
  startChild,
  voidForOthers,
  type Child,
} from './processes.js';
import type { Missing } from './slots.js';
import { ascending, median, quantile, seededRandom, shuffled } from './statistics.js';
import { passThrough, program, startProgram, type Target } from './targets.js';
import { tollgate } from './tollgate.js';

export interface LoopOptions {
  readonly rounds: number;
  readonly seconds: number;
  /** Honest statements a second. */
  readonly rate: number;
  readonly seed: number;
  readonly log: (line: string) => void;
}

/** What one system made of one kind of input. */
export interface LoopRow {
  readonly group: BadGroup;
  readonly system: string;
  /** Medians of rounds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The longest of all rounds. */
  readonly maxMs: number;
  /** Of the honest statements, from the instant when they were due. */
  readonly latencyMsP99: number;
  readonly honest: number;
  /** Of the honest ones; what is neither answered nor failed was not answered in time. */
  readonly answered: number;
  readonly failures: number;
  readonly firstFailure: string | null;
  readonly sent: number;
  readonly taken: number;
}

export interface LoopReport {
  readonly options: Omit<LoopOptions, 'log'>;
  readonly isPinned: boolean;
  readonly rows: readonly LoopRow[];
  readonly missing: readonly Missing[];
  /** Why the figures must not be quoted; empty for a valid run. */
  readonly voidReasons: readonly string[];
}

interface Measured {
  readonly delay: LoopDelay;
  readonly load: LoadResult;
  readonly bad: BadResult;
}

export async function runLoop(options: LoopOptions): Promise<LoopReport> {
  const isPinned = canPin();
  const core = isPinned ? CORES.load : null;
  const origin = await startProgram('./load/origin.js', core, {});
  const stops: (() => Promise<void>)[] = [() => origin.child.stop()];
  try {
    const start = (path: string): Child => {
      const args = [program(path)];
      const child = startChild({ command: process.execPath, args, core, hasChannel: true });
      stops.push(() => child.stop());
      return child;
    };
    const clients = { generator: start('./load/generator.js'), bad: start('./load/bad-input.js') };
    const missing: Missing[] = [];
    const targets = [await passThrough(origin.port, isPinned, { isWatched: true })];
    const ours = await tollgate(origin.port, isPinned, { isWatched: true });
    if (ours.kind === 'started') targets.unshift(ours.target);
    else missing.push(ours);
    stops.push(...targets.map((target) => () => target.stop()));
    const busy = othersBusy([origin.child, clients.generator, clients.bad], targets);
    const results = await measureAll(targets, clients, options);
    const others = busy();
    const { log: _log, ...rest } = options;
    const rows = BAD_GROUPS.flatMap((group) =>
      targets.map(({ name }) => rowOf(group, name, results.get(`${group} ${name}`) ?? [])),
    );
    return { options: rest, isPinned, rows, missing, voidReasons: voidForOthers(others) };
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

/** Begins to watch; what it returns says how many cores processes kept busy that are none of the benchmark's. */
function othersBusy(children: readonly Child[], targets: readonly Target[]): () => number {
  const pids = [process.pid, ...children.map(({ pid }) => pid), ...targets.map(({ pid }) => pid)];
  const helperRoots = targets.flatMap((target) => target.helperRoots);
  const read = (): { readonly at: number; readonly others: number } => {
    const own = pids.reduce<number>(
      (sum, pid) => sum + (pid === null ? 0 : cpuMsOfAllThreads(pid)),
      0,
    );
    return {
      at: performance.now(),
      others: machineBusyMs() - own - descendantsCpuMs(helperRoots),
    };
  };
  const before = read();
  return () => {
    const after = read();
    return (after.others - before.others) / (after.at - before.at);
  };
}

interface Clients {
  readonly generator: Child;
  readonly bad: Child;
}

async function measureAll(
  targets: readonly Target[],
  clients: Clients,
  options: LoopOptions,
): Promise<ReadonlyMap<string, readonly Measured[]>> {
  const random = seededRandom(options.seed);
  const results = new Map<string, Measured[]>();
  // Round 0 makes the bytes and warms everything up.
  for (let round = 0; round <= options.rounds; round += 1) {
    const pairs = BAD_GROUPS.flatMap((group) => targets.map((target) => ({ group, target })));
    for (const { group, target } of shuffled(pairs, random)) {
      const measured = await measure(target, group, clients, options, random);
      const key = `${group} ${target.name}`;
      const isWarmUp = round === 0;
      if (!isWarmUp) results.set(key, [...(results.get(key) ?? []), measured]);
      const { p99Ms, maxMs } = measured.delay;
      options.log(`${round}/${options.rounds} ${key}: ${p99Ms.toFixed(1)}, ${maxMs.toFixed(1)} ms`);
    }
  }
  return results;
}

async function measure(
  target: Target,
  group: BadGroup,
  { generator, bad }: Clients,
  options: LoopOptions,
  random: () => number,
): Promise<Measured> {
  const { port, authorization } = target;
  const { seconds, rate } = options;
  const request: LoadRequest = {
    port,
    authorization,
    rate,
    seconds,
    sqlText: 'SELECT 1',
    warmUpSeconds: 0,
    seed: Math.floor(random() * 2 ** 32),
  };
  const badRequest: BadRequest = { group, port, authorization, seconds };
  await target.ask?.({ loop: 'reset' });
  const [load, answered] = await Promise.all([generator.ask(request), bad.ask(badRequest)]);
  const delay = (await target.ask?.({ loop: 'read' })) as LoopDelay;
  return { delay, load: load as LoadResult, bad: answered as BadResult };
}

function rowOf(group: BadGroup, system: string, mine: readonly Measured[]): LoopRow {
  const sum = (of: (each: Measured) => number): number =>
    mine.reduce((total, each) => total + of(each), 0);
  const latencies = mine.map(({ load }) => quantile(ascending(load.latenciesMs), 0.99));
  return {
    group,
    system,
    p50Ms: median(mine.map(({ delay }) => delay.p50Ms)),
    p99Ms: median(mine.map(({ delay }) => delay.p99Ms)),
    maxMs: Math.max(...mine.map(({ delay }) => delay.maxMs)),
    latencyMsP99: median(latencies),
    honest: sum(({ load }) => load.sent),
    answered: sum(({ load }) => load.latenciesMs.length),
    failures: sum(({ load }) => load.failures),
    firstFailure: mine.find(({ load }) => load.firstFailure !== null)?.load.firstFailure ?? null,
    sent: sum(({ bad }) => bad.sent),
    taken: sum(({ bad }) => bad.taken),
  };
}
