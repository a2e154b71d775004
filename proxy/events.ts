/**
 * One method per business event of the data plane: counts it and, where people want to read it, logs it. Labels are
 * bounded: teams, tiers and codes, never a statement, principal or query id. Never throws.
 */
import type { Log } from '#base/log.js';
import type { Metrics } from '#base/metrics.js';
import { approximate, formatAmount } from '#base/units.js';
import type { Credits } from '#base/units.js';
import type { ClaimProblem } from '#policies/claim.js';
import type { TicketId } from '#base/ids.js';
import type { Settlement } from '#billing/ledger.js';
import type { Call } from './call.js';
import type { Estimated } from './stages.js';
import type { StatementTraces } from './traces.js';
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
  /** A statement passed the rules. */
  allowed(statement: Estimated, statementClass: string): void;
  /** `ticketId`: of what was refused, where it is a statement. */
  refused(code: string, team: string, ticketId?: TicketId): void;
  settled(settlement: Settlement, isOverrun: boolean): void;
  /** How far off the estimate of a settled statement was. */
  estimated: NoteAccuracy;
  stopped(code: string, ticketId: TicketId): void;
  /** A claim in a tag: `valid`, or why it was not believed. */
  claim(outcome: ClaimProblem | 'valid'): void;
  upstreamFailed(kind: string, ticketId?: TicketId): void;
  /** Upstream named a statement, and where it has ended, how; a null failure is none. */
  ran(ticketId: TicketId, queryId: string | null, failure: string | null): void;
  /** Nobody waits for the request of a statement any more; also where it was none. */
  answered(ticketId: TicketId): void;
  /** A plan was asked for in a client's session: `bound`, or `no bound` when it told nothing. */
  explained(outcome: 'bound' | 'no bound'): void;
  fault(code: string, error: Error, ticketId: TicketId): void;
  /** The ledger did not take a settlement; it waits in the journal. */
  settleFailed(): void;
  /** A statement of a team used so much in a tier. */
  used(team: string, tier: string, usedCredits: Credits): void;
  /** The ledger was told of the end of a statement, `seconds` of real time after it. */
  settleStep(settlement: Settlement, outcome: string, seconds: number): void;
  /** From now on each call notes the time since the one before it, in seconds of real time. */
  stopwatch(call: Call): (step: Step) => void;
  /** Time a phase of a forwarded statement took, in seconds of real time. */
  phase(phase: Phase, seconds: number): void;
}

const STEP_BUCKETS = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 5, 30, 300,
];
const PHASE_BUCKETS = [0.0001, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30];

/** `traces`: null where nobody collects them. */
export function createEvents(
  metrics: Metrics,
  log: Log,
  traces: StatementTraces | null = null,
): Events {
  const logins = metrics.counter('tollgate_logins_total', 'Sessions opened through the proxy', [
    'account',
  ]);
  const settlements = metrics.counter('tollgate_settlements_total', 'Statements settled', [
    'ending',
    'overrun',
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
    ...createStatementEvents(metrics, traces),
    ...createStepEvents(metrics, traces),
    loggedIn: (account) => logins.inc({ account }),
    settled: (settlement, isOverrun) => {
      settlements.inc({ ending: settlement.ending, overrun: String(isOverrun) });
      log.debug(
        { ticketId: settlement.ticketId, usedCredits: formatAmount(settlement.usedCredits) },
        'statement settled',
      );
    },
    estimated: createAccuracy(metrics),
    ...createGuardEvents(metrics),
    claim: (outcome) => claims.inc({ outcome }),
    upstreamFailed(kind, ticketId) {
      upstream.inc({ kind });
      if (ticketId !== undefined) traces?.failed(ticketId, kind);
    },
    explained: (outcome) => plans.inc({ outcome }),
    fault(code, error, ticketId) {
      faults.inc({ code });
      traces?.failed(ticketId, code);
      log.error({ err: error, code }, 'a request ended in a fault');
    },
    phase: (phase, seconds) => phases.observe(seconds, { phase }),
  };
}

/** What is told of one statement, to its counters and to its span. */
function createStatementEvents(
  metrics: Metrics,
  traces: StatementTraces | null,
): Pick<Events, 'allowed' | 'answered' | 'ran' | 'refused' | 'stopped'> {
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
  const stops = metrics.counter('tollgate_stops_total', 'Statements stopped while running', [
    'code',
  ]);
  return {
    allowed(statement, statementClass) {
      const { team, placement, isFree } = statement;
      const { id: tier } = placement.tier;
      statements.inc({ team: team.id, tier, class: statementClass, free: String(isFree) });
      traces?.allowed(statement, statementClass);
    },
    refused(code, team, ticketId) {
      refusals.inc({ code, team });
      if (ticketId !== undefined) traces?.refused(ticketId, code, team);
    },
    stopped(code, ticketId) {
      stops.inc({ code });
      traces?.refused(ticketId, code, '');
    },
    ran: (ticketId, queryId, failure) => traces?.ran(ticketId, queryId, failure),
    answered: (ticketId) => traces?.answered(ticketId),
  };
}

function createStepEvents(
  metrics: Metrics,
  traces: StatementTraces | null,
): Pick<Events, 'settleFailed' | 'settleStep' | 'stopwatch' | 'used'> {
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
  const step = (name: Step, seconds: number): void => steps.observe(seconds, { step: name });
  const untraced: Events['stopwatch'] = () => {
    let sinceMs = performance.now();
    return (name) => {
      const nowMs = performance.now();
      step(name, (nowMs - sinceMs) / 1000);
      sinceMs = nowMs;
    };
  };
  return {
    settleStep(settlement, outcome, seconds) {
      step('settle', seconds);
      traces?.settled(settlement, outcome, seconds);
    },
    stopwatch: traces === null ? untraced : tracedStopwatch(traces, step),
    used: (team, tier, usedCredits) => used.inc({ team, tier }, approximate(usedCredits)),
    settleFailed: () => failures.inc(),
  };
}

/** The same watch, which also hangs its times on the span of the statement. */
function tracedStopwatch(
  traces: StatementTraces,
  step: (name: Step, seconds: number) => void,
): Events['stopwatch'] {
  return (call) => {
    traces.arrived(call);
    let sinceMs = performance.now();
    return (name) => {
      const nowMs = performance.now();
      step(name, (nowMs - sinceMs) / 1000);
      traces.step(call.ticketId, name, sinceMs, nowMs);
      sinceMs = nowMs;
    };
  };
}
