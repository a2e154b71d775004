/**
 * What a period has for the next one of its budget: a share of what is left, at most so many credits, or what is
 * missing. A grant is used first, and what is left of it ends with its period. What is held counts as used until its end
 * is known; then what was carried is corrected. The function `credits_to_carry` of the database says the same.
 */
import {
  NO_CREDITS,
  addCredits,
  maxAmount,
  minAmount,
  mulDiv,
  subtractCredits,
} from '#base/units.js';
import type { Credits } from '#base/units.js';
import { previousPeriod } from './period.js';
import type { PeriodRule } from './period.js';
import type { EpochMs, Period } from '#base/time.js';

export interface CarryRule {
  /** Percent of what is left, 1 to 100; null: nothing is carried over. */
  readonly percent: number | null;
  /** null: no cap. */
  readonly maxCredits: Credits | null;
  /** What is missing is taken from the next period. */
  readonly debt: boolean;
}

/** Amounts of a period that ends. */
export interface ClosingAmounts {
  /** Without what was granted or carried; null: unlimited. */
  readonly limitCredits: Credits | null;
  readonly grantedCredits: Credits;
  /** Negative where a debt was carried. */
  readonly carriedCredits: Credits;
  /** Spent, held and leased. */
  readonly usedCredits: Credits;
}

/** Credits for the next period, rounded down to the unit; negative is a debt. */
export function creditsToCarry(rule: CarryRule, closing: ClosingAmounts): Credits {
  if (closing.limitCredits === null) return NO_CREDITS;
  const own = addCredits(closing.limitCredits, closing.carriedCredits);
  const left = subtractCredits(addCredits(own, closing.grantedCredits), closing.usedCredits);
  if (left < 0n) return rule.debt ? left : NO_CREDITS;
  if (rule.percent === null) return NO_CREDITS;
  const base = maxAmount(NO_CREDITS, minAmount(own, left));
  const share = mulDiv(BigInt(rule.percent), base, 100n, 'down') as Credits;
  return rule.maxCredits === null ? share : minAmount(share, rule.maxCredits);
}

/** Whether a period can have anything for the next one. */
export function carriesAnything(rule: CarryRule): boolean {
  return rule.percent !== null || rule.debt;
}

/** Most periods without a statement between two that are opened one after the other. */
const GAP_PERIODS_MAX = 400;

/**
 * The periods between the end of the latest that is known and `period`, oldest first: nothing was asked in them, and
 * what is carried goes through them.
 */
export function periodsBetween(
  rule: PeriodRule,
  latestEndsAt: EpochMs,
  period: Period,
): readonly Period[] {
  const between: Period[] = [];
  let before = previousPeriod(rule, period);
  while (before !== undefined && before.startsAt >= latestEndsAt) {
    if (between.length === GAP_PERIODS_MAX) break;
    between.unshift(before);
    before = previousPeriod(rule, before);
  }
  return between;
}
