import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { must } from '../../../base/assert.js';
import { isProcessAlive, lockDirectory } from '../../../base/postgres/directory-lock.js';
import type { DirectoryLock } from '../../../base/postgres/directory-lock.js';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'tollgate-lock-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function locked(): DirectoryLock {
  const outcome = lockDirectory(directory, 'lock');
  return must(outcome.kind === 'locked' ? outcome.lock : undefined, 'the directory is free');
}

test('a directory is given to one holder at a time and leaves no file behind', () => {
  const lock = locked();
  expect(lockDirectory(directory, 'lock')).toEqual({ kind: 'taken', pid: process.pid });
  lock.release();
  lock.release();
  expect(readdirSync(directory)).toEqual([]);
  locked().release();
});

test.each([
  ['a process that is gone', JSON.stringify({ pid: 2 ** 22 + 1, startTime: '1' })],
  ['another process under the same id', JSON.stringify({ pid: process.pid, startTime: 'earlier' })],
  ['nobody we can make out', 'half a li'],
])('the lock of %s is taken over', (_name, content) => {
  writeFileSync(path.join(directory, 'lock'), content);
  locked().release();
  expect(readdirSync(directory)).toEqual([]);
});

test('a holder that lost its lock does not remove that of the next', () => {
  const first = locked();
  writeFileSync(path.join(directory, 'lock'), JSON.stringify({ pid: 1, startTime: 'x' }));
  first.release();
  expect(readdirSync(directory)).toEqual(['lock']);
});

test('a process that exists is alive, one that cannot exist is not', () => {
  expect(isProcessAlive(process.pid)).toBe(true);
  expect(isProcessAlive(process.ppid)).toBe(true);
  expect(isProcessAlive(2 ** 22 + 1)).toBe(false);
});
