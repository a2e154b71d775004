import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EngineSession } from '../../../warehouse/engine/engine.js';
import { failureOf, rowsOf, startEngine, type EngineUnderTest } from './support.js';

let running: EngineUnderTest;
let session: EngineSession;
const inLab = { database: 'LAB', schema: 'PUBLIC' };

beforeAll(async () => {
  running = await startEngine(false);
  session = await running.engine.openSession();
  await rowsOf(session, 'create database lab');
});
afterAll(async () => await running.stop());

/** Types and the only row of a query. */
async function seen(sql: string): Promise<readonly (readonly [string, string | null])[]> {
  const { columns, rows } = await rowsOf(session, sql, inLab);
  return columns.map(({ type }, index) => [type, rows[0]?.[index] ?? null]);
}

describe('TIMESTAMP_TZ', () => {
  test.each([
    [`'2026-03-01 12:34:56.789 +02:00'::TIMESTAMP_TZ`, '1772361296.789000000 1560'],
    [`'2026-03-01 12:34:56 +02:00'::TIMESTAMP_TZ AS Z`, '1772361296.000000000 1560'],
    [`CAST('2026-03-01T12:34:56+0200' AS TIMESTAMP_TZ)`, '1772361296.000000000 1560'],
    [`CAST('2026-03-01 12:34:56 +02' AS TIMESTAMP_TZ(9)) "z"`, '1772361296.000000000 1560'],
    [`TO_TIMESTAMP_TZ('2026-03-01 05:04:56.5 -05:30') Z`, '1772361296.500000000 1110'],
    [`TRY_TO_TIMESTAMP_TZ('2026-03-01 10:34:56Z')`, '1772361296.000000000 1440'],
    [`'2026-03-01 10:34:56'::TIMESTAMP_TZ`, '1772361296.000000000 1440'],
    [`'2026-03-01'::TIMESTAMP_TZ(3)`, '1772323200.000000000 1440'],
    [`'2026-03-01 10:34:56'::TIMESTAMP_NTZ::VARCHAR::TIMESTAMP_LTZ`, '1772361296.000000000'],
    [`'1960-01-01 00:00:00 +01:00'::TIMESTAMP_TZ`, '-315622800.000000000 1500'],
    [`NULL::TIMESTAMP_TZ`, null],
    [`TRY_CAST('no time' AS TIMESTAMP_TZ)`, null],
  ])('%s is the instant with its offset', async (value, cell) => {
    const type = value.includes('LTZ') ? 'timestamp_ltz' : 'timestamp_tz';
    expect(await seen(`SELECT 1, ${value}`)).toEqual([
      ['fixed', '1'],
      [type, cell],
    ]);
  });

  test('what is compared, grouped, computed with or stored is the same instant in UTC', async () => {
    const zoned = `'2026-03-01 12:34:56 +02:00'::TIMESTAMP_TZ`;
    const cell = ['timestamp_ltz', '1772361296.000000000'];
    await rowsOf(session, `CREATE OR REPLACE TABLE Z AS SELECT ${zoned} AS SEEN_AT`, inLab);
    expect(await seen('SELECT SEEN_AT FROM Z')).toEqual([cell]);
    expect(await seen(`SELECT ${zoned} AS A FROM Z GROUP BY 1`)).toEqual([cell]);
    expect(await seen(`SELECT ${zoned} UNION SELECT SEEN_AT FROM Z`)).toEqual([cell]);
    expect(await seen(`SELECT ${zoned} AS A FROM Z WHERE A = SEEN_AT`)).toEqual([cell]);
    expect(
      await seen(`SELECT ${zoned} = '2026-03-01 10:34:56 +00:00'::TIMESTAMP_TZ, COUNT(*) FROM Z`),
    ).toEqual([
      ['boolean', '1'],
      ['fixed', '1'],
    ]);
    expect(await seen(`SELECT DATEADD(day, 1, ${zoned})`)).toEqual([
      ['timestamp_ltz', '1772447696.000000000'],
    ]);
    expect(await seen(`WITH A AS (SELECT ${zoned} AS B) SELECT B::TIMESTAMP_TZ FROM A`)).toEqual([
      ['timestamp_tz', '1772361296.000000000 1440'],
    ]);
  });

  test('a text that is no time fails with 100035', async () => {
    expect(await failureOf(session, `SELECT 'no time'::TIMESTAMP_TZ`)).toMatchObject({
      code: '100035',
      sqlState: '22007',
    });
  });
});

describe('BINARY', () => {
  test.each([
    [`'00FF'::BINARY`, '00FF'],
    [`CAST('00ff' AS VARBINARY)`, '00FF'],
    [`TO_BINARY('00ff')`, '00FF'],
    [`TO_BINARY('00FF', 'HEX')`, '00FF'],
    [`TO_BINARY('é', 'UTF-8')`, 'C3A9'],
    [`TO_BINARY('AP8=', 'BASE64')`, '00FF'],
    [`TRY_TO_BINARY('0')`, null],
    [`TRY_TO_BINARY('A', 'BASE64')`, null],
    [`TRY_CAST('XY' AS BINARY)`, null],
    [`TO_BINARY(NULL)`, null],
    [`'00FF'::BINARY::BINARY`, '00FF'],
  ])('%s is bytes', async (value, cell) => {
    expect(await seen(`SELECT ${value} AS B`)).toEqual([['binary', cell]]);
  });

  test('the text of bytes is their hex', async () => {
    expect(await seen(`SELECT TO_BINARY('00ff')::VARCHAR`)).toEqual([['text', '00FF']]);
    expect(await seen(`SELECT TO_VARCHAR(TO_BINARY('5C78', 'HEX'))`)).toEqual([['text', '5C78']]);
  });

  test('bytes are stored and compared', async () => {
    await rowsOf(session, 'CREATE OR REPLACE TABLE B (V BINARY, T VARCHAR)', inLab);
    await rowsOf(session, `INSERT INTO B SELECT TO_BINARY('00FF'), '00FF'`, inLab);
    expect(await seen('SELECT V, T::BINARY, V = T::BINARY FROM B')).toEqual([
      ['binary', '00FF'],
      ['binary', '00FF'],
      ['boolean', '1'],
    ]);
  });

  test.each(['0', 'XY'])('%s is no hex and fails with 100115', async (text) => {
    expect(await failureOf(session, `SELECT '${text}'::BINARY`)).toMatchObject({
      code: '100115',
      sqlState: '22000',
      message: `The following string is not a legal hex-encoded value: '${text}'`,
    });
  });
});

describe('TIMEZONE of the session', () => {
  const inNewYork = { parameters: { TIMEZONE: 'America/New_York' } };

  test.each([
    [`'2024-07-01 12:00:00'::TIMESTAMP_LTZ`, '1719849600.000000000'],
    [`'2024-07-01 12:00:00'::TIMESTAMP_LTZ::VARCHAR`, '2024-07-01 12:00:00.000 -0400'],
    [`'2024-07-01 12:00:00 +00:00'::TIMESTAMP_LTZ::TIMESTAMP_NTZ`, '1719820800.000000000'],
    [`'2024-01-01 12:00:00'::TIMESTAMP_TZ`, '1704128400.000000000 1140'],
    [`DATE_TRUNC('day', '2024-07-01 02:00:00 +00:00'::TIMESTAMP_LTZ)`, '1719720000.000000000'],
    [`TO_DATE('2024-07-01 02:00:00 +00:00'::TIMESTAMP_LTZ)`, '19904'],
  ])('%s goes by it', async (value, cell) => {
    const { rows } = await rowsOf(session, `SELECT ${value}`, { ...inLab, ...inNewYork });
    expect(rows).toEqual([[cell]]);
  });

  test('CURRENT_DATE and CURRENT_TIME are those of its clocks', async () => {
    const context = { CURRENT_TIMESTAMP: '2024-07-01T02:03:04.567Z' };
    const sql = `SELECT CURRENT_DATE(), CURRENT_TIME(), CURRENT_TIMESTAMP()`;
    expect((await rowsOf(session, sql, { ...inLab, ...inNewYork, context })).rows).toEqual([
      ['19904', '79384.567000000', '1719799384.567000000'],
    ]);
  });

  test('the next statement without one is in UTC again', async () => {
    await rowsOf(session, `SELECT 1`, { ...inLab, ...inNewYork });
    expect(await seen(`SELECT '2024-07-01 12:00:00'::TIMESTAMP_LTZ::VARCHAR`)).toEqual([
      ['text', '2024-07-01 12:00:00.000 Z'],
    ]);
  });
});
