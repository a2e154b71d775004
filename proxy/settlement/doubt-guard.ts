/**
 * The guard over statements in doubt that still run upstream (I7): nobody has them in hand, and they cost on. Whoever
 * looks after doubts meters them as the replica that had them did: their holds are topped up from the same budgets, and
 * one that reaches its ceiling, or whose budgets have nothing more, is cancelled, as the service user.
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
import type { Ledger, OpenTicket, SentSoFar } from '#billing/ledger.js';
import { guardStep } from '#policies/rules/guard.js';
import { tellStop } from '../relay-statement.js';
import { raiseHold } from '../running/raise.js';
import type { StopReason } from '../running/running.js';
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
  #watched = new Map<TicketId, Watched>();
  #uses: Use[] = [];
  #written = 0;

  constructor(options: DoubtGuardOptions) {
    this.#options = options;
  }

  /** Looks at one statement. Never rejects: the next look does what this one could not. */
  async look(service: ServiceConnection, going: GoingOn): Promise<void> {
    const { ticket, creditsPerHour } = going;
    try {
      if (ticket.sent === null || creditsPerHour === undefined) return;
      await this.#guard(service, going, ticket.sent, creditsPerHour);
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
    // What was not seen running now, or is another replica's to look after, begins anew.
    this.#watched = new Map(
      uses.flatMap(({ ticketId }) => {
        const watched = this.#watched.get(ticketId);
        return watched === undefined ? [] : [[ticketId, watched]];
      }),
    );
    if (uses.length === 0 && this.#written === 0) return;
    await writeUses(db, NOBODY, uses, clock.now());
    this.#written = uses.length;
  }

  async #guard(
    service: ServiceConnection,
    going: GoingOn,
    sent: SentSoFar,
    creditsPerHour: Credits,
  ): Promise<void> {
    const { clock, ledger } = this.#options;
    const { ticket, startedAt } = going;
    const now = clock.now();
    // It cannot have used more than since upstream began it.
    const firstSentAt = Math.max(sent.firstSentAt, startedAt ?? sent.firstSentAt);
    const usedMs = usedBeforeMs({ ...sent, firstSentAt }, creditsPerHour, now);
    const usedCredits = creditsForMillis(creditsPerHour, usedMs, 'up');
    const ceilingCredits = maxAmount(sent.ceilingCredits ?? ticket.holdCredits, ticket.holdCredits);
    const raised = { ticketId: ticket.ticketId, holdCredits: ticket.holdCredits };
    const amounts = { ...raised, usedCredits, ceilingCredits, creditsPerHour };
    const step = guardStep({ ...amounts, intervalMs: this.#sinceLooked(ticket.ticketId, now) });
    const stop = { usedCredits, elapsedMs: now - firstSentAt };
    if (ticket.isStopTold) await this.#cancel(service, going);
    else if (step.kind === 'stop') {
      const why = {
        code: 'ceilingReached',
        source: 'ceiling',
        limitCredits: ceilingCredits,
      } as const;
      await this.#stop(service, going, { ...stop, ...why });
    } else if (step.kind === 'topUp' && ticket.isHeldByBudgets) {
      const spent = await raiseHold(ledger, raised, step);
      if (spent !== undefined) {
        const why = { code: 'budgetExhausted', source: spent.budgetId } as const;
        await this.#stop(service, going, { ...stop, ...why, limitCredits: raised.holdCredits });
      }
    }
    this.#uses.push({ ...amounts, holdCredits: raised.holdCredits });
  }

  /** Looks that come late look as much further ahead. */
  #sinceLooked(ticketId: TicketId, now: EpochMs): number {
    const { intervalMs, clock } = this.#options;
    const watched = this.#watched.get(ticketId);
    const cancelledAtMs = watched?.cancelledAtMs ?? -Infinity;
    this.#watched.set(ticketId, { lookedAt: now, cancelledAtMs });
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
    const watched = must(this.#watched.get(ticket.ticketId), 'it is being looked at');
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
