/**
 * One statement per (session, request id), whatever a driver repeats: a repeat of a request under way waits for the
 * same answer, a repeat of an answered or refused one is given that answer again, and only a request whose outcome
 * upstream never told is sent again, under the hold it already has. Keyed by the session, not by the token, because
 * the token changes when a driver renews in the middle of a replay. This is what one replica remembers; what another
 * one has is found by the ticket (elsewhere.ts).
 */
import type { Occupancy } from '#base/metrics.js';
import { LRUCache } from 'lru-cache';
import { deferred } from '#base/deferred.js';
import type { TicketId } from '#base/ids.js';
import { Attendance } from './attendance.js';
import type { SealedIdentity } from './identity/tokens.js';
import type { SmallReply } from './relay.js';
import type { Admitted, Allowed, Estimated } from './stages.js';
import type { Refusal } from './wire/refusal.js';

/** Most that replies and bodies kept for repeats may take together; the oldest are forgotten first. */
const KEPT_BYTES_MAX = 256 * 1024 * 1024;
const ENTRY_BYTES = 1024;

/** How one forwarding of a request ended, as far as a repeat is concerned. */
export type RequestEnding =
  | { readonly kind: 'answered'; readonly reply: SmallReply }
  /** Answered with a reply too large to keep: a repeat fetches the result by its query id. */
  | { readonly kind: 'streamed'; readonly queryId: string | null }
  /** Upstream did not answer, or asked for a renewal: the same statement may be sent again under its hold. */
  | { readonly kind: 'unanswered'; readonly statement: Admitted }
  /** This replica stops before it was sent: whoever waits is cut off, and repeats it at another one. */
  | { readonly kind: 'dropped' }
  /** Another replica has it; what this one would have run, should that one have given it up. */
  | { readonly kind: 'elsewhere'; readonly ticketId: TicketId; readonly statement: Again };

/** A statement that may have to be run here after all: priced, and, unless a rule refused it, allowed. */
export type Again = Allowed | Estimated;

export type RequestState =
  | { readonly kind: 'new'; readonly entry: RequestEntry }
  | { readonly kind: 'repeat'; readonly entry: RequestEntry }
  /** The id stands for another statement: refused (design: same request id with other SQL). */
  | { readonly kind: 'reused' };

/** What a request is known by. */
export interface RequestKey {
  readonly account: string;
  readonly sessionId: string;
  readonly requestId: string;
}

/** Whose statement it is. */
export interface RequestOwner {
  readonly ticketId: TicketId;
  readonly hash: string;
  readonly isAsync: boolean;
  readonly teamId: string;
  /** The shared principal that signed in, where a claim named the team. */
  readonly viaPrincipalId: string | null;
}

/** Why a statement that waits here gives its place up. */
export type CancelReason = 'cancelled' | 'abandoned' | 'draining' | 'expiring';

export class RequestEntry {
  readonly key: RequestKey;
  readonly owner: RequestOwner;
  readonly attendance: Attendance;
  /** As of the latest request about the statement: a renewal may have replaced the token it came with. */
  identity: SealedIdentity | undefined;
  /** Its ticket is in the ledger, or another replica's is: every replica can answer for it. */
  isKnown = false;
  /** What its client is told in place of upstream's "canceled", where somebody else ended it before it was sent. */
  ended: Refusal | null = null;
  /** Its bytes may be on their way: from now on only upstream can cancel it. */
  isSent = false;
  #cancel: AbortController | undefined;
  #isEnded = false;
  readonly #finish: (ending: RequestEnding) => void;
  readonly #ending: Promise<RequestEnding>;

  constructor(key: RequestKey, owner: RequestOwner, attendance: Attendance) {
    this.key = key;
    this.owner = owner;
    this.attendance = attendance;
    const { promise, resolve } = deferred<RequestEnding>();
    this.#ending = promise;
    this.#finish = resolve;
  }

  /** Aborts with a {@link CancelReason} before the statement was forwarded. Made when somebody waits for it. */
  get cancelled(): AbortSignal {
    this.#cancel ??= new AbortController();
    return this.#cancel.signal;
  }

  /** A statement that waits here gives its place up. */
  cancel(reason: CancelReason): void {
    this.#cancel ??= new AbortController();
    this.#cancel.abort(reason);
  }

  /** True: its client, or an administrator, cancelled it. */
  get isCancelled(): boolean {
    return this.#cancel?.signal.reason === 'cancelled';
  }

  /** Cancels it before it is sent, wherever it is on its way there; false: it was sent, or has ended. */
  cancelUnsent(): boolean {
    if (this.isSent || this.#isEnded) return false;
    this.cancel('cancelled');
    return true;
  }

  get ending(): Promise<RequestEnding> {
    return this.#ending;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  finish(ending: RequestEnding): void {
    this.#isEnded = true;
    this.#finish(ending);
  }
}

export interface RegistryOptions {
  readonly rememberedMax: number;
  readonly rememberMs: number;
  /** Monotonic milliseconds of real time. */
  readonly now: () => number;
}

export class RequestRegistry {
  readonly #entries: LRUCache<string, RequestEntry>;
  readonly #byTicket = new Map<TicketId, RequestEntry>();
  readonly #now: () => number;

  /** `rememberedMax` requests for at most `rememberMs`. */
  constructor(options: RegistryOptions) {
    this.#now = options.now;
    this.#entries = new LRUCache({
      max: options.rememberedMax,
      ttl: options.rememberMs,
      maxSize: KEPT_BYTES_MAX,
      sizeCalculation: () => ENTRY_BYTES,
      dispose: (entry) => {
        const { ticketId } = entry.owner;
        if (this.#byTicket.get(ticketId) === entry) this.#byTicket.delete(ticketId);
      },
    });
  }

  /** Requests remembered, for the metric. */
  get occupancy(): Occupancy {
    return { used: this.#entries.size, max: this.#entries.max };
  }

  /** Bytes that are kept for repeats, for the metric. */
  get keptBytes(): Occupancy {
    return { used: this.#entries.calculatedSize, max: this.#entries.maxSize };
  }

  /** Requests remembered now. */
  get size(): number {
    return this.#entries.size;
  }

  /** What is known of this request id; a new one is entered. */
  enter(key: RequestKey, owner: RequestOwner): RequestState {
    const known = this.#entries.get(textOf(key));
    if (known === undefined) return { kind: 'new', entry: this.#remember(key, owner) };
    if (known.owner.hash !== owner.hash) return { kind: 'reused' };
    return { kind: 'repeat', entry: known };
  }

  /** The entry of a request, if it is remembered. */
  find(key: RequestKey): RequestEntry | undefined {
    return this.#entries.get(textOf(key));
  }

  /** Whether a session has a request under way here, other than that of a ticket. */
  isOpen({ account, sessionId }: Omit<RequestKey, 'requestId'>, besides: TicketId): boolean {
    for (const { key, isEnded, owner } of this.#entries.values()) {
      const isOther = !isEnded && owner.ticketId !== besides;
      if (isOther && key.sessionId === sessionId && key.account === account) return true;
    }
    return false;
  }

  /** The entry of a ticket, if it is remembered. */
  ofTicket(ticketId: string): RequestEntry | undefined {
    return this.#byTicket.get(ticketId as TicketId);
  }

  /**
   * Replaces an ended entry by a fresh one for the next forwarding, under the ticket given; of several repeats that
   * waited for it only the first gets that, the others are repeats of the first.
   */
  again(ended: RequestEntry, ticketId: TicketId): Exclude<RequestState, { kind: 'reused' }> {
    const known = this.#entries.get(textOf(ended.key));
    if (known !== undefined && known !== ended) return { kind: 'repeat', entry: known };
    return { kind: 'new', entry: this.#remember(ended.key, { ...ended.owner, ticketId }) };
  }

  #remember(key: RequestKey, owner: RequestOwner): RequestEntry {
    const entry = new RequestEntry(key, owner, new Attendance(this.#now));
    this.#set(entry, ENTRY_BYTES);
    void entry.ending.then((ending) => {
      // Forgotten or replaced in the meantime: nothing is kept for it.
      if (this.#entries.peek(textOf(key)) !== entry) return;
      // The cache takes a new size for a new value only.
      this.#entries.delete(textOf(key));
      this.#set(entry, ENTRY_BYTES + keptBytes(ending));
    });
    return entry;
  }

  #set(entry: RequestEntry, size: number): void {
    this.#entries.set(textOf(entry.key), entry, { size });
    this.#byTicket.set(entry.owner.ticketId, entry);
  }
}

function textOf({ account, sessionId, requestId }: RequestKey): string {
  return `${account}\u0000${sessionId}\u0000${requestId}`;
}

function keptBytes(ending: RequestEnding): number {
  switch (ending.kind) {
    case 'answered':
      return ending.reply.body.length;
    case 'streamed':
    case 'dropped':
      return 0;
    case 'unanswered':
    case 'elsewhere':
      return ending.statement.bodyBytes;
  }
}
