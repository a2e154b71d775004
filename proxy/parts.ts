/**
 * What the handlers of one replica are made of; assembled once in start-proxy.ts, general parts first. Steps of a statement
 * take it; what is a part of it never does, and names what it needs of the others.
 */
import type { Clock, EpochMs } from '#base/time.js';
import type { Ids, TicketId } from '#base/ids.js';
import type { Log } from '#base/log.js';
import type { WaitingAsk } from '#billing/approvals.js';
import type { BreakGlassOutcome, BreakGlassReason, BreakGlassUse } from '#billing/break-glass.js';
import type { Ledger, TicketFacts } from '#billing/ledger.js';
import type { PassUse, PassUseOutcome } from '#billing/passes.js';
import type { CountingAnalyser } from '#policies/sql/analyser.js';
import type { ControlRefresher } from './control/refresher.js';
import type { StatisticsCache } from './estimates/statistics.js';
import type { HistoryCache } from './estimates/history.js';
import type { ExplainBounds } from './estimates/explain-bounds.js';
import type { Events } from './events.js';
import type { Freezes } from './freezes.js';
import type { Gate } from './admission/gate.js';
import type { Vigil } from './admission/vigil.js';
import type { WaitLog } from './admission/wait-log.js';
import type { Claims } from './identity/claims.js';
import type { ClientAddress } from './identity/client-address.js';
import type { SessionStore } from './identity/sessions.js';
import type { Terminated } from './identity/terminated.js';
import type { TokenSealer } from './identity/tokens.js';
import type { BudgetUses } from './ladder-standings.js';
import type { Judgements } from './judgements/judgements.js';
import type { Offline } from './offline/offline.js';
import type { OwnStatements } from './own/own-statements.js';
import type { LastingPasses } from './passes.js';
import type { RequestRegistry } from './requests.js';
import type { Interventions } from './running/kills.js';
import type { RunRates } from './running/run-rates.js';
import type { RunningStatements } from './running/running.js';
import type { Doubts } from './settlement/doubts.js';
import type { StatementTraces } from './traces.js';
import type { TicketLog } from './settlement/ticket-log.js';
import type { Settler } from './settlement/settler.js';
import type { BearerProofs } from './sql-api/proofs.js';
import type { Storms } from './storms.js';
import type { Surface } from './surface/surface.js';
import type { Switching } from './switching/in-its-warehouse.js';
import type { Upstreams } from './upstream/upstreams.js';
import type { Slices } from './wire/slices.js';

/** Caps of the data plane; every one is a setting. */
export interface ProxyLimits {
  readonly requestBytesMax: number;
  readonly inflatedBytesMax: number;
  readonly statementBytesMax: number;
  /** Longest time a client may take to send its body. */
  readonly bodyTimeoutMs: number;
}

/** How long clients are kept waiting, and waited for, in milliseconds of real time. */
export interface Patience {
  /**
   * A statement that has not been answered after this long is answered with where to ask again: later than
   * Snowflake's own 45 s, so that what runs there is told in its words, and before Python gives up after 60 s.
   */
  readonly holdMs: number;
  /** A waiting statement that nobody asked for during this long is given up. */
  readonly abandonedAfterMs: number;
  /** After this long a client is gone, where its tier ends statements of clients that are. */
  readonly goneAfterMs: number;
  /** A statement waits this long for Snowflake's plan of it, then goes on without. */
  readonly planMs: number;
}

export const DEFAULT_PATIENCE: Patience = {
  holdMs: 48_000,
  abandonedAfterMs: 90_000,
  goneAfterMs: 30_000,
  planMs: 2_000,
};

/** Statements that run by somebody's word. Faults: `ledgerUnavailable`. */
export interface Approvals {
  /** Passes that may be there for a statement; the ledger decides. */
  readonly lasting: LastingPasses;
  /** Takes one run of what was granted for the ticket's statement. */
  use(use: Omit<PassUse, 'at'>): Promise<PassUseOutcome>;
  /** Asks for a ticket that waits. */
  ask(ask: Omit<WaitingAsk, 'at'>): Promise<void>;
  /** Closes the request of a ticket that does not wait any more. */
  withdraw(ticketId: TicketId, reason: string): Promise<void>;
}

/** What is written of break-glass. Faults: `ledgerUnavailable`. */
export interface BreakGlass {
  open(by: BreakGlassReason, at: EpochMs, minutes: number): Promise<EpochMs>;
  reserve(
    request: { readonly ticket: TicketFacts; readonly budgetIds: readonly string[] },
    by: BreakGlassReason,
  ): Promise<BreakGlassOutcome>;
  /** Writes the use to the audit log. */
  tell(use: BreakGlassUse): Promise<void>;
}

export interface Parts {
  readonly log: Log;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly limits: ProxyLimits;
  readonly slices: Slices;
  readonly replica: string;
  /** Where people reach the console; null: nobody has said. */
  readonly consoleUrl: string | null;
  readonly events: Events;
  /** null: nobody collects them. */
  readonly traces: StatementTraces | null;
  readonly control: ControlRefresher;
  readonly sealer: TokenSealer;
  readonly sessions: SessionStore;
  readonly terminated: Terminated;
  readonly clientAddress: ClientAddress;
  readonly claims: Claims;
  readonly bearerProofs: BearerProofs;
  readonly upstreams: Upstreams;
  readonly analyser: CountingAnalyser;
  readonly history: HistoryCache;
  readonly statistics: StatisticsCache;
  readonly explainBounds: ExplainBounds;
  readonly judgements: Judgements;
  readonly ownStatements: OwnStatements;
  readonly ledger: Ledger;
  readonly offline: Offline;
  readonly patience: Patience;
  readonly approvals: Approvals;
  readonly budgetUses: BudgetUses;
  /** Writes when a statement runs that waits for the off-peak hours. Fault `ledgerUnavailable`. */
  readonly runsAt: (ticketId: TicketId, at: EpochMs) => Promise<void>;
  readonly gate: Gate;
  readonly switching: Switching;
  readonly waitLog: WaitLog;
  readonly vigil: Vigil;
  readonly requests: RequestRegistry;
  readonly running: RunningStatements;
  readonly runRates: RunRates;
  readonly interventions: Interventions;
  readonly breakGlass: BreakGlass;
  readonly storms: Storms;
  readonly freezes: Freezes;
  /** Tickets whose statement is somewhere between its reserve and the end of its relay. */
  readonly inHand: Set<TicketId>;
  readonly settler: Settler;
  readonly doubts: Doubts;
  readonly ticketLog: TicketLog;
  readonly surface: Surface;
}
