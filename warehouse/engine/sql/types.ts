/** Snowflake's data types in DuckDB. FLOAT is 64 bits wide, whole numbers are NUMBER(38,0), VARIANT is JSON. */
import { StatementFailed, unsupported } from '../failures.js';
import { closing, isSymbol, render, type Piece } from './pieces.js';

const TYPES: Readonly<Record<string, string>> = {
  INT: 'DECIMAL(38,0)',
  INTEGER: 'DECIMAL(38,0)',
  BIGINT: 'DECIMAL(38,0)',
  SMALLINT: 'DECIMAL(38,0)',
  TINYINT: 'DECIMAL(38,0)',
  BYTEINT: 'DECIMAL(38,0)',
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

/** DuckDB's type for the one written at piece `at`, and the piece after it. Throws StatementFailed for others. */
export function duckType(
  pieces: readonly Piece[],
  at: number,
): { readonly sql: string; readonly to: number } {
  const name = pieces[at]?.value ?? '';
  let to = at + 1;
  if (name === 'DOUBLE' && pieces[to]?.value === 'PRECISION') to += 1;
  let size = '';
  if (isSymbol(pieces, to, '(')) {
    const end = closing(pieces, to);
    size = render(pieces.slice(to + 1, end));
    to = end + 1;
  }
  if (NUMBERS.has(name)) {
    const [digits = '38', scale = '0'] =
      size === '' ? [] : size.split(',').map((part) => part.trim());
    return { sql: `DECIMAL(${digits},${scale})`, to };
  }
  const sql = Object.hasOwn(TYPES, name) ? TYPES[name] : undefined;
  if (sql === undefined) throw new StatementFailed(unsupported(`data type ${name}`));
  return { sql, to };
}

/** Whether a word names a data type. */
export function isTypeName(name: string): boolean {
  return NUMBERS.has(name) || Object.hasOwn(TYPES, name);
}
