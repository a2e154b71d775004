/**
 * Texts of times and numbers by Snowflake's formats, which DuckDB's own functions do not know, and the types that
 * arithmetic asks for while DuckDB binds. Macros around them choose types.
 */
import { LRUCache } from 'lru-cache';
import { failure, StatementFailed, unsupported } from '../failures.js';
import { printNumber, readNumber } from '../values/number-format.js';
import { timeElements, type TimeElement } from '../values/time-format.js';
import { fieldsOf, type TimeFields } from '../values/time-fields.js';
import { formatReader, printTime, readAuto } from '../values/time-text.js';
import { typeByRule } from '../values/type-rules.js';
import { integer, text, type Scalar, type ScalarType } from './scalar.js';

const refused = (code: string, sqlState: string, message: string): StatementFailed =>
  new StatementFailed(failure(code, sqlState, message));
const refusedForm = (what: string): StatementFailed => new StatementFailed(unsupported(what));

const ELEMENTS = new LRUCache<string, readonly TimeElement[]>({ max: 1000 });

function elementsOf(format: string): readonly TimeElement[] {
  const known = ELEMENTS.get(format);
  if (known !== undefined) return known;
  const elements = timeElements(format);
  if (elements === undefined) throw refusedForm(`the format '${format}'`);
  ELEMENTS.set(format, elements);
  return elements;
}

/** What a text is read as. */
const KINDS: Readonly<Record<string, { readonly word: string; readonly code: string }>> = {
  DATE: { word: 'Date', code: '100040' },
  TIME: { word: 'Time', code: '100108' },
  NTZ: { word: 'Timestamp', code: '100035' },
  ZONED: { word: 'Timestamp', code: '100035' },
};

/**
 * `text` as DATE, TIME, NTZ (its offset left out) or ZONED in ISO form for DuckDB; null for no such text when `isTry`.
 * Refused for digits beyond the microsecond, which DuckDB's types cannot hold.
 */
export function readTime(
  text: string,
  format: string,
  kind: string,
  isTry: boolean,
): string | null {
  const fields =
    format.toUpperCase() === 'AUTO' ? readAuto(text, kind === 'TIME') : readerOf(format)(text);
  if (fields === undefined) {
    if (isTry) return null;
    const { word, code } = KINDS[kind] ?? { word: 'Timestamp', code: '100035' };
    if (format.toUpperCase() === 'AUTO')
      throw refused(code, '22007', `${word} '${text}' is not recognized`);
    throw refused(
      '100096',
      '22007',
      `Can't parse '${text}' as ${word.toLowerCase()} with format '${format}'`,
    );
  }
  return isoText(fields, kind);
}

function readerOf(format: string): (text: string) => TimeFields | undefined {
  const reader = formatReader(elementsOf(format));
  if (reader === undefined) throw refusedForm(`the format '${format}'`);
  return reader;
}

function isoText(fields: TimeFields, kind: string): string {
  const pad = (value: number, length: number): string => String(value).padStart(length, '0');
  const date = `${pad(fields.year, 4)}-${pad(fields.month, 2)}-${pad(fields.day, 2)}`;
  if (kind === 'DATE') return date;
  if (fields.nanosecond % 1000 !== 0) throw refusedForm('digits of a second beyond the sixth');
  const clock = `${pad(fields.hour, 2)}:${pad(fields.minute, 2)}:${pad(fields.second, 2)}.${pad(fields.nanosecond / 1000, 6)}`;
  if (kind === 'TIME') return clock;
  if (kind === 'NTZ' || fields.offsetMinutes === undefined) return `${date} ${clock}`;
  const size = Math.abs(fields.offsetMinutes);
  return `${date} ${clock}${fields.offsetMinutes < 0 ? '-' : '+'}${pad(Math.floor(size / 60), 2)}:${pad(size % 60, 2)}`;
}

/** Microseconds of a wall clock since the epoch, with its offset in minutes or null, in `format`. */
export function formatTime(micros: bigint, offsetMinutes: number | null, format: string): string {
  const fields = fieldsOf(micros * 1000n);
  if (fields === undefined) throw refusedForm('years outside 1 to 9999');
  try {
    return printTime(elementsOf(format), { ...fields, offsetMinutes: offsetMinutes ?? undefined });
  } catch (thrown) {
    if (thrown instanceof RangeError)
      throw refusedForm('a time zone in the format of a value without one');
    throw thrown;
  }
}

function formatNumber(text: string, format: string): string {
  const printed = printNumber(text, format);
  if (printed === undefined) throw refusedForm(`the format '${format}' for this number`);
  return printed;
}

function parseNumber(text: string, format: string, isTry: boolean): string | null {
  const read = readNumber(text, format);
  if (read === null) throw refusedForm(`the format '${format}'`);
  if (read !== undefined) return read;
  if (isTry) return null;
  throw refused('100038', '22018', `Numeric value '${text}' is not recognized`);
}

function scalar(
  name: string,
  parameters: readonly ScalarType[],
  evaluate: Scalar['evaluate'],
): Scalar {
  return { name, parameters, returns: 'text', evaluate };
}

export const FORMATS: readonly Scalar[] = [
  {
    name: 'tg_failing',
    parameters: ['text', 'text'],
    returns: 'boolean',
    seesNull: true,
    evaluate: ([code, message]) => {
      const [number = '', sqlState = ''] = text(code).split(':');
      throw refused(number, sqlState, text(message));
    },
  },
  scalar('tg_type', ['text', 'text', 'integer'], ([rule, struct, digits]) =>
    typeByRule(text(rule), text(struct), integer(digits)),
  ),
  scalar('tg_read_time', ['text', 'text', 'text'], ([value, format, kind]) =>
    readTime(text(value), text(format), text(kind), false),
  ),
  scalar('tg_try_read_time', ['text', 'text', 'text'], ([value, format, kind]) =>
    readTime(text(value), text(format), text(kind), true),
  ),
  {
    ...scalar('tg_print_time', ['integer', 'integer', 'text'], ([micros, offset, format]) =>
      typeof micros === 'bigint' && typeof format === 'string'
        ? formatTime(micros, offset === null ? null : integer(offset), format)
        : null,
    ),
    seesNull: true,
  },
  scalar('tg_print_number', ['text', 'text'], ([value, format]) =>
    formatNumber(text(value), text(format)),
  ),
  scalar('tg_read_number', ['text', 'text'], ([value, format]) =>
    parseNumber(text(value), text(format), false),
  ),
  scalar('tg_try_read_number', ['text', 'text'], ([value, format]) =>
    parseNumber(text(value), text(format), true),
  ),
];
