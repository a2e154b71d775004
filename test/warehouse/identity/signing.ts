/** Tokens and keys as drivers and identity providers make them. */
import { createHash, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** The public key as Snowflake's statements take it: base64 of its DER form. */
export function publicText({ publicKey }: KeyPair): string {
  return publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
}

export function fingerprintOf(pair: KeyPair): string {
  const der = Buffer.from(publicText(pair), 'base64');
  return `SHA256:${createHash('sha256').update(der).digest('base64')}`;
}

export function signedToken(
  claims: Readonly<Record<string, unknown>>,
  key: KeyObject,
  algorithm = 'RS256',
): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: algorithm, typ: 'JWT' })}.${part(claims)}`;
  const options = algorithm.startsWith('ES') ? { key, dsaEncoding: 'ieee-p1363' as const } : key;
  const signature = sign(`sha${algorithm.slice(2)}`, Buffer.from(signed), options);
  return `${signed}.${signature.toString('base64url')}`;
}

/** Claims of a key-pair login, issued now. */
export function keyPairClaims(
  user: string,
  pair: KeyPair,
  more: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  const now = Math.floor(Date.now() / 1000);
  const subject = `DEMO.${user}`;
  return {
    iss: `${subject}.${fingerprintOf(pair)}`,
    sub: subject,
    iat: now,
    exp: now + 60,
    ...more,
  };
}
