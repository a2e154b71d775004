import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readJsonBody } from '../../admin/json-body.js';

const names = fc.constantFrom('a', 'b', '"', '\\', '{"a":', ',', '[', 'é');
/** Values whose texts look like structure. */
const values: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, 0, -1.5),
    fc.array(names).map((parts) => parts.join('')),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(names, tie('value'), { maxKeys: 3 }),
  ),
})).value;

test('what JSON.stringify writes is read as it was', () => {
  fc.assert(
    fc.property(values, fc.constantFrom(0, 2), (value, spaces) => {
      const text = JSON.stringify(value, null, spaces);
      expect(readJsonBody(text)).toEqual({ ok: true, value: JSON.parse(text) as unknown });
    }),
    { seed: 4, numRuns: 1000 },
  );
});

test('a name that stands twice is found wherever its object stands', () => {
  fc.assert(
    fc.property(values, values, names, fc.nat({ max: 3 }), (first, second, name, depth) => {
      const [key, a, b] = [name, first, second].map((each) => JSON.stringify(each));
      const twice = `{${key}:${a},"other":${b},${key}:${b}}`;
      const text = `${'[1,{"z":'.repeat(depth)}${twice}${'}]'.repeat(depth)}`;
      expect(readJsonBody(text)).toMatchObject({ ok: false, field: name });
    }),
    { seed: 4, numRuns: 1000 },
  );
});
