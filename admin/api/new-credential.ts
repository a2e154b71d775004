/** What is made of a request to issue or rotate a credential. */
import {
  hashPassword,
  hashToken,
  newPasswordSecret,
  newTokenSecret,
} from '#base/issued-secrets.js';
import { readRsaPublicKey } from '#base/key-pairs.js';
import type { EpochMs } from '#base/time.js';
import { tryParseInstant } from '#policies/control/instant.js';
import { badField } from '../problems.js';
import { newId, type SignInContext } from '../sign-in.js';
import type { CredentialKind, NewCredential } from '../stores/credential-store.js';

const DAY_MS = 86_400_000;
const TOKEN_LIFE_MAX_MS = 366 * DAY_MS;
const TOKEN_LIFE_MS = 90 * DAY_MS;

export interface CredentialInput {
  readonly account: string;
  readonly principalId: string;
  readonly kind: CredentialKind;
  readonly name: string;
  readonly expiresAt?: string | undefined;
  readonly publicKey?: string | undefined;
}

/** A credential as it is kept, and its secret, which is not. 400 for a key or an expiry that does not fit its kind. */
export async function newCredential(
  context: SignInContext,
  input: CredentialInput,
): Promise<{ readonly secret: string | null; readonly credential: NewCredential }> {
  const { account, principalId, kind, name } = input;
  const { randomBytes } = context.signIn;
  const id = newId(context);
  const key = publicKeyIn(input);
  const expiresAt = expiryIn(input, context.clock.now());
  const secret =
    kind === 'token'
      ? newTokenSecret(id, randomBytes)
      : kind === 'password'
        ? newPasswordSecret(randomBytes)
        : null;
  const secretHash =
    secret === null
      ? null
      : kind === 'token'
        ? hashToken(secret)
        : await hashPassword(secret, randomBytes);
  const publicKey = key?.pem ?? null;
  const fingerprint = key?.fingerprint ?? null;
  const credential = { id, account, principalId, kind, name, secretHash, expiresAt };
  return { secret, credential: { ...credential, publicKey, fingerprint } };
}

function publicKeyIn({
  kind,
  publicKey,
}: CredentialInput): ReturnType<typeof readRsaPublicKey> | undefined {
  if (kind !== 'key-pair') {
    if (publicKey === undefined) return undefined;
    throw badField('publicKey', 'must be absent unless kind is "key-pair"', 'remove it');
  }
  const key = publicKey === undefined ? undefined : readRsaPublicKey(publicKey);
  if (key === undefined)
    throw badField(
      'publicKey',
      'must be an RSA public key of at least 2048 bits in PEM',
      'openssl rsa -in rsa_key.p8 -pubout prints it, from -----BEGIN PUBLIC KEY----- on',
    );
  return key;
}

function expiryIn({ kind, expiresAt }: CredentialInput, now: EpochMs): EpochMs | null {
  if (expiresAt === undefined) return kind === 'token' ? now + TOKEN_LIFE_MS : null;
  const at = tryParseInstant(expiresAt);
  if (at === undefined || at <= now)
    throw badField(
      'expiresAt',
      'must be a UTC date or instant that lies ahead',
      'write it as "2027-01-31T00:00:00Z"',
    );
  if (kind === 'token' && at > now + TOKEN_LIFE_MAX_MS)
    throw badField(
      'expiresAt',
      'must be at most one year ahead for a token',
      'choose an earlier one, and rotate before it',
    );
  return at;
}
