import { beforeAll, expect, test } from 'vitest';
import type { Catalogue, StatementFacts } from '../../../policies/sql/facts.js';
import { factsReport } from '../../../policies/sql/facts-report.js';
import { sharedAnalyser } from '../../support/shared-analyser.js';
import { FACTS_FIXTURES, type FactsFixture } from './facts-fixtures.js';

const EMPTY: Catalogue = { version: 'empty', columnsOf: () => undefined };
const SESSION = { database: 'DB', schema: 'S' };

const analyser = sharedAnalyser();
beforeAll(async () => {
  await analyser.analyse('select a from t', SESSION, EMPTY);
});

function shown(sql: string, facts: StatementFacts): FactsFixture {
  const flags: ('star' | 'cross join' | 'free')[] = [];
  if (facts.hasSelectStar) flags.push('star');
  if (facts.hasCrossJoin) flags.push('cross join');
  if (facts.isFree) flags.push('free');
  const filters = facts.filters.map(
    ({ table, column, operator, low, high }) =>
      `${table}.${column} ${operator} ${low ?? ''}..${high ?? ''}`,
  );
  return {
    sql,
    class: facts.class,
    ...(facts.opaque ? { opaque: true } : {}),
    ...(facts.tablesRead.length > 0 ? { read: facts.tablesRead } : {}),
    ...(facts.tablesWritten.length > 0 ? { written: facts.tablesWritten } : {}),
    ...(Object.keys(facts.columns).length > 0 ? { columns: facts.columns } : {}),
    ...(filters.length > 0 ? { filters } : {}),
    ...(flags.length > 0 ? { flags } : {}),
    ...(facts.limit === null ? {} : { limit: facts.limit }),
    ...(facts.unknown.length > 0 ? { unknown: facts.unknown } : {}),
  };
}

test.each(FACTS_FIXTURES.map((fixture) => [fixture.sql, fixture] as const))(
  '%s',
  async (sql, fixture) => {
    const { statements } = await analyser.analyse(sql, SESSION, EMPTY);
    expect(statements.map((facts) => shown(sql, facts))).toEqual([fixture]);
  },
);

test('names stay as far as they are known when the session has no database or schema', async () => {
  const sql = 'select a.x from t a join s.u b on a.id = b.id';
  const none = await analyser.analyse(sql, { database: null, schema: null }, EMPTY);
  expect(none.statements[0]).toMatchObject({ tablesRead: ['S.U', 'T'], unknown: ['tables'] });
  const half = await analyser.analyse(sql, { database: 'DB', schema: null }, EMPTY);
  expect(half.statements[0]).toMatchObject({ tablesRead: ['DB.S.U', 'DB.T'], unknown: ['tables'] });
});

const CATALOGUE: Catalogue = {
  version: 'two',
  columnsOf: (table) => ({ 'DB.S.T': ['ID', 'A', 'D'], 'DB.S.U': ['ID', 'B', 'E'] })[table],
};

test('the catalogue gives unqualified columns and filters of a join to their tables', async () => {
  const sql = "select a, b from t join u using (id) where d >= '2024-01-01' and e = 3";
  const without = await analyser.analyse(sql, SESSION, EMPTY);
  expect(without.statements[0]?.unknown).toEqual(['columns', 'filters']);
  const { statements } = await analyser.analyse(sql, SESSION, CATALOGUE);
  expect(statements[0]).toMatchObject({
    columns: { 'DB.S.T': ['A', 'D', 'ID'], 'DB.S.U': ['B', 'E', 'ID'] },
    filters: [
      { table: 'DB.S.T', column: 'D', operator: '>=', low: '2024-01-01', high: null },
      { table: 'DB.S.U', column: 'E', operator: '=', low: '3', high: '3' },
    ],
    unknown: [],
  });
});

test('an unqualified column of an outer query is found outside when the catalogue rules the inner table out', async () => {
  const sql = 'select a from t where exists (select 1 from u where b = d)';
  const { statements } = await analyser.analyse(sql, SESSION, CATALOGUE);
  expect(statements[0]).toMatchObject({
    columns: { 'DB.S.T': ['A', 'D'], 'DB.S.U': ['B'] },
    unknown: [],
  });
});

test('a column that the catalogue does not know is named unknown, an alias is not', async () => {
  const missing = await analyser.analyse('select nope from t', SESSION, CATALOGUE);
  expect(missing.statements[0]).toMatchObject({ columns: {}, unknown: ['columns'] });
  const alias = await analyser.analyse(
    'select a + 1 as nope from t where nope > 3',
    SESSION,
    CATALOGUE,
  );
  expect(alias.statements[0]).toMatchObject({ columns: { 'DB.S.T': ['A'] }, unknown: [] });
});

test('each statement of a text has its own facts and fingerprint', async () => {
  const text = await analyser.analyse('use role r; select a from t; commit;', SESSION, EMPTY);
  expect(text.statements.map((facts) => facts.class)).toEqual(['session', 'query', 'transaction']);
  expect(
    new Set([...text.statements.map((facts) => facts.fingerprint), text.fingerprint]).size,
  ).toBe(4);
  const single = await analyser.analyse('select a from t', SESSION, EMPTY);
  expect(single.fingerprint).toBe(text.statements[1]?.fingerprint);
});

test('statements that use no warehouse for certain are free, everything else is not', async () => {
  const free = [
    'use warehouse w',
    "alter session set query_tag = 'x'",
    'begin',
    'commit',
    'show tables',
    'describe table t',
    'list @s',
    'explain select * from t',
    'select 1',
    "select 'a' || 'b', 1 + 2 * (3 - 4)",
    'select current_version(), current_user, current_warehouse()',
    'select last_query_id()',
    'select system$cancel_all_queries(1)',
    'set x = 1',
    'set x = current_date()',
  ];
  const dear = [
    'select a from t',
    'select system$wait(10)',
    'select my_udf(1)',
    'select db.s.current_user()',
    'select "CURRENT_USER"()',
    'select * from table(generator(rowcount => 10))',
    "select * from table(result_scan('x')), table(generator(rowcount => 10))",
    'select * from values (1)',
    'select $1 from @s',
    'select seq4() from @s',
    'with r as (select 1 as n union all select n + 1 from r) select 1',
    'set x = my_udf(1)',
    'set x = (select max(a) from t)',
    'call p()',
    'call system$wait(10)',
    "execute immediate 'select a from t'",
    'show tables ->> select * from $1',
    'create table t (a int)',
    'truncate table t',
    'put file:///x @s',
  ];
  const isFree = async (sql: string): Promise<boolean | undefined> =>
    (await analyser.analyse(sql, SESSION, EMPTY)).statements[0]?.isFree;
  expect(await Promise.all(free.map(isFree))).toEqual(free.map(() => true));
  expect(await Promise.all(dear.map(isFree))).toEqual(dear.map(() => false));
});

test('an ORDER BY counts where it is that of the outermost query', async () => {
  const isOrdered = async (sql: string): Promise<boolean | undefined> =>
    (await analyser.analyse(sql, SESSION, EMPTY)).statements[0]?.isOrdered;
  expect(await isOrdered('select a from t order by a limit 5')).toBe(true);
  expect(await isOrdered('select a from t union select b from u order by 1 limit 5')).toBe(true);
  expect(await isOrdered('(select a from t order by a)')).toBe(true);
  expect(await isOrdered('select a from t limit 5')).toBe(false);
  expect(await isOrdered('select a from (select a from t order by a) limit 5')).toBe(false);
  expect(await isOrdered('select sum(a) over (order by b) from t')).toBe(false);
});

test('only a query for nothing but the rows of one table is a row count', async () => {
  const counts = [
    'select count(*) from t',
    'select count(*) as n, count(*) m from db.s.t as x limit 5',
    "select count(*) from identifier('t')",
  ];
  const others = [
    'select count(a) from t',
    'select count(distinct a) from t',
    'select count(*), max(a) from t',
    'select count(*) from t where a = 1',
    'select count(*) from t, u',
    'select count(*) from t join u on t.a = u.a',
    'select count(*) from t sample (10)',
    'select count(*) from t at (offset => -60)',
    'select count(*) from t group by all',
    'select count(*) from t having count(*) > 1',
    'select count(*) over () from t',
    'select count(*) from (select * from t)',
    'select count(*) from @s',
    'select count(*) from table(f())',
    'with t as (select 1) select count(*) from t',
    'select count(*) from t union all select count(*) from u',
    'create table n as select count(*) from t',
    'insert into n select count(*) from t',
  ];
  const isRowCount = async (sql: string): Promise<boolean | undefined> =>
    (await analyser.analyse(sql, SESSION, EMPTY)).statements[0]?.isRowCount;
  expect(await Promise.all(counts.map(isRowCount))).toEqual(counts.map(() => true));
  expect(await Promise.all(others.map(isRowCount))).toEqual(others.map(() => false));
});

test('the report has exactly the keys that other programs read, in their order', async () => {
  const facts = await analyser.analyse(
    "select a from t where d between '2024-01-01' and '2024-01-31'",
    SESSION,
    EMPTY,
  );
  const fingerprint = facts.statements[0]?.fingerprint;
  expect(JSON.stringify(factsReport('q1', facts))).toBe(
    `{"id":"q1","statements":[{"class":"query","opaque":false,"fingerprint":"${fingerprint}",` +
      '"tablesRead":["DB.S.T"],"tablesWritten":[],"columns":{"DB.S.T":["A","D"]},' +
      '"filters":[{"table":"DB.S.T","column":"D","operator":"between","low":"2024-01-01","high":"2024-01-31"}],' +
      '"unknown":[]}]}',
  );
});
