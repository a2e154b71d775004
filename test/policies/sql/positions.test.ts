import { expect, test } from 'vitest';
import { lex } from '#base/sql/lexer.js';
import { splitStatements } from '#base/sql/splitter.js';
import { namesByPosition } from '#policies/sql/words/positions.js';
import { must } from '../../../base/assert.js';

function isNamed(sql: string, readsTables = true): boolean {
  const tokens = lex(sql);
  return namesByPosition(tokens, must(splitStatements(tokens)[0], 'a statement'), readsTables);
}

test.each([
  'select $1 from t',
  'select t.$2 from t',
  'select count(*) from (select 1) where exists (select t.$1 from t)',
  'select a.$1 from @stage s, t a',
  'select s.$1, $3 from @stage as s join t on s.$1 = t.id',
  'create table c as select $1 from secrets',
])('a column of a table is named by its place in %s', (sql) => {
  expect(isNamed(sql)).toBe(true);
});

test.each([
  'select s.$1 from @stage s join t on s.$1 = t.id',
  'select r.$1, t.a from table(result_scan($qid)) r join t on t.id = r.$1',
  'select s.$1 from (select a, b from t) as s',
  'show tables ->> select * from $1',
  'select * from t join $2 using (id)',
  'select $name from t',
])('no column of a table is named by its place in %s', (sql) => {
  expect(isNamed(sql)).toBe(false);
});

test('columns of staged files have no other name', () => {
  expect(isNamed('select $1, $2 from @stage/x', false)).toBe(false);
});
