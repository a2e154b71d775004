/** Figures as people read them on a bill: grouped by thousands, with a true minus sign. */
import { formatMoney } from '#base/currency.js';
import { grouped, trimmed } from '#base/decimal-text.js';
import { type Amount, type Money, formatAmountTo } from '#base/units.js';

/** `12,345.60`, below zero `−12,345.60`. */
export function printed(decimal: string): string {
  const isNegative = decimal.startsWith('-') && /[1-9]/.test(decimal);
  return `${isNegative ? '−' : ''}${grouped(decimal.replace('-', ''))}`;
}

/** The amount with as many decimals as its currency has. */
export function moneyText(amount: Money, currency: string): string {
  return printed(formatMoney(amount, currency));
}

/** With its currency before it. */
export function moneyWithCurrency(amount: Money, currency: string): string {
  return `${currency} ${moneyText(amount, currency)}`;
}

/** Rounded half to even. */
export function rounded(amount: Amount, decimals: number): string {
  return printed(formatAmountTo(amount, decimals));
}

/** Exact, without zeros at the end. */
export function exactText(decimal: string): string {
  return printed(trimmed(decimal));
}

/** A whole number, with its digits in groups. */
export function countText(count: number): string {
  return printed(String(count));
}

/** Hours and minutes of a warehouse: `12 h 05 min`; below a minute seconds. */
export function timeText(ms: number): string {
  if (ms === 0) return '';
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  const hours = Math.floor(minutes / 60);
  return hours === 0
    ? `${minutes} min`
    : `${countText(hours)} h ${String(minutes % 60).padStart(2, '0')}`;
}

/** With its sign: `+4.2 %`, `−4.2 %`. */
export function percentText(percent: string | null): string {
  if (percent === null) return '–';
  return `${printed(percent)} %`;
}

/** With a plus sign where it is above zero. */
export function signed(text: string): string {
  return /^[−]|^[0.,]*( %)?$/.test(text) || text === '–' ? text : `+${text}`;
}

const MONTH_NAMES =
  'January February March April May June July August September October November December'.split(
    ' ',
  );

/** `October 2026` of `2026-10`. */
export function monthText(month: string): string {
  const [year = '', number = ''] = month.split('-');
  return `${MONTH_NAMES[Number(number) - 1] ?? number} ${year}`;
}

/** `4 November 2026, 09:00 UTC` of an instant. */
export function instantText(instant: string): string {
  const [day = '', time = ''] = instant.split('T');
  const [year = '', month = '', date = ''] = day.split('-');
  return `${Number(date)} ${MONTH_NAMES[Number(month) - 1] ?? month} ${year}, ${time.slice(0, 5)} UTC`;
}
