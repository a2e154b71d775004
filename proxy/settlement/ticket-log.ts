/**
 * A bounded queue of tickets without holds. What comes while a batch is being written is the next batch, so that a storm
 * of refusals is one statement at a time. Over its cap the oldest go.
 */
import type { Occupancy } from '#base/metrics.js';
import { toError } from '#base/errors.js';
import { deferred } from '#base/deferred.js';
import type { Log } from '#base/log.js';
import type { Ledger, UnheldTicket } from '#billing/ledger.js';

/** How soon a batch that failed is tried again. */
const RETRY_INTERVAL_MS = 200;
/** A refusal does not wait longer to be known to other replicas. */
const PATIENCE_MS = 250;
const BATCH_MAX = 500;
const QUEUE_MAX = 20_000;

interface Queued {
  readonly ticket: UnheldTicket;
  readonly resolve: (isNew: boolean) => void;
}

export class TicketLog {
  readonly #ledger: Ledger;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  #queue: Queued[] = [];
  #flushing: Promise<void> = Promise.resolve();
  #dropped = 0;
  #isWriting = false;

  constructor(ledger: Ledger, log: Log) {
    this.#ledger = ledger;
    this.#log = log;
    this.#timer = setInterval(() => {
      if (this.#queue.length > 0) void this.flush();
    }, RETRY_INTERVAL_MS);
    this.#timer.unref();
  }

  /** Tickets that wait to be written, for the metric. */
  get occupancy(): Occupancy {
    return { used: this.#queue.length, max: QUEUE_MAX };
  }

  /** Tickets dropped because Postgres was away for too long; they carried no money. */
  get dropped(): number {
    return this.#dropped;
  }

  /**
   * Takes a ticket to be written. False once it is known that its request has another ticket; true when it was
   * written, or the ledger does not say so within a quarter of a second.
   */
  async add(ticket: UnheldTicket): Promise<boolean> {
    const { promise, resolve } = deferred<boolean>();
    this.#queue.push({ ticket, resolve });
    if (this.#queue.length > QUEUE_MAX) {
      this.#queue.shift()?.resolve(true);
      this.#dropped += 1;
    }
    if (!this.#isWriting) void this.flush();
    const patience = setTimeout(() => resolve(true), PATIENCE_MS);
    const isNew = await promise;
    clearTimeout(patience);
    return isNew;
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
    this.#isWriting = true;
    try {
      while (this.#queue.length > 0) await this.#writeBatch();
    } catch (thrown) {
      this.#log.warn(
        { err: toError(thrown), waiting: this.#queue.length },
        'tickets without holds could not be written yet',
      );
    } finally {
      this.#isWriting = false;
    }
  }

  async #writeBatch(): Promise<void> {
    const batch = this.#queue.slice(0, BATCH_MAX);
    const areNew = await this.#ledger.recordUnheld(batch.map(({ ticket }) => ticket));
    const written = new Set(batch);
    // What is over the cap may have gone from the front meanwhile.
    this.#queue = this.#queue.filter((queued) => !written.has(queued));
    batch.forEach(({ resolve }, index) => resolve(areNew[index] ?? true));
  }
}
