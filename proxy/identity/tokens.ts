/**
 * Sealed tokens: what a client holds instead of Snowflake's session and master tokens. A small JSON payload under
 * `base/sealing.ts` with the token kind inside, so that any replica can open what another sealed, a master token is no
 * session token, and a token of another deployment opens nowhere.
 */
import { LRUCache } from 'lru-cache';
import { createSealer, type Sealer, type SealKey } from '#base/sealing.js';

export type TokenKind = 'session' | 'master';

/** What login fixed; never changes while the token lives. */
export interface SealedIdentity {
  readonly kind: TokenKind;
  readonly account: string;
  readonly sessionId: string;
  /** Snowflake user as authenticated at login, upper case. */
  readonly snowflakeUser: string;
  readonly upstreamToken: string;
  /** What the client called itself at login; descriptive only. */
  readonly application?: string | undefined;
}

const PREFIX = 'tg1';
const TOKEN_LENGTH_MAX = 16_384;

export class TokenSealer {
  readonly #sealer: Sealer;
  readonly #opened: LRUCache<string, SealedIdentity>;

  constructor(keys: readonly SealKey[], randomBytes: (size: number) => Buffer, cacheMax: number) {
    this.#sealer = createSealer(PREFIX, keys, randomBytes);
    this.#opened = new LRUCache({ max: cacheMax });
  }

  /** A token for `identity`, in text that fits an Authorization header. */
  seal(identity: SealedIdentity): string {
    return this.#sealer.seal(JSON.stringify(identity));
  }

  /** The identity inside, or undefined for a token that is not ours, was altered, or is of the other kind. */
  open(token: string, kind: TokenKind): SealedIdentity | undefined {
    const cached = this.#opened.get(token);
    if (cached !== undefined) return cached.kind === kind ? cached : undefined;
    if (token.length > TOKEN_LENGTH_MAX) return undefined;
    const text = this.#sealer.open(token);
    if (text === undefined) return undefined;
    const identity = JSON.parse(text) as SealedIdentity;
    this.#opened.set(token, identity);
    return identity.kind === kind ? identity : undefined;
  }
}

/** The token of `Snowflake Token="…"`; undefined for anything else, and for the literal None of a login. */
export function tokenOfAuthorization(header: string | undefined): string | undefined {
  const match = header === undefined ? null : /^Snowflake Token="([^"]+)"$/.exec(header);
  const token = match?.[1];
  return token === undefined || token === 'None' ? undefined : token;
}
