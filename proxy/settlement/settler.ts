/**
 * Step 10: outcomes become charges. An outcome is written to the local journal first and acknowledged there only when
 * the ledger has it, so that neither a dead Postgres nor a kill loses a charge. Never fails or delays the client.
 */
import type { Log } from '#base/log.js';
import { toError } from '#base/errors.js';
import { NO_CREDITS, formatAmount, parseCredits } from '#base/units.js';
import type { Ledger, Settlement, TicketState } from '#billing/ledger.js';
import { tryParseTicketId, type TicketId } from '#base/ids.js';
import { must } from '#base/assert.js';
import type { Events } from '../events.js';
import type { Journal } from './journal.js';
import type { JournalRecord } from './journal-segment.js';

/** Pause before the ledger is asked again after it did not answer. */
const RETRY_MS = 500;
/** Settlements asked of the ledger at once: enough for the next batch to fill while one is under way. */
const CONCURRENCY_MAX = 1024;

interface Waiting {
  readonly settlement: Settlement;
  /** null: the journal did not take it; it lives in memory only. */
  readonly sequence: bigint | null;
}

export interface SettlerOptions {
  readonly ledger: Ledger;
  readonly journal: Journal;
  readonly log: Log;
  readonly events: Events;
}

export class Settler {
  readonly #ledger: Ledger;
  readonly #journal: Journal;
  readonly #log: Log;
  readonly #events: Events;
  readonly #queue: Waiting[] = [];
  #active = 0;
  #isLedgerDown = false;
  #retryTimer: NodeJS.Timeout | undefined;
  #idle: (() => void)[] = [];
  #appending = 0;
  readonly #pending = new Set<TicketId>();

  constructor(options: SettlerOptions) {
    this.#ledger = options.ledger;
    this.#journal = options.journal;
    this.#log = options.log;
    this.#events = options.events;
  }

  /** Settlements that the ledger does not have yet. */
  get backlog(): number {
    return this.#queue.length + this.#active + this.#appending;
  }

  /** True while the journal takes records; readiness looks at it. */
  get isJournalHealthy(): boolean {
    return this.#journal.failure === undefined;
  }

  /** Hands every journalled outcome of an earlier life to the ledger; called before the proxy is ready. */
  async replay(): Promise<number> {
    let count = 0;
    for await (const { sequence, record } of this.#journal.replay()) {
      const settlement = fromRecord(record);
      this.#pending.add(settlement.ticketId);
      this.#queue.push({ sequence, settlement });
      count += 1;
    }
    this.#pump();
    return count;
  }

  /** True while an outcome of the ticket is on its way to the ledger. */
  isPending(ticketId: TicketId): boolean {
    return this.#pending.has(ticketId);
  }

  /** Takes an outcome, at once or when it is known. Returns at once; the journal write and the ledger follow. */
  submit(ticketId: TicketId, outcome: Settlement | Promise<Settlement>): void {
    this.#appending += 1;
    this.#pending.add(ticketId);
    void Promise.resolve(outcome).then((settlement) => this.#write(settlement));
  }

  #write(settlement: Settlement): void {
    this.#journal
      .append(toRecord(settlement))
      .then((sequence) => this.#queue.push({ settlement, sequence }))
      .catch((thrown: unknown) => {
        this.#log.error(
          { err: toError(thrown), ticketId: settlement.ticketId },
          'the journal refused an outcome; it is kept in memory',
        );
        this.#queue.push({ settlement, sequence: null });
      })
      .finally(() => {
        this.#appending -= 1;
        this.#pump();
      });
  }

  /** Resolves when nothing is waiting, or when the signal gives up; what is left replays from the journal. */
  async drain(signal: AbortSignal): Promise<void> {
    while (this.backlog > 0 && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#idle.push(resolve);
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    clearTimeout(this.#retryTimer);
    await this.#journal.stop();
  }

  #pump(): void {
    while (!this.#isLedgerDown && this.#active < CONCURRENCY_MAX) {
      const next = this.#queue.shift();
      if (next === undefined) break;
      this.#active += 1;
      void this.#settle(next);
    }
    if (this.backlog === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #settle(waiting: Waiting): Promise<void> {
    const { settlement, sequence } = waiting;
    try {
      const outcome = await this.#ledger.settle(settlement);
      if (outcome.kind === 'charged')
        this.#events.settled(settlement, outcome.overrunCredits > NO_CREDITS);
      if (outcome.kind === 'conflict') await this.#contradicted(settlement, outcome.state);
      this.#pending.delete(settlement.ticketId);
      if (sequence !== null) this.#journal.acknowledge(sequence);
    } catch (thrown) {
      this.#queue.unshift(waiting);
      this.#pauseAfter(toError(thrown));
    } finally {
      this.#active -= 1;
      this.#pump();
    }
  }

  /** The ledger stands. A ticket whose query id another ticket was charged for did not run: it gives its hold back. */
  async #contradicted(settlement: Settlement, state: TicketState): Promise<void> {
    const { ticketId, snowflakeQueryId } = settlement;
    this.#log.error({ ticketId, state }, 'a settlement contradicts the ledger; the ledger stands');
    if (state === 'SETTLED' || state === 'VOID') return;
    await this.#ledger.voidOnEvidence(
      ticketId,
      `query ${snowflakeQueryId ?? ''} is charged to another ticket`,
    );
  }

  #pauseAfter(cause: Error): void {
    if (this.#isLedgerDown) return;
    this.#isLedgerDown = true;
    this.#log.warn(
      { err: cause, backlog: this.backlog },
      'the ledger does not take settlements; they wait in the journal',
    );
    this.#retryTimer = setTimeout(() => {
      this.#isLedgerDown = false;
      this.#pump();
    }, RETRY_MS);
  }
}

function toRecord(settlement: Settlement): JournalRecord {
  return { ...settlement, usedCredits: formatAmount(settlement.usedCredits) };
}

function fromRecord(record: unknown): Settlement {
  const fields = record as Settlement & {
    readonly usedCredits: unknown;
    readonly ticketId: string;
  };
  return {
    ...fields,
    ticketId: must(tryParseTicketId(fields.ticketId), 'a journalled settlement names its ticket'),
    usedCredits: parseCredits(String(fields.usedCredits)),
  };
}
