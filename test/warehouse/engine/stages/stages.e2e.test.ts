import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EngineSession } from '../../../../warehouse/engine/engine.js';
import { failureOf, rowsOf, startEngine, type EngineUnderTest } from '../support.js';
import { IN_D, locationOf, putFile } from './support.js';

describe('stages and file formats', () => {
  let engine: EngineUnderTest;
  let session: EngineSession;
  beforeAll(async () => {
    engine = await startEngine(false);
    session = await engine.engine.openSession();
    await run('CREATE DATABASE D');
  });
  afterAll(() => engine.stop());

  const run = (sql: string, more = {}) => rowsOf(session, sql, { ...IN_D, ...more });
  const fail = (sql: string) => failureOf(session, sql, IN_D);
  const names = async (sql: string) => (await run(sql)).rows.map(([name]) => name);

  test('PUT, LIST, GET and REMOVE work on named, user and table stages', async () => {
    await run('CREATE STAGE one');
    await run('CREATE TABLE t (id INT)');
    for (const [stage, label] of [
      ['@one', 'one/'],
      ['@d.public.one', 'one/'],
      ['@~', ''],
      ['@%t', ''],
      ['@"D".PUBLIC.%T', ''],
    ] as const) {
      await putFile(session, `${stage}/in`, 'a.csv', 'hello');
      const listed = await run(`LIST ${stage}`);
      expect(listed.statementTypeId).toBe(0x4701);
      expect(listed.rows.map((row) => row.slice(0, 3))).toEqual([
        [`${label}in/a.csv`, '5', '5d41402abc4b2a76b9719d911017c592'],
      ]);
      const { transfer } = await run(`GET ${stage}/in file:///tmp/mine/ PATTERN = '.*csv'`);
      expect(transfer).toMatchObject({
        command: 'DOWNLOAD',
        sources: ['in/a.csv'],
        localLocation: '/tmp/mine/',
      });
      expect(readFileSync(join(transfer?.location ?? '', 'in/a.csv'), 'utf8')).toBe('hello');
      const removed = await run(`RM ${stage}/in`);
      expect(removed.rows).toEqual([[`${label}in/a.csv`, 'removed']]);
      expect(await names(`LS ${stage}`)).toEqual([]);
    }
  });

  test('PUT says what its options say', async () => {
    await run('CREATE OR REPLACE STAGE one');
    const { transfer } = await run(
      "PUT 'file:///tmp/my file*.csv' '@one/a b' PARALLEL = 8 AUTO_COMPRESS = FALSE OVERWRITE = TRUE SOURCE_COMPRESSION = GZIP",
    );
    expect(transfer).toMatchObject({
      command: 'UPLOAD',
      sources: ['/tmp/my file*.csv'],
      parallel: 8,
      isCompressed: false,
      isOverwriting: true,
      sourceCompression: 'gzip',
    });
    expect(transfer?.location).toMatch(/\/a b$/);
    expect(await fail('PUT file:///x @one PARALLEL = 1000')).toMatchObject({ code: '001008' });
    expect(await fail('PUT file:///x @one NO_SUCH = 1')).toMatchObject({ code: '001008' });
  });

  test('what the Go driver overwrites is removed first, because it leaves the tail of a longer file', async () => {
    await run('CREATE OR REPLACE STAGE one');
    for (const name of ['a.csv', 'a.csv.gz', 'b.csv']) await putFile(session, '@one/in', name, 'x');
    const asGo = { context: { CURRENT_CLIENT: 'Go 1.19.1' } };
    await run('PUT file:///tmp/b.csv @one/in', asGo);
    expect(await names('LIST @one')).toHaveLength(3);
    await run('PUT file:///tmp/a.csv @one/in OVERWRITE = TRUE', asGo);
    expect(await names('LIST @one')).toEqual(['one/in/a.csv', 'one/in/b.csv']);
    await run('PUT file:///tmp/a.csv @one/in AUTO_COMPRESS = FALSE OVERWRITE = TRUE', asGo);
    expect(await names('LIST @one')).toEqual(['one/in/b.csv']);
    const many = 'PUT file:///tmp/*.csv @one/in OVERWRITE = TRUE';
    expect(await failureOf(session, many, { ...IN_D, ...asGo })).toMatchObject({ code: '000002' });
  });

  test('each user has a stage of its own', async () => {
    await putFile(session, '@~', 'mine.csv', '1');
    const other = await run('LIST @~', { context: { CURRENT_USER: 'SOMEBODY_ELSE' } });
    expect(other.rows).toEqual([]);
    expect(await names('LIST @~')).toEqual(['mine.csv']);
    await run('RM @~');
  });

  test('a stage dropped or replaced takes its files along, so does a table made anew', async () => {
    await run('CREATE OR REPLACE STAGE two');
    await putFile(session, '@two', 'a.csv', '1');
    const before = await locationOf(session, '@two');
    await run('CREATE OR REPLACE STAGE two');
    expect(existsSync(before)).toBe(false);
    expect(await names('LIST @two')).toEqual([]);
    await run('DROP STAGE two');
    expect(await fail('LIST @two')).toMatchObject({ code: '002003', sqlState: '02000' });
    await putFile(session, '@%t', 'a.csv', '1');
    await run('CREATE OR REPLACE TABLE t (id INT)');
    expect(await names('LIST @%t')).toEqual([]);
  });

  test('a temporary stage is of one session and ends with it', async () => {
    const other = await engine.engine.openSession();
    await rowsOf(other, 'CREATE TEMPORARY STAGE own', IN_D);
    await putFile(other, '@own', 'a.csv', '1');
    const location = await locationOf(other, '@own');
    expect(await fail('LIST @own')).toMatchObject({ code: '002003' });
    await other.close();
    await expect.poll(() => existsSync(location)).toBe(false);
  });

  test('objects are shown, described and changed', async () => {
    await run("CREATE STAGE three COMMENT = 'c' DIRECTORY = (ENABLE = TRUE)");
    expect((await run("SHOW STAGES LIKE 'thr%' IN SCHEMA d.public")).rows).toEqual([
      expect.arrayContaining(['THREE', 'D', 'PUBLIC', 'c', 'INTERNAL', 'Y']),
    ]);
    await run("CREATE FILE FORMAT f TYPE = CSV FIELD_DELIMITER = '|' SKIP_HEADER = 2");
    await run("ALTER FILE FORMAT f SET FIELD_DELIMITER = '\\t' COMMENT = 'tabs'");
    const described = (await run('DESC FILE FORMAT f')).rows;
    expect(described).toContainEqual(['FIELD_DELIMITER', 'String', '\\t', ',']);
    expect(described).toContainEqual(['SKIP_HEADER', 'Integer', '2', '0']);
    expect((await run('SHOW FILE FORMATS')).rows).toEqual([
      expect.arrayContaining(['F', 'D', 'PUBLIC', 'CSV', 'tabs']),
    ]);
    await run('ALTER STAGE three SET FILE_FORMAT = (FORMAT_NAME = f)');
    await putFile(session, '@three', 'a.txt', 'x\ny\na\tb\n');
    expect((await run('SELECT $2, $1 FROM @three')).rows).toEqual([['b', 'a']]);
    await run('DROP FILE FORMAT f');
    expect(await fail('SELECT $1 FROM @three')).toMatchObject({ code: '002003' });
    expect(await fail('CREATE STAGE three')).toMatchObject({ code: '002002' });
    await run('CREATE STAGE IF NOT EXISTS three');
    await run('DROP STAGE IF EXISTS no_such_stage');
  });

  test('rows of a stage can be joined, filtered and stored, with the file and the row they come from', async () => {
    await run('CREATE OR REPLACE STAGE four');
    await putFile(session, '@four', 'a.csv', '1,x\n2,y\n');
    await putFile(session, '@four', 'b.csv', '2,z\n');
    const read = await run(
      "SELECT a.$2, b.$2, b.METADATA$FILENAME, a.METADATA$FILE_ROW_NUMBER FROM @four/a.csv a JOIN @four (PATTERN => 'b[.]csv') b ON a.$1 = b.$1",
    );
    expect(read.rows).toEqual([['y', 'z', 'b.csv', '2']]);
    expect(read.scan.bytesScanned).toBe(8 + 4);
    await run('CREATE OR REPLACE TABLE kept AS SELECT $1::INT AS id FROM @four');
    expect((await run('SELECT SUM(id) FROM kept')).rows).toEqual([['5']]);
    const plan = await session.plan({
      ...IN_D,
      sql: 'SELECT $1, $2 FROM @four',
      binds: [],
      context: {},
      result: () => undefined,
    });
    expect(plan).toMatchObject({ kind: 'plan', columns: [{ name: '$1' }, { name: '$2' }] });
  });

  test.each([
    ['SELECT * FROM @four', '000002'],
    ['CREATE VIEW v AS SELECT $1 FROM @four', '000002'],
    ["CREATE STAGE e URL = 's3://bucket'", '000002'],
    ['SELECT @four', '001003'],
    ['SELECT 1, file FROM @no_such_stage', '002003'],
    ["COPY INTO @four FROM kept VALIDATION_MODE = 'RETURN_ROWS'", '000002'],
    ['COPY INTO @four FROM kept PARTITION BY (id)', '000002'],
  ])('%s is refused with %s', async (sql, code) => {
    expect(await fail(sql)).toMatchObject({ code });
  });

  test('rows are unloaded as CSV, JSON and Parquet and read back', async () => {
    await run('CREATE OR REPLACE STAGE out FILE_FORMAT = (TYPE = CSV)');
    await run(
      "CREATE OR REPLACE TABLE u AS SELECT 1 AS id, 'a,\\\\b' AS name, DATE '2026-01-02' AS d, TRUE AS b UNION ALL SELECT 2, NULL, NULL, FALSE",
    );
    const done = await run('COPY INTO @out/csv/ FROM (SELECT * FROM u ORDER BY id) HEADER = TRUE');
    expect(done.statementTypeId).toBe(0x3700);
    expect(done.rows[0]?.[0]).toBe('2');
    expect(done.scan.bytesWritten).toBeGreaterThan(0);
    expect(await names('LIST @out')).toEqual(['out/csv/data_0_0_0.csv.gz']);
    expect((await run('SELECT $1, $2, $3, $4 FROM @out/csv')).rows).toEqual([
      ['ID', 'NAME', 'D', 'B'],
      ['1', 'a,\\b', '2026-01-02', 'true'],
      ['2', null, null, 'false'],
    ]);
    expect(await fail('COPY INTO @out/csv/ FROM u')).toMatchObject({ code: '001030' });
    await run('COPY INTO @out/csv/ FROM u OVERWRITE = TRUE');
    await run(
      'COPY INTO @out/j FROM (SELECT PARSE_JSON(\'{"a":[1]}\')) FILE_FORMAT = (TYPE = JSON)',
    );
    expect(
      (await run('SELECT $1:a[0]::INT FROM @out/j (FILE_FORMAT => (TYPE = JSON))')).rows,
    ).toEqual([['1']]);
    await run('COPY INTO @out/p/ FROM u FILE_FORMAT = (TYPE = PARQUET) HEADER = TRUE');
    await run('CREATE OR REPLACE TABLE w LIKE u');
    const loaded = await run(
      'COPY INTO w FROM @out/p FILE_FORMAT = (TYPE = PARQUET) MATCH_BY_COLUMN_NAME = CASE_SENSITIVE',
    );
    expect(loaded.rows[0]?.slice(0, 4)).toEqual([
      'p/data_0_0_0.snappy.parquet',
      'LOADED',
      '2',
      '2',
    ]);
    expect((await run('SELECT * FROM w MINUS SELECT * FROM u')).rows).toEqual([]);
    await run(
      'COPY INTO @out/single.txt FROM u SINGLE = TRUE FILE_FORMAT = (TYPE = CSV COMPRESSION = NONE)',
    );
    const place = join(await locationOf(session, '@out'), 'single.txt');
    expect(readFileSync(place, 'utf8').split('\n')).toHaveLength(3);
    await run('COPY INTO @out/many/ FROM u MAX_FILE_SIZE = 1');
    expect(await names('LIST @out/many')).toHaveLength(2);
  });

  test('a Parquet file is written by names and types that INFER_SCHEMA tells, as write_pandas does it', async () => {
    const bind = (value: string) => ({ type: 'TEXT', value });
    const bound = (sql: string, ...values: readonly string[]) =>
      run(sql, { binds: values.map(bind) });
    await bound(
      'CREATE TEMPORARY STAGE identifier(?) FILE_FORMAT=(TYPE=PARQUET COMPRESSION=gzip BINARY_AS_TEXT=FALSE)',
      '"D"."PUBLIC"."pan\'das"',
    );
    const place = join(await locationOf(session, `'@"pan\\'das"'`), 'file0.txt');
    await writeParquet(
      place,
      `SELECT 9223372036854775807 AS "n", 1 AS "M", 'it''s' AS 'q"x', 'inf'::DOUBLE AS f, '\\x00\\xFF'::BLOB AS b,
              TIMESTAMP_NS '2026-03-01 01:02:03.123456' AS ts, [1, 2] AS l, 1.50::DECIMAL(10, 2) AS d`,
    );
    await bound(
      'CREATE TEMP FILE FORMAT identifier(?) TYPE=PARQUET COMPRESSION=auto USE_LOGICAL_TYPE = TRUE',
      'logical',
    );
    await run('CREATE TEMP FILE FORMAT physical TYPE=PARQUET');
    const infer = 'SELECT COLUMN_NAME, TYPE FROM table(infer_schema(location=>?, file_format=>?))';
    const types = [
      ['n', 'NUMBER(38, 0)'],
      ['M', 'NUMBER(38, 0)'],
      ['q"x', 'TEXT'],
      ['f', 'REAL'],
      ['b', 'BINARY'],
      ['ts', 'TIMESTAMP_NTZ'],
      ['l', 'VARIANT'],
      ['d', 'NUMBER(10, 2)'],
    ] as const;
    const stage = '@"D"."PUBLIC"."pan\'das"';
    expect((await bound(infer, stage, 'logical')).rows).toEqual(types);
    expect((await bound(infer, stage, 'physical')).rows[5]).toEqual(['ts', 'NUMBER(38, 0)']);
    const name = (text: string): string => `"${text.replaceAll('"', '""')}"`;
    const columns = types.map(([of, type]) => `${name(of)} ${type}`).join(', ');
    await bound(`CREATE TEMPORARY TABLE IF NOT EXISTS identifier(?) (${columns})`, '"new"');
    const copy = (options: string) =>
      bound(
        `COPY INTO identifier(?) /* Python */ (${types.map(([of]) => name(of)).join(',')}) FROM (SELECT ${types
          .map(([of, type]) => `$1:${name(of)}::${type}`)
          .join(
            ',',
          )} FROM '@"D"."PUBLIC"."pan\\'das"') FILE_FORMAT=(TYPE=PARQUET ${options}) PURGE=TRUE ON_ERROR=?`,
        '"D"."PUBLIC"."new"',
        'abort_statement',
      );
    const loaded = await copy(
      'USE_VECTORIZED_SCANNER=False COMPRESSION=auto BINARY_AS_TEXT=FALSE USE_LOGICAL_TYPE = TRUE',
    );
    expect(loaded.rows[0]?.slice(0, 4)).toEqual(['file0.txt', 'LOADED', '1', '1']);
    expect((await run('SELECT * FROM "new"')).rows).toEqual([
      [
        '9223372036854775807',
        '1',
        "it's",
        'inf',
        '00FF',
        '1772326923.123456000',
        '[\n  1,\n  2\n]',
        '1.50',
      ],
    ]);
    expect(await names(`LIST '@"pan\\'das"'`)).toEqual([]);
  });

  test('nanoseconds of a Parquet file are numbers without USE_LOGICAL_TYPE, and no dates', async () => {
    await run('CREATE OR REPLACE STAGE ns FILE_FORMAT = (TYPE = PARQUET)');
    const place = join(await locationOf(session, '@ns'), 'a');
    await writeParquet(place, `SELECT TIMESTAMP_NS '2026-03-01 01:02:03.123456789' AS ts`);
    expect((await run('SELECT $1:ts FROM @ns')).rows).toEqual([['1772326923123456789']]);
    const logical = '(FILE_FORMAT => logical_ns)';
    await run('CREATE TEMP FILE FORMAT logical_ns TYPE = PARQUET USE_LOGICAL_TYPE = TRUE');
    expect(await fail(`SELECT $1:ts FROM @ns ${logical}`)).toMatchObject({
      code: '000002',
      message: expect.stringContaining('beyond the sixth') as string,
    });
    await run('CREATE OR REPLACE TABLE ns_times (ts TIMESTAMP_NTZ)');
    for (const sql of [
      'COPY INTO ns_times FROM (SELECT $1:ts FROM @ns)',
      'COPY INTO ns_times FROM @ns MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE',
    ])
      expect((await fail(sql)).code).toMatch(/000002|100035/);
  });

  test('a load keeps the digits of a second that its column has', async () => {
    await run('CREATE OR REPLACE STAGE cut');
    await putFile(session, '@cut', 'a.csv', '01:02:03.456789,2026-03-01 01:02:03.456789\n');
    await run('CREATE OR REPLACE TABLE cut (t TIME(3), n TIMESTAMP_NTZ(0))');
    await run('COPY INTO cut FROM @cut');
    await run('COPY INTO cut FROM (SELECT $1, $2 FROM @cut) FORCE = TRUE');
    const kept = ['3723.456000000', '1772326923.000000000'];
    expect((await run('SELECT t, n FROM cut')).rows).toEqual([kept, kept]);
  });

  test.each([
    [
      "SELECT * FROM TABLE(INFER_SCHEMA(LOCATION => '@one', FILE_FORMAT => 'no_such_format'))",
      '002003',
    ],
    [
      "SELECT * FROM TABLE(INFER_SCHEMA(LOCATION => '@no_such_stage', FILE_FORMAT => 'csv_f'))",
      '002003',
    ],
    ["SELECT * FROM TABLE(INFER_SCHEMA(LOCATION => '@one', FILE_FORMAT => 'csv_f'))", '000002'],
    ["SELECT * FROM TABLE(INFER_SCHEMA(FILE_FORMAT => 'csv_f'))", '001006'],
    [
      "SELECT * FROM TABLE(INFER_SCHEMA(LOCATION => '@one', FILE_FORMAT => 'csv_f', KIND => 'ICEBERG'))",
      '001006',
    ],
    ["SELECT INFER_SCHEMA('@one')", '001003'],
    ['COPY INTO @one/gz FROM kept FILE_FORMAT = (TYPE = PARQUET COMPRESSION = GZIP)', '000002'],
  ])('%s fails with %s', async (sql, code) => {
    await run('CREATE OR REPLACE STAGE one');
    await run('CREATE OR REPLACE FILE FORMAT csv_f TYPE = CSV');
    expect(await fail(sql)).toMatchObject({ code });
  });

  test('no path and no link leads out of a stage, and no text of a client reads a file', async () => {
    await run('CREATE OR REPLACE STAGE five');
    const secret = join(engine.dataDir, 'secret.csv');
    writeFileSync(secret, 'secret');
    const location = await locationOf(session, '@five');
    for (const path of ['../x', 'a/../../x', './x', 'a\\b'])
      expect(await fail(`PUT file:///x '@five/${path.replaceAll('\\', '\\\\')}'`)).toMatchObject({
        code: '001011',
      });
    symlinkSync(secret, join(location, 'link.csv'));
    symlinkSync(engine.dataDir, join(location, 'dir'));
    expect(await names('LIST @five')).toEqual([]);
    expect((await run('SELECT $1 FROM @five')).rows).toEqual([]);
    expect((await run('GET @five file:///tmp/')).transfer?.sources).toEqual([]);
    expect(await fail('PUT file:///x @five/dir')).toMatchObject({ code: '000002' });
    writeFileSync(join(location, 'in.csv'), '1');
    for (const file of [secret, join(location, 'in.csv')])
      for (const source of [`'${file}'`, `read_csv('${file}')`, `TABLE(read_text('${file}'))`])
        expect(['000002', '001003', '002003']).toContain(
          (await fail(`SELECT * FROM ${source}`)).code,
        );
    expect(readdirSync(location)).toContain('in.csv');
  });

  test('array binds in a stage are loaded by the types of the columns; empty ones insert nothing silently', async () => {
    await run('CREATE OR REPLACE TABLE b (id INT, name VARCHAR, seen TIMESTAMP_NTZ, bin BINARY)');
    await run(
      `CREATE OR REPLACE TEMPORARY STAGE SYSTEM$BIND file_format=( type=csv field_optionally_enclosed_by='"')`,
    );
    await putFile(
      session,
      '@SYSTEM$BIND/r1',
      '1',
      '1,"a,""b",2026-01-02 03:04:05.123456000,00FF\n2,,,\n',
    );
    await putFile(session, '@SYSTEM$BIND/r2', '1', '');
    await putFile(session, '@SYSTEM$BIND/r3', '1', 'x,,,\n');
    const insert = 'INSERT INTO b (id, name, seen, bin) VALUES (?, ?, ?, ?)';
    const done = await run(insert, { bindStage: '@SYSTEM$BIND/r1' });
    expect(done.rows).toEqual([['2']]);
    expect(done.scan.bytesScanned).toBeGreaterThan(0);
    expect((await run('SELECT id, name, seen::VARCHAR, bin FROM b ORDER BY id')).rows).toEqual([
      ['1', 'a,"b', '2026-01-02 03:04:05.123', '00FF'],
      ['2', null, null, null],
    ]);
    const refused = async (stage: string) =>
      await failureOf(session, insert, { ...IN_D, bindStage: stage });
    expect(await refused('@SYSTEM$BIND/r2')).toMatchObject({ code: '100132' });
    expect(await refused('@SYSTEM$BIND/r3')).toMatchObject({ code: '100038' });
    expect(await refused('@SYSTEM$BIND/none')).toMatchObject({ code: '100132' });
    expect((await run('SELECT COUNT(*) FROM b')).rows).toEqual([['2']]);
  });
});

/** A Parquet file of the rows of `query`, written by a DuckDB of its own. */
async function writeParquet(place: string, query: string): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(`COPY (${query}) TO '${place}' (FORMAT parquet, COMPRESSION gzip)`);
  connection.closeSync();
  instance.closeSync();
}
