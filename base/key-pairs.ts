/**
 * RSA key pairs of Snowflake's key-pair authentication: public keys and their fingerprints, new pairs, and the JSON
 * Web Token that signs in. Source: Snowflake, "Key-pair authentication and key-pair rotation".
 */
import { createHash, createPublicKey, generateKeyPair, sign, type KeyObject } from 'node:crypto';

const RSA_BITS_MIN = 2048;
const PEM =
  /^\s*-----BEGIN PUBLIC KEY-----\s([A-Za-z0-9+/=\s]{300,6000})-----END PUBLIC KEY-----\s*$/;
/** Snowflake takes a token within a minute of its issue. */
const LIFE_SECONDS = 60;

export interface RsaPublicKey {
  readonly key: KeyObject;
  /** PEM, SubjectPublicKeyInfo. */
  readonly pem: string;
  /** The DER form in base64, as `RSA_PUBLIC_KEY` takes it. */
  readonly base64: string;
  /** `SHA256:` and the base64 SHA-256 of the DER form. */
  readonly fingerprint: string;
}

/** An RSA public key of at least 2048 bits from PEM text; undefined for anything else, a private key too. */
export function readRsaPublicKey(pem: string): RsaPublicKey | undefined {
  if (!PEM.test(pem)) return undefined;
  try {
    const key = createPublicKey(pem);
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
    return key.asymmetricKeyType === 'rsa' && bits >= RSA_BITS_MIN ? describe(key) : undefined;
  } catch {
    return undefined;
  }
}

/** The public half of a key, with its fingerprint. */
export function publicKeyOf(key: KeyObject): RsaPublicKey {
  return describe(createPublicKey(key));
}

function describe(key: KeyObject): RsaPublicKey {
  const der = key.export({ format: 'der', type: 'spki' });
  return {
    key,
    pem: String(key.export({ format: 'pem', type: 'spki' })),
    base64: der.toString('base64'),
    fingerprint: `SHA256:${createHash('sha256').update(der).digest('base64')}`,
  };
}

export interface NewKeyPair {
  readonly publicKey: RsaPublicKey;
  /** PEM, PKCS #8, not encrypted: for sealing at once. */
  readonly privatePem: string;
}

/** A new pair of 2048 bits, made beside the event loop. */
export function newRsaKeyPair(): Promise<NewKeyPair> {
  return new Promise((resolve, reject) => {
    generateKeyPair('rsa', { modulusLength: RSA_BITS_MIN }, (error, publicKey, privateKey) => {
      if (error !== null) return reject(error);
      const privatePem = String(privateKey.export({ format: 'pem', type: 'pkcs8' }));
      return resolve({ publicKey: describe(publicKey), privatePem });
    });
  });
}

export interface KeyPairSigner {
  readonly account: string;
  readonly user: string;
  readonly privateKey: KeyObject;
  readonly fingerprint: string;
}

/**
 * A token that signs in as `user` (RFC 7519; RS256). `nowMs`: real time. `lifeSeconds`: a minute unless given, which is
 * enough for a login; Snowflake takes an hour at most.
 */
export function signKeyPairToken(
  signer: KeyPairSigner,
  nowMs: number,
  lifeSeconds: number = LIFE_SECONDS,
): Promise<string> {
  const subject = `${signer.account.toUpperCase()}.${signer.user.toUpperCase()}`;
  const issuedAt = Math.floor(nowMs / 1000);
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'RS256', typ: 'JWT' })}.${part({
    iss: `${subject}.${signer.fingerprint}`,
    sub: subject,
    iat: issuedAt,
    exp: issuedAt + lifeSeconds,
  })}`;
  return new Promise((resolve, reject) => {
    sign('sha256', Buffer.from(signed, 'ascii'), signer.privateKey, (error, signature) =>
      error === null ? resolve(`${signed}.${signature.toString('base64url')}`) : reject(error),
    );
  });
}
