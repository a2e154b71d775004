/**
 * Checks passwords beside the event loop: attempts of one name one after the other, at most two hashes at once in all,
 * and a bounded wait behind them. A digest of what was proven spares a pool of connections from hashing again.
 */
import type { Occupancy } from '#base/metrics.js';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { isPassword } from '#base/issued-secrets.js';
import { Turns } from '#base/turns.js';

/** Of the four threads that Node hashes on, two stay free for compression and name look-ups. */
const HASHES_AT_ONCE = 2;
const HASHES_WAITING_MAX = 64;
const NAME_WAITING_MAX = 100;
const NAMES_MAX = 10_000;
const PROVEN_MAX = 10_000;

export class PasswordCheck {
  /** Of this process alone: what is kept in memory of a password is of no use elsewhere. */
  readonly #pepper: Buffer;
  readonly #proven = new LRUCache<string, Buffer>({ max: PROVEN_MAX });
  readonly #turns = new Turns({ ofNameMax: NAME_WAITING_MAX, namesMax: NAMES_MAX });
  readonly #waiting: (() => void)[] = [];
  #hashing = 0;

  constructor(randomBytes: (size: number) => Buffer) {
    this.#pepper = randomBytes(32);
  }

  /** Whether `password` is what {@link matches} has found right for that hash before; costs microseconds. */
  isProven(password: string, hash: string): boolean {
    const proven = this.#proven.get(hash);
    return proven !== undefined && timingSafeEqual(proven, this.#digest(password, hash));
  }

  /** Passwords that need no hash any more, for the metric. */
  get proven(): Occupancy {
    return { used: this.#proven.size, max: PROVEN_MAX };
  }

  /** Attempts that wait for a hash, for the metric. */
  get occupancy(): Occupancy {
    return { used: this.#waiting.length, max: HASHES_WAITING_MAX };
  }

  /**
   * Whether `password` is the one of `hash`; null: there is none, which takes as long and is false. `busy`: too many
   * wait already, nothing was hashed.
   */
  async matches(password: string, hash: string | null): Promise<boolean | 'busy'> {
    if (hash !== null && this.isProven(password, hash)) return true;
    if (this.#hashing >= HASHES_AT_ONCE) {
      if (this.#waiting.length >= HASHES_WAITING_MAX) return 'busy';
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#hashing += 1;
    try {
      const isRight = await isPassword(password, hash);
      if (isRight && hash !== null) this.#proven.set(hash, this.#digest(password, hash));
      return isRight;
    } finally {
      // The place goes to the next in line; without one it is free.
      const next = this.#waiting.shift();
      if (next === undefined) this.#hashing -= 1;
      else next();
    }
  }

  /** Runs the attempts of one name in turn, so that many at once do not all come in before one has failed. */
  async inTurn<Result>(name: string, attempt: () => Promise<Result>): Promise<Result | 'busy'> {
    const answer = await this.#turns.run(name, async () => ({ result: await attempt() }));
    return answer === undefined ? 'busy' : answer.result;
  }

  #digest(password: string, hash: string): Buffer {
    return createHmac('sha256', this.#pepper).update(hash).update('\n').update(password).digest();
  }
}
