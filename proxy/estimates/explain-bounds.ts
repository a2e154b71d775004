/** Plans of Snowflake that were asked for, capped and for a while. */
import type { Occupancy } from '#base/metrics.js';
import { LRUCache } from 'lru-cache';
import type { ExplainBound } from '#policies/estimate/explain-bound.js';

const BOUNDS_MAX = 5000;
/** Tables grow; what is imported of them comes every few hours. */
const BOUND_MS = 15 * 60_000;
/** A statement that could not be explained is not explained again at once. */
const NO_BOUND_MS = 60_000;

/** By what a plan depends on; null: it was asked for, and there is none. */
export class ExplainBounds {
  readonly #known = new LRUCache<string, { readonly bound: ExplainBound | null }>({
    max: BOUNDS_MAX,
    ttl: BOUND_MS,
  });

  /** Plans remembered, for the metric. */
  get occupancy(): Occupancy {
    return { used: this.#known.size, max: BOUNDS_MAX };
  }

  get size(): number {
    return this.#known.size;
  }

  /** undefined: not asked for yet. */
  get(key: string): ExplainBound | null | undefined {
    return this.#known.get(key)?.bound;
  }

  set(key: string, bound: ExplainBound | null): void {
    this.#known.set(key, { bound }, { ttl: bound === null ? NO_BOUND_MS : BOUND_MS });
  }
}
