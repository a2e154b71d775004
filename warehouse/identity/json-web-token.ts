/** JSON Web Tokens signed with a key pair (RFC 7515, 7518, 7519): reading and checking them. */
import { createHash, createPublicKey, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { z } from 'zod';

/** Longest token that is looked at, in characters. */
const TOKEN_MAX = 16_384;
const RSA_BITS_MIN = 2048;

/** Claims of a token, times in seconds since 1970; others by their names. */
export interface Claims {
  readonly [claim: string]: unknown;
  readonly iss?: string | undefined;
  readonly sub?: string | undefined;
  readonly aud?: string | string[] | undefined;
  readonly iat?: number | undefined;
  readonly nbf?: number | undefined;
  readonly exp?: number | undefined;
}

const header = z.object({ alg: z.string(), kid: z.string().optional() });
const claims: z.ZodType<Claims> = z.looseObject({
  iss: z.string().optional(),
  sub: z.string().optional(),
  aud: z.union([z.string(), z.array(z.string())]).optional(),
  iat: z.number().optional(),
  nbf: z.number().optional(),
  exp: z.number().optional(),
});

export interface WebToken {
  readonly algorithm: string;
  /** Nothing of it is proven until {@link isSignedBy} says so. */
  readonly claims: Claims;
  readonly signed: string;
  readonly signature: Buffer;
}

/** Reads a token without believing it; undefined when it is none. */
export function parseWebToken(text: string): WebToken | undefined {
  if (text.length > TOKEN_MAX) return undefined;
  const [head, body, signature, ...rest] = text.split('.');
  if (head === undefined || body === undefined || signature === undefined || rest.length > 0)
    return undefined;
  const readHeader = header.safeParse(jsonOf(head));
  const readClaims = claims.safeParse(jsonOf(body));
  if (!readHeader.success || !readClaims.success) return undefined;
  return {
    algorithm: readHeader.data.alg,
    claims: readClaims.data,
    signed: `${head}.${body}`,
    signature: Buffer.from(signature, 'base64url'),
  };
}

const HASHES: Readonly<Record<string, string>> = {
  '256': 'sha256',
  '384': 'sha384',
  '512': 'sha512',
};
const CURVES: Readonly<Record<string, string>> = {
  ES256: 'prime256v1',
  ES384: 'secp384r1',
  ES512: 'secp521r1',
};

/**
 * Whether the token's signature is that of `key`. The algorithm must be one of the key's own kind (RS… for RSA, ES…
 * with its curve for elliptic curves): `none` and keyed hashes, whose key would be public here, never are.
 */
export function isSignedBy(token: WebToken, key: KeyObject): boolean {
  const hash = HASHES[token.algorithm.slice(2)];
  if (hash === undefined) return false;
  const kind = token.algorithm.slice(0, 2);
  const fits =
    kind === 'RS'
      ? key.asymmetricKeyType === 'rsa'
      : kind === 'ES' &&
        key.asymmetricKeyType === 'ec' &&
        key.asymmetricKeyDetails?.namedCurve === CURVES[token.algorithm];
  if (!fits) return false;
  try {
    return verify(
      hash,
      Buffer.from(token.signed, 'ascii'),
      kind === 'ES' ? { key, dsaEncoding: 'ieee-p1363' } : key,
      token.signature,
    );
  } catch {
    return false;
  }
}

export interface PublicKey {
  /** DER in base64, as Snowflake keeps it. */
  readonly key: string;
  /** `SHA256:` and the base64 SHA-256 of the DER form (Snowflake, "Key-pair authentication"). */
  readonly fingerprint: string;
}

/** A public key from PEM text or bare base64 DER; undefined for anything else, a private key and a short RSA key too. */
export function readPublicKey(text: string): PublicKey | undefined {
  if (/PRIVATE KEY/.test(text)) return undefined;
  const base64 = text.replace(/-----(?:BEGIN|END) PUBLIC KEY-----/g, '').replace(/\s+/g, '');
  if (!/^[A-Za-z0-9+/]{64,4096}={0,2}$/.test(base64)) return undefined;
  const key = keyObject(base64);
  const isUsable =
    key !== undefined &&
    (key.asymmetricKeyType === 'rsa'
      ? (key.asymmetricKeyDetails?.modulusLength ?? 0) >= RSA_BITS_MIN
      : key.asymmetricKeyType === 'ec');
  if (!isUsable) return undefined;
  const der = key.export({ format: 'der', type: 'spki' });
  const digest = createHash('sha256').update(der).digest('base64');
  return { key: der.toString('base64'), fingerprint: `SHA256:${digest}` };
}

/** The key of base64 DER text; undefined when it is none. */
export function keyObject(base64: string): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(base64, 'base64'), format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
}

function jsonOf(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
