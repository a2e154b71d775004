/**
 * Runs the server's programs as a user they accept: Postgres refuses root, and needs its user to have a name.
 * As root, a user namespace makes it see itself as nobody while every file stays root's.
 */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { chmodSync, chownSync, readdirSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Fault, toError } from '../errors.js';
import type { Log } from '../log.js';
import type { PostgresBinaries } from './binaries.js';

/** How the programs are started: words before the program, and the user to switch to when no namespace can be had. */
export interface Identity {
  readonly prefix: readonly string[];
  readonly uid: number | undefined;
  /** Words that tie the life of the server to ours; empty where the system has no such tool. */
  readonly tie: readonly string[];
}

export interface ServerProcess {
  readonly port: number;
  /** Fast shutdown; immediate once `signal` aborts or 60 s have passed. Settles when the process is gone. */
  stop(signal: AbortSignal): Promise<void>;
}

const NOBODY = 65_534;
const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 60_000;
const START_ATTEMPTS_MAX = 8;
const TAIL_LINES = 20;

const USER_MESSAGE =
  'The embedded Postgres cannot run as this operating-system user, because the user has no passwd entry or is root ' +
  'without a way to give that up: run Tollgate as a named user, or set TOLLGATE_DATABASE_URL to a Postgres of your own.';

/**
 * Chooses how to run: as is for a named user; in a user namespace for root and for users without a name; else, for
 * root only, as nobody on a directory given to nobody.
 * @throws Fault `ledgerUnavailable` when none of these is possible.
 */
export function chooseIdentity(): Promise<Identity> {
  const uid = process.getuid?.();
  const tie = works('setpriv', ['--pdeathsig', 'INT', 'true'])
    ? ['setpriv', '--pdeathsig', 'INT']
    : [];
  if (uid === undefined || (uid !== 0 && hasName()))
    return Promise.resolve({ prefix: [], uid: undefined, tie });
  const namespace = ['unshare', '-U', `--map-user=${NOBODY}`, `--map-group=${NOBODY}`];
  if (works('unshare', [...namespace.slice(1), 'true'])) {
    return Promise.resolve({ prefix: namespace, uid: undefined, tie });
  }
  if (uid !== 0) return Promise.reject(new Fault('ledgerUnavailable', USER_MESSAGE));
  return Promise.resolve({ prefix: [], uid: NOBODY, tie });
}

function works(program: string, flags: readonly string[]): boolean {
  return spawnSync(program, flags, { stdio: 'ignore', timeout: 5_000 }).status === 0;
}

function hasName(): boolean {
  try {
    return os.userInfo().username !== '';
  } catch {
    return false;
  }
}

/**
 * Gives the directory to the user the server runs as, where that is not us, and lets that user pass through the
 * folder above it; the folders above that are not ours to open.
 */
export function grantHome(identity: Identity, home: string): void {
  if (identity.uid === undefined) return;
  const parent = path.dirname(home);
  chmodSync(parent, (statSync(parent).mode & 0o7777) | 0o011);
  grantDirectory({ ...identity, uid: identity.uid }, home);
}

function grantDirectory(identity: Identity & { readonly uid: number }, directory: string): void {
  chownSync(directory, identity.uid, identity.uid);
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const child = path.join(directory, entry.name);
    if (entry.isDirectory()) grantDirectory(identity, child);
    else if (entry.isFile()) chownSync(child, identity.uid, identity.uid);
  }
}

function spawnAs(
  identity: Identity,
  tied: boolean,
  program: string,
  flags: readonly string[],
): ChildProcess {
  const words = [...(tied ? identity.tie : []), ...identity.prefix, program, ...flags];
  const [first = program, ...rest] = words;
  const user = identity.uid === undefined ? {} : { uid: identity.uid, gid: identity.uid };
  const options: SpawnOptions = {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
    cwd: '/',
    ...user,
  };
  if (process.platform === 'win32') delete options.cwd;
  return spawn(first, rest, options);
}

/**
 * Runs a program to its end.
 * @throws Fault `ledgerUnavailable` with what it said when it fails.
 */
export async function runToEnd(
  identity: Identity,
  program: string,
  flags: readonly string[],
): Promise<void> {
  const child = spawnAs(identity, false, program, flags);
  const tail = tailOf(child, () => undefined);
  const code = await exitOf(child);
  if (code !== 0) throw failure(`${path.basename(program)} failed`, tail);
}

export interface ServerOptions {
  readonly binaries: PostgresBinaries;
  readonly identity: Identity;
  readonly cluster: string;
  readonly durable: boolean;
  readonly log: Log;
}

/**
 * Starts the server on a free port of 127.0.0.1 and waits until it accepts connections. A port that was taken
 * between choice and use, and backends of a killed server that are still ending, are waited out.
 * @throws Fault `ledgerUnavailable` with the server's last words.
 */
export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const started = await tryStart(options, port);
    if (started.kind === 'ready') return started.server;
    const mayPass = /could not (bind|create any TCP)|still in use|is another postmaster/i.test(
      started.tail.join('\n'),
    );
    if (!mayPass || attempt >= START_ATTEMPTS_MAX)
      throw failure('The embedded Postgres does not start', started.tail);
    await new Promise((resolve) => setTimeout(resolve, 100 * attempt));
  }
}

type StartOutcome =
  | { readonly kind: 'ready'; readonly server: ServerProcess }
  | { readonly kind: 'ended'; readonly tail: readonly string[] };

async function tryStart(options: ServerOptions, port: number): Promise<StartOutcome> {
  const child = spawnAs(
    options.identity,
    true,
    options.binaries.postgres,
    serverFlags(options, port),
  );
  let announce: () => void = () => undefined;
  const ready = new Promise<'ready'>((resolve) => {
    announce = () => resolve('ready');
  });
  const tail = tailOf(child, (line) => {
    if (line.includes('database system is ready to accept connections')) announce();
    if (/ (FATAL|PANIC): /.test(line)) options.log.warn({ line }, 'embedded Postgres');
    else options.log.debug({ line }, 'embedded Postgres');
  });
  const exited = exitOf(child);
  const timer = setTimeout(() => child.kill('SIGQUIT'), READY_TIMEOUT_MS);
  const first = await Promise.race([ready, exited.then(() => 'ended' as const)]);
  clearTimeout(timer);
  if (first === 'ended') return { kind: 'ended', tail };
  return { kind: 'ready', server: running(child, exited, port, options.log) };
}

function running(
  child: ChildProcess,
  exited: Promise<number | null>,
  port: number,
  log: Log,
): ServerProcess {
  let wanted = false;
  void exited.then((code) => {
    if (!wanted) log.error({ code }, 'the embedded Postgres ended by itself');
  });
  return {
    port,
    stop: async (signal) => {
      wanted = true;
      const immediate = (): void => void child.kill('SIGQUIT');
      const timer = setTimeout(immediate, STOP_TIMEOUT_MS);
      signal.addEventListener('abort', immediate, { once: true });
      // SIGINT is the fast shutdown, SIGQUIT the immediate one (PostgreSQL manual, "Shutting Down the Server").
      child.kill(signal.aborted ? 'SIGQUIT' : 'SIGINT');
      await exited;
      clearTimeout(timer);
      signal.removeEventListener('abort', immediate);
    },
  };
}

function serverFlags(options: ServerOptions, port: number): string[] {
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '200',
    timezone: 'UTC',
    log_timezone: 'UTC',
    jit: 'off',
    ...(options.durable
      ? {}
      : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  return [
    '-D',
    options.cluster,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
}

function tailOf(child: ChildProcess, onLine: (line: string) => void): string[] {
  const tail: string[] = [];
  if (child.stderr === null) return tail;
  createInterface({ input: child.stderr }).on('line', (line) => {
    tail.push(line);
    if (tail.length > TAIL_LINES) tail.shift();
    onLine(line);
  });
  return tail;
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    // `close` comes after the last line was read; a program that could not be spawned reports `error` only.
    child.once('close', (code) => resolve(code));
    child.once('error', () => resolve(null));
  });
}

function failure(what: string, tail: readonly string[]): Fault {
  const said = tail.join('\n');
  if (
    /could not look up effective user ID|cannot be run as root|must not be run as root/.test(said)
  ) {
    return new Fault('ledgerUnavailable', USER_MESSAGE, { detail: { said } });
  }
  const reason =
    tail.findLast((line) => /FATAL|error|could not|cannot/i.test(line)) ??
    tail.at(-1) ??
    'it said nothing';
  return new Fault('ledgerUnavailable', `${what}: ${reason.trim()}`, { detail: { said } });
}

async function freePort(): Promise<number> {
  const probe = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      probe.once('error', reject);
      probe.listen(0, '127.0.0.1', resolve);
    });
    const address = probe.address();
    if (address === null || typeof address === 'string') throw new Error('the kernel gave no port');
    return address.port;
  } catch (thrown) {
    throw new Fault('ledgerUnavailable', 'No free port on 127.0.0.1 for the embedded Postgres.', {
      cause: toError(thrown),
    });
  } finally {
    await new Promise((resolve) => probe.close(resolve));
  }
}
