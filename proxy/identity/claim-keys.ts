/**
 * The keys by which claims of a shared principal are verified: public ones of the control document, and secrets that
 * the API issued. Secrets are opened once and kept under a cap; a revoked one stops to count within 5 s.
 */
import type { Occupancy } from '#base/metrics.js';
import { createPublicKey, createSecretKey } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { Fault } from '#base/errors.js';
import type { Queryable } from '#base/postgres/pool.js';
import type { Sealer } from '#base/sealing.js';
import type { EpochMs } from '#base/time.js';
import type { ClaimKey } from '#policies/claim.js';
import type { PrincipalDocument } from '#policies/control/document.js';

/** Read again after this long, so that with the time of the read a revocation is seen within 5 s. */
const FRESH_MS = 4000;
/** A secret that is not known may have been issued just now; asked for no more often than this. */
const UNKNOWN_AGAIN_MS = 1000;
const PRINCIPALS_MAX = 1000;
const SECRETS_MAX = 20;

type Keys = ReadonlyMap<string, ClaimKey>;

interface Cached {
  readonly keys: Keys;
  readonly readAtMs: number;
}

export interface ClaimKeysOptions {
  readonly db: Queryable;
  readonly sealer: Sealer;
  /** Real time: secrets expire by it, as claims do. */
  readonly now: () => EpochMs;
  /** Monotonic. */
  readonly monotonicMs: () => number;
}

export class ClaimKeys {
  readonly #options: ClaimKeysOptions;
  readonly #secrets = new LRUCache<string, Cached>({ max: PRINCIPALS_MAX });
  readonly #reading = new Map<string, Promise<Keys>>();
  readonly #published = new WeakMap<PrincipalDocument, Keys>();

  constructor(options: ClaimKeysOptions) {
    this.#options = options;
  }

  /** Principals whose secrets are known, for the metric. */
  get occupancy(): Occupancy {
    return { used: this.#secrets.size, max: PRINCIPALS_MAX };
  }

  /**
   * The key of that id; the control document's first. While Postgres is away, secrets stay as last read.
   * @throws Fault `ledgerUnavailable` when they were never read and cannot be.
   */
  async find(principal: PrincipalDocument, keyId: string): Promise<ClaimKey | undefined> {
    return this.#publishedKeys(principal).get(keyId) ?? (await this.#secret(principal.id, keyId));
  }

  async #secret(principalId: string, keyId: string): Promise<ClaimKey | undefined> {
    const cached = this.#secrets.get(principalId);
    const ageMs = cached === undefined ? Infinity : this.#options.monotonicMs() - cached.readAtMs;
    const known = cached?.keys.get(keyId);
    if (ageMs < (known === undefined ? UNKNOWN_AGAIN_MS : FRESH_MS)) return known;
    try {
      return (await this.#readOnce(principalId)).get(keyId);
    } catch (cause) {
      if (cached !== undefined) return known;
      throw new Fault('ledgerUnavailable', 'the secrets of a claim could not be read', { cause });
    }
  }

  /** One read at a time for a principal, however many statements wait for it. */
  #readOnce(principalId: string): Promise<Keys> {
    const underWay = this.#reading.get(principalId);
    if (underWay !== undefined) return underWay;
    const read = this.#read(principalId).finally(() => this.#reading.delete(principalId));
    this.#reading.set(principalId, read);
    return read;
  }

  async #read(principalId: string): Promise<Keys> {
    const { db, sealer, now, monotonicMs } = this.#options;
    const readAtMs = monotonicMs();
    const { rows } = await db.query<{ id: string; sealed_secret: string }>(
      `SELECT id, sealed_secret FROM claim_secret
       WHERE principal_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)
       ORDER BY created_at DESC LIMIT ${SECRETS_MAX}`,
      [principalId, new Date(now())],
    );
    const keys = new Map<string, ClaimKey>();
    for (const { id, sealed_secret: sealed } of rows) {
      const secret = sealer.open(sealed, id);
      // Sealed with a key that this replica no longer has: as good as revoked.
      if (secret !== undefined)
        keys.set(id, { algorithm: 'HS256', key: createSecretKey(secret, 'utf8') });
    }
    this.#secrets.set(principalId, { keys, readAtMs });
    return keys;
  }

  #publishedKeys(principal: PrincipalDocument): Keys {
    const known = this.#published.get(principal);
    if (known !== undefined) return known;
    const keys = new Map<string, ClaimKey>();
    for (const { id, algorithm, publicKey } of principal.claimKeys ?? []) {
      try {
        keys.set(id, { algorithm, key: createPublicKey(publicKey) });
      } catch {
        // Text of the right form that holds no key: it verifies nothing.
      }
    }
    this.#published.set(principal, keys);
    return keys;
  }
}
