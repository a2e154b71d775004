/**
 * What will be spent by the end of a period, and when nothing will be left. Three expectations of the rest: the *run
 * rate* (as much an hour as until now), the *shaped* run rate (as much, spread over the hours of the week as in the last
 * weeks) and the *profile* (as much as in the last weeks, whatever this period has spent). The expected rest is between
 * the last two: the profile counts as much as a tenth of the period does, so that the first hours of a month are not
 * taken for the month, and its second half is hardly taken for another one. Without a profile it is the run rate. Whole
 * amounts throughout: nothing here is a floating-point number but time.
 */
import { assert } from '#base/assert.js';
import type { EpochMs, Period } from '#base/time.js';
import {
  NO_CREDITS,
  addCredits,
  compareAmounts,
  maxAmount,
  minAmount,
  mulDiv,
  subtractCredits,
} from '#base/units.js';
import type { Credits } from '#base/units.js';

const HOUR_MS = 3_600_000;
export const HOURS_OF_WEEK = 168;
const WEEK_MS = HOURS_OF_WEEK * HOUR_MS;
/** 1970-01-01 was a Thursday: the first Monday began three days before. */
const MONDAY_MS = 3 * 24 * HOUR_MS;

/** What a budget spent in each hour of the week, in UTC from Monday on, in so many whole weeks. */
export interface HourProfile {
  /** 168 amounts, none negative. */
  readonly credits: readonly Credits[];
  readonly weeks: number;
}

export interface ForecastInput {
  readonly period: Period;
  readonly at: EpochMs;
  readonly spentCredits: Credits;
  /** With what was granted and carried over; null: unlimited. */
  readonly limitCredits: Credits | null;
  /** null: there is no whole week of history. */
  readonly profile: HourProfile | null;
}

/** Spent at the end of the period: expected, and between which amounts. */
export interface Forecast {
  readonly lowCredits: Credits;
  readonly expectedCredits: Credits;
  readonly highCredits: Credits;
  /** When nothing is left, if that is before the end; `at` when nothing is left now. */
  readonly exhaustedAt: EpochMs | null;
}

/** The forecast at an instant of the period. `spentCredits` is not negative. */
export function forecast(input: ForecastInput): Forecast {
  const { period, at, spentCredits, profile } = input;
  assert(period.startsAt <= at && at < period.endsAt, 'a forecast is made inside its period');
  const rests = expectedRests(input);
  const total = (rest: Credits): Credits => addCredits(spentCredits, rest);
  const hasShape = profile !== null && weightOf(profile, at, period.endsAt) > 0n;
  return {
    lowCredits: total(minAmount(rests.runRate, minAmount(rests.shaped, rests.profile))),
    expectedCredits: total(rests.expected),
    highCredits: total(maxAmount(rests.runRate, maxAmount(rests.shaped, rests.profile))),
    exhaustedAt: exhaustion(input, rests.expected, hasShape ? profile : null),
  };
}

interface Rests {
  readonly runRate: Credits;
  readonly shaped: Credits;
  readonly profile: Credits;
  readonly expected: Credits;
}

function expectedRests({ period, at, spentCredits, profile }: ForecastInput): Rests {
  const elapsed = whole(at - period.startsAt);
  const remaining = whole(period.endsAt - at);
  const runRate =
    elapsed === 0n
      ? NO_CREDITS
      : (mulDiv(spentCredits, remaining, elapsed, 'half-even') as Credits);
  if (profile === null) return { runRate, shaped: runRate, profile: runRate, expected: runRate };
  const before = weightOf(profile, period.startsAt, at);
  const after = weightOf(profile, at, period.endsAt);
  const shaped =
    before === 0n ? runRate : (mulDiv(spentCredits, after, before, 'half-even') as Credits);
  const weeks = whole(profile.weeks) * whole(HOUR_MS);
  const ofProfile = mulDiv(after, 1n, weeks, 'half-even') as Credits;
  // Tenths of milliseconds, so that a tenth of the period is whole.
  const weight = elapsed * 10n;
  const history = elapsed + remaining;
  const expected = mulDiv(
    shaped * weight + ofProfile * history,
    1n,
    weight + history,
    'half-even',
  ) as Credits;
  return { runRate, shaped, profile: ofProfile, expected };
}

/** The instant at which what is left of the limit is used up, if the rest is spent by the profile, or evenly. */
function exhaustion(
  { period, at, spentCredits, limitCredits }: ForecastInput,
  rest: Credits,
  profile: HourProfile | null,
): EpochMs | null {
  if (limitCredits === null) return null;
  const left = subtractCredits(limitCredits, spentCredits);
  if (left <= 0n) return at;
  if (compareAmounts(rest, left) <= 0) return null;
  const weight = (until: EpochMs): bigint =>
    profile === null ? whole(until - at) : weightOf(profile, at, until);
  const wanted = mulDiv(left, weight(period.endsAt), rest, 'up');
  let [low, high] = [at, period.endsAt];
  while (high - low > 1) {
    const middle = low + Math.floor((high - low) / 2);
    if (weight(middle) < wanted) low = middle;
    else high = middle;
  }
  return high;
}

/** Sum of the profile between two instants: credits × milliseconds of the hours it covers. */
function weightOf({ credits }: HourProfile, from: EpochMs, to: EpochMs): bigint {
  const sums = prefixSums(credits);
  return weightUntil(credits, sums, to) - weightUntil(credits, sums, from);
}

function weightUntil(credits: readonly Credits[], sums: readonly bigint[], at: EpochMs): bigint {
  const sinceMonday = at + MONDAY_MS;
  const weeks = Math.floor(sinceMonday / WEEK_MS);
  const inWeek = sinceMonday - weeks * WEEK_MS;
  const hour = Math.floor(inWeek / HOUR_MS);
  const wholeHours = whole(weeks) * (sums[HOURS_OF_WEEK] ?? 0n) + (sums[hour] ?? 0n);
  const ofHour = whole(inWeek - hour * HOUR_MS) * (credits[hour] ?? 0n);
  return wholeHours * whole(HOUR_MS) + ofHour;
}

const sumsOf = new WeakMap<readonly Credits[], readonly bigint[]>();

/** Sums of the first 0, 1, … 168 hours; once a profile, because a search asks forty times. */
function prefixSums(credits: readonly Credits[]): readonly bigint[] {
  const known = sumsOf.get(credits);
  if (known !== undefined) return known;
  assert(credits.length === HOURS_OF_WEEK, 'a week has 168 hours');
  const sums = [0n];
  for (const amount of credits) {
    assert(amount >= 0n, 'no hour has spent less than nothing');
    sums.push((sums.at(-1) ?? 0n) + amount);
  }
  sumsOf.set(credits, sums);
  return sums;
}

function whole(value: number): bigint {
  return BigInt(Math.trunc(value));
}

/** The hour of the week, 0 to 167, from Monday 0:00 in UTC. */
export function hourOfWeek(at: EpochMs): number {
  const sinceMonday = at + MONDAY_MS;
  return Math.floor((sinceMonday - Math.floor(sinceMonday / WEEK_MS) * WEEK_MS) / HOUR_MS);
}
