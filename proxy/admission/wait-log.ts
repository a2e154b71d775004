/**
 * What became of every statement that asked for a permit: counted at once, written a moment later in batches, off the
 * path of statements. Attainment is counted from these events, so that figures and metrics are one and the same.
 */
import { Backlog, FlushLoop } from '#base/backlog.js';
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
  readonly #loop: FlushLoop;
  readonly #waiting = new Backlog<WaitEvent>(WAITING_MAX);
  #forgotAtMs = -Infinity;

  constructor(options: WaitLogOptions) {
    this.#options = options;
    this.#count = exposeWaits(options.metrics, () => this.#waiting.dropped);
    this.#loop = new FlushLoop({
      write: () => this.#write(),
      everyMs: ROUND_MS,
      onProblem: (thrown) =>
        options.log.warn(
          { err: toError(thrown), waiting: this.#waiting.size },
          'waits were not written yet',
        ),
    });
  }

  note(event: WaitEvent): void {
    this.#count(event);
    this.#waiting.add(event);
  }

  /** Writes what was noted; what cannot be written waits for the next time. Never throws. */
  flush(): Promise<void> {
    return this.#loop.flush();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #write(): Promise<void> {
    const { db, clock } = this.#options;
    while (this.#waiting.size > 0) {
      const batch = this.#waiting.first(BATCH_MAX);
      await insertWaits(db, batch);
      this.#waiting.written(batch);
    }
    if (performance.now() - this.#forgotAtMs < FORGET_EVERY_MS) return;
    await forgetWaits(db, clock.now());
    this.#forgotAtMs = performance.now();
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
