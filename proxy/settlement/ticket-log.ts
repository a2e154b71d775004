/**
 * A bounded queue of tickets without holds. What comes while a batch is being written is the next batch, so that a storm
 * of refusals is one statement at a time. Over its cap the oldest go.
 */
import { Backlog, FlushLoop } from '#base/backlog.js';
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
  readonly #loop: FlushLoop;
  readonly #queue = new Backlog<Queued>(QUEUE_MAX);

  constructor(ledger: Ledger, log: Log) {
    this.#ledger = ledger;
    this.#loop = new FlushLoop({
      write: async () => {
        while (this.#queue.size > 0) await this.#writeBatch();
      },
      everyMs: RETRY_INTERVAL_MS,
      onProblem: (thrown) =>
        log.warn(
          { err: toError(thrown), waiting: this.#queue.size },
          'tickets without holds could not be written yet',
        ),
    });
  }

  /** Tickets that wait to be written, for the metric. */
  get occupancy(): Occupancy {
    return this.#queue.occupancy;
  }

  /** Tickets dropped because Postgres was away for too long; they carried no money. */
  get dropped(): number {
    return this.#queue.dropped;
  }

  /**
   * Takes a ticket to be written. False once it is known that its request has another ticket; true when it was
   * written, or the ledger does not say so within a quarter of a second.
   */
  async add(ticket: UnheldTicket): Promise<boolean> {
    const { promise, resolve } = deferred<boolean>();
    this.#queue.add({ ticket, resolve })?.resolve(true);
    if (!this.#loop.isWriting) void this.flush();
    const patience = setTimeout(() => resolve(true), PATIENCE_MS);
    const isNew = await promise;
    clearTimeout(patience);
    return isNew;
  }

  /** Writes what is waiting; a failed batch waits for the next call. */
  flush(): Promise<void> {
    return this.#loop.flush();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #writeBatch(): Promise<void> {
    const batch = this.#queue.first(BATCH_MAX);
    const areNew = await this.#ledger.recordUnheld(batch.map(({ ticket }) => ticket));
    this.#queue.written(batch);
    batch.forEach(({ resolve }, index) => resolve(areNew[index] ?? true));
  }
}
