import fc from 'fast-check';
import { expect, test } from 'vitest';
import { withoutPasswords } from '../../../warehouse/identity/redaction.js';
import { likePattern } from '../../../warehouse/metadata/show-clauses.js';

/** LIKE by its definition, character by character; no escapes. */
function isLike(pattern: string, text: string): boolean {
  const [first] = pattern;
  if (first === undefined) return text === '';
  const rest = pattern.slice(1);
  if (first === '%') return isLike(rest, text) || (text !== '' && isLike(pattern, text.slice(1)));
  if (text === '') return false;
  const isSame = first === '_' || first.toUpperCase() === text.charAt(0).toUpperCase();
  return isSame && isLike(rest, text.slice(1));
}

const letters = fc.string({
  unit: fc.constantFrom('a', 'A', 'b', '.', '*', '(', '$'),
  maxLength: 6,
});
const patterns = fc.string({
  unit: fc.constantFrom('a', 'A', 'b', '.', '*', '(', '$', '%', '_'),
  maxLength: 6,
});

test('LIKE of SHOW is LIKE by its definition', () => {
  fc.assert(
    fc.property(patterns, letters, (pattern, text) => {
      expect(likePattern(pattern).test(text)).toBe(isLike(pattern, text));
    }),
  );
});

test('an escaped pattern matches its own text and nothing else', () => {
  fc.assert(
    fc.property(patterns, patterns, (name, other) => {
      const pattern = likePattern(name.replace(/[%_]/g, '\\$&'));
      expect(pattern.test(name)).toBe(true);
      expect(pattern.test(other)).toBe(name.toUpperCase() === other.toUpperCase());
    }),
  );
});

test('hiding passwords twice hides no more than once, and any text can be given', () => {
  const part = fc.constantFrom(
    'PASSWORD',
    '=',
    ' ',
    "'x'",
    "'",
    '"',
    '/*',
    '*/',
    '--',
    '\n',
    '$$',
    ';',
    'a',
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const once = withoutPasswords(parts.join(''));
      expect(withoutPasswords(once)).toBe(once);
    }),
  );
});
