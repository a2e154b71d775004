/** Bad input 53 to 78 of docs/attacks.md, as far as a text can be the attack: each lands in its class, or is opaque. */
import { expect, test } from 'vitest';
import type { StatementFacts } from '../../../policies/sql/facts.js';
import { sharedAnalyser } from '../../support/shared-analyser.js';

async function facts(sql: string): Promise<readonly StatementFacts[]> {
  const { statements } = await sharedAnalyser().analyse(
    sql,
    { database: 'DB', schema: 'S' },
    { version: 'none', columnsOf: () => undefined },
  );
  return statements;
}

/** Classes of a text, `!` after those that are opaque. */
async function shown(sql: string): Promise<string> {
  return (await facts(sql)).map((one) => `${one.class}${one.opaque ? '!' : ''}`).join(' ');
}

const ZERO_WIDTH = '\u200b';
const NO_BREAK = '\u00a0';

const CASES: readonly (readonly [number: number, sql: string, classes: string])[] = [
  [53, `alter session set query_tag = '{"team":"other"}'; select 1`, 'session query'],
  [55, 'use warehouse big_wh; select * from t', 'session query'],
  [55, "use warehouse identifier('BIG' || '_WH')", 'session'],
  [55, 'uſe warehouse big_wh', 'opaque!'],
  [56, 'alter warehouse w set warehouse_size = xxlarge', 'administration'],
  [56, 'create or replace warehouse w', 'administration'],
  [56, 'alter account set network_policy = p', 'administration'],
  [56, 'alter resource monitor m set credit_quota = 1000', 'administration'],
  [56, "alter user u set default_warehouse = 'BIG'", 'administration'],
  [57, 'select 1; alter warehouse w resume', 'query administration'],
  [57, "select ';' /* ; */; -- ;\nalter warehouse w resume;", 'query administration'],
  [58, 'show tables ->> select * from huge', 'script'],
  [59, "execute immediate 'SEL' || 'ECT 1'", 'script!'],
  [59, 'execute immediate from @s/x.sql', 'script!'],
  [59, 'execute immediate $x', 'script!'],
  [59, 'execute immediate $$ alter warehouse w suspend $$', 'script'],
  [60, 'call p()', 'procedure!'],
  [61, 'begin for i in 1 to 10000 do select * from t; end for; end', 'script!'],
  [62, 'create task t as select 1', 'task!'],
  [62, 'create alert a if (exists (select 1)) then call p()', 'task!'],
  [62, "create dynamic table d target_lag = '1 minute' warehouse = w as select * from t", 'task'],
  [62, 'create pipe p as copy into t from @s', 'task'],
  [62, "call system$task_dependents_enable('t')", 'administration'],
  [63, "copy into 's3://b/p' from t", 'unload'],
  [63, 'put file:///etc/passwd @~', 'file'],
  [63, "create stage x url = 's3://b'", 'ddl'],
  [64, '/* /* */ alter warehouse w suspend /* */', 'administration'],
  [64, 'select 1 -- \u2028 alter warehouse w suspend', 'query'],
  [64, `alter${NO_BREAK}warehouse w suspend`, 'ddl!'],
  [64, `sel${ZERO_WIDTH}ect 1`, 'opaque!'],
  [64, 'ｓｅｌｅｃｔ 1', 'opaque!'],
  [64, '/* never closed', 'opaque!'],
  [65, 'explain delete from t', 'metadata'],
  [65, 'with a as (select 1 x) select * from a', 'query'],
  [65, 'insert into t select * from u', 'dml'],
  [65, 'create table c as select * from t', 'ddl'],
  [65, 'merge into t using s on t.a = s.a when matched then delete', 'dml'],
  [67, 'select * from identifier(?)', 'query!'],
  [67, 'insert into identifier($t) values (1)', 'dml!'],
  [67, 'select * from table(?)', 'query!'],
  [67, "select * from table(to_query('select 1'))", 'query!'],
  [72, 'select system$cancel_all_queries(1)', 'administration'],
  [72, 'select system$abort_session(1)', 'administration'],
  [72, "execute immediate 'select system$abort_session(1)'", 'script'],
  [78, 'select 1 \0', 'query!'],
  [78, 'select 1\ufffe', 'query!'],
];

test.each(CASES)('%i: %s', async (_, sql, classes) => {
  expect(await shown(sql)).toBe(classes);
});

test('58: every part of a chain counts, and what is in it is listed', async () => {
  const [chain] = await facts('show tables ->> alter warehouse w resume ->> select * from huge');
  expect(chain).toMatchObject({
    tablesRead: ['DB.S.HUGE'],
    innerClasses: ['metadata', 'administration', 'query'],
    isFree: false,
  });
});

test('59, 61: what a literal, a block or a task runs is listed and read', async () => {
  const inside = async (sql: string): Promise<unknown> => {
    const [one] = await facts(sql);
    return [one?.innerClasses, one?.tablesRead, one?.tablesWritten];
  };
  expect(await inside("execute immediate 'select * from secret'")).toEqual([
    ['query'],
    ['DB.S.SECRET'],
    [],
  ]);
  expect(
    await inside('begin if (true) then alter warehouse w resume; delete from t; end if; end'),
  ).toEqual([['administration', 'dml'], [], ['DB.S.T']]);
  expect(await inside('create task t as begin insert into a select * from b; end')).toEqual([
    ['script', 'dml'],
    ['DB.S.B'],
    ['DB.S.A'],
  ]);
});

test('55: names after USE resolve where USE went', async () => {
  const all = await facts(
    'use schema other.public; select * from t; use database $x; select * from t',
  );
  expect(all.map((one) => one.tablesRead)).toEqual([[], ['OTHER.PUBLIC.T'], [], ['T']]);
  expect(all[3]?.unknown).toContain('tables');
});

test('a branch without its filter is read whole, whatever another branch filters', async () => {
  const [one] = await facts("select a from t where d = '2024-01-01' union all select a from t");
  expect(one?.readings.map(({ table, filters }) => [table, filters.length])).toEqual([
    ['DB.S.T', 1],
    ['DB.S.T', 0],
  ]);
});

test('a name that holds our own marks is not shown to the parser', async () => {
  const [one] = await facts('select * from "\u0001OTHER"');
  expect(one).toMatchObject({ opaque: true, unknown: ['tables', 'columns', 'filters'] });
});

test('73: texts that no parser can hold come back, known by their class at most', async () => {
  // Sizes at which a parser is lost belong in `npm run test:long -- linear-time`.
  const texts = [
    `select ${'('.repeat(100_000)}1${')'.repeat(100_000)}`,
    `select * from t where a in (${'1,'.repeat(20_000)}1)`,
    `select "${'x'.repeat(500_000)}" from t`,
    `select * from t${' join t using (a)'.repeat(1_000)}`,
    `select '${'x'.repeat(900_000)}`,
  ];
  for (const text of texts) expect(await shown(text)).toMatch(/^query!?$/);
});
