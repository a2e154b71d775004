/** What one could reach at best who knew everything of a generated statement but the noise of the run. */
import type { EpochMs } from '../../base/time.js';
import { WAREHOUSES } from './profile.js';
import type { Ended } from './simulation.js';

/** The normal 90 % quantile. */
const HOLD_DEVIATIONS = 1.2816;

export interface Oracle extends Held {
  readonly errors: readonly number[];
  /** Of statements whose shape had ended before they started: the least that a bar on those can ask for. */
  readonly repeated: Held;
}

export interface Held {
  readonly heldCredits: number;
  readonly actualCredits: number;
}

export class OracleBook {
  readonly #errors: number[] = [];
  readonly #all = { heldCredits: 0, actualCredits: 0 };
  readonly #repeated = { heldCredits: 0, actualCredits: 0 };
  readonly #firstEndedAt = new Map<string, EpochMs>();

  /** A statement that has ended; they come in the order of their ends. */
  add(ended: Ended): void {
    if (ended.cluster === null || ended.status !== 'SUCCESS') return;
    const { arrival, noise, shareMs } = ended;
    const rate = WAREHOUSES.find(({ name }) => name === arrival.warehouse)?.creditsPerHour ?? 0;
    const credits = (shareMs * rate) / 3_600_000;
    this.#errors.push(Math.max(noise, 1 / noise));
    const held = (credits / noise) * Math.exp(HOLD_DEVIATIONS * arrival.shape.sigma);
    const firstEndedAt = this.#firstEndedAt.get(arrival.shape.id);
    if (firstEndedAt === undefined) this.#firstEndedAt.set(arrival.shape.id, ended.endedAt);
    const isRepeated = firstEndedAt !== undefined && firstEndedAt <= ended.startedAt;
    for (const sums of isRepeated ? [this.#all, this.#repeated] : [this.#all]) {
      sums.heldCredits += held;
      sums.actualCredits += credits;
    }
  }

  oracle(): Oracle {
    return { errors: this.#errors, ...this.#all, repeated: this.#repeated };
  }
}
