/**
 * The embedded Postgres: a real server under our data directory, for a bare clone and for tests. It listens on
 * 127.0.0.1 only, is stopped only by us (own process group), dies with us after a kill -9 where the system offers
 * that, and belongs to one program at a time.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { Fault } from '../errors.js';
import type { Stoppable } from '../lifecycle.js';
import type { Log } from '../log.js';
import { postgresBinaries } from './binaries.js';
import type { PostgresBinaries } from './binaries.js';
import { isProcessAlive, lockDirectory } from './directory-lock.js';
import type { DirectoryLock } from './directory-lock.js';
import { APP_ROLE, OWNER_ROLE, prepareRoles } from './roles.js';
import { chooseIdentity, grantHome, runToEnd, startServer } from './server-process.js';
import type { Identity, ServerProcess } from './server-process.js';

export interface EmbeddedPostgresOptions {
  /** The data directory of Tollgate; the cluster lives in its folder `postgres`. */
  readonly dataDir: string;
  readonly log: Log;
  /** False (tests): no fsync, so that a crash of the machine may lose the cluster. */
  readonly durable: boolean;
}

export interface EmbeddedPostgres extends Stoppable {
  /** Superuser `tollgate`: migrations and maintenance. */
  readonly ownerUrl: string;
  /** Role `tollgate_app`, which cannot change or delete what the ledger wrote: everything else. */
  readonly appUrl: string;
  /** Fast shutdown and wait; an aborted `signal` makes it an immediate one. Repeating it is harmless. */
  stop(signal: AbortSignal): Promise<void>;
}

const DATABASE = 'tollgate';
const STALE_STOP_MS = 15_000;

/**
 * Starts the server, creating the cluster, the database `tollgate` and the application role at the first start.
 * A server that a dead run left behind is stopped first. Call from the main thread: the server's life is tied to
 * the thread that started it (prctl(2), PR_SET_PDEATHSIG).
 * @throws Fault `ledgerUnavailable` with one message for people: missing binaries, a data directory that cannot be
 *   written, another program on it, an operating-system user Postgres does not accept, or a server that fails.
 */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  if (!isMainThread)
    throw new Fault(
      'ledgerUnavailable',
      'The embedded Postgres must be started from the main thread.',
    );
  const binaries = postgresBinaries();
  const home = path.join(path.resolve(options.dataDir), 'postgres');
  const lock = takeDirectory(home);
  try {
    const cluster = path.join(home, 'data');
    await stopLeftover(cluster, options.log);
    const identity = await chooseIdentity();
    const ownerPassword = secretIn(path.join(home, 'owner-password'));
    const appPassword = secretIn(path.join(home, 'app-password'));
    if (!existsSync(path.join(cluster, 'PG_VERSION')))
      await createCluster(binaries, identity, home, options);
    grantHome(identity, home);
    const server = await startServer({
      binaries,
      identity,
      cluster,
      durable: options.durable,
      log: options.log,
    });
    const urlFor = (role: string, password: string, database: string): string =>
      `postgres://${role}:${password}@127.0.0.1:${server.port}/${database}`;
    try {
      await prepareRoles(urlFor(OWNER_ROLE, ownerPassword, 'postgres'), DATABASE, appPassword);
    } catch (cause) {
      await server.stop(new AbortController().signal);
      throw new Fault(
        'ledgerUnavailable',
        'The embedded Postgres started, but its roles could not be prepared.',
        { cause },
      );
    }
    return {
      ownerUrl: urlFor(OWNER_ROLE, ownerPassword, DATABASE),
      appUrl: urlFor(APP_ROLE, appPassword, DATABASE),
      stop: stopOnce(server, lock),
    };
  } catch (thrown) {
    lock.release();
    throw thrown;
  }
}

function stopOnce(
  server: ServerProcess,
  lock: DirectoryLock,
): (signal: AbortSignal) => Promise<void> {
  let stopping: Promise<void> | undefined;
  return (signal) => {
    stopping ??= server.stop(signal).finally(() => lock.release());
    return stopping;
  };
}

function takeDirectory(home: string): DirectoryLock {
  let outcome;
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 });
    outcome = lockDirectory(home, 'program.lock');
  } catch (cause) {
    throw new Fault(
      'ledgerUnavailable',
      `The data directory cannot be written: ${path.dirname(home)}. Point TOLLGATE_DATA_DIR to a directory that can.`,
      { cause },
    );
  }
  if (outcome.kind === 'locked') return outcome.lock;
  throw new Fault(
    'ledgerUnavailable',
    `Another Tollgate (process ${outcome.pid}) is using the data directory ${path.dirname(home)}. ` +
      'Stop it, or give this one its own TOLLGATE_DATA_DIR.',
  );
}

/** Reads the secret, making it at first use; readable by the owner only. */
function secretIn(file: string): string {
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  const secret = randomBytes(24).toString('hex');
  writeFileSync(file, `${secret}\n`, { mode: 0o600, flag: 'wx' });
  return secret;
}

async function createCluster(
  binaries: PostgresBinaries,
  identity: Identity,
  home: string,
  options: EmbeddedPostgresOptions,
): Promise<void> {
  // Made under another name and renamed when complete, so that a start that was cut short is not taken for a cluster.
  const unfinished = path.join(home, 'data.unfinished');
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  grantHome(identity, home);
  const flags = [
    '-D',
    unfinished,
    '-U',
    OWNER_ROLE,
    '-A',
    'scram-sha-256',
    '--locale=C',
    '-E',
    'UTF8',
  ];
  flags.push(`--pwfile=${path.join(home, 'owner-password')}`);
  if (!options.durable) flags.push('--no-sync');
  await runToEnd(identity, binaries.initdb, flags);
  renameSync(unfinished, path.join(home, 'data'));
}

/** Stops the server of a run that died without stopping it. Its pid file is trusted only if the process is ours. */
async function stopLeftover(cluster: string, log: Log): Promise<void> {
  const pidFile = path.join(cluster, 'postmaster.pid');
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
  if (!Number.isSafeInteger(pid) || pid <= 1 || !isServerOf(pid, cluster)) return;
  log.warn({ pid }, 'stopping the embedded Postgres that an earlier run left behind');
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
    try {
      process.kill(pid, signal);
    } catch {
      return; // gone meanwhile
    }
    const deadline = Date.now() + STALE_STOP_MS;
    while (Date.now() < deadline) {
      if (!isProcessAlive(pid)) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  throw new Fault(
    'ledgerUnavailable',
    `The embedded Postgres of an earlier run (process ${pid}) does not stop.`,
  );
}

function isServerOf(pid: number, cluster: string): boolean {
  if (!isProcessAlive(pid)) return false;
  const commandLine = `/proc/${pid}/cmdline`;
  // Without /proc the pid file alone decides: Postgres removes it at every orderly end.
  return (
    !existsSync('/proc/self/cmdline') ||
    readFileSync(commandLine, 'utf8').split('\0').includes(cluster)
  );
}
