/** Secrets of programmatic access tokens: shown once, kept as SHA-256 (they are random, a slow hash would add nothing). */
import { createHash, randomBytes } from 'node:crypto';
import type { TokenRecord, UserRecord } from './user-records.js';
import type { Users } from './users.js';

const SECRET_PREFIX = 'tgpat_';
/** Most tokens of one user (Snowflake, "Using programmatic access tokens"). */
export const TOKENS_PER_USER_MAX = 15;

/** A new secret of 256 random bits, and the hash that is kept of it. */
export function newTokenSecret(): { readonly secret: string; readonly hash: string } {
  const secret = SECRET_PREFIX + randomBytes(32).toString('base64url');
  return { secret, hash: hashOf(secret) };
}

/** Whether a text may be such a secret: then it is looked up, where a password was expected, too. */
export function looksLikeToken(text: string): boolean {
  return text.startsWith(SECRET_PREFIX);
}

/**
 * The user and token of a secret; undefined when it is unknown, expired, disabled, or of another user than the login
 * names. An unknown secret is found by its hash only, so that how long the look-up takes tells nothing of it.
 *
 * @param now real time in milliseconds.
 */
export function tokenLogin(
  users: Users,
  login: { readonly token: string; readonly loginName: string },
  now: number,
): { readonly user: UserRecord; readonly token: TokenRecord } | undefined {
  const found = users.byTokenHash(hashOf(login.token));
  if (found === undefined || !isUsable(found.token, now)) return undefined;
  const isOther = login.loginName !== '' && users.byLogin(login.loginName) !== found.user;
  return isOther ? undefined : found;
}

/** Whether a token may be used at `now`, real time in milliseconds. */
export function isUsable(token: TokenRecord, now: number): boolean {
  return !token.isDisabled && token.expiresAtMs > now;
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
