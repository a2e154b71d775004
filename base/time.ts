/**
 * Time. Business time (charges, budgets, modelled durations) comes from a Clock that the composition root hands to
 * every folder; with the embedded warehouse it is the linear warehouse clock. Deadlines of HTTP and long polls
 * use real time (`setTimeout`, AbortSignal.timeout).
 */

/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = number;

/** The clock that money is counted in. */
export interface Clock {
  /** Current business time in epoch milliseconds. */
  now(): EpochMs;
  /** How many business seconds pass in one real second; 1 unless the embedded warehouse is sped up. */
  readonly scale: number;
}

/** The machine's clock. */
export const systemClock: Clock = { now: () => Date.now(), scale: 1 };

/**
 * A linear clock: at real time `realEpochMs` it read `businessEpochMs`, and it runs `scale` times as fast.
 * The embedded warehouse persists both epochs so that a restart does not move business time backwards.
 */
export function linearClock(
  realEpochMs: EpochMs,
  businessEpochMs: EpochMs,
  scale: number,
  real: () => EpochMs = Date.now,
): Clock {
  return {
    scale,
    now: () => Math.round(businessEpochMs + (real() - realEpochMs) * scale),
  };
}

/** Half-open span of business time, `[startsAt, endsAt)`. */
export interface Period {
  readonly startsAt: EpochMs;
  readonly endsAt: EpochMs;
}

/** The UTC calendar month `yyyy-mm`; undefined unless the text is a month of the years 2000–2999. */
export function tryParseMonth(text: string): Period | undefined {
  const match = /^(2\d{3})-(0[1-9]|1[0-2])$/.exec(text);
  if (match === null) return undefined;
  const year = Number(match[1]);
  const month = Number(match[2]);
  return { startsAt: Date.UTC(year, month - 1, 1), endsAt: Date.UTC(year, month, 1) };
}

/** Whether `day`, a text of the form `yyyy-mm-dd`, is one that exists: Date.parse takes the 30th of February for the 2nd of March. */
export function isCalendarDay(day: string): boolean {
  const midnight = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(midnight) && new Date(midnight).toISOString().slice(0, 10) === day;
}

/** `2026-11-23T05:44:00.000Z`. */
export function formatInstant(at: EpochMs): string {
  return new Date(at).toISOString();
}

/** As people write them, from the first day of an ISO 8601 week on. */
export const WEEKDAYS = [
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
  'sunday',
] as const;
export type Weekday = (typeof WEEKDAYS)[number];
