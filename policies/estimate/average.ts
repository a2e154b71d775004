/**
 * A moving average of logarithms that finds its own pace: three exponential averages, quick, middling and slow, each
 * with the squares of what it was off by; their mix leans on those that were off least. Steady shapes are averaged
 * over dozens of runs, shapes that jump are followed within three.
 */

export interface Average {
  readonly means: readonly [number, number, number];
  /** Moving squares of each mean's errors. */
  readonly errors: readonly [number, number, number];
}

export type Gains = readonly [number, number, number];

/** For one shape: 0.3 was measured best for the tail on a public trace, the others for jumps and for steadiness. */
export const SHAPE_GAINS: Gains = [0.7, 0.3, 0.08];
/** For many shapes together, whose values differ by more than they move. */
export const GROUP_GAINS: Gains = [0.1, 0.03, 0.01];

const ERROR_GAIN = 0.1;
/** Square of the error assumed before any was seen: a factor of e^0.4 either way. */
const ERROR_START = 0.16;
const ERROR_MIN = 1e-4;
/** A single value counts in the errors as a factor of e^3 at most. */
const SQUARE_MAX = 9;
/** A single value is believed to lie at most this many of its own errors off. */
const CLIP = 2;
/** The mix is as sharp as this power of the errors. */
const SHARPNESS = 6;

export function averageOf(log: number): Average {
  return { means: [log, log, log], errors: [ERROR_START, ERROR_START, ERROR_START] };
}

/** What the average expects next. */
export function centreOf({ means, errors }: Average): number {
  const least = Math.min(errors[0], errors[1], errors[2]);
  const quick = weightOf(least, errors[0]);
  const middling = weightOf(least, errors[1]);
  const slow = weightOf(least, errors[2]);
  return (quick * means[0] + middling * means[1] + slow * means[2]) / (quick + middling + slow);
}

function weightOf(least: number, error: number): number {
  return (least / error) ** SHARPNESS;
}

/**
 * The average after one more value.
 * @param count values it had before.
 */
export function follow(average: Average, log: number, count: number, gains: Gains): Average {
  const { means, errors } = average;
  const errorGain = Math.max(ERROR_GAIN, 1 / (count + 3));
  const moved = (mean: number, error: number, gain: number): Moved => {
    const distance = log - mean;
    const grown = error + errorGain * (Math.min(distance * distance, SQUARE_MAX) - error);
    const most = CLIP * Math.sqrt(Math.max(ERROR_MIN, grown));
    const step = Math.max(-most, Math.min(most, distance));
    return {
      mean: mean + Math.max(gain, 1 / (count + 1)) * step,
      error: Math.max(ERROR_MIN, grown),
    };
  };
  const quick = moved(means[0], errors[0], gains[0]);
  const middling = moved(means[1], errors[1], gains[1]);
  const slow = moved(means[2], errors[2], gains[2]);
  return {
    means: [quick.mean, middling.mean, slow.mean],
    errors: [quick.error, middling.error, slow.error],
  };
}

interface Moved {
  readonly mean: number;
  readonly error: number;
}
