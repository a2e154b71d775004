/**
 * Whether a repeating shape of one team takes more than it may in a month, from what its runs took so far. Pure and
 * exact: amounts are summed in buckets of a minute, an hour and a day, and projected by one division.
 *
 * Two paces are looked at. The trailing one is all of the last 30 days over the age of the shape; it follows a shape
 * that begins. The sudden one is what the last 60 minutes took above the busiest two hours of the days before; it finds
 * a shape that was rare and repeats now, and leaves one alone that has had such an hour before and got over it.
 * A projection counts once the shape was active often enough for a rhythm to be seen, or has taken a good part of its
 * limit; what was taken in 30 days counts at once.
 */
import {
  addCredits,
  sumCredits,
  compareAmounts,
  type Credits,
  maxAmount,
  type Money,
  mulDiv,
  NO_CREDITS,
  NO_MONEY,
  subtractCredits,
} from '#base/units.js';
import type { EpochMs } from '#base/time.js';
import type { RunRate } from '../control/snapshot.js';

export const MINUTE_MS = 60_000;
export const HOUR_MS: number = 60 * MINUTE_MS;
export const DAY_MS: number = 24 * HOUR_MS;
/** What limits are meant for. */
export const MONTH_MS: number = 30 * DAY_MS;
/** How far back hours are kept. */
export const HOURS_KEPT_MS: number = 8 * DAY_MS;

/** What runs of a shape took in one span. */
export interface SpendBucket {
  readonly startsAt: EpochMs;
  readonly runs: number;
  readonly credits: Credits;
}

/** What a shape took: the last hour by minute, the last days by hour, the last month by day; in any order. */
export interface ShapeSpend {
  readonly firstAt: EpochMs;
  readonly minutes: readonly SpendBucket[];
  readonly hours: readonly SpendBucket[];
  readonly days: readonly SpendBucket[];
}

export interface RunRateLimit {
  readonly limitCredits: Credits;
  readonly warnAtPercent: number;
  readonly slowAtPercent: number;
  readonly stopAtPercent: number;
}

/** How far a guard goes: `stop` refuses, `slow` lets a run wait, `warn` tells. */
export type RunRateRung = 'none' | 'warn' | 'slow' | 'stop';

export interface RunRateFinding {
  readonly rung: RunRateRung;
  /** What 30 days would take at this pace. */
  readonly projectedCredits: Credits;
  /** What the last 30 days took. */
  readonly spentCredits: Credits;
  readonly runs: number;
}

/** Active minutes of the last hour, hours of the day before it and days before that, from which a pace is believed. */
export const RHYTHM: Readonly<Record<Exclude<RunRateRung, 'none'>, number>> = {
  warn: 5,
  slow: 10,
  stop: 15,
};
/** With so many, and this much of the limit taken, it is believed too. */
const RHYTHM_OF_DEAR_RUNS = 3;
const DEAR_PERCENT = 4n;

/** The strictest rung that the pace has reached. Total. */
export function judgeRunRate(spend: ShapeSpend, limit: RunRateLimit, now: EpochMs): RunRateFinding {
  const days = within(spend.days, now, MONTH_MS);
  const spentCredits = sumOf(days);
  const projectedCredits = maxAmount(
    trailing(spentCredits, now - spend.firstAt),
    sudden(spend, now),
  );
  const runs = days.reduce((sum, bucket) => sum + bucket.runs, 0);
  const rhythm = rhythmOf(spend, now);
  const reached = (['stop', 'slow', 'warn'] as const).find((rung) => {
    const threshold = thresholdOf(limit, rung);
    if (compareAmounts(spentCredits, threshold) >= 0) return true;
    if (compareAmounts(projectedCredits, threshold) < 0) return false;
    if (rhythm >= RHYTHM[rung]) return true;
    const dear = mulDiv(limit.limitCredits, DEAR_PERCENT, 100n, 'up') as Credits;
    return rhythm >= RHYTHM_OF_DEAR_RUNS && compareAmounts(spentCredits, dear) >= 0;
  });
  return { rung: reached ?? 'none', projectedCredits, spentCredits, runs };
}

/** Milliseconds between runs at which the shape would stay within its limit; null: it takes nothing. */
export function affordableEveryMs(finding: RunRateFinding, limitCredits: Credits): number | null {
  if (finding.runs === 0 || compareAmounts(finding.spentCredits, NO_CREDITS) <= 0) return null;
  const everyMs = mulDiv(
    finding.spentCredits * BigInt(MONTH_MS),
    1n,
    limitCredits * BigInt(finding.runs),
    'up',
  );
  return Number(everyMs);
}

function thresholdOf(limit: RunRateLimit, rung: Exclude<RunRateRung, 'none'>): Credits {
  const percent = {
    warn: limit.warnAtPercent,
    slow: limit.slowAtPercent,
    stop: limit.stopAtPercent,
  }[rung];
  return mulDiv(limit.limitCredits, BigInt(percent), 100n, 'up') as Credits;
}

/** A shape younger than a month is taken to go on as it began. */
function trailing(spentCredits: Credits, ageMs: number): Credits {
  const spanMs = Math.min(MONTH_MS, Math.max(MINUTE_MS, Math.floor(ageMs)));
  return mulDiv(spentCredits, BigInt(MONTH_MS), BigInt(spanMs), 'half-even') as Credits;
}

/** The last hour, as far as no hour of the days before was as busy. */
function sudden(spend: ShapeSpend, now: EpochMs): Credits {
  const lastHour = sumOf(within(spend.minutes, now, HOUR_MS));
  const above = maxAmount(subtractCredits(lastHour, busiest(spend.hours, now)), NO_CREDITS);
  return mulDiv(above, BigInt(MONTH_MS), BigInt(HOUR_MS), 'half-even') as Credits;
}

/** Two hours in a row: what comes every day comes across the full hour too. */
function busiest(hours: readonly SpendBucket[], now: EpochMs): Credits {
  const ended = new Map(
    within(hours, now, HOURS_KEPT_MS)
      .filter((bucket) => bucket.startsAt + 2 * HOUR_MS <= now)
      .map((bucket) => [bucket.startsAt, bucket.credits]),
  );
  let most = NO_CREDITS;
  for (const [startsAt, credits] of ended)
    most = maxAmount(most, addCredits(credits, ended.get(startsAt + HOUR_MS) ?? NO_CREDITS));
  return most;
}

function rhythmOf(spend: ShapeSpend, now: EpochMs): number {
  const minutes = within(spend.minutes, now, HOUR_MS);
  const hours = within(spend.hours, now, DAY_MS).filter(
    ({ startsAt }) => startsAt + HOUR_MS <= now - HOUR_MS,
  );
  const days = within(spend.days, now, MONTH_MS).filter(
    ({ startsAt }) => startsAt + DAY_MS <= now - DAY_MS,
  );
  return minutes.length + hours.length + days.length;
}

/** Buckets that began within the span, and have runs. */
function within(
  buckets: readonly SpendBucket[],
  now: EpochMs,
  spanMs: number,
): readonly SpendBucket[] {
  return buckets.filter(
    ({ startsAt, runs }) => runs > 0 && startsAt > now - spanMs && startsAt <= now,
  );
}

function sumOf(buckets: readonly SpendBucket[]): Credits {
  return sumCredits(buckets.map(({ credits }) => credits));
}

const MONEY_UNIT = 10n ** 12n;

/** The limit of a run rate at a price; null: it is in money, and credits cost nothing. */
export function runRateLimit({ limit }: RunRate, pricePerCredit: Money): Credits | null {
  if ('credits' in limit) return limit.credits;
  if (compareAmounts(pricePerCredit, NO_MONEY) <= 0) return null;
  return mulDiv(limit.money, MONEY_UNIT, pricePerCredit, 'up') as Credits;
}
