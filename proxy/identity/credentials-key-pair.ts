/** The token of a key-pair login (Snowflake, "Key-pair authentication"; RFC 7515, 7519): read, then verified. */
import { verify } from 'node:crypto';
import { readRsaPublicKey } from '#base/key-pairs.js';

const TOKEN_LENGTH_MAX = 16_384;
/** Longest life that a token may claim; Snowflake's own rule. */
const LIFE_MAX_SECONDS = 3600;
/** How far the clocks of client and proxy may be apart. */
const SKEW_SECONDS = 60;

/** What a token says; nothing of it is proven. */
export interface KeyPairToken {
  readonly account: string;
  readonly user: string;
  readonly fingerprint: string;
  readonly algorithm: string;
  readonly subject: string;
  readonly issuedAt: number | undefined;
  readonly notBefore: number | undefined;
  readonly expiresAt: number | undefined;
  readonly signed: string;
  readonly signature: Buffer;
}

/** Reads a token whose `iss` is `<account>.<user>.SHA256:<fingerprint>`; undefined for any other text. */
export function readKeyPairToken(text: string): KeyPairToken | undefined {
  const [head, body, signature, ...rest] = text.length > TOKEN_LENGTH_MAX ? [] : text.split('.');
  if (head === undefined || body === undefined || signature === undefined || rest.length > 0)
    return undefined;
  const header = recordOf(head);
  const claims = recordOf(body);
  if (header === undefined || claims === undefined) return undefined;
  const issuer = textOf(claims['iss']);
  const at = issuer.lastIndexOf('.SHA256:');
  const subject = issuer.slice(0, Math.max(at, 0));
  const dot = subject.indexOf('.');
  if (dot < 1 || dot === subject.length - 1) return undefined;
  return {
    account: subject.slice(0, dot),
    user: subject.slice(dot + 1),
    fingerprint: issuer.slice(at + 1),
    algorithm: textOf(header['alg']),
    subject: textOf(claims['sub']),
    issuedAt: secondsOf(claims['iat']),
    notBefore: secondsOf(claims['nbf']),
    expiresAt: secondsOf(claims['exp']),
    signed: `${head}.${body}`,
    signature: Buffer.from(signature, 'base64url'),
  };
}

/**
 * Why a token does not prove its user, or undefined when it does: signed by `publicKey` (RS256), its subject that of
 * its issuer, for this account, within its time. `nowMs`: real time.
 */
export function keyPairFault(
  token: KeyPairToken,
  expected: { readonly isAccount: (name: string) => boolean; readonly publicKey: string },
  nowMs: number,
): string | undefined {
  const key = readRsaPublicKey(expected.publicKey);
  if (key === undefined || key.fingerprint !== token.fingerprint) return 'fingerprint';
  if (token.algorithm !== 'RS256') return 'algorithm';
  if (!verify('sha256', Buffer.from(token.signed, 'ascii'), key.key, token.signature))
    return 'signature';
  if (token.subject !== `${token.account}.${token.user}`) return 'subject';
  if (!expected.isAccount(token.account)) return 'account';
  return timeFault(token, nowMs / 1000);
}

function timeFault(token: KeyPairToken, now: number): string | undefined {
  const { issuedAt, notBefore, expiresAt } = token;
  if (issuedAt === undefined || issuedAt > now + SKEW_SECONDS) return 'issue time';
  if (notBefore !== undefined && notBefore > now + SKEW_SECONDS) return 'not valid yet';
  if (expiresAt === undefined || expiresAt <= now - SKEW_SECONDS) return 'expired';
  return expiresAt - issuedAt > LIFE_MAX_SECONDS ? 'life above one hour' : undefined;
}

/** The Node driver writes milliseconds where the standard has seconds: no token lives in the year 5138. */
function secondsOf(claim: unknown): number | undefined {
  if (typeof claim !== 'number' || !Number.isFinite(claim)) return undefined;
  return claim > 100_000_000_000 ? claim / 1000 : claim;
}

function recordOf(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isRecord ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
