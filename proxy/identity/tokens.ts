/**
 * Sealed tokens: what a client holds instead of Snowflake's session and master tokens. AES-256-GCM over a small JSON
 * payload with prefix and key id as additional data and the token kind inside, so that any replica can open what another sealed,
 * a master token is no session token, and a token of another deployment opens nowhere.
 * Form: `tg1.<key id>.<base64url(iv ‖ ciphertext ‖ tag)>`. Source: NIST SP 800-38D (96-bit random IV).
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { assert } from '#base/assert.js';

export type TokenKind = 'session' | 'master';

/** What login fixed; never changes while the token lives. */
export interface SealedIdentity {
  readonly kind: TokenKind;
  readonly account: string;
  readonly sessionId: string;
  /** Snowflake user as authenticated at login, upper case. */
  readonly snowflakeUser: string;
  readonly upstreamToken: string;
}

export interface SealKey {
  readonly id: string;
  /** 32 bytes. */
  readonly key: Buffer;
}

const PREFIX = 'tg1';
const IV_BYTES = 12;
const TAG_BYTES = 16;
const TOKEN_LENGTH_MAX = 16_384;

export class TokenSealer {
  readonly #keys: readonly SealKey[];
  readonly #randomBytes: (size: number) => Buffer;
  readonly #opened: LRUCache<string, SealedIdentity>;

  constructor(keys: readonly SealKey[], randomBytes: (size: number) => Buffer, cacheMax: number) {
    assert(keys.length > 0, 'at least one seal key');
    this.#keys = keys;
    this.#randomBytes = randomBytes;
    this.#opened = new LRUCache({ max: cacheMax });
  }

  /** A token for `identity`, in text that fits an Authorization header. */
  seal(identity: SealedIdentity): string {
    const sealing = this.#keys[0];
    assert(sealing !== undefined, 'a key to seal with');
    const iv = this.#randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', sealing.key, iv);
    cipher.setAAD(Buffer.from(`${PREFIX}.${sealing.id}`));
    const sealed = Buffer.concat([
      iv,
      cipher.update(JSON.stringify(identity)),
      cipher.final(),
      cipher.getAuthTag(),
    ]);
    return `${PREFIX}.${sealing.id}.${sealed.toString('base64url')}`;
  }

  /** The identity inside, or undefined for a token that is not ours, was altered, or is of the other kind. */
  open(token: string, kind: TokenKind): SealedIdentity | undefined {
    const cached = this.#opened.get(token);
    if (cached !== undefined) return cached.kind === kind ? cached : undefined;
    const identity = this.#decrypt(token);
    if (identity === undefined) return undefined;
    this.#opened.set(token, identity);
    return identity.kind === kind ? identity : undefined;
  }

  #decrypt(token: string): SealedIdentity | undefined {
    if (token.length > TOKEN_LENGTH_MAX) return undefined;
    const [prefix, keyId, body, ...rest] = token.split('.');
    const key = this.#keys.find((candidate) => candidate.id === keyId);
    if (prefix !== PREFIX || key === undefined || body === undefined || rest.length > 0)
      return undefined;
    const bytes = Buffer.from(body, 'base64url');
    // One spelling a token: the decoder passes over foreign characters and spare bits.
    if (bytes.toString('base64url') !== body) return undefined;
    if (bytes.length <= IV_BYTES + TAG_BYTES) return undefined;
    const decipher = createDecipheriv('aes-256-gcm', key.key, bytes.subarray(0, IV_BYTES));
    decipher.setAAD(Buffer.from(`${PREFIX}.${key.id}`));
    decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
    try {
      const plain = Buffer.concat([
        decipher.update(bytes.subarray(IV_BYTES, bytes.length - TAG_BYTES)),
        decipher.final(),
      ]);
      return JSON.parse(plain.toString('utf8')) as SealedIdentity;
    } catch {
      // Altered or sealed with another key: the same answer as for any unknown token.
      return undefined;
    }
  }
}

/** The token of `Snowflake Token="…"`; undefined for anything else, and for the literal None of a login. */
export function tokenOfAuthorization(header: string | undefined): string | undefined {
  const match = header === undefined ? null : /^Snowflake Token="([^"]+)"$/.exec(header);
  const token = match?.[1];
  return token === undefined || token === 'None' ? undefined : token;
}
