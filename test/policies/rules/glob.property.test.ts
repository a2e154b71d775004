import fc from 'fast-check';
import { expect, test } from 'vitest';
import { foldName, matchesGlob } from '#policies/rules/glob.js';

test('a pattern matches what the same pattern as a regular expression matches', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 8 });
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '?'), maxLength: 8 });
  fc.assert(
    fc.property(text, pattern, (value, glob) => {
      const expression = glob.replace(
        /[.*?]/g,
        (c) => ({ '.': '\\.', '*': '.*', '?': '.' })[c] ?? c,
      );
      expect(matchesGlob(value, glob)).toBe(new RegExp(`^${expression}$`, 's').test(value));
    }),
    { numRuns: 2_000 },
  );
});

test('a pattern made to explode is answered at once', () => {
  expect(matchesGlob('a'.repeat(2_000), `${'*a'.repeat(50)}*b`)).toBe(false);
});

test('folding changes ASCII letters only', () => {
  expect(foldName('data-science_analyst ıß')).toBe('DATA-SCIENCE_ANALYST ıß');
});
