/** The order of months: which follows which, and which one takes what is found of closed ones. */
import type { CloseVersion } from './read-close.js';

/** `2026-12` → `2027-01`. */
export function monthAfter(month: string): string {
  return shifted(month, 1);
}

/** `2027-01` → `2026-12`. */
export function monthBefore(month: string): string {
  return shifted(month, -1);
}

function shifted(month: string, by: number): string {
  const [year = 0, number = 0] = month.split('-').map(Number);
  return new Date(Date.UTC(year, number - 1 + by, 1)).toISOString().slice(0, 7);
}

/** The closed versions whose corrections `month` takes: all before it, if the month before it is closed. */
export function correctedIn(
  month: string,
  versions: readonly CloseVersion[],
): readonly CloseVersion[] {
  const closed = versions.filter((each) => each.state === 'closed' && each.month < month);
  return closed.some((each) => each.month === monthBefore(month)) ? closed : [];
}

/** The month that is booked in: the first of which nothing is frozen. @param fallback where no month ever was. */
export function monthToBook(versions: readonly CloseVersion[], fallback: string): string {
  const last = versions.reduce<string | undefined>(
    (latest, { month }) => (latest === undefined || month > latest ? month : latest),
    undefined,
  );
  return last === undefined ? fallback : monthAfter(last);
}
