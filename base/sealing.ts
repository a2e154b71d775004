/**
 * Authenticated encryption of small texts under a list of named keys: the first seals, all open, so that keys can be
 * rotated. AES-256-GCM with a random 96-bit IV; prefix, key id and context are additional data, so that what was
 * sealed for one purpose opens for no other. Form: `<prefix>.<key id>.<base64url(iv ‖ ciphertext ‖ tag)>`.
 * Source: NIST SP 800-38D.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { must } from './assert.js';

export interface SealKey {
  readonly id: string;
  /** 32 bytes. */
  readonly key: Buffer;
}

export interface Sealer {
  /** `text`, readable only by who has the key and names the same context. */
  seal(text: string, context?: string): string;
  /** What was sealed, or undefined for text that is not ours, was altered, or belongs to another context. */
  open(sealed: string, context?: string): string | undefined;
}

const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * @param prefix of the purpose, such as `tg1`; no dots.
 * @param randomBytes source of IVs.
 */
export function createSealer(
  prefix: string,
  keys: readonly SealKey[],
  randomBytes: (size: number) => Buffer,
): Sealer {
  const sealing = must(keys[0], 'at least one seal key');
  const dataOf = (keyId: string, context: string): Buffer =>
    Buffer.from(context === '' ? `${prefix}.${keyId}` : `${prefix}.${keyId}\n${context}`);
  return {
    seal(text, context = '') {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', sealing.key, iv);
      cipher.setAAD(dataOf(sealing.id, context));
      const parts = [iv, cipher.update(text), cipher.final(), cipher.getAuthTag()];
      return `${prefix}.${sealing.id}.${Buffer.concat(parts).toString('base64url')}`;
    },
    open(sealed, context = '') {
      const [found, keyId = '', body, ...rest] = sealed.split('.');
      const key = keys.find((candidate) => candidate.id === keyId)?.key;
      if (found !== prefix || key === undefined || body === undefined || rest.length > 0)
        return undefined;
      return decrypt(body, key, dataOf(keyId, context));
    },
  };
}

function decrypt(body: string, key: Buffer, additionalData: Buffer): string | undefined {
  const bytes = Buffer.from(body, 'base64url');
  // One spelling a text: the decoder passes over foreign characters and spare bits.
  if (bytes.toString('base64url') !== body || bytes.length <= IV_BYTES + TAG_BYTES)
    return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES));
  decipher.setAAD(additionalData);
  decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
  try {
    const plain = decipher.update(bytes.subarray(IV_BYTES, bytes.length - TAG_BYTES));
    return Buffer.concat([plain, decipher.final()]).toString('utf8');
  } catch {
    // Altered or sealed with another key: the same answer as for any unknown text.
    return undefined;
  }
}
