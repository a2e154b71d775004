/** Cells of an exported file in the forms that the account itself answers in: instants are epoch milliseconds, days days. */
import { isCalendarDay } from '#base/time.js';
import type { CellForm } from './view-reading.js';

/** How exports write a cell that has no value. */
const NULLS: ReadonlySet<string> = new Set(['', '\\N', 'NULL', 'null']);

const INSTANT =
  /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?) ?(Z|UTC|[+-]\d\d(?::?\d\d)?)?$/;
const DAY = /^(\d{4}-\d\d-\d\d)(?:[ T]00:00(?::00(?:\.0{1,9})?)?(?: ?(?:Z|UTC|\+00:?00))?)?$/;
const NUMBER = /^\d{9,19}(?:\.\d+)?$/;

/** The cell; null where it has no value. What has no such form is given back as it is: its reader refuses it by name. */
export function cellOfFile(form: CellForm, text: string | null): string | null {
  if (text === null || NULLS.has(text)) return null;
  switch (form) {
    case 'text':
      return text;
    case 'instant':
      return instantOf(text.trim());
    case 'day':
      return DAY.exec(text.trim())?.[1] ?? text;
    case 'id':
      return idOf(text.trim());
    case 'whole':
    case 'amount':
    case 'flag':
      return text.trim();
  }
}

const WHOLE_AS_DOUBLE = /^(\d+)\.0+$/;

/** A column of ids with gaps is often written as doubles: `7.0`, exact up to 2 ^ 53. */
function idOf(text: string): string {
  const whole = WHOLE_AS_DOUBLE.exec(text)?.[1];
  return whole !== undefined && Number.isSafeInteger(Number(whole)) ? whole : text;
}

/** `2026-10-01 12:00:00.123 -0700`; without a zone it is UTC, as exports are asked to be. */
function instantOf(text: string): string {
  if (NUMBER.test(text)) return epochOf(text);
  const match = INSTANT.exec(text);
  if (match === null) return text;
  const [, day = '', time = '', zone = 'Z'] = match;
  const offset = /^[+-]/.test(zone) ? zone.replace(/^(...):?(\d\d)?$/, '$1:$2') : 'Z';
  const at = Date.parse(
    `${day}T${time.slice(0, 12)}${offset.endsWith(':') ? `${offset}00` : offset}`,
  );
  return Number.isNaN(at) || !isCalendarDay(day) ? text : String(at);
}

/** Seconds, milliseconds, microseconds or nanoseconds since 1970, by how many digits there are. */
function epochOf(text: string): string {
  const [whole = '', fraction = ''] = text.split('.');
  if (whole.length <= 10) return `${whole}${fraction.slice(0, 3).padEnd(3, '0')}`;
  return whole.slice(0, 13);
}
