/**
 * One process, one directory. The lock is a file that names its holder; Node has no flock, so a lock left by a
 * process that is gone is recognised by pid and start time and taken over.
 */
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

interface Holder {
  readonly pid: number;
  /** Differs between two processes that were given the same pid. */
  readonly startedAt: string;
  readonly nonce: string;
}

export interface DirectoryLock {
  release(): Promise<void>;
}

const ATTEMPTS_MAX = 5;

/**
 * Takes `<directory>/lock`. Throws an Error that names the directory and the holder when a live process, this one
 * included, has it.
 */
export async function lockDirectory(directory: string, nonce: string): Promise<DirectoryLock> {
  const path = join(directory, 'lock');
  const mine = `${path}.${nonce}`;
  const holder: Holder = {
    pid: process.pid,
    startedAt: (await startOf(process.pid)) ?? ownStart(),
    nonce,
  };
  await writeFile(mine, JSON.stringify(holder));
  try {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      if (await tryLink(mine, path)) return { release: () => release(path, nonce) };
      const other = await readHolder(path);
      if (other !== undefined && (await isAlive(other))) {
        throw new Error(
          `the journal directory ${directory} is in use by process ${other.pid}; give each replica its own data directory`,
        );
      }
      await removeStale(path, other);
    }
  } finally {
    await rm(mine, { force: true });
  }
  throw new Error(`the journal directory ${directory} could not be locked: others keep taking it`);
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw thrown;
  }
}

/** Moves the lock of a dead process aside; if another process was faster, what was moved is theirs and goes back. */
async function removeStale(path: string, stale: Holder | undefined): Promise<void> {
  const aside = `${path}.stale.${process.pid}`;
  try {
    await rename(path, aside);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw thrown;
  }
  const moved = await readHolder(aside);
  if (moved !== undefined && moved.nonce !== stale?.nonce) await tryLink(aside, path);
  await rm(aside, { force: true });
}

async function release(path: string, nonce: string): Promise<void> {
  const holder = await readHolder(path);
  if (holder?.nonce === nonce) await rm(path, { force: true });
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    const parsed: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (typeof parsed !== 'object' || parsed === null) return undefined;
    const { pid, startedAt, nonce } = parsed as Partial<Record<keyof Holder, unknown>>;
    if (typeof pid !== 'number' || typeof startedAt !== 'string' || typeof nonce !== 'string')
      return undefined;
    return { pid, startedAt, nonce };
  } catch {
    return undefined;
  }
}

async function isAlive(holder: Holder): Promise<boolean> {
  try {
    process.kill(holder.pid, 0);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const started = await startOf(holder.pid);
  if (started !== undefined) return started === holder.startedAt;
  return holder.pid !== process.pid || holder.startedAt === ownStart();
}

/** Start time of a process in clock ticks since boot (field 22 of /proc/<pid>/stat); undefined without /proc. */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

function ownStart(): string {
  return String(Math.round(performance.timeOrigin));
}
