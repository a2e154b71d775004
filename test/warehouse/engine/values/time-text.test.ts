import { describe, expect, test } from 'vitest';
import { timeElements } from '../../../../warehouse/engine/values/time-format.js';
import { fieldsOf, epochFields } from '../../../../warehouse/engine/values/time-fields.js';
import {
  formatReader,
  printTime,
  readAuto,
} from '../../../../warehouse/engine/values/time-text.js';
import { readTime } from '../../../../warehouse/engine/scalars/formats.js';

describe('AUTO', () => {
  test.each([
    ['2024-03-05', '2024-03-05 00:00:00.000000'],
    ['2024-3-5 1:2:3.5', '2024-03-05 01:02:03.500000'],
    ['2024-03-05T10', '2024-03-05 10:00:00.000000'],
    ['2024-03-05 10:11:12 +05:30', '2024-03-05 10:11:12.000000+05:30'],
    ['2024-03-05 10:11Z', '2024-03-05 10:11:00.000000+00:00'],
    ['05-MAR-2024', '2024-03-05 00:00:00.000000'],
    ['3/5/2024 10:11:12', '2024-03-05 10:11:12.000000'],
    ['Tue Mar 05 10:11:12 -0800 2024', '2024-03-05 10:11:12.000000-08:00'],
    ['Tue, 05 Mar 2024 10:11:12 PM -0800', '2024-03-05 22:11:12.000000-08:00'],
  ])('%s is read', (text, iso) => {
    expect(readTime(text, 'AUTO', 'ZONED', false)).toBe(iso);
  });

  test.each([
    '2024-02-30',
    '2024-13-01',
    '24-01-01',
    '2024-01-01 24:00',
    'Mon, 05 Mar 2024 10:11:12',
    '',
  ])('%j is no point in time', (text) => {
    expect(readAuto(text, false)).toBeUndefined();
    expect(readTime(text, 'AUTO', 'NTZ', true)).toBeNull();
  });

  test('a whole number counts seconds, milliseconds, microseconds or nanoseconds by its size', () => {
    const expected = fieldsOf(1_700_000_000_000_000_000n);
    expect(expected?.year).toBe(2023);
    for (const digits of ['', '000', '000000', '000000000'])
      expect(epochFields(BigInt(`1700000000${digits}`))).toEqual(expected);
  });

  test('digits beyond the microsecond are refused, not cut', () => {
    expect(() => readTime('2024-01-01 00:00:00.1234567', 'AUTO', 'NTZ', false)).toThrow(
      'beyond the sixth',
    );
    expect(readTime('2024-01-01 00:00:00.123456000', 'AUTO', 'NTZ', false)).toBe(
      '2024-01-01 00:00:00.123456',
    );
  });
});

describe('formats', () => {
  test.each([
    ['20240305', 'YYYYMMDD', '2024-03-05'],
    ['5.3.24', 'DD.MM.YY', '2024-03-05'],
    ['March 5 1999', 'MMMM DD YYYY', '1999-03-05'],
  ])('%s is read by %s', (text, format, date) => {
    expect(readTime(text, format, 'DATE', false)).toBe(date);
  });

  test('a format that names a field twice, or an unknown element, has no reader', () => {
    expect(formatReader(timeElements('YYYY YYYY') ?? [])).toBeUndefined();
    expect(timeElements('YYYY-Q')).toBeUndefined();
  });

  test('what is printed is read back', () => {
    const format = timeElements('DY, DD MON YYYY HH12:MI:SS.FF6 AM TZH:TZM') ?? [];
    for (const nanos of [0n, 1_709_647_509_123_456_000n, -1_000n]) {
      const fields = fieldsOf(nanos);
      expect(fields).toBeDefined();
      if (fields === undefined) continue;
      const zoned = { ...fields, offsetMinutes: -210 };
      expect(formatReader(format)?.(printTime(format, zoned))).toEqual(zoned);
    }
  });
});
