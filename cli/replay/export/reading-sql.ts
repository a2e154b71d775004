/**
 * How the fields of an export are read, as SQL: every field is text until here, and what cannot be read becomes NULL
 * beside a text that is not, which is how a bad row is told from an empty field.
 */

/**
 * Instants of a query history lie between 2000 and 2200. Within that span a number is seconds, milliseconds,
 * microseconds or nanoseconds since 1970 by its size alone; outside it nothing is an instant.
 */
const FIRST_MS = Date.UTC(2000, 0, 1);
const END_MS = Date.UTC(2200, 0, 1);

/** Snowflake's older output of a TIMESTAMP_LTZ: `Thu, 01 Oct 2026 12:00:00 -0700`. */
const LONG_FORM = '%a, %d %b %Y %H:%M:%S %z';

/**
 * Macros for {@link instantOf} and the others; run once a connection. Zones are found by their place at the end and not
 * by a pattern, and no field is named oftener than it must be: a macro is a text that is put in, and a pattern on two
 * times of a million rows took 20 s. DuckDB's own cast to a time with a zone looks up every name of a zone it knows.
 */
export const READING_MACROS: readonly string[] = [
  `CREATE MACRO tg_local(moment) AS epoch_ms(TRY_CAST(moment AS TIMESTAMP))`,
  // Hours and minutes in one number, such as -730; no zone is farther from UTC than 14 hours.
  `CREATE MACRO tg_offset(hhmm) AS CASE WHEN hhmm BETWEEN -1400 AND 1400
     THEN (hhmm // 100) * 3600000 + (hhmm % 100) * 60000 END`,
  `CREATE MACRO tg_zoned(moment) AS CASE
     WHEN contains('+-', moment[-5]) THEN tg_local(moment[:-6]) - tg_offset(TRY_CAST(moment[-5:] AS INTEGER))
     WHEN contains('+-', moment[-6])
       THEN tg_local(moment[:-7]) - tg_offset(TRY_CAST(replace(moment[-6:], ':', '') AS INTEGER))
     WHEN contains('Zz', moment[-1]) THEN tg_local(moment[:-2])
     WHEN contains('+-', moment[-3]) THEN tg_local(moment[:-4]) - tg_offset(TRY_CAST(moment[-3:] AS INTEGER) * 100)
     WHEN ends_with(moment, 'UTC') OR ends_with(moment, 'GMT') THEN tg_local(moment[:-4])
     ELSE tg_local(moment)
   END`,
  `CREATE MACRO tg_number(value) AS CASE
     WHEN value < ${END_MS / 1000} THEN floor(value * 1000)::BIGINT
     WHEN value < ${END_MS} THEN floor(value)::BIGINT
     WHEN value < ${END_MS}000 THEN floor(value)::BIGINT // 1000
     WHEN value < ${END_MS}000000 THEN floor(value)::BIGINT // 1000000
   END`,
  // What has no time of day is a date or a number.
  `CREATE MACRO tg_instant(moment) AS CASE
     WHEN NOT contains(moment, ':')
       THEN coalesce(tg_number(TRY_CAST(moment AS DECIMAL(38, 9))), tg_local(moment))
     WHEN moment[1] BETWEEN 'A' AND 'Z' THEN epoch_ms(try_strptime(moment, '${LONG_FORM}'))
     ELSE tg_zoned(moment)
   END`,
  `CREATE MACRO tg_within(ms) AS CASE WHEN ms BETWEEN ${FIRST_MS} AND ${END_MS - 1} THEN ms END`,
  `CREATE MACRO tg_positive(value) AS CASE WHEN isfinite(value) AND value >= 0 THEN value END`,
];

/** Milliseconds since 1970 of a text such as `2026-10-01 12:00:00.123 -0700`; without a zone it is UTC. */
export function instantOf(column: string): string {
  return `tg_instant(${column})`;
}

/** The instant, if it can be one of a query history. */
export function historicOf(instant: string): string {
  return `tg_within(${instant})`;
}

/** The number in a text. */
export function numberOf(column: string): string {
  return `TRY_CAST(${column} AS DOUBLE)`;
}

/** The number, if it can be milliseconds, bytes or a count. */
export function figureOf(number: string): string {
  return `tg_positive(${number})`;
}
const CREDITS = '[+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,3})?';
/** More than all of Snowflake's customers use in a year. */
const CREDITS_MAX = '1e12';

/** Whether credits can be read; their text is made plain elsewhere, exactly. */
export function isCredits(column: string): string {
  return `(regexp_full_match(${column}, '${CREDITS}') AND TRY_CAST(${column} AS DOUBLE) < ${CREDITS_MAX})`;
}
