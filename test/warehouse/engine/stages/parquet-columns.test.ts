import { describe, expect, test } from 'vitest';
import { defaultFormat, type FileFormat } from '../../../../warehouse/engine/stages/file-format.js';
import {
  commonType,
  inferredType,
  rowSql,
  type ParquetColumn,
} from '../../../../warehouse/engine/stages/parquet-columns.js';

function aColumn(duckType: string, more: Partial<ParquetColumn> = {}): ParquetColumn {
  const own = { name: 'C', duckName: 'C', isNullable: true, isNanoseconds: false };
  return { ...own, duckType, isUntyped: false, ...more };
}

const plain = defaultFormat('PARQUET');
const formatWith = (values: FileFormat['values']): FileFormat => ({
  ...plain,
  values: { ...plain.values, ...values },
});
const logical = formatWith({ USE_LOGICAL_TYPE: true });

describe('the type of a column', () => {
  test.each([
    ['TINYINT', 'NUMBER(38, 0)'],
    ['UBIGINT', 'NUMBER(38, 0)'],
    ['DECIMAL(22,2)', 'NUMBER(22, 2)'],
    ['FLOAT', 'REAL'],
    ['VARCHAR', 'TEXT'],
    ['BLOB', 'BINARY'],
    ['DATE', 'DATE'],
    ['TIMESTAMP', 'TIMESTAMP_NTZ'],
    ['TIMESTAMP WITH TIME ZONE', 'TIMESTAMP_LTZ'],
    ['BIGINT[]', 'VARIANT'],
    ['STRUCT(a INTEGER)', 'VARIANT'],
  ])('%s is told as %s', (duckType, type) => {
    expect(inferredType(aColumn(duckType), plain)).toBe(type);
  });

  test('nanoseconds are numbers for a format that does not look at logical types', () => {
    const column = aColumn('TIMESTAMP_NS', { isNanoseconds: true });
    expect(inferredType(column, plain)).toBe('NUMBER(38, 0)');
    expect(inferredType(column, logical)).toBe('TIMESTAMP_NTZ');
  });

  test('a column of nothing but NULL has none, and takes that of another file', () => {
    expect(inferredType(aColumn('INTEGER', { isUntyped: true }), plain)).toBeNull();
    expect(commonType('C', null, 'TEXT')).toBe('TEXT');
    expect(commonType('C', null, null)).toBeNull();
  });

  test.each([
    ['NUMBER(38, 0)', 'REAL', 'REAL'],
    ['NUMBER(5, 2)', 'NUMBER(4, 0)', 'NUMBER(6, 2)'],
    ['NUMBER(38, 0)', 'NUMBER(38, 10)', 'NUMBER(38, 10)'],
    ['TEXT', 'TEXT', 'TEXT'],
  ])('of %s and %s together it is %s', (a, b, common) => {
    expect(commonType('C', a, b)).toBe(common);
    expect(commonType('C', b, a)).toBe(common);
  });

  test('files that say different things are refused by the name of the column', () => {
    expect(() => commonType('C', 'TEXT', 'DATE')).toThrow(/column C: TEXT and DATE/);
  });
});

describe('the value of a row', () => {
  test('has the names of the file, whatever DuckDB calls them', () => {
    const column = aColumn('BIGINT', { name: "a'b", duckName: 'A_1' });
    expect(rowSql([column], plain)).toBe(`json_object('a''b', "A_1")`);
  });

  test('has bytes as a text or as hexadecimal digits, as the format says', () => {
    expect(rowSql([aColumn('BLOB')], plain)).toContain('decode("C")');
    expect(rowSql([aColumn('BLOB')], formatWith({ BINARY_AS_TEXT: false }))).toContain('hex("C")');
  });

  test.each(['BLOB[]', 'STRUCT(a TIMESTAMP_NS)'])('is refused for %s', (duckType) => {
    expect(() => rowSql([aColumn(duckType)], plain)).toThrow(/nested Parquet column C/);
  });
});
