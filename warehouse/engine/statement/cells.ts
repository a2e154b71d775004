/** DuckDB's types as the wire's types, and the SQL that turns a value into a cell's text. */
import {
  DuckDBTypeId,
  type DuckDBDecimalType,
  type DuckDBStructType,
  type DuckDBType,
} from '@duckdb/node-api';
import { CAPPED_SCALE_MAX, WHOLE_DIGITS } from '../values/type-rules.js';
import { columnType, type RowType } from '#base/wire/row-type.js';

/** Texts of DuckDB that are JSON, by the alias of their type. */
const WIRE_TYPES: Readonly<Record<string, 'variant' | 'object' | 'array'>> = {
  JSON: 'variant',
  OBJECT: 'object',
  ARRAY: 'array',
};

/** Whether values of `type` are VARIANTs, OBJECTs or ARRAYs as this warehouse keeps them. */
export function isVariantType(type: DuckDBType): boolean {
  return type.typeId === DuckDBTypeId.VARCHAR && Object.hasOwn(WIRE_TYPES, type.alias ?? '');
}

/** The wire's description of a result column of DuckDB type `type`. */
export function rowTypeOf(name: string, type: DuckDBType): RowType {
  switch (type.typeId) {
    case DuckDBTypeId.BOOLEAN:
      return columnType(name, 'boolean');
    case DuckDBTypeId.TINYINT:
    case DuckDBTypeId.SMALLINT:
    case DuckDBTypeId.INTEGER:
    case DuckDBTypeId.BIGINT:
    case DuckDBTypeId.HUGEINT:
    case DuckDBTypeId.UTINYINT:
    case DuckDBTypeId.USMALLINT:
    case DuckDBTypeId.UINTEGER:
    case DuckDBTypeId.UBIGINT:
    case DuckDBTypeId.UHUGEINT:
    case DuckDBTypeId.BIGNUM:
      return columnType(name, 'fixed', { precision: 38, scale: 0 });
    case DuckDBTypeId.DECIMAL: {
      const { width, scale } = type as DuckDBDecimalType;
      // What is computed, and NUMBER of more digits than are kept, is as wide as Snowflake's numbers get.
      const isWide = scale <= CAPPED_SCALE_MAX && width - scale === WHOLE_DIGITS;
      return columnType(name, 'fixed', { precision: isWide ? 38 : width, scale });
    }
    case DuckDBTypeId.FLOAT:
    case DuckDBTypeId.DOUBLE:
      return columnType(name, 'real');
    case DuckDBTypeId.DATE:
      return columnType(name, 'date');
    case DuckDBTypeId.TIME:
    case DuckDBTypeId.TIME_NS:
    case DuckDBTypeId.TIME_TZ:
      return columnType(name, 'time');
    case DuckDBTypeId.TIMESTAMP:
    case DuckDBTypeId.TIMESTAMP_S:
    case DuckDBTypeId.TIMESTAMP_MS:
    case DuckDBTypeId.TIMESTAMP_NS:
      return columnType(name, 'timestamp_ntz');
    case DuckDBTypeId.TIMESTAMP_TZ:
      return columnType(name, 'timestamp_ltz');
    case DuckDBTypeId.BLOB:
    case DuckDBTypeId.BIT:
      return columnType(name, 'binary');
    case DuckDBTypeId.LIST:
    case DuckDBTypeId.ARRAY:
      return columnType(name, 'array');
    case DuckDBTypeId.STRUCT:
      return columnType(name, isZoned(type as DuckDBStructType) ? 'timestamp_tz' : 'object');
    case DuckDBTypeId.MAP:
    case DuckDBTypeId.UNION:
      return columnType(name, 'object');
    case DuckDBTypeId.VARCHAR:
    case DuckDBTypeId.INTERVAL:
    case DuckDBTypeId.ENUM:
    case DuckDBTypeId.UUID:
    case DuckDBTypeId.ANY:
    case DuckDBTypeId.SQLNULL:
    case DuckDBTypeId.STRING_LITERAL:
    case DuckDBTypeId.INTEGER_LITERAL:
    case DuckDBTypeId.GEOMETRY:
    case DuckDBTypeId.VARIANT:
      return columnType(name, WIRE_TYPES[type.alias ?? ''] ?? 'text');
  }
}

/** What the wire adds to an offset in minutes east of UTC, so that none is negative. */
const UTC_MINUTES = 1440;

/** An instant with its offset, as the macro tg_zoned makes it. */
function isZoned(type: DuckDBStructType): boolean {
  return type.entryNames.join() === 'tg_instant,tg_offset';
}

/** SQL for the cell of `column`, an expression of DuckDB type `type`: the texts of the JSON result format. */
export function cellSql(column: string, type: DuckDBType): string {
  switch (rowTypeOf('', type).type) {
    case 'boolean':
      return `${column}::TINYINT::VARCHAR`;
    case 'real':
      return `CASE WHEN isnan(${column}) THEN 'NaN' WHEN isinf(${column}) THEN CASE WHEN ${column} > 0 THEN 'inf' ELSE '-inf' END
        WHEN abs(${column}) < 1e15 AND ${column} = trunc(${column}) THEN ${column}::BIGINT::VARCHAR ELSE ${column}::VARCHAR END`;
    case 'date':
      return `(${column} - DATE '1970-01-01')::VARCHAR`;
    case 'time':
      return (
        `concat(epoch_us(${column}::TIME)::DECIMAL(20,0) * 0.000001::DECIMAL(7,6), '000')`.replace(
          /^/,
          `CASE WHEN ${column} IS NOT NULL THEN `,
        ) + ' END'
      );
    case 'timestamp_ntz':
      return timestampCell(`${column}::TIMESTAMP`, column);
    case 'timestamp_ltz':
      return timestampCell(column, column);
    case 'timestamp_tz':
      return `${timestampCell(`${column}.tg_instant`, column)} || ' ' || (${column}.tg_offset + ${UTC_MINUTES})`;
    case 'binary':
      return `hex(${column}::BLOB)`;
    case 'array':
    case 'object':
    case 'variant':
      return type.typeId === DuckDBTypeId.VARCHAR
        ? `tg_variant_cell(${column}::VARCHAR)`
        : `tg_variant_cell(tg_variant_of(${column})::VARCHAR)`;
    default:
      return `${column}::VARCHAR`;
  }
}

function timestampCell(value: string, column: string): string {
  return `CASE WHEN ${column} IS NOT NULL THEN concat(epoch_us(${value})::DECIMAL(20,0) * 0.000001::DECIMAL(7,6), '000') END`;
}

/** Digits that fit into 64 bits whatever they are. */
const LONG_DIGITS = 18;

/**
 * Columns whose cells are measured: numbers whose type allows more than 64 bits. Most hold small values, and the
 * widest one decides how they travel in Arrow.
 */
export function measuredColumns(types: readonly DuckDBType[]): readonly number[] {
  return types.flatMap((type, index) => {
    const { type: name, precision } = rowTypeOf('', type);
    return name === 'fixed' && (precision ?? 0) > LONG_DIGITS ? [index] : [];
  });
}

/** SELECT of each row of `sql` as a JSON array of cells, and of the length of each measured cell. */
export function rowsSql(sql: string, types: readonly DuckDBType[]): string {
  const names = types.map((_, index) => `c${index}`);
  const cells = types.map((type, index) => cellSql(`c${index}`, type));
  const lengths = measuredColumns(types).map(
    (index) => `, coalesce(strlen(${cells[index] ?? ''}), 0)::INTEGER`,
  );
  return `SELECT to_json([${cells.join(', ')}])::VARCHAR${lengths.join('')} FROM (${sql}\n) AS q(${names.join(', ')})`;
}
