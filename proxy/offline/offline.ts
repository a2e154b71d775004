/**
 * Step 6 while the ledger does not answer: what budgets have promised beforehand. Hard ones what this replica has leased,
 * soft ones also an allowance. What is admitted so is in the local journal before it is sent, and the ledger is told of it,
 * once, before it is told anything else of it. A statement takes twice its hold, at most what there is, and is stopped at what it
 * took, because nobody can be asked for more.
 */
import {
  NO_CREDITS,
  addCredits,
  approximate,
  formatAmount,
  maxAmount,
  minAmount,
  parseCredits,
  parseMoney,
} from '#base/units.js';
import type { Credits } from '#base/units.js';
import type { Log } from '#base/log.js';
import type { Metrics } from '#base/metrics.js';
import type { Clock, EpochMs } from '#base/time.js';
import type { Leases } from '#billing/leases.js';
import type { TicketFacts } from '#billing/ledger.js';
import { OfflineAllowances } from '#billing/offline.js';
import type { Allowance, AllowedBudget, OfflineClaim } from '#billing/offline.js';
import { toOfflineStatement } from '#billing/postgres/post-offline.js';
import type { OfflineBudget, OfflineStatement } from '#billing/postgres/post-offline.js';
import type { BudgetDocument } from '#policies/control/document.js';
import type { Permit } from '../admission/lane.js';
import type { Hold } from '../hold.js';
import { LedgerWatch } from './away.js';

export interface OfflineOptions {
  readonly clock: Clock;
  readonly realNow: () => number;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly leases: Pick<Leases, 'offlineCredits' | 'promise' | 'kept' | 'sawAway'>;
  /** Asks whether the ledger answers and takes writes; throws when not. */
  readonly ask: () => Promise<void>;
  /** Writes the statement to the local journal, from where the ledger will be told. */
  readonly keep: (statement: OfflineStatement) => Promise<void>;
  /** Statements that the ledger has not been told of. */
  readonly unposted: () => number;
  readonly intervalMs?: number;
}

export interface OfflineRequest {
  readonly ticket: TicketFacts;
  readonly budgets: readonly BudgetDocument[];
  readonly holdCredits: Credits;
  readonly ceilingCredits: Credits;
  readonly tier: string;
  /** Statements of the tier that this replica runs without the ledger at once. */
  readonly concurrencyMax: number;
}

export type OfflineOutcome =
  | { readonly kind: 'held'; readonly hold: Hold; readonly permit: Permit }
  /** `budgetId` null: its tier runs as many as it may, or no budget counts it. */
  | { readonly kind: 'refused'; readonly budgetId: string | null; readonly why: string };

interface Promised extends OfflineBudget {
  readonly allowance: Allowance | null;
}

export class Offline {
  readonly #options: OfflineOptions;
  readonly #allowances = new OfflineAllowances();
  readonly #watch: LedgerWatch;
  readonly #running = new Map<string, number>();
  readonly #admissions: (by: string, credits: Credits) => void;
  #outageStartedAt: EpochMs = 0;
  #admitted = { statements: 0, credits: NO_CREDITS, heldCredits: NO_CREDITS };

  constructor(options: OfflineOptions) {
    this.#options = options;
    this.#watch = new LedgerWatch({
      ask: options.ask,
      onAway: () => this.#begin(),
      onAnswer: () => this.#answered(),
      ...(options.intervalMs === undefined ? {} : { intervalMs: options.intervalMs }),
    });
    this.#admissions = exposeOffline(options.metrics, options.unposted);
  }

  /** The ledger is known not to answer: asking it would only take time. */
  get isAway(): boolean {
    return this.#watch.away !== null;
  }

  /** A call of the ledger failed. */
  suspect(thrown: unknown): void {
    this.#watch.suspect(thrown);
  }

  /** Promises the statement what its budgets have for it; nothing is written before it is handed over. */
  admit(request: OfflineRequest): OfflineOutcome {
    const { budgets, holdCredits } = request;
    if (budgets.length === 0) return refused(null, 'no budget counts this statement');
    if ((this.#running.get(request.tier) ?? 0) >= request.concurrencyMax)
      return refused(null, `tier ${request.tier} runs as many statements as it may without it`);
    const promised = budgets.map((budget) => this.#promiseOf(budget, request));
    const none = promised.findIndex((each) => each === null);
    if (none >= 0) {
      const id = budgets[none]?.id ?? '';
      return refused(id, `budget ${id} has promised nothing more for such a time`);
    }
    const found = promised.flatMap((each) => each ?? []);
    const most = this.#mostOf(request, found);
    const claim = this.#take(request, found, most) ?? this.#take(request, found, holdCredits);
    if (claim === undefined) return refused(null, 'what budgets allow for such a time is used up');
    return this.#held(request, found, claim);
  }

  /** The ledger has been told of a statement and holds so much for it. */
  posted(statement: OfflineStatement, heldCredits: Credits): void {
    const credits = parseCredits(statement.credits);
    for (const { id, by } of statement.budgets)
      if (by === 'lease') this.#options.leases.kept(id, credits, false);
    const { statements, credits: sum, heldCredits: held } = this.#admitted;
    this.#admitted = {
      statements: statements + 1,
      credits: addCredits(sum, credits),
      heldCredits: addCredits(held, heldCredits),
    };
  }

  stop(): Promise<void> {
    return this.#watch.stop();
  }

  #begin(): void {
    if (!this.#allowances.isOpen) {
      this.#outageStartedAt = this.#options.clock.now();
      this.#options.log.error({ away: this.#watch.away }, 'the ledger does not answer');
    }
    this.#allowances.failed();
    this.#options.leases.sawAway();
  }

  /** True: no outage is open. */
  #answered(): boolean {
    const { realNow, unposted, log } = this.#options;
    if (this.#allowances.answered(realNow(), unposted())) {
      const { statements, credits, heldCredits } = this.#admitted;
      log.warn(
        {
          statements,
          admittedCredits: formatAmount(credits),
          heldCredits: formatAmount(heldCredits),
          startedAt: this.#outageStartedAt,
        },
        'an outage of the ledger is over; this was admitted without it',
      );
      this.#admitted = { statements: 0, credits: NO_CREDITS, heldCredits: NO_CREDITS };
    }
    return !this.#allowances.isOpen;
  }

  #promiseOf(budget: BudgetDocument, { ticket, holdCredits }: OfflineRequest): Promised | null {
    const { id } = budget;
    const failMode = budget.failMode ?? { kind: 'leases' };
    if (failMode.kind === 'refuse') return null;
    const isLimit = budget.hard && budget.limitCredits !== 'unlimited';
    // Where only this replica is cut off, others may be given what it has leased.
    const mayLease = !isLimit || this.#watch.away === 'down';
    if (mayLease && this.#options.leases.offlineCredits(id, ticket.occurredAt) >= holdCredits)
      return { id, by: 'lease', allowance: null };
    if (failMode.kind !== 'allowance' || isLimit) return null;
    const { credits, amount } = failMode;
    const allowance: Allowance =
      credits === undefined
        ? { kind: 'money', money: parseMoney(amount ?? '0') }
        : { kind: 'credits', credits: parseCredits(credits) };
    return { id, by: 'allowance', allowance };
  }

  #mostOf(request: OfflineRequest, promised: readonly Promised[]): Credits {
    const { holdCredits, ceilingCredits, ticket } = request;
    const leased = promised
      .filter(({ by }) => by === 'lease')
      .map(({ id }) => this.#options.leases.offlineCredits(id, ticket.occurredAt));
    const twice = addCredits(holdCredits, holdCredits);
    const most = [ceilingCredits, ...leased].reduce((least, each) => minAmount(least, each), twice);
    return maxAmount(most, holdCredits);
  }

  #take(
    { ticket }: OfflineRequest,
    promised: readonly Promised[],
    credits: Credits,
  ): OfflineClaim | undefined {
    const budgets = promised.flatMap(({ id, allowance }): readonly AllowedBudget[] =>
      allowance === null ? [] : [{ budgetId: id, allowance }],
    );
    const claim = { budgets, credits, pricePerCredit: ticket.pricePerCredit };
    if (this.#allowances.take(claim).kind === 'short') return undefined;
    for (const { id, by } of promised)
      if (by === 'lease') this.#options.leases.promise(id, credits);
    return claim;
  }

  #held(
    request: OfflineRequest,
    promised: readonly Promised[],
    claim: OfflineClaim,
  ): OfflineOutcome {
    const { ticket } = request;
    const budgets = promised.map(({ id, by }): OfflineBudget => ({ id, by }));
    const permit = this.#permit(request.tier);
    const outageStartedAt = this.#outageStartedAt;
    let isSent = false;
    let isOver = false;
    const hold: Hold = {
      ticketId: ticket.ticketId,
      credits: claim.credits,
      isFree: false,
      handOver: async (sentAt) => {
        if (isSent) return true;
        const said = { budgets, credits: claim.credits, outageStartedAt, sentAt };
        await this.#options.keep(toOfflineStatement(ticket, said));
        isSent = true;
        for (const by of new Set(budgets.map((budget) => budget.by)))
          this.#admissions(by, claim.credits);
        return true;
      },
      isSent: () => isSent,
      releaseUnlessSent: () => {
        if (isSent || isOver) return Promise.resolve();
        isOver = true;
        permit.release();
        this.#allowances.giveBack(claim);
        for (const { id, by } of budgets)
          if (by === 'lease') this.#options.leases.kept(id, claim.credits, true);
        return Promise.resolve();
      },
    };
    return { kind: 'held', hold, permit };
  }

  #permit(tier: string): Permit {
    this.#running.set(tier, (this.#running.get(tier) ?? 0) + 1);
    let isReleased = false;
    return {
      release: () => {
        if (isReleased) return;
        isReleased = true;
        this.#running.set(tier, Math.max(0, (this.#running.get(tier) ?? 0) - 1));
      },
    };
  }
}

/** Makes the instruments of what is sent without the ledger; what is returned counts one admission. */
export function exposeOffline(
  metrics: Metrics,
  unposted: () => number,
): (by: string, credits: Credits) => void {
  const statements = metrics.counter(
    'tollgate_offline_statements_total',
    'Statements sent without the ledger',
    ['by'],
  );
  const credits = metrics.counter(
    'tollgate_offline_credits_total',
    'Credits that statements were admitted for without the ledger',
    ['by'],
  );
  metrics.gaugeFrom(
    'tollgate_offline_unposted',
    'Statements sent without the ledger that it has not been told of',
    unposted,
  );
  return (by, amount) => {
    statements.inc({ by });
    credits.inc({ by }, approximate(amount));
  };
}

function refused(budgetId: string | null, why: string): OfflineOutcome {
  return { kind: 'refused', budgetId, why };
}
