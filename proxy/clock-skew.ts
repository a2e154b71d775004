/**
 * By how much this machine's clock differs from the database's, of every heartbeat: charges and holds carry the time of
 * the machine that made them, and tokens end by it, so that a wrong one is told while it serves and not only by `doctor`.
 */
import type { Log } from '#base/log.js';
import type { Metrics } from '#base/metrics.js';
import type { EpochMs } from '#base/time.js';

/** As `doctor` notes it (docs/operations.md). */
const TOLD_FROM_MS = 5_000;

export class ClockSkew {
  readonly #log: Log;
  #skewMs = 0;
  #isTold = false;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Ours minus the database's, as far as it is certain; 0 before the first heartbeat. */
  get seconds(): number {
    return this.#skewMs / 1000;
  }

  /**
   * The database answered; all times by real clocks. What lies within the time of the question is no difference.
   * @param databaseAt its clock between the question and the answer.
   */
  heard(askedAt: EpochMs, answeredAt: EpochMs, databaseAt: EpochMs): void {
    if (databaseAt < askedAt) this.#skewMs = askedAt - databaseAt;
    else this.#skewMs = Math.min(0, answeredAt - databaseAt);
    const isOff = Math.abs(this.#skewMs) > TOLD_FROM_MS;
    if (isOff === this.#isTold) return;
    this.#isTold = isOff;
    const fields = { skewSeconds: this.seconds };
    if (isOff)
      this.#log.warn(
        fields,
        'the clock of this machine is not that of the database; set it by NTP',
      );
    else this.#log.info(fields, 'the clock of this machine is that of the database again');
  }
}

/** Shows the skew of a replica. */
export function exposeClockSkew(metrics: Metrics, skew: () => Pick<ClockSkew, 'seconds'>): void {
  metrics.gaugeFrom(
    'tollgate_clock_skew_seconds',
    "What this machine's clock is ahead of the database's; below 0: behind it",
    () => skew().seconds,
  );
}
