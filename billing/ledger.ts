/**
 * The port of the ledger: every move of money is one method, one Postgres transaction, and names every outcome it
 * can have. All of them are idempotent by ticket id. Faults: `ledgerUnavailable` when Postgres cannot be reached or
 * does not answer in time (the outcome is then unknown and the same call may be repeated).
 */
import type { TicketId } from '#base/ids.js';
import type { EpochMs } from '#base/time.js';
import type { Credits, Money } from '#base/units.js';

/** What is written about a statement when its ticket is made; descriptive, no money. */
export interface TicketFacts {
  readonly ticketId: TicketId;
  readonly account: string;
  readonly sessionId: string;
  readonly requestId: string;
  readonly requestHash: string;
  readonly principalId: string;
  /** The shared principal that signed in, when its claim named the team; null without one. */
  readonly viaPrincipalId: string | null;
  readonly teamId: string;
  readonly workload: string | null;
  /** What the tool said beside it: `model`, `run`, `dag`, `dashboard`. */
  readonly origin?: { readonly [K in 'model' | 'run' | 'dag' | 'dashboard']?: string } | null;
  readonly snowflakeUser: string;
  readonly roleName: string | null;
  readonly tier: string;
  readonly warehouse: string | null;
  readonly warehouseSize: string | null;
  readonly statementClass: string;
  readonly fingerprint: string;
  /** Literal-free text, cut at 2,000 characters. */
  readonly statementShape: string;
  readonly basis: string;
  readonly lowCredits: Credits;
  readonly expectedCredits: Credits;
  readonly highCredits: Credits;
  readonly expectedSeconds: number;
  readonly estimatedBytes: number | null;
  readonly pricePerCredit: Money;
  readonly currency: string;
  readonly controlVersion: number;
  readonly replica: string;
  readonly occurredAt: EpochMs;
}

export interface ReserveRequest {
  readonly ticket: TicketFacts;
  /** Ids of every budget on the statement's path; all or none are held against. */
  readonly budgetIds: readonly string[];
  readonly holdCredits: Credits;
}

/**
 * How one budget stands at an instant. `available` is negative while in debt. What replicas have leased and no statement
 * holds is available in {@link Ledger.standing}, and held where something was just judged: so much could not be taken then.
 */
export interface BudgetStanding {
  readonly budgetId: string;
  readonly periodStartsAt: EpochMs;
  readonly periodEndsAt: EpochMs;
  readonly isHard: boolean;
  /** null: unlimited. */
  readonly limitCredits: Credits | null;
  readonly spentCredits: Credits;
  readonly heldCredits: Credits;
  readonly availableCredits: Credits | null;
}

export type ReserveOutcome =
  | {
      readonly kind: 'held';
      readonly holdCredits: Credits;
      readonly budgets: readonly BudgetStanding[];
    }
  /** A ticket stands for this request already, perhaps on another replica: nothing was written. */
  | { readonly kind: 'known'; readonly ticket: KnownTicket }
  /** A hard budget has less available than the hold; `budget` is the tightest. The ticket is recorded as refused. */
  | { readonly kind: 'refused'; readonly budget: BudgetStanding; readonly shortByCredits: Credits };

export const TICKET_STATES = [
  'NEW',
  'RESERVED',
  'SENT',
  'RUNNING',
  'SETTLED',
  'VOID',
  'IN_DOUBT',
] as const;
export type TicketState = (typeof TICKET_STATES)[number];

/** What a client was told: the code (`TG2001`, `000604`), one screen of text, its JSON twin. */
export interface Told {
  readonly code: string;
  readonly message: string;
  readonly detail: unknown;
}

/** A ticket as any replica reads it. */
export interface KnownTicket {
  readonly ticketId: TicketId;
  readonly state: TicketState;
  readonly account: string;
  readonly sessionId: string;
  readonly requestId: string;
  readonly requestHash: string;
  readonly teamId: string;
  readonly viaPrincipalId: string | null;
  /** Who has the statement, or had it last. */
  readonly replica: string;
  readonly snowflakeQueryId: string | null;
  readonly holdCredits: Credits;
  /** The most that it may use; null: it was not sent, or nobody wrote it. */
  readonly ceilingCredits: Credits | null;
  readonly ending: Ending | null;
  /** null: not refused, or its text is not written yet. */
  readonly refusal: Told | null;
  readonly isRefused: boolean;
  /** In place of upstream's "canceled"; null unless Tollgate stopped it. */
  readonly stopTold: Told | null;
  /** False: it was given up before it was sent, and a repeat of its request is a new statement. */
  readonly standsForRequest: boolean;
  /** How long ago another replica last answered somebody who waits for it, in real time; null: never. */
  readonly seenAgoMs: number | null;
}

/** Why a hold is given back. */
export type ReleaseReason =
  /** Something failed before it was sent; its request may come again as a new statement. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** The client cancelled it, or nobody waited any more: a repeat is told so. */
  | { readonly kind: 'cancelled'; readonly reason: string }
  /** A repeat is given the same refusal. */
  | { readonly kind: 'refused'; readonly refusal: Told };

export type TopUpOutcome =
  | { readonly kind: 'held'; readonly holdCredits: Credits }
  /** The hold is already at least that high. */
  | { readonly kind: 'replayed'; readonly holdCredits: Credits }
  /** Nothing was added; the statement is to be cancelled. */
  | { readonly kind: 'refused'; readonly budget: BudgetStanding; readonly shortByCredits: Credits }
  | { readonly kind: 'closed'; readonly state: TicketState };

/** How a statement ended upstream. */
export const ENDINGS = ['succeeded', 'failed', 'cancelled', 'stopped'] as const;
export type Ending = (typeof ENDINGS)[number];

export interface Settlement {
  readonly ticketId: TicketId;
  readonly ending: Ending;
  /** Set when Tollgate stopped it (`TG4001`), or upstream's own code when it failed. */
  readonly endCode: string | null;
  readonly snowflakeQueryId: string | null;
  /** Of a multi-statement: its statements' query ids, in order, whose shares make up the charge. */
  readonly childQueryIds?: readonly string[];
  readonly usedCredits: Credits;
  /** Warehouse-milliseconds the charge stands for. */
  readonly warehouseMs: number;
  readonly bytesScanned: number | null;
  readonly rowsProduced: number | null;
  readonly startedAt: EpochMs;
  readonly endedAt: EpochMs;
}

export type SettleOutcome =
  | {
      readonly kind: 'charged';
      readonly chargedCredits: Credits;
      readonly chargedMoney: Money;
      readonly overrunCredits: Credits;
    }
  | { readonly kind: 'replayed' }
  /**
   * A charge with other figures stands already; corrections are adjustments, not settlements. `isSameQuery`: it is of
   * the same query of Snowflake, which two have measured, such as a reply and the query history.
   */
  | { readonly kind: 'conflict'; readonly state: TicketState; readonly isSameQuery: boolean };

export type ReleaseOutcome =
  | { readonly kind: 'released'; readonly releasedCredits: Credits }
  | { readonly kind: 'alreadyClosed'; readonly state: TicketState }
  /** It was sent: only evidence or a settlement may close it (I5). */
  | { readonly kind: 'sent'; readonly state: TicketState };

/** A statement that never held anything: refused by rule, or free. Recorded for WHY and MY_QUERIES. */
export interface UnheldTicket {
  readonly ticket: TicketFacts;
  readonly state: 'VOID' | 'SETTLED';
  /** `TG2101` …; null for a free statement. */
  readonly refusal: Told | null;
  readonly snowflakeQueryId: string | null;
}

export interface Ledger {
  /** Makes the ticket and holds `holdCredits` on every budget, or on none. */
  reserve(request: ReserveRequest): Promise<ReserveOutcome>;
  /** Writes the text and details of the refusal the client was given; for `WHY`. */
  recordRefusal(ticketId: TicketId, refusal: Told): Promise<void>;
  /** A statement that was given up with its replica: what its client was told is the answer of its request from now on. */
  tellLost(ticketId: TicketId, refusal: Told): Promise<void>;
  /** Raises the hold to `holdCredits` in all, from the same budgets and periods; of a ticket in doubt too. */
  topUp(ticketId: TicketId, holdCredits: Credits): Promise<TopUpOutcome>;
  /**
   * RESERVED → SENT, before the first byte goes upstream. False: the ticket is not RESERVED any more; do not send.
   * `ceilingCredits`: the most that it may use, for whoever goes on with it after this replica; null: what is held.
   */
  markSent(ticketId: TicketId, sentAt: EpochMs, ceilingCredits?: Credits | null): Promise<boolean>;
  /** SENT → RUNNING with the query id upstream gave. */
  markRunning(ticketId: TicketId, snowflakeQueryId: string): Promise<void>;
  /** Closes the hold and writes the one charge. Accepts any amount; above the hold it is overrun (I6). */
  settle(settlement: Settlement): Promise<SettleOutcome>;
  /** Gives the hold of a statement that was never sent back: → VOID. */
  release(ticketId: TicketId, reason: ReleaseReason): Promise<ReleaseOutcome>;
  /**
   * → VOID for a SENT, RUNNING or IN_DOUBT ticket, on evidence that it did not run. `evidence` is kept. With
   * `onlyInDoubt` one that was sent again meanwhile stays as it is.
   */
  voidOnEvidence(
    ticketId: TicketId,
    evidence: string,
    onlyInDoubt?: boolean,
  ): Promise<ReleaseOutcome>;
  /** Tickets of dead replicas: SENT/RUNNING → IN_DOUBT, RESERVED → VOID (never sent). Returns those in doubt. */
  adoptOrphans(liveReplicas: readonly string[], at: EpochMs): Promise<readonly OpenTicket[]>;
  /** Every ticket with an open hold. */
  openTickets(): Promise<readonly OpenTicket[]>;
  /** Records free and refused statements, in one batch. Returns, in order, which were new. */
  recordUnheld(tickets: readonly UnheldTicket[]): Promise<readonly boolean[]>;
  /** SENT, RUNNING → IN_DOUBT: its reply was lost; nothing when `replica` does not have it any more. */
  markInDoubt(ticketId: TicketId, replica: string): Promise<void>;
  /**
   * IN_DOUBT → SENT on `replica`, under the same hold; undefined: it has ended, is being stopped, or another replica has
   * it.
   */
  takeOver(ticketId: TicketId, replica: string, sentAt: EpochMs): Promise<SentSoFar | undefined>;
  /** The ticket with this id. */
  ticket(ticketId: TicketId): Promise<KnownTicket | undefined>;
  /** The ticket that answers repeats of a request. */
  ticketOfRequest(request: {
    readonly account: string;
    readonly sessionId: string;
    readonly requestId: string;
  }): Promise<KnownTicket | undefined>;
  /** The ticket of one of Snowflake's query ids. */
  ticketOfQuery(account: string, queryId: string): Promise<KnownTicket | undefined>;
  /** Somebody waits for the statement on a replica that does not have it. */
  markSeen(ticketId: TicketId): Promise<void>;
  /** Asks the replica where a statement waits to give it up; false: it does not wait any more. */
  askCancel(ticketId: TicketId): Promise<boolean>;
  /** Statements that waited on `replica` when they were cancelled elsewhere, and have not ended. */
  cancelsAsked(replica: string): Promise<readonly TicketId[]>;
  /** Keeps what the client of a stopped statement is told, for every replica. */
  tellStop(ticketId: TicketId, told: Told): Promise<void>;
  /** Current standing of budgets, in the period that contains `at`. */
  standing(budgetIds: readonly string[], at: EpochMs): Promise<readonly BudgetStanding[]>;
}

/** What is known of a statement that was sent, for whoever goes on with it. */
export interface SentSoFar {
  /** It runs since then at the earliest. */
  readonly firstSentAt: EpochMs;
  /** The most that it may use; null: nobody wrote it. */
  readonly ceilingCredits: Credits | null;
  /** What it had used, as whoever had it said last; null: nobody has said anything yet. */
  readonly use: { readonly usedCredits: Credits; readonly at: EpochMs } | null;
}

export interface OpenTicket {
  readonly ticketId: TicketId;
  readonly state: TicketState;
  readonly account: string;
  readonly teamId: string;
  readonly warehouse: string | null;
  readonly snowflakeQueryId: string | null;
  readonly holdCredits: Credits;
  readonly pricePerCredit: Money;
  readonly currency: string;
  readonly tier: string;
  /** Tollgate was about to stop it, and its client is told so. */
  readonly isStopTold: boolean;
  /** False: break-glass; it may use its ceiling whatever budgets have. */
  readonly isHeldByBudgets: boolean;
  readonly occurredAt: EpochMs;
  readonly replica: string;
  /** null: it was not sent. */
  readonly sent: SentSoFar | null;
}
