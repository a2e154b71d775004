/** Amounts, sizes, spans and instants as people read them in a refusal. */
import { grouped } from '#base/decimal-text.js';
import type { EpochMs } from '#base/time.js';
import { compareAmounts, formatAmountTo, type Money, mulDiv, NO_MONEY } from '#base/units.js';

const SYMBOLS: Readonly<Record<string, string>> = { USD: '$', EUR: '€', GBP: '£', JPY: '¥' };
const CENT = 10n ** 10n;

/**
 * Money to cents with thousands separators: `$1,234.50`, `CHF 1,234.50`. What is needed rounds up and what is left
 * rounds down, so that the two never read the same where they differ; less than a cent says so.
 */
export function moneyText(
  amount: Money,
  currency: string,
  rounding: 'up' | 'down' | 'half-even' = 'half-even',
): string {
  const cents = mulDiv(amount, 1n, CENT, rounding);
  if (cents === 0n && compareAmounts(amount, NO_MONEY) > 0)
    return `under ${withSymbol('0.01', currency)}`;
  const text = formatAmountTo((cents * CENT) as Money, 2);
  const negative = text.startsWith('-');
  return `${negative ? '-' : ''}${withSymbol(grouped(text.replace('-', '')), currency)}`;
}

/** From here on an amount is told as more than the largest one below it, so that a line stays a line. */
const SHORT_MAX = 10n ** 10n * 10n ** 12n;

/** {@link moneyText} in at most 21 characters: `over $9,999,999,999`. */
export function shortMoneyText(
  amount: Money,
  currency: string,
  rounding: 'up' | 'down' | 'half-even' = 'half-even',
): string {
  return amount < SHORT_MAX
    ? moneyText(amount, currency, rounding)
    : `over ${withSymbol('9,999,999,999', currency)}`;
}

function withSymbol(digits: string, currency: string): string {
  const symbol = SYMBOLS[currency];
  return symbol === undefined ? `${currency} ${digits}` : `${symbol}${digits}`;
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'] as const;

/** `50.1 TB`: decimal units, as Snowflake's console shows them. */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.95 && unit < UNITS.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${unit === 0 ? String(Math.round(value)) : value.toFixed(1)} ${UNITS[unit] ?? 'B'}`;
}

/** `12,345`. */
export function countText(count: number): string {
  return grouped(String(Math.round(count)));
}

/** A span in its two largest units: `7 d 3 h`, `38 min`, `12 s`. */
export function spanText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  const days = Math.floor(hours / 24);
  return hours % 24 === 0 ? `${days} d` : `${days} d ${hours % 24} h`;
}

/** `1 Dec 00:00 America/New_York`, on the clock of the zone. */
export function instantText(at: EpochMs, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(at);
  const part = (type: string): string => parts.find((each) => each.type === type)?.value ?? '';
  return `${part('day')} ${part('month')} ${part('hour')}:${part('minute')} ${timeZone}`;
}

/** A name from SQL or a document on one line, at most `lengthMax` characters. */
export function nameText(name: string, lengthMax: number): string {
  const line = name.replace(/[\p{C}\p{Z}]+/gu, ' ').trim();
  return line.length <= lengthMax ? line : `${line.slice(0, lengthMax - 1)}…`;
}
