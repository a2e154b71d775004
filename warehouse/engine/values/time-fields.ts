/** A point in time by its fields, as texts have them: what the calendar allows, and where zones and epochs come in. */

export interface TimeFields {
  readonly year: number;
  /** From 1. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly nanosecond: number;
  /** Minutes east of UTC; undefined when the text has no zone. */
  readonly offsetMinutes: number | undefined;
}

/** What a text without a date or a time is filled up with. */
export const EPOCH_FIELDS: TimeFields = {
  year: 1970,
  month: 1,
  day: 1,
  hour: 0,
  minute: 0,
  second: 0,
  nanosecond: 0,
  offsetMinutes: undefined,
};

export const MONTHS: readonly string[] =
  'January February March April May June July August September October November December'.split(
    ' ',
  );
export const DAYS: readonly string[] =
  'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

/** `fields` when the calendar and the clock have them, else undefined. */
export function checked(fields: TimeFields): TimeFields | undefined {
  const { year, month, day, hour, minute, second } = fields;
  if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1) return undefined;
  if (day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59) return undefined;
  if (fields.offsetMinutes !== undefined && Math.abs(fields.offsetMinutes) > 14 * 60)
    return undefined;
  return fields;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

const NANOS = 1_000_000_000n;
/** Below these a whole number counts seconds, milliseconds and microseconds; above, nanoseconds. */
const MAGNITUDES: readonly (readonly [bigint, bigint])[] = [
  [31_536_000_000n, 1n],
  [31_536_000_000_000n, 1000n],
  [31_536_000_000_000_000n, 1_000_000n],
];

/** UTC fields of a whole number since the epoch, in the unit that its magnitude says (TO_TIMESTAMP, usage notes). */
export function epochFields(value: bigint): TimeFields | undefined {
  const size = value < 0n ? -value : value;
  const perSecond = MAGNITUDES.find(([limit]) => size < limit)?.[1] ?? NANOS;
  return fieldsOf(value * (NANOS / perSecond));
}

/** UTC fields of nanoseconds since the epoch; undefined outside the years 1 to 9999. */
export function fieldsOf(nanos: bigint): TimeFields | undefined {
  const rest = ((nanos % NANOS) + NANOS) % NANOS;
  const date = new Date(Number((nanos - rest) / NANOS) * 1000);
  if (Number.isNaN(date.getTime())) return undefined;
  return checked({
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    nanosecond: Number(rest),
    offsetMinutes: 0,
  });
}

/** 0 for Sunday. */
export function weekdayOf({ year, month, day }: TimeFields): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCDay();
}
