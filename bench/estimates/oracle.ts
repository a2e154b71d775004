/** What one could reach at best who knew everything of a generated statement but the noise of the run. */
import { WAREHOUSES } from './profile.js';
import type { Ended } from './simulation.js';

/** The normal 90 % quantile. */
const HOLD_DEVIATIONS = 1.2816;

export interface Oracle {
  readonly errors: readonly number[];
  readonly heldCredits: number;
  readonly actualCredits: number;
}

export class OracleBook {
  readonly #errors: number[] = [];
  #held = 0;
  #actual = 0;

  add(ended: Ended): void {
    if (ended.cluster === null || ended.status !== 'SUCCESS') return;
    const { arrival, noise, shareMs } = ended;
    const rate = WAREHOUSES.find(({ name }) => name === arrival.warehouse)?.creditsPerHour ?? 0;
    const credits = (shareMs * rate) / 3_600_000;
    this.#errors.push(Math.max(noise, 1 / noise));
    this.#held += (credits / noise) * Math.exp(HOLD_DEVIATIONS * arrival.shape.sigma);
    this.#actual += credits;
  }

  oracle(): Oracle {
    return { errors: this.#errors, heldCredits: this.#held, actualCredits: this.#actual };
  }
}
