/**
 * What became of every statement that asked for a permit: counted at once, written a moment later in batches, off the
 * path of statements. Attainment is counted from these events, so that figures and metrics are one and the same.
 */
import { toError } from '#base/errors.js';
import type { Log } from '#base/log.js';
import type { Metrics } from '#base/metrics.js';
import type { Database } from '#base/postgres/pool.js';
import type { Clock } from '#base/time.js';
import { forgetWaits, insertWaits, type WaitEvent } from './wait-rows.js';

const ROUND_MS = 1000;
const BATCH_MAX = 1000;
const WAITING_MAX = 20_000;
const FORGET_EVERY_MS = 3_600_000;
/** Seconds; promises that are none of them are counted exactly by `tollgate_slo_statements_total`. */
export const WAIT_BUCKETS: readonly number[] = [
  0.01, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600,
];

export interface WaitLogOptions {
  readonly db: Database;
  readonly log: Log;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/** null: it is neither good nor bad, because it was cancelled in time, or nothing is promised. */
export function isGood({ outcome, waitedMs, targetMs }: WaitEvent): boolean | null {
  if (targetMs === null || (outcome === 'cancelled' && waitedMs <= targetMs)) return null;
  return outcome === 'admitted' && waitedMs <= targetMs;
}

export class WaitLog {
  readonly #options: WaitLogOptions;
  readonly #count: (event: WaitEvent) => void;
  readonly #timer: NodeJS.Timeout;
  #waiting: WaitEvent[] = [];
  #flushing: Promise<void> = Promise.resolve();
  #forgotAtMs = -Infinity;
  #dropped = 0;

  constructor(options: WaitLogOptions) {
    this.#options = options;
    this.#count = exposeWaits(options.metrics, () => this.#dropped);
    this.#timer = setInterval(() => void this.flush(), ROUND_MS);
    this.#timer.unref();
  }

  note(event: WaitEvent): void {
    this.#count(event);
    this.#waiting.push(event);
    if (this.#waiting.length <= WAITING_MAX) return;
    this.#waiting.shift();
    this.#dropped += 1;
  }

  /** Writes what was noted; what cannot be written waits for the next time. Never throws. */
  flush(): Promise<void> {
    this.#flushing = this.#flushing.then(() => this.#write());
    return this.#flushing;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  async #write(): Promise<void> {
    const { db, log, clock } = this.#options;
    try {
      while (this.#waiting.length > 0) {
        const batch = this.#waiting.slice(0, BATCH_MAX);
        await insertWaits(db, batch);
        const written = new Set(batch);
        // What is over the cap may have gone from the front meanwhile.
        this.#waiting = this.#waiting.filter((each) => !written.has(each));
      }
      if (performance.now() - this.#forgotAtMs < FORGET_EVERY_MS) return;
      await forgetWaits(db, clock.now());
      this.#forgotAtMs = performance.now();
    } catch (thrown) {
      log.warn(
        { err: toError(thrown), waiting: this.#waiting.length },
        'waits were not written yet',
      );
    }
  }
}

/** Makes the instruments of waits; what is returned counts one. */
export function exposeWaits(metrics: Metrics, dropped: () => number): (event: WaitEvent) => void {
  metrics.gaugeFrom('tollgate_waits_dropped', 'Waits that could not be written', dropped);
  const waits = metrics.histogram(
    'tollgate_queue_wait_seconds',
    'How long statements waited for a permit, in business time',
    WAIT_BUCKETS,
    ['tier', 'outcome'],
  );
  const promised = metrics.counter(
    'tollgate_slo_statements_total',
    'Statements that a tier makes a promise of, kept or not',
    ['tier', 'kept'],
  );
  return (event) => {
    const { tier, outcome, waitedMs } = event;
    waits.observe(waitedMs / 1000, { tier, outcome });
    const kept = isGood(event);
    if (kept !== null) promised.inc({ tier, kept: String(kept) });
  };
}
