/** A bounded queue of tickets without holds, written once a moment in one statement. Over its cap the oldest go. */
import { toError } from '#base/errors.js';
import type { Log } from '#base/log.js';
import type { Ledger, UnheldTicket } from '#billing/ledger.js';

const FLUSH_INTERVAL_MS = 200;
const BATCH_MAX = 500;
const QUEUE_MAX = 20_000;

export class TicketLog {
  readonly #ledger: Ledger;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  #queue: UnheldTicket[] = [];
  #flushing: Promise<void> = Promise.resolve();
  #dropped = 0;

  constructor(ledger: Ledger, log: Log) {
    this.#ledger = ledger;
    this.#log = log;
    this.#timer = setInterval(() => void this.flush(), FLUSH_INTERVAL_MS);
    this.#timer.unref();
  }

  /** Tickets dropped because Postgres was away for too long; they carried no money. */
  get dropped(): number {
    return this.#dropped;
  }

  add(ticket: UnheldTicket): void {
    this.#queue.push(ticket);
    if (this.#queue.length <= QUEUE_MAX) return;
    this.#queue.shift();
    this.#dropped += 1;
  }

  /** Writes what is waiting; a failed batch waits for the next call. */
  flush(): Promise<void> {
    this.#flushing = this.#flushing.then(() => this.#write());
    return this.#flushing;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  async #write(): Promise<void> {
    const batch = this.#queue.slice(0, BATCH_MAX);
    if (batch.length === 0) return;
    try {
      await this.#ledger.recordUnheld(batch);
      this.#queue = this.#queue.slice(batch.length);
    } catch (thrown) {
      this.#log.warn(
        { err: toError(thrown), waiting: this.#queue.length },
        'tickets without holds could not be written yet',
      );
    }
  }
}
