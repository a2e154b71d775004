import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isSignificant, lex, nextSignificant, startAt, textAt } from '../../../base/sql/lexer.js';

const PIECES = [
  'select',
  'FROM',
  '"q""x"',
  "'a''b'",
  "'\\''",
  '$$',
  '$1',
  '$v',
  ':1',
  ':n',
  '?',
  '::',
  ':',
  '.',
  '.5',
  '1e3',
  '--',
  '//',
  '/*',
  '*/',
  '\n',
  '\r',
  ' ',
  ';',
  '@s/a',
  '@"s"/b',
  'put',
  'get',
  'file:///x/*',
  '(',
  ')',
  ',',
  '"',
  "'",
  '​',
  '﻿',
  'é',
  '漢',
  '->>',
  '=>',
  '\\',
  '@',
  '$',
  'begin',
  'end',
  'case',
  'declare',
  '\0',
];

const sqlish = fc
  .array(fc.constantFrom(...PIECES), { maxLength: 60 })
  .map((parts) => parts.join(''));
const anyText = fc.oneof(sqlish, fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }));

test('the tokens of any text concatenate back to it without gaps or empty tokens', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const tokens = lex(text);
      const parts = Array.from({ length: tokens.count }, (_, index) => textAt(tokens, index));
      expect(parts.join('')).toBe(text);
      expect(parts.every((part) => part.length > 0)).toBe(true);
      expect(startAt(tokens, tokens.count)).toBe(text.length);
    }),
    { numRuns: 3_000 },
  );
});

test('walking the significant tokens visits each exactly once', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const tokens = lex(text);
      let visited = 0;
      for (
        let at = nextSignificant(tokens, 0);
        at < tokens.count;
        at = nextSignificant(tokens, at + 1)
      )
        visited += 1;
      expect(visited).toBe(tokens.kinds.filter((kind) => isSignificant(kind)).length);
    }),
  );
});
