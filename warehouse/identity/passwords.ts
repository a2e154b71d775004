/** Passwords as salted scrypt hashes. */
import { createHash, randomBytes, scrypt, scryptSync, timingSafeEqual } from 'node:crypto';
import type { PasswordRecord } from './user-records.js';

/** N of a password that a person chose. */
const COST = 16_384;
/** N of the demo passwords, which everybody knows, and of the generated one, which nobody guesses. */
const RESIDENT_COST = 1024;
const HASH_BYTES = 32;
/** Longest password that is looked at; scrypt of a longer one would only cost time. */
const PASSWORD_MAX = 256;
const PROVEN_MAX = 1000;
const NOBODY: PasswordRecord = { salt: '00', hash: '00'.repeat(HASH_BYTES), cost: COST };

/** The hash of a password that a person chose. */
export async function hashPassword(password: string): Promise<PasswordRecord> {
  const salt = randomBytes(16).toString('hex');
  const hash = await derive(password, salt, COST);
  return { salt, hash: hash.toString('hex'), cost: COST };
}

/** The hash of a password that the account comes with, in a millisecond or so: a start makes sixteen of them. */
export function hashResidentPassword(password: string): PasswordRecord {
  const salt = randomBytes(16).toString('hex');
  const hash = scryptSync(password, salt, HASH_BYTES, { N: RESIDENT_COST, r: 8, p: 1 });
  return { salt, hash: hash.toString('hex'), cost: RESIDENT_COST };
}

/**
 * Checks passwords. A digest of every proven password spares pools of connections from paying scrypt again; it is
 * compared in constant time, and forgotten with the hash that it proved.
 */
export class PasswordCheck {
  /** Hash that was proven → digest of the password. */
  readonly #proven = new Map<string, Buffer>();

  /** Whether `password` is one that {@link matches} has found right; takes no time. */
  isProven(record: PasswordRecord | null, password: string): boolean {
    const proven = record === null ? undefined : this.#proven.get(record.hash);
    if (record === null || proven === undefined) return false;
    return timingSafeEqual(proven, digestOf(record.salt, password));
  }

  /** Whether `password` is the one of `record`. Without a record it takes as long and is false. */
  async matches(record: PasswordRecord | null, password: string): Promise<boolean> {
    if (password.length > PASSWORD_MAX) return false;
    if (this.isProven(record, password)) return true;
    const { salt, hash, cost } = record ?? NOBODY;
    const expected = Buffer.from(hash, 'hex');
    const derived = await derive(password, salt, cost);
    const isRight = expected.length === HASH_BYTES && timingSafeEqual(derived, expected);
    if (!isRight || record === null) return false;
    this.#proven.set(hash, digestOf(salt, password));
    const [oldest] = this.#proven.keys();
    if (this.#proven.size > PROVEN_MAX && oldest !== undefined) this.#proven.delete(oldest);
    return true;
  }
}

function digestOf(salt: string, password: string): Buffer {
  return createHash('sha256').update(salt).update(password).digest();
}

function derive(password: string, salt: string, cost: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, HASH_BYTES, { N: cost, r: 8, p: 1 }, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
