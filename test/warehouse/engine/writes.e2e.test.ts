import { readdirSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '#base/log.js';
import { createEngine } from '../../../warehouse/engine/create-engine.js';
import type { EngineSession } from '../../../warehouse/engine/engine.js';
import { failureOf, request, rowsOf, startEngine, type EngineUnderTest } from './support.js';

let running: EngineUnderTest;
let session: EngineSession;
const inLab = { database: 'LAB', schema: 'PUBLIC' };

beforeAll(async () => {
  running = await startEngine(false);
  session = await running.engine.openSession();
  await rowsOf(session, 'create database lab');
});
afterAll(async () => await running.stop());

test('CREATE DATABASE and CREATE SCHEMA become the current ones and are listed', async () => {
  const made = await rowsOf(session, 'create database if not exists other');
  expect(made).toMatchObject({ database: 'OTHER', schema: 'PUBLIC', statementTypeId: 0x6000 });
  const schema = await rowsOf(session, 'create schema other.s1');
  expect(schema).toMatchObject({
    database: 'OTHER',
    schema: 'S1',
    rows: [['Schema S1 successfully created.']],
  });
  expect(await running.engine.databases()).toEqual(['LAB', 'OTHER']);
  expect((await running.engine.schemas('OTHER')).map(({ name }) => name)).toEqual([
    'INFORMATION_SCHEMA',
    'PUBLIC',
    'S1',
  ]);
  await rowsOf(session, 'drop database other');
  expect(await running.engine.databases()).toEqual(['LAB']);
});

test('DML answers one row of counts under the names that drivers read', async () => {
  await rowsOf(
    session,
    'create table t (id int not null, name varchar(20), amount number(10,2)) cluster by (id)',
    inLab,
  );
  const steps = [
    [
      `insert into t values (1, 'a', 1.5), (2, 'b', 2.25)`,
      ['number of rows inserted'],
      ['2'],
      0x3100,
    ],
    [
      `update t set amount = amount * 2 where id = 1`,
      ['number of rows updated', 'number of multi-joined rows updated'],
      ['1', '0'],
      0x3200,
    ],
    [
      `merge into t using (select 2 as id union all select 3) s on t.id = s.id when matched then update set name = 'z' when not matched then insert (id) values (s.id)`,
      ['number of rows inserted', 'number of rows updated'],
      ['1', '1'],
      0x3400,
    ],
    [
      `delete from t using (values (1)) v where t.id = v.column1`,
      ['number of rows deleted'],
      ['1'],
      0x3300,
    ],
  ] as const;
  for (const [sql, names, counts, type] of steps) {
    const answer = await rowsOf(session, sql, inLab);
    expect(answer.columns.map(({ name }) => name)).toEqual(names);
    expect(answer.rows).toEqual([counts]);
    expect(answer.statementTypeId).toBe(type);
  }
  const left = await rowsOf(session, 'select * from t order by id', inLab);
  expect(left.rows).toEqual([
    ['2', 'z', '2.25'],
    ['3', null, null],
  ]);
  const [table] = await running.engine.tables('LAB', 'PUBLIC');
  expect(table).toMatchObject({ name: 'T', kind: 'TABLE', clusteringKey: 'LINEAR(ID)' });
  expect(
    (await running.engine.columns('LAB', 'PUBLIC', 'T')).map(({ name, dataType, nullable }) => [
      name,
      dataType,
      nullable,
    ]),
  ).toEqual([
    ['ID', 'NUMBER(38,0)', false],
    ['NAME', 'VARCHAR(20)', true],
    ['AMOUNT', 'NUMBER(10,2)', true],
  ]);
  expect(await failureOf(session, 'insert into t (name) values (1)', inLab)).toMatchObject({
    code: '100072',
    sqlState: '22000',
  });
});

test('ROLLBACK undoes, COMMIT keeps, and other sessions see only what is committed', async () => {
  const other = await running.engine.openSession();
  const count = async (of: EngineSession): Promise<string | null | undefined> =>
    (await rowsOf(of, 'select count(*) from moves', inLab)).rows[0]?.[0];
  await rowsOf(session, 'create table moves as select 1 as a', inLab);
  await rowsOf(session, 'begin', inLab);
  await rowsOf(session, 'insert into moves values (2)', inLab);
  expect([await count(session), await count(other)]).toEqual(['2', '1']);
  await rowsOf(session, 'rollback', inLab);
  expect(await count(session)).toBe('1');
  await rowsOf(session, 'begin', inLab);
  await rowsOf(session, 'insert into moves values (2)', inLab);
  await rowsOf(session, 'commit', inLab);
  expect(await count(other)).toBe('2');
  await other.close();
});

test('a temporary table is seen by its session alone', async () => {
  const other = await running.engine.openSession();
  await rowsOf(session, 'create temporary table mine (a int)', inLab);
  await rowsOf(session, 'insert into lab.public.mine values (1)', inLab);
  expect((await rowsOf(session, 'select a from mine', inLab)).rows).toEqual([['1']]);
  expect(await failureOf(other, 'select a from mine', inLab)).toMatchObject({
    code: '002003',
    message: expect.stringContaining("'LAB.PUBLIC.MINE'") as string,
  });
  await other.close();
});

test('binds of every type come back as they went in, by position and by number', async () => {
  const answer = await rowsOf(session, 'select ?, ?, ?, ?, ?, ?, ?, ?, ?', {
    binds: [
      { type: 'FIXED', value: '-42' },
      { type: 'REAL', value: '0.5' },
      { type: 'TEXT', value: `it's \\ "x"` },
      { type: 'BOOLEAN', value: 'true' },
      { type: 'DATE', value: '1709596800000' },
      { type: 'TIME', value: '36672500000000' },
      { type: 'TIMESTAMP_NTZ', value: '-500000000' },
      { type: 'BINARY', value: 'AB01' },
      { type: 'TEXT', value: null },
    ],
  });
  expect(answer.rows).toEqual([
    ['-42', '0.5', `it's \\ "x"`, '1', '19787', '36672.500000000', '-0.500000000', 'AB01', null],
  ]);
  const numbered = await rowsOf(session, 'select :2, :1', {
    binds: [
      { type: 'TEXT', value: 'a' },
      { type: 'TEXT', value: 'b' },
    ],
  });
  expect(numbered.rows).toEqual([['b', 'a']]);
});

test('a bind without a value is refused and nothing is written; without a mark for it a value does no harm', async () => {
  await rowsOf(session, 'create table bound (a int, b varchar)', inLab);
  const one = { ...inLab, binds: [{ type: 'FIXED', value: '1' }] } as const;
  for (const [sql, bind, asked] of [
    ['insert into bound values (?, ?)', '?', inLab],
    ['insert into bound values (?, ?)', '?', one],
    ['insert into bound values (:1, :2)', ':2', one],
    ['select :2', ':2', one],
  ] as const)
    expect(await failureOf(session, sql, asked)).toMatchObject({
      code: '002049',
      message: expect.stringContaining(`Bind variable ${bind} not set.`) as string,
    });
  await rowsOf(session, "insert into bound values (7, 'x')", one);
  expect((await rowsOf(session, 'select a, b from bound', inLab)).rows).toEqual([['7', 'x']]);
});

test('an array bind inserts one row for each element', async () => {
  await rowsOf(session, 'create table loaded (id int, name varchar, seen_at timestamp_ntz)', inLab);
  const rows = 2000;
  const each = <T>(of: (index: number) => T): readonly T[] =>
    Array.from({ length: rows }, (_, index) => of(index));
  const answer = await rowsOf(session, 'insert into loaded (id, name, seen_at) values (?, ?, ?)', {
    ...inLab,
    binds: [
      { type: 'FIXED', value: each(String) },
      { type: 'TEXT', value: each((index) => (index === 1 ? null : `n'${index}`)) },
      { type: 'TIMESTAMP_NTZ', value: each(() => '1700000000123456000') },
    ],
  });
  expect(answer.rows).toEqual([[String(rows)]]);
  const back = await rowsOf(
    session,
    'select count(*), count(name), sum(id), max(name), max(seen_at) from loaded',
    inLab,
  );
  expect(back.rows).toEqual([['2000', '1999', '1999000', "n'999", '1700000000.123456000']]);
});

test('aborting the signal interrupts the statement and the session goes on', async () => {
  const abort = new AbortController();
  const endless = session.execute(
    request(
      'select sum(a.x * b.x) from (select seq4() x from table(generator(rowcount => 10000000))) a, (select seq4() x from table(generator(rowcount => 10000000))) b',
    ),
    abort.signal,
  );
  const started = performance.now();
  setTimeout(() => abort.abort(), 300);
  expect(await endless).toMatchObject({
    kind: 'failed',
    code: '000604',
    sqlState: '57014',
    message: 'SQL execution canceled',
  });
  expect(performance.now() - started).toBeLessThan(10_000);
  expect((await rowsOf(session, 'select 1')).rows).toEqual([['1']]);
});

test('a statement ends whenever its signal is aborted, early or late', async () => {
  for (let delayMs = 0; delayMs < 60; delayMs += 4) {
    const abort = new AbortController();
    const running = session.execute(
      request(
        `select ${delayMs}, sum(a.x * b.x) from (select seq4() x from table(generator(rowcount => 10000000))) a, (select seq4() x from table(generator(rowcount => 10000000))) b`,
      ),
      abort.signal,
    );
    setTimeout(() => abort.abort(), delayMs);
    expect(await running).toMatchObject({ code: '000604' });
  }
});

test('the end of a provided table is amended; an amendment that does not fit changes nothing', async () => {
  const columns = [
    { name: 'ID', type: 'VARCHAR' },
    { name: 'CREDITS', type: 'NUMBER(38,12)' },
    { name: 'END_TIME', type: 'TIMESTAMP_LTZ' },
  ];
  const amend = (
    keptRows: number,
    from: { readonly column: string; readonly cell: string } | undefined,
    rows: readonly (readonly (string | null)[])[],
  ): Promise<boolean> =>
    running.engine.amendTable(
      'SNOWFLAKE',
      'ACCOUNT_USAGE',
      'AMENDED',
      columns,
      { from, keptRows },
      rows,
    );
  const ids = async (): Promise<readonly unknown[]> =>
    (
      await rowsOf(
        session,
        'select id, credits from snowflake.account_usage.amended order by id',
        inLab,
      )
    ).rows;
  expect(await amend(0, undefined, [['a', '1', '1.000']])).toBe(false);
  await running.engine.replaceTable('SNOWFLAKE', 'ACCOUNT_USAGE', 'AMENDED', columns, []);
  // More digits than fit into the quick path, and characters that separate cells and rows.
  const odd = 'b\u001d\u001e\u001f\n';
  expect(
    await amend(0, undefined, [
      ['a', '1234567890.123456789012', '1.000'],
      ['c', '0', '3.000'],
      ['x', '0', null],
    ]),
  ).toBe(true);
  expect(await amend(9, { column: 'END_TIME', cell: '2.000' }, [])).toBe(false);
  expect(
    await amend(1, { column: 'END_TIME', cell: '2.000' }, [[odd, '0.000000000001', '2.000']]),
  ).toBe(true);
  expect(await ids()).toEqual([
    ['a', '1234567890.123456789012'],
    [odd, '0.000000000001'],
  ]);
  expect(await amend(2, undefined, [['c', '-0.5', '-0.5']])).toBe(true);
  expect(await ids()).toHaveLength(3);
});

test('a provided table is replaced as a whole, readable by all and writable by none', async () => {
  const columns = [
    { name: 'QUERY_ID', type: 'VARCHAR' },
    { name: 'CREDITS', type: 'NUMBER(38,9)' },
    { name: 'START_TIME', type: 'TIMESTAMP_LTZ' },
    { name: 'OK', type: 'BOOLEAN' },
  ];
  const replace = (rows: readonly (readonly (string | null)[])[]): Promise<void> =>
    running.engine.replaceTable('SNOWFLAKE', 'ACCOUNT_USAGE', 'QUERY_HISTORY', columns, rows);
  await replace([['a', '1.000000001', '1700000000.123', '1']]);
  await replace([
    ['b', '0.5', '-0.5', '0'],
    ["c'", null, null, null],
    ['\\ud800 is \ud800', 'undefined', '99999999999999999999', 'maybe'],
  ]);
  const read = await rowsOf(
    session,
    `select * from snowflake.account_usage.query_history order by query_id like '%is%', query_id`,
    inLab,
  );
  expect(read.rows).toEqual([
    ['b', '0.500000000', '-0.500000000', '0'],
    ["c'", null, null, null],
    // A bad cell costs itself, never the table.
    ['\\ud800 is \ufffd', null, null, null],
  ]);
  expect(
    await failureOf(session, 'delete from snowflake.account_usage.query_history', inLab),
  ).toMatchObject({ code: '003001' });
  const withEnd = [...columns.slice(0, 3), { name: 'END_TIME', type: 'TIMESTAMP_LTZ' }];
  await running.engine.replaceTable('SNOWFLAKE', 'TABLE_FUNCTIONS', 'QUERY_HISTORY', withEnd, [
    ['f', '1', null, null],
  ]);
  const called = await rowsOf(
    session,
    'select query_id from table(information_schema.query_history())',
    inLab,
  );
  expect(called.rows).toEqual([['f']]);
});

test.each([
  ['result_limit => 2', ['running', 'late']],
  ['result_limit => 10000', ['running', 'late', 'middle', 'early']],
  [
    `end_time_range_start => dateadd('minute', -90, '2026-01-01 12:00:00'::timestamp_ltz)`,
    ['running', 'late', 'middle'],
  ],
  [`END_TIME_RANGE_END => to_timestamp_ltz('2026-01-01 11:00:00')`, ['middle', 'early']],
  [`end_time_range_end => current_timestamp(), result_limit => 1`, ['late']],
  [
    `end_time_range_start => '2026-01-01 10:30:00', end_time_range_end => '2026-01-01 13:30:00+02:00'`,
    ['middle'],
  ],
  ["user_name => 'ANN'", ['running', 'early']],
  ["session_id => 8, user_name => 'BOB'", ['late']],
  ['', ['running', 'late', 'middle', 'early']],
])('QUERY_HISTORY(%s) has its statements, latest end first', async (args, ids) => {
  const columns = [
    { name: 'QUERY_ID', type: 'VARCHAR' },
    { name: 'END_TIME', type: 'TIMESTAMP_LTZ' },
    { name: 'USER_NAME', type: 'VARCHAR' },
    { name: 'SESSION_ID', type: 'NUMBER(38,0)' },
  ];
  const ended = (hour: number): string => String(Date.UTC(2026, 0, 1, hour) / 1000);
  await running.engine.replaceTable('SNOWFLAKE', 'TABLE_FUNCTIONS', 'QUERY_HISTORY', columns, [
    ['early', ended(10), 'ANN', '7'],
    ['middle', ended(11), 'BOB', '7'],
    ['running', null, 'ANN', '8'],
    ['late', ended(12), 'BOB', '8'],
  ]);
  const { rows } = await rowsOf(
    session,
    `select query_id from table(information_schema.query_history(${args})) where query_id <> 'x'`,
    inLab,
  );
  expect(rows.map(([id]) => id)).toEqual(ids);
});

test.each([
  'result_limit => 0',
  'result_limit => 2 + 2',
  'end_time_range_start => (select 1)',
  'result_limit => 10001',
  "user_name => upper('a')",
  "user_name => 'A', user_name => 'B'",
  '10',
])('QUERY_HISTORY(%s) is refused', async (args) => {
  expect(
    await failureOf(
      session,
      `select 1 from table(information_schema.query_history(${args}))`,
      inLab,
    ),
  ).toMatchObject({ code: '000002', sqlState: '0A000' });
});

test.each([
  ["'2026-01-01 10:00:00', '2026-01-01 12:00:00'", ['ten', 'eleven']],
  ["date_range_start => '2026-01-01 11:00:00'::timestamp_ltz, warehouse_name => 'W'", ['eleven']],
  ['', ['ten', 'eleven', 'twelve']],
])('WAREHOUSE_METERING_HISTORY(%s) has the hours of its range', async (args, ids) => {
  const columns = [
    { name: 'ID', type: 'VARCHAR' },
    { name: 'START_TIME', type: 'TIMESTAMP_LTZ' },
    { name: 'WAREHOUSE_NAME', type: 'VARCHAR' },
  ];
  const at = (hour: number): string => String(Date.UTC(2026, 0, 1, hour) / 1000);
  const table = 'WAREHOUSE_METERING_HISTORY';
  await running.engine.replaceTable('SNOWFLAKE', 'TABLE_FUNCTIONS', table, columns, [
    ['ten', at(10), 'W'],
    ['eleven', at(11), 'W'],
    ['twelve', at(12), 'V'],
  ]);
  const { rows } = await rowsOf(
    session,
    `select id from table(information_schema.${table}(${args})) order by start_time`,
    inLab,
  );
  expect(rows.map(([id]) => id)).toEqual(ids);
});

test('a dead engine process fails its statements with 000603 and is replaced', async () => {
  const lost = session.execute(
    request(
      'select sum(a.x * b.x) from (select seq4() x from table(generator(rowcount => 10000000))) a, (select seq4() x from table(generator(rowcount => 10000000))) b',
    ),
    new AbortController().signal,
  );
  const { pid } = running.engine;
  expect(pid).toBeDefined();
  process.kill(pid ?? 0, 'SIGKILL');
  expect(await lost).toMatchObject({ kind: 'failed', code: '000603' });
  expect((await rowsOf(session, 'select count(*) from loaded', inLab)).rows).toEqual([['2000']]);
  expect(running.engine.pid).not.toBe(pid);
});

test('what was written is there after a stop and a start, provided tables are empty', async () => {
  await running.engine.stop();
  const engine = await createEngine({ dataDir: running.dataDir, log: silentLog, demoWorld: false });
  const { dataDir } = running;
  running = {
    engine,
    dataDir,
    stop: async () => {
      await engine.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
  session = await engine.openSession();
  expect((await rowsOf(session, 'select count(*) from loaded', inLab)).rows).toEqual([['2000']]);
  expect(
    (await rowsOf(session, 'select count(*) from snowflake.account_usage.query_history', inLab))
      .rows,
  ).toEqual([['0']]);
  expect(readdirSync(dataDir)).toContain('warehouse.duckdb');
});
