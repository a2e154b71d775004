/**
 * One method per business event of the data plane: counts it and, where people want to read it, logs it. Labels are
 * bounded: teams, tiers and codes, never a statement, principal or query id. Never throws.
 */
import type { Log } from '#base/log.js';
import type { Metrics } from '#base/metrics.js';
import { approximate, formatAmount } from '#base/units.js';
import type { Credits } from '#base/units.js';
import type { ClaimProblem } from '#policies/claim.js';
import type { Settlement } from '#billing/ledger.js';
import { createGuardEvents, type GuardEvents } from './running/guard-events.js';
import { createAccuracy, type NoteAccuracy } from './estimates/accuracy.js';

/** `govern`: from arrival to the first byte upstream, queueing included; `relay`: from there to the end of the reply. */
export const PHASES = ['govern', 'relay'] as const;
export type Phase = (typeof PHASES)[number];

/** Steps of the path whose time is measured, in their order; waiting is in `approve`, `slow-down` and `admit`. */
export const STEPS = [
  'receive',
  'identify',
  'analyse',
  'estimate',
  'decide',
  'reserve',
  'approve',
  'slow-down',
  'admit',
  'hand-over',
  'relay',
  'settle',
] as const;
export type Step = (typeof STEPS)[number];

export interface Events extends GuardEvents {
  loggedIn(account: string): void;
  /** A statement arrived; `isFree` once it is known. */
  statement(team: string, tier: string, statementClass: string, isFree: boolean): void;
  refused(code: string, team: string): void;
  settled(settlement: Settlement, isOverrun: boolean): void;
  /** How far off the estimate of a settled statement was. */
  estimated: NoteAccuracy;
  stopped(code: string): void;
  /** A claim in a tag: `valid`, or why it was not believed. */
  claim(outcome: ClaimProblem | 'valid'): void;
  upstreamFailed(kind: string): void;
  /** A plan was asked for in a client's session: `bound`, or `no bound` when it told nothing. */
  explained(outcome: 'bound' | 'no bound'): void;
  fault(code: string, error: Error): void;
  /** The ledger did not take a settlement; it waits in the journal. */
  settleFailed(): void;
  /** A statement of a team used so much in a tier. */
  used(team: string, tier: string, usedCredits: Credits): void;
  /** Time a step took of one statement, in seconds of real time. */
  step(step: Step, seconds: number): void;
  /** From now on each call notes the time since the one before it. */
  stopwatch(): (step: Step) => void;
  /** Time a phase of a forwarded statement took, in seconds of real time. */
  phase(phase: Phase, seconds: number): void;
}

const STEP_BUCKETS = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 5, 30, 300,
];
const PHASE_BUCKETS = [0.0001, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30];

export function createEvents(metrics: Metrics, log: Log): Events {
  const logins = metrics.counter('tollgate_logins_total', 'Sessions opened through the proxy', [
    'account',
  ]);
  const statements = metrics.counter('tollgate_statements_total', 'Statements received', [
    'team',
    'tier',
    'class',
    'free',
  ]);
  const refusals = metrics.counter('tollgate_refusals_total', 'Statements and requests refused', [
    'code',
    'team',
  ]);
  const settlements = metrics.counter('tollgate_settlements_total', 'Statements settled', [
    'ending',
    'overrun',
  ]);
  const stops = metrics.counter('tollgate_stops_total', 'Statements stopped while running', [
    'code',
  ]);
  const claims = metrics.counter('tollgate_claims_total', 'On-behalf-of claims in query tags', [
    'outcome',
  ]);
  const upstream = metrics.counter(
    'tollgate_upstream_failures_total',
    'Requests upstream did not answer',
    ['kind'],
  );
  const plans = metrics.counter(
    'tollgate_explains_total',
    'Plans asked for in sessions of clients',
    ['outcome'],
  );
  const faults = metrics.counter('tollgate_faults_total', 'Requests that ended in a fault', [
    'code',
  ]);
  const phases = metrics.histogram(
    'tollgate_statement_phase_seconds',
    'Time per phase of a forwarded statement',
    PHASE_BUCKETS,
    ['phase'],
  );
  return {
    ...createStepEvents(metrics),
    loggedIn: (account) => logins.inc({ account }),
    statement: (team, tier, statementClass, isFree) =>
      statements.inc({ team, tier, class: statementClass, free: String(isFree) }),
    refused: (code, team) => refusals.inc({ code, team }),
    settled: (settlement, isOverrun) => {
      settlements.inc({ ending: settlement.ending, overrun: String(isOverrun) });
      log.debug(
        { ticketId: settlement.ticketId, usedCredits: formatAmount(settlement.usedCredits) },
        'statement settled',
      );
    },
    estimated: createAccuracy(metrics),
    stopped: (code) => stops.inc({ code }),
    ...createGuardEvents(metrics),
    claim: (outcome) => claims.inc({ outcome }),
    upstreamFailed: (kind) => upstream.inc({ kind }),
    explained: (outcome) => plans.inc({ outcome }),
    fault: (code, error) => {
      faults.inc({ code });
      log.error({ err: error, code }, 'a request ended in a fault');
    },
    phase: (phase, seconds) => phases.observe(seconds, { phase }),
  };
}

function createStepEvents(
  metrics: Metrics,
): Pick<Events, 'settleFailed' | 'step' | 'stopwatch' | 'used'> {
  const steps = metrics.histogram(
    'tollgate_step_seconds',
    'Time of one step of a statement, waiting included',
    STEP_BUCKETS,
    ['step'],
  );
  const used = metrics.counter(
    'tollgate_used_credits_total',
    'Credits that ended statements used, by the clock of the proxy; charges are exact',
    ['team', 'tier'],
  );
  const failures = metrics.counter(
    'tollgate_settle_failures_total',
    'Settlements that the ledger did not take at once; they wait in the journal',
  );
  const step: Events['step'] = (name, seconds) => steps.observe(seconds, { step: name });
  return {
    step,
    stopwatch: () => {
      let sinceMs = performance.now();
      return (name) => {
        const nowMs = performance.now();
        step(name, (nowMs - sinceMs) / 1000);
        sinceMs = nowMs;
      };
    },
    used: (team, tier, usedCredits) => used.inc({ team, tier }, approximate(usedCredits)),
    settleFailed: () => failures.inc(),
  };
}
