import fc from 'fast-check';
import { expect, test } from 'vitest';
import { csvField, csvRecord } from '../../base/csv.js';
import { csvRecords } from '../support/csv-reader.js';

test('criterion 22: what a spreadsheet would run is shown instead', () => {
  for (const text of ['=1+1', '+A1', '-A1', '@SUM(A1)', '|calc', '%x', '＝1+1', ' =1+1', '\t=1'])
    expect(csvField(text), text).toContain("'");
  for (const text of ['-1.5', '0', '12.000', 'a=b', '', 'x-y']) expect(csvField(text)).toBe(text);
});

test('quotes, commas and line ends stay inside their field', () => {
  expect(csvRecord(['a"b', 'c,d', 'e\r\nf', 'g'])).toBe('"a""b","c,d","e\r\nf",g\r\n');
});

test('criterion 22: a reader of RFC 4180 gets back what was written, but for the apostrophe', () => {
  const field = fc.string({
    unit: fc.constantFrom(...'a b , " \r \n \' = + - @ 日 1 .'.split(' ')),
  });
  fc.assert(
    fc.property(fc.array(field, { minLength: 2, maxLength: 6 }), (fields) => {
      const [record] = csvRecords(csvRecord(fields));
      expect(record?.map((text) => text.replace(/^'/, ''))).toEqual(
        fields.map((text) => text.replace(/^'/, '')),
      );
    }),
  );
});
