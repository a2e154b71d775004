/** Credits as Snowflake's views and exports of them have them, without passing through a float. */
import { AMOUNT_SCALE, mulDiv } from './units.js';

const NUMBER = /^\+?(\d{0,400})(?:\.(\d{0,400}))?(?:[eE]([+-]?\d{1,3}))?$/;
const PLAIN = /^\d{1,26}(?:\.\d{1,12})?$/;
/** As many as an amount of ours may have. */
const WHOLE_DIGITS_MAX = 26;

/**
 * The amount as a plain decimal with at most twelve decimals, rounded half even: `1.2e-05` is `0.000012`. Snowflake's
 * CREDITS_ATTRIBUTED_COMPUTE is a FLOAT, so any number of digits comes.
 * @returns undefined for other text, for negative amounts, and for those of more than 26 whole digits.
 */
export function creditsText(text: string): string | undefined {
  if (PLAIN.test(text)) return text;
  const match = NUMBER.exec(text);
  if (match === null) return undefined;
  const [, whole = '', fraction = '', exponent = '0'] = match;
  if (whole === '' && fraction === '') return undefined;
  return decimalText(`${whole}${fraction}`, Number(exponent) - fraction.length);
}

/** `digits` × 10 ^ `exponent`. */
function decimalText(digits: string, exponent: number): string | undefined {
  const shift = exponent + AMOUNT_SCALE;
  const units =
    shift >= 0
      ? BigInt(digits) * 10n ** BigInt(shift)
      : mulDiv(BigInt(digits), 1n, 10n ** BigInt(-shift), 'half-even');
  const text = units.toString().padStart(AMOUNT_SCALE + 1, '0');
  if (text.length > AMOUNT_SCALE + WHOLE_DIGITS_MAX) return undefined;
  const decimals = text.slice(-AMOUNT_SCALE).replace(/0+$/, '');
  return `${text.slice(0, -AMOUNT_SCALE)}${decimals === '' ? '' : `.${decimals}`}`;
}
