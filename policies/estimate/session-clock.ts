/** What the clock of a session shows: how far a time zone is ahead of UTC at an instant. */
import { LRUCache } from 'lru-cache';
import type { EpochMs } from '#base/time.js';

const MINUTE_MS = 60_000;
/** Zones whose formatter is kept; to make one takes a hundred times as long as to ask it. */
const ZONES_MAX = 200;
/** `GMT`, or what the zone is ahead of it: `GMT+05:30`. */
const OFFSET = /^GMT(?:([+-])(\d{2}):(\d{2})(?::\d{2})?)?$/;

const formats = new LRUCache<string, Intl.DateTimeFormat>({ max: ZONES_MAX });

/**
 * Milliseconds that the clock of a zone is ahead of UTC at an instant; null for a name that is no zone here.
 * @param timeZone IANA name, as TIMEZONE of a session has it.
 */
export function offsetOf(timeZone: string, at: EpochMs): number | null {
  const format = formats.get(timeZone) ?? formatFor(timeZone);
  if (format === null) return null;
  const text = format.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const found = OFFSET.exec(text);
  if (found === null) return null;
  const [, sign = '+', hours = '0', minutes = '0'] = found;
  const ahead = (Number(hours) * 60 + Number(minutes)) * MINUTE_MS;
  return sign === '-' ? -ahead : ahead;
}

function formatFor(timeZone: string): Intl.DateTimeFormat | null {
  try {
    const format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
    formats.set(timeZone, format);
    return format;
  } catch {
    return null;
  }
}
