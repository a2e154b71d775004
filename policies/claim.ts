/**
 * A signed on-behalf-of claim: a compact JWS by which a shared principal says for which team, and for whom in it, it
 * sends a statement. What is checked follows RFC 8725 (JSON Web Token Best Current Practices): the key decides the
 * algorithm and never the header (§3.1, §3.2), one spelling of the encoding, issuer and audience (§3.8, §3.9), no
 * critical extensions (RFC 7515 §4.1.11), and keys come from nowhere but our own lists (§3.10).
 */
import { createHmac, timingSafeEqual, verify, type KeyObject } from 'node:crypto';
import type { EpochMs } from '#base/time.js';
import type { ClaimAlgorithm } from './control/document.js';
import { uniqueMembers } from './json-members.js';

/** Longest claim, in characters: a query tag has 2,000, and the user's own must fit beside it. */
export const CLAIM_LENGTH_MAX = 1500;
/** Longest time from `iat` to `exp`. */
export const CLAIM_LIFETIME_SECONDS_MAX = 86_400;
/** How far the clocks of signer and proxy may be apart. */
export const CLAIM_SKEW_SECONDS = 60;
/** What `aud` must be. */
export const CLAIM_AUDIENCE = 'tollgate';
/** Prefix under which secrets are sealed at rest; the context is the secret's id. */
export const CLAIM_SECRET_PREFIX = 'tgc1';
/** HMAC keys below the size of the hash are refused (RFC 7518 §3.2). */
export const CLAIM_SECRET_BYTES_MIN = 32;
const RSA_BITS_MIN = 2048;

/** Why a claim is not believed; labels of a metric, so few and fixed. */
export const CLAIM_PROBLEMS = [
  'malformed',
  'too-long',
  'unknown-key',
  'algorithm',
  'signature',
  'issuer',
  'audience',
  'expired',
  'not-yet-valid',
  'lifetime',
  'team',
  'subject',
  'not-shared',
] as const;
export type ClaimProblem = (typeof CLAIM_PROBLEMS)[number];

/** A key by which claims of one principal are verified. */
export interface ClaimKey {
  readonly algorithm: ClaimAlgorithm | 'HS256';
  /** A secret for HS256, else the public half. */
  readonly key: KeyObject;
}

/** What a verified claim says. */
export interface Claim {
  readonly keyId: string;
  readonly team: string;
  /** The principal of that team for whom the statement is; null: the claim names the team alone. */
  readonly subject: string | null;
  readonly expiresAt: EpochMs;
}

export type ClaimReading =
  | { readonly kind: 'valid'; readonly claim: Claim }
  | { readonly kind: 'invalid'; readonly problem: ClaimProblem };

/** A claim that was taken apart and not believed yet. */
export interface UnverifiedClaim {
  readonly keyId: string;
  readonly algorithm: string;
  readonly payload: ReadonlyMap<string, unknown>;
  readonly token: string;
  readonly signature: Buffer;
}

/** Takes a token apart: canonical base64url, UTF-8, JSON objects without double names, no `crit`. */
export function parseClaim(token: string): UnverifiedClaim | ClaimProblem {
  if (token.length > CLAIM_LENGTH_MAX) return 'too-long';
  const [head = '', body = '', tail = '', ...rest] = token.split('.');
  const header = objectOf(head);
  const payload = objectOf(body);
  const signature = bytesOf(tail);
  if (rest.length > 0 || header === undefined || payload === undefined || signature === undefined)
    return 'malformed';
  const [algorithm, keyId, type] = ['alg', 'kid', 'typ'].map((name) => header.get(name));
  const isOurType = type === undefined || (typeof type === 'string' && /^JWT$/i.test(type));
  if (typeof algorithm !== 'string' || !isOurType || header.has('crit')) return 'malformed';
  if (typeof keyId !== 'string') return 'unknown-key';
  return { keyId, algorithm, payload, token, signature };
}

/**
 * Whether a claim is to be believed.
 * @param key of the id that the claim names, among those of the principal that signed in; undefined: there is none.
 * @param issuer id of that principal: nobody else's claims count on its session.
 * @param now real time, because signers know no other.
 * @param isSignedBy {@link isSigned}, or something that remembers what it said.
 */
export function verifyClaim(
  parsed: UnverifiedClaim,
  key: ClaimKey | undefined,
  issuer: string,
  now: EpochMs,
  isSignedBy: typeof isSigned = isSigned,
): ClaimReading {
  if (key === undefined) return invalid('unknown-key');
  if (key.algorithm !== parsed.algorithm) return invalid('algorithm');
  if (!isSignedBy(parsed, key)) return invalid('signature');
  const { payload } = parsed;
  const [issuedBy, audience, team, subject = null] = ['iss', 'aud', 'team', 'sub'].map((name) =>
    payload.get(name),
  );
  if (issuedBy !== issuer) return invalid('issuer');
  // Some libraries write a list of one.
  const isForUs = Array.isArray(audience)
    ? audience.length === 1 && audience[0] === CLAIM_AUDIENCE
    : audience === CLAIM_AUDIENCE;
  if (!isForUs) return invalid('audience');
  const seconds = now / 1000;
  const times = timesOf(payload);
  if (times === undefined) return invalid('malformed');
  const { issuedAt, notBefore, expiresAt } = times;
  if (expiresAt <= issuedAt || expiresAt - issuedAt > CLAIM_LIFETIME_SECONDS_MAX)
    return invalid('lifetime');
  if (seconds >= expiresAt + CLAIM_SKEW_SECONDS) return invalid('expired');
  if (seconds < Math.max(issuedAt, notBefore) - CLAIM_SKEW_SECONDS) return invalid('not-yet-valid');
  if (typeof team !== 'string') return invalid('team');
  if (subject !== null && typeof subject !== 'string') return invalid('subject');
  return {
    kind: 'valid',
    claim: { keyId: parsed.keyId, team, subject, expiresAt: expiresAt * 1000 },
  };
}

function invalid(problem: ClaimProblem): ClaimReading {
  return { kind: 'invalid', problem };
}

/** Whether the key's own algorithm says that the signature is its. False for a key of another kind. */
export function isSigned(
  { token, signature }: UnverifiedClaim,
  { algorithm, key }: ClaimKey,
): boolean {
  const data = Buffer.from(token.slice(0, token.lastIndexOf('.')), 'ascii');
  try {
    switch (algorithm) {
      case 'HS256': {
        if (key.type !== 'secret' || (key.symmetricKeySize ?? 0) < CLAIM_SECRET_BYTES_MIN)
          return false;
        const wanted = createHmac('sha256', key).update(data).digest();
        return wanted.length === signature.length && timingSafeEqual(wanted, signature);
      }
      case 'ES256':
        return (
          isPublic(key, 'ec') &&
          key.asymmetricKeyDetails?.namedCurve === 'prime256v1' &&
          verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, signature)
        );
      case 'RS256':
        return (
          isPublic(key, 'rsa') &&
          (key.asymmetricKeyDetails?.modulusLength ?? 0) >= RSA_BITS_MIN &&
          verify('sha256', data, key, signature)
        );
      case 'EdDSA':
        return isPublic(key, 'ed25519') && verify(null, data, key, signature);
    }
  } catch {
    // A signature that the key cannot even read.
    return false;
  }
}

function isPublic(key: KeyObject, kind: string): boolean {
  return key.type === 'public' && key.asymmetricKeyType === kind;
}

/** `iat`, `nbf` and `exp` in seconds; undefined when one that is needed is missing or no number. */
function timesOf(
  payload: ReadonlyMap<string, unknown>,
): { issuedAt: number; notBefore: number; expiresAt: number } | undefined {
  const [issuedAt, notBefore = 0, expiresAt] = ['iat', 'nbf', 'exp'].map((name) =>
    payload.get(name),
  );
  return isTime(issuedAt) && isTime(notBefore) && isTime(expiresAt)
    ? { issuedAt, notBefore, expiresAt }
    : undefined;
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER;
}

/** The JSON object of a part; undefined for any other text, and for a name that stands twice. */
function objectOf(part: string): ReadonlyMap<string, unknown> | undefined {
  const bytes = bytesOf(part);
  if (bytes === undefined) return undefined;
  try {
    return uniqueMembers(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

/** Bytes of base64url without padding; undefined for any other spelling of them, so that one claim has one text. */
function bytesOf(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url');
  return part !== '' && bytes.toString('base64url') === part ? bytes : undefined;
}
