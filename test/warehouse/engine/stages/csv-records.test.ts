import { describe, expect, test } from 'vitest';
import { CsvRecords } from '../../../../warehouse/engine/stages/csv-records.js';
import { defaultFormat } from '../../../../warehouse/engine/stages/file-format.js';
import type { FormatValue } from '../../../../warehouse/engine/stages/file-format.js';

function records(text: string, values: Readonly<Record<string, FormatValue>> = {}) {
  const format = defaultFormat();
  const reader = new CsvRecords({ ...format, values: { ...format.values, ...values } });
  return [...reader.push(text, true)];
}

const fields = (text: string, values: Readonly<Record<string, FormatValue>> = {}) =>
  records(text, values).map((record) => record.damage?.message ?? record.fields);

const QUOTED = { FIELD_OPTIONALLY_ENCLOSED_BY: '"' };

describe('records of a delimited file', () => {
  test('an empty field is NULL, an empty text in quotes is an empty text', () => {
    expect(fields('1,,x\n2,"",y\n', QUOTED)).toEqual([
      ['1', null, 'x'],
      ['2', '', 'y'],
    ]);
    expect(fields('1,\n', { EMPTY_FIELD_AS_NULL: false })).toEqual([['1', '']]);
  });

  test('quotes hold delimiters, line ends and doubled quotes, and are text where none are declared', () => {
    expect(fields('"a,b","c\nd","e""f"\n', QUOTED)).toEqual([['a,b', 'c\nd', 'e"f']]);
    expect(fields('"a",b\n')).toEqual([['"a"', 'b']]);
  });

  test('\\N is NULL before its backslash is undone, other escapes give their character', () => {
    expect(fields('\\N,a\\,b,\\t\n')).toEqual([[null, 'a,b', '\t']]);
    expect(fields('\\N,a\\b\n', { ESCAPE_UNENCLOSED_FIELD: null })).toEqual([[null, 'a\\b']]);
  });

  test('NULL_IF, TRIM_SPACE, other delimiters and Windows line ends are honoured', () => {
    expect(fields('NA|1\r\nx|NA', { FIELD_DELIMITER: '|', NULL_IF: ['NA'] })).toEqual([
      [null, '1'],
      ['x', null],
    ]);
    expect(fields(' a , "b" \n', { ...QUOTED, TRIM_SPACE: true })).toEqual([['a', 'b']]);
    expect(fields('a;b::c;d::', { FIELD_DELIMITER: ';', RECORD_DELIMITER: '::' })).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
  });

  test('a blank line is a record of one NULL unless SKIP_BLANK_LINES', () => {
    expect(fields('a\n\nb\n')).toEqual([['a'], [null], ['b']]);
    expect(fields('a\n\nb\n', { SKIP_BLANK_LINES: true })).toEqual([['a'], ['b']]);
  });

  test('a record with text after a closing quote is damaged and the next one is read', () => {
    const [first, second] = records('"a"x,b\nc,d\n', QUOTED);
    expect(first?.damage).toMatchObject({ code: '100016' });
    expect(first?.character).toBe(4);
    expect(second).toMatchObject({ line: 2, fields: ['c', 'd'] });
  });

  test('a quote without an end damages the last record only', () => {
    expect(fields('a,b\n"c,d\n', QUOTED)).toEqual([
      ['a', 'b'],
      'End of record reached while expected to find a closing quote',
    ]);
  });

  test('records know the line they start at', () => {
    expect(records('"a\nb",1\nc,2\n', QUOTED).map(({ line }) => line)).toEqual([1, 3]);
  });
});
