import { readFileSync } from 'node:fs';

/**
 * Milliseconds of processor time that `work` took in this process, its own threads included; a wall clock would take a
 * busy machine for a slow reader.
 */
export function processorMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/**
 * Milliseconds that this process could have run and had no processor, since it began: of its first thread, as Linux
 * counts them (Documentation/scheduler/sched-stats.rst, `/proc/<pid>/schedstat`). 0 where nobody counts.
 */
export function processorWaitMs(): number {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}

/** A clock from now on that stands while this process has no processor: what a busy machine takes is nobody's delay. */
export function attendedClock(): () => number {
  const startedAt = performance.now();
  const waitedBefore = processorWaitMs();
  return () => performance.now() - startedAt - (processorWaitMs() - waitedBefore);
}
