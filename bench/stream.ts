/**
 * `stream`: one large result (50 MB of JSON rows) through each proxy, interleaved, as a share of nginx without
 * buffering; and how much the proxy's memory grows while a slow reader holds a reply back.
 */
import { request as httpRequest } from 'node:http';
import { randomUUID } from 'node:crypto';
import {
  CORES,
  canPin,
  cpuMs,
  descendantsCpuMs,
  machineBusyMs,
  residentBytes,
  voidForOthers,
} from './processes.js';
import { startSlots, type Missing } from './slots.js';
import { median, medianWithInterval, seededRandom, shuffled, type Interval } from './statistics.js';
import { startProgram, type Target } from './targets.js';

export interface StreamOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly log: (line: string) => void;
}

export interface StreamRow {
  readonly name: string;
  readonly megabytesPerSecond: number;
  readonly toNginx: Interval | null;
  /** CPU milliseconds of the proxy for 50 MB. */
  readonly cpuMs: number | null;
  /** MiB that one reader who takes 2 MB/s for two seconds added to the proxy's memory. */
  readonly slowReaderMiB: number | null;
  readonly failures: number;
  readonly firstFailure: string | null;
}

export interface StreamReport {
  readonly options: Omit<StreamOptions, 'log'>;
  readonly rows: readonly StreamRow[];
  readonly voidReasons: readonly string[];
  readonly missing: readonly Missing[];
}

const SQL = 'SELECT BENCH_STREAM FROM ANALYTICS.TPCH.LINEITEM';
const BYTES_LEAST = 45_000_000;
const SLOW_READERS = 8;
const SLOW_SECONDS = 2;

const AA_BOUND = 0.05;

export async function runStream(options: StreamOptions): Promise<StreamReport> {
  const isPinned = canPin();
  const origin = await startProgram('./load/origin.js', isPinned ? CORES.load : null, {});
  const stops: (() => Promise<void>)[] = [() => origin.child.stop()];
  try {
    const { slots, missing } = await startSlots(origin.port, isPinned, stops, options.log);
    // Every statement here is the one that streams, so that one row of Tollgate says all.
    const systems = slots
      .filter((slot) => !slot.name.endsWith('governed free'))
      .map((slot) => ({ name: slot.name.replace(/, governed priced$/, ''), target: slot.target }));
    const { rounds, othersCores } = await measureAll(systems, origin.child.pid, options);
    const random = seededRandom(options.seed);
    const rows: StreamRow[] = [];
    for (const system of systems) rows.push(await rowOf(system, rounds, random));
    return {
      options: { rounds: options.rounds, seed: options.seed },
      rows,
      missing,
      voidReasons: voidReasonsOf(rounds, othersCores),
    };
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

interface System {
  readonly name: string;
  readonly target: Target;
}

interface Round {
  readonly rate: number;
  readonly cpu: number;
  readonly failure: string | null;
}

type Rounds = ReadonlyMap<string, readonly Round[]>;

async function measureAll(
  systems: readonly System[],
  originPid: number,
  options: StreamOptions,
): Promise<{ readonly rounds: Rounds; readonly othersCores: number }> {
  const random = seededRandom(options.seed);
  const rounds = new Map<string, Round[]>(systems.map(({ name }) => [name, []]));
  for (const { target } of systems) await once(target);
  const pids = new Set([
    process.pid,
    originPid,
    ...systems.flatMap(({ target }) => target.pid ?? []),
  ]);
  // Helpers (Postgres) belong to the benchmark too; the first root of the list is not counted among them.
  const helperRoots = [...new Set(systems.flatMap(({ target }) => target.helperRoots))];
  const known = (): number =>
    [...pids].reduce((sum, pid) => sum + cpuMs(pid), descendantsCpuMs(helperRoots));
  const [startedAt, knownBefore, machineBefore] = [performance.now(), known(), machineBusyMs()];
  for (let round = 1; round <= options.rounds; round += 1) {
    const line: string[] = [];
    for (const { name, target } of shuffled(systems, random)) {
      const measured = await once(target);
      rounds.get(name)?.push(measured);
      line.push(`${name} ${measured.rate.toFixed(0)}`);
    }
    options.log(`round ${round}/${options.rounds} (MB/s): ${line.join(', ')}`);
  }
  const others = machineBusyMs() - machineBefore - (known() - knownBefore);
  return { rounds, othersCores: others / (performance.now() - startedAt) };
}

async function rowOf(
  { name, target }: System,
  rounds: Rounds,
  random: () => number,
): Promise<StreamRow> {
  const mine = rounds.get(name) ?? [];
  const peer = rounds.get('nginx') ?? [];
  const failed = mine.filter((each) => each.failure !== null);
  const ratios = mine
    .map((each, index) => each.rate / (peer[index]?.rate ?? NaN))
    .filter(Number.isFinite);
  const isComparable = target.pid !== null && ratios.length > 0 && failed.length === 0;
  return {
    name,
    megabytesPerSecond: median(mine.map((each) => each.rate)),
    toNginx: isComparable ? medianWithInterval(ratios, random) : null,
    cpuMs: target.pid === null ? null : median(mine.map((each) => each.cpu)),
    slowReaderMiB: target.pid === null ? null : await slowReaderMiB(target, target.pid),
    failures: failed.length,
    firstFailure: failed[0]?.failure ?? null,
  };
}

function voidReasonsOf(rounds: Rounds, othersCores: number): string[] {
  const reasons: string[] = [];
  const [first, second] = [rounds.get('nginx') ?? [], rounds.get('nginx again') ?? []];
  if (first.length === 0)
    reasons.push('nginx did not take part, so nothing can be compared with it');
  const ratio = median(second.map((each, index) => each.rate / (first[index]?.rate ?? NaN)));
  if (Math.abs(ratio - 1) > AA_BOUND)
    reasons.push(
      `A/A: nginx against itself differs by ${((ratio - 1) * 100).toFixed(1)} % (bound 5 %)`,
    );
  reasons.push(...voidForOthers(othersCores));
  return reasons;
}

async function once(target: Target): Promise<Round> {
  const cpuBefore = target.pid === null ? NaN : cpuMs(target.pid);
  const startedAt = performance.now();
  const { bytes, failure } = await read(target, null);
  const seconds = (performance.now() - startedAt) / 1000;
  return {
    rate: bytes / 1e6 / seconds,
    cpu: target.pid === null ? NaN : cpuMs(target.pid) - cpuBefore,
    failure: failure ?? (bytes < BYTES_LEAST ? `only ${bytes} bytes came` : null),
  };
}

/** Reads one reply, whole or at most `bytesPerSecond` until the slow part is over. */
function read(
  target: Target,
  bytesPerSecond: number | null,
): Promise<{ readonly bytes: number; readonly failure: string | null }> {
  const body = JSON.stringify({ sqlText: SQL, asyncExec: false, sequenceId: 1 });
  return new Promise((resolve) => {
    let bytes = 0;
    const request = httpRequest(
      {
        host: '127.0.0.1',
        port: target.port,
        method: 'POST',
        agent: false,
        path: `/queries/v1/query-request?requestId=${randomUUID()}`,
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          authorization: target.authorization,
        },
      },
      (response) => {
        const startedAt = performance.now();
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          const elapsed = (performance.now() - startedAt) / 1000;
          if (bytesPerSecond === null || elapsed > SLOW_SECONDS || bytes < elapsed * bytesPerSecond)
            return;
          response.pause();
          setTimeout(() => response.resume(), 20);
        });
        response.on('end', () =>
          resolve({
            bytes,
            failure: response.statusCode === 200 ? null : `HTTP ${response.statusCode}`,
          }),
        );
        response.on('error', (cause) => resolve({ bytes, failure: cause.message }));
      },
    );
    request.on('error', (cause) => resolve({ bytes, failure: cause.message }));
    request.end(body);
  });
}

async function slowReaderMiB(target: Target, pid: number): Promise<number> {
  const before = residentBytes(pid);
  let peak = before;
  const sampler = setInterval(() => {
    peak = Math.max(peak, residentBytes(pid));
  }, 50);
  const half = new Promise((resolve) => setTimeout(resolve, SLOW_SECONDS * 900));
  const readers = Array.from({ length: SLOW_READERS }, () => read(target, 2_000_000));
  await half;
  const during = peak;
  await Promise.all(readers);
  clearInterval(sampler);
  return (during - before) / 1_048_576 / SLOW_READERS;
}
