/** Keeps this replica's leases alive, gives them back when others ask, and ends what dead replicas left. */
import { approximate } from '#base/units.js';
import { toError } from '#base/errors.js';
import type { Log } from '#base/log.js';
import type { CounterMetric, Metrics } from '#base/metrics.js';
import type { Database } from '#base/postgres/pool.js';
import type { Clock } from '#base/time.js';
import { AFTER_OUTAGE_MS, BUSY_PER_SECOND, Leases } from '#billing/leases.js';

/** A fifth of a lease: one that is late four times still lasts. */
const BEAT_MS = 2_000;

export interface LeaseKeeper {
  readonly leases: Leases;
  /** A replica is short of the period. */
  onAsked(periodId: string): void;
  /** Gives everything back. */
  stop(): Promise<void>;
}

export interface LeaseKeeperOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly replica: string;
  /** From how many statements a second on budgets are leased; the ledger's own unless given. */
  readonly leaseFromPerSecond?: number | undefined;
  /** A call that failed. */
  readonly onFailure?: (thrown: unknown) => void;
}

/** Makes the instruments of leases; the counter is of renewals that failed. */
export function exposeLeases(metrics: Metrics, leases: () => Leases): CounterMetric {
  metrics.gaugeFrom(
    'tollgate_leases',
    'Budgets of which this replica has a lease',
    () => leases().size,
  );
  metrics.gaugeFrom('tollgate_leases_idle_credits', 'Leased here and not held by a statement', () =>
    approximate(leases().idleCredits),
  );
  metrics.limited({
    resource: 'leases',
    unit: 'budgets',
    whenFull: 'further budgets are decided on in the ledger',
    read: () => leases().occupancy,
  });
  return metrics.counter(
    'tollgate_lease_renewals_failed_total',
    'Rounds in which the leases of this replica could not be renewed',
  );
}

export function startLeaseKeeper(options: LeaseKeeperOptions): LeaseKeeper {
  const { db, clock, log, metrics, replica } = options;
  const onProblem = (cause: unknown, what: string): void => log.warn({ err: toError(cause) }, what);
  const leases = new Leases({
    db,
    clock,
    replica,
    fromPerSecond: options.leaseFromPerSecond ?? BUSY_PER_SECOND,
    realNow: () => performance.now(),
    // Whoever starts does not know what the ledger has been through.
    reclaimFromMs: performance.now() + AFTER_OUTAGE_MS,
    onProblem,
  });
  const failed = exposeLeases(metrics, () => leases);
  let beating: Promise<void> | undefined;
  const beat = (): void => {
    beating ??= leases
      .beat()
      .catch((thrown: unknown) => {
        failed.inc();
        options.onFailure?.(thrown);
        onProblem(thrown, 'leases could not be renewed');
      })
      .finally(() => {
        beating = undefined;
      });
  };
  const timer = setInterval(beat, BEAT_MS);
  timer.unref();
  return {
    leases,
    onAsked: (periodId) => {
      leases
        .askedBack(periodId)
        .catch((thrown: unknown) => onProblem(thrown, 'a lease could not be given back yet'));
    },
    async stop() {
      clearInterval(timer);
      await beating;
      await leases.stop();
    },
  };
}
