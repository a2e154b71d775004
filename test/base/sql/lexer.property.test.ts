import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  isSignificant,
  kindAt,
  lex,
  nextSignificant,
  startAt,
  textAt,
  type Tokens,
} from '../../../base/sql/lexer.js';
import { splitStatements } from '../../../base/sql/splitter.js';
import { longRun } from '../../support/long-run.js';

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
/** Halves of surrogate pairs and all else that a UTF-16 string can hold. */
const units = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 40 })
  .map((codes) => String.fromCharCode(...codes));
const anyText = fc.oneof(
  sqlish,
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.tuple(sqlish, units, sqlish).map((parts) => parts.join('')),
);

/** Significant tokens that are in no statement, or in two, and are no semicolon between statements. */
function lost(tokens: Tokens): readonly string[] {
  const uses = Array.from({ length: tokens.count }, () => 0);
  for (const { from, to } of splitStatements(tokens))
    for (let at = from; at < to; at += 1) uses[at] = (uses[at] ?? 0) + 1;
  return uses.flatMap((count, at) => {
    const isCut = count === 0 && textAt(tokens, at) === ';';
    return count === 1 || isCut || !isSignificant(kindAt(tokens, at)) ? [] : [textAt(tokens, at)];
  });
}

test('the tokens of any text concatenate back to it without gaps or empty tokens', () => {
  const run = longRun('lexer', 3_000);
  fc.assert(
    fc.property(anyText, (text) => {
      const tokens = lex(text);
      const parts = Array.from({ length: tokens.count }, (_, index) => textAt(tokens, index));
      expect(parts.join('')).toBe(text);
      expect(parts.every((part) => part.length > 0)).toBe(true);
      expect(startAt(tokens, tokens.count)).toBe(text.length);
      expect(lost(tokens)).toEqual([]);
    }),
    { numRuns: run.count, seed: run.seed },
  );
  run.report({ texts: run.count });
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
      expect(visited).toBe(
        tokens.kinds.filter((_, at) => isSignificant(kindAt(tokens, at))).length,
      );
    }),
  );
});
