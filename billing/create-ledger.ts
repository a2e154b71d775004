import type { Database } from '#base/postgres/pool.js';
import type { Clock } from '#base/time.js';
import type { Ledger } from './ledger.js';
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
import { markSent } from './postgres/mark-sent.js';
import { openTickets } from './postgres/open-tickets.js';
import { readStanding } from './postgres/read-standing.js';
import { recordRefusal } from './postgres/record-refusal.js';
import { recordUnheld } from './postgres/record-unheld.js';
import { release, voidOnEvidence } from './postgres/release.js';
import { reserve } from './postgres/reserve.js';
import { settle } from './postgres/settle.js';
import { topUp } from './postgres/top-up.js';

/**
 * The ledger on Postgres. Every move is one statement, so one transaction and one round trip; `clock` dates the
 * moves whose caller does not.
 */
export function createLedger(db: Database, clock: Clock): Ledger {
  return {
    reserve: (request) => ledgerCall(() => reserve(db, request)),
    recordRefusal: (ticketId, refusal) => ledgerCall(() => recordRefusal(db, ticketId, refusal)),
    topUp: (ticketId, holdCredits) =>
      ledgerCall(() => topUp(db, ticketId, holdCredits, clock.now())),
    markSent: (ticketId, sentAt) => ledgerCall(() => markSent(db, ticketId, sentAt)),
    markRunning: (ticketId, queryId) =>
      ledgerCall(() => markRunning(db, ticketId, queryId, clock.now())),
    settle: (settlement) => ledgerCall(() => settle(db, settlement)),
    release: (ticketId, reason) => ledgerCall(() => release(db, ticketId, reason, clock.now())),
    voidOnEvidence: (ticketId, evidence, onlyInDoubt = false) =>
      ledgerCall(() => voidOnEvidence(db, { ticketId, evidence, onlyInDoubt }, clock.now())),
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
