import { describe, expect, test } from 'vitest';
import { CsvRecords, delimiterOf } from '../../../cli/usage-files/csv-records.js';

function read(...pieces: readonly string[]): readonly (readonly string[])[] {
  const records = new CsvRecords(',');
  const ended = pieces.flatMap((piece) => records.push(piece));
  records.end();
  return ended;
}

describe('records of a CSV', () => {
  const TEXT = 'A,B\r\n1,"two, ""and"" \n three"\n\n"",x\n';
  const RECORDS = [
    ['A', 'B'],
    ['1', 'two, "and" \n three'],
    ['', 'x'],
  ];

  test('are the same wherever the text is cut', () => {
    expect(read(TEXT)).toEqual(RECORDS);
    expect(read(...TEXT.split(''))).toEqual(RECORDS);
    for (let at = 0; at <= TEXT.length; at += 1)
      expect(read(TEXT.slice(0, at), TEXT.slice(at))).toEqual(RECORDS);
  });

  test.each([
    ['A\n"1', 'ends inside of a quoted text'],
    ['A,B\n1,2', 'has no end of line'],
    ['A,B\n1,', 'has no end of line'],
    ['A\n"1"2\n', 'field 1 goes on after its closing quote'],
  ])('%j is refused', (text, why) => {
    expect(() => read(text)).toThrow(why);
  });

  test('the delimiter is the one that parts the first line most', () => {
    expect(delimiterOf('A,B,C\n1;2;3;4;5')).toBe(',');
    expect(delimiterOf('A;B;"C,D"\n')).toBe(';');
    expect(delimiterOf('A\tB\n')).toBe('\t');
    expect(delimiterOf('A\n')).toBe(',');
  });
});
