import { expect, test } from 'vitest';
import { lex } from '#base/sql/lexer.js';
import { splitStatements } from '#base/sql/splitter.js';
import { shapeOf } from '#policies/sql/fingerprint.js';
import { literalsHash } from '#policies/sql/literals-hash.js';

function hashesOf(sql: string): readonly string[] {
  const tokens = lex(sql);
  return splitStatements(tokens).map((range) => literalsHash(tokens, shapeOf(tokens, range)));
}

test('literals tell statements of one shape apart, white space and comments between them do not', () => {
  const [one, same, other] = ['(1, 2)', '( 1 /* first */,2)', '(1, 3)'].map(
    (list) => hashesOf(`select a from t where b in ${list}`)[0],
  );
  expect(same).toBe(one);
  expect(other).not.toBe(one);
});

test('a statement has the hash of its own literals, however long the text around it', () => {
  const [alone] = hashesOf('select 7');
  const inLong = hashesOf(`${'select 1;'.repeat(20_000)} select 7`);
  expect(inLong).toHaveLength(20_001);
  expect(inLong.at(-1)).toBe(alone);
  expect(new Set(inLong).size).toBe(2);
});

test('of very many literals the last one counts, too', () => {
  const list = (last: number): string =>
    `select a from t where b in (${'1, '.repeat(40_000)}${last})`;
  const [one] = hashesOf(list(1));
  expect(one).toMatch(/^[0-9a-f]{16}$/);
  expect(hashesOf(list(2))[0]).not.toBe(one);
});
