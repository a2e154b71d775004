/**
 * One statement per (session, request id), whatever a driver repeats: a repeat of a request under way waits for the
 * same answer, a repeat of an answered or refused one is given that answer again, and only a request whose outcome
 * upstream never told is sent again, under the hold it already has. Keyed by the session, not by the token, because
 * the token changes when a driver renews in the middle of a replay.
 */
import { LRUCache } from 'lru-cache';
import type { SmallReply } from './relay.js';
import type { Admitted } from './stages.js';

/** Most that replies and bodies kept for repeats may take together; the oldest are forgotten first. */
const KEPT_BYTES_MAX = 256 * 1024 * 1024;
const ENTRY_BYTES = 1024;

/** How one forwarding of a request ended, as far as a repeat is concerned. */
export type RequestEnding =
  | { readonly kind: 'answered'; readonly reply: SmallReply }
  /** Answered with a reply too large to keep: a repeat fetches the result by its query id. */
  | { readonly kind: 'streamed'; readonly queryId: string | null }
  /** Upstream did not answer, or asked for a renewal: the same statement may be sent again under its hold. */
  | { readonly kind: 'unanswered'; readonly statement: Admitted };

export type RequestState =
  | { readonly kind: 'new'; readonly entry: RequestEntry }
  | { readonly kind: 'repeat'; readonly entry: RequestEntry }
  /** The id stands for another statement: refused (design: same request id with other SQL). */
  | { readonly kind: 'reused' };

export class RequestEntry {
  readonly hash: string;
  #cancel: AbortController | undefined;
  readonly #finish: (ending: RequestEnding) => void;
  #ending: Promise<RequestEnding>;

  constructor(hash: string) {
    this.hash = hash;
    const { promise, resolve } = deferred<RequestEnding>();
    this.#ending = promise;
    this.#finish = resolve;
  }

  /** Aborts when the client cancels the statement before it was forwarded. Made when somebody waits for it. */
  get cancelled(): AbortSignal {
    this.#cancel ??= new AbortController();
    return this.#cancel.signal;
  }

  /** The client cancels: a statement that waits here gives its place up. */
  cancel(): void {
    this.#cancel ??= new AbortController();
    this.#cancel.abort();
  }

  get ending(): Promise<RequestEnding> {
    return this.#ending;
  }

  finish(ending: RequestEnding): void {
    this.#finish(ending);
  }
}

export class RequestRegistry {
  readonly #entries: LRUCache<string, RequestEntry>;

  /** `rememberedMax` requests for at most `rememberMs`. */
  constructor(options: { readonly rememberedMax: number; readonly rememberMs: number }) {
    this.#entries = new LRUCache({
      max: options.rememberedMax,
      ttl: options.rememberMs,
      maxSize: KEPT_BYTES_MAX,
      sizeCalculation: () => ENTRY_BYTES,
    });
  }

  /** What is known of this request id; a new one is entered. */
  enter(session: string, requestId: string, hash: string): RequestState {
    const key = `${session}\u0000${requestId}`;
    const known = this.#entries.get(key);
    if (known === undefined) return { kind: 'new', entry: this.#remember(key, hash) };
    if (known.hash !== hash) return { kind: 'reused' };
    return { kind: 'repeat', entry: known };
  }

  /** The entry of a request, if it is remembered. */
  find(session: string, requestId: string): RequestEntry | undefined {
    return this.#entries.get(`${session}\u0000${requestId}`);
  }

  /**
   * Replaces an unanswered entry by a fresh one for the next forwarding; of several repeats that waited for it only
   * the first gets that, the others are repeats of the first.
   */
  again(
    session: string,
    requestId: string,
    unanswered: RequestEntry,
  ): Exclude<RequestState, { kind: 'reused' }> {
    const key = `${session}\u0000${requestId}`;
    const known = this.#entries.get(key);
    if (known !== undefined && known !== unanswered) return { kind: 'repeat', entry: known };
    return { kind: 'new', entry: this.#remember(key, unanswered.hash) };
  }

  #remember(key: string, hash: string): RequestEntry {
    const entry = new RequestEntry(hash);
    this.#entries.set(key, entry);
    void entry.ending.then((ending) => {
      // Forgotten or replaced in the meantime: nothing is kept for it.
      if (this.#entries.peek(key) !== entry) return;
      // The cache takes a new size for a new value only.
      this.#entries.delete(key);
      this.#entries.set(key, entry, { size: ENTRY_BYTES + keptBytes(ending) });
    });
    return entry;
  }
}

function keptBytes(ending: RequestEnding): number {
  switch (ending.kind) {
    case 'answered':
      return ending.reply.body.length;
    case 'streamed':
      return 0;
    case 'unanswered':
      return ending.statement.offsets.body.length;
  }
}

function deferred<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((accept) => {
    resolve = accept;
  });
  return { promise, resolve };
}
