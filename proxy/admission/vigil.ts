/**
 * Watches over statements that wait in the queues of this replica: one that nobody waits for any more is given up, so
 * that it does not run for a client that is gone; one that was cancelled on another replica is cancelled here.
 */
import type { TicketId } from '#base/ids.js';
import { toError } from '#base/errors.js';
import type { Log } from '#base/log.js';
import type { Ledger } from '#billing/ledger.js';
import type { RequestEntry } from '../requests.js';

const ROUND_MS = 2000;

export interface VigilOptions {
  readonly ledger: Pick<Ledger, 'ticket' | 'cancelsAsked'>;
  readonly log: Log;
  readonly replica: string;
  /** How long a statement waits on while nobody asks for it. */
  readonly abandonedAfterMs: number;
}

export class Vigil {
  readonly #options: VigilOptions;
  readonly #waiting = new Map<TicketId, RequestEntry>();
  readonly #timer: NodeJS.Timeout;
  #isBusy = false;

  constructor(options: VigilOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.round(), ROUND_MS);
    this.#timer.unref();
  }

  /** A statement begins to wait; call what is returned when it does not any more. */
  enter(entry: RequestEntry): () => void {
    const { ticketId } = entry.owner;
    this.#waiting.set(ticketId, entry);
    return () => this.#waiting.delete(ticketId);
  }

  /** Looks once; also when another replica says that something was cancelled. Never throws. */
  async round(): Promise<void> {
    if (this.#waiting.size === 0 || this.#isBusy) return;
    this.#isBusy = true;
    try {
      for (const ticketId of await this.#options.ledger.cancelsAsked(this.#options.replica))
        this.#waiting.get(ticketId)?.cancel('cancelled');
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
  }

  stop(): Promise<void> {
    clearInterval(this.#timer);
    return Promise.resolve();
  }

  async #isAbandoned({ attendance, owner }: RequestEntry): Promise<boolean> {
    const { abandonedAfterMs, ledger } = this.#options;
    if (attendance.idleMs() < abandonedAfterMs) return false;
    // Its polls may reach other replicas.
    const seenAgoMs = (await ledger.ticket(owner.ticketId))?.seenAgoMs ?? Infinity;
    return seenAgoMs >= abandonedAfterMs;
  }
}
