/** Draws of one part of a history: what one part draws changes nothing in another. */
import { must } from '../../base/assert.js';
import { seededRandom } from '../statistics.js';

export class Draw {
  readonly #seed: number;
  readonly #random: () => number;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = seededRandom(seed);
  }

  /** Draws of their own, whatever is drawn here. */
  of(part: string): Draw {
    return new Draw(hashOf(part, this.#seed));
  }

  /** In [0, 1). */
  unit(): number {
    return this.#random();
  }

  /** A whole number from `least` to `most`, both included. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.#random() * (most - least + 1));
  }

  between(low: number, high: number): number {
    return low + this.#random() * (high - low);
  }

  happens(probability: number): boolean {
    return this.#random() < probability;
  }

  pick<T>(from: readonly T[]): T {
    return must(from[Math.floor(this.#random() * from.length)], 'something to pick from');
  }

  /** `count` of them, each once, or all where there are not as many. */
  some<T>(from: readonly T[], count: number): readonly T[] {
    const rest = [...from];
    const taken: T[] = [];
    while (taken.length < count && rest.length > 0)
      taken.push(...rest.splice(Math.floor(this.#random() * rest.length), 1));
    return taken;
  }

  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.#random())) * Math.cos(2 * Math.PI * this.#random());
  }

  /** Log-normal around `median`. */
  spread(median: number, sigma: number): number {
    return median * Math.exp(sigma * this.normal());
  }

  exponential(mean: number): number {
    return -mean * Math.log(1 - this.#random());
  }
}

/** 32 bits of a text, FNV-1a from a seed. */
export function hashOf(text: string, seed: number = 0): number {
  let hash = (seed ^ 0x811c9dc5) >>> 0;
  for (let index = 0; index < text.length; index += 1)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  return hash;
}

/** Picks by heavy-tailed popularity: the n-th of a list is as popular as 1 ÷ n^`exponent`. */
export class Popularity<T> {
  readonly #items: readonly T[];
  readonly #sums: readonly number[];

  constructor(items: readonly T[], exponent: number) {
    let sum = 0;
    this.#items = items;
    this.#sums = items.map((_, index) => (sum += 1 / (index + 1) ** exponent));
  }

  pick(draw: Draw): T {
    const wanted = draw.unit() * (this.#sums.at(-1) ?? 0);
    let [low, high] = [0, this.#sums.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#sums[middle] ?? 0) > wanted) high = middle;
      else low = middle + 1;
    }
    return must(this.#items[low], 'a popular item');
  }
}
