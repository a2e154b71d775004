/**
 * The clock of the load: a thread that sleeps until each arrival and posts the instant it was due. A timer of the
 * event loop is late by up to a millisecond, which is more than what is measured; a futex is late by a tenth of that.
 */
import { parentPort, workerData } from 'node:worker_threads';

interface PacerData {
  /** Arrivals in milliseconds of the monotonic clock, ascending. */
  readonly arrivals: Float64Array;
}

const { arrivals } = workerData as PacerData;
const sleeper = new Int32Array(new SharedArrayBuffer(4));
for (const arrival of arrivals) {
  const wait = arrival - Number(process.hrtime.bigint()) / 1e6;
  if (wait > 0) Atomics.wait(sleeper, 0, 0, wait);
  parentPort?.postMessage(arrival);
}
