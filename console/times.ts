/** Instants in the viewer's zone; the exact UTC is in a title. */

export const DAY_MS = 86_400_000;

/** `18:04:09` of today, else `24 Nov, 18:04`. */
export function when(iso: string, now: number, zone?: string): string {
  const at = new Date(iso);
  const options = zone === undefined ? {} : { timeZone: zone };
  const clock = new Intl.DateTimeFormat('en-GB', { ...options, timeStyle: 'medium' });
  const day = new Intl.DateTimeFormat('en-GB', { ...options, day: 'numeric', month: 'short' });
  if (day.format(at) === day.format(now) && Math.abs(now - at.getTime()) < DAY_MS)
    return clock.format(at);
  return `${day.format(at)}, ${clock.format(at).slice(0, 5)}`;
}

/** `3 min`, `2 h 5 min`, `4 days`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} days`;
}

/** `2026-11` of an instant, UTC, moved by `months`. */
export function monthOf(now: number, months = 0): string {
  const at = new Date(now);
  return new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + months, 1))
    .toISOString()
    .slice(0, 7);
}

/** `2026-11` → `November 2026`; what is no month stays as it is. */
export function monthName(month: string): string {
  if (!/^\d{4}-(?:0[1-9]|1[0-2])$/.test(month)) return month;
  const format = new Intl.DateTimeFormat('en-GB', {
    month: 'long',
    year: 'numeric',
    timeZone: 'UTC',
  });
  return format.format(new Date(`${month}-01T00:00:00Z`));
}
