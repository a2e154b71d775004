import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { descendantsCpuMs } from '../../bench/processes.js';

const BURNT_MS = 150;

test('a child that has ended stays counted: autovacuum is no other program', () => {
  const used = (): number => descendantsCpuMs([0, process.pid]);
  const before = used();
  const burn = `while (process.cpuUsage().user < ${BURNT_MS * 1000}) {}`;
  expect(spawnSync(process.execPath, ['-e', burn]).status).toBe(0);
  // Of the test itself some milliseconds are in it too; without the child it is they alone.
  expect(used() - before).toBeGreaterThanOrEqual(BURNT_MS * 0.8);
});
