/**
 * Functions of dates and times. DuckDB chooses among typed overloads of a macro before it knows the types of
 * aggregates, so those stand only where a DATE must stay a DATE, and have an untyped twin (`tg_any_…`) that is used when
 * the choice fails.
 */
import { StatementFailed, unsupported } from '../../failures.js';
import { quoteText } from '../pieces.js';
import type { CallSite } from './call-site.js';
import { datePart, timeFormat, type DatePart } from './date-parts.js';
import { namesOf, type FunctionFamily } from './family.js';

const DATE_INTERVALS: Readonly<Record<string, string>> = {
  YEAR: 'to_years(round(n)::INTEGER)',
  QUARTER: 'to_months(3 * round(n)::INTEGER)',
  MONTH: 'to_months(round(n)::INTEGER)',
  WEEK: 'to_days(7 * round(n)::INTEGER)',
  DAY: 'to_days(round(n)::INTEGER)',
};
const TIME_INTERVALS: Readonly<Record<string, string>> = {
  HOUR: 'to_hours(round(n)::BIGINT)',
  MINUTE: 'to_minutes(round(n)::BIGINT)',
  SECOND: 'to_seconds(round(n)::BIGINT)',
  MILLISECOND: 'to_milliseconds(round(n)::BIGINT)',
  MICROSECOND: 'to_microseconds(round(n)::BIGINT)',
};

function dateMacros(): readonly string[] {
  const macros: string[] = [];
  for (const [part, interval] of Object.entries(DATE_INTERVALS)) {
    macros.push(
      `CREATE MACRO tg_dt_add_${part}(n, x DATE) AS (x + ${interval})::DATE, (n, x TIMESTAMP) AS x + ${interval},
         (n, x TIMESTAMPTZ) AS x + ${interval}, (n, x VARCHAR) AS x::TIMESTAMP + ${interval}`,
      `CREATE MACRO tg_any_add_${part}(n, x) AS x::TIMESTAMP + ${interval}`,
      `CREATE MACRO tg_dt_trunc_${part}(x DATE) AS date_trunc('${part}', x)::DATE, (x TIMESTAMP) AS date_trunc('${part}', x),
         (x TIMESTAMPTZ) AS date_trunc('${part}', x), (x VARCHAR) AS date_trunc('${part}', x::TIMESTAMP)`,
      `CREATE MACRO tg_any_trunc_${part}(x) AS date_trunc('${part}', x::TIMESTAMP)`,
    );
  }
  for (const [part, interval] of Object.entries(TIME_INTERVALS)) {
    macros.push(
      `CREATE MACRO tg_dt_add_${part}(n, x TIMESTAMP) AS x + ${interval}, (n, x TIMESTAMPTZ) AS x + ${interval},
         (n, x DATE) AS x::TIMESTAMP + ${interval}, (n, x VARCHAR) AS x::TIMESTAMP + ${interval}, (n, x TIME) AS x + ${interval}`,
      `CREATE MACRO tg_any_add_${part}(n, x) AS x::TIMESTAMP + ${interval}`,
      `CREATE MACRO tg_dt_trunc_${part}(x TIMESTAMP) AS date_trunc('${part}', x), (x TIMESTAMPTZ) AS date_trunc('${part}', x),
         (x DATE) AS x::TIMESTAMP, (x VARCHAR) AS date_trunc('${part}', x::TIMESTAMP)`,
      `CREATE MACRO tg_any_trunc_${part}(x) AS date_trunc('${part}', x::TIMESTAMP)`,
    );
  }
  for (const part of [...Object.keys(DATE_INTERVALS), ...Object.keys(TIME_INTERVALS)])
    macros.push(
      `CREATE MACRO tg_diff_${part}(a, b) AS date_diff('${part}', a::TIMESTAMP, b::TIMESTAMP)`,
    );
  const parts: Readonly<Record<string, string>> = {
    YEAR: 'year',
    QUARTER: 'quarter',
    MONTH: 'month',
    WEEK: 'week',
    DAY: 'day',
    HOUR: 'hour',
    MINUTE: 'minute',
    DAYOFWEEK: 'dow',
    DAYOFWEEKISO: 'isodow',
    DAYOFYEAR: 'doy',
  };
  for (const [part, name] of Object.entries(parts))
    macros.push(`CREATE MACRO tg_part_${part}(x) AS date_part('${name}', x::TIMESTAMP)`);
  macros.push(
    `CREATE MACRO tg_part_SECOND(x) AS second(x::TIMESTAMP)`,
    `CREATE MACRO tg_part_EPOCH(x) AS floor(epoch(x::TIMESTAMP))::BIGINT`,
    // Rounded down before 1970 too; nanoseconds in 128 bits, as 64 end in the year 2262.
    `CREATE MACRO tg_part_EPOCH_MILLISECOND(x) AS floor(epoch_us(x::TIMESTAMP)::DECIMAL(38,0) * 0.001)::BIGINT`,
    `CREATE MACRO tg_part_EPOCH_MICROSECOND(x) AS epoch_us(x::TIMESTAMP)`,
    `CREATE MACRO tg_part_EPOCH_NANOSECOND(x) AS epoch_us(x::TIMESTAMP)::HUGEINT * 1000`,
  );
  return macros;
}

const SECONDS = `make_timestamp((TRY_CAST(x::VARCHAR AS DECIMAL(38,9)) * 1000000)::BIGINT)`;
const IS_NUMBER = `typeof(x) IN ('INTEGER', 'BIGINT', 'HUGEINT', 'SMALLINT', 'TINYINT', 'DOUBLE', 'INTEGER_LITERAL') OR starts_with(typeof(x), 'DECIMAL')`;

export const TIMES: FunctionFamily = {
  same: namesOf(`
    YEAR QUARTER MONTH WEEK WEEKISO WEEKOFYEAR DAY DAYOFMONTH DAYOFWEEK DAYOFWEEKISO DAYOFYEAR YEAROFWEEK
    YEAROFWEEKISO HOUR MINUTE SECOND LAST_DAY NEXT_DAY PREVIOUS_DAY MONTHNAME DAYNAME EXTRACT
    DATE_FROM_PARTS DATEFROMPARTS TIME_FROM_PARTS TIMEFROMPARTS TIMESTAMP_FROM_PARTS TIMESTAMP_NTZ_FROM_PARTS
    TIME_SLICE MONTHS_BETWEEN
  `),
  renamed: {
    DATE: 'TG_TO_DATE',
    TO_TIME: 'TG_TO_TIME',
    TIME: 'TG_TO_TIME',
    TRY_TO_TIMESTAMP: 'TG_TRY_TIMESTAMP',
    TRY_TO_TIMESTAMP_NTZ: 'TG_TRY_TIMESTAMP',
    ADD_MONTHS: 'TG_ADD_MONTHS',
  },
  rewritten: {
    DATEADD: (call) => withPart(call, 'TG_DT_ADD'),
    TIMESTAMPADD: (call) => withPart(call, 'TG_DT_ADD'),
    TIMEADD: (call) => withPart(call, 'TG_DT_ADD'),
    DATEDIFF: (call) => withPart(call, 'TG_DIFF'),
    TIMESTAMPDIFF: (call) => withPart(call, 'TG_DIFF'),
    TIMEDIFF: (call) => withPart(call, 'TG_DIFF'),
    DATE_TRUNC: (call) => withPart(call, 'TG_DT_TRUNC'),
    DATE_PART: (call) => withPart(call, 'TG_PART'),
    TRUNC: truncated,
    TO_DATE: (call) => byFormat(call, 'TG_TO_DATE', 'TG_PARSE_DATE'),
    TRY_TO_DATE: (call) => byFormat(call, 'TG_TRY_DATE', 'TG_TRY_PARSE_DATE'),
    TO_TIMESTAMP: (call) => byFormat(call, 'TG_TO_TIMESTAMP', 'TG_PARSE_TIMESTAMP'),
    TO_TIMESTAMP_NTZ: (call) => byFormat(call, 'TG_TO_TIMESTAMP', 'TG_PARSE_TIMESTAMP'),
    TO_CHAR: (call) => byFormat(call, 'TG_TEXT', 'TG_FORMAT_TIME'),
    TO_VARCHAR: (call) => byFormat(call, 'TG_TEXT', 'TG_FORMAT_TIME'),
  },
  macros: [
    ...dateMacros(),
    `CREATE MACRO tg_format_time(x, f) AS strftime(x::TIMESTAMP, f)`,
    `CREATE MACRO tg_to_date(x) AS CASE WHEN ${IS_NUMBER} THEN ${SECONDS}::DATE WHEN length(x::VARCHAR) > 10 THEN (x::VARCHAR)::TIMESTAMP::DATE ELSE (x::VARCHAR)::DATE END`,
    `CREATE MACRO tg_try_date(x) AS TRY_CAST(TRY_CAST(x::VARCHAR AS TIMESTAMP) AS DATE)`,
    `CREATE MACRO tg_parse_date(x, f) AS strptime(x, f)::DATE`,
    `CREATE MACRO tg_try_parse_date(x, f) AS try_strptime(x, f)::DATE`,
    `CREATE MACRO tg_to_timestamp(x) AS CASE WHEN ${IS_NUMBER} THEN ${SECONDS} ELSE (x::VARCHAR)::TIMESTAMP END`,
    `CREATE MACRO tg_try_timestamp(x) AS TRY_CAST(x::VARCHAR AS TIMESTAMP)`,
    `CREATE MACRO tg_parse_timestamp(x, f) AS strptime(x, f)`,
    `CREATE MACRO tg_to_time(x) AS x::TIME`,
    `CREATE MACRO tg_add_months(d, n) AS CASE WHEN last_day(d::DATE) = d::DATE THEN last_day((d::DATE + to_months(n::INTEGER))::DATE)
       ELSE (d::DATE + to_months(n::INTEGER))::DATE END`,
  ],
};

/** The first argument, a date part, becomes the end of the name. */
function withPart(call: CallSite, name: string): void {
  call.rename(`${name}_${partAt(call, 0)}`);
  call.dropArgument(0);
}

/** `TRUNC(date, 'part')`; of numbers it is the same in DuckDB. */
function truncated(call: CallSite): void {
  if (call.args.length !== 2 || call.single(1)?.kind !== 'string') return;
  call.rename(`TG_DT_TRUNC_${partAt(call, 1)}`);
  call.dropArgument(1);
}

function partAt(call: CallSite, index: number): DatePart {
  const piece = call.single(index);
  const part = piece === undefined ? undefined : datePart(piece.value);
  if (part === undefined) throw new StatementFailed(unsupported(`date part ${piece?.value ?? ''}`));
  return part;
}

/** One name without a format, another with a constant one. */
function byFormat(call: CallSite, plain: string, formatted: string): void {
  if (call.args.length === 1) {
    call.rename(plain);
    return;
  }
  const format = call.single(1);
  const converted =
    format?.kind === 'string' && call.args.length === 2 ? timeFormat(format.value) : undefined;
  if (converted === undefined) throw new StatementFailed(unsupported('this format'));
  call.rename(formatted);
  call.replaceArgument(1, quoteText(converted));
}
