/**
 * What statements took before: per key a moving average of logarithms, because run times err by factors and not by
 * seconds, with the spread around it. Pure; {@link HistoryStore} keeps the entries.
 */
import {
  type Average,
  averageOf,
  centreOf,
  follow,
  type Gains,
  GROUP_GAINS,
  SHAPE_GAINS,
} from './average.js';

/**
 * What a key of the history counts.
 * - `values`: warehouse-seconds of one shape with the same literals, on one size;
 * - `shape-size`: warehouse-seconds of a shape on one size;
 * - `shape`: credit-seconds (seconds × credits an hour) of a shape on any size;
 * - `shape-all`: warehouse-seconds of a shape on one size, whatever statistics say that it scans;
 * - `shape-statistics`: measured ÷ predicted seconds of a shape, on any size;
 * - `tables`: warehouse-seconds of statements of one class over the same tables, on one size;
 * - `kind`: warehouse-seconds of statements of one class and form, in one tier and size;
 * - `statistics`: measured ÷ predicted seconds of estimates from table statistics, per size;
 * - `scale`: the same for scans of about as many bytes;
 * - `first`: the same for statements of which a LIMIT ends the scan;
 * - `form`: the same for statements of one form over about as many bytes;
 * - `stretch`: elapsed ÷ warehouse-seconds of a warehouse: how many share it.
 */
export const HISTORY_KINDS = [
  'values',
  'shape-size',
  'shape',
  'shape-all',
  'shape-statistics',
  'tables',
  'kind',
  'statistics',
  'scale',
  'first',
  'form',
  'stretch',
] as const;
export type HistoryKind = (typeof HISTORY_KINDS)[number];

/** Kinds whose keys stand for many shapes. */
const GROUPS: ReadonlySet<HistoryKind> = new Set<HistoryKind>([
  'tables',
  'kind',
  'statistics',
  'scale',
  'first',
  'form',
  'stretch',
]);

/** One key. Logarithms are natural. */
export interface HistoryEntry {
  readonly count: number;
  /** ln of what the kind counts. */
  readonly work: Average;
  /** ln of seconds from dispatch to end; of `stretch` and the ratios the same as `work`. */
  readonly elapsed: Average;
  /** Moving square of what the average was off by. */
  readonly logVariance: number;
  /** Sums of what values lay above and below, in spreads: how sure a break is. */
  readonly above: number;
  readonly below: number;
}

/**
 * Spread assumed for a key that has shown none: a factor of e^0.35 either way, as heavy as ten values. A spread told from
 * the last few values errs by a fifth, and holds measured in it err with it, upwards more than downwards: believed sooner it
 * held more for the same coverage on every generated history (docs/estimates.md).
 */
const PRIOR_SIGMA = 0.35;
const PRIOR_COUNT = 10;
const VARIANCE_GAIN = 0.12;
/** Values that the moving figures effectively remember. */
const EFFECTIVE_COUNT_MAX = 8;
/** Smallest value that is told apart, so that a zero has a logarithm. */
const VALUE_MIN = 1e-4;
/** A single value counts at most this many spreads in the sums that find a break. */
const SCORE_MAX = 3;
/** Part of a spread that is no news, and the sum from which it is a break (a two-sided CUSUM, Page 1954). */
const BREAK_SLACK = 0.75;
const BREAK_LIMIT = 7;
/** Values from which a key can break: before, it is only getting known. */
const BREAK_COUNT_MIN = 8;
const AFTER_BREAK_COUNT = 2;

export const logOf = (value: number): number => Math.log(Math.max(value, VALUE_MIN));

/** A value of a key, and the seconds from dispatch to end that came with it. */
export interface Observation {
  readonly work: number;
  readonly elapsed: number;
}

export interface Observed {
  readonly entry: HistoryEntry;
  /** What was known stopped being true: the entry begins anew from the latest values. */
  readonly hasBroken: boolean;
}

/** The entry of a key after one more value. */
export function observe(
  kind: HistoryKind,
  entry: HistoryEntry | undefined,
  { work, elapsed }: Observation,
): Observed {
  const log = logOf(work);
  if (entry === undefined) return { entry: entryOf(log, logOf(elapsed)), hasBroken: false };
  const isGroup = GROUPS.has(kind);
  const gains: Gains = isGroup ? GROUP_GAINS : SHAPE_GAINS;
  const distance = log - centreOf(entry.work);
  const sigma = sigmaOf(entry);
  // Against the slow mean: the quick one has followed a jump before anybody noticed it.
  const score = within(SCORE_MAX, (log - entry.work.means[2]) / sigma);
  const above = Math.max(0, entry.above + score - BREAK_SLACK);
  const below = Math.max(0, entry.below - score - BREAK_SLACK);
  const hasBroken =
    !isGroup && entry.count >= BREAK_COUNT_MIN && Math.max(above, below) > BREAK_LIMIT;
  if (hasBroken) {
    const fresh = entryOf(
      follow(entry.work, log, entry.count, gains).means[0],
      follow(entry.elapsed, logOf(elapsed), entry.count, gains).means[0],
    );
    return { entry: { ...fresh, count: AFTER_BREAK_COUNT }, hasBroken };
  }
  const gain = Math.max(isGroup ? gains[1] : VARIANCE_GAIN, 1 / (entry.count + 1));
  // One value far off says little about the next: it widens the spread by so much and no more.
  const counted = isGroup ? distance : within(SCORE_MAX * sigma, distance);
  return {
    entry: {
      count: entry.count + 1,
      work: follow(entry.work, log, entry.count, gains),
      elapsed: follow(entry.elapsed, logOf(elapsed), entry.count, gains),
      logVariance: entry.logVariance + gain * (counted * counted - entry.logVariance),
      above,
      below,
    },
    hasBroken,
  };
}

const within = (most: number, value: number): number => Math.max(-most, Math.min(most, value));

function entryOf(work: number, elapsed: number): HistoryEntry {
  return {
    count: 1,
    work: averageOf(work),
    elapsed: averageOf(elapsed),
    logVariance: 0,
    above: 0,
    below: 0,
  };
}

/** Spread of ln(value) around the average of one key: shrunk to the prior while the key is young. */
export function sigmaOf({ count, logVariance }: HistoryEntry): number {
  // The first value of a key has shown no spread.
  const seen = Math.min(count - 1, EFFECTIVE_COUNT_MAX);
  return Math.sqrt((seen * logVariance + PRIOR_COUNT * PRIOR_SIGMA ** 2) / (seen + PRIOR_COUNT));
}

/** What the next value is believed to be: ln of the middle, and the spread around it. */
export interface Belief {
  readonly logMean: number;
  readonly sigma: number;
}

/**
 * Least part of a group's variance that lies between its keys and not within them. A shape of many runs speaks for
 * itself, however noisy they are and whatever the group says.
 */
const BETWEEN_SHARE_MIN = 0.5;
/** Values that an average of many runs is worth against the group. */
const WORTH_MAX = 20;

/**
 * The belief of a general key, made sharper by a special one: the special average counts as much as it is known better
 * than the general one tells (shrinkage of a normal mean with known variances; Efron and Morris 1975).
 * @param general undefined: nothing more general is known.
 * @param shift added to the entry's logarithms: ln of a change of unit.
 */
export function refine(general: Belief | undefined, entry: HistoryEntry, shift = 0): Belief {
  const centre = centreOf(entry.work) + shift;
  const noise = sigmaOf(entry) ** 2;
  const own = noise / Math.min(entry.count, WORTH_MAX);
  if (general === undefined) return { logMean: centre, sigma: Math.sqrt(noise + own) };
  const total = general.sigma ** 2;
  const between = Math.max(BETWEEN_SHARE_MIN * total, total - noise);
  const weight = between / (between + own);
  return {
    logMean: weight * centre + (1 - weight) * general.logMean,
    sigma: Math.sqrt(noise + weight * own),
  };
}

/** Two beliefs are weighed by this power of their variances: the one that errs by half as much speaks almost alone. */
const CHOICE_SHARPNESS = 4;

/**
 * One belief of two about the same value that were learnt in different measures, weighed by how far each has been off: a
 * mixture of experts by their discounted losses (Cesa-Bianchi and Lugosi 2006, chapter 2). Their errors are of the same
 * runs, so agreeing makes neither surer: the variance is that of the one that is believed.
 * @param odds how much more `first` is believed where both err alike.
 */
export function choose(first: Belief, second: Belief, odds = 1): Belief {
  const own = odds * (second.sigma / first.sigma) ** (2 * CHOICE_SHARPNESS);
  const weight = Number.isFinite(own) ? own / (own + 1) : 1;
  return {
    logMean: weight * first.logMean + (1 - weight) * second.logMean,
    sigma: Math.sqrt(weight * first.sigma ** 2 + (1 - weight) * second.sigma ** 2),
  };
}

/** The value at `quantile` spreads from the middle; 0 is the median. */
export function valueAt({ logMean, sigma }: Belief, quantile: number): number {
  return Math.exp(logMean + quantile * sigma);
}

export const HOLD_COVERAGE = 0.9;
const STEP = 0.04;
/** A little above the normal 90 % quantile (1.28): a level that nobody calibrated yet errs to the safe side. */
export const QUANTILE_START = 1.45;
const QUANTILE_MIN = -1;
const QUANTILE_MAX = 8;

/** The quantile of a level and the outcomes it was calibrated by. */
export interface Calibration {
  readonly quantile: number;
  readonly count: number;
}

export const UNCALIBRATED: Calibration = { quantile: QUANTILE_START, count: 0 };

/**
 * The calibration of a level after an outcome, so that a 90 % hold covers 90 %: quantile tracking, which needs no
 * training and keeps its promise when times move (Gibbs and Candès 2021).
 * @param belief what was believed before the outcome.
 */
export function calibrate(
  { quantile, count }: Calibration,
  belief: Belief,
  value: number,
): Calibration {
  const score = (logOf(value) - belief.logMean) / belief.sigma;
  const missed = score > quantile ? 1 : 0;
  const step = Math.max(STEP, 0.4 / (1 + count / 10));
  const moved = quantile + step * (missed - (1 - HOLD_COVERAGE));
  return {
    quantile: Math.min(QUANTILE_MAX, Math.max(QUANTILE_MIN, moved)),
    count: count + 1,
  };
}
