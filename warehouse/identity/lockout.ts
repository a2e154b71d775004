/**
 * Stops guessing of passwords: after five failures in a row a login name is locked for a minute of real time, known
 * or not, so that an answer tells nobody which names exist (Snowflake locks for fifteen minutes, parameter
 * MINS_TO_UNLOCK of a user).
 */
import { Turns } from '#base/turns.js';

const FAILURES_MAX = 5;
const LOCKED_MS = 60_000;
/** Names remembered; beyond them the one that failed longest ago is forgotten. */
const NAMES_MAX = 10_000;
/** Attempts of one name that wait for each other. */
const WAITING_MAX = 500;

interface Failures {
  count: number;
  lastAtMs: number;
}

export class Lockout {
  readonly #realNow: () => number;
  readonly #failed = new Map<string, Failures>();
  readonly #turns = new Turns({ ofNameMax: WAITING_MAX, namesMax: NAMES_MAX });

  constructor(realNow: () => number) {
    this.#realNow = realNow;
  }

  /** Whether a name is locked now. */
  isLocked(loginName: string): boolean {
    const failures = this.#current(loginName);
    return failures !== undefined && failures.count >= FAILURES_MAX;
  }

  /** Counts a wrong password. A name that is locked stays so no longer for it. */
  failed(loginName: string): void {
    const key = keyOf(loginName);
    const failures = this.#current(loginName) ?? { count: 0, lastAtMs: 0 };
    this.#failed.delete(key);
    this.#failed.set(key, { count: failures.count + 1, lastAtMs: this.#realNow() });
    const [oldest] = this.#failed.keys();
    if (this.#failed.size > NAMES_MAX && oldest !== undefined) this.#failed.delete(oldest);
  }

  /**
   * Runs the attempts of one name one after the other, so that many at once do not all come in before the first has
   * failed. Undefined, and nothing run, when too many wait already.
   */
  inTurn<Result>(loginName: string, attempt: () => Promise<Result>): Promise<Result | undefined> {
    return this.#turns.run(keyOf(loginName), attempt);
  }

  /** Forgets the failures of a name: its password was right, or an administrator unlocked it. */
  clear(loginName: string): void {
    this.#failed.delete(keyOf(loginName));
  }

  #current(loginName: string): Failures | undefined {
    const failures = this.#failed.get(keyOf(loginName));
    if (failures === undefined || this.#realNow() - failures.lastAtMs >= LOCKED_MS)
      return undefined;
    return failures;
  }
}

/** Names are compared without case and may be of any length; what is remembered of them is not. */
function keyOf(loginName: string): string {
  return loginName.slice(0, 256).toUpperCase();
}
