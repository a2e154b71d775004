/**
 * Shows the ledger in the metrics of a worker: budgets, queues, open tickets, imports, invariants. Every worker shows
 * the same, because it is read from Postgres; graphs and alerts take the largest.
 */
import { toError } from '../base/errors.js';
import type { Stoppable } from '../base/lifecycle.js';
import type { Log } from '../base/log.js';
import type { CounterMetric, LabelledValue, Metrics } from '../base/metrics.js';
import type { Database } from '../base/postgres/pool.js';
import type { Clock } from '../base/time.js';
import {
  type BudgetGauge,
  checkInvariants,
  readGauges,
  type LedgerGauges,
} from '../billing/gauges.js';
import { readSealBacklog, type SealBacklog } from '../billing/seal/seal.js';

/** As often as Prometheus asks. */
const READ_EVERY_MS = 15_000;
/** Invariants read the whole ledger. */
const CHECK_EVERY_MS = 3_600_000;
/** The start of a deployment has better things to do. */
const FIRST_CHECK_MS = 60_000;

/** What was read last; empty while nothing is known, so that no old number stands for a new one. */
export interface LedgerReading {
  gauges: LedgerGauges | null;
  /** Read by every worker: the one that seals may be busy with something else, or hang. */
  backlog: SealBacklog | null;
  /** Rows that break an invariant, and when it was looked at last, in Unix seconds. */
  readonly invariants: Map<string, { readonly rows: number; readonly checkedAtSeconds: number }>;
}

/** Makes the instruments; the counters are of looks that failed. */
export function exposeLedgerGauges(
  metrics: Metrics,
  reading: LedgerReading,
): { readonly readsFailed: CounterMetric; readonly checksFailed: CounterMetric } {
  exposeBudgets(metrics, reading);
  exposeWork(metrics, reading);
  exposeUsage(metrics, reading);
  exposeBacklog(metrics, reading);
  const invariants = (of: 'rows' | 'checkedAtSeconds') => () =>
    [...reading.invariants].map(([invariant, found]) => ({
      labels: { invariant },
      value: found[of],
    }));
  metrics.gaugesFrom(
    'tollgate_invariant_broken_rows',
    'Rows that break an invariant of the ledger, at most 1000; anything but 0 is a bug',
    ['invariant'],
    invariants('rows'),
  );
  metrics.gaugesFrom(
    'tollgate_invariant_checked_timestamp_seconds',
    'When an invariant was looked at last, in Unix time',
    ['invariant'],
    invariants('checkedAtSeconds'),
  );
  return {
    readsFailed: metrics.counter(
      'tollgate_ledger_reads_failed_total',
      'Looks at the ledger for these metrics that failed; they then show nothing',
    ),
    checksFailed: metrics.counter(
      'tollgate_invariant_checks_failed_total',
      'Looks at an invariant that failed, mostly for taking too long',
      ['invariant'],
    ),
  };
}

/** Reads now and every quarter of a minute. `stop` waits for a look that is under way. */
export function startLedgerGauges(options: {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}): Stoppable {
  const { db, clock, log, metrics } = options;
  const reading: LedgerReading = { gauges: null, backlog: null, invariants: new Map() };
  const { readsFailed, checksFailed } = exposeLedgerGauges(metrics, reading);
  let checkAtMs = performance.now() + FIRST_CHECK_MS;
  const look = async (): Promise<void> => {
    try {
      reading.gauges = await readGauges(db, clock.now());
      reading.backlog = await readSealBacklog(db);
      if (performance.now() < checkAtMs) return;
      checkAtMs = performance.now() + CHECK_EVERY_MS;
      await checkInvariants(db, (invariant, outcome) => {
        if ('failed' in outcome) {
          checksFailed.inc({ invariant });
          log.warn({ err: outcome.failed, invariant }, 'an invariant could not be looked at');
          return;
        }
        const { rows } = outcome;
        if (rows > 0) log.error({ invariant, rows }, 'an invariant of the ledger is broken');
        reading.invariants.set(invariant, { rows, checkedAtSeconds: Date.now() / 1000 });
      });
    } catch (thrown) {
      reading.gauges = null;
      reading.backlog = null;
      readsFailed.inc();
      log.warn({ err: toError(thrown) }, 'the ledger could not be read for the metrics');
    }
  };
  let looking: Promise<void> | undefined;
  const run = (): void => {
    looking ??= look().finally(() => {
      looking = undefined;
    });
  };
  run();
  const timer = setInterval(run, READ_EVERY_MS);
  return {
    async stop() {
      clearInterval(timer);
      await looking;
    },
  };
}

function exposeBudgets(metrics: Metrics, reading: LedgerReading): void {
  const show = (name: string, help: string, of: (budget: BudgetGauge) => number | null): void =>
    metrics.gaugesFrom(name, help, ['budget', 'node', 'kind'], () =>
      (reading.gauges?.budgets ?? []).flatMap((budget): LabelledValue[] => {
        const value = of(budget);
        const kind = budget.isHard ? 'hard' : 'soft';
        const labels = { budget: budget.budget, node: budget.node, kind };
        return value === null ? [] : [{ labels, value }];
      }),
    );
  show(
    'tollgate_budget_limit_credits',
    'Limit of the open period, with grants and what was carried',
    (each) => each.limitCredits,
  );
  show('tollgate_budget_spent_credits', 'Charged in the open period', (each) => each.spentCredits);
  show(
    'tollgate_budget_held_credits',
    'Held for statements; what is leased and idle is not',
    (each) => each.heldCredits,
  );
  show(
    'tollgate_budget_forecast_credits',
    'What the open period will have spent at its end',
    (each) => each.forecastCredits,
  );
  show('tollgate_budget_period_seconds', 'Length of the open period', (each) => each.periodSeconds);
  show(
    'tollgate_budget_left_seconds',
    'What is left of the open period',
    (each) => each.leftSeconds,
  );
}

function exposeWork(metrics: Metrics, reading: LedgerReading): void {
  const now = (): Partial<LedgerGauges> => reading.gauges ?? {};
  metrics.gaugesFrom(
    'tollgate_queue_waiting',
    'Statements that wait in a tier, in the whole deployment',
    ['tier'],
    () => (now().lanes ?? []).map(({ tier, waiting }) => ({ labels: { tier }, value: waiting })),
  );
  metrics.gaugesFrom(
    'tollgate_queue_oldest_seconds',
    'How long the oldest of them has waited; 0: none waits',
    ['tier'],
    () =>
      (now().lanes ?? []).map(({ tier, oldestWaitSeconds }) => ({
        labels: { tier },
        value: oldestWaitSeconds,
      })),
  );
  const tickets = (of: 'count' | 'heldCredits' | 'oldestSeconds') => () =>
    (now().tickets ?? []).map((each) => ({ labels: { state: each.state }, value: each[of] }));
  metrics.gaugesFrom(
    'tollgate_open_tickets',
    'Tickets that hold credits',
    ['state'],
    tickets('count'),
  );
  metrics.gaugesFrom(
    'tollgate_open_ticket_credits',
    'What they hold',
    ['state'],
    tickets('heldCredits'),
  );
  metrics.gaugesFrom(
    'tollgate_open_ticket_oldest_seconds',
    'How old the oldest of them is, in business time',
    ['state'],
    tickets('oldestSeconds'),
  );
  metrics.gaugesFrom(
    'tollgate_replicas',
    'Proxies by whether they were heard of in the last ten seconds',
    ['state'],
    () =>
      Object.entries(now().replicas ?? {}).map(([state, value]) => ({ labels: { state }, value })),
  );
}

function exposeUsage(metrics: Metrics, reading: LedgerReading): void {
  const now = (): Partial<LedgerGauges> => reading.gauges ?? {};
  metrics.gaugesFrom(
    'tollgate_usage_import_age_seconds',
    "How long ago a view of Snowflake's usage was imported",
    ['account', 'view'],
    () =>
      (now().imports ?? []).map(({ account, view, ageSeconds }) => ({
        labels: { account, view },
        value: ageSeconds,
      })),
  );
  metrics.gaugesFrom(
    'tollgate_metered_credits',
    'Metered credits of the last seven days by where they went',
    ['account', 'bucket'],
    () =>
      (now().metered ?? []).map(({ account, bucket, credits }) => ({
        labels: { account, bucket },
        value: credits,
      })),
  );
  metrics.gaugesFrom(
    'tollgate_coverage_ratio',
    'Part of the credits that ran on a governed warehouse in the last allocated day that came through Tollgate',
    ['account', 'warehouse'],
    () =>
      (now().coverage ?? []).map(({ account, warehouse, ratio }) => ({
        labels: { account, warehouse },
        value: ratio,
      })),
  );
  metrics.gaugesFrom(
    'tollgate_hours_unallocated',
    'Metered warehouse-hours that wait to be allocated, or cannot be',
    ['account', 'state'],
    () =>
      (now().hours ?? []).map(({ account, state, hours }) => ({
        labels: { account, state },
        value: hours,
      })),
  );
}

function exposeBacklog(metrics: Metrics, reading: LedgerReading): void {
  // Without labels there is always a number: what is not known is none.
  const show = (name: string, help: string, of: keyof SealBacklog): void =>
    metrics.gaugeFrom(name, help, () => reading.backlog?.[of] ?? NaN);
  show('tollgate_ledger_unsealed_journals', 'Journals behind the chain', 'waiting');
  show(
    'tollgate_ledger_unsealed_seconds',
    'Seconds since the oldest journal behind the chain was recorded',
    'oldestSeconds',
  );
}
