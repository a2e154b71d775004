/** Child processes of a benchmark: started pinned to a core, asked over IPC, and stopped by their own handle. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { cpus } from 'node:os';

/** A run during which other processes kept more cores busy than this (median) is void. */
const OTHERS_CORES_MAX = 0.2;

const STOP_TIMEOUT_MS = 10_000;

/** Whether cores can be assigned here: taskset exists and there are two of them. */
export const canPin = (): boolean =>
  cpus().length >= 2 && spawnSync('taskset', ['--version'], { stdio: 'ignore' }).status === 0;

/** Load and origin share one core, the system under test has the other. */
export const CORES = { load: '0', subject: '1' } as const;

export interface Child {
  readonly pid: number;
  /** Everything the process wrote, the last 8 KB. */
  output(): string;
  /** Sends a message and waits for the next one back. Rejects when the process ends first. */
  ask(message: unknown): Promise<unknown>;
  readonly hasEnded: () => boolean;
  stop(): Promise<void>;
}

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** Core to start on; null for any. */
  readonly core: string | null;
  /** A node program that answers messages. */
  readonly hasChannel: boolean;
}

export function startChild(options: ChildOptions): Child {
  const [command, args] =
    options.core === null
      ? [options.command, options.args]
      : ['taskset', ['-c', options.core, options.command, ...options.args]];
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe', ...(options.hasChannel ? (['ipc'] as const) : [])],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8');
    stream?.on('data', (text: string) => {
      output = (output + text).slice(-8192);
    });
  }
  let ended = false;
  const end = new Promise<void>((resolve) => {
    const settle = (): void => {
      ended = true;
      resolve();
    };
    child.once('exit', settle);
    child.once('error', (cause) => {
      output += cause.message;
      settle();
    });
  });
  return {
    pid: child.pid ?? -1,
    output: () => output,
    hasEnded: () => ended,
    ask: (message) => ask(child, message, end, () => output),
    stop: () => stop(child, end),
  };
}

function ask(
  child: ChildProcess,
  message: unknown,
  end: Promise<void>,
  output: () => string,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.once('message', resolve);
    void end.then(() => reject(new Error(`a child process ended: ${output()}`)));
    child.send(message as object);
  });
}

async function stop(child: ChildProcess, end: Promise<void>): Promise<void> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await end;
  clearTimeout(timer);
}

/** Moves every thread of a running process to a core. */
export function pin(pid: number, core: string): void {
  spawnSync('taskset', ['-a', '-p', '-c', core, String(pid)], { stdio: 'ignore' });
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        resolve(typeof address === 'object' && address !== null ? address.port : 0),
      );
    });
  });
}

/**
 * CPU time of all threads of a process in milliseconds, from `/proc/<pid>/task/<tid>/schedstat` (nanoseconds; the clock
 * ticks of `stat` are too coarse for a round of seconds). NaN without /proc.
 */
export function cpuMs(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`).reduce((sum, task) => {
      const text = readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8');
      return sum + Number(text.split(' ')[0]) / 1e6;
    }, 0);
  } catch {
    return NaN;
  }
}

/**
 * CPU time of a process in milliseconds with the threads that have ended, from `/proc/<pid>/stat`: in clock ticks, for
 * runs of minutes. NaN without /proc.
 */
export function cpuMsOfAllThreads(pid: number): number {
  const [user = NaN, system = NaN] = statFields(pid).slice(11, 13).map(Number);
  return (user + system) * 10;
}

/** CPU time of the children of a process that have ended and were waited for, in clock ticks. NaN without /proc. */
function endedChildrenCpuMs(pid: number): number {
  const [user = NaN, system = NaN] = statFields(pid).slice(13, 15).map(Number);
  return (user + system) * 10;
}

/** What `/proc/<pid>/stat` says after the name, the state first (proc_pid_stat(5)); nothing of use without /proc. */
function statFields(pid: number): readonly string[] {
  const stat = readText(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/**
 * CPU time of the processes that descend from `roots`, and of the roots but the first, which is counted apart. With
 * that of children that have ended, which only their parent still tells: a Postgres server starts a process for each
 * run of autovacuum.
 */
export function descendantsCpuMs(roots: readonly number[]): number {
  if (roots.length === 0) return 0;
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = statFields(Number(name))[1];
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const [subject, ...others] = roots;
  let sum = 0;
  for (const candidate of parents.keys()) {
    let at: number | undefined = candidate === subject ? undefined : candidate;
    while (at !== undefined && at > 1 && at !== subject && !others.includes(at))
      at = parents.get(at);
    const used = at === undefined || at <= 1 ? 0 : cpuMs(candidate) + endedChildrenCpuMs(candidate);
    if (!Number.isNaN(used)) sum += used;
  }
  return sum;
}

/** Busy time of what neither this process nor its children do, in milliseconds. */
export function othersBusyMs(): number {
  return machineBusyMs() - descendantsCpuMs([0, process.pid]);
}

/** Why a run is void during which others kept so many cores busy; empty: it is not. */
export function voidForOthers(cores: number): readonly string[] {
  return cores > OTHERS_CORES_MAX
    ? [`other processes kept ${cores.toFixed(2)} cores busy (bound ${OTHERS_CORES_MAX})`]
    : [];
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Resident memory in bytes; NaN without /proc. */
export function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB/m.exec(readText(`/proc/${pid}/status`));
  return match === null ? NaN : Number(match[1]) * 1024;
}

/** Busy time of all cores in milliseconds (user, nice, system, irq, softirq, steal); NaN without /proc. */
export function machineBusyMs(): number {
  try {
    const fields = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '')
      .trim()
      .split(/\s+/)
      .slice(1)
      .map(Number);
    const [user = NaN, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = fields;
    return (user + nice + system + irq + softirq + steal) * 10;
  } catch {
    return NaN;
  }
}
