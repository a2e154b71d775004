/** Snowflake's names of date parts and of format elements. */

export const DATE_PARTS = [
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
  'DAYOFWEEK',
  'DAYOFWEEKISO',
  'DAYOFYEAR',
  'EPOCH',
  'EPOCH_MILLISECOND',
  'EPOCH_MICROSECOND',
  'EPOCH_NANOSECOND',
] as const;
export type DatePart = (typeof DATE_PARTS)[number];

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

const ELEMENTS: readonly (readonly [RegExp, string])[] = [
  [/^yyyy/i, '%Y'],
  [/^yy/i, '%y'],
  [/^mmmm/i, '%B'],
  [/^mon/i, '%b'],
  [/^mm/i, '%m'],
  [/^dd/i, '%d'],
  [/^dy/i, '%a'],
  [/^hh24/i, '%H'],
  [/^hh12/i, '%I'],
  [/^mi/i, '%M'],
  [/^ss/i, '%S'],
  [/^ff3/i, '%g'],
  [/^ff6/i, '%f'],
  [/^(?:am|pm)/i, '%p'],
  [/^"([^"]*)"/, ''],
  [/^%/, '%%'],
  [/^[^a-z0-9]/i, ''],
  [/^T(?=hh)/, ''],
];

/** The strftime format of a Snowflake date format; undefined when it has an element that is not known here. */
export function timeFormat(format: string): string | undefined {
  let out = '';
  let rest = format;
  while (rest !== '') {
    const found = ELEMENTS.find(([element]) => element.test(rest));
    const match = found?.[0].exec(rest);
    if (found === undefined || match === null || match === undefined) return undefined;
    out += found[1] === '' ? (match[1] ?? match[0]) : found[1];
    rest = rest.slice(match[0].length);
  }
  return out;
}
