import { expect, test } from 'vitest';
import { lex } from '../../../base/sql/lexer.js';
import { splitStatements } from '../../../base/sql/splitter.js';
import {
  classifyStatement,
  locationsOf,
  type StatementClass,
  type StatementHead,
} from '../../../base/sql/statement-class.js';

function head(sql: string): StatementHead {
  const tokens = lex(sql);
  return classifyStatement(tokens, splitStatements(tokens)[0]!);
}

const CLASSES: Readonly<Record<StatementClass, readonly string[]>> = {
  query: [
    'select 1',
    '  -- note\n /* more */ // and more\n SELECT a FROM t',
    '(select 1) union all (select 2)',
    '((select 1))',
    'values (1), (2)',
    'with a as (select 1) select * from a',
    'with a (x) as (select 1), b as (select (2)) select * from a, b',
    'with recursive a as (select 1 union all select 2) select * from a',
    'with a as (select 1) (select * from a)',
    "with a as (select ') insert' as x) select x from a",
    '( with a as (select 1) select 1 )',
    'set x = (select max(id) from t)',
    'select * from t where "insert" = 1',
    'select top 5 * from t',
  ],
  dml: [
    'insert into t values (1)',
    'insert overwrite into t select 1',
    'insert all into t values (1) select 1',
    'with a as (select 1) insert into t select * from a',
    'with a as (select 1) delete from t using a',
    'with a as (select 1) update t set x = 1',
    'with a as (select 1) merge into t using a on 1 = 1 when matched then delete',
    'update t set a = 1',
    'delete from t',
    'merge into t using s on t.a = s.a when matched then delete',
    'truncate table t',
    'TRUNCATE t',
  ],
  ddl: [
    'create table t (a int)',
    'create or replace transient table t as select 1',
    'create or alter table t (a int)',
    'create view v as select 1',
    'create stage s',
    'create file format f type = csv',
    'create procedure p() returns int as begin return 1; end',
    'create function f() returns int as $$ 1 $$',
    'create database d clone e',
    'create masking view m as select 1',
    'alter table t add column b int',
    'alter table t resume recluster',
    'drop table if exists t',
    'undrop table t',
    "comment on table t is 'x'",
  ],
  session: [
    'use warehouse w',
    'use db.s',
    'use role r',
    'use secondary roles all',
    "alter session set query_tag = 'x'",
    'ALTER SESSION UNSET timezone',
    'set x = 1',
    'unset x',
  ],
  transaction: [
    'begin',
    'BEGIN;',
    'begin transaction',
    'begin work',
    'begin name t1',
    'start transaction',
    'commit',
    'commit work',
    'rollback',
  ],
  metadata: [
    'show tables',
    'show parameters in session',
    'show terse tables in schema s',
    'describe table t',
    'desc t',
    'desc result last_query_id()',
    'explain select 1',
    'explain using json select 1',
    'list @s',
    'ls @~',
  ],
  load: [
    'copy into t from @s',
    'copy into db.s.t from (select $1 from @s)',
    'copy into "t" from @%t',
  ],
  unload: ['copy into @s/x from t', "copy into 's3://b/p' from t", 'copy into @~ from (select 1)'],
  file: [
    'put file:///a/*.csv @s',
    'get @s file:///a',
    'remove @s/x',
    'rm @s',
    'copy files into @a from @b',
  ],
  procedure: [
    'call p(1)',
    'call system$wait(1)',
    "with p as procedure () returns int language sql as 'begin return 1; end' call p()",
    'execute notebook n()',
  ],
  script: [
    "execute immediate 'select 1'",
    'execute immediate $$ begin return 1; end $$',
    'begin select 1; end',
    'declare x int; begin return x; end',
    'begin let x := 1; return x; end;',
    'show tables ->> select * from $1',
  ],
  task: [
    'create task t as select 1',
    'alter task t resume',
    'execute task t',
    'drop alert a',
    'create dynamic table d warehouse = w as select 1',
    'create or replace transient dynamic iceberg table d as select 1',
    'create materialized view m as select 1',
    'create pipe p as copy into t from @s',
    'create cortex search service s on a as select 1',
    'alter table t add search optimization on equality(a)',
  ],
  administration: [
    'grant select on table t to role r',
    'revoke role r from user u',
    'create warehouse w',
    'alter warehouse w set warehouse_size = large',
    'alter warehouse if exists w suspend',
    'create or replace user u',
    'drop role r',
    'create resource monitor m with credit_quota = 1',
    'create row access policy p as (a int) returns boolean -> true',
    'alter account set x = 1',
    'create external access integration i',
  ],
  opaque: [
    '!set x=1',
    'frobnicate t',
    '( delete from t )',
    'with a as (select 1)',
    'with',
    '42',
    "'select 1'",
    '"select" 1',
    'copy t',
    '@s',
  ],
};

for (const [expected, statements] of Object.entries(CLASSES)) {
  test.each(statements)(`${expected}: %s`, (sql) => {
    expect(head(sql).class).toBe(expected);
  });
}

test('SHOW PARAMETERS and ALTER SESSION are named, so that tagging can leave them alone', () => {
  expect(head("/* dbt */ show parameters like 'query_tag' in session").isShowParameters).toBe(true);
  expect(head('show tables').isShowParameters).toBe(false);
  expect(head("Alter  Session set query_tag = 'x'").isAlterSession).toBe(true);
  expect(head('alter table session add x int').isAlterSession).toBe(false);
});

test('USE tells what it changes', () => {
  const uses = [
    'warehouse w',
    'role r',
    'secondary roles none',
    'schema s',
    'database d',
    'd',
    '"x"',
  ];
  expect(uses.map((rest) => head(`use ${rest}`).use)).toEqual([
    'warehouse',
    'role',
    'secondary-roles',
    'schema',
    'database',
    'database',
    'database',
  ]);
  expect(head('select 1').use).toBeNull();
});

test('EXPLAIN shows where the statement it explains begins, COST or USING skipped', () => {
  for (const prefix of ['explain', 'EXPLAIN COST', 'explain using tabular']) {
    const sql = `${prefix} select 1`;
    const tokens = lex(sql);
    const found = classifyStatement(tokens, splitStatements(tokens)[0]!);
    expect(sql.slice(tokens.starts[found.bodyAt])).toBe('select 1');
    expect(found.isExplainCost).toBe(prefix === 'EXPLAIN COST');
  }
});

test('locations are the stages and addresses a statement names', () => {
  const tokens = lex(
    `copy into 's3://b/p' from (select 'a@b' from @st/x) /* @no */; put 'file:///a b' '@q'`,
  );
  const ranges = splitStatements(tokens);
  expect(ranges.map((range) => locationsOf(tokens, range))).toEqual([
    ['s3://b/p', '@st/x'],
    ['file:///a b', '@q'],
  ]);
});

test.each([
  ['copy into db.s.t', ['@%']],
  ["COPY INTO t (a, b) FILE_FORMAT = (TYPE = CSV) FILES = ('a.csv')", ['@%']],
  ["copy into t from 's3://b/p'", ['s3://b/p']],
  ['copy into t from elsewhere', []],
  ['copy into @st', ['@st']],
  ["copy into 's3://b/p' from t", ['s3://b/p']],
])('%s reads or writes at %j: without FROM a table’s own stage', (sql, locations) => {
  const tokens = lex(sql);
  expect(splitStatements(tokens).map((range) => locationsOf(tokens, range))).toEqual([locations]);
});
