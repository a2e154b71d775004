/** Snowflake's formats of dates and times ("Date and time input and output formats"), as lists of elements. */

export type TimeElement =
  | {
      readonly kind:
        | 'year'
        | 'year2'
        | 'monthName'
        | 'monthShort'
        | 'month'
        | 'day'
        | 'dayName'
        | 'hour24'
        | 'hour12'
        | 'halfDay'
        | 'minute'
        | 'second'
        | 'zoneHour'
        | 'zoneMinute'
        | 'zone';
    }
  /** Digits of a second; with AUTO all that are there. */
  | { readonly kind: 'fraction'; readonly digits: number }
  | { readonly kind: 'literal'; readonly text: string };

type NamedKind = Exclude<TimeElement['kind'], 'fraction' | 'literal'>;

/** Longer spellings stand before their own beginnings. */
const ELEMENTS: readonly (readonly [RegExp, NamedKind])[] = [
  [/^yyyy/i, 'year'],
  [/^yy/i, 'year2'],
  [/^mmmm/i, 'monthName'],
  [/^mon/i, 'monthShort'],
  [/^mm/i, 'month'],
  [/^mi/i, 'minute'],
  [/^dd/i, 'day'],
  [/^dy/i, 'dayName'],
  [/^hh24/i, 'hour24'],
  [/^hh12/i, 'hour12'],
  [/^(?:am|pm)/i, 'halfDay'],
  [/^ss/i, 'second'],
  [/^tzhtzm/i, 'zone'],
  [/^tzh/i, 'zoneHour'],
  [/^tzm/i, 'zoneMinute'],
];

export const FRACTION_DIGITS_MAX = 9;

/** The elements of `format`; undefined when it has one that is not known here. */
export function timeElements(format: string): readonly TimeElement[] | undefined {
  const elements: TimeElement[] = [];
  let rest = format;
  while (rest !== '') {
    const found = nextElement(rest);
    if (found === undefined) return undefined;
    elements.push(found.element);
    rest = rest.slice(found.length);
  }
  return elements;
}

function nextElement(
  rest: string,
): { readonly element: TimeElement; readonly length: number } | undefined {
  for (const [pattern, kind] of ELEMENTS) {
    const match = pattern.exec(rest);
    if (match !== null) return { element: { kind }, length: match[0].length };
  }
  const fraction = /^ff(\d?)/i.exec(rest);
  if (fraction !== null) {
    const digits = fraction[1] === '' ? FRACTION_DIGITS_MAX : Number(fraction[1]);
    return { element: { kind: 'fraction', digits }, length: fraction[0].length };
  }
  // Zones stand for themselves, as in dbt's `yyyy-mm-dd HH24:MIUTC`; other letters may be elements that are not known here.
  const literal =
    /^"([^"]*)"/.exec(rest) ??
    /^(UTC|GMT|Z)/.exec(rest) ??
    /^([^a-z0-9"]|T(?=HH|MI|$))/i.exec(rest);
  if (literal === null) return undefined;
  return { element: { kind: 'literal', text: literal[1] ?? '' }, length: literal[0].length };
}
