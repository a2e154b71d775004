/** When something that is granted ends, as people say it. Pure. */
import { isCalendarDay, type EpochMs } from '#base/time.js';
import { periodAt } from './period.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const UNITS_MS: Readonly<Record<string, number>> = {
  m: MINUTE_MS,
  h: HOUR_MS,
  d: 24 * HOUR_MS,
  w: 168 * HOUR_MS,
};
/** As the API's and the verbs' messages say it. */
export const UNTIL_FORMS =
  "a day such as 2026-12-01 or friday (to its end, in the budget's zone), an instant such as 2026-12-01T18:00:00Z, or a span such as 30m, 24h or 3d";

/**
 * `friday`, `today`, `tomorrow` and `2026-12-01` mean the end of that day in the zone, of a weekday the next one, today
 * included; `2026-12-01T18:00:00Z` and `30m`, `24h`, `3d`, `2w` mean what they say. Undefined for other text, and for a day
 * that the zone does not have.
 */
export function tryParseUntil(text: string, timeZone: string, at: EpochMs): EpochMs | undefined {
  const said = text.trim().toLowerCase();
  const span = /^(\d{1,5}) ?([mhdw])(?:in(?:utes?)?|ours?|ays?|eeks?)?$/.exec(said);
  if (span !== null) return at + Number(span[1]) * (UNITS_MS[span[2] ?? ''] ?? 0);
  if (/^\d{4}-\d{2}-\d{2}t\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?z$/.test(said))
    return isCalendarDay(said.slice(0, 10)) ? finite(Date.parse(said.toUpperCase())) : undefined;
  if (/^\d{4}-\d{2}-\d{2}$/.test(said)) return endOfDate(said, timeZone);
  return endOfNamedDay(said, timeZone, at);
}

function endOfNamedDay(name: string, timeZone: string, at: EpochMs): EpochMs | undefined {
  const weekday = new Intl.DateTimeFormat('en-US', { timeZone, weekday: 'long' });
  let day = dayAt(timeZone, at);
  if (name === 'today') return day.endsAt;
  if (name === 'tomorrow') return dayAt(timeZone, day.endsAt).endsAt;
  for (let ahead = 0; ahead < 7; ahead += 1) {
    const full = weekday.format(day.startsAt).toLowerCase();
    if (full === name || (name.length === 3 && full.startsWith(name))) return day.endsAt;
    day = dayAt(timeZone, day.endsAt);
  }
  return undefined;
}

function finite(instant: number): EpochMs | undefined {
  return Number.isNaN(instant) ? undefined : instant;
}

/** Zones are up to 14 hours ahead of UTC and 12 behind: one of the looks lies in the day, if there is one. */
function endOfDate(date: string, timeZone: string): EpochMs | undefined {
  if (!isCalendarDay(date)) return undefined;
  const midnight = Date.parse(`${date}T00:00:00Z`);
  const local = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  });
  for (const hours of [12, 0, -6, -12, 24, 30])
    if (local.format(midnight + hours * HOUR_MS) === date)
      return dayAt(timeZone, midnight + hours * HOUR_MS).endsAt;
  return undefined;
}

function dayAt(timeZone: string, at: EpochMs): ReturnType<typeof periodAt> {
  return periodAt({ periodKind: 'day', timeZone, weekStartsOn: 1 }, at);
}
