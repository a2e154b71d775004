import { describe, expect, test } from 'vitest';
import { jsonValues } from '../../../../warehouse/engine/stages/json-values.js';

const texts = (text: string, isStripped = false) =>
  [...jsonValues(text, isStripped)].map(({ text: value, damage }) => damage?.code ?? value);

describe('values of a JSON file', () => {
  test('come one after the other and keep every digit', () => {
    expect(texts('{"a":12345678901234567890}\n{"b":[1,{"c":"}"}]}  7 "x" null')).toEqual([
      '{"a":12345678901234567890}',
      '{"b":[1,{"c":"}"}]}',
      '7',
      '"x"',
      'null',
    ]);
  });

  test('an outer array is one value, or its values when it is stripped', () => {
    expect(texts('[{"a":1},{"a":2}]')).toEqual(['[{"a":1},{"a":2}]']);
    expect(texts(' [ {"a":1} , [2] ]\n[3]', true)).toEqual(['{"a":1}', '[2]', '3']);
  });

  test('keys and lines are told, and what is not JSON ends the file', () => {
    const [first, second, ...rest] = [...jsonValues('{"a":1,"b":2}\n\n{"c":}\n{"d":1}', false)];
    expect(first).toMatchObject({ line: 1, keys: ['a', 'b'] });
    expect(second).toMatchObject({ line: 3, damage: { code: '100069' } });
    expect(rest).toEqual([]);
  });
});
