import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Regex } from '../../../../warehouse/engine/scalars/regex.js';

const OPTIONS = { ignoresCase: false, isMultiLine: false, dotMatchesAll: false };

/** Patterns that JavaScript reads as POSIX does, but for which of several matches it takes. */
const pattern = fc.letrec<{ whole: string }>((tie) => ({
  whole: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom('a', 'b', '.', '[ab]', '[^a]'),
    fc.tuple(tie('whole'), tie('whole')).map(([left, right]) => `${left}${right}`),
    fc.tuple(tie('whole'), tie('whole')).map(([left, right]) => `(${left}|${right})`),
    fc
      .tuple(tie('whole'), fc.constantFrom('*', '+', '?', '{2}', '{1,2}'))
      .map(([inner, mark]) => `(${inner})${mark}`),
  ),
})).whole;
const subject = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 8 });

/** The first start from which anything matches, and the last end that does. */
function leftmostLongest(source: string, text: string): readonly [number, number] | undefined {
  const whole = new RegExp(`^(?:${source})$`, 'su');
  for (let from = 0; from <= text.length; from += 1)
    for (let to = text.length; to >= from; to -= 1)
      if (whole.test(text.slice(from, to))) return [from, to];
  return undefined;
}

function pointsOf(text: string): readonly number[] {
  return Array.from(text, (character) => character.codePointAt(0) ?? 0);
}

test('a match is the leftmost, and the longest of those', () => {
  let found = 0;
  fc.assert(
    fc.property(pattern, subject, (source, text) => {
      const match = new Regex(source, OPTIONS).match(pointsOf(text), 0, false);
      const expected = leftmostLongest(source, text);
      expect(match?.slice(0, 2)).toEqual(expected);
      if (expected !== undefined) found += 1;
    }),
    { numRuns: 1500 },
  );
  expect(found).toBeGreaterThan(500);
});

test('a pattern that makes a backtracking matcher explode takes linear time', () => {
  const regex = new Regex('(a*)*b', OPTIONS);
  expect(regex.match(pointsOf('a'.repeat(20_000)), 0, true)).toBeUndefined();
});
