/** Everything that says who calls, assembled for one replica: tokens, sessions, credentials, addresses, claims. */
import { must } from '#base/assert.js';
import type { Ids } from '#base/ids.js';
import type { Log } from '#base/log.js';
import type { Database } from '#base/postgres/pool.js';
import type { SealKey } from '#base/sealing.js';
import type { Events } from '../events.js';
import type { Parts } from '../parts.js';
import { createClaims } from './claims.js';
import { createClientAddress } from './client-address.js';
import { SessionStore } from './sessions.js';
import { createTerminated, type ProvisionServiceUser } from './terminated.js';
import { BearerProofs } from '../sql-api/proofs.js';
import { TokenSealer } from './tokens.js';

export interface IdentityOptions {
  readonly db: Database;
  readonly log: Log;
  readonly ids: Ids;
  readonly events: Events;
  readonly sealKeys: readonly SealKey[];
  /** Networks of balancers whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  /** This one's id. */
  readonly replica: string;
  readonly sessionsCachedMax: number;
  readonly sessionFreshMs: number;
  readonly provisionServiceUser?: ProvisionServiceUser | undefined;
}

export type IdentityParts = Pick<
  Parts,
  'sealer' | 'sessions' | 'terminated' | 'clientAddress' | 'claims' | 'bearerProofs'
>;

/** Tokens, credentials and claims live by the real clock, whatever the warehouse's shows. */
export async function createIdentity(options: IdentityOptions): Promise<IdentityParts> {
  const { db, log, ids, events, sealKeys, sessionsCachedMax } = options;
  const randomBytes = (size: number): Buffer => ids.randomBytes(size);
  const { rows } = await db.query<{ id: string }>('SELECT id FROM deployment');
  return {
    sealer: new TokenSealer({
      keys: sealKeys,
      randomBytes,
      cachedMax: sessionsCachedMax * 2,
      audience: must(rows[0], 'the migration makes one deployment').id,
      now: Date.now,
    }),
    sessions: new SessionStore(db, {
      replica: options.replica,
      cachedMax: sessionsCachedMax,
      freshMs: options.sessionFreshMs,
    }),
    terminated: createTerminated({
      db,
      sealKeys,
      randomBytes,
      realNow: Date.now,
      provision: options.provisionServiceUser,
    }),
    bearerProofs: new BearerProofs({ randomBytes, now: Date.now }),
    clientAddress: createClientAddress(options.trustedProxies),
    claims: createClaims({
      db,
      log,
      events,
      sealKeys,
      randomBytes,
      now: Date.now,
      monotonicMs: () => performance.now(),
    }),
  };
}
