/**
 * What an account's usage comes to at the prices in force, against the money that Snowflake says, by service and day. The
 * two never agree to the last decimal, because Snowflake's views are rounded; they agree within what that rounding can
 * make. Whatever is beyond has a cause by name. Pure.
 */
import { minorDecimals } from '#base/currency.js';
import {
  AMOUNT_SCALE,
  type Credits,
  type Money,
  NO_CREDITS,
  NO_MONEY,
  addMoney,
  compareAmounts,
  mulDiv,
  parseCredits,
  priceCredits,
  subtractCredits,
  subtractMoney,
} from '#base/units.js';

/** Why a day of a service does not agree. */
export const MONEY_CAUSES = [
  /** The money of the day may still come: the view is up to 72 hours late. */
  'lateData',
  /** The account's metering of the day is not imported, and its money is. */
  'notMetered',
  /** No price is in force, so that nothing can be said. */
  'noPrice',
  /** The money is in another currency than the price. */
  'otherCurrency',
  /** The rate sheet has a price of the day that is held and not in force. */
  'priceHeld',
  /** The rate sheet says another price of the day than the one in force. */
  'rateAmended',
  /** The view's own quantity is not what was metered. */
  'quantityDiffers',
  /** Rebates, support, free usage: rows of the day that are no use at a price. */
  'otherCharges',
  'unexplained',
] as const;
export type MoneyCause = (typeof MONEY_CAUSES)[number];

/** One service on one day of an account. */
export interface MoneyDay {
  readonly day: string;
  readonly serviceType: string;
  readonly isAdjustment: boolean;
  /** As it was metered; null: nothing was imported of it. */
  readonly credits: Credits | null;
  readonly price: { readonly pricePerCredit: Money; readonly currency: string } | null;
  /** What the rate sheet says of the day itself; null: nothing. */
  readonly sheetPrice: Money | null;
  readonly isPriceHeld: boolean;
  /** What the currency view says; null: no row. */
  readonly billed: {
    readonly usage: Credits;
    readonly money: Money;
    readonly currency: string;
    /** Of rows beside use at a price: rebates, credits for support, free usage. */
    readonly otherMoney: Money;
  } | null;
  /** Whether the latency of the currency view has passed. */
  readonly isSettled: boolean;
}

export interface ReconciledDay {
  readonly computed: Money | null;
  readonly difference: Money | null;
  /** Within this the roundings of the views explain all of it. */
  readonly bound: Money | null;
  /** null: it agrees. */
  readonly cause: MoneyCause | null;
}

const UNIT = 10n ** BigInt(AMOUNT_SCALE);

/**
 * Half of the last decimal of three roundings: of the money (the currency's smallest unit), of the usage (three decimals,
 * times the price) and of the price (two decimals, times the credits).
 */
export function roundingBound(credits: Credits, price: Money, currency: string): Money {
  const half = (decimals: number): bigint => UNIT / 10n ** BigInt(decimals) / 2n;
  const ofMoney = half(Math.min(2, minorDecimals(currency))) as Money;
  const ofUsage = mulDiv(half(3), price, UNIT, 'up') as Money;
  const ofPrice = mulDiv(sizeOf(credits), half(2), UNIT, 'up') as Money;
  return addMoney(ofMoney, ofUsage, ofPrice);
}

/** How one day of one service agrees. */
export function reconcileDay(day: MoneyDay): ReconciledDay {
  const { credits, price, billed } = day;
  const none = { computed: null, difference: null, bound: null };
  if (price === null) return { ...none, cause: 'noPrice' };
  if (credits === null)
    return {
      ...none,
      cause: billed === null ? null : isOther(day) ? 'otherCharges' : 'notMetered',
    };
  const computed = priceCredits(credits, price.pricePerCredit, 'half-even');
  const bound = roundingBound(credits, price.pricePerCredit, price.currency);
  if (billed === null) {
    const isNothing = compareAmounts(absolute(computed), bound) <= 0;
    const cause = isNothing ? null : day.isSettled ? 'unexplained' : 'lateData';
    return { computed, difference: computed, bound, cause };
  }
  if (billed.currency !== price.currency) return { ...none, computed, cause: 'otherCurrency' };
  const difference = subtractMoney(computed, billed.money);
  if (compareAmounts(absolute(difference), bound) <= 0)
    return { computed, difference, bound, cause: null };
  return { computed, difference, bound, cause: causeOf(day, billed, price.pricePerCredit) };
}

/** The nearest cause first: what says most about the difference. */
function causeOf(day: MoneyDay, billed: NonNullable<MoneyDay['billed']>, price: Money): MoneyCause {
  if (day.isPriceHeld) return 'priceHeld';
  if (day.sheetPrice !== null && day.sheetPrice !== price) return 'rateAmended';
  const usage = subtractCredits(day.credits ?? NO_CREDITS, billed.usage);
  // The view has three decimals of it.
  if (compareAmounts(sizeOf(usage), parseCredits('0.0005')) > 0)
    return day.isSettled ? 'quantityDiffers' : 'lateData';
  if (compareAmounts(billed.otherMoney, NO_MONEY) !== 0) return 'otherCharges';
  return day.isSettled ? 'unexplained' : 'lateData';
}

function isOther({ billed }: MoneyDay): boolean {
  return billed !== null && billed.money === billed.otherMoney;
}

function absolute(money: Money): Money {
  return compareAmounts(money, NO_MONEY) < 0 ? subtractMoney(NO_MONEY, money) : money;
}

function sizeOf(credits: Credits): Credits {
  return compareAmounts(credits, NO_CREDITS) < 0 ? subtractCredits(NO_CREDITS, credits) : credits;
}
