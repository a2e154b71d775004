import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sliceAt } from '../../../../warehouse/engine/scalars/slice.js';

/** What JavaScript finds by the same path. */
function walked(value: unknown, steps: readonly (string | number)[]): unknown {
  return steps.reduce<unknown>((at, step) => {
    if (typeof step === 'number') return Array.isArray(at) ? (at as unknown[])[step] : undefined;
    const isObject = typeof at === 'object' && at !== null && !Array.isArray(at);
    return isObject && Object.hasOwn(at, step) ? Reflect.get(at, step) : undefined;
  }, value);
}

test('a path finds in the text what it finds in the value', () => {
  let found = 0;
  const key = fc.constantFrom('a', 'b', 'a"b', 'é', '\\');
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom<unknown>(null, true, 1.5, '', 'x,]}"\\', -2),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(key, tie('any'), { maxKeys: 3 }),
    ),
  })).any;
  const path = fc.array(fc.oneof(key, fc.nat({ max: 2 })), { maxLength: 3 });
  fc.assert(
    fc.property(value, path, fc.constantFrom(0, 2), (whole, steps, indent) => {
      const expected = walked(whole, steps);
      const slice = sliceAt(JSON.stringify(whole, null, indent), steps);
      expect(slice === undefined ? undefined : JSON.parse(slice)).toEqual(expected);
      if (steps.length > 0 && expected !== undefined) found += 1;
    }),
    { numRuns: 3000, seed: 7 },
  );
  expect(found).toBeGreaterThan(50);
});
