/** Column description of a result (`rowtype`), with every field some driver requires. */
export interface RowType {
  readonly name: string;
  /** Lower case: `fixed`, `real`, `text`, `date`, `time`, `timestamp_ntz|ltz|tz`, `boolean`, `binary`, `variant`, `object`, `array`. */
  readonly type: string;
  readonly nullable: boolean;
  readonly length: number | null;
  readonly byteLength: number | null;
  readonly precision: number | null;
  readonly scale: number | null;
  readonly database: string;
  readonly schema: string;
  readonly table: string;
  readonly collation: null;
}

const TEXT_LENGTH_MAX = 16_777_216;

/** A column of `type` with the lengths Snowflake reports when none is declared. */
export function columnType(
  name: string,
  type: string,
  size: { readonly precision?: number; readonly scale?: number; readonly length?: number } = {},
): RowType {
  const text = type === 'text' || type === 'variant' || type === 'object' || type === 'array';
  const time = type === 'time' || type.startsWith('timestamp');
  const length = text
    ? (size.length ?? TEXT_LENGTH_MAX)
    : type === 'binary'
      ? (size.length ?? 8_388_608)
      : null;
  return {
    name,
    type,
    nullable: true,
    length,
    byteLength: length,
    precision: type === 'fixed' ? (size.precision ?? 38) : time ? 0 : null,
    scale: type === 'fixed' ? (size.scale ?? 0) : time ? (size.scale ?? 9) : null,
    database: '',
    schema: '',
    table: '',
    collation: null,
  };
}

/** A cell of the JSON result format: text or null, never a JSON number or boolean. */
export type Cell = string | null;
