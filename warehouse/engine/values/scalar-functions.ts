/**
 * Functions that DuckDB calls back for: texts of times and numbers by Snowflake's formats, which its own functions do
 * not know. They take and give texts; macros around them choose types. A failure is stated in Snowflake's words.
 */
import {
  BIGINT,
  BOOLEAN,
  DuckDBScalarFunction,
  INTEGER,
  VARCHAR,
  type DuckDBConnection,
  type DuckDBType,
  type DuckDBValue,
} from '@duckdb/node-api';
import { LRUCache } from 'lru-cache';
import { printNumber, readNumber } from './number-format.js';
import { timeElements, type TimeElement } from './time-format.js';
import { fieldsOf, type TimeFields } from './time-fields.js';
import { typeByRule } from './type-rules.js';
import { formatReader, printTime, readAuto } from './time-text.js';

/** A failure that ends the statement, as the macros write it. */
class Refused extends Error {
  override readonly name = 'Refused';
}

const refusal = (code: string, sqlState: string, message: string): Refused =>
  new Refused(`TGFAIL:${code}:${sqlState}:${message.replaceAll(/[\r\n]/g, ' ')}:TGEND`);
const unsupportedHere = (what: string): Refused =>
  refusal('000002', '0A000', `Unsupported feature in the embedded warehouse: ${what}`);

const FORMATS = new LRUCache<string, readonly TimeElement[]>({ max: 1000 });

function elementsOf(format: string): readonly TimeElement[] {
  const known = FORMATS.get(format);
  if (known !== undefined) return known;
  const elements = timeElements(format);
  if (elements === undefined) throw unsupportedHere(`the format '${format}'`);
  FORMATS.set(format, elements);
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
      throw refusal(code, '22007', `${word} '${text}' is not recognized`);
    throw refusal(
      '100096',
      '22007',
      `Can't parse '${text}' as ${word.toLowerCase()} with format '${format}'`,
    );
  }
  return isoText(fields, kind);
}

function readerOf(format: string): (text: string) => TimeFields | undefined {
  const reader = formatReader(elementsOf(format));
  if (reader === undefined) throw unsupportedHere(`the format '${format}'`);
  return reader;
}

function isoText(fields: TimeFields, kind: string): string {
  const pad = (value: number, length: number): string => String(value).padStart(length, '0');
  const date = `${pad(fields.year, 4)}-${pad(fields.month, 2)}-${pad(fields.day, 2)}`;
  if (kind === 'DATE') return date;
  if (fields.nanosecond % 1000 !== 0) throw unsupportedHere('digits of a second beyond the sixth');
  const clock = `${pad(fields.hour, 2)}:${pad(fields.minute, 2)}:${pad(fields.second, 2)}.${pad(fields.nanosecond / 1000, 6)}`;
  if (kind === 'TIME') return clock;
  if (kind === 'NTZ' || fields.offsetMinutes === undefined) return `${date} ${clock}`;
  const size = Math.abs(fields.offsetMinutes);
  return `${date} ${clock}${fields.offsetMinutes < 0 ? '-' : '+'}${pad(Math.floor(size / 60), 2)}:${pad(size % 60, 2)}`;
}

/** Microseconds of a wall clock since the epoch, with its offset in minutes or null, in `format`. */
export function formatTime(micros: bigint, offsetMinutes: number | null, format: string): string {
  const fields = fieldsOf(micros * 1000n);
  if (fields === undefined) throw unsupportedHere('years outside 1 to 9999');
  try {
    return printTime(elementsOf(format), { ...fields, offsetMinutes: offsetMinutes ?? undefined });
  } catch (thrown) {
    if (thrown instanceof RangeError)
      throw unsupportedHere('a time zone in the format of a value without one');
    throw thrown;
  }
}

function formatNumber(text: string, format: string): string {
  const printed = printNumber(text, format);
  if (printed === undefined) throw unsupportedHere(`the format '${format}' for this number`);
  return printed;
}

function parseNumber(text: string, format: string, isTry: boolean): string | null {
  const read = readNumber(text, format);
  if (read === null) throw unsupportedHere(`the format '${format}'`);
  if (read !== undefined) return read;
  if (isTry) return null;
  throw refusal('100038', '22018', `Numeric value '${text}' is not recognized`);
}

const asText = (value: DuckDBValue | undefined): string => (typeof value === 'string' ? value : '');
const asBigint = (value: DuckDBValue | undefined): bigint =>
  typeof value === 'bigint' ? value : 0n;

interface CallBack {
  readonly name: string;
  readonly parameters: readonly DuckDBType[];
  /** Arguments that may be NULL; NULL in another gives NULL. */
  readonly nullable?: readonly number[];
  readonly call: (values: readonly (DuckDBValue | undefined)[]) => string | null;
}

const CALL_BACKS: readonly CallBack[] = [
  {
    name: 'tg_failing',
    parameters: [VARCHAR, VARCHAR],
    nullable: [1],
    call: ([code, message]) => {
      const [number = '', sqlState = ''] = asText(code).split(':');
      throw refusal(number, sqlState, asText(message));
    },
  },
  {
    name: 'tg_type',
    parameters: [VARCHAR, VARCHAR, INTEGER],
    call: ([rule, struct, digits]) =>
      typeByRule(asText(rule), asText(struct), typeof digits === 'number' ? digits : 0),
  },
  {
    name: 'tg_read_time',
    parameters: [VARCHAR, VARCHAR, VARCHAR],
    call: ([text, format, kind]) => readTime(asText(text), asText(format), asText(kind), false),
  },
  {
    name: 'tg_try_read_time',
    parameters: [VARCHAR, VARCHAR, VARCHAR],
    call: ([text, format, kind]) => readTime(asText(text), asText(format), asText(kind), true),
  },
  {
    name: 'tg_print_time',
    parameters: [BIGINT, INTEGER, VARCHAR],
    nullable: [1],
    call: ([micros, offset, format]) =>
      formatTime(asBigint(micros), typeof offset === 'number' ? offset : null, asText(format)),
  },
  {
    name: 'tg_print_number',
    parameters: [VARCHAR, VARCHAR],
    call: ([text, format]) => formatNumber(asText(text), asText(format)),
  },
  {
    name: 'tg_read_number',
    parameters: [VARCHAR, VARCHAR],
    call: ([text, format]) => parseNumber(asText(text), asText(format), false),
  },
  {
    name: 'tg_try_read_number',
    parameters: [VARCHAR, VARCHAR],
    call: ([text, format]) => parseNumber(asText(text), asText(format), true),
  },
];

/** Makes the functions known to every connection of the instance. */
export function registerScalarFunctions(connection: DuckDBConnection): void {
  for (const callBack of CALL_BACKS) connection.registerScalarFunction(scalarFunction(callBack));
}

function scalarFunction({ name, parameters, nullable = [], call }: CallBack): DuckDBScalarFunction {
  return DuckDBScalarFunction.create({
    name,
    parameterTypes: parameters,
    returnType: name === 'tg_failing' ? BOOLEAN : VARCHAR,
    specialHandling: nullable.length > 0,
    mainFunction: (info, input, output) => {
      const columns = parameters.map((_, index) => input.getColumnVector(index));
      for (let row = 0; row < input.rowCount; row += 1) {
        const values = columns.map((column) => column.getItem(row));
        const isNull = values.some((value, index) => value === null && !nullable.includes(index));
        try {
          output.setItem(row, isNull ? null : call(values));
        } catch (thrown) {
          info.setError(thrown instanceof Refused ? thrown.message : 'a callback broke');
          return;
        }
      }
      output.flush();
    },
  });
}
