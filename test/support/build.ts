/** Compiles the sources to dist when a source is newer than the last build; one build at a time. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { lockDirectory } from '../../base/postgres/directory-lock.js';
import type { DirectoryLock } from '../../base/postgres/directory-lock.js';

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const DIST = path.join(ROOT, 'dist');
const STAMP = path.join(DIST, '.built-from');
const LOCK_WAIT_MS = 120_000;

/**
 * Builds if needed. A build with type errors still emits and is only reported: `npm test` has refused it before it
 * comes here, and a run of one file should not fail for another's.
 */
export function buildIfStale(): void {
  mkdirSync(DIST, { recursive: true });
  if (isFresh()) return;
  const lock = waitForLock();
  try {
    if (isFresh()) return;
    const startedAt = new Date();
    const compiler = path.join(
      path.dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
      'bin',
      'tsc',
    );
    const run = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    if (run.status !== 0) {
      process.stderr.write(
        `The build reports errors:\n${run.stdout.split('\n').slice(0, 10).join('\n')}\n`,
      );
    }
    writeFileSync(STAMP, '');
    // Sources saved while the compiler ran are newer than this and make the next run build again.
    utimesSync(STAMP, startedAt, startedAt);
  } finally {
    lock.release();
  }
}

function waitForLock(): DirectoryLock {
  const deadline = Date.now() + LOCK_WAIT_MS;
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    const outcome = lockDirectory(DIST, '.build.lock');
    if (outcome.kind === 'locked') return outcome.lock;
    if (Date.now() > deadline)
      throw new Error(`process ${outcome.pid} has been building for too long`);
    Atomics.wait(pause, 0, 0, 50);
  }
}

function isFresh(): boolean {
  const built = statSync(STAMP, { throwIfNoEntry: false })?.mtimeMs;
  return built !== undefined && sourcesChangedAt() < built;
}

function sourcesChangedAt(): number {
  const skipped = new Set(['node_modules', 'dist', 'console', 'coverage', 'docs']);
  let newest = 0;
  const visit = (directory: string): void => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      if (entry.name.startsWith('.') || skipped.has(entry.name)) continue;
      const file = path.join(directory, entry.name);
      if (entry.isDirectory()) visit(file);
      else if (/(?<!\.test)\.ts$|^(tsconfig.*|package)\.json$/.test(entry.name)) {
        newest = Math.max(newest, statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0);
      }
    }
  };
  visit(ROOT);
  return newest;
}
