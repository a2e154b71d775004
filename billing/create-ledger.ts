import type { Occupancy } from '#base/metrics.js';
import type { Database } from '#base/postgres/pool.js';
import type { Clock } from '#base/time.js';
import type { BatchLimits } from './batches.js';
import type { Leases } from './leases.js';
import type { Ledger } from './ledger.js';
import { DEFAULT_BATCH_LIMITS, createLedgerBatches } from './ledger-batches.js';
import type { LedgerBatches, Move } from './ledger-batches.js';
import { adoptOrphans } from './postgres/adopt-orphans.js';
import { ledgerCall } from './postgres/availability.js';
import {
  askCancel,
  cancelsAsked,
  markInDoubt,
  markSeen,
  takeOver,
  tellStop,
} from './postgres/follow.js';
import { ticketById, ticketByQuery, ticketByRequest } from './postgres/known-ticket.js';
import { markRunning } from './postgres/mark-running.js';
import { openTickets } from './postgres/open-tickets.js';
import { readStanding } from './postgres/read-standing.js';
import { recordRefusal, tellLost } from './postgres/record-refusal.js';
import { recordUnheld } from './postgres/record-unheld.js';
import { evidentRelease, unsentRelease } from './postgres/release.js';
import { reserve } from './postgres/reserve.js';
import { topUp } from './postgres/top-up.js';
import { waitForReturns } from './returns.js';

export interface LedgerOptions {
  readonly limits?: BatchLimits;
  /** Told the size of every batch, for the metric. */
  readonly onBatch?: (move: Move, size: number) => void;
  /** Given once what reads how many calls of a move wait for a batch, and how many may, for the metrics. */
  readonly exposeWaiting?: (read: (move: Move) => Occupancy) => void;
  /** Of the replica; absent: every decision is made on the periods. */
  readonly leases?: Leases;
}

/**
 * The ledger on Postgres. Every move is one statement, so one transaction and one round trip; calls of one move that
 * come while one is under way share the next. `clock` dates the moves whose caller does not.
 */
export function createLedger(db: Database, clock: Clock, options: LedgerOptions = {}): Ledger {
  const { limits = DEFAULT_BATCH_LIMITS, onBatch = () => undefined, leases } = options;
  const batches = createLedgerBatches({ db, clock, limits, onBatch, leases });
  options.exposeWaiting?.((move) => ({ used: batches[move].waiting, max: limits.waitingMax }));
  return {
    ...batchedMoves(db, batches, leases),
    recordRefusal: (ticketId, refusal) => ledgerCall(() => recordRefusal(db, ticketId, refusal)),
    tellLost: (ticketId, refusal) => ledgerCall(() => tellLost(db, ticketId, refusal)),
    topUp: (ticketId, holdCredits) =>
      ledgerCall(() =>
        topUp(db, { ticketId, holdCredits, mayBeReturned: waitForReturns(leases) }, clock),
      ),
    markRunning: (ticketId, queryId) =>
      ledgerCall(() => markRunning(db, ticketId, queryId, clock.now())),
    adoptOrphans: (liveReplicas, at) => ledgerCall(() => adoptOrphans(db, liveReplicas, at)),
    openTickets: () => ledgerCall(() => openTickets(db)),
    recordUnheld: (tickets) => ledgerCall(() => recordUnheld(db, tickets)),
    markInDoubt: (ticketId, replica) => ledgerCall(() => markInDoubt(db, ticketId, replica)),
    takeOver: (ticketId, replica, sentAt) =>
      ledgerCall(() => takeOver(db, ticketId, replica, sentAt)),
    ticket: (ticketId) => ledgerCall(() => ticketById(db, ticketId)),
    ticketOfRequest: (request) => ledgerCall(() => ticketByRequest(db, request)),
    ticketOfQuery: (account, queryId) => ledgerCall(() => ticketByQuery(db, account, queryId)),
    markSeen: (ticketId) => ledgerCall(() => markSeen(db, ticketId)),
    askCancel: (ticketId) => ledgerCall(() => askCancel(db, ticketId, clock.now())),
    cancelsAsked: (replica) => ledgerCall(() => cancelsAsked(db, replica)),
    tellStop: (ticketId, told) => ledgerCall(() => tellStop(db, ticketId, told)),
    standing: (budgetIds, at) => ledgerCall(() => readStanding(db, budgetIds, at)),
  };
}

function batchedMoves(
  db: Database,
  batches: LedgerBatches,
  leases: Leases | undefined,
): Pick<Ledger, 'reserve' | 'markSent' | 'settle' | 'release' | 'voidOnEvidence'> {
  return {
    reserve: (request) =>
      ledgerCall(() =>
        reserve(
          db,
          {
            batch: (each) => batches.reserve.submit(each),
            recordShort: ({ ticket }) => batches.refuse.submit(ticket),
            mayBeReturned: waitForReturns(leases),
          },
          request,
        ),
      ),
    markSent: (ticketId, sentAt, ceilingCredits = null) =>
      batches.send.submit({ ticketId, sentAt, ceilingCredits }),
    settle: (settlement) => batches.settle.submit(settlement),
    release: (ticketId, reason) => batches.release.submit(unsentRelease(ticketId, reason)),
    voidOnEvidence: (ticketId, evidence, onlyInDoubt = false) =>
      batches.release.submit(evidentRelease(ticketId, evidence, onlyInDoubt)),
  };
}
