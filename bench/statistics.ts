/** Quantiles, medians of rounds and their bootstrap intervals; random numbers come from a printed seed. */

/** A repeatable generator of numbers in [0, 1) (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The `q` quantile (0–1) of values in ascending order, by nearest rank; NaN of none. */
export function quantile(ascending: readonly number[], q: number): number {
  return (
    ascending[Math.min(ascending.length - 1, Math.max(0, Math.ceil(ascending.length * q) - 1))] ??
    NaN
  );
}

export function ascending(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}

export function median(values: readonly number[]): number {
  const sorted = ascending(values);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] ?? NaN;
  return ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

/** A figure of many rounds. */
export interface Interval {
  readonly median: number;
  /** Bootstrap 95 % interval of the median (percentile method, 2,000 resamples). */
  readonly low: number;
  readonly high: number;
}

export function medianWithInterval(values: readonly number[], random: () => number): Interval {
  const resampled: number[] = [];
  for (let draw = 0; draw < 2000; draw += 1) {
    resampled.push(median(values.map(() => values[Math.floor(random() * values.length)] ?? NaN)));
  }
  const sorted = ascending(resampled);
  return { median: median(values), low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) };
}

/** The values in random order (Fisher–Yates). */
export function shuffled<T>(values: readonly T[], random: () => number): T[] {
  const order = values.map((value) => ({ value, key: random() }));
  return order.sort((a, b) => a.key - b.key).map(({ value }) => value);
}
