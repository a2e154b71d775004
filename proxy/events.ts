/**
 * One method per business event of the data plane: counts it and, where people want to read it, logs it. Labels are
 * bounded: teams, tiers and codes, never a statement, principal or query id. Never throws.
 */
import type { Log } from '#base/log.js';
import type { Metrics } from '#base/metrics.js';
import { formatAmount } from '#base/units.js';
import type { ClaimProblem } from '#policies/claim.js';
import type { Settlement } from '#billing/ledger.js';
import { createGuardEvents, type GuardEvents } from './running/guard-events.js';
import { createAccuracy, type NoteAccuracy } from './estimates/accuracy.js';

/** `govern`: from arrival to the first byte upstream, queueing included; `relay`: from there to the end of the reply. */
export const PHASES = ['govern', 'relay'] as const;
export type Phase = (typeof PHASES)[number];

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
  /** Time a phase of a forwarded statement took, in seconds of real time. */
  phase(phase: Phase, seconds: number): void;
}

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
