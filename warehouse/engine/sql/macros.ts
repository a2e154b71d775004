/**
 * Functions whose meaning differs between Snowflake and DuckDB, under private names that the rewriting uses. DuckDB
 * chooses among typed overloads before it knows the types of aggregates, so those stand only where a DATE must stay a
 * DATE, and have an untyped twin (`tg_any_…`) that is used when the choice fails.
 */
const IS_REAL = `typeof(a) IN ('DOUBLE', 'FLOAT') OR typeof(b) IN ('DOUBLE', 'FLOAT')`;
const SCALE_OF_A = `regexp_extract(typeof(a), ',([0-9]+)', 1)::INTEGER`;
/** Scale of a quotient of numbers: max(s1, min(s1 + 6, 12)). */
const QUOTIENT_SCALE = `CASE WHEN starts_with(typeof(a), 'DECIMAL') THEN greatest(${SCALE_OF_A}, least(${SCALE_OF_A} + 6, 12)) ELSE 6 END`;

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

/** TIMESTAMP texts have three digits of a second unless a format says otherwise. */
const TIME_TEXT = `strftime(TRY_CAST(x::VARCHAR AS TIMESTAMP), '%Y-%m-%d %H:%M:%S.%g')`;

const SECONDS = `make_timestamp((TRY_CAST(x::VARCHAR AS DECIMAL(38,9)) * 1000000)::BIGINT)`;
const IS_NUMBER = `typeof(x) IN ('INTEGER', 'BIGINT', 'HUGEINT', 'SMALLINT', 'TINYINT', 'DOUBLE', 'INTEGER_LITERAL') OR starts_with(typeof(x), 'DECIMAL')`;

/** CREATE MACRO statements, run once when the database is made. */
export const MACROS: readonly string[] = [
  `CREATE MACRO "/"(a, b) AS CASE WHEN b = 0 THEN error('TG100051')
     WHEN ${IS_REAL} THEN system.main."/"(a, b) ELSE round(system.main."/"(a, b), ${QUOTIENT_SCALE}) END`,
  `CREATE MACRO "%"(a, b) AS CASE WHEN b = 0 THEN error('TG100051') ELSE system.main."%"(a, b) END`,
  ...dateMacros(),
  `CREATE MACRO tg_text(x) AS CASE WHEN typeof(x) = 'JSON' THEN (x::VARCHAR)->>'$'
     WHEN typeof(x) = 'DOUBLE' THEN regexp_replace(x::VARCHAR, '\\.0$', '')
     WHEN typeof(x) = 'TIMESTAMP' THEN ${TIME_TEXT}
     WHEN typeof(x) = 'TIMESTAMP WITH TIME ZONE' THEN concat(${TIME_TEXT}, ' Z')
     WHEN typeof(x) = 'BLOB' THEN hex(x::VARCHAR::BLOB) ELSE x::VARCHAR END`,
  `CREATE MACRO tg_format_time(x, f) AS strftime(x::TIMESTAMP, f)`,
  `CREATE MACRO tg_to_date(x) AS CASE WHEN ${IS_NUMBER} THEN ${SECONDS}::DATE WHEN length(x::VARCHAR) > 10 THEN (x::VARCHAR)::TIMESTAMP::DATE ELSE (x::VARCHAR)::DATE END`,
  `CREATE MACRO tg_try_date(x) AS TRY_CAST(TRY_CAST(x::VARCHAR AS TIMESTAMP) AS DATE)`,
  `CREATE MACRO tg_parse_date(x, f) AS strptime(x, f)::DATE`,
  `CREATE MACRO tg_try_parse_date(x, f) AS try_strptime(x, f)::DATE`,
  `CREATE MACRO tg_to_timestamp(x) AS CASE WHEN ${IS_NUMBER} THEN ${SECONDS} ELSE (x::VARCHAR)::TIMESTAMP END`,
  `CREATE MACRO tg_try_timestamp(x) AS TRY_CAST(x::VARCHAR AS TIMESTAMP)`,
  `CREATE MACRO tg_parse_timestamp(x, f) AS strptime(x, f)`,
  `CREATE MACRO tg_to_time(x) AS x::TIME`,
  `CREATE MACRO tg_to_double(x) AS x::DOUBLE`,
  `CREATE MACRO tg_try_double(x) AS TRY_CAST(x AS DOUBLE)`,
  `CREATE MACRO tg_to_boolean(x) AS x::BOOLEAN`,
  `CREATE MACRO tg_try_boolean(x) AS TRY_CAST(x AS BOOLEAN)`,
  `CREATE MACRO tg_to_variant(x) AS to_json(x)`,
  `CREATE MACRO tg_to_array(x) AS CASE WHEN x IS NULL THEN NULL WHEN json_type(to_json(x)) = 'ARRAY' THEN to_json(x) ELSE json_array(x) END`,
  `CREATE MACRO tg_json_text(x) AS to_json(x)::VARCHAR`,
  `CREATE MACRO tg_parse_json(x) AS CASE WHEN x IS NULL THEN NULL ELSE json(x::VARCHAR) END`,
  `CREATE MACRO tg_try_parse_json(x) AS TRY_CAST(x::VARCHAR AS JSON)`,
  `CREATE MACRO tg_without_nulls(x) AS json_merge_patch('{}'::JSON, x)`,
  `CREATE MACRO tg_array_size(x) AS CASE WHEN json_type(to_json(x)) = 'ARRAY' THEN json_array_length(to_json(x))::BIGINT END`,
  `CREATE MACRO tg_array_contains(v, x) AS json_contains(to_json(x), to_json(v))`,
  `CREATE MACRO tg_object_keys(x) AS to_json(json_keys(x))`,
  `CREATE MACRO tg_split(x, s) AS to_json(string_split(x, s))`,
  `CREATE MACRO tg_startswith(a, b) AS starts_with(tg_text(a), tg_text(b))`,
  `CREATE MACRO tg_endswith(a, b) AS ends_with(tg_text(a), tg_text(b))`,
  `CREATE MACRO tg_contains(a, b) AS contains(tg_text(a), tg_text(b))`,
  `CREATE MACRO tg_initcap(x) AS array_to_string(list_transform(regexp_extract_all(lower(x), '[a-z0-9]+|[^a-z0-9]+'), lambda w: upper(w[1]) || w[2:]), '')`,
  `CREATE MACRO tg_regexp_like(a, p) AS regexp_full_match(tg_text(a), p)`,
  `CREATE MACRO tg_add_months(d, n) AS CASE WHEN last_day(d::DATE) = d::DATE THEN last_day((d::DATE + to_months(n::INTEGER))::DATE)
     ELSE (d::DATE + to_months(n::INTEGER))::DATE END`,
  `CREATE MACRO tg_uniform(a, b, g) AS floor(a + random() * (b - a + 1))::BIGINT`,
  `CREATE MACRO tg_random() AS ((random() - 0.5) * 18000000000000000000)::BIGINT, (seed) AS ((random() - 0.5) * 18000000000000000000)::BIGINT`,
  `CREATE MACRO tg_sha2(x) AS sha256(x), (x, n) AS CASE WHEN n IN (0, 256) THEN sha256(x) ELSE error('TGFAIL:000002:0A000:Unsupported feature in the embedded warehouse: SHA2 of this size:TGEND') END`,
  `CREATE MACRO tg_wait(n) AS concat('waited ', n, ' seconds'), (n, unit) AS concat('waited ', n, ' ', lower(unit))`,
  `CREATE MACRO tg_zeroifnull(x) AS coalesce(x, 0)`,
  `CREATE MACRO tg_typeof(x) AS CASE json_type(to_json(x)) WHEN 'BIGINT' THEN 'INTEGER' WHEN 'UBIGINT' THEN 'INTEGER' WHEN 'NULL' THEN 'NULL_VALUE' ELSE json_type(to_json(x)) END`,
  `CREATE MACRO tg_flatten(j) AS TABLE
     SELECT 1::BIGINT AS SEQ, CASE WHEN json_type(j) = 'OBJECT' THEN key END AS KEY,
            CASE WHEN json_type(j) = 'ARRAY' THEN concat('[', key, ']') ELSE key END AS PATH,
            CASE WHEN json_type(j) = 'ARRAY' THEN key::BIGINT END AS INDEX, value AS VALUE, j AS THIS
     FROM json_each(j)`,
];
