/** How the rows of a staged table become values of the target's columns. */
import { failure, StatementFailed, unsupported } from '../failures.js';
import type { EngineFailure } from '../engine.js';
import { quoteDuckText } from '../sql/pieces.js';
import type { CopyOptions } from './copy-options.js';
import { formatFlag, type FileFormat } from './file-format.js';
import { loadSql } from './load-expressions.js';
import type { StagedLayout } from './staged-table.js';
import { storedSql, type Target, type TargetColumn } from './target-table.js';

export interface LoadColumn {
  readonly column: TargetColumn;
  /** Text of the field, as SQL. */
  readonly cell: string;
  readonly value: string;
  /** A condition for a field that is no value of the column; undefined when every one is. */
  readonly isBad: string | undefined;
}

/** The staged table that a load of `target` needs. */
export function layoutOf(
  name: string,
  target: Target,
  options: CopyOptions,
  format: FileFormat,
): StagedLayout {
  if (format.type !== 'CSV') return { name, width: 1 };
  const width = target.columns.length;
  if (options.match !== 'NONE') {
    if (!formatFlag(format, 'PARSE_HEADER'))
      throw new StatementFailed(
        unsupported('MATCH_BY_COLUMN_NAME for CSV files without PARSE_HEADER = TRUE'),
      );
    const isExact = options.match === 'CASE_SENSITIVE';
    const fold = (text: string): string => (isExact ? text : text.toUpperCase());
    const places = new Map(target.columns.map(({ name: of }, at) => [fold(of), at]));
    return { name, width, placeOf: (header) => places.get(fold(header)) };
  }
  if (formatFlag(format, 'PARSE_HEADER'))
    throw new StatementFailed(
      unsupported('PARSE_HEADER = TRUE in COPY without MATCH_BY_COLUMN_NAME; use SKIP_HEADER = 1'),
    );
  if (!formatFlag(format, 'ERROR_ON_COLUMN_COUNT_MISMATCH')) return { name, width };
  return { name, width, checkWidth: (fields) => mismatch(fields, width) };
}

function mismatch(fields: number, columns: number): EngineFailure | undefined {
  if (fields === columns) return undefined;
  return failure(
    '100080',
    '22000',
    `Number of columns in file (${fields}) does not match that of the corresponding table (${columns}), use file format option error_on_column_count_mismatch=false to ignore this error`,
  );
}

/** Values for the target's columns; `names` are the keys that the files' values have. */
export function loadColumns(
  target: Target,
  options: CopyOptions,
  format: FileFormat,
  names: ReadonlySet<string>,
): readonly LoadColumn[] {
  if (format.type === 'CSV')
    return target.columns.map((column, at) => loadColumn(column, `COLUMN${at + 1}`, format));
  if (options.match === 'NONE') {
    const [only] = target.columns;
    if (target.columns.length !== 1 || only?.type !== 'JSON')
      throw new StatementFailed(
        failure(
          '002019',
          '0A000',
          `SQL compilation error:\n${format.type} file format can produce one and only one column of data type variant, object, or array. Load data into separate columns using the MATCH_BY_COLUMN_NAME copy option or copy with transformation.`,
        ),
      );
    return [{ column: only, cell: 'COLUMN1', value: 'COLUMN1', isBad: undefined }];
  }
  const isExact = options.match === 'CASE_SENSITIVE';
  return target.columns.map((column) => {
    const keys = [...names].filter((name) =>
      isExact ? name === column.name : name.toUpperCase() === column.name.toUpperCase(),
    );
    const paths = keys.map((key) => quoteDuckText(`$."${key.replaceAll('"', '\\"')}"`));
    const get = (operator: string): string =>
      paths.length === 0
        ? 'CAST(NULL AS VARCHAR)'
        : `coalesce(${paths.map((path) => `COLUMN1 ${operator} ${path}`).join(', ')}, NULL)`;
    if (column.type === 'JSON')
      return {
        column,
        cell: `CAST(${get('->')} AS VARCHAR)`,
        value: `CAST(${get('->')} AS JSON)`,
        isBad: undefined,
      };
    return loadColumn(column, get('->>'), format, countIn(get('->'), column, format));
  });
}

/**
 * Whether `value`, a part of a Parquet row's VARIANT, is a whole number in a column of dates or times, as SQL; undefined
 * where that cannot be. Nanoseconds without USE_LOGICAL_TYPE = TRUE are such numbers: Snowflake makes dates of them that nobody meant.
 */
export function countIn(
  value: string,
  { type }: TargetColumn,
  format: FileFormat,
): string | undefined {
  const isTime = type === 'DATE' || type.startsWith('TIME');
  return isTime && format.type === 'PARQUET'
    ? `json_type(${value}) IN ('BIGINT', 'UBIGINT', 'HUGEINT', 'DOUBLE')`
    : undefined;
}

function loadColumn(
  column: TargetColumn,
  cell: string,
  format: FileFormat,
  isCount?: string,
): LoadColumn {
  const value = storedSql(loadSql(cell, column.type, format, column.name), column);
  const tests = [
    ...(column.type === 'VARCHAR' ? [] : [`(${cell} IS NOT NULL AND (${value}) IS NULL)`]),
    ...(isCount === undefined ? [] : [`coalesce(${isCount}, FALSE)`]),
    ...(column.isNullable ? [] : [`(${value}) IS NULL`]),
  ];
  return {
    column,
    cell,
    value,
    isBad: tests.length === 0 ? undefined : `(${tests.join(' OR ')})`,
  };
}
