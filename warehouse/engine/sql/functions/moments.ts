/**
 * What a macro does with an argument that is a point in time, whatever its type: its wall clock, its instant, and a
 * result of the same type. TIMESTAMP_TZ values that keep their offset are structs of `tg_instant` and `tg_offset`
 * (minutes east of UTC); DuckDB cannot read a field of what may be another type, so they are read from their text.
 */
import { failing, op, refusing, textOf, typed, type Argument } from './polymorphic.js';

/** DuckDB's type of a TIMESTAMP_TZ that keeps its offset. */
export const ZONED_TYPE = 'STRUCT(tg_instant TIMESTAMPTZ, tg_offset INTEGER)';

const structInstant = ({ value }: Argument): string =>
  `regexp_extract(${value}::VARCHAR, 'tg_instant''?: ''?([^,'']*)', 1)::TIMESTAMPTZ`;
const structOffset = ({ value }: Argument): string =>
  `regexp_extract(${value}::VARCHAR, 'tg_offset''?: (-?[0-9]+)', 1)::INTEGER`;

const NO_TIME = failing(
  '001044',
  '42P13',
  `'SQL compilation error: Invalid argument types for a function of dates and times'`,
);

/** TIMESTAMP that a clock on the wall shows: of a TIMESTAMP_LTZ in the session's zone, of a TIME on the first day of 1970. */
export function wallOf(value: Argument): string {
  return `CASE WHEN ${value.value} IS NULL THEN NULL::TIMESTAMP WHEN ${value.is('date', 'ntz', 'ltz')} THEN ${value.value}::TIMESTAMP
    WHEN ${value.is('text', 'json')} THEN tg_read_time(${textOf(value)}, 'AUTO', 'NTZ')::TIMESTAMP
    WHEN ${value.is('time')} THEN concat('1970-01-01 ', ${value.value}::VARCHAR)::TIMESTAMP
    WHEN ${value.is('zoned')} THEN ${op('+', `timezone('UTC', ${structInstant(value)})`, `to_minutes(${structOffset(value)})`)} ELSE ${NO_TIME} END`;
}

/** TIMESTAMPTZ of a point in time; a wall clock is one of the session's zone. */
export function instantOf(value: Argument): string {
  return `CASE WHEN ${value.value} IS NULL THEN NULL::TIMESTAMPTZ WHEN ${value.is('date', 'ntz', 'ltz')} THEN ${value.value}::TIMESTAMPTZ
    WHEN ${value.is('text', 'json')} THEN tg_read_time(${textOf(value)}, 'AUTO', 'ZONED')::TIMESTAMPTZ
    WHEN ${value.is('zoned')} THEN ${structInstant(value)} ELSE ${NO_TIME} END`;
}

/** Minutes east of UTC of an instant in the session's zone. */
export function sessionOffset(instant: string): string {
  return `${op('//', `date_part('timezone', ${instant})`, '60')}::INTEGER`;
}

/** Minutes east of UTC of a value that has a zone, else NULL. */
export function offsetOf(value: Argument): string {
  return `CASE WHEN ${value.is('zoned')} THEN ${structOffset(value)} WHEN ${value.is('ltz')} THEN ${sessionOffset(`${value.value}::TIMESTAMPTZ`)} END`;
}

/** What is computed with: the instant of a TIMESTAMP_LTZ, the wall clock of everything else. A zone kept by a value would be lost. */
export function movable(value: Argument): string {
  const type = `CASE WHEN ${value.is('ltz')} THEN 'TIMESTAMPTZ' ELSE 'TIMESTAMP' END`;
  return `CASE WHEN ${value.is('date', 'ntz', 'ltz')} THEN ${typed(value.value, type)} WHEN ${value.is('text', 'json')} THEN ${typed(`tg_read_time(${textOf(value)}, 'AUTO', 'NTZ')`, type)}
    WHEN ${value.is('time')} THEN ${typed(`concat('1970-01-01 ', ${value.value}::VARCHAR)`, type)} WHEN ${value.value} IS NULL THEN ${typed('NULL', type)}
    WHEN ${value.is('zoned')} THEN ${refusing('this function of a TIMESTAMP_TZ')} ELSE ${NO_TIME} END`;
}

/** `moved`, computed from `movable(value)`, in the type of the value; of texts, and of dates by `dates`, a TIMESTAMP. */
export function backTo(
  moved: string,
  value: Argument,
  dates: 'DATE' | 'TIMESTAMP' = 'DATE',
): string {
  return typed(
    moved,
    `CASE WHEN ${value.is('date')} THEN '${dates}' WHEN ${value.is('time')} THEN 'TIME' WHEN ${value.is('ltz')} THEN 'TIMESTAMPTZ' ELSE 'TIMESTAMP' END`,
  );
}
