/**
 * Step 10: outcomes become charges. An outcome is written to the local journal first and acknowledged there only when
 * the ledger has it, so that neither a dead Postgres nor a kill loses a charge. Never fails or delays the client.
 */
import type { Occupancy } from '#base/metrics.js';
import type { Log } from '#base/log.js';
import { toError } from '#base/errors.js';
import { NO_CREDITS, formatAmount, parseCredits } from '#base/units.js';
import type { Ledger, SettleOutcome, Settlement } from '#billing/ledger.js';
import { absurdityOf } from '#billing/quarantine.js';
import { tryParseTicketId, type TicketId } from '#base/ids.js';
import { tryParseOffline } from '#billing/postgres/post-offline.js';
import type { OfflineStatement } from '#billing/postgres/post-offline.js';
import { must } from '#base/assert.js';
import type { Events } from '../events.js';
import type { Journal } from './journal.js';
import type { JournalRecord } from './journal-segment.js';

/** Pause before the ledger is asked again after it did not answer. */
const RETRY_MS = 500;
/** Settlements asked of the ledger at once: enough for the next batch to fill while one is under way. */
const CONCURRENCY_MAX = 1024;

/** What the metrics show of the journal. */
export interface JournalState {
  readonly occupancy: Occupancy;
  readonly recordsUnacknowledged: number;
  readonly lastSyncSeconds: number;
}

interface WaitingSettlement {
  readonly settlement: Settlement;
  /** null: the journal did not take it; it lives in memory only. */
  readonly sequence: bigint | null;
}

/** A statement that the ledger is to be told of, before it is told what became of it. */
interface WaitingPost {
  readonly offline: OfflineStatement;
  readonly sequence: bigint;
}

type Waiting = WaitingSettlement | WaitingPost;
type Conflict = Extract<SettleOutcome, { kind: 'conflict' }>;

export interface SettlerOptions {
  readonly ledger: Ledger;
  readonly journal: Journal;
  readonly log: Log;
  readonly events: Events;
  /** Tells the ledger of a statement that was admitted without it. */
  readonly post?: (statement: OfflineStatement) => Promise<void>;
  /** Puts a settlement aside that cannot be true. */
  readonly quarantine?: (settlement: Settlement, reason: string) => Promise<void>;
}

/** Tickets whose second settlement of the kind is not logged again. */
const QUARANTINED_MAX = 1_000;

export class Settler {
  readonly #ledger: Ledger;
  readonly #post: (statement: OfflineStatement) => Promise<void>;
  readonly #quarantine: SettlerOptions['quarantine'];
  readonly #quarantined = new Set<TicketId>();
  /** Statements that the ledger does not know yet. */
  readonly #unposted = new Set<TicketId>();
  /** Outcomes of such statements. */
  readonly #parked = new Map<TicketId, WaitingSettlement>();
  readonly #journal: Journal;
  readonly #log: Log;
  readonly #events: Events;
  readonly #queue: Waiting[] = [];
  #active = 0;
  #isLedgerDown = false;
  #isDownTold = false;
  #retryTimer: NodeJS.Timeout | undefined;
  #idle: (() => void)[] = [];
  #appending = 0;
  /** Tickets on their way to the ledger, oldest first, with the moment of their outcome; monotonic. */
  readonly #pending = new Map<TicketId, number>();

  constructor(options: SettlerOptions) {
    this.#ledger = options.ledger;
    this.#journal = options.journal;
    this.#log = options.log;
    this.#events = options.events;
    this.#quarantine = options.quarantine;
    this.#post = options.post ?? (() => Promise.reject(new Error('nothing is admitted offline')));
  }

  /** Statements that were admitted without the ledger and that it has not been told of. */
  get unposted(): number {
    return this.#unposted.size;
  }

  /**
   * Takes a statement that is about to be sent without the ledger; resolves when it is in the journal. Fault
   * `ledgerUnavailable` when it cannot be written there: it must not be sent then.
   */
  async admitted(offline: OfflineStatement): Promise<void> {
    const { ticketId } = offline;
    this.#unposted.add(ticketId);
    this.#pending.set(ticketId, performance.now());
    try {
      const sequence = await this.#journal.append(offline);
      this.#queue.push({ offline, sequence });
    } catch (thrown) {
      this.#unposted.delete(ticketId);
      this.#pending.delete(ticketId);
      throw thrown;
    }
    this.#pump();
  }

  /** Settlements that the ledger does not have yet. */
  get backlog(): number {
    return this.#queue.length + this.#active + this.#appending + this.#parked.size;
  }

  /** Of the journal: bytes, records on disk that the ledger does not have, and seconds of the latest write and sync. */
  get journal(): JournalState {
    const { occupancy, recordsUnacknowledged, lastSyncMs } = this.#journal;
    return { occupancy, recordsUnacknowledged, lastSyncSeconds: lastSyncMs / 1000 };
  }

  /** Settlements asked of the ledger at once, for the metric. */
  get occupancy(): Occupancy {
    return { used: this.#active, max: CONCURRENCY_MAX };
  }

  /** How long the oldest outcome has waited for the ledger, in seconds; 0: none waits. */
  get lagSeconds(): number {
    const [oldest] = this.#pending.values();
    return oldest === undefined ? 0 : (performance.now() - oldest) / 1000;
  }

  /** True while the journal takes records; readiness looks at it. */
  get isJournalHealthy(): boolean {
    return this.#journal.failure === undefined;
  }

  /** Hands every journalled outcome of an earlier life to the ledger; called before the proxy is ready. */
  async replay(): Promise<number> {
    let count = 0;
    for await (const { sequence, record } of this.#journal.replay()) {
      const offline = tryParseOffline(record);
      if (offline === undefined) {
        const settlement = fromRecord(record);
        this.#pending.set(settlement.ticketId, performance.now());
        this.#queue.push({ sequence, settlement });
      } else {
        this.#unposted.add(offline.ticketId);
        this.#pending.set(offline.ticketId, performance.now());
        this.#queue.push({ sequence, offline });
      }
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
    this.#pending.set(ticketId, performance.now());
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
      if ('settlement' in next && this.#unposted.has(next.settlement.ticketId)) {
        this.#parked.set(next.settlement.ticketId, next);
        continue;
      }
      this.#active += 1;
      void ('offline' in next ? this.#tell(next) : this.#settle(next));
    }
    if (this.backlog === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #tell(waiting: WaitingPost): Promise<void> {
    const { ticketId } = waiting.offline;
    try {
      await this.#post(waiting.offline);
      this.#unposted.delete(ticketId);
      this.#journal.acknowledge(waiting.sequence);
      const outcome = this.#parked.get(ticketId);
      this.#parked.delete(ticketId);
      if (outcome !== undefined) this.#queue.push(outcome);
      else this.#pending.delete(ticketId);
    } catch (thrown) {
      this.#queue.unshift(waiting);
      this.#pauseAfter(toError(thrown));
    } finally {
      this.#active -= 1;
      this.#pump();
    }
  }

  async #settle(waiting: WaitingSettlement): Promise<void> {
    const { settlement, sequence } = waiting;
    try {
      if (await this.#isPutAside(settlement)) {
        this.#pending.delete(settlement.ticketId);
        if (sequence !== null) this.#journal.acknowledge(sequence);
        return;
      }
      const outcome = await this.#ledger.settle(settlement);
      this.#ledgerAnswered();
      if (outcome.kind === 'charged')
        this.#events.settled(settlement, outcome.overrunCredits > NO_CREDITS);
      const seconds = this.#secondsSince(settlement.ticketId);
      this.#events.settleStep(settlement, outcome.kind, seconds);
      if (outcome.kind === 'conflict') await this.#contradicted(settlement, outcome);
      this.#pending.delete(settlement.ticketId);
      if (sequence !== null) this.#journal.acknowledge(sequence);
    } catch (thrown) {
      this.#events.settleFailed();
      this.#queue.unshift(waiting);
      this.#pauseAfter(toError(thrown));
    } finally {
      this.#active -= 1;
      this.#pump();
    }
  }

  #secondsSince(ticketId: TicketId): number {
    const since = this.#pending.get(ticketId);
    return since === undefined ? 0 : (performance.now() - since) / 1000;
  }

  /** Nobody is charged what cannot be true: its ticket is in doubt, and evidence or an administrator settles it. */
  async #isPutAside(settlement: Settlement): Promise<boolean> {
    const reason = absurdityOf(settlement);
    if (reason === null || this.#quarantine === undefined) return false;
    await this.#quarantine(settlement, reason);
    const { ticketId } = settlement;
    if (this.#quarantined.has(ticketId)) return true;
    if (this.#quarantined.size < QUARANTINED_MAX) this.#quarantined.add(ticketId);
    this.#events.quarantined();
    this.#log.error({ ticketId, reason }, 'a settlement cannot be true and is put aside');
    return true;
  }

  /**
   * The ledger stands. A query that its reply and the history have both told of, as after an outage, was measured twice;
   * metering decides. A ticket whose query id another ticket was charged for did not run: it gives its hold back.
   */
  async #contradicted(settlement: Settlement, { state, isSameQuery }: Conflict): Promise<void> {
    const { ticketId, snowflakeQueryId } = settlement;
    if (state === 'SETTLED' && isSameQuery) {
      this.#log.info({ ticketId }, 'a query was measured twice; the first charge stands');
      return;
    }
    this.#log.error({ ticketId, state }, 'a settlement contradicts the ledger; the ledger stands');
    if (state === 'SETTLED' || state === 'VOID') return;
    await this.#ledger.voidOnEvidence(
      ticketId,
      `query ${snowflakeQueryId ?? ''} is charged to another ticket`,
    );
  }

  #ledgerAnswered(): void {
    if (!this.#isDownTold || this.#queue.length > 0) return;
    this.#isDownTold = false;
    this.#log.info({}, 'the ledger takes settlements again');
  }

  #pauseAfter(cause: Error): void {
    if (this.#isLedgerDown) return;
    this.#isLedgerDown = true;
    // An outage is told of when it begins and when it is over, not at every look.
    if (!this.#isDownTold)
      this.#log.warn(
        { err: cause, backlog: this.backlog },
        'the ledger does not take settlements; they wait in the journal',
      );
    this.#isDownTold = true;
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
