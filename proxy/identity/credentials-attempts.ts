/**
 * Stops guessing: failed sign-ins are counted by account and login name, and by client address. Past the limit the
 * answer comes at once, nothing is hashed, until the last failure is a minute old. A name that is blocked stays open
 * to tokens and key pairs, which nobody guesses, and other names stay open to everybody.
 */
import type { Occupancy } from '#base/metrics.js';
import { LRUCache } from 'lru-cache';

/** Wrong passwords of one name in a row. */
export const FAILURES_OF_NAME_MAX = 5;
/** Failures of any kind from one address; several people may share one. */
export const FAILURES_OF_ADDRESS_MAX = 50;
export const BLOCKED_MS = 60_000;
/** Names and addresses remembered; beyond them the one that failed longest ago is forgotten. */
const REMEMBERED_MAX = 20_000;
const NAME_LENGTH_MAX = 256;

interface Failures {
  readonly count: number;
  readonly lastAtMs: number;
}

export interface Attempt {
  readonly account: string;
  readonly loginName: string;
  readonly address: string;
}

export class Attempts {
  readonly #realNow: () => number;
  readonly #failed = new LRUCache<string, Failures>({ max: REMEMBERED_MAX });

  /** `realNow`: milliseconds of real time. */
  constructor(realNow: () => number) {
    this.#realNow = realNow;
  }

  /** Names and addresses whose failures are remembered, for the metric. */
  get occupancy(): Occupancy {
    return { used: this.#failed.size, max: REMEMBERED_MAX };
  }

  /** How many more milliseconds a name is blocked; 0: it is not. */
  nameBlockedMs(attempt: Attempt): number {
    return this.#blockedMs(nameKey(attempt), FAILURES_OF_NAME_MAX);
  }

  /** How many more milliseconds an address is blocked; 0: it is not. */
  addressBlockedMs(attempt: Attempt): number {
    return this.#blockedMs(addressKey(attempt), FAILURES_OF_ADDRESS_MAX);
  }

  /** Counts a wrong password. */
  passwordFailed(attempt: Attempt): void {
    this.#count(nameKey(attempt));
    this.#count(addressKey(attempt));
  }

  /** Counts a token or key pair that was refused: by address alone, for it says nothing of the name. */
  proofFailed(attempt: Attempt): void {
    this.#count(addressKey(attempt));
  }

  /** Forgets the failures of a name: its password was right. Those of the address stay. */
  passwordProven(attempt: Attempt): void {
    this.#failed.delete(nameKey(attempt));
  }

  #blockedMs(key: string, failuresMax: number): number {
    const failures = this.#current(key);
    if (failures === undefined || failures.count < failuresMax) return 0;
    return failures.lastAtMs + BLOCKED_MS - this.#realNow();
  }

  #count(key: string): void {
    const count = (this.#current(key)?.count ?? 0) + 1;
    this.#failed.set(key, { count, lastAtMs: this.#realNow() });
  }

  #current(key: string): Failures | undefined {
    const failures = this.#failed.get(key);
    const isOver = failures === undefined || this.#realNow() - failures.lastAtMs >= BLOCKED_MS;
    return isOver ? undefined : failures;
  }
}

/** Names compare without case; what is remembered of one is bounded. */
function nameKey({ account, loginName }: Attempt): string {
  return `name ${account} ${loginName.slice(0, NAME_LENGTH_MAX).toUpperCase()}`;
}

function addressKey({ address }: Attempt): string {
  return `address ${networkOf(address)}`;
}

/** One IPv6 client has 64 bits of addresses to itself (RFC 4291 §2.5.1), so its network counts. */
function networkOf(address: string): string {
  const plain = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
  if (!plain.includes(':')) return plain;
  const [head = '', tail] = plain.split('::');
  const left = head.split(':').filter((part) => part !== '');
  const right = (tail ?? '').split(':').filter((part) => part !== '');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  return [...left, ...Array<string>(zeros).fill('0'), ...right].slice(0, 4).join(':');
}
