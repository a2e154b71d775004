/**
 * Sealed tokens: what a client holds instead of Snowflake's session and master tokens. A small JSON payload under
 * `base/sealing.ts` with kind, audience and times inside, so that any replica can open what another sealed, a master
 * token is no session token, and a token of another deployment opens nowhere, also under the same keys.
 */
import type { Occupancy } from '#base/metrics.js';
import { LRUCache } from 'lru-cache';
import { createSealer, type Sealer, type SealKey } from '#base/sealing.js';
import { callerRefusal } from '../wire/refusal.js';
import type { Refusal } from '../wire/refusal.js';

export type TokenKind = 'session' | 'master';

/** What login fixed; never changes while the token lives. */
export interface SealedIdentity {
  readonly kind: TokenKind;
  readonly account: string;
  readonly sessionId: string;
  /** Snowflake user as authenticated at login, upper case. */
  readonly snowflakeUser: string;
  readonly upstreamToken: string;
  /** Only of a terminated sign-in: who proved to be whom here. */
  readonly principalId?: string;
  /** What the client called itself at login; descriptive only. */
  readonly application?: string | undefined;
  /** When upstream lets the token end, in epoch milliseconds of real time; absent: it did not say. */
  readonly tokenEndsAtMs?: number | undefined;
}

export interface TokenSealerOptions {
  readonly keys: readonly SealKey[];
  readonly randomBytes: (size: number) => Buffer;
  /** Opened tokens kept in memory. */
  readonly cachedMax: number;
  /** The deployment; a token of another one does not open. */
  readonly audience: string;
  /** Real time in epoch milliseconds. */
  readonly now: () => number;
}

interface Payload {
  readonly identity: SealedIdentity;
  readonly audience: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

const PREFIX = 'tg1';
const TOKEN_LENGTH_MAX = 16_384;
/**
 * Far beyond Snowflake's own hours, which it enforces in words that drivers understand (they renew or sign in again);
 * a seal that ends first would be an error to the client.
 */
const LIFETIME_MS = 30 * 86_400_000;
/** How far the clocks of replicas may differ. */
const SKEW_MS = 300_000;

export class TokenSealer {
  readonly #options: TokenSealerOptions;
  readonly #sealer: Sealer;
  readonly #opened: LRUCache<string, Payload>;

  constructor(options: TokenSealerOptions) {
    this.#options = options;
    this.#sealer = createSealer(PREFIX, options.keys, options.randomBytes);
    this.#opened = new LRUCache({ max: options.cachedMax });
  }

  /** Opened tokens in memory, for the metric. */
  get occupancy(): Occupancy {
    return { used: this.#opened.size, max: this.#opened.max };
  }

  /** A token for `identity`, in text that fits an Authorization header. */
  seal(identity: SealedIdentity): string {
    const issuedAtMs = this.#options.now();
    const payload: Payload = {
      identity,
      audience: this.#options.audience,
      issuedAtMs,
      expiresAtMs: issuedAtMs + LIFETIME_MS,
    };
    return this.#sealer.seal(JSON.stringify(payload));
  }

  /**
   * The identity inside, or undefined for a token that is not ours, was altered, is of the other kind, of another
   * deployment, too old, or from the future.
   */
  open(token: string, kind: TokenKind): SealedIdentity | undefined {
    const payload = this.#opened.get(token) ?? this.#unseal(token);
    if (payload === undefined || payload.identity.kind !== kind) return undefined;
    const now = this.#options.now();
    const isInForce = payload.issuedAtMs <= now + SKEW_MS && now < payload.expiresAtMs;
    return isInForce ? payload.identity : undefined;
  }

  #unseal(token: string): Payload | undefined {
    if (token.length > TOKEN_LENGTH_MAX) return undefined;
    const text = this.#sealer.open(token);
    if (text === undefined) return undefined;
    const payload = JSON.parse(text) as Payload;
    if (payload.audience !== this.#options.audience) return undefined;
    this.#opened.set(token, payload);
    return payload;
  }
}

/** The token of `Snowflake Token="…"`; undefined for anything else, and for the literal None of a login. */
export function tokenOfAuthorization(header: string | undefined): string | undefined {
  const match = header === undefined ? null : /^Snowflake Token="([^"]+)"$/.exec(header);
  const token = match?.[1];
  return token === undefined || token === 'None' ? undefined : token;
}

/** The Authorization header of a Snowflake token. */
export function snowflakeToken(token: string): string {
  return `Snowflake Token="${token}"`;
}

/** One answer for every token that is not ours, is altered, or is of the wrong kind. */
export function foreignToken(): Refusal {
  return callerRefusal(
    'unauthenticated',
    'Not run: this token was not issued by this Tollgate, or was altered. Connect again through this host.',
  );
}

/** The answer to a token of ours whose session is over. */
export function endedSession(): Refusal {
  return callerRefusal(
    'unauthenticated',
    'Not run: this session was closed or revoked. Connect again.',
  );
}
