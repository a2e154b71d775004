import { hash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lex } from '../../../base/sql/lexer.js';
import { splitStatements } from '../../../base/sql/splitter.js';
import { fingerprint, SHAPE_LENGTH_MAX, shapeOf } from '../../../policies/sql/fingerprint.js';

const same: readonly (readonly [why: string, left: string, right: string])[] = [
  ['numbers', 'select a from t where b = 1', 'select a from t where b = 27.5e3'],
  ['negative numbers', 'select a from t where b = 1', 'select a from t where b = -1'],
  ['strings', "select a from t where b = 'x'", "select a from t where b = 'it''s'"],
  ['dollar strings', "select a from t where b = 'x'", 'select a from t where b = $$y$$'],
  ['white space', 'select a from t', 'select\n\ta   from t '],
  ['dots', 'select t.a from s.t', 'select t . a from s . t'],
  ['comments', 'select a from t', '/* x */ select a -- y\n from t // z'],
  ['letter case', 'select a from t', 'SELECT A From T'],
  ['lists', 'select a from t where b in (1)', "select a from t where b in (1, 2, 'x', null, -3)"],
  ['bind lists', 'select a from t where b in (?)', 'select a from t where b in (?, ?, ?)'],
  ['rows', 'insert into t values (1, 2)', "insert into t values (1, 'b'), (3, null), (-5, 6)"],
  ['limits', 'select a from t limit 10', 'select a from t limit 20'],
  ['a final semicolon', 'select 1', 'select 2;'],
  [
    'literals of the query that fills a table',
    "create or replace transient table t cluster by (a) as (with c as (select 1) select a from c where d in ('x'))",
    "create or replace transient table t cluster by (a) as (with c as (select 2) select a from c where d in ('y', 'z'))",
  ],
];

test.each(same)('statements that differ in %s share a fingerprint', (_why, left, right) => {
  expect(fingerprint(left)).toEqual(fingerprint(right));
});

const different: readonly (readonly [why: string, left: string, right: string])[] = [
  ['table', 'select a from t', 'select a from u'],
  ['column', 'select a from t', 'select b from t'],
  ['case of quoted names', 'select "a" from t', 'select "A" from t'],
  ['quoting', 'select "a" from t', 'select a from t'],
  ['operator', 'select a from t where b < 1', 'select a from t where b <= 1'],
  ['literal against bind', 'select a from t where b = 1', 'select a from t where b = ?'],
  ['bind', 'select :1', 'select :2'],
  ['variable', 'select $a', 'select $b'],
  ['number of columns inserted', 'insert into t values (1)', 'insert into t values (1, 2)'],
  ['IDENTIFIER', "select * from identifier('a')", "select * from identifier('b')"],
  ['TABLE', "select * from table('a')", "select * from table('b')"],
  ['TABLE inside', "select * from table(f(1, 'a'))", "select * from table(f(1, 'b'))"],
  ['RESULT_SCAN', "select * from table(result_scan('a'))", "select * from table(result_scan('b'))"],
  ['SYSTEM$', 'select system$wait(1)', 'select system$wait(2)'],
  ['EXECUTE IMMEDIATE', "execute immediate 'select 1'", "execute immediate 'select 2'"],
  ['stage', 'select $1 from @a/b', 'select $1 from @a/c'],
  ['quoted stage', "select $1 from '@a/b'", "select $1 from '@a/c'"],
  ['address', "copy into t from 's3://a'", "copy into t from 's3://b'"],
  ['arguments of CALL', "call p('a')", "call p('b')"],
  [
    'literals of DDL',
    "create table t (a int) comment = 'x'",
    "create table t (a int) comment = 'y'",
  ],
  ['number of statements', 'select 1', 'select 1; select 1'],
  [
    'literals before the query that fills a table',
    "create table t comment = 'x' as select 1",
    "create table t comment = 'y' as select 1",
  ],
  [
    'types of a table that a query fills',
    'create table t (a char(1)) as select 1',
    'create table t (a char(2)) as select 1',
  ],
  [
    'tables in such a query',
    "create table t as select * from identifier('a')",
    "create table t as select * from identifier('b')",
  ],
  ['literals of a view', 'create view v as select 1', 'create view v as select 2'],
  [
    'literals of a generated column',
    'create table t (a int as (b + 1))',
    'create table t (a int as (b + 2))',
  ],
];

test.each(different)('statements that differ in %s do not', (_why, left, right) => {
  expect(fingerprint(left).hash).not.toBe(fingerprint(right).hash);
});

test('the shape is readable and free of literals', () => {
  expect(fingerprint("select a, f(b) from db.s.t where c in (1,2) and d>='2024-01-01'").shape).toBe(
    'SELECT A, F (B) FROM DB.S.T WHERE C IN (#) AND D >= #',
  );
});

test('the hash is 32 hex digits, and covers what the shortened shape leaves out', () => {
  const long = `select ${'a, '.repeat(2_000)}`;
  const [left, right] = [fingerprint(`${long} b`), fingerprint(`${long} c`)];
  expect(left.hash).toMatch(/^[0-9a-f]{32}$/);
  expect(left.shape).toHaveLength(SHAPE_LENGTH_MAX);
  expect(left.shape).toBe(right.shape);
  expect(left.hash).not.toBe(right.hash);
});

const shown: readonly (readonly [what: string, sql: string, shape: string])[] = [
  [
    'the keys of COPY',
    "copy into t from 's3://b/c' credentials=(aws_key_id='k' aws_secret_key='sss')",
    'COPY INTO T FROM # CREDENTIALS = (AWS_KEY_ID = # AWS_SECRET_KEY = #)',
  ],
  [
    'a password',
    `create user "Ann" password='x' days_to_expiry = 3 -- y`,
    'CREATE USER "Ann" PASSWORD = # DAYS_TO_EXPIRY = 3',
  ],
  ['a body', "execute immediate $$ select 'x' $$", 'EXECUTE IMMEDIATE #'],
  ['names in strings', "select * from identifier('a.b')", 'SELECT * FROM IDENTIFIER (#)'],
  ['names of tables', "select * from table('a.b') t", 'SELECT * FROM TABLE (#) T'],
  ['an address in a query', "select $1 from 's3://b/c'", 'SELECT $1 FROM #'],
  ['a local file', 'put file:///data/ann/k.csv @~/in', 'PUT # @~/in'],
  ['a string without its end', "call p('a', 'b", 'CALL P (#, #'],
  ['a name without its end', `call p("a, 'b'`, 'CALL P (#'],
  [
    'a body that a word runs into',
    'create function f() as$$ x $$; select 1',
    'CREATE FUNCTION F () AS#',
  ],
  ['a comment that a stage runs into', 'list @s/a//b c', 'LIST @s/a#'],
];

test.each(shown)('the shape for people leaves out %s', (_what, sql, shape) => {
  expect(fingerprint(sql).shape).toBe(shape);
});

test('leaving literals out of the shape for people leaves the hash as it was', () => {
  expect(fingerprint("create user a password='x'").hash).toBe(
    hash('sha256', "CREATE USER A PASSWORD = 'x'").slice(0, 32),
  );
});

test('any text has a fingerprint, and changing the value of a string never changes it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.stringMatching(/^[a-z ]*$/), (text, value) => {
      expect(fingerprint(text).hash).toHaveLength(32);
      expect(fingerprint(`select a from t where b = '${value}'`)).toEqual(
        fingerprint("select a from t where b = ''"),
      );
    }),
  );
});

test('lists of a hundred thousand values are read, and their shape is short', () => {
  for (const sql of [
    `select 1 from t where a in (${'1, '.repeat(100_000)}2)`,
    `insert into t values ${'(1, 2), '.repeat(100_000)}(3, 4)`,
    `select ${'in (1,'.repeat(100_000)}`,
    `values ${'(1), (a), '.repeat(50_000)}`,
  ]) {
    expect(fingerprint(sql).shape.length).toBeLessThanOrEqual(SHAPE_LENGTH_MAX);
  }
});

test('a statement of more tokens than a step has its whole shape', () => {
  const tokens = lex(`select ${'c, '.repeat(10_000)}c from t`);
  const [range] = splitStatements(tokens);
  expect(range && shapeOf(tokens, range).text).toBe(`SELECT ${'C, '.repeat(10_000)}C FROM T`);
});
