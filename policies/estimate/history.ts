/**
 * What a shape of statement took before: a log-normal moving average per key, and per level a quantile that is
 * calibrated online so that a 90 % hold covers 90 % (quantile tracking; needs no training and keeps its promise
 * under drift). Times are logarithms, because run times err by factors, not by seconds.
 */

/** One key: count and moving moments of ln(value). */
export interface HistoryEntry {
  readonly count: number;
  readonly logMean: number;
  readonly logVariance: number;
}

/** Weight of a new value once a key is warm; measured best for the tail on a public trace. */
const EWMA_WEIGHT = 0.3;
/** Values that a moving average of that weight effectively remembers: (2 − w) ÷ w. */
const EFFECTIVE_COUNT = (2 - EWMA_WEIGHT) / EWMA_WEIGHT;
/** Spread assumed for a key that has shown none: a factor of e^0.4 either way, as heavy as three values. */
const PRIOR_SIGMA = 0.4;
const PRIOR_COUNT = 3;
/** Smallest value that is told apart, so that a zero has a logarithm. */
const VALUE_MIN = 1e-4;

export const HOLD_COVERAGE = 0.9;
const QUANTILE_STEP = 0.05;
/** A little above the normal 90 % quantile (1.28): a level that nobody calibrated yet errs to the safe side. */
export const QUANTILE_START = 1.6;
const QUANTILE_MIN = 0.2;
const QUANTILE_MAX = 8;

/** The entry after one more value (seconds, or a ratio). */
export function observe(entry: HistoryEntry | undefined, value: number): HistoryEntry {
  const log = Math.log(Math.max(value, VALUE_MIN));
  if (entry === undefined) return { count: 1, logMean: log, logVariance: 0 };
  const weight = Math.max(EWMA_WEIGHT, 1 / (entry.count + 1));
  const distance = log - entry.logMean;
  return {
    count: entry.count + 1,
    logMean: entry.logMean + weight * distance,
    logVariance: (1 - weight) * (entry.logVariance + weight * distance * distance),
  };
}

/** Standard deviation of ln(next value) around the mean: shrunk to the prior, widened while the mean is young. */
export function predictiveSigma(entry: HistoryEntry): number {
  const count = Math.min(entry.count, EFFECTIVE_COUNT);
  const variance =
    (count * entry.logVariance + PRIOR_COUNT * PRIOR_SIGMA ** 2) / (count + PRIOR_COUNT);
  return Math.sqrt(variance * (1 + 1 / count));
}

/** The value at `quantile` standard deviations from the mean; 0 is the median. */
export function valueAt(entry: HistoryEntry, quantile: number): number {
  return Math.exp(entry.logMean + quantile * predictiveSigma(entry));
}

/** The quantile of a level after a value of one of its keys was seen; `entry` is the key before that value. */
export function calibrate(quantile: number, entry: HistoryEntry, value: number): number {
  const score = (Math.log(Math.max(value, VALUE_MIN)) - entry.logMean) / predictiveSigma(entry);
  const missed = score > quantile ? 1 : 0;
  const moved = quantile + QUANTILE_STEP * (missed - (1 - HOLD_COVERAGE));
  return Math.min(QUANTILE_MAX, Math.max(QUANTILE_MIN, moved));
}

/**
 * What a key of the history counts: warehouse-seconds of a shape on one size; credit-seconds (seconds × credits per
 * hour) of a shape on any size; measured ÷ predicted seconds of estimates from table statistics, per size.
 */
export const HISTORY_KINDS = ['shape-size', 'shape', 'statistics'] as const;
export type HistoryKind = (typeof HISTORY_KINDS)[number];

/** Read side of the history. */
export interface HistoryView {
  lookup(kind: HistoryKind, key: string): HistoryEntry | undefined;
  /** The calibrated quantile of a level in a tier. */
  quantile(kind: HistoryKind, tier: string): number;
}

/** What the keys of one statement are made of. */
export interface ShapeFacts {
  readonly fingerprint: string;
  readonly warehouseSize: string;
  /** Bytes that statistics expect it to scan; null when they do not tell. */
  readonly bytes: number | null;
}

/**
 * Keys of a statement. The fingerprint carries no literals, so one day and ten years of the same report share it;
 * where statistics tell the bytes, their power of four keeps such runs apart.
 */
export function historyKeys(shape: ShapeFacts): Readonly<Record<HistoryKind, string>> {
  const scale = shape.bytes === null ? '-' : Math.round(Math.log2(Math.max(shape.bytes, 1)) / 2);
  return {
    'shape-size': `${shape.fingerprint}|${scale}|${shape.warehouseSize}`,
    shape: `${shape.fingerprint}|${scale}`,
    statistics: shape.warehouseSize,
  };
}
