/** Texts of dates and times: reading them by AUTO or by a format, and printing by a format. */
import type { TimeElement } from './time-format.js';
import {
  checked,
  DAYS,
  EPOCH_FIELDS,
  epochFields,
  MONTHS,
  weekdayOf,
  type TimeFields,
} from './time-fields.js';

const MONTH = 'Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec';
const DAY = 'Sun|Mon|Tue|Wed|Thu|Fri|Sat';
const CLOCK = String.raw`(?<hour>\d{1,2}):(?<minute>\d{1,2})(?::(?<second>\d{1,2})(?:\.(?<fraction>\d{1,9}))?)?`;
const ZONE = String.raw`(?:\s?(?<zone>Z|[+-]\d{1,2}(?::?\d{2})?))?`;
const DATE = String.raw`(?<year>\d{4})-(?<month>\d{1,2})-(?<day>\d{1,2})`;

/** The formats that AUTO knows ("Supported formats for AUTO detection"). */
const AUTO: readonly RegExp[] = [
  new RegExp(`^${DATE}(?:[T ](?:${CLOCK}|(?<lone>\\d{1,2}))${ZONE})?$`, 'i'),
  new RegExp(String.raw`^(?<day>\d{1,2})-(?<monthName>${MONTH})-(?<year>\d{4})$`, 'i'),
  new RegExp(String.raw`^(?<month>\d{1,2})/(?<day>\d{1,2})/(?<year>\d{4})(?: ${CLOCK})?$`, 'i'),
  new RegExp(
    String.raw`^(?:(?<dayName>${DAY}), )?(?<day>\d{1,2}) (?<monthName>${MONTH}) (?<year>\d{4}) ${CLOCK}(?: (?<half>AM|PM))?${ZONE}$`,
    'i',
  ),
  new RegExp(
    String.raw`^(?<dayName>${DAY}) (?<monthName>${MONTH}) (?<day>\d{1,2}) ${CLOCK}${ZONE} (?<year>\d{4})$`,
    'i',
  ),
];
const TIME_AUTO: RegExp = new RegExp(`^${CLOCK}${ZONE}$`);

/** Fields of `text` by AUTO; whole numbers are seconds and their fractions since the epoch. Undefined when it is none. */
export function readAuto(text: string, isTime: boolean): TimeFields | undefined {
  if (/^-?\d{1,20}$/.test(text)) return epochFields(BigInt(text));
  for (const pattern of isTime ? [TIME_AUTO, ...AUTO] : AUTO) {
    const groups = pattern.exec(text)?.groups;
    if (groups !== undefined) return fromGroups(groups);
  }
  return undefined;
}

function fromGroups(groups: Readonly<Record<string, string | undefined>>): TimeFields | undefined {
  const number = (name: string, otherwise: number): number => {
    const text = groups[name];
    return text === undefined ? otherwise : Number(text);
  };
  const named = groups['monthName'];
  const half = groups['half'];
  const hour = number('hour', number('lone', 0));
  if (half !== undefined && (hour < 1 || hour > 12)) return undefined;
  const fields = checked({
    year: number('year', EPOCH_FIELDS.year),
    month: named === undefined ? number('month', 1) : monthNumber(named),
    day: number('day', 1),
    hour: half === undefined ? hour : halfDayHour(hour, half),
    minute: number('minute', 0),
    second: number('second', 0),
    nanosecond: Number((groups['fraction'] ?? '').padEnd(9, '0')),
    offsetMinutes: groups['zone'] === undefined ? undefined : offsetOf(groups['zone']),
  });
  const dayName = groups['dayName'];
  if (fields === undefined || dayName === undefined) return fields;
  return isDay(fields, dayName) ? fields : undefined;
}

function isDay(fields: TimeFields, name: string): boolean {
  return (DAYS[weekdayOf(fields)] ?? '').toLowerCase().startsWith(name.toLowerCase());
}

function monthNumber(name: string): number {
  const short = name.slice(0, 3).toLowerCase();
  return MONTHS.findIndex((month) => month.toLowerCase().startsWith(short)) + 1;
}

function halfDayHour(hour: number, half: string): number {
  return (hour % 12) + (half.toUpperCase() === 'PM' ? 12 : 0);
}

/** Minutes of `Z`, `+2`, `-0530` or `+05:30`. */
function offsetOf(zone: string): number {
  if (zone.toUpperCase() === 'Z') return 0;
  const match = /^([+-])(\d{1,2}):?(\d{2})?$/.exec(zone);
  if (match === null) return 0;
  return (match[1] === '-' ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3] ?? '0'));
}

const isDigits = (element: TimeElement | undefined): boolean =>
  element !== undefined &&
  !['literal', 'monthName', 'monthShort', 'dayName', 'halfDay', 'zone', 'zoneHour'].includes(
    element.kind,
  );

/** The pattern of a text by its elements; numbers that touch have all their digits. */
function patternOf(elements: readonly TimeElement[]): RegExp {
  let source = '';
  elements.forEach((element, index) => {
    const touches = isDigits(elements[index + 1]) || isDigits(elements[index - 1]);
    const two = (name: string): string => `(?<${name}>\\d${touches ? '{2}' : '{1,2}'})`;
    switch (element.kind) {
      case 'year':
        source += String.raw`(?<year>\d{4})`;
        break;
      case 'year2':
        source += String.raw`(?<year2>\d{2})`;
        break;
      case 'monthName':
        source += `(?<monthName>${MONTHS.join('|')})`;
        break;
      case 'monthShort':
        source += `(?<monthName>${MONTH})`;
        break;
      case 'month':
      case 'day':
      case 'minute':
      case 'second':
        source += two(element.kind);
        break;
      case 'hour24':
      case 'hour12':
        source += two('hour');
        break;
      case 'dayName':
        source += `(?<dayName>${DAY})`;
        break;
      case 'halfDay':
        source += `(?<half>AM|PM)`;
        break;
      case 'fraction':
        source += String.raw`(?<fraction>\d{1,9})`;
        break;
      case 'zone':
        source += String.raw`(?<zone>Z|[+-]\d{1,2}:?\d{2})`;
        break;
      case 'zoneHour':
        source += String.raw`(?<zoneHour>[+-]\d{1,2})`;
        break;
      case 'zoneMinute':
        source += String.raw`(?<zoneMinute>\d{2})`;
        break;
      case 'literal':
        source += element.text.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
    }
  });
  return new RegExp(`^${source}$`, 'i');
}

/** Two digits of a year are of 1970 to 2069 (TWO_DIGIT_CENTURY_START). */
const CENTURY_START = 70;

/** A reader of texts in the format of `elements`; undefined for a format that names a field twice. */
export function formatReader(
  elements: readonly TimeElement[],
): ((text: string) => TimeFields | undefined) | undefined {
  const kinds = elements.filter(({ kind }) => kind !== 'literal').map(({ kind }) => kind);
  if (new Set(kinds).size !== kinds.length) return undefined;
  const months = kinds.filter((kind) => kind === 'monthName' || kind === 'monthShort');
  const hours = kinds.filter((kind) => kind === 'hour24' || kind === 'hour12');
  if (months.length > 1 || hours.length > 1) return undefined;
  const pattern = patternOf(elements);
  return (text) => {
    const groups = pattern.exec(text)?.groups;
    if (groups === undefined) return undefined;
    const year2 = groups['year2'];
    const year =
      year2 === undefined
        ? groups['year']
        : String(Number(year2) + (Number(year2) >= CENTURY_START ? 1900 : 2000));
    const zoneHour = groups['zoneHour'];
    const zone =
      zoneHour === undefined ? groups['zone'] : `${zoneHour}${groups['zoneMinute'] ?? '00'}`;
    return fromGroups({ ...groups, year, zone });
  };
}

/** `fields` in a format. Throws RangeError for a zone that is not there. */
export function printTime(elements: readonly TimeElement[], fields: TimeFields): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const month = MONTHS[fields.month - 1] ?? '';
  let text = '';
  for (const element of elements) {
    switch (element.kind) {
      case 'year':
        text += String(fields.year).padStart(4, '0');
        break;
      case 'year2':
        text += two(fields.year % 100);
        break;
      case 'monthName':
        text += month;
        break;
      case 'monthShort':
        text += month.slice(0, 3);
        break;
      case 'month':
      case 'day':
      case 'minute':
      case 'second':
        text += two(fields[element.kind]);
        break;
      case 'dayName':
        text += (DAYS[weekdayOf(fields)] ?? '').slice(0, 3);
        break;
      case 'hour24':
        text += two(fields.hour);
        break;
      case 'hour12':
        text += two(fields.hour % 12 === 0 ? 12 : fields.hour % 12);
        break;
      case 'halfDay':
        text += fields.hour < 12 ? 'AM' : 'PM';
        break;
      case 'fraction':
        text += String(fields.nanosecond).padStart(9, '0').slice(0, element.digits);
        break;
      case 'zone':
      case 'zoneHour':
      case 'zoneMinute':
        text += zoneText(element.kind, fields.offsetMinutes);
        break;
      case 'literal':
        text += element.text;
    }
  }
  return text;
}

/** `TZHTZM` of UTC is `Z`. */
function zoneText(kind: 'zone' | 'zoneHour' | 'zoneMinute', offset: number | undefined): string {
  if (offset === undefined) throw new RangeError('no zone');
  if (kind === 'zone' && offset === 0) return 'Z';
  const size = Math.abs(offset);
  const hour = `${offset < 0 ? '-' : '+'}${String(Math.floor(size / 60)).padStart(2, '0')}`;
  const minute = String(size % 60).padStart(2, '0');
  if (kind === 'zoneHour') return hour;
  return kind === 'zoneMinute' ? minute : hour + minute;
}
