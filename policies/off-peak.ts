/**
 * Off-peak hours: when they are, on the clock of their zone, and how a caller says that a statement is to wait for them:
 * by a leading comment, or by the member `tollgate_off_peak` of a query tag that is a JSON object.
 */
import type { EpochMs } from '#base/time.js';
import { WEEKDAYS } from '#base/time.js';
import type { OffPeakDocument, OffPeakWindowDocument } from './control/ladder-documents.js';
import { membersOf } from './json-members.js';

/** What a caller writes in front of a statement. */
export const OFF_PEAK_COMMENT = '/* tollgate: off-peak */';
/** Member of the query tag; any value but `false` asks for it. */
export const OFF_PEAK_MEMBER = 'tollgate_off_peak';
const LEADING = /^\s*\/\*\s*tollgate:\s*off-peak\s*\*\//i;
const TAG_LENGTH_MAX = 12_000;
const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;
/** A week, and a day for what a change of the clock takes. */
const AHEAD_DAYS = 8;
/** What clocks change by, the largest first. */
const SHIFTS_MINUTES = [120, 60, 30];

/** Whether a text or its tag asks that the statement waits for the off-peak hours. */
export function asksForOffPeak(sqlText: string, tag: string | null): boolean {
  if (LEADING.test(sqlText)) return true;
  if (tag === null || tag.length > TAG_LENGTH_MAX || !tag.includes(OFF_PEAK_MEMBER)) return false;
  const member = (membersOf(tag) ?? []).find(({ name }) => name === OFF_PEAK_MEMBER);
  return member !== undefined && member.value !== false;
}

/**
 * The instant at which it is off-peak next: `at` itself when it is now.
 * @param at epoch milliseconds.
 */
export function offPeakFrom(hours: OffPeakDocument, at: EpochMs): EpochMs {
  const clock = clockOf(hours.timeZone);
  const isOpen = (instant: EpochMs): boolean => isWithin(hours.windows, clock(instant));
  let instant = at;
  // A change of the clock may move a start that was counted to; then it is counted again from there.
  for (let turn = 0; turn < AHEAD_DAYS && !isOpen(instant); turn += 1)
    instant += minutesToStart(hours.windows, clock(instant)) * MINUTE_MS;
  for (const minutes of SHIFTS_MINUTES) {
    const earlier = instant - minutes * MINUTE_MS;
    if (earlier > at && isOpen(earlier)) instant = earlier;
  }
  return instant;
}

/** Day of the week from Monday, 0, and minutes since its midnight; milliseconds past the minute. */
interface Clock {
  readonly day: number;
  readonly minutes: number;
  readonly pastMs: number;
}

function clockOf(timeZone: string): (at: EpochMs) => Clock {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'long',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  return (at) => {
    const parts = format.formatToParts(at);
    const part = (type: string): string => parts.find((each) => each.type === type)?.value ?? '';
    return {
      day: WEEKDAYS.findIndex((each) => each === part('weekday').toLowerCase()),
      minutes: Number(part('hour')) * 60 + Number(part('minute')),
      pastMs: at % MINUTE_MS,
    };
  };
}

function isWithin(windows: readonly OffPeakWindowDocument[], { day, minutes }: Clock): boolean {
  return windows.some((window) => {
    const from = minutesOf(window.from);
    const to = minutesOf(window.to);
    if (from < to) return beginsOn(window, day) && minutes >= from && minutes < to;
    const isEvening = beginsOn(window, day) && minutes >= from;
    return isEvening || (beginsOn(window, (day + 6) % 7) && minutes < to);
  });
}

/** Minutes of the clock until some window begins, less what of the minute has passed. */
function minutesToStart(
  windows: readonly OffPeakWindowDocument[],
  { day, minutes, pastMs }: Clock,
): number {
  const waits = windows.flatMap((window) =>
    Array.from({ length: AHEAD_DAYS }, (_each, ahead) => {
      const wait = ahead * DAY_MINUTES + minutesOf(window.from) - minutes;
      return wait > 0 && beginsOn(window, (day + ahead) % 7) ? wait : Infinity;
    }),
  );
  return Math.min(AHEAD_DAYS * DAY_MINUTES, ...waits) - pastMs / MINUTE_MS;
}

function beginsOn({ days }: OffPeakWindowDocument, day: number): boolean {
  return days === undefined || days.some((each) => each === WEEKDAYS[day]);
}

function minutesOf(clock: string): number {
  return Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3));
}
