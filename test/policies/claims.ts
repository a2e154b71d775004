/** Signs claims as a tool would, and as an attacker might. */
import { createHmac, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

/** 2026-03-01T12:00:00Z in seconds. */
export const NOON_SECONDS: number = Date.UTC(2026, 2, 1, 12) / 1000;

export const SECRET = 'tgcs_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG';

export interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  readonly pem: string;
}

export function keyPair(kind: 'ES256' | 'RS256' | 'EdDSA', rsaBits = 2048): Pair {
  const pair =
    kind === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
      : kind === 'RS256'
        ? generateKeyPairSync('rsa', { modulusLength: rsaBits })
        : generateKeyPairSync('ed25519');
  return { ...pair, pem: pair.publicKey.export({ type: 'spki', format: 'pem' }) as string };
}

export const base64url = (text: string | Buffer): string => Buffer.from(text).toString('base64url');

/** A payload that is accepted, with changes; undefined takes a member out. */
export function payload(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    iss: 'looker',
    aud: 'tollgate',
    team: 'marketing',
    iat: NOON_SECONDS,
    exp: NOON_SECONDS + 300,
    ...changes,
  };
}

/** A token over raw texts of header and payload. */
export function signRaw(header: string, body: string, key: string | KeyObject): string {
  const signed = `${base64url(header)}.${base64url(body)}`;
  return `${signed}.${base64url(signatureOf(signed, key))}`;
}

function signatureOf(signed: string, key: string | KeyObject): Buffer {
  const data = Buffer.from(signed);
  if (typeof key === 'string') return createHmac('sha256', key).update(data).digest();
  if (key.asymmetricKeyType === 'ed25519') return sign(null, data, key);
  return key.asymmetricKeyType === 'ec'
    ? sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' })
    : sign('sha256', data, key);
}

export function signHs256(
  changes: Readonly<Record<string, unknown>> = {},
  options: { readonly kid?: string; readonly secret?: string; readonly alg?: string } = {},
): string {
  const header = { alg: options.alg ?? 'HS256', typ: 'JWT', kid: options.kid ?? 'secret-1' };
  return signRaw(
    JSON.stringify(header),
    JSON.stringify(payload(changes)),
    options.secret ?? SECRET,
  );
}
