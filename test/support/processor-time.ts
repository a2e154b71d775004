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
