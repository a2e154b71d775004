import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { isPlenty, removeLeft } from './memory-folder.js';

const GIB = 1024 ** 3;

test.each([
  [24 * GIB, 20 * GIB, true],
  // What a container has unless it is told otherwise.
  [64 * 1024 ** 2, 20 * GIB, false],
  [24 * GIB, 3 * GIB, false],
])('with room for %d bytes and %d bytes free, files in memory: %s', (room, free, expected) => {
  expect(isPlenty({ roomBytes: room, freeMemoryBytes: free })).toBe(expected);
});

test('what a run that was killed left is removed after an hour; of runs that live, and of others, nothing is', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tollgate-left-'));
  // No process has an id above the limit of the kernel (proc(5), "pid_max").
  const dead = `tollgate-test-run-${2 ** 22 + 1}-abc`;
  const alive = `tollgate-test-run-${process.pid}-abc`;
  for (const name of [dead, alive, 'somebody-elses']) mkdirSync(path.join(folder, name));
  try {
    expect(removeLeft(folder, Date.now() + 60_000)).toEqual([]);
    expect(removeLeft(folder, Date.now() + 2 * 3_600_000)).toEqual([dead]);
    expect(readdirSync(folder).sort()).toEqual(['somebody-elses', alive]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
