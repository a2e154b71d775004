/** Conversions that a cast of DuckDB would do differently: to text, VARIANT, BINARY, and instants with an offset. */

import type { FunctionFamily } from './family.js';

/** The private function that converts to DuckDB's type `sql` as Snowflake does; undefined where a cast is the same. */
export function conversion(sql: string, isTry: boolean): string | undefined {
  const prefix = isTry ? 'TG_TRY' : 'TG';
  switch (sql) {
    case 'VARCHAR':
      return 'TG_TEXT';
    case 'JSON':
      return 'TG_TO_VARIANT';
    case 'BLOB':
      return `${prefix}_TO_BINARY`;
    case 'TIMESTAMPTZ':
      return `${prefix}_INSTANT`;
    case 'ZONED':
      return `${prefix}_ZONED`;
    default:
      return undefined;
  }
}

const SECONDS = `make_timestamp((TRY_CAST(x::VARCHAR AS DECIMAL(38,9)) * 1000000)::BIGINT)::TIMESTAMPTZ`;
const IS_NUMBER = `(typeof(x) IN ('INTEGER', 'BIGINT', 'HUGEINT', 'SMALLINT', 'TINYINT', 'DOUBLE', 'INTEGER_LITERAL') OR starts_with(typeof(x), 'DECIMAL'))`;

/** DuckDB takes what follows a blank for the name of a time zone. */
const JOINED = `regexp_replace(trim(x::VARCHAR), '\\s+([+-]\\d{1,2}(:?\\d{2})?|Z)$', '\\1')`;
/** Only after a time: the end of a date looks like an offset. */
const OFFSET = `regexp_extract(trim(x::VARCHAR), ':\\d{2}(?:\\.\\d*)?\\s*([+-]\\d{1,2}(?::?\\d{2})?)$', 1)`;
const MINUTES = `CASE WHEN typeof(x) <> 'VARCHAR' OR ${OFFSET} = '' THEN 0
  ELSE (CASE WHEN starts_with(${OFFSET}, '-') THEN -1 ELSE 1 END) * (60 * regexp_extract(${OFFSET}, '\\d{1,2}')::INTEGER
    + coalesce(TRY_CAST(regexp_extract(${OFFSET}, '^[+-]\\d{1,2}:?(\\d{2})$', 1) AS INTEGER), 0)) END`;

const instant = (cast: string): string =>
  `CASE WHEN ${IS_NUMBER} THEN ${SECONDS} WHEN typeof(x) = 'VARCHAR' THEN ${cast}(${JOINED} AS TIMESTAMPTZ) ELSE ${cast}(x AS TIMESTAMPTZ) END`;
const zoned = (at: string): string =>
  `CASE WHEN ${at}(x) IS NOT NULL THEN struct_pack(tg_instant := ${at}(x), tg_offset := ${MINUTES}) END`;

const IS_HEX = `regexp_full_match(x::VARCHAR, '([0-9A-Fa-f]{2})*')`;
const NOT_HEX = `error(concat('TGFAIL:100115:22000:The following string is not a legal hex-encoded value: ''', regexp_replace(x::VARCHAR, '\\s', ' ', 'g'), ''':TGEND'))`;
const NO_FORMAT = `error('TGFAIL:000002:0A000:Unsupported feature in the embedded warehouse: this binary format:TGEND')`;
const hex = (otherwise: string): string =>
  `CASE WHEN typeof(x) = 'BLOB' THEN x::BLOB WHEN x IS NULL THEN NULL WHEN ${IS_HEX} THEN unhex(x::VARCHAR) ELSE ${otherwise} END`;
const byFormat = (hexadecimal: string, base64: string): string =>
  `CASE WHEN x IS NULL OR f IS NULL THEN NULL WHEN upper(f) = 'HEX' THEN ${hexadecimal}
    WHEN upper(f) IN ('UTF-8', 'UTF8') THEN encode(x::VARCHAR) WHEN upper(f) = 'BASE64' THEN ${base64} ELSE ${NO_FORMAT} END`;

/** `tg_zoned` keeps the offset of a text, in minutes east of UTC. */
export const CONVERSIONS: FunctionFamily = {
  same: [],
  renamed: {
    TO_TIMESTAMP_LTZ: 'TG_INSTANT',
    TO_TIMESTAMP_TZ: 'TG_INSTANT',
    TG_TO_ZONED: 'TG_ZONED',
    TRY_TO_TIMESTAMP_LTZ: 'TG_TRY_INSTANT',
    TRY_TO_TIMESTAMP_TZ: 'TG_TRY_INSTANT',
    TG_TRY_TO_ZONED: 'TG_TRY_ZONED',
    TO_BINARY: 'TG_TO_BINARY',
    TRY_TO_BINARY: 'TG_TRY_TO_BINARY',
  },
  rewritten: {},
  macros: [
    `CREATE MACRO tg_instant(x) AS ${instant('CAST')}`,
    `CREATE MACRO tg_try_instant(x) AS ${instant('TRY_CAST')}`,
    `CREATE MACRO tg_zoned(x) AS ${zoned('tg_instant')}`,
    `CREATE MACRO tg_try_zoned(x) AS ${zoned('tg_try_instant')}`,
    `CREATE MACRO tg_to_binary(x) AS ${hex(NOT_HEX)}, (x, f) AS ${byFormat('tg_to_binary(x)', 'from_base64(x::VARCHAR)')}`,
    `CREATE MACRO tg_try_to_binary(x) AS ${hex('NULL')}, (x, f) AS ${byFormat('tg_try_to_binary(x)', 'TRY(from_base64(x::VARCHAR))')}`,
  ],
};
