/** Days and months of bills as text, all UTC: `2026-10-31`, `2026-10`. */
import { assert } from '#base/assert.js';
import { formatInstant, tryParseMonth } from '#base/time.js';

const DAY_MS = 86_400_000;

/** The day after `YYYY-MM-DD`; what is no day is a bug. */
export function dayAfter(day: string): string {
  const at = Date.parse(`${day}T00:00:00Z`);
  assert(Number.isFinite(at), `not a day: ${day}`);
  return formatInstant(at + DAY_MS).slice(0, 10);
}

/** `YYYY-MM-DD` of `YYYY-MM`; what is no month is a bug. */
export function firstDayOf(month: string): string {
  return boundsOf(month).first;
}

/** `YYYY-MM-DD` of `YYYY-MM`; what is no month is a bug. */
export function lastDayOf(month: string): string {
  return boundsOf(month).last;
}

/** First day of the next month. */
export function firstDayAfter(month: string): string {
  return boundsOf(month).next;
}

function boundsOf(month: string): {
  readonly first: string;
  readonly last: string;
  readonly next: string;
} {
  const period = tryParseMonth(month);
  assert(period !== undefined, `not a month: ${month}`);
  const [first, last, next] = [period.startsAt, period.endsAt - DAY_MS, period.endsAt].map((at) =>
    formatInstant(at).slice(0, 10),
  );
  return { first: first ?? '', last: last ?? '', next: next ?? '' };
}
