/** Columns of a Parquet file: how each becomes a value of the row's VARIANT, and the type that INFER_SCHEMA tells of it. */
import { StatementFailed, unsupported } from '../failures.js';
import { quoteDuckText, quoteName } from '../sql/pieces.js';
import { formatFlag, type FileFormat } from './file-format.js';

export interface ParquetColumn {
  /** As the file has it. */
  readonly name: string;
  /** What DuckDB calls it, which knows no two names that differ only in case. */
  readonly duckName: string;
  readonly duckType: string;
  readonly isNullable: boolean;
  readonly isNanoseconds: boolean;
  /** Every value is NULL: the writer knew no type. */
  readonly isUntyped: boolean;
}

/** SQL for a row of the file as a JSON text; its names are those of the file. Throws StatementFailed for nested bytes. */
export function rowSql(columns: readonly ParquetColumn[], format: FileFormat): string {
  const entries = columns.map(
    (column) => `${quoteDuckText(column.name)}, ${valueSql(column, format)}`,
  );
  return `json_object(${entries.join(', ')})`;
}

/**
 * Whether Snowflake reads the column as a number: nanoseconds have no type in Parquet's older list, which is all that
 * it looks at without USE_LOGICAL_TYPE = TRUE (page "CREATE FILE FORMAT"; seen in issue 1820 of the Python connector).
 */
function isNumber(column: ParquetColumn, format: FileFormat): boolean {
  return column.isNanoseconds && !formatFlag(format, 'USE_LOGICAL_TYPE');
}

function valueSql(column: ParquetColumn, format: FileFormat): string {
  const name = quoteName(column.duckName);
  if (isNumber(column, format)) return `epoch_ns(${name})`;
  switch (column.duckType) {
    case 'TIMESTAMP_NS':
    case 'TIME_NS':
      return microseconds(name, column);
    // JSON has no word for them.
    case 'FLOAT':
    case 'DOUBLE':
      return `CASE WHEN isfinite(${name}) THEN to_json(${name}) ELSE to_json(${name}::VARCHAR) END`;
    case 'BLOB':
      return formatFlag(format, 'BINARY_AS_TEXT') ? `decode(${name})` : `hex(${name})`;
  }
  if (/BLOB|_NS\b/.test(column.duckType))
    throw new StatementFailed(
      unsupported(`bytes or nanoseconds inside the nested Parquet column ${column.name}`),
    );
  return name;
}

/** Six digits of a second are kept; more are refused, never cut. */
function microseconds(name: string, column: ParquetColumn): string {
  const type = column.duckType === 'TIME_NS' ? 'TIME' : 'TIMESTAMP';
  const words = quoteDuckText(
    `TGFAIL:000002:0A000:${unsupported('digits of a second beyond the sixth').message}:TGEND`,
  );
  return `CASE WHEN epoch_ns(${name}) % 1000 <> 0 THEN error(${words}) ELSE ${name}::${type} END`;
}

/** Snowflake's name of the column's type (page "INFER_SCHEMA"); null where the file does not tell it. */
export function inferredType(column: ParquetColumn, format: FileFormat): string | null {
  if (column.isUntyped) return null;
  if (isNumber(column, format)) return WHOLE;
  const decimal = /^DECIMAL\((\d+),(\d+)\)$/.exec(column.duckType);
  if (decimal !== null) return `NUMBER(${decimal[1]}, ${decimal[2]})`;
  return TYPES[column.duckType] ?? 'VARIANT';
}

const WHOLE = 'NUMBER(38, 0)';

const TYPES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT']
      .flatMap((type) => [type, `U${type}`])
      .map((type) => [type, WHOLE]),
  ),
  BOOLEAN: 'BOOLEAN',
  FLOAT: 'REAL',
  DOUBLE: 'REAL',
  VARCHAR: 'TEXT',
  DATE: 'DATE',
  TIME: 'TIME',
  TIME_NS: 'TIME',
  TIMESTAMP: 'TIMESTAMP_NTZ',
  TIMESTAMP_NS: 'TIMESTAMP_NTZ',
  'TIMESTAMP WITH TIME ZONE': 'TIMESTAMP_LTZ',
  BLOB: 'BINARY',
};

/** The type of a column that two files have: that of both, or the wider number. Throws StatementFailed for others. */
export function commonType(name: string, a: string | null, b: string | null): string | null {
  if (a === null || b === null || a === b) return a ?? b;
  const [left, right] = [digits(a), digits(b)];
  if (left === undefined || right === undefined)
    throw new StatementFailed(
      unsupported(`INFER_SCHEMA of files that differ in column ${name}: ${a} and ${b}`),
    );
  if (left === 'REAL' || right === 'REAL') return 'REAL';
  const scale = Math.max(left.scale, right.scale);
  return `NUMBER(${Math.min(38, Math.max(left.whole, right.whole) + scale)}, ${scale})`;
}

function digits(type: string): 'REAL' | { whole: number; scale: number } | undefined {
  if (type === 'REAL') return 'REAL';
  const found = /^NUMBER\((\d+), (\d+)\)$/.exec(type);
  if (found === null) return undefined;
  const scale = Number(found[2]);
  return { whole: Number(found[1]) - scale, scale };
}
