/**
 * The passes that last, kept in memory, so that a statement which a rule refuses costs no look at the ledger unless
 * something was granted for it. What is found here is only a hint: the ledger decides when the pass is used.
 */
import type { Clock } from '#base/time.js';
import { toError } from '#base/errors.js';
import type { Log } from '#base/log.js';
import type { LastingPass } from '#billing/passes.js';

/** How long a grant or an expiry may be missed when its notification is lost, in milliseconds. */
const POLL_MS = 5000;

export interface LastingPassesOptions {
  /** Every pass that lasts; faults stay without effect until the next look. */
  readonly read: () => Promise<readonly LastingPass[]>;
  readonly clock: Clock;
  readonly log: Log;
}

/** What a pass is looked up by. */
export interface PassSought {
  readonly account: string;
  readonly teamId: string;
  readonly principalId: string;
  readonly fingerprint: string;
  readonly requestHash: string;
  readonly place: string;
}

export class LastingPasses {
  readonly #options: LastingPassesOptions;
  readonly #timer: NodeJS.Timeout;
  #byTeam: ReadonlyMap<string, readonly LastingPass[]> = new Map();
  #reading: Promise<void> | undefined;
  #isReadAgain = false;

  constructor(options: LastingPassesOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.refresh(), POLL_MS);
    this.#timer.unref();
  }

  /** Passes for the statement that last now; which of them has something left is not known here. */
  find(sought: PassSought): readonly LastingPass[] {
    const ofTeam = this.#byTeam.get(sought.teamId);
    if (ofTeam === undefined) return [];
    const now = this.#options.clock.now();
    return ofTeam.filter(
      (pass) =>
        pass.expiresAt > now &&
        pass.account === sought.account &&
        (pass.principalId === null || pass.principalId === sought.principalId) &&
        (pass.place === null || pass.place === sought.place) &&
        (pass.fingerprint === sought.fingerprint || pass.requestHash === sought.requestHash),
    );
  }

  /** Looks now; a call that comes while one look is under way is answered by the next. Never throws. */
  refresh(): Promise<void> {
    if (this.#reading !== undefined) {
      this.#isReadAgain = true;
      return this.#reading;
    }
    this.#reading = this.#readUntilQuiet().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  stop(): Promise<void> {
    clearInterval(this.#timer);
    return Promise.resolve();
  }

  async #readUntilQuiet(): Promise<void> {
    do {
      this.#isReadAgain = false;
      try {
        const byTeam = new Map<string, LastingPass[]>();
        for (const pass of await this.#options.read()) {
          const ofTeam = byTeam.get(pass.teamId);
          if (ofTeam === undefined) byTeam.set(pass.teamId, [pass]);
          else ofTeam.push(pass);
        }
        this.#byTeam = byTeam;
      } catch (thrown) {
        this.#options.log.warn(
          { err: toError(thrown) },
          'passes could not be read; the last ones stay until the next look',
        );
      }
    } while (this.#isReadAgain);
  }
}
