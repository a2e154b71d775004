/** Texts made to be slow: each family repeats what some reader of SQL looks ahead or back over, at any length. */

/** A text of about `length` UTF-16 units. */
export interface Adversary {
  readonly name: string;
  text(length: number): string;
}

/** `head`, then `piece` as often as fits, then `middle`, then `close` as often as `piece`, then `tail`. */
function repeated(
  name: string,
  head: string,
  piece: string,
  { middle = '', close = '', tail = '' } = {},
): Adversary {
  return {
    name,
    text: (length) => {
      const fixed = head.length + middle.length + tail.length;
      const count = Math.max(1, Math.floor((length - fixed) / (piece.length + close.length)));
      return head + piece.repeat(count) + middle + close.repeat(count) + tail;
    },
  };
}

const NESTED: readonly Adversary[] = [
  repeated('nested brackets', 'select ', '(', { middle: '1', close: ')' }),
  repeated('open brackets', 'select ', '('),
  repeated('closing brackets', 'select ', ')'),
  repeated('nested subqueries', 'select a from ', '(select a from ', { middle: 't', close: ')' }),
  repeated('nested calls', 'select ', 'f(', { middle: '1', close: ')' }),
  repeated('open calls', 'select ', 'f('),
  repeated('listed calls', 'select 1', ', f('),
  repeated('open quoted calls', 'select ', '"f"('),
  repeated('nested quoted calls', 'select ', '"f"(', { middle: '1', close: ')' }),
  repeated('bare queries in calls', 'select ', 'f(select '),
  repeated('nested casts', 'select ', 'cast(', { middle: '1', close: ' as int)' }),
  repeated('nested indexes', 'select ', 'a[', { middle: '1', close: ']' }),
  repeated('nested objects', 'select ', "{'a': ", { middle: '1', close: '}' }),
  repeated('nested CASE', 'select ', 'case when a then ', { middle: '1', close: ' end' }),
  repeated('open INSERT calls', 'select 1', ', insert('),
  repeated('open REPLACE calls', 'select 1', ' + replace('),
];

const FORMS: readonly Adversary[] = [
  repeated('casts', 'select a', '::int'),
  repeated('casts to arrays left open', 'select a', '::array('),
  repeated('nested structured casts', 'select cast(a as ', 'array(', {
    middle: 'int',
    close: ')',
  }),
  repeated('AS ARRAY left open', 'select cast(a', ' as array('),
  repeated('casts with paths', 'select a', '::object:b'),
  repeated('paths', 'select a', '[0]:b'),
  repeated('dotted paths', 'select a[0]:b', '.c'),
  repeated('lambdas', 'select f(', '(a int, b) -> '),
  repeated('lambdas that close nothing', 'select f(', 'a) -> '),
  repeated('lambdas over a list', `select f(${'a, '.repeat(100)}`, ') -> '),
  repeated('arrows', 'select a', ' ->'),
  repeated('NOT LIKE', 'select a from t where 1', ' and not a like b'),
  repeated('NOT without LIKE', 'select a from t where ', 'not a '),
  repeated('NOT of calls', 'select a from t where ', 'not f(a) + '),
  repeated('NOT of brackets left open', 'select a from t where ', 'not ('),
  repeated('nested NOT', 'select a from t where ', 'not (a + ', { middle: '1', close: ')' }),
  repeated('AS lists left open', 'select a', ' as x ('),
  repeated('CTEs', 'with a as (select 1)', ', b as (select 1)', { tail: ' select 1' }),
  repeated('CTEs left open', 'with a (', ', b (b) as ('),
  repeated('WITHIN GROUP left open', 'select f(a)', ' within group ('),
  repeated('WITHIN GROUP', 'select 1', ', f(a) within group (order by a) over ()'),
  repeated('UNPIVOT left open', 'select * from t ', 'unpivot( in( '),
  repeated('UNPIVOT without IN', 'select * from t ', 'unpivot( a '),
  repeated('UNPIVOT lists', 'select * from t unpivot (a for b in (c', ' as x, d'),
  repeated('LATERAL left open', 'select * from t', ', lateral f('),
  repeated('TABLE OVER', 'select * from t', ', table(f(a) over (partition by b))'),
  repeated('OVER left open', 'select * from t', ', table(f(a) over ('),
  repeated('OVER after brackets', 'select ', 'f(a)) over ('),
  repeated('INTO left open', 'select 1', ' into identifier('),
  repeated('INTO binds', 'select 1 into :a', ', :a'),
  repeated('stages', 'select * from ', '@s ('),
  repeated('flow', 'select 1', ' ->> select 2'),
  repeated('EXPLAIN', '', 'explain '),
  repeated('DELETE USING', 'delete from t ', '(using '),
  repeated('IDENTIFIER', 'select * from ', "identifier('a"),
];

const LONG: readonly Adversary[] = [
  repeated('IN list', 'select a from t where b in (0', ', 1', { tail: ')' }),
  repeated('IN list of strings', "select a from t where b in ('a'", ", 'it''s'", { tail: ')' }),
  repeated('IN lists left open', 'select 1 where a ', 'in (1,'),
  repeated('VALUES rows', 'insert into t values (1, 2)', ', (3, 4)'),
  repeated('VALUES rows of growing shapes', 'insert into t values (1)', ', (1), (a)'),
  repeated('VALUES left open', 'select ', 'values (1, '),
  repeated('columns', 'select a', ', c', { tail: ' from t' }),
  repeated('joins', 'select a from t', ' join u on t.a = u.b'),
  repeated('commas of FROM', 'select a from t', ', db.s.u x'),
  repeated('AND', 'select a from t where a = 1', ' and b < 2'),
  repeated('identifier', 'select ', 'a', { tail: ' from t' }),
  repeated('quoted identifier', 'select "', 'a', { tail: '" from t' }),
  repeated('quotes in a quoted identifier', 'select "', '""', { tail: '" from t' }),
  repeated('dotted name', 'select a', '.b'),
  repeated('dotted name that is called', 'select a', '.b(', { tail: ')' }),
  repeated('dots', 'select a from t', '..'),
  repeated('dots and names', 'select a from t', '..a'),
  repeated('open string', "select '", 'a'),
  repeated('backslashes', "select '", '\\'),
  repeated('quotes', 'select ', "'"),
  repeated('open quoted name', 'select "', 'a '),
  repeated('open comment', 'select /*', ' /*'),
  repeated('comments', 'select 1', ' /* a */'),
  repeated('line comments', 'select 1', '--\n'),
  repeated('open body', 'select $$', ' a'),
  repeated('bodies', 'select 1', ' $$'),
  repeated('stage with quotes', 'list @a', '"'),
  repeated('stages with an open quote', 'list ', '@"'),
  repeated('dollars', 'select ', '$ '),
  repeated('digits', 'select 1', '1'),
  repeated('exponents', 'select 1', 'e1e'),
  repeated('white space', 'select 1', ' '),
  repeated('control characters', 'select 1', '\0'),
  repeated('letters that grow', 'select ', 'ß '),
  repeated('surrogates', 'select ', '\ud800'),
];

const SCRIPTS: readonly Adversary[] = [
  repeated('semicolons', '', ';'),
  repeated('statements', '', 'select 1;'),
  repeated('statements without a blank after comments', '', '/**/;'),
  repeated('USE', '', 'use a.b;'),
  repeated('BEGIN', '', 'begin '),
  repeated('BEGIN and END', '', 'begin ', { middle: 'select 1; ', close: 'end; ' }),
  repeated('blocks in branches', 'begin ', 'if (a) then begin ', {
    middle: 'select 1; ',
    close: 'end; end if; ',
    tail: 'end',
  }),
  repeated('CASE in a block', 'begin ', 'case '),
  repeated('queries in brackets of a block', 'begin let a := ', '(select '),
  repeated('brackets of a block', 'begin let a := ', '(', { middle: 'select 1', close: ')' }),
  repeated('calls in a block', 'begin let a := ', 'f('),
  repeated('cursors', 'begin ', 'for a in (select 1) do '),
  repeated('NAME', '', 'begin name '),
  repeated('tasks of tasks', '', 'create task a as '),
  repeated('tasks of blocks', '', 'create task a as begin '),
  repeated('definitions of definitions', '', 'create table a as (select '),
  repeated('pipes', '', 'create pipe a as copy into t from ('),
  repeated('references', 'create table t (a int', ' references u (a)'),
  repeated('references left open', 'create table t ', '(a int references u '),
  repeated('logical tables', 'create semantic view v tables (a', ', b as c primary key ('),
  repeated('CLONE', 'create table t ', 'clone u '),
  repeated('EXECUTE IMMEDIATE', '', "execute immediate '"),
  repeated('TABLE', 'call p() ', 'table '),
  repeated('IF', 'call p() ', 'table if not exists '),
  repeated('DECLARE', '', 'declare '),
];

/** Every family. */
export const ADVERSARIES: readonly Adversary[] = [...NESTED, ...FORMS, ...LONG, ...SCRIPTS];
