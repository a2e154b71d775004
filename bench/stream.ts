/**
 * `stream`: one large result (50 MB of JSON rows) through each proxy, interleaved, as a share of nginx without
 * buffering; and how much the proxy's memory grows while a slow reader holds a reply back.
 */
import { request as httpRequest } from 'node:http';
import { randomUUID } from 'node:crypto';
import { CORES, canPin, cpuMs, residentBytes } from './processes.js';
import { median, medianWithInterval, seededRandom, shuffled, type Interval } from './statistics.js';
import { direct, nginx, passThrough, startProgram, type Target } from './targets.js';
import { tollgate } from './tollgate.js';

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
  readonly missing: readonly { readonly name: string; readonly why: string }[];
}

const SQL = 'SELECT BENCH_STREAM FROM ANALYTICS.TPCH.LINEITEM';
const BYTES_LEAST = 45_000_000;
const SLOW_READERS = 8;
const SLOW_SECONDS = 2;

export async function runStream(options: StreamOptions): Promise<StreamReport> {
  const isPinned = canPin();
  const origin = await startProgram('./load/origin.js', isPinned ? CORES.load : null, {});
  const stops: (() => Promise<void>)[] = [() => origin.child.stop()];
  const missing: { name: string; why: string }[] = [];
  try {
    const targets: Target[] = [direct(origin.port)];
    for (const start of [nginx, tollgate]) {
      const started = await start(origin.port, isPinned);
      if (started.kind === 'started') targets.push(started.target);
      else missing.push({ name: started.name, why: started.why });
      if (started.kind === 'missing') options.log(`without ${started.name}: ${started.why}`);
      else stops.push(() => started.target.stop());
    }
    const relay = await passThrough(origin.port, isPinned);
    stops.push(() => relay.stop());
    targets.push(relay);
    return {
      options: { rounds: options.rounds, seed: options.seed },
      rows: await measure(targets, options),
      missing,
    };
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

interface Round {
  readonly rate: number;
  readonly cpu: number;
  readonly failure: string | null;
}

async function measure(targets: readonly Target[], options: StreamOptions): Promise<StreamRow[]> {
  const random = seededRandom(options.seed);
  const rounds = new Map<string, Round[]>(targets.map((target) => [target.name, []]));
  for (const target of targets) await once(target);
  for (let round = 1; round <= options.rounds; round += 1) {
    const line: string[] = [];
    for (const target of shuffled(targets, random)) {
      const measured = await once(target);
      rounds.get(target.name)?.push(measured);
      line.push(`${target.name} ${measured.rate.toFixed(0)}`);
    }
    options.log(`round ${round}/${options.rounds} (MB/s): ${line.join(', ')}`);
  }
  const slow = new Map<string, number>();
  for (const target of targets)
    if (target.pid !== null) slow.set(target.name, await slowReaderMiB(target, target.pid));
  const peer = rounds.get('nginx') ?? [];
  return targets.map((target) => {
    const mine = rounds.get(target.name) ?? [];
    const failed = mine.filter((each) => each.failure !== null);
    const ratios = mine
      .map((each, index) => each.rate / (peer[index]?.rate ?? NaN))
      .filter(Number.isFinite);
    const isComparable = target.pid !== null && ratios.length > 0 && failed.length === 0;
    return {
      name: target.name,
      megabytesPerSecond: median(mine.map((each) => each.rate)),
      toNginx: isComparable ? medianWithInterval(ratios, random) : null,
      cpuMs: target.pid === null ? null : median(mine.map((each) => each.cpu)),
      slowReaderMiB: slow.get(target.name) ?? null,
      failures: failed.length,
      firstFailure: failed[0]?.failure ?? null,
    };
  });
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
