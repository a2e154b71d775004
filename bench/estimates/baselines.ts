/**
 * Predictors that anybody would write first, for comparison: per shape the last value, a moving average of logarithms
 * and the running median, and the median of everything. A statement enters history when it has ended.
 */
import { ascending, quantile } from '../statistics.js';
import { liveThrough } from './truth.js';
import type { HistoryRow } from './truth.js';

export const BASELINES = [
  'last value',
  'log-EWMA(0.3)',
  'running median',
  'global median',
] as const;
export type Baseline = (typeof BASELINES)[number];

/** Of a new value in the moving average. */
export const EWMA_WEIGHT = 0.3;

export interface ErrorQuantiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

export interface BaselineErrors {
  /** Statements that ran on a warehouse to their end. */
  readonly measured: number;
  /** q-errors of those whose shape had ended before. */
  readonly errors: Readonly<Record<Baseline, readonly number[]>>;
}

/** max(p ÷ a, a ÷ p); Infinity where either is 0. */
export function qError(predicted: number, actual: number): number {
  return Math.max(predicted / actual, actual / predicted) || Infinity;
}

export function errorQuantiles(errors: readonly number[]): ErrorQuantiles {
  const sorted = ascending(errors);
  return { p50: quantile(sorted, 0.5), p90: quantile(sorted, 0.9), p99: quantile(sorted, 0.99) };
}

interface ShapeHistory {
  last: number;
  logMean: number;
  readonly sorted: number[];
}

/** What the baselines predict of `value`, walking over the rows as they were lived. */
export function runBaselines(
  rows: readonly HistoryRow[],
  value: (row: HistoryRow) => number,
): BaselineErrors {
  const shapes = new Map<string, ShapeHistory>();
  const everything = new LogHistogram();
  const errors: Record<Baseline, number[]> = {
    'last value': [],
    'log-EWMA(0.3)': [],
    'running median': [],
    'global median': [],
  };
  let measured = 0;
  liveThrough(
    rows,
    (row) => {
      if (!row.isMeasured) return;
      measured += 1;
      const known = shapes.get(row.shape);
      if (known === undefined) return;
      const actual = value(row);
      errors['last value'].push(qError(known.last, actual));
      errors['log-EWMA(0.3)'].push(qError(Math.exp(known.logMean), actual));
      errors['running median'].push(qError(middleOf(known.sorted), actual));
      errors['global median'].push(qError(everything.median(), actual));
    },
    (row) => {
      const actual = value(row);
      everything.add(actual);
      const known = shapes.get(row.shape);
      if (known === undefined) {
        shapes.set(row.shape, { last: actual, logMean: Math.log(actual), sorted: [actual] });
        return;
      }
      known.last = actual;
      known.logMean += EWMA_WEIGHT * (Math.log(actual) - known.logMean);
      insert(known.sorted, actual);
    },
  );
  return { measured, errors };
}

function middleOf(sorted: readonly number[]): number {
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] ?? NaN;
  return ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

function insert(sorted: number[], value: number): void {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  sorted.splice(low, 0, value);
}

/** A median to one per cent, whatever the number of values. */
class LogHistogram {
  readonly #counts = new Map<number, number>();
  #total = 0;
  #middle = 0;
  /** Values in bins below the middle one. */
  #below = 0;

  add(value: number): void {
    const bin = Math.round(Math.log(value) * 100);
    this.#counts.set(bin, (this.#counts.get(bin) ?? 0) + 1);
    if (this.#total === 0) this.#middle = bin;
    else if (bin < this.#middle) this.#below += 1;
    this.#total += 1;
    while (this.#below > this.#total / 2) {
      this.#middle -= 1;
      this.#below -= this.#counts.get(this.#middle) ?? 0;
    }
    while (this.#below + (this.#counts.get(this.#middle) ?? 0) < this.#total / 2) {
      this.#below += this.#counts.get(this.#middle) ?? 0;
      this.#middle += 1;
    }
  }

  median(): number {
    return Math.exp(this.#middle / 100);
  }
}
