/**
 * How many decimals the smallest unit of a currency has. Source: ISO 4217, table A.1, column "minor unit"; what is not
 * named here has two.
 */
import { AMOUNT_SCALE, type Money, formatAmountTo, mulDiv } from './units.js';

const ZERO = 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF';
const THREE = 'BHD IQD JOD KWD LYD OMR TND';
const FOUR = 'CLF UYW';

const MINOR_DECIMALS: ReadonlyMap<string, number> = new Map(
  [ZERO, '', '', THREE, FOUR].flatMap((codes, decimals) =>
    codes
      .split(' ')
      .filter((code) => code !== '')
      .map((code) => [code, decimals] as const),
  ),
);

/** Decimals of the smallest unit: 2 for USD, 0 for JPY, 3 for KWD. */
export function minorDecimals(currency: string): number {
  return MINOR_DECIMALS.get(currency) ?? 2;
}

/** The smallest unit of a currency, as an amount. */
export function minorUnit(currency: string): Money {
  return (10n ** BigInt(AMOUNT_SCALE - minorDecimals(currency))) as Money;
}

/** The amount in whole smallest units, rounded half to even: how it is paid. */
export function roundToMinor(amount: Money, currency: string): Money {
  const step = minorUnit(currency);
  return (mulDiv(amount, 1n, step, 'half-even') * step) as Money;
}

/** The amount with as many decimals as its currency has. */
export function formatMoney(amount: Money, currency: string): string {
  return formatAmountTo(amount, minorDecimals(currency));
}

const ONE = 10n ** BigInt(AMOUNT_SCALE);

/**
 * An amount at an exchange rate, multiplied exactly and rounded to twelve decimals half to even. Only what is in the
 * currency that it arose in is converted: nothing is converted a second time.
 * @param rate units of the other currency for one of the amount's.
 */
export function convert(amount: Money, rate: Money): Money {
  return mulDiv(amount, rate, ONE, 'half-even') as Money;
}
