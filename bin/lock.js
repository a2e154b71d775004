/**
 * A lock file with the holder's process id and start time, in the form of base/postgres/directory-lock.ts, which
 * cannot be loaded before the build. The lock of a process that is gone is taken over.
 */
import * as fs from 'node:fs';

const ATTEMPTS_MAX = 5;

/**
 * @param {string} file path of the lock
 * @returns {{ release?: () => void, pid?: number }} `release` when it is ours, else the id of the living holder
 */
export function takeLock(file) {
  const mine = JSON.stringify({ pid: process.pid, startTime: startTimeOf(process.pid) });
  const own = `${file}.${process.pid}`;
  fs.writeFileSync(own, mine, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      // A link appears with its content or not at all, and fails if the name exists.
      if (linked(own, file)) return { release: () => releaseIfMine(file, mine) };
      const text = readIfThere(file);
      if (text === undefined) continue;
      const holder = holderOf(text);
      if (holder !== undefined && isAlive(holder)) return { pid: holder.pid };
      discardStale(file, text, `${own}.stale`);
    }
    return { pid: holderOf(readIfThere(file) ?? '')?.pid ?? 0 };
  } finally {
    fs.rmSync(own, { force: true });
  }
}

function linked(from, to) {
  try {
    fs.linkSync(from, to);
    return true;
  } catch (thrown) {
    if (thrown.code === 'EEXIST') return false;
    throw thrown;
  }
}

function releaseIfMine(file, mine) {
  if (readIfThere(file) === mine) fs.rmSync(file, { force: true });
}

// Moved aside before it is deleted, and put back if a faster process had replaced it meanwhile.
function discardStale(file, seen, aside) {
  try {
    fs.renameSync(file, aside);
  } catch {
    return;
  }
  if (readIfThere(aside) !== seen) linked(aside, file);
  fs.rmSync(aside, { force: true });
}

function holderOf(text) {
  try {
    const { pid, startTime } = JSON.parse(text);
    return typeof pid === 'number' && typeof startTime === 'string'
      ? { pid, startTime }
      : undefined;
  } catch {
    return undefined;
  }
}

function isAlive({ pid, startTime }) {
  try {
    process.kill(pid, 0);
  } catch (thrown) {
    if (thrown.code !== 'EPERM') return false;
  }
  return statFields(pid)?.[0] !== 'Z' && startTimeOf(pid) === startTime;
}

/** Start time in ticks since boot where /proc tells it (field 22 of stat, proc(5)), else empty. */
function startTimeOf(pid) {
  return statFields(pid)?.[19] ?? '';
}

function statFields(pid) {
  const text = readIfThere(`/proc/${pid}/stat`);
  return text?.slice(text.lastIndexOf(')') + 2).split(' ');
}

function readIfThere(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
