/**
 * Snowflake's data types in DuckDB. FLOAT is 64 bits wide, VARIANT is JSON. Numbers have at most 26 digits before the
 * point: DuckDB cuts decimals off when types with more meet in a CASE, a UNION or a COALESCE.
 */
import { failure, StatementFailed, unsupported } from '../failures.js';
import { CAPPED_SCALE_MAX, computedType, WHOLE_DIGITS } from '../values/type-rules.js';
import { closing, isSymbol, render, type Piece } from './pieces.js';

/** NUMBER(38,0), the type of every whole number. */
export const WHOLE_NUMBER: string = computedType(0);

const TYPES: Readonly<Record<string, string>> = {
  INT: WHOLE_NUMBER,
  INTEGER: WHOLE_NUMBER,
  BIGINT: WHOLE_NUMBER,
  SMALLINT: WHOLE_NUMBER,
  TINYINT: WHOLE_NUMBER,
  BYTEINT: WHOLE_NUMBER,
  FLOAT: 'DOUBLE',
  FLOAT4: 'DOUBLE',
  FLOAT8: 'DOUBLE',
  REAL: 'DOUBLE',
  DOUBLE: 'DOUBLE',
  VARCHAR: 'VARCHAR',
  STRING: 'VARCHAR',
  TEXT: 'VARCHAR',
  CHAR: 'VARCHAR',
  CHARACTER: 'VARCHAR',
  NCHAR: 'VARCHAR',
  NVARCHAR2: 'VARCHAR',
  NVARCHAR: 'VARCHAR',
  BOOLEAN: 'BOOLEAN',
  DATE: 'DATE',
  TIME: 'TIME',
  DATETIME: 'TIMESTAMP',
  TIMESTAMP: 'TIMESTAMP',
  TIMESTAMP_NTZ: 'TIMESTAMP',
  TIMESTAMPNTZ: 'TIMESTAMP',
  TIMESTAMP_LTZ: 'TIMESTAMPTZ',
  TIMESTAMPLTZ: 'TIMESTAMPTZ',
  TIMESTAMP_TZ: 'TIMESTAMPTZ',
  TIMESTAMPTZ: 'TIMESTAMPTZ',
  // What zoned-items.ts writes for a TIMESTAMP_TZ that keeps its offset.
  TG_ZONED: 'ZONED',
  BINARY: 'BLOB',
  VARBINARY: 'BLOB',
  VARIANT: 'JSON',
  OBJECT: 'JSON',
  ARRAY: 'JSON',
};

const NUMBERS: ReadonlySet<string> = new Set(['NUMBER', 'DECIMAL', 'NUMERIC', 'DEC']);

/** A data type as a statement has it. */
export interface WrittenType {
  /** DuckDB's type. */
  readonly sql: string;
  /** The piece after it. */
  readonly to: number;
  /** `VARCHAR(10)`: most characters; `TIMESTAMP(3)`: digits of a second. */
  readonly size?: number;
}

/** The type written at piece `at`. Throws StatementFailed for others. */
export function duckType(pieces: readonly Piece[], at: number): WrittenType {
  const name = pieces[at]?.value ?? '';
  let to = at + 1;
  if (name === 'DOUBLE' && pieces[to]?.value === 'PRECISION') to += 1;
  let size = '';
  if (isSymbol(pieces, to, '(')) {
    const end = closing(pieces, to);
    size = render(pieces.slice(to + 1, end));
    to = end + 1;
  }
  if (NUMBERS.has(name)) return { sql: numberType(size), to };
  const sql = Object.hasOwn(TYPES, name) ? TYPES[name] : undefined;
  if (sql === undefined) throw new StatementFailed(unsupported(`data type ${name}`));
  if (size === '') return CHARACTERS.has(name) ? { sql, to, size: 1 } : { sql, to };
  if (!/^\d+$/.test(size)) throw new StatementFailed(unsupported(`data type ${name}(${size})`));
  return { sql, to, size: Number(size) };
}

/** CHAR alone is one character. */
const CHARACTERS: ReadonlySet<string> = new Set(['CHAR', 'CHARACTER', 'NCHAR']);

/** DuckDB's type of NUMBER(`size`): the same, with the digits before the point that it keeps. */
export function numberType(size: string): string {
  const [digits = 38, scale = 0] =
    size.trim() === '' ? [] : size.split(',').map((part) => Number(part.trim()));
  const isType = Number.isInteger(digits) && digits > 0 && digits <= 38 && Number.isInteger(scale);
  if (!isType || scale < 0 || scale > Math.min(digits, 37))
    throw new StatementFailed(
      failure(
        '002003',
        '42601',
        `SQL compilation error:\ninvalid number precision or scale: (${size})`,
      ),
    );
  return scale <= CAPPED_SCALE_MAX && digits - scale > WHOLE_DIGITS
    ? computedType(scale)
    : `DECIMAL(${digits},${scale})`;
}

/** Whether a word names a data type. */
export function isTypeName(name: string): boolean {
  return NUMBERS.has(name) || Object.hasOwn(TYPES, name);
}
