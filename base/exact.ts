/**
 * Products of two amounts without rounding: twenty-four decimals, for files that promise unit price × quantity = cost on
 * every row. What is held, charged or paid stays at the twelve of `units.ts`.
 */
import { assert } from './assert.js';
import { AMOUNT_SCALE, type Amount, type Money } from './units.js';

declare const exactBrand: unique symbol;

/** Money in units of 1e-24. */
export type Exact = bigint & { readonly [exactBrand]: true };

const SCALE = 2 * AMOUNT_SCALE;
const STEP = 10n ** BigInt(AMOUNT_SCALE);

export const NOTHING_EXACT = 0n as Exact;

/** What `quantity` of something costs at `unitPrice` each. */
export function exactProduct(quantity: Amount, unitPrice: Money): Exact {
  return (quantity * unitPrice) as Exact;
}

export function toExact(money: Money): Exact {
  return (money * STEP) as Exact;
}

export function addExact(a: Exact, b: Exact): Exact {
  return (a + b) as Exact;
}

export function subtractExact(a: Exact, b: Exact): Exact {
  return (a - b) as Exact;
}

/**
 * The plain decimal without zeros at its end, but with one digit behind the point, so that who guesses types by values
 * reads a decimal: `-1.5`, `3.0`; never an exponent, a plus or a thousands separator.
 */
export function formatExact(value: Exact): string {
  return plainDecimal(value, SCALE);
}

/** An amount as {@link formatExact} writes it. */
export function formatPlain(value: Amount): string {
  return plainDecimal(value, AMOUNT_SCALE);
}

const PLAIN = /^(-?)(\d+)(?:\.(\d{1,24}))?$/;

/** Reads what {@link formatExact} wrote; anything else is a bug. */
export function parseExact(text: string): Exact {
  const match = PLAIN.exec(text);
  assert(match !== null, `not a plain decimal: ${text.slice(0, 60)}`);
  const [, sign, whole = '', fraction = ''] = match;
  const value = BigInt(whole + fraction.padEnd(SCALE, '0'));
  return (sign === '-' ? -value : value) as Exact;
}

function plainDecimal(value: bigint, scale: number): string {
  const negative = value < 0n;
  const digits = (negative ? -value : value).toString().padStart(scale + 1, '0');
  const fraction = digits.slice(-scale).replace(/0+$/, '').padEnd(1, '0');
  return `${negative ? '-' : ''}${digits.slice(0, -scale)}.${fraction}`;
}
