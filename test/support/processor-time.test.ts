import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { eventually } from '../e2e/support/eventually.js';
import { attendedClock, processorWaitMs } from './processor-time.js';

test('waits for a processor are counted where the system does, and only grow', () => {
  const before = processorWaitMs();
  // No process has ever started without waiting at all.
  expect(before > 0).toBe(existsSync('/proc/self/schedstat'));
  expect(processorWaitMs()).toBeGreaterThanOrEqual(before);
});

test('the attended clock goes no faster than the wall, and goes on', async () => {
  const startedAt = performance.now();
  const elapsedMs = attendedClock();
  while (elapsedMs() < 20) await new Promise(setImmediate);
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(20);
});

test('what never holds is told with its last complaint once its time is over', async () => {
  let count = 0;
  const failing = eventually(() => expect((count += 1)).toBe(0), { withinMs: 60 });
  await expect(failing).rejects.toThrow(/expected \d+ to be \+?0/);
  expect(count).toBeGreaterThan(1);
});
