/** Builders of what the guards over running statements take. */
import { silentLog } from '../../../base/log.js';
import { systemIds } from '../../../base/ids.js';
import { parseMoney } from '../../../base/units.js';
import type { Ledger } from '../../../billing/ledger.js';
import type { Clock } from '../../../base/time.js';
import { Attendance } from '../../../proxy/attendance.js';
import { driverFront } from '../../../proxy/driver-front.js';
import { DEFAULT_PATIENCE } from '../../../proxy/parts.js';
import { RunningStatements, type RunningStatement } from '../../../proxy/running/running.js';
import type { StopParts } from '../../../proxy/running/stop.js';
import type { Upstream } from '../../../proxy/upstream/upstreams.js';
import { anEstimate } from '../../policies/builders.js';
import { buildTicketId, credits } from '../../support/builders.js';

export function anUpstream(account: string): Upstream {
  return { account } as Upstream;
}

/** A statement that runs: a credit a second, one held, ten at most. */
export function aRunningStatement(changes: Partial<RunningStatement> = {}): RunningStatement {
  const ticketId = changes.ticketId ?? buildTicketId();
  return {
    ticketId,
    front: driverFront,
    upstream: anUpstream('demo'),
    sessionId: '1',
    upstreamToken: 't',
    requestId: 'r',
    attendance: new Attendance(() => 0),
    isAsync: false,
    clientGone: 'keep',
    owner: { ticketId, hash: 'h', isAsync: false, teamId: 'marketing', viaPrincipalId: null },
    teamId: 'marketing',
    principalId: 'marketing_analyst',
    fingerprint: 'f',
    stormKey: { text: 'k', arrivedAtMs: 0, controlVersion: 1 },
    tier: 'standard',
    warehouse: 'W',
    warehouseSize: 'MEDIUM',
    shownWarehouse: null,
    estimate: anEstimate(),
    creditsPerHour: credits('3600'),
    pricePerCredit: parseMoney('3'),
    currency: 'USD',
    ceilingCredits: credits('10'),
    startedAt: 1_000,
    usedBeforeMs: 0,
    isHeldByBudgets: true,
    holdCredits: credits('1'),
    queryId: null,
    stop: null,
    cancelledAtMs: null,
    onEnd: () => undefined,
    ...changes,
  };
}

/** What the meter takes of a replica; of a session's newer tokens nothing is known. */
export function stopParts(clock: Clock, ledger: Pick<Ledger, 'topUp' | 'tellStop'>): StopParts {
  return {
    clock,
    ledger: ledger as Ledger,
    ids: systemIds(),
    log: silentLog,
    patience: DEFAULT_PATIENCE,
    running: new RunningStatements(),
    sessions: { newestToken: () => Promise.resolve(undefined) },
    sealer: { open: () => undefined },
    doubts: { add: () => Promise.resolve() },
  } as unknown as StopParts;
}
