/**
 * Watches over statements that wait in the queues of this replica: one that nobody waits for any more is given up, so
 * that it does not run for a client that is gone; one that was cancelled on another replica is cancelled here.
 */
import { deferred } from '#base/deferred.js';
import type { TicketId } from '#base/ids.js';
import { toError } from '#base/errors.js';
import type { Log } from '#base/log.js';
import type { Approval } from '#billing/approvals.js';
import type { Ledger } from '#billing/ledger.js';
import type { RequestEntry } from '../requests.js';

const ROUND_MS = 2000;

export interface VigilOptions {
  readonly ledger: Pick<Ledger, 'ticket' | 'cancelsAsked'>;
  /** Which of these tickets somebody has approved or declined. */
  readonly decided: (ticketIds: readonly TicketId[]) => Promise<readonly Approval[]>;
  readonly log: Log;
  readonly replica: string;
  /** How long a statement waits on while nobody asks for it. */
  readonly abandonedAfterMs: number;
}

export class Vigil {
  readonly #options: VigilOptions;
  readonly #waiting = new Map<TicketId, RequestEntry>();
  readonly #asking = new Map<TicketId, (decided: Approval) => void>();
  readonly #timer: NodeJS.Timeout;
  #isBusy = false;
  #isDraining = false;
  #isAskedAgain = false;

  constructor(options: VigilOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.round(), ROUND_MS);
    this.#timer.unref();
  }

  /** A statement begins to wait; call what is returned when it does not any more. */
  enter(entry: RequestEntry): () => void {
    const { ticketId } = entry.owner;
    this.#waiting.set(ticketId, entry);
    if (this.#isDraining) entry.cancel('draining');
    return () => this.#waiting.delete(ticketId);
  }

  /**
   * What is decided of a statement that waits for somebody's word: once it is, or `timeout` after `waitMs`, or `left`
   * when it was cancelled or abandoned.
   */
  async decision(entry: RequestEntry, waitMs: number): Promise<Approval | 'timeout' | 'left'> {
    const { promise, resolve } = deferred<Approval | 'timeout' | 'left'>();
    const { ticketId } = entry.owner;
    const onAbort = (): void => resolve('left');
    const timer = setTimeout(() => resolve('timeout'), waitMs);
    entry.cancelled.addEventListener('abort', onAbort, { once: true });
    this.#asking.set(ticketId, resolve);
    if (entry.cancelled.aborted) onAbort();
    // Somebody may have decided between the question and now.
    void this.round();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      entry.cancelled.removeEventListener('abort', onAbort);
      this.#asking.delete(ticketId);
    }
  }

  /** Looks once; also when another replica says that something was cancelled. Never throws. */
  async round(): Promise<void> {
    if (this.#waiting.size === 0) return;
    if (this.#isBusy) {
      this.#isAskedAgain = true;
      return;
    }
    this.#isBusy = true;
    this.#isAskedAgain = false;
    try {
      for (const ticketId of await this.#options.ledger.cancelsAsked(this.#options.replica))
        this.#waiting.get(ticketId)?.cancel('cancelled');
      await this.#tellDecided();
      for (const entry of this.#waiting.values())
        if (await this.#isAbandoned(entry)) entry.cancel('abandoned');
    } catch (thrown) {
      this.#options.log.warn(
        { err: toError(thrown) },
        'waiting statements could not be looked after; the next round will',
      );
    } finally {
      this.#isBusy = false;
    }
    // What was notified while this round looked may have come after it had.
    if (this.#isAskedAgain) await this.round();
  }

  /** What waits here now. */
  waiting(): readonly RequestEntry[] {
    return [...this.#waiting.values()];
  }

  /** This replica stops: what waits here is given up at once, so that it can wait elsewhere. */
  giveUp(): void {
    this.#isDraining = true;
    for (const entry of this.#waiting.values()) entry.cancel('draining');
  }

  stop(): Promise<void> {
    clearInterval(this.#timer);
    return Promise.resolve();
  }

  async #tellDecided(): Promise<void> {
    if (this.#asking.size === 0) return;
    const decided = await this.#options.decided([...this.#asking.keys()]);
    for (const approval of decided) this.#asking.get(approval.ticketId)?.(approval);
  }

  async #isAbandoned({ attendance, owner }: RequestEntry): Promise<boolean> {
    const { abandonedAfterMs, ledger } = this.#options;
    if (attendance.idleMs() < abandonedAfterMs) return false;
    // Its polls may reach other replicas.
    const seenAgoMs = (await ledger.ticket(owner.ticketId))?.seenAgoMs ?? Infinity;
    return seenAgoMs >= abandonedAfterMs;
  }
}
