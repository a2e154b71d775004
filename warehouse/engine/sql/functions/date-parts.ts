/** Snowflake's names of date parts ("Supported date and time parts"). */

/** Parts that DATEADD, DATEDIFF and DATE_TRUNC take, largest first. */
export const ADDABLE = [
  'YEAR',
  'QUARTER',
  'MONTH',
  'WEEK',
  'DAY',
  'HOUR',
  'MINUTE',
  'SECOND',
  'MILLISECOND',
  'MICROSECOND',
  'NANOSECOND',
] as const;

/** Parts that can only be taken out of a date. */
const EXTRACTED = [
  'WEEKISO',
  'YEAROFWEEK',
  'YEAROFWEEKISO',
  'DAYOFWEEK',
  'DAYOFWEEKISO',
  'DAYOFYEAR',
  'EPOCH',
  'EPOCH_MILLISECOND',
  'EPOCH_MICROSECOND',
  'EPOCH_NANOSECOND',
] as const;
export type DatePart = (typeof ADDABLE)[number] | (typeof EXTRACTED)[number];

const DATE_PARTS: readonly DatePart[] = [...ADDABLE, ...EXTRACTED];

const ALIASES: Readonly<Record<DatePart, string>> = {
  YEAR: 'year years yy yyy yyyy y yr',
  QUARTER: 'quarter quarters q qtr qtrs',
  MONTH: 'month months mm mon mons',
  WEEK: 'week weeks w wk weekofyear woy wy',
  DAY: 'day days d dd dayofmonth',
  HOUR: 'hour hours h hh hr hrs',
  MINUTE: 'minute minutes m mi min mins',
  SECOND: 'second seconds s sec secs',
  MILLISECOND: 'millisecond milliseconds ms msec',
  MICROSECOND: 'microsecond microseconds us usec',
  NANOSECOND: 'nanosecond nanoseconds ns nsec nanosec nsecond nsecs nanosecs nseconds',
  WEEKISO: 'weekiso week_iso weekofyeariso weekofyear_iso',
  YEAROFWEEK: 'yearofweek',
  YEAROFWEEKISO: 'yearofweekiso',
  DAYOFWEEK: 'dayofweek dow weekday dw',
  DAYOFWEEKISO: 'dayofweekiso dow_iso weekday_iso dayofweek_iso',
  DAYOFYEAR: 'dayofyear doy yearday dy',
  EPOCH: 'epoch_second epoch epoch_seconds',
  EPOCH_MILLISECOND: 'epoch_millisecond epoch_milliseconds',
  EPOCH_MICROSECOND: 'epoch_microsecond epoch_microseconds',
  EPOCH_NANOSECOND: 'epoch_nanosecond epoch_nanoseconds',
};

/** The part that `text` names in any of Snowflake's spellings. */
export function datePart(text: string): DatePart | undefined {
  const name = text.toLowerCase();
  return DATE_PARTS.find((part) => ALIASES[part].split(' ').includes(name));
}

/** Whether a part is of the day: added to a DATE it makes a TIMESTAMP_NTZ. */
export function isTimePart(part: DatePart): boolean {
  const parts: readonly DatePart[] = ADDABLE;
  return parts.indexOf(part) > parts.indexOf('DAY');
}
