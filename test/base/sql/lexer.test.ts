import { expect, test } from 'vitest';
import { KIND, kindAt, lex, significantIndexes, textAt } from '../../../base/sql/lexer.js';
import { nameAt, stringValueAt } from '../../../base/sql/token-values.js';

const NAMES = Object.entries(KIND);

/** Significant tokens as `kind text`. */
function shown(text: string): string[] {
  const tokens = lex(text);
  return significantIndexes(tokens).map((at) => {
    const name = NAMES.find(([, kind]) => kind === kindAt(tokens, at))?.[0];
    return `${name} ${textAt(tokens, at)}`;
  });
}

test('names, variables, binds and JSON paths are told apart', () => {
  expect(shown('a.$1 :1 ? :n c:p.q $v x::int "A""b"')).toEqual([
    'word a',
    'operator .',
    'variable $1',
    'bind :1',
    'bind ?',
    'bind :n',
    'word c',
    'operator :',
    'word p',
    'operator .',
    'word q',
    'variable $v',
    'word x',
    'operator ::',
    'word int',
    'quotedIdentifier "A""b"',
  ]);
});

test('strings end where Snowflake ends them, by doubling, by backslash and by dollars', () => {
  expect(shown(`'it''s' 'a\\'b' $$ '--' $$ 'x'`)).toEqual([
    "string 'it''s'",
    "string 'a\\'b'",
    "dollarString $$ '--' $$",
    "string 'x'",
  ]);
});

test('comments of all three forms hide what is inside them and nothing after them', () => {
  expect(shown("a -- 'x\nb // y\r c /* ; ' */ d")).toEqual([
    'word a',
    'word b',
    'word c',
    'word d',
  ]);
});

test('numbers keep fraction and exponent, and a dot after a name is no number', () => {
  expect(shown('1.5e-3 .5 t.5 1e x')).toEqual([
    'number 1.5e-3',
    'number .5',
    'word t',
    'operator .',
    'number 5',
    'number 1',
    'word e',
    'word x',
  ]);
});

test('a file address of PUT or GET is one token although it holds both comment openers', () => {
  expect(shown('PUT file:///d/*.csv @s/x; select 1//2')).toEqual([
    'word PUT',
    'fileUrl file:///d/*.csv',
    'stage @s/x',
    'operator ;',
    'word select',
    'number 1',
  ]);
  expect(shown('get @~/a file://C:\\x\\')).toEqual([
    'word get',
    'stage @~/a',
    'fileUrl file://C:\\x\\',
  ]);
});

test('outside PUT and GET two slashes start a comment even after the word file', () => {
  expect(shown('select file://x')).toEqual(['word select', 'word file', 'operator :']);
});

test('what is not closed reaches the end of the text and is flagged', () => {
  for (const text of ["select 'x", 'select "x', 'select $$x', 'select /* x']) {
    expect(lex(text).isUnterminated).toBe(true);
  }
  expect(lex("select 'x'").isUnterminated).toBe(false);
});

test('zero-width and control characters outside quotes are stray, inside quotes they are text', () => {
  expect(shown('a\u200bb\0')).toEqual(['word a', 'stray \u200b', 'word b', 'stray \0']);
  expect(shown("'\u200b'")).toEqual(["string '\u200b'"]);
  expect(shown('\ufeffselect')).toEqual(['word select']);
});

test('names fold to upper case unless quoted, and string values lose their escapes', () => {
  const tokens = lex(`abc "aB""c" 'x\\ny''z\\x41' $$r\\n$$`);
  const at = significantIndexes(tokens);
  expect(nameAt(tokens, at[0]!)).toBe('ABC');
  expect(nameAt(tokens, at[1]!)).toBe('aB"c');
  expect(stringValueAt(tokens, at[2]!)).toBe("x\ny'zA");
  expect(stringValueAt(tokens, at[3]!)).toBe('r\\n');
});

test('a megabyte of any one thing is read in linear time', () => {
  const startedAt = performance.now();
  for (const piece of ["'", '"', '$$', '/*', '(', '@', 'a', '1', '--', '\u200b', "'\\", ':']) {
    const text = piece.repeat(Math.floor(1_000_000 / piece.length));
    expect(lex(text).count).toBeGreaterThan(0);
  }
  expect(performance.now() - startedAt).toBeLessThan(5_000);
});
