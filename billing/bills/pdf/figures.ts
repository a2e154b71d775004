/** Figures as people read them on a bill: grouped by thousands, with a true minus sign. */
import { minorDecimals } from '#base/currency.js';
import { type Amount, type Money, formatAmountTo } from '#base/units.js';

/** `12,345.60`, below zero `−12,345.60`. */
export function grouped(decimal: string): string {
  const isNegative = decimal.startsWith('-');
  const [whole = '', fraction] = (isNegative ? decimal.slice(1) : decimal).split('.');
  const digits = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
  const isNothing = /^[0.,]*$/.test(`${digits}${fraction ?? ''}`);
  return `${isNegative && !isNothing ? '−' : ''}${digits}${fraction === undefined ? '' : `.${fraction}`}`;
}

/** The amount with as many decimals as its currency has. */
export function moneyText(amount: Money, currency: string): string {
  return grouped(formatAmountTo(amount, minorDecimals(currency)));
}

/** With its currency before it. */
export function moneyWithCurrency(amount: Money, currency: string): string {
  return `${currency} ${moneyText(amount, currency)}`;
}

/** Rounded half to even. */
export function rounded(amount: Amount, decimals: number): string {
  return grouped(formatAmountTo(amount, decimals));
}

/** Exact, without zeros at the end. */
export function exactText(decimal: string): string {
  return grouped(decimal.includes('.') ? decimal.replace(/\.?0+$/, '') : decimal);
}

export function countText(count: number): string {
  return grouped(String(count));
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
  return `${grouped(percent)} %`;
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
