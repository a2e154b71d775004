import type { RowType } from '#base/wire/row-type.js';

/** The type of a result's column as DESCRIBE prints it: `NUMBER(38,0)`, `VARCHAR(16777216)`, `TIMESTAMP_NTZ(9)`, … */
export function snowflakeTypeText(column: RowType): string {
  const { type, length, precision, scale } = column;
  switch (type) {
    case 'fixed':
      return `NUMBER(${precision ?? 38},${scale ?? 0})`;
    case 'text':
      return `VARCHAR(${length ?? 16_777_216})`;
    case 'binary':
      return `BINARY(${length ?? 8_388_608})`;
    case 'real':
      return 'FLOAT';
    case 'time':
    case 'timestamp_ntz':
    case 'timestamp_ltz':
    case 'timestamp_tz':
      return `${type.toUpperCase()}(${scale ?? 9})`;
    default:
      return type.toUpperCase();
  }
}
