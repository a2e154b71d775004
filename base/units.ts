/**
 * Amounts of the ledger. Credits and money are bigint at a fixed scale of twelve decimals (pico-credits,
 * pico-units of the billing currency), `numeric(38,12)` in Postgres and decimal strings at every boundary.
 * Raw bigint operators on amounts stay in this file.
 */
import { assert } from './assert.js';

declare const creditsBrand: unique symbol;
declare const moneyBrand: unique symbol;
declare const quantityBrand: unique symbol;

/** Snowflake credits in units of 1e-12. May be negative only where a name says so (standing, adjustments). */
export type Credits = bigint & { readonly [creditsBrand]: true };
/** Money of one billing currency in units of 1e-12. */
export type Money = bigint & { readonly [moneyBrand]: true };
/** What is priced by another unit than the credit, such as terabytes, in units of 1e-12 of it. */
export type Quantity = bigint & { readonly [quantityBrand]: true };
/** Any kind of amount. */
export type Amount = Credits | Money | Quantity;

/** Decimal digits after the point of every amount. */
export const AMOUNT_SCALE = 12;
const UNIT = 10n ** BigInt(AMOUNT_SCALE);
const EXACT_MAX = BigInt(Number.MAX_SAFE_INTEGER);

/** How a division that does not come out even is settled: holds `up`, charges `half-even`, splits `down`. */
export type Rounding = 'up' | 'down' | 'half-even';

export const NO_CREDITS = 0n as Credits;
export const NO_MONEY = 0n as Money;

const DECIMAL = /^(-?)(\d{1,26})(?:\.(\d{1,12})0*)?$/;

function parseAmount(text: string): bigint | undefined {
  const match = DECIMAL.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '0', fraction = ''] = match;
  const value = BigInt(whole) * UNIT + BigInt(fraction.padEnd(AMOUNT_SCALE, '0'));
  return sign === '-' ? -value : value;
}

/** Reads a plain decimal such as `1.25`; undefined for exponents, more than 12 decimals or other text. */
export function tryParseCredits(text: string): Credits | undefined {
  return parseAmount(text) as Credits | undefined;
}

/** Like {@link tryParseCredits} for text that our own code or Postgres wrote; anything else is a bug. */
export function parseCredits(text: string): Credits {
  const value = tryParseCredits(text);
  assert(value !== undefined, `not a credit amount: ${text.slice(0, 60)}`);
  return value;
}

/** Reads a plain decimal amount of money; undefined for anything else. */
export function tryParseMoney(text: string): Money | undefined {
  return parseAmount(text) as Money | undefined;
}

/** Like {@link tryParseMoney} for text that our own code or Postgres wrote; anything else is a bug. */
export function parseMoney(text: string): Money {
  const value = tryParseMoney(text);
  assert(value !== undefined, `not an amount of money: ${text.slice(0, 60)}`);
  return value;
}

/** Reads a quantity that our own code or Postgres wrote; anything else is a bug. */
export function parseQuantity(text: string): Quantity {
  const value = parseAmount(text) as Quantity | undefined;
  assert(value !== undefined, `not a quantity: ${text.slice(0, 60)}`);
  return value;
}

/** The exact decimal with all twelve digits, e.g. `1.250000000000`; what goes to Postgres and into JSON. */
export function formatAmount(value: Amount): string {
  return formatAmountTo(value, AMOUNT_SCALE);
}

/** The decimal rounded half-even to `decimals` (0–12) digits, for people. */
export function formatAmountTo(value: Amount, decimals: number): string {
  assert(decimals >= 0 && decimals <= AMOUNT_SCALE, 'decimals out of range');
  const step = 10n ** BigInt(AMOUNT_SCALE - decimals);
  const rounded = divide(value, step, 'half-even');
  const negative = rounded < 0n;
  const digits = (negative ? -rounded : rounded).toString().padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = decimals === 0 ? '' : `.${digits.slice(digits.length - decimals)}`;
  return `${negative ? '-' : ''}${whole}${fraction}`;
}

/** `a × b ÷ c` with one division at the end, rounded as named. `c` must be positive. */
export function mulDiv(a: bigint, b: bigint, c: bigint, rounding: Rounding): bigint {
  return divide(a * b, c, rounding);
}

function divide(numerator: bigint, denominator: bigint, rounding: Rounding): bigint {
  assert(denominator > 0n, 'division by zero or a negative number');
  const quotient = numerator / denominator;
  const remainder = numerator % denominator;
  if (remainder === 0n) return quotient;
  const negative = numerator < 0n;
  const away = negative ? quotient - 1n : quotient + 1n;
  switch (rounding) {
    case 'up':
      return negative ? quotient : away;
    case 'down':
      return negative ? away : quotient;
    case 'half-even': {
      const twice = (negative ? -remainder : remainder) * 2n;
      if (twice > denominator) return away;
      if (twice < denominator) return quotient;
      return quotient % 2n === 0n ? quotient : away;
    }
  }
}

/**
 * Credits used by a cluster: `creditsPerHour × milliseconds ÷ 3,600,000`.
 * Source: Snowflake, "Understanding compute cost" (per-second billing; milliseconds keep short statements exact).
 */
export function creditsForMillis(
  creditsPerHour: Credits,
  millis: number,
  rounding: Rounding,
): Credits {
  assert(Number.isSafeInteger(millis) && millis >= 0, 'milliseconds must be a whole number');
  return mulDiv(creditsPerHour, BigInt(millis), 3_600_000n, rounding) as Credits;
}

/** Price of an amount of credits, or of another quantity: `amount × price of one`, rounded as named. */
export function priceCredits(
  credits: Credits | Quantity,
  pricePerCredit: Money,
  rounding: Rounding,
): Money {
  return mulDiv(credits, pricePerCredit, UNIT, rounding) as Money;
}

export function addCredits(...values: readonly Credits[]): Credits {
  return values.reduce((sum, value) => (sum + value) as Credits, NO_CREDITS);
}

/** The sum of as many as there are; arguments of a call are bounded by the stack, at some hundred thousand. */
export function sumCredits(values: Iterable<Credits>): Credits {
  let sum: Credits = NO_CREDITS;
  for (const value of values) sum = (sum + value) as Credits;
  return sum;
}

/** As {@link sumCredits}. */
export function sumMoney(values: Iterable<Money>): Money {
  let sum: Money = NO_MONEY;
  for (const value of values) sum = (sum + value) as Money;
  return sum;
}

export function subtractCredits(a: Credits, b: Credits): Credits {
  return (a - b) as Credits;
}

export function addQuantities(a: Quantity, b: Quantity): Quantity {
  return (a + b) as Quantity;
}

export function addMoney(...values: readonly Money[]): Money {
  return values.reduce((sum, value) => (sum + value) as Money, NO_MONEY);
}

export function subtractMoney(a: Money, b: Money): Money {
  return (a - b) as Money;
}

/**
 * The nearest double, for ratios and durations that are themselves approximations (a rate into bytes per second, an
 * expectation into seconds). Never for an amount that is held, charged, compared with a limit or shown; a spreadsheet's
 * column to reckon on has it beside the exact decimal.
 */
export function approximate(value: Amount): number {
  // Both sides are whole and exact up to 2^53, and a quotient of such is rounded once: the same double as the decimal's.
  return value <= EXACT_MAX && value >= -EXACT_MAX
    ? Number(value) / Number(UNIT)
    : Number(formatAmount(value));
}

/** Digits that a spreadsheet keeps of a number. */
const SPREADSHEET_DIGITS = 15;

/**
 * The number that stands for the amount in a spreadsheet, which keeps fifteen significant digits; undefined where that
 * would be another amount.
 */
export function tryExactNumber(value: Amount): number | undefined {
  const digits = formatAmount(value)
    .replace(/[-.]/g, '')
    .replace(/^0+|0+$/g, '');
  return digits.length <= SPREADSHEET_DIGITS ? Number(formatAmount(value)) : undefined;
}

/** -1, 0 or 1. Both sides must be the same kind of amount, which `<` on branded bigints would not check. */
export function compareAmounts<A extends Amount>(a: A, b: NoInfer<A>): -1 | 0 | 1 {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function maxAmount<A extends Amount>(a: A, b: NoInfer<A>): A {
  return a > b ? a : b;
}

export function minAmount<A extends Amount>(a: A, b: NoInfer<A>): A {
  return a < b ? a : b;
}

/**
 * Splits `whole` (≥ 0) over `weights` (≥ 0, at least one positive) so that the parts sum to it exactly: floors
 * first, then one unit each to the largest remainders, ties by the order of `keys`.
 */
export function splitByLargestRemainder<A extends bigint>(
  whole: A,
  weights: readonly bigint[],
  keys: readonly string[],
): A[] {
  assert(weights.length === keys.length, 'a key for every weight');
  assert(
    whole >= 0n && weights.every((weight) => weight >= 0n),
    'amounts and weights are not negative',
  );
  const total = weights.reduce((sum, weight) => sum + weight, 0n);
  assert(total > 0n, 'at least one weight must be positive');
  const parts = weights.map((weight) => (whole * weight) / total);
  const missing = whole - parts.reduce((sum, part) => sum + part, 0n);
  const order = weights
    .map((weight, index) => ({ index, remainder: (whole * weight) % total }))
    .sort(
      (a, b) =>
        compareBigint(b.remainder, a.remainder) || compareText(keys[a.index], keys[b.index]),
    );
  for (const { index } of order.slice(0, Number(missing))) parts[index] = (parts[index] ?? 0n) + 1n;
  return parts as A[];
}

/**
 * Rounds exact amounts to multiples of `step` that sum to `whole`: down first, then one step each to the largest
 * remainders, ties by the order of `keys`. Amounts may be of either sign, and none is moved by a whole step. `whole` is a
 * multiple of `step` next to the sum of the amounts, so that rounding a sum first and its parts afterwards never fails.
 */
export function roundToSum<A extends bigint>(
  whole: A,
  exact: readonly A[],
  keys: readonly string[],
  step: bigint,
): A[] {
  assert(exact.length === keys.length, 'a key for every amount');
  assert(step > 0n && whole % step === 0n, 'the whole is a multiple of the step');
  const steps = exact.map((amount) => divide(amount, step, 'down'));
  const missing = whole / step - steps.reduce((sum, each) => sum + each, 0n);
  const order = exact
    .map((amount, index) => ({ index, remainder: amount - (steps[index] ?? 0n) * step }))
    .filter(({ remainder }) => remainder > 0n)
    .sort(
      (a, b) =>
        compareBigint(b.remainder, a.remainder) || compareText(keys[a.index], keys[b.index]),
    );
  assert(missing >= 0n && missing <= BigInt(order.length), 'the whole is next to the sum');
  for (const { index } of order.slice(0, Number(missing))) steps[index] = (steps[index] ?? 0n) + 1n;
  return steps.map((each) => each * step) as A[];
}

function compareBigint(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareText(a: string | undefined, b: string | undefined): number {
  return (a ?? '') < (b ?? '') ? -1 : (a ?? '') > (b ?? '') ? 1 : 0;
}
