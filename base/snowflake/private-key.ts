/** The private key of a service user from its file: who may read the file, whether it is a key that Snowflake takes. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { toError } from '../errors.js';

/** A key as PEM text without a passphrase, or what is wrong (continues "<path> …") and the way out. */
export type PrivateKeyOutcome =
  { readonly pem: string } | { readonly problem: string; readonly wayOut: string };

const FILE_BYTES_MAX = 64 * 1024;
const OTHERS = 0o007;
/** Snowflake takes no shorter RSA keys ("Key-pair authentication and key-pair rotation"). */
const RSA_BITS_MIN = 2048;
const MAKE_ONE =
  'make one with `openssl genrsa 2048 | openssl pkcs8 -topk8 -inform PEM -nocrypt -out key.p8`';

/**
 * Reads a private key. A file that everybody may read is refused; a symbolic link is followed, as secret mounts use
 * them, and the file behind it is judged. No outcome shows a part of the key or the passphrase.
 *
 * @param passphrase of an encrypted key; null: none was given.
 */
export function readPrivateKey(path: string, passphrase: string | null): PrivateKeyOutcome {
  let text: string;
  try {
    const file = statSync(path);
    if (!file.isFile()) return { problem: 'is not a file', wayOut: 'name the PEM file of the key' };
    if ((file.mode & OTHERS) !== 0) {
      return {
        problem: `may be read or written by every user of this machine (mode ${(file.mode & 0o777).toString(8)})`,
        wayOut: `run \`chmod 600 ${path}\``,
      };
    }
    if (file.size > FILE_BYTES_MAX)
      return { problem: 'is larger than 64 KiB, so it is no key', wayOut: MAKE_ONE };
    text = readFileSync(path, 'utf8');
  } catch (thrown) {
    return {
      problem: `cannot be read (${toError(thrown).message})`,
      wayOut: 'name a file that this user may read',
    };
  }
  return parsePrivateKey(text, passphrase);
}

/** {@link readPrivateKey} for PEM text. */
export function parsePrivateKey(text: string, passphrase: string | null): PrivateKeyOutcome {
  const isEncrypted = /-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/.test(text);
  if (isEncrypted && passphrase === null) {
    return {
      problem: 'is encrypted, and no passphrase is set',
      wayOut: 'set the passphrase, or keep the key without one in a file of mode 600',
    };
  }
  let key: KeyObject;
  try {
    key = createPrivateKey({
      key: text,
      format: 'pem',
      ...(isEncrypted ? { passphrase: passphrase ?? '' } : {}),
    });
  } catch {
    // The words of the library are not repeated: they tell nothing that helps, and could quote what they read.
    return isEncrypted
      ? { problem: 'does not open with the passphrase', wayOut: 'correct the passphrase' }
      : { problem: 'is not a private key in PEM form (PKCS#8)', wayOut: MAKE_ONE };
  }
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (key.asymmetricKeyType !== 'rsa' || bits < RSA_BITS_MIN) {
    return {
      problem: `is ${key.asymmetricKeyType === 'rsa' ? `an RSA key of ${bits} bits` : 'not an RSA key'}; Snowflake takes RSA of at least ${RSA_BITS_MIN}`,
      wayOut: MAKE_ONE,
    };
  }
  return { pem: key.export({ format: 'pem', type: 'pkcs8' }).toString() };
}
