/**
 * Who a bearer token is: the token of the settings, or one that the API issued, `tga_<id>_<secret>`. What is known of a
 * token is kept for five seconds at the most, so that a revocation, an expiry or a lost team is honoured within five
 * seconds on every replica. Text that has not the form of a token is answered without the database.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Occupancy } from '#base/metrics.js';
import type { Database } from '#base/postgres/pool.js';
import type { Clock } from '#base/time.js';
import { type Actor, ADMIN_TOKEN_ACTOR } from './actor.js';
import type { Authenticate, Authentication } from './authentication.js';
import { type ApiToken, findToken, noteTokenUse, type TokenSecrets } from './stores/token-store.js';

/** Longest time that a revoked token may still be let in. */
const TOKEN_CACHED_MS = 5_000;
const TOKENS_CACHED_MAX = 10_000;

const FORM = /^tga_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/;
const NOBODY: Authentication = { kind: 'unknown' };
const NO_HASH = '0'.repeat(64);

/** The text that is handed out, once. */
export function tokenText(id: string, secret: Uint8Array): string {
  return `tga_${id}_${Buffer.from(secret).toString('base64url')}`;
}

/** What is kept of a token's text. */
export function hashOfToken(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** How an issued token is named as an actor. */
function actorOfToken(token: ApiToken): Actor {
  const { id, name, role, teamId, principalId } = token;
  const actor = { id: `${name} (${id})`, role, teamId };
  return role === 'team-lead'
    ? { ...actor, principalId: null, ownPrincipalId: principalId }
    : { ...actor, principalId };
}

export interface TokenAuthenticator {
  readonly authenticate: Authenticate;
  /** Tokens of which something is known. */
  readonly occupancy: Occupancy;
}

/**
 * @param adminToken of the settings; an empty one would be open to everybody who sends nothing, and is no token.
 * @param clock of business, in which tokens expire.
 * @param realNow milliseconds that never run backwards, for the five seconds.
 */
export function createTokenAuthenticator(
  db: Database,
  adminToken: string,
  clock: Clock,
  realNow: () => number,
): TokenAuthenticator {
  const adminHash = hashOfToken(adminToken);
  const cache = new LRUCache<
    string,
    { readonly secrets: TokenSecrets | undefined; readonly readAt: number }
  >({ max: TOKENS_CACHED_MAX });
  const authenticate: Authenticate = async (text) => {
    const hash = hashOfToken(text);
    if (areEqual(hash, adminHash) && adminToken !== '')
      return { kind: 'known', actor: ADMIN_TOKEN_ACTOR };
    const id = FORM.exec(text)?.[1];
    if (id === undefined) return NOBODY;
    const cached = cache.get(hash);
    if (cached !== undefined && realNow() - cached.readAt < TOKEN_CACHED_MS)
      return judge(cached.secrets, hash, clock);
    const readAt = realNow();
    const secrets = await findToken(db, id);
    cache.set(hash, { secrets, readAt });
    const judged = judge(secrets, hash, clock);
    if (judged.kind === 'known') await noteTokenUse(db, id, clock.now());
    return judged;
  };
  return {
    authenticate,
    get occupancy() {
      return { used: cache.size, max: TOKENS_CACHED_MAX };
    },
  };
}

function judge(secrets: TokenSecrets | undefined, hash: string, clock: Clock): Authentication {
  const isCurrent = areEqual(hash, secrets?.secretHash ?? NO_HASH);
  const isPrevious = areEqual(hash, secrets?.previousHash ?? NO_HASH);
  if (secrets === undefined || !(isCurrent || isPrevious)) return NOBODY;
  const { token } = secrets;
  const now = clock.now();
  const until = isCurrent ? token.expiresAt : token.previousUntil;
  if (token.revokedAt !== null || isOver(until, now) || isOver(token.expiresAt, now)) return NOBODY;
  const actor = actorOfToken(token);
  return { kind: secrets.isScopeKnown ? 'known' : 'withoutTeam', actor };
}

function isOver(until: number | null, now: number): boolean {
  return until !== null && until <= now;
}

/** In the same time whatever is compared; both are hexadecimal SHA-256. */
function areEqual(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(a, 'hex'), Buffer.from(b, 'hex'));
}
