import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EngineSession } from '../../../warehouse/engine/engine.js';
import { failureOf, request, rowsOf, startEngine, type EngineUnderTest } from './support.js';

let running: EngineUnderTest;
let session: EngineSession;

beforeAll(async () => {
  running = await startEngine(true);
  session = await running.engine.openSession();
});
afterAll(async () => await running.stop());

const cells = async (sql: string): Promise<readonly (string | null)[]> =>
  (await rowsOf(session, sql)).rows[0] ?? [];

test('every table of the demo world has the rows of its scale', async () => {
  const counts: Record<string, number> = {};
  for (const name of [
    'REGION',
    'NATION',
    'SUPPLIER',
    'CUSTOMER',
    'PART',
    'PARTSUPP',
    'ORDERS',
    'LINEITEM',
  ])
    counts[name] = Number((await cells(`SELECT COUNT(*) FROM ${name}`))[0]);
  expect(counts).toEqual({
    REGION: 5,
    NATION: 25,
    SUPPLIER: 100,
    CUSTOMER: 1500,
    PART: 2000,
    PARTSUPP: 8000,
    ORDERS: 15_000,
    LINEITEM: 59_673,
  });
});

test('joins and aggregates agree with DuckDB asked directly about the same file', async () => {
  const questions = [
    [
      `select n_name, count(*), sum(c_acctbal) from customer, nation where c_nationkey = n_nationkey group by 1 order by 1`,
      `select N_NAME, count(*)::VARCHAR, sum(C_ACCTBAL)::VARCHAR from T.CUSTOMER, T.NATION where C_NATIONKEY = N_NATIONKEY group by 1 order by 1`,
    ],
    [
      `select l_returnflag, l_linestatus, sum(l_quantity), sum(l_extendedprice * (1 - l_discount)), count(*) from lineitem
       where l_shipdate <= dateadd(day, -90, '1998-12-01'::date) group by 1, 2 order by 1, 2`,
      `select L_RETURNFLAG, L_LINESTATUS, sum(L_QUANTITY)::VARCHAR, sum(L_EXTENDEDPRICE * (1 - L_DISCOUNT))::VARCHAR, count(*)::VARCHAR
       from T.LINEITEM where L_SHIPDATE <= DATE '1998-09-02' group by 1, 2 order by 1, 2`,
    ],
    [
      `with big as (select o_custkey, sum(o_totalprice) as t from analytics.tpch.orders group by o_custkey qualify rank() over (order by t desc) <= 3)
       select c_name, t from big join tpch.customer on c_custkey = o_custkey order by t desc`,
      `select C_NAME, sum(O_TOTALPRICE)::VARCHAR from T.ORDERS join T.CUSTOMER on C_CUSTKEY = O_CUSTKEY group by 1 order by sum(O_TOTALPRICE) desc limit 3`,
    ],
  ] as const;
  const answers = [];
  for (const [ours] of questions) answers.push((await rowsOf(session, ours)).rows);
  // DuckDB lets one process at a time own the file.
  await running.engine.stop();
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(`ATTACH '${join(running.dataDir, 'warehouse.duckdb')}' AS w (READ_ONLY)`);
  const expected = [];
  for (const [, theirs] of questions) {
    const result = await connection.runAndReadAll(theirs.replaceAll('T.', 'w."ANALYTICS.TPCH".'));
    expected.push(result.getRows());
  }
  connection.closeSync();
  instance.closeSync();
  expect(answers).toEqual(expected);
  const again = await import('../../../warehouse/engine/create-engine.js');
  const { silentLog } = await import('#base/log.js');
  const engine = await again.createEngine({
    dataDir: running.dataDir,
    log: silentLog,
    demoWorld: true,
  });
  running = { ...running, engine, stop: async () => await engine.stop() };
  session = await engine.openSession();
});

test('cells of every type are in the texts of the JSON result format', async () => {
  const answer = await rowsOf(
    session,
    `select true b, 42 i, 1.50::number(10,2) n, 0.1::float f, 'it''s' t, '2024-03-05'::date d, '10:11:12.5'::time h,
            '1969-12-31 23:59:59.5'::timestamp_ntz ts, '2024-01-01 00:00:00'::timestamp_ltz tz, X'ab01' bin,
            parse_json('{"a": [1, null]}') v, null x, '1970-01-01'::date - 1 dd`,
  );
  expect(answer.rows).toEqual([
    [
      '1',
      '42',
      '1.50',
      '0.1',
      "it's",
      '19787',
      '36672.500000000',
      '-0.500000000',
      '1704067200.000000000',
      'AB01',
      '{\n  "a": [\n    1,\n    null\n  ]\n}',
      null,
      '-1',
    ],
  ]);
  expect(answer.columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
    'B boolean',
    'I fixed',
    'N fixed',
    'F real',
    'T text',
    'D date',
    'H time',
    'TS timestamp_ntz',
    'TZ timestamp_ltz',
    'BIN binary',
    'V variant',
    'X fixed',
    'DD date',
  ]);
  expect(answer.columns[2]).toMatchObject({ precision: 10, scale: 2 });
});

test.each([
  [`iff(1 > 2, 'a', 'b')`, 'b'],
  [`concat('a', null)`, null],
  [`concat('a', 1 + 1)`, 'a2'],
  [`to_number('12.3456')`, '12'],
  [`to_number('12.3456', 10, 2)`, '12.35'],
  [`to_char('2024-03-05'::date, 'YYYY-MM-DD')`, '2024-03-05'],
  [`to_varchar('2024-03-05 01:02:03'::timestamp)`, '2024-03-05 01:02:03.000'],
  [`datediff(hour, '2024-01-01 00:30:00'::timestamp, '2024-01-01 02:10:00'::timestamp)`, '2'],
  [`datediff('month', '2024-01-31', '2024-03-01')`, '2'],
  [`dateadd(day, -1, '2024-03-01'::date)`, '19782'],
  [`date_trunc('month', '2024-03-05'::date)`, '19783'],
  [`date_part(epoch_second, '2024-01-01 00:00:00.123456'::timestamp)`, '1704067200'],
  [`date_part(epoch_millisecond, '2024-01-01 00:00:00.123456'::timestamp_ltz)`, '1704067200123'],
  [`date_part('EPOCH_MILLISECONDS', '1969-12-31 23:59:59.9999'::timestamp)`, '-1'],
  [`date_part(epoch_microsecond, '2024-01-01 00:00:00.123456')`, '1704067200123456'],
  [`date_part(epoch_nanoseconds, '2500-01-01'::date)`, '16725225600000000000'],
  [`parse_json('{"Key":{"b":"x"}}'):Key.b::string`, 'x'],
  [`parse_json('{"key":1}'):KEY::string`, null],
  [`split('a,b,c', ',')[0]::string`, 'a'],
  [`regexp_like('abc', 'b')`, '0'],
  [`1 / 3`, '0.333333'],
  [`zeroifnull(null)`, '0'],
  [`decode(2, 1, 'a', 2, 'b')`, 'b'],
  [`'12.7'::int`, '13'],
  [`array_size(array_construct(1, 2))`, '2'],
  [`current_user()`, 'ANALYST'],
  [`current_schema()`, 'TPCH'],
  [`last_query_id()`, 'aaaaaaaa-0001'],
  [`last_query_id(-2)`, 'aaaaaaaa-0000'],
  [`upper(last_query_id( 1 ))`, 'AAAAAAAA-0000'],
  [`last_query_id(-3)`, null],
])('%s is %s', async (expression, expected) => {
  expect(await cells(`select ${expression}`)).toEqual([expected]);
});

test('a temporary table is described to its own session, with what was declared', async () => {
  await rowsOf(
    session,
    `create temporary table nation (id int comment 'its key', v varchar(5) not null default 'x', t time(3), primary key (id))`,
  );
  const described = async (sql: string): Promise<unknown> =>
    (await rowsOf(session, sql)).rows.map((row) => [
      ...row.slice(0, 2),
      ...row.slice(3, 6),
      row[9],
    ]);
  expect(await described('describe table tpch.nation')).toEqual([
    ['ID', 'NUMBER(38,0)', 'Y', null, 'Y', 'its key'],
    ['V', 'VARCHAR(5)', 'N', "'x'", 'N', null],
    ['T', 'TIME(3)', 'Y', null, 'N', null],
  ]);
  await rowsOf(session, 'drop table nation');
  await rowsOf(session, `create temporary table made as select 1.5 as d, 'x' as t`);
  expect(await described('desc table made')).toEqual([
    ['D', 'NUMBER(2,1)', 'Y', null, 'N', null],
    ['T', 'VARCHAR(16777216)', 'Y', null, 'N', null],
  ]);
  // Everything else is described by the server.
  expect(await failureOf(session, 'describe table region')).toMatchObject({ code: '002003' });
});

test('what SYSTEM$WAIT would not wait for is refused', async () => {
  for (const sql of ['select 1, system$wait(2)', 'select system$wait(2) from nation'])
    expect(await failureOf(session, sql)).toMatchObject({
      code: '000002',
      message: expect.stringContaining('SYSTEM$WAIT') as string,
    });
});

test('unnamed columns are called by their text, quoted names keep their case', async () => {
  const { columns } = await rowsOf(
    session,
    `select count(*), Max(r_name), r_regionkey as Low, 1 "q Q", * from region group by all`,
  );
  expect(columns.map(({ name }) => name)).toEqual([
    'COUNT(*)',
    'MAX(R_NAME)',
    'LOW',
    'q Q',
    'R_REGIONKEY',
    'R_NAME',
    'R_COMMENT',
  ]);
});

test('columns of INFORMATION_SCHEMA may be renamed to their own names in small letters, as dbt does', async () => {
  const catalogue = `with tables as (
      select table_schema as "table_schema", table_name as "table_name",
        case when is_dynamic = 'YES' and table_type = 'BASE TABLE' then 'DYNAMIC TABLE' else table_type end as "table_type"
      from ANALYTICS.INFORMATION_SCHEMA.tables where "table_schema" ilike 'tpch' and upper("table_name") = upper('nation')
    ), columns as (
      select table_schema as "table_schema", table_name as "table_name", column_name as "column_name"
      from ANALYTICS.INFORMATION_SCHEMA.columns where "table_schema" ilike 'tpch'
    ) select * from tables join columns using ("table_schema", "table_name") order by "column_name" limit 1`;
  expect(await cells(catalogue)).toEqual(['TPCH', 'NATION', 'BASE TABLE', 'N_COMMENT']);
});

test('table functions make rows: GENERATOR, FLATTEN, RESULT_SCAN, VALUES', async () => {
  expect(await cells('select count(*) from table(generator(rowcount => 100))')).toEqual(['100']);
  const flat = await rowsOf(
    session,
    `select f.index, f.value::int from (select parse_json('[10,20]') as a) t, lateral flatten(input => t.a) f order by 1`,
  );
  expect(flat.rows).toEqual([
    ['0', '10'],
    ['1', '20'],
  ]);
  const earlier = await rowsOf(session, 'select r_regionkey, r_name from region order by 1');
  const scanned = await rowsOf(
    session,
    'select r_name from table(result_scan(last_query_id())) where r_regionkey = 2',
    {
      result: (id) => (id === 'aaaaaaaa-0001' ? earlier : undefined),
    },
  );
  expect(scanned.rows).toEqual([['ASIA']]);
  for (const which of ['-2', '1', 'last_query_id(-2)']) {
    const numbered = `select r_name from table(result_scan(${which})) where r_regionkey = 2`;
    const result = (id: string): typeof earlier | undefined =>
      id === 'aaaaaaaa-0000' ? earlier : undefined;
    expect((await rowsOf(session, numbered, { result })).rows).toEqual([['ASIA']]);
  }
  expect(await cells('select $2, column1 from values (1, 2)')).toEqual(['2', '1']);
});

test.each([
  [
    'select nope from orders',
    '000904',
    '42000',
    "error line 1 at position 7\ninvalid identifier 'NOPE'",
  ],
  [
    'select * from nope',
    '002003',
    '42S02',
    "Object 'ANALYTICS.TPCH.NOPE' does not exist or not authorized.",
  ],
  ['selec 1', '001003', '42000', "syntax error line 1 at position 0 unexpected 'selec'."],
  ['select 1 +', '001003', '42000', 'syntax error'],
  ['select 1 / 0', '100051', '22012', 'Division by zero'],
  [`select 'abc'::int`, '100038', '22018', "Numeric value 'abc' is not recognized"],
  [`select 'abc'::date`, '100040', '22007', "Date 'abc' is not recognized"],
  [`select 'x'::boolean`, '100037', '22018', "Boolean value 'x' is not recognized"],
  [
    `select * from orders, customer where o_comment = missing.x`,
    '000904',
    '42000',
    'invalid identifier',
  ],
  ['select n_name, count(*) from nation', '000979', '42601', 'not a valid group by expression'],
  [
    'select hash(1)',
    '000002',
    '0A000',
    'Unsupported feature in the embedded warehouse: function HASH',
  ],
  ['create table orders (a int)', '002002', '42710', "Object 'ORDERS' already exists."],
])('%s fails with %s', async (sql, code, sqlState, message) => {
  const failed = await failureOf(session, sql);
  expect(failed).toMatchObject({ code, sqlState });
  expect(failed.message).toContain(message);
});

test.each([
  `select * from read_csv('/etc/hostname')`,
  `select * from read_text('/etc/hostname')`,
  `select * from '/etc/hostname'`,
  `select * from duckdb_settings()`,
  `copy nation to 'x.csv'`,
  `attach 'x.db' as x`,
  `set memory_limit = '1TB'`,
  `install httpfs`,
  `pragma database_list`,
  `select getenv('HOME')`,
])('the sandbox refuses %s in words of its own', async (sql) => {
  const failed = await failureOf(session, sql);
  expect(failed.message).not.toMatch(
    /duckdb(?!_settings)|external|permission error|catalog error/i,
  );
});

test('SAMPLE (10) is ten in a hundred rows, SAMPLE (10 ROWS) is ten', async () => {
  const share = Number((await cells('select count(*) from orders sample (10)'))[0]);
  expect(share).toBeGreaterThan(1200);
  expect(share).toBeLessThan(1800);
  expect(await cells('select count(*) from orders sample (10 rows)')).toEqual(['10']);
});

test('a CTE hides the table of its name only after its body', async () => {
  const sql = `with orders as (select * from orders where o_orderkey < 8), last as (select max(o_orderkey) as k from orders)
    select count(*), max(k) from orders, last`;
  expect(await cells(sql)).toEqual(['7', '7']);
});

test('deep and long statements end with a failure and leave the engine usable', async () => {
  const deep = await session.execute(
    request(`select ${'('.repeat(4000)}1${')'.repeat(4000)}`),
    new AbortController().signal,
  );
  expect(deep.kind).toBe('failed');
  const long = await failureOf(session, `select '${'x'.repeat(1_100_000)}'`);
  expect(long.code).toBe('000002');
  expect(await cells('select 1')).toEqual(['1']);
});
