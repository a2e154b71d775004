/**
 * One program per directory: a file with the holder's process id and start time. The start time tells a holder that
 * still lives from another process that was given the same id later.
 */
import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export interface DirectoryLock {
  /** Gives the directory back. Harmless when repeated. */
  release(): void;
}

export type LockOutcome =
  | { readonly kind: 'locked'; readonly lock: DirectoryLock }
  | { readonly kind: 'taken'; readonly pid: number };

interface Holder {
  readonly pid: number;
  readonly startTime: string;
}

const ATTEMPTS_MAX = 5;
let sequence = 0;

/**
 * Takes `<directory>/<name>` for this process; the lock of a process that is gone is taken over.
 * @returns `taken` with the process id of the living holder, which may be this very process.
 * @throws the file system's error when the directory cannot be written.
 */
export function lockDirectory(directory: string, name: string): LockOutcome {
  const file = path.join(directory, name);
  const mine = JSON.stringify({
    pid: process.pid,
    startTime: startTimeOf(process.pid),
  } satisfies Holder);
  sequence += 1;
  const own = `${file}.${process.pid}.${sequence}`;
  writeFileSync(own, mine, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      try {
        // A link appears with its content or not at all, and fails if the name exists.
        linkSync(own, file);
        return { kind: 'locked', lock: held(file, mine) };
      } catch (thrown) {
        if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
      }
      const text = readIfThere(file);
      if (text === undefined) continue;
      const holder = holderOf(text);
      if (holder !== undefined && isAlive(holder)) return { kind: 'taken', pid: holder.pid };
      discardStale(file, text, `${own}.stale`);
    }
    return { kind: 'taken', pid: holderOf(readIfThere(file) ?? '')?.pid ?? 0 };
  } finally {
    unlinkSync(own);
  }
}

function held(file: string, mine: string): DirectoryLock {
  return {
    release: () => {
      if (readIfThere(file) === mine) unlinkSync(file);
    },
  };
}

/** Moves the file aside before deleting it, and puts it back if a faster process had replaced it meanwhile. */
function discardStale(file: string, seen: string, aside: string): void {
  try {
    renameSync(file, aside);
  } catch {
    return; // somebody else discarded it
  }
  if (readIfThere(aside) !== seen) {
    try {
      linkSync(aside, file);
    } catch {
      // The name was taken again: the newest holder stays.
    }
  }
  unlinkSync(aside);
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function holderOf(text: string): Holder | undefined {
  try {
    const value = JSON.parse(text) as Partial<Holder>;
    return typeof value.pid === 'number' && typeof value.startTime === 'string'
      ? { pid: value.pid, startTime: value.startTime }
      : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(holder: Holder): boolean {
  return isProcessAlive(holder.pid) && startTimeOf(holder.pid) === holder.startTime;
}

/** Whether a process with this id exists, whoever owns it. A zombie counts as gone. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
  return statFields(pid)?.[0] !== 'Z';
}

/** Start time in clock ticks since boot where /proc tells it (field 22 of stat, proc(5)), else empty. */
function startTimeOf(pid: number): string {
  return statFields(pid)?.[19] ?? '';
}

/** The fields of /proc/<pid>/stat that follow the program name, which may itself hold spaces and brackets. */
function statFields(pid: number): readonly string[] | undefined {
  const text = readIfThere(`/proc/${pid}/stat`);
  return text?.slice(text.lastIndexOf(')') + 2).split(' ');
}
