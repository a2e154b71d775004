/**
 * Watches over statements that wait in the queues of this replica: one that nobody waits for any more is given up, so
 * that it does not run for a client that is gone, unless it was submitted asynchronously; one whose token ends is told in time.
 */
import { deferred } from '#base/deferred.js';
import type { TicketId } from '#base/ids.js';
import { toError } from '#base/errors.js';
import type { Log } from '#base/log.js';
import type { Approval } from '#billing/approvals.js';
import type { Ledger } from '#billing/ledger.js';
import type { SealedIdentity } from '../identity/tokens.js';
import type { RequestEntry } from '../requests.js';

const ROUND_MS = 2000;
/** A statement that waits is refused so long before the token ends that it would be sent by (design, queues of tiers). */
export const TOKEN_MARGIN_MS = 300_000;

/** attended: somebody has to ask for it; unattended: it waits alone, as long as its session's token is renewed. */
export type Attention = 'attended' | 'unattended';

/**
 * Who has to ask for a statement while it waits. Snowflake runs what was submitted asynchronously whether anybody polls or not
 * (INSERTs that are sent and forgotten), so such a one waits as long as its queue, its rule or its hours let it.
 */
export function attentionOf({ isAsync }: { readonly isAsync: boolean }): Attention {
  return isAsync ? 'unattended' : 'attended';
}

export interface VigilOptions {
  readonly ledger: Pick<Ledger, 'ticket'>;
  /** Which of these tickets somebody has approved or declined. */
  readonly decided: (ticketIds: readonly TicketId[]) => Promise<readonly Approval[]>;
  readonly log: Log;
  /** How long a statement waits on while nobody asks for it. */
  readonly abandonedAfterMs: number;
  /** The newest token of a session, which may have been renewed at another replica; undefined: it was not. */
  readonly newest: (identity: SealedIdentity) => Promise<SealedIdentity | undefined>;
  /** Real time in epoch milliseconds. */
  readonly realTime: () => number;
}

export class Vigil {
  readonly #options: VigilOptions;
  readonly #waiting = new Map<TicketId, RequestEntry>();
  readonly #unattended = new Set<TicketId>();
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
  enter(entry: RequestEntry, attention: Attention = 'attended'): () => void {
    const { ticketId } = entry.owner;
    this.#waiting.set(ticketId, entry);
    if (attention === 'unattended') this.#unattended.add(ticketId);
    if (this.#isDraining) entry.cancel('draining');
    return () => {
      this.#waiting.delete(ticketId);
      this.#unattended.delete(ticketId);
    };
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
      await this.#tellDecided();
      for (const entry of this.#waiting.values()) {
        if (await this.#isAbandoned(entry)) entry.cancel('abandoned');
        else if (await this.#isExpiring(entry)) entry.cancel('expiring');
      }
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

  /** Its token is looked for anew before it is given up: a heartbeat may have renewed it. */
  async #isExpiring(entry: RequestEntry): Promise<boolean> {
    const { newest, realTime } = this.#options;
    const isShort = ({ tokenEndsAtMs = Infinity }: SealedIdentity): boolean =>
      tokenEndsAtMs - realTime() < TOKEN_MARGIN_MS;
    if (entry.identity === undefined || !isShort(entry.identity)) return false;
    const renewed = await newest(entry.identity);
    if (renewed === undefined || isShort(renewed)) return true;
    entry.identity = renewed;
    return false;
  }

  async #isAbandoned({ attendance, owner }: RequestEntry): Promise<boolean> {
    const { abandonedAfterMs, ledger } = this.#options;
    if (this.#unattended.has(owner.ticketId)) return false;
    if (attendance.idleMs() < abandonedAfterMs) return false;
    // Its polls may reach other replicas.
    const seenAgoMs = (await ledger.ticket(owner.ticketId))?.seenAgoMs ?? Infinity;
    return seenAgoMs >= abandonedAfterMs;
  }
}
