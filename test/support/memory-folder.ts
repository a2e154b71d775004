/**
 * Files of a run that live in memory: databases, journals and warehouses are made and thrown away by the hundred, and on
 * a disk that was a third of what they took. Where memory is short, or the folder was chosen by TMPDIR, they go there.
 */
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, statfsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { isProcessAlive } from '../../base/postgres/directory-lock.js';

/** A file system in memory, which every Linux has (shm_overview(7)); containers often give it 64 MB. */
const MEMORY = '/dev/shm';
const USUAL = '/tmp';
const GIB = 1024 ** 3;
/** A run has some hundred megabytes at once; the logs of Postgres may grow to a gigabyte. */
const ROOM_BYTES = 4 * GIB;
const FREE_MEMORY_BYTES = 6 * GIB;
const PREFIX = 'tollgate-test-run-';
/** Of a run that was killed, and certainly of none in another container that shares the memory. */
const LEFT_MS = 3_600_000;

/** What is there of both, in bytes. */
export interface MemoryFacts {
  readonly roomBytes: number;
  readonly freeMemoryBytes: number;
}

/** Lets temporary files of this process and its children be made in memory until it ends, if there is plenty of it. */
export function useMemoryFolder(): void {
  if (os.tmpdir() !== USUAL) return;
  const facts = memoryFacts();
  if (facts === undefined || !isPlenty(facts)) return;
  removeLeft(MEMORY, Date.now());
  const folder = mkdtempSync(path.join(MEMORY, `${PREFIX}${process.pid}-`));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  // The server of Postgres runs as another user when this one is root.
  chmodSync(folder, 0o711);
  process.env['TMPDIR'] = folder;
}

/** Whether a run may put its files into memory: it leaves as much as it takes. */
export function isPlenty({ roomBytes, freeMemoryBytes }: MemoryFacts): boolean {
  return roomBytes >= ROOM_BYTES && freeMemoryBytes >= FREE_MEMORY_BYTES;
}

/** Undefined where there is no such file system, or none that this user may write. */
function memoryFacts(): MemoryFacts | undefined {
  try {
    const facts = statfsSync(MEMORY);
    // Also what the container may have of the machine.
    return { roomBytes: facts.bavail * facts.bsize, freeMemoryBytes: process.availableMemory() };
  } catch {
    return undefined;
  }
}

/** Removes what runs that were killed have left in `folder`: memory, until the machine starts anew. */
export function removeLeft(folder: string, now: number): readonly string[] {
  const left = readdirSync(folder).filter((name) => {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || isProcessAlive(Number(pid))) return false;
    const touched = statSync(path.join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? now;
    return now - touched > LEFT_MS;
  });
  for (const name of left) rmSync(path.join(folder, name), { recursive: true, force: true });
  return left;
}
