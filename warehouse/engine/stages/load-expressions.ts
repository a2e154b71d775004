/** SQL that turns a field's text into a value of a column, NULL where it cannot (Snowflake, "COPY INTO <table>"). */
import { StatementFailed, unsupported } from '../failures.js';
import { quoteDuckText } from '../sql/pieces.js';
import { formatText, type FileFormat } from './file-format.js';

/**
 * The expression for a column of DuckDB type `type` over `cell`, a VARCHAR expression. NULL stands for a NULL field and
 * for one that is no value of the type; a load tells them apart by the field. Throws StatementFailed for types that
 * text is not loaded into.
 */
export function loadSql(cell: string, type: string, format: FileFormat, column: string): string {
  if (type === 'VARCHAR') return cell;
  if (type.startsWith('DECIMAL') || type === 'DOUBLE' || isInteger(type))
    return `TRY_CAST(trim(${cell}) AS ${type})`;
  switch (type) {
    case 'BOOLEAN':
      return `CASE WHEN lower(trim(${cell})) IN ('true', 't', 'yes', 'y', 'on', '1') THEN TRUE
        WHEN lower(trim(${cell})) IN ('false', 'f', 'no', 'n', 'off', '0') THEN FALSE END`;
    case 'DATE':
      return dateSql(cell, formatText(format, 'DATE_FORMAT'));
    case 'TIME':
      return timeSql(cell, formatText(format, 'TIME_FORMAT'));
    case 'TIMESTAMP':
    case 'TIMESTAMP WITH TIME ZONE':
      return timestampSql(cell, type, formatText(format, 'TIMESTAMP_FORMAT'));
    case 'BLOB':
      return binarySql(cell, formatText(format, 'BINARY_FORMAT') ?? 'HEX');
    default:
      throw new StatementFailed(
        unsupported(
          `loading text into column ${column} of its type; convert it in COPY INTO … FROM (SELECT …)`,
        ),
      );
  }
}

/** The failure of a field that is no value of a column's type: code, SQLSTATE and what its message calls the value. */
export function notRecognised(type: string): {
  readonly code: string;
  readonly sqlState: string;
  readonly what: string;
} {
  if (type === 'BOOLEAN') return { code: '100037', sqlState: '22018', what: 'Boolean value' };
  if (type === 'DATE') return { code: '100040', sqlState: '22007', what: 'Date' };
  if (type === 'TIME') return { code: '100108', sqlState: '22007', what: 'Time' };
  if (type.startsWith('TIMESTAMP')) return { code: '100035', sqlState: '22007', what: 'Timestamp' };
  if (type === 'BLOB') return { code: '100115', sqlState: '22000', what: 'Binary value' };
  return { code: '100038', sqlState: '22018', what: 'Numeric value' };
}

function isInteger(type: string): boolean {
  return /^U?(?:TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$/.test(type);
}

function parsed(cell: string, format: string, kind: 'DATE' | 'TIME' | 'NTZ' | 'ZONED'): string {
  return `tg_try_read_time(${cell}, ${quoteDuckText(format)}, '${kind}')`;
}

function isSet(format: string | null): format is string {
  return format !== null && format.toUpperCase() !== 'AUTO';
}

/** Whole numbers are seconds, milliseconds, microseconds or nanoseconds by their size (Snowflake, TO_TIMESTAMP). */
function epoch(cell: string): string {
  const number = `TRY_CAST(${cell} AS HUGEINT)`;
  const micros = `CASE WHEN abs(${number}) < 31536000000 THEN ${number} * 1000000
    WHEN abs(${number}) < 31536000000000 THEN ${number} * 1000
    WHEN abs(${number}) < 31536000000000000 THEN ${number} ELSE ${number} // 1000 END`;
  return `make_timestamp(TRY_CAST(${micros} AS BIGINT))`;
}

function dateSql(cell: string, format: string | null): string {
  if (isSet(format)) return `CAST(${parsed(cell, format, 'DATE')} AS DATE)`;
  return `CASE WHEN regexp_full_match(${cell}, '-?\\d+') THEN CAST(${epoch(cell)} AS DATE)
    ELSE coalesce(TRY_CAST(TRY_CAST(trim(${cell}) AS TIMESTAMP) AS DATE), CAST(try_strptime(${cell}, ['%d-%b-%Y', '%m/%d/%Y']) AS DATE)) END`;
}

function timeSql(cell: string, format: string | null): string {
  if (isSet(format)) return `CAST(${parsed(cell, format, 'TIME')} AS TIME)`;
  return `TRY_CAST(trim(${cell}) AS TIME)`;
}

const OFFSET = String.raw`(:\d{2}(?:\.\d*)?)\s*(?:Z|([+-]\d{1,2}(?::?\d{2})?))$`;

function timestampSql(cell: string, type: string, format: string | null): string {
  if (isSet(format))
    return `CAST(${parsed(cell, format, type === 'TIMESTAMP' ? 'NTZ' : 'ZONED')} AS ${type})`;
  // An offset after the time: a column without one keeps the wall clock, as Snowflake does.
  const text =
    type === 'TIMESTAMP'
      ? `regexp_replace(trim(${cell}), ${quoteDuckText(OFFSET)}, '\\1')`
      : `regexp_replace(trim(${cell}), '\\s+([+-]\\d{1,2}(?::?\\d{2})?|Z)$', '\\1')`;
  return `CASE WHEN regexp_full_match(${cell}, '-?\\d+') THEN CAST(${epoch(cell)} AS ${type}) ELSE TRY_CAST(${text} AS ${type}) END`;
}

function binarySql(cell: string, format: string): string {
  switch (format) {
    case 'BASE64':
      return `TRY(from_base64(${cell}))`;
    case 'UTF8':
      return `encode(${cell})`;
    default:
      return `CASE WHEN regexp_full_match(${cell}, '([0-9A-Fa-f]{2})*') THEN unhex(${cell}) END`;
  }
}

/** The same as {@link loadSql}, except that a field that is no value of the type ends the statement with its failure. */
export function strictLoadSql(
  cell: string,
  type: string,
  format: FileFormat,
  column: string,
): string {
  if (type === 'VARCHAR') return cell;
  const value = loadSql(cell, type, format, column);
  const { code, sqlState, what } = notRecognised(type);
  const shown = `regexp_replace(left(${cell}, 200), '\\s', ' ', 'g')`;
  return `CASE WHEN ${cell} IS NULL THEN NULL WHEN (${value}) IS NULL
    THEN error(concat('TGFAIL:${code}:${sqlState}:${what} ''', ${shown}, ''' is not recognized:TGEND')) ELSE ${value} END`;
}
