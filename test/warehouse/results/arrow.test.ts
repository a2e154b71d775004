import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { columnType } from '#base/wire/row-type.js';
import type { Cell, RowType } from '#base/wire/row-type.js';
import { columnsOfPages, columnsOfRows } from '../../../warehouse/results/arrow/physical.js';
import { arrowStream } from '../../../warehouse/results/arrow/stream.js';
import { readArrow } from './arrow-reader.js';
import type { ReadStream } from './arrow-reader.js';

const whole = columnType('N', 'fixed', { precision: 38, scale: 0 });

const readRows = (columns: readonly RowType[], rows: readonly (readonly Cell[])[]): ReadStream =>
  readArrow(arrowStream(columnsOfRows(columns, rows), rows));

const typeOf = (column: RowType, ...cells: readonly Cell[]): string =>
  readRows(
    [column],
    cells.map((cell) => [cell]),
  ).fields[0]?.type ?? '';

describe('an Arrow stream', () => {
  test('is the bytes that pyarrow has read and validated', () => {
    const columns = [whole, columnType('T', 'text'), columnType('Z', 'timestamp_tz')];
    const rows = [
      ['7', 'grüße', '-0.500000000 1560'],
      [null, null, null],
    ];
    const stream = arrowStream(columnsOfRows(columns, rows), rows);
    expect(stream.length).toBe(1936);
    expect(createHash('sha256').update(stream).digest('hex')).toBe(
      'f0c9e1cd6cee5f58c742e7f452fca46f699cbd11f6aa8aa5baa5bd094b68c3ab',
    );
  });

  test('has numbers as narrow as their widest cell', () => {
    expect(typeOf(whole, '-9', '12', null)).toBe('int8');
    expect(typeOf(whole, '-128')).toBe('int16');
    expect(typeOf(whole, '123456789')).toBe('int32');
    expect(typeOf(whole, '9007199254740993')).toBe('int64');
    expect(typeOf(whole, '9'.repeat(38))).toBe('decimal38');
    expect(typeOf(columnType('P', 'fixed', { precision: 12, scale: 2 }), '-0.05')).toBe('int32');
  });

  test('of one page of many has the width of the whole result, or what its precision allows', () => {
    const width = (column: RowType, widths?: readonly number[]): string =>
      readArrow(arrowStream(columnsOfPages([column], widths), [['1']])).fields[0]?.type ?? '';
    expect(width(whole, [9])).toBe('int32');
    expect(width(whole, [19])).toBe('decimal38');
    expect(width(whole)).toBe('decimal38');
    expect(width(columnType('P', 'fixed', { precision: 9, scale: 0 }), [0])).toBe('int32');
  });

  test('names logical types, precisions and lengths as the drivers require', () => {
    const columns = [
      columnType('N', 'fixed', { precision: 12, scale: 2 }),
      columnType('T', 'text'),
      columnType('Z', 'timestamp_tz'),
    ];
    const { fields } = readRows(columns, [['1.50', 'x', '-0.500000000 1560']]);
    expect(fields.map(({ metadata }) => metadata)).toEqual([
      {
        logicalType: 'FIXED',
        precision: '12',
        scale: '2',
        charLength: '0',
        byteLength: '0',
        finalType: 'T',
      },
      {
        logicalType: 'TEXT',
        precision: '0',
        scale: '0',
        charLength: '16777216',
        byteLength: '16777216',
        finalType: 'T',
      },
      // Eight bytes would mean a struct of two.
      {
        logicalType: 'TIMESTAMP_TZ',
        precision: '0',
        scale: '9',
        charLength: '0',
        byteLength: '16',
        finalType: 'T',
      },
    ]);
    expect(fields[2]?.children.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'epoch int64',
      'fraction int32',
      'timezone int32',
    ]);
  });

  test('has half a second before the epoch as the second before it and half a second', () => {
    const { rows } = readRows(
      [columnType('T', 'timestamp_ntz')],
      [['-0.500000000'], ['-1'], ['1772368496.789123456']],
    );
    expect(rows).toEqual([['-0.500000000'], ['-1.000000000'], ['1772368496.789123456']]);
  });

  test('refuses a cell that is not of its column, and a type that Arrow clients do not know', () => {
    expect(() => readRows([whole], [['1.5']])).toThrow('a cell with more decimals');
    expect(() => readRows([whole], [['many']])).toThrow(SyntaxError);
    expect(() => readRows([columnType('G', 'geography')], [['x']])).toThrow('of type geography');
  });
});
