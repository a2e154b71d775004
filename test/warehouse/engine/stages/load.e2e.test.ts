import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EngineSession } from '../../../../warehouse/engine/engine.js';
import { failureOf, rowsOf, startEngine, type EngineUnderTest } from '../support.js';
import { IN_D, putFile } from './support.js';

describe('COPY INTO a table', () => {
  let engine: EngineUnderTest;
  let session: EngineSession;
  beforeAll(async () => {
    engine = await startEngine(false);
    session = await engine.engine.openSession();
    await run('CREATE DATABASE D');
  });
  afterAll(() => engine.stop());

  const run = (sql: string) => rowsOf(session, sql, IN_D);
  const fail = (sql: string) => failureOf(session, sql, IN_D);
  const put = (stage: string, name: string, content: string | Uint8Array) =>
    putFile(session, stage, name, content);

  /** A table T of three types and a stage S of files with a header. */
  const fresh = async (files: Readonly<Record<string, string | Uint8Array>>) => {
    await run('CREATE OR REPLACE TABLE t (id INT NOT NULL, name VARCHAR, seen TIMESTAMP_NTZ)');
    await run(
      `CREATE OR REPLACE STAGE s FILE_FORMAT = (TYPE = CSV SKIP_HEADER = 1 FIELD_OPTIONALLY_ENCLOSED_BY = '"')`,
    );
    for (const [name, content] of Object.entries(files)) await put('@s', name, content);
  };
  const GOOD = 'id,name,seen\n1,"a, b",2026-01-02 03:04:05\n2,,2026-01-02T03:04:05Z\n';
  const BAD = 'id,name,seen\n3,c,\nx,d,\n4,e,f,g\n5,h,never\n';

  test('loads plain and gzip files once; the scan is of the files, the write of the rows', async () => {
    await fresh({ 'a.csv': GOOD, 'b.csv.gz': gzipSync('id,name,seen\n7,"",1767323045\n') });
    const loaded = await run('COPY INTO t FROM @s');
    expect(loaded.statementTypeId).toBe(0x3600);
    expect(loaded.rows.map((row) => row.slice(0, 6))).toEqual([
      ['a.csv', 'LOADED', '2', '2', '1', '0'],
      ['b.csv.gz', 'LOADED', '1', '1', '1', '0'],
    ]);
    expect(loaded.scan.bytesScanned).toBeGreaterThan(GOOD.length);
    expect(loaded.scan.bytesWritten).toBeGreaterThan(0);
    const { rows } = await run('SELECT id, name, seen::VARCHAR FROM t ORDER BY id');
    expect(rows).toEqual([
      ['1', 'a, b', '2026-01-02 03:04:05.000'],
      ['2', null, '2026-01-02 03:04:05.000'],
      ['7', '', '2026-01-02 03:04:05.000'],
    ]);
    const again = await run('COPY INTO t FROM @s');
    expect(again.rows).toEqual([['Copy executed with 0 files processed.']]);
    expect(again.scan).toMatchObject({ bytesScanned: 0, bytesWritten: 0 });
  });

  test('without FROM takes the files of the table’s own stage, with options and once', async () => {
    await fresh({ 'a.csv': GOOD });
    await put('@%t', 'mine.csv', '8,own,\n');
    const loaded = await run(
      'COPY INTO d.public.t (id, name) FILE_FORMAT = (ERROR_ON_COLUMN_COUNT_MISMATCH = FALSE)',
    );
    expect(loaded.rows.map((row) => row.slice(0, 4))).toEqual([['mine.csv', 'LOADED', '1', '1']]);
    expect((await run('SELECT id, name FROM t')).rows).toEqual([['8', 'own']]);
    expect((await run('COPY INTO t')).rows).toEqual([['Copy executed with 0 files processed.']]);
    expect(await fail('COPY INTO t @s')).toMatchObject({ code: '001003' });
  });

  test('the same name with another content, FORCE, TRUNCATE and a table made anew load again', async () => {
    await fresh({ 'a.csv': GOOD });
    await run('COPY INTO t FROM @s');
    await put('@s', 'a.csv', `${GOOD}9,z,\n`);
    expect((await run('COPY INTO t FROM @s')).rows[0]?.[3]).toBe('3');
    expect((await run('COPY INTO t FROM @s FORCE = TRUE')).rows[0]?.[3]).toBe('3');
    await run('TRUNCATE TABLE t');
    expect((await run('COPY INTO t FROM @s')).rows[0]?.[3]).toBe('3');
    await run('CREATE OR REPLACE TABLE t (id INT, name VARCHAR, seen TIMESTAMP_NTZ)');
    expect((await run('COPY INTO t FROM @s')).rows[0]?.[3]).toBe('3');
  });

  test('a load is forgotten after 64 days of the warehouse clock, not before', async () => {
    await fresh({ 'a.csv': GOOD });
    const at = (day: string) => ({
      ...IN_D,
      context: { CURRENT_TIMESTAMP: `${day}T00:00:00.000Z` },
    });
    await rowsOf(session, 'COPY INTO t FROM @s', at('2026-01-01'));
    const before = await rowsOf(session, 'COPY INTO t FROM @s', at('2026-03-05'));
    expect(before.columns).toHaveLength(1);
    const after = await rowsOf(session, 'COPY INTO t FROM @s', at('2026-03-07'));
    expect(after.rows[0]?.[1]).toBe('LOADED');
  });

  test('ABORT_STATEMENT names file, line and column, and leaves nothing behind', async () => {
    await fresh({ 'a.csv': GOOD, 'b.csv': BAD });
    const failed = await fail('COPY INTO t FROM @s');
    expect(failed).toMatchObject({ code: '100038', sqlState: '22018' });
    expect(failed.message).toContain("Numeric value 'x' is not recognized");
    expect(failed.message).toContain("File 'b.csv', line 3");
    expect(failed.message).toContain('column "T"["ID":1]');
    expect((await run('SELECT COUNT(*) FROM t')).rows).toEqual([['0']]);
    expect((await run("COPY INTO t FROM @s FILES = ('a.csv')")).rows[0]?.[1]).toBe('LOADED');
  });

  test('CONTINUE leaves out the records in error, SKIP_FILE the file', async () => {
    await fresh({ 'b.csv': BAD });
    const skipped = await run('COPY INTO t FROM @s ON_ERROR = SKIP_FILE');
    expect(skipped.rows).toEqual([
      [
        'b.csv',
        'LOAD_FAILED',
        '4',
        '0',
        '1',
        '3',
        "Numeric value 'x' is not recognized",
        '3',
        null,
        'ID',
      ],
    ]);
    expect((await run('SELECT COUNT(*) FROM t')).rows).toEqual([['0']]);
    const tolerant = await run('COPY INTO t FROM @s ON_ERROR = SKIP_FILE_4');
    expect(tolerant.rows[0]?.slice(1, 6)).toEqual(['PARTIALLY_LOADED', '4', '1', '4', '3']);
    const forced = await run('COPY INTO t FROM @s ON_ERROR = CONTINUE FORCE = TRUE');
    expect(forced.rows[0]?.slice(1, 6)).toEqual(['PARTIALLY_LOADED', '4', '1', '4', '3']);
    expect((await run('SELECT id FROM t')).rows).toEqual([['3'], ['3']]);
  });

  test('NULL for a column that has none is an error of the record', async () => {
    await fresh({ 'a.csv': 'id,name,seen\n,x,\n' });
    expect(await fail('COPY INTO t FROM @s')).toMatchObject({ code: '100072' });
  });

  test('a load in a transaction is undone with it, and so is its mark', async () => {
    await fresh({ 'a.csv': GOOD });
    await run('BEGIN');
    await run('COPY INTO t FROM @s');
    await run('ROLLBACK');
    expect((await run('SELECT COUNT(*) FROM t')).rows).toEqual([['0']]);
    expect((await run('COPY INTO t FROM @s')).rows[0]?.[1]).toBe('LOADED');
  });

  test('PATTERN, column lists, transformations and PURGE', async () => {
    await fresh({ 'a.csv': GOOD, 'c.txt': 'id\n8\n' });
    await run("COPY INTO t (id) FROM @s PATTERN = '.*[.]txt' PURGE = TRUE");
    expect((await run('LIST @s')).rows.map(([name]) => name)).toEqual(['s/a.csv']);
    await run('COPY INTO t (name, id) FROM (SELECT UPPER(x.$2), x.$1::INT * 10 FROM @s x)');
    expect((await run('SELECT id, name FROM t ORDER BY id')).rows).toEqual([
      ['8', null],
      ['10', 'A, B'],
      ['20', null],
    ]);
    expect(
      await fail('COPY INTO t (id) FROM (SELECT $1 FROM @s WHERE $1 = 1) FORCE = TRUE'),
    ).toMatchObject({
      code: '000002',
    });
    expect((await run('SELECT COUNT(*) FROM t')).rows).toEqual([['3']]);
  });

  test('JSON goes into one VARIANT or, by name, into columns; digits are kept', async () => {
    await run('CREATE OR REPLACE STAGE s');
    await put('@s', 'a.json', '[{"id":1,"Name":"x","v":{"n":12345678901234567890}},{"id":2}]');
    const format = 'FILE_FORMAT = (TYPE = JSON STRIP_OUTER_ARRAY = TRUE)';
    await run('CREATE OR REPLACE TABLE j (v VARIANT)');
    await run(`COPY INTO j FROM @s ${format}`);
    expect((await run('SELECT v:v.n, v:id::INT FROM j ORDER BY 2')).rows).toEqual([
      ['12345678901234567890', '1'],
      [null, '2'],
    ]);
    await run('CREATE OR REPLACE TABLE j (id INT, name VARCHAR, v VARIANT, other DATE)');
    expect(await fail(`COPY INTO j FROM @s ${format}`)).toMatchObject({ code: '002019' });
    await run(`COPY INTO j FROM @s ${format} MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE`);
    expect((await run('SELECT * FROM j ORDER BY id')).rows).toEqual([
      ['1', 'x', '{\n  "n": 12345678901234567890\n}', null],
      ['2', null, null, null],
    ]);
    expect(
      (
        await run(
          `SELECT $1:Name::VARCHAR FROM @s/a.json (FILE_FORMAT => (TYPE = JSON STRIP_OUTER_ARRAY = TRUE)) WHERE $1:id = 1`,
        )
      ).rows,
    ).toEqual([['x']]);
  });

  test('a CSV header gives columns by name', async () => {
    await run('CREATE OR REPLACE STAGE s');
    await put('@s', 'h.csv', 'NAME,other,Id\nn,o,4\n');
    await run('CREATE OR REPLACE TABLE t (id INT, name VARCHAR)');
    await run(
      'COPY INTO t FROM @s FILE_FORMAT = (TYPE = CSV PARSE_HEADER = TRUE ERROR_ON_COLUMN_COUNT_MISMATCH = FALSE) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE',
    );
    expect((await run('SELECT id, name FROM t')).rows).toEqual([['4', 'n']]);
  });

  test.each([
    ['VALIDATION_MODE = RETURN_ERRORS', '000002'],
    ['SIZE_LIMIT = 5', '000002'],
    ['ON_ERROR = MAYBE', '001008'],
    ['NO_SUCH = 1', '001006'],
    ['FILE_FORMAT = (TYPE = XML)', '000002'],
    ["FILE_FORMAT = (ENCODING = 'ISO88591')", '000002'],
    ['FILE_FORMAT = (NO_SUCH_FORMAT_OPTION = 1)', '001006'],
    ["FILES = ('gone.csv')", '100016'],
    ['PURGE = TRUE PURGE = FALSE', '001084'],
  ])('refuses %s', async (option, code) => {
    await fresh({ 'a.csv': GOOD });
    expect(await fail(`COPY INTO t FROM @s ${option}`)).toMatchObject({ code });
  });
});
