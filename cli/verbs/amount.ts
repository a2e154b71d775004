/** Amounts as people write them behind verbs: `12.5`, `12.5 credits`, `250 USD`. */
import { formatMoney } from '../../base/currency.js';
import { grouped, trimmed } from '../../base/decimal-text.js';
import {
  compareAmounts,
  formatAmount,
  NO_CREDITS,
  parseMoney,
  tryParseCredits,
} from '../../base/units.js';
import { VerbError } from '../verb-error.js';

/** The fields of the API for an amount. */
export type AmountFields =
  { readonly credits: string } | { readonly amount: string; readonly currency: string };

/** Throws VerbError with the forms for anything else. */
export function amountFields(text: string): AmountFields {
  const [, number = '', unit = 'credits'] =
    /^([\d.,]+)(?: ?([a-z]{3,8}))?$/i.exec(text.trim()) ?? [];
  // Both have twelve decimals.
  const amount = tryParseCredits(number);
  if (amount === undefined || compareAmounts(amount, NO_CREDITS) <= 0) throw notAnAmount(text);
  if (/^credits?$/i.test(unit)) return { credits: formatAmount(amount) };
  if (unit.length !== 3) throw notAnAmount(text);
  return { amount: formatAmount(amount), currency: unit.toUpperCase() };
}

function notAnAmount(text: string): VerbError {
  return new VerbError(
    `"${text.slice(0, 60)}" is not an amount; write for example 12.5, "12.5 credits" or "250 USD".`,
    2,
  );
}

/**
 * `12.500000000000` as `12.5`, `3.000000000000` as `3`; with a currency in its smallest units, half to even:
 * `1,234.50 USD`, `897 JPY`.
 */
export function shortAmount(text: string, currency?: string): string {
  return currency === undefined
    ? trimmed(text)
    : `${grouped(formatMoney(parseMoney(text), currency))} ${currency}`;
}
