/**
 * The guard over statements in doubt that still run upstream (I7): nobody has them in hand, and they cost on. Whoever
 * looks after doubts meters them as the replica that had them did: their holds are topped up from the same budgets, and
 * one that reaches its ceiling, whose budgets have nothing more, or that somebody wants ended, is cancelled, as the
 * service user.
 */
import { must } from '#base/assert.js';
import { tgLabel, toError } from '#base/errors.js';
import type { TicketId } from '#base/ids.js';
import type { Log } from '#base/log.js';
import type { Queryable } from '#base/postgres/pool.js';
import type { ServiceConnection } from '#base/snowflake/service-connection.js';
import { quoteText } from '#base/sql/token-values.js';
import type { Clock, EpochMs } from '#base/time.js';
import { creditsForMillis, maxAmount } from '#base/units.js';
import type { Credits } from '#base/units.js';
import { killsInDoubt, killTaken } from '#billing/kills.js';
import type { Ledger, OpenTicket } from '#billing/ledger.js';
import { guardStep } from '#policies/rules/guard.js';
import type { GuardedStatement } from '#policies/rules/guard.js';
import { raiseHold } from '../running/raise.js';
import type { Raised } from '../running/raise.js';
import type { StopReason } from '../running/running.js';
import { tellStop } from '../running/tell-stop.js';
import { usedBeforeMs } from '../running/used-before.js';
import { writeUses } from '../running/uses.js';
import type { Use } from '../running/uses.js';

/** What upstream's history tells of a statement that has not ended. */
export interface GoingOn {
  readonly ticket: OpenTicket;
  /** Of a multi-statement several. */
  readonly queryIds: readonly string[];
  /** As upstream has it; undefined: it does not say. */
  readonly startedAt: EpochMs | undefined;
  /** Of its warehouse; undefined: the control document does not know it. */
  readonly creditsPerHour: Credits | undefined;
}

interface Watched {
  readonly lookedAt: EpochMs;
  /** Monotonic; -Infinity: it was not. */
  cancelledAtMs: number;
}

type Guarded = Omit<GuardedStatement, 'intervalMs'>;

/** Real time after which a cancel without effect is sent again. */
const CANCEL_AGAIN_MS = 3000;
/** In place of a replica, in what is written of statements' uses. */
const NOBODY = 'in-doubt';

export interface DoubtGuardOptions {
  readonly db: Queryable;
  readonly ledger: Pick<Ledger, 'tellStop' | 'topUp'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly realNow: () => number;
  /** Between two looks when nothing is late; real time. */
  readonly intervalMs: number;
}

export class DoubtGuard {
  readonly #options: DoubtGuardOptions;
  #watched: ReadonlyMap<TicketId, Watched> = new Map();
  /** Of the looks under way: what they do not see begins anew when it is seen again. */
  #watching = new Map<TicketId, Watched>();
  /** Who wants which one ended, and why, of those whose clients were told nothing yet. */
  #killedBy: ReadonlyMap<TicketId, string> = new Map();
  #uses: Use[] = [];
  #written = 0;

  constructor(options: DoubtGuardOptions) {
    this.#options = options;
  }

  /** Before each round of looks. Fault `ledgerUnavailable`. */
  async begin(): Promise<void> {
    const asked = await killsInDoubt(this.#options.db);
    this.#killedBy = new Map(
      asked.map(({ ticketId, askedBy, reason }) => [ticketId, `${askedBy}: ${reason}`]),
    );
  }

  /** Looks at one statement. Never rejects: the next look does what this one could not. */
  async look(service: ServiceConnection, going: GoingOn): Promise<void> {
    const { ticket } = going;
    try {
      await this.#guard(service, going);
    } catch (thrown) {
      this.#options.log.warn(
        { err: toError(thrown), ticketId: ticket.ticketId },
        'a statement in doubt could not be guarded; the next look will',
      );
    }
  }

  /**
   * Every statement in doubt has been looked at: what they have used is written for whoever asks, and whoever takes one
   * over. Fault of Postgres when it cannot be.
   */
  async lookedAtAll(): Promise<void> {
    const { clock, db } = this.#options;
    const uses = this.#uses;
    this.#uses = [];
    this.#watched = this.#watching;
    this.#watching = new Map();
    if (uses.length === 0 && this.#written === 0) return;
    await writeUses(db, NOBODY, uses, clock.now());
    this.#written = uses.length;
  }

  async #guard(service: ServiceConnection, going: GoingOn): Promise<void> {
    const { ticket } = going;
    const intervalMs = this.#sinceLooked(ticket.ticketId);
    const { soFar, guarded } = this.#amounts(going);
    const raised = { ticketId: ticket.ticketId, holdCredits: ticket.holdCredits };
    const killedBy = this.#killedBy.get(ticket.ticketId);
    if (ticket.isStopTold) await this.#cancel(service, going);
    else if (killedBy !== undefined) {
      const why = { code: 'killed', source: killedBy, limitCredits: ticket.holdCredits } as const;
      await this.#stop(service, going, { ...soFar, ...why });
      await killTaken(this.#options.db, ticket.ticketId);
    } else if (guarded !== undefined) {
      const why = await this.#meter(ticket, raised, { ...guarded, intervalMs });
      if (why !== undefined) await this.#stop(service, going, { ...soFar, ...why });
    }
    if (guarded !== undefined) this.#uses.push({ ...guarded, ...raised });
  }

  /** What it has used, by which it is guarded; not guarded is what has no known rate, and is charged what it holds. */
  #amounts({ ticket, startedAt, creditsPerHour }: GoingOn): {
    readonly soFar: Pick<StopReason, 'usedCredits' | 'elapsedMs'>;
    readonly guarded: Guarded | undefined;
  } {
    const now = this.#options.clock.now();
    const { sent, holdCredits } = ticket;
    if (sent === null || creditsPerHour === undefined) {
      const elapsedMs = now - (startedAt ?? ticket.occurredAt);
      return { soFar: { usedCredits: holdCredits, elapsedMs }, guarded: undefined };
    }
    // It cannot have used more than since upstream began it.
    const firstSentAt = Math.max(sent.firstSentAt, startedAt ?? sent.firstSentAt);
    const usedMs = usedBeforeMs({ ...sent, firstSentAt }, creditsPerHour, now);
    const usedCredits = creditsForMillis(creditsPerHour, usedMs, 'up');
    const ceilingCredits = maxAmount(sent.ceilingCredits ?? holdCredits, holdCredits);
    return {
      soFar: { usedCredits, elapsedMs: now - firstSentAt },
      guarded: { usedCredits, holdCredits, ceilingCredits, creditsPerHour },
    };
  }

  /** Tops its hold up where that is due; why it is to be stopped, or undefined. */
  async #meter(
    ticket: OpenTicket,
    raised: Raised,
    statement: GuardedStatement,
  ): Promise<Pick<StopReason, 'code' | 'source' | 'limitCredits'> | undefined> {
    const { ceilingCredits } = statement;
    const step = guardStep(statement);
    if (step.kind === 'stop')
      return { code: 'ceilingReached', source: 'ceiling', limitCredits: ceilingCredits };
    if (step.kind === 'runOn' || !ticket.isHeldByBudgets) return undefined;
    const spent = await raiseHold(this.#options.ledger, raised, step);
    return spent === undefined
      ? undefined
      : { code: 'budgetExhausted', source: spent.budgetId, limitCredits: raised.holdCredits };
  }

  /** Looks that come late look as much further ahead. */
  #sinceLooked(ticketId: TicketId): number {
    const { intervalMs, clock } = this.#options;
    const now = clock.now();
    const watched = this.#watched.get(ticketId);
    const cancelledAtMs = watched?.cancelledAtMs ?? -Infinity;
    this.#watching.set(ticketId, { lookedAt: now, cancelledAtMs });
    return Math.max(intervalMs * clock.scale, now - (watched?.lookedAt ?? now));
  }

  /** Its client is told why by whichever replica it asks; that is written first. */
  async #stop(service: ServiceConnection, going: GoingOn, stop: StopReason): Promise<void> {
    const { ledger, log } = this.#options;
    const { ticketId } = going.ticket;
    log.info({ ticketId, code: tgLabel(stop.code) }, 'a statement in doubt is stopped');
    await tellStop({ ledger }, going.ticket, stop);
    await this.#cancel(service, going);
  }

  /** Snowflake, "SYSTEM$CANCEL_QUERY": allowed with OPERATE on the warehouse, or as ACCOUNTADMIN. */
  async #cancel(service: ServiceConnection, { ticket, queryIds }: GoingOn): Promise<void> {
    const watched = must(this.#watching.get(ticket.ticketId), 'it is being looked at');
    const nowMs = this.#options.realNow();
    if (nowMs - watched.cancelledAtMs < CANCEL_AGAIN_MS) return;
    watched.cancelledAtMs = nowMs;
    try {
      for (const queryId of queryIds)
        // A function of the system is given constants.
        await service.query(`SELECT SYSTEM$CANCEL_QUERY(${quoteText(queryId)})`);
    } catch (thrown) {
      this.#options.log.warn(
        { err: toError(thrown), ticketId: ticket.ticketId },
        'a statement in doubt could not be cancelled; it is tried again. The service user needs OPERATE on its warehouse',
      );
    }
  }
}
