import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  fromStored,
  parseJson,
  printed,
  toStored,
  typeName,
  VariantNumber,
  VariantTyped,
  type Variant,
} from '../../../../warehouse/engine/scalars/variant.js';

const variant: fc.Arbitrary<Variant> = fc.letrec<{ value: Variant }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<Variant>(null, true, false, new VariantTyped('DATE', '2024-02-29')),
    fc.string({ unit: 'grapheme' }),
    fc
      .bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n })
      .map((value) => VariantNumber.of(String(value))),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => VariantNumber.double(value)),
    fc.array(fc.option(tie('value'), { nil: undefined }), { maxLength: 4 }),
    fc
      .array(fc.tuple(fc.string({ unit: 'grapheme' }), tie('value')), { maxLength: 4 })
      .map((entries) => new Map(entries)),
  ),
})).value;

test('what is stored is read back as it was, NULL elements and dates too', () => {
  fc.assert(
    fc.property(variant, (value) => {
      expect(toStored(fromStored(toStored(value)))).toBe(toStored(value));
      expect(typeName(fromStored(toStored(value)))).toBe(typeName(value));
    }),
  );
});

test('PARSE_JSON keeps every value, and reads its own cells', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 3 }), (text) => {
      const value = parseJson(text);
      expect(JSON.parse(toStored(value))).toEqual(JSON.parse(text, unsignedZero));
      const shown = printed(value, 'cell');
      // Sixteen digits of the largest numbers may round to one that is too large.
      fc.pre(!shown.includes('e+308'));
      expect(printed(parseJson(shown), 'cell')).toBe(shown);
    }),
    { examples: [['{"":{"-0":0}}'], ['["-0", -0]']] },
  );
});

/** Snowflake's numbers have no zero below zero; a name or a text that looks like one stays. */
function unsignedZero(_name: string, value: unknown): unknown {
  return value === 0 ? 0 : value;
}

test.each([
  ['1.50', '1.5'],
  ['-0', '0'],
  ['100', '100'],
  ['0.001', '0.001'],
  ['1e3', '1.000000000000000e+03'],
  ['-2.5e-7', '-2.500000000000000e-07'],
  ['123456789012345678901234567890123456789', '1.234567890123457e+38'],
])('the number %s is printed as %s', (text, expected) => {
  expect(printed(parseJson(text), 'compact')).toBe(expected);
});
