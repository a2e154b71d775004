/** Query-history exports as people have them: what is read, what is left out, what is refused. */
import { gzipSync } from 'node:zlib';
import { mkdirSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeQueryTag } from '../../../policies/query-tag.js';
import { buildTicketId } from '../../support/builders.js';
import { readExport } from '../../../cli/replay/export/read-export.js';
import { createTestFolder, inDuckDb, readAll, type TestFolder } from './exports.js';

let folder: TestFolder;
let scratchBefore: readonly string[];

const scratchFolders = (): readonly string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith(`tollgate-replay-${process.pid}-`));

beforeAll(() => {
  scratchBefore = scratchFolders();
  folder = createTestFolder();
});
afterAll(() => {
  folder.remove();
  expect(scratchFolders().filter((name) => !scratchBefore.includes(name))).toEqual([]);
});

const NOON = Date.UTC(2026, 9, 1, 12);

const MINIMAL = 'START_TIME,END_TIME,QUERY_TEXT\n';

/** A file of the columns that a replay cannot do without. */
const minimal = (name: string, ...lines: readonly string[]): string =>
  folder.write(name, `${MINIMAL}${lines.join('\n')}\n`);

test('a row has every field of an export', async () => {
  const columns = {
    QUERY_ID: '01b0-1',
    QUERY_TEXT: 'select 1',
    QUERY_HASH: 'aa',
    QUERY_PARAMETERIZED_HASH: 'bb',
    QUERY_TYPE: 'SELECT',
    DATABASE_NAME: 'D',
    SCHEMA_NAME: 'S',
    ACCOUNT_NAME: 'acme',
    USER_NAME: 'U',
    ROLE_NAME: 'R',
    SESSION_ID: '17243998211',
    WAREHOUSE_NAME: 'W',
    WAREHOUSE_SIZE: '2X-Large',
    CLUSTER_NUMBER: '3',
    QUERY_TAG: 'nightly',
    CLIENT_APPLICATION_ID: 'Tableau 2026.2',
    START_TIME: '2026-10-01 05:00:00.000 -0700',
    END_TIME: '2026-10-01 05:00:10.000 -0700',
    TOTAL_ELAPSED_TIME: '10000',
    EXECUTION_TIME: '8000',
    COMPILATION_TIME: '400',
    QUEUED_PROVISIONING_TIME: '500',
    QUEUED_REPAIR_TIME: '1',
    QUEUED_OVERLOAD_TIME: '600',
    TRANSACTION_BLOCKED_TIME: '300',
    LIST_EXTERNAL_FILES_TIME: '99',
    EXECUTION_STATUS: 'SUCCESS',
    BYTES_SCANNED: '123456789012',
    CREDITS_ATTRIBUTED_COMPUTE: '1.2e-05',
    ROWS_PRODUCED: 'not read',
  };
  const file = folder.write(
    'whole.csv',
    `${Object.keys(columns).join(',')}\n${Object.values(columns).join(',')}\n`,
  );
  const { rows, intake, complaints } = await readAll(file);
  expect(rows).toEqual([
    {
      queryId: '01b0-1',
      queryText: 'select 1',
      shapeHash: 'bb',
      textHash: 'aa',
      queryType: 'SELECT',
      database: 'D',
      schema: 'S',
      account: 'acme',
      user: 'U',
      role: 'R',
      sessionId: '17243998211',
      warehouse: 'W',
      warehouseSize: '2X-Large',
      cluster: 3,
      queryTag: 'nightly',
      client: 'Tableau 2026.2',
      isOffPeak: false,
      submittedAt: NOON,
      startedAt: NOON + 1_900,
      endedAt: NOON + 10_000,
      executionMs: 8_000,
      isSuccess: true,
      bytesScanned: 123_456_789_012,
      credits: '0.000012',
      ticket: null,
    },
  ]);
  expect(intake.leftOut).toEqual({ unreadable: 0, unfinished: 0, repeated: 0 });
  expect(intake.columns).toHaveLength(29);
  expect(intake.consequences).toEqual([]);
  expect(complaints).toEqual([]);
});

test('the tag of a statement that was sent through Tollgate is its own again', async () => {
  const tag = { ticketId: buildTicketId(1), team: 'growth', tier: 'batch', src: 'driver' };
  const own = ['nightly', '{"app":"dbt"}', null, '{"tg":"somebody else\'s"}'];
  const lines = own.map((each) => {
    const sent = each?.includes('somebody') === true ? each : encodeQueryTag(tag, each);
    return `2026-10-01 12:00:00,2026-10-01 12:00:01,select 1,"${sent.replaceAll('"', '""')}"`;
  });
  const file = folder.write('tags.csv', `${MINIMAL.trim()},QUERY_TAG\n${lines.join('\n')}\n`);
  const { rows } = await readAll(file);
  expect(rows.map(({ queryTag }) => queryTag)).toEqual(own);
});

test('what is missing is null or worked out, and its consequences are said', async () => {
  const { rows, intake } = await readAll(
    minimal('minimal.csv', '2026-10-01 12:00:00,2026-10-01 12:00:07.5,select 1'),
  );
  expect(rows).toMatchObject([
    {
      queryId: 'row-1',
      submittedAt: NOON,
      startedAt: NOON,
      endedAt: NOON + 7_500,
      executionMs: 7_500,
      isSuccess: true,
      shapeHash: null,
      user: null,
      warehouseSize: null,
      bytesScanned: null,
      credits: null,
    },
  ]);
  expect(intake.columns).toEqual(['START_TIME', 'END_TIME', 'QUERY_TEXT']);
  const said = intake.consequences.join('\n');
  for (const name of ['QUERY_ID', 'USER_NAME', 'WAREHOUSE_SIZE', 'CREDITS_ATTRIBUTED_COMPUTE'])
    expect(said).toContain(`No ${name}: `);
  expect(said).toContain('No waiting times');
});

describe('when a statement ran', () => {
  const instants = async (
    header: string,
    line: string,
  ): Promise<readonly [number, number, number] | undefined> => {
    const file = folder.write(
      'instants.csv',
      `QUERY_TEXT,START_TIME,${header}\nx,2026-10-01T12:00:00Z,${line}\n`,
    );
    const [row] = (await readAll(file)).rows;
    return row && [row.startedAt - NOON, row.endedAt - NOON, row.executionMs];
  };

  test('follows from its elapsed time without an end', async () => {
    expect(await instants('TOTAL_ELAPSED_TIME', '5000')).toEqual([0, 5_000, 5_000]);
  });

  test('follows from its execution alone', async () => {
    expect(await instants('EXECUTION_TIME', '5000.4')).toEqual([0, 5_000, 5_000.4]);
  });

  test('is its execution before its end, without waiting times', async () => {
    expect(await instants('END_TIME,EXECUTION_TIME', '2026-10-01T12:00:09Z,5000')).toEqual([
      4_000, 9_000, 5_000,
    ]);
  });

  test('is elapsed less what it waited, without its execution', async () => {
    expect(
      await instants('TOTAL_ELAPSED_TIME,QUEUED_OVERLOAD_TIME,COMPILATION_TIME', '5000,1000,'),
    ).toEqual([1_000, 5_000, 4_000]);
  });

  test('never lies outside of the statement, whatever its parts add up to', async () => {
    expect(await instants('TOTAL_ELAPSED_TIME,QUEUED_OVERLOAD_TIME', '5000,9000')).toEqual([
      5_000, 5_000, 0,
    ]);
    expect(await instants('TOTAL_ELAPSED_TIME,EXECUTION_TIME', '5000,9000')).toEqual([
      0, 5_000, 9_000,
    ]);
  });

  test('is told by its end where that and the elapsed time differ', async () => {
    expect(await instants('END_TIME,TOTAL_ELAPSED_TIME', '2026-10-01T12:00:09Z,5000')).toEqual([
      4_000, 9_000, 5_000,
    ]);
  });
});

test('rows come in the order of submission, then of query id, whatever the order of the files', async () => {
  const header = 'query_id;Start_Time;end_time;query_text\r\n';
  const second = folder.write(
    'part_2.csv',
    `\u{FEFF}${header}d;2026-10-01T12:00:02Z;2026-10-01T12:00:03Z;x\r\nb;2026-10-01T12:00:01Z;2026-10-01T12:00:02Z;x\r\n`,
  );
  const first = folder.write(
    'part_1.csv.gz',
    gzipSync(
      'END_TIME,QUERY_ID,START_TIME,QUERY_TEXT\n2026-10-01T12:00:09Z,a,2026-10-01T12:00:01Z,x\n2026-10-01T12:00:09Z,c,2026-10-01T12:00:01Z,x\n',
    ),
  );
  const { rows } = await readAll(second, first, second);
  expect(rows.map(({ queryId }) => queryId)).toEqual(['a', 'b', 'c', 'd']);
});

test('a folder is the parts of one export', async () => {
  const parts = path.join(folder.path, "folder's [parts]");
  mkdirSync(parts);
  for (const name of ['b', 'a'])
    folder.write(
      `folder's [parts]/${name}.csv`,
      `${MINIMAL}2026-10-01,2026-10-02,select ${name}\n`,
    );
  folder.write("folder's [parts]/notes.md", '# none of them');
  const { rows } = await readAll(parts);
  expect(rows.map(({ queryId, queryText }) => [queryId, queryText])).toEqual([
    ['row-1', 'select a'],
    ['row-2', 'select b'],
  ]);
});

test('texts keep their commas, quotes, line breaks and length', async () => {
  const texts = [
    'select "a, b" from t -- it\'s\nwhere x = \'";\'\r\nand y',
    `select '${'x'.repeat(1_048_576)}'`,
    '"',
    'select \'\u{1F600} \\N "" ,\'',
    ...Array.from({ length: 3_000 }, (_, index) => `select ${index},\n"c${index}"`),
  ];
  const lines = texts.map(
    (text, index) =>
      `${1_790_856_000_000 + index},${1_790_856_000_500 + index},"${text.replaceAll('"', '""')}"`,
  );
  const { rows, complaints } = await readAll(minimal('texts.csv', ...lines));
  expect(complaints).toEqual([]);
  expect(rows.map(({ queryText }) => queryText)).toEqual(texts);
});

test('Parquet is read by its types', async () => {
  const file = path.join(folder.path, 'typed.parquet');
  await inDuckDb(`COPY (
    SELECT 'p1' AS query_id, 'select 1'::BLOB AS "QUERY_TEXT",
      TIMESTAMP_NS '2026-10-01 12:00:00.123456789' AS start_time,
      TIMESTAMPTZ '2026-10-01 14:00:01.5+02' AS end_time,
      NULL::DATE AS ignored, 'NaN'::DOUBLE AS bytes_scanned, 2::TINYINT AS cluster_number,
      1377.0::DOUBLE AS execution_time, 0.1::DOUBLE * 3 AS credits_attributed_compute
    UNION ALL
    SELECT 'p2', 'select 2'::BLOB, TIMESTAMP '2026-10-01 12:00:01', TIMESTAMPTZ '2026-10-01 12:00:02Z', NULL, 7.0, 1,
      1000.0, 5e-13
  ) TO '${file}' (FORMAT parquet)`);
  const { rows } = await readAll(file);
  expect(rows).toMatchObject([
    {
      queryId: 'p1',
      queryText: 'select 1',
      submittedAt: NOON + 123,
      startedAt: NOON + 123,
      endedAt: NOON + 1_500,
      executionMs: 1_377,
      bytesScanned: null,
      cluster: 2,
      credits: '0.3',
    },
    { queryId: 'p2', queryText: 'select 2', endedAt: NOON + 2_000, bytesScanned: 7, credits: '0' },
  ]);
});

test('an export can be read again, and given up half way', async () => {
  const lines = Array.from(
    { length: 5_000 },
    (_, index) => `${1_790_856_000 + index},${1_790_900_000},x`,
  );
  const source = await readExport([minimal('many.csv', ...lines)], () => undefined);
  try {
    for await (const batch of source.batches()) {
      expect(batch.length).toBeGreaterThan(500);
      break;
    }
    let count = 0;
    for await (const batch of source.batches()) count += batch.length;
    expect(count).toBe(5_000);
    expect(source.intake.rows).toBe(5_000);
  } finally {
    await source.close();
  }
});

describe('left out and counted', () => {
  test('rows that cannot be read, each with its place and the reason', async () => {
    const { rows, intake, complaints } = await readAll(
      folder.write(
        'bad.csv',
        [
          'QUERY_ID,START_TIME,END_TIME,QUERY_TEXT,BYTES_SCANNED,CREDITS_ATTRIBUTED_COMPUTE',
          'good,2026-10-01 12:00:00,2026-10-01 12:00:01,x,,',
          'b1,yesterday,2026-10-01 12:00:01,x,,',
          'b2,,2026-10-01 12:00:01,x,,',
          'b3,2026-10-01 12:00:00,2026-10-01 11:00:00,x,,',
          'b4,2026-10-01 12:00:00,2026-02-30 11:00:00,x,,',
          'b5,2026-10-01 12:00:00,2026-10-01 12:00:01,x,-1,',
          'b6,2026-10-01 12:00:00,2026-10-01 12:00:01,x,,one',
          'b7,2026-10-01 12:00:00,2026-10-01 12:00:01,,,',
        ].join('\n'),
      ),
    );
    expect(rows.map(({ queryId }) => queryId)).toEqual(['good']);
    expect(intake.leftOut).toEqual({ unreadable: 7, unfinished: 0, repeated: 0 });
    const name = path.join(folder.path, 'bad.csv');
    expect(complaints).toEqual([
      `Left out: ${name}, row 2: START_TIME is no time: "yesterday".`,
      `Left out: ${name}, row 3: START_TIME is empty.`,
      `Left out: ${name}, row 4: END_TIME 2026-10-01 11:00:00 is before START_TIME 2026-10-01 12:00:00.`,
      `Left out: ${name}, row 5: END_TIME is no time: "2026-02-30 11:00:00".`,
      `Left out: ${name}, row 6: BYTES_SCANNED is no figure of at least 0: "-1".`,
      `Left out: ${name}, row 7: CREDITS_ATTRIBUTED_COMPUTE is no amount of at least 0: "one".`,
      `Left out: ${name}, row 8: it has neither text nor hash.`,
    ]);
  });

  test('records that are no CSV, by their place among all', async () => {
    const { rows, intake, complaints } = await readAll(
      folder.write(
        'torn.csv',
        Buffer.concat([
          Buffer.from(`${MINIMAL}2026-10-01,2026-10-02,"select\n1"\n2026-10-01,2026-10-02\n`),
          Buffer.from('2026-10-01,2026-10-02,caf'),
          Buffer.from([0xe9]),
          Buffer.from('\n2026-10-01,2026-10-02,x,y\nsoon,2026-10-02,x\n2026-10-01,2026-10-02,z\n'),
        ]),
      ),
    );
    expect(rows.map(({ queryText }) => queryText)).toEqual(['select\n1', 'z']);
    expect(intake.leftOut.unreadable).toBe(4);
    expect(complaints).toEqual([
      expect.stringMatching(/torn\.csv, row 2: .*Number of Columns: 3 Found: 2\.$/),
      expect.stringMatching(/torn\.csv, row 3: .*unicode/i),
      expect.stringMatching(/torn\.csv, row 4: .*Columns: 3 Found: 4\.$/),
      expect.stringMatching(/torn\.csv, row 5: START_TIME is no time: "soon"\.$/),
    ]);
  });

  test('statements that had not ended', async () => {
    const { rows, intake, complaints } = await readAll(
      folder.write(
        'running.csv',
        [
          'QUERY_ID,START_TIME,END_TIME,QUERY_TEXT,EXECUTION_STATUS',
          'r1,2026-10-01 12:00:00,1969-12-31 16:00:00.000 -0800,x,RUNNING',
          'r2,2026-10-01 12:00:00,,x,',
          'f1,2026-10-01 12:00:00,2026-10-01 12:00:01,x,FAIL',
          'f2,2026-10-01 12:00:00,2026-10-01 12:00:01,x,FAILED_WITH_ERROR',
        ].join('\n'),
      ),
    );
    expect(rows.map(({ queryId, isSuccess }) => [queryId, isSuccess])).toEqual([
      ['f1', false],
      ['f2', false],
    ]);
    expect(intake.leftOut).toEqual({ unreadable: 0, unfinished: 2, repeated: 0 });
    expect(complaints).toEqual([]);
  });

  test('rows whose query id was there: the one that was submitted first is kept', async () => {
    const { rows, intake } = await readAll(
      folder.write(
        'twice.csv',
        [
          'QUERY_ID,START_TIME,END_TIME,QUERY_TEXT',
          'q,2026-10-01 13:00:00,2026-10-01 13:00:01,later',
          'q,2026-10-01 12:00:00,2026-10-01 12:00:01,first',
          'q,bad,2026-10-01 12:00:01,unreadable',
        ].join('\n'),
      ),
    );
    expect(rows.map(({ queryText }) => queryText)).toEqual(['first']);
    expect(intake).toMatchObject({ rows: 1, leftOut: { unreadable: 1, repeated: 1 } });
  });
});

describe('refused', () => {
  const refusal = async (...paths: readonly string[]): Promise<string> => {
    const outcome = await readAll(...paths).catch((thrown: unknown) => thrown);
    expect(outcome).toMatchObject({ name: 'VerbError', exitCode: 2 });
    return (outcome as Error).message;
  };

  test('a path that is not there, is no export, or comes from a pipe', async () => {
    expect(await refusal('nowhere.csv')).toBe(
      'nowhere.csv cannot be read: there is no such file or folder.',
    );
    expect(await refusal('-')).toContain('standard input');
    expect(await refusal(folder.write('empty.csv', ''))).toContain('is empty');
    expect(await refusal('/dev/null')).toContain('neither a file nor a folder');
    const bare = path.join(folder.path, 'bare');
    mkdirSync(bare);
    expect(await refusal(bare)).toContain('no part of an export');
    expect(await refusal(folder.write('h.xlsx', 'PK\u0003\u0004....'))).toContain('spreadsheet');
    expect(await refusal(folder.write('u.csv', Buffer.from(`\u{FEFF}a`, 'utf16le')))).toContain(
      'UTF-16',
    );
  });

  test('a file without the columns that are needed, naming those and the ones it has', async () => {
    const message = await refusal(folder.write('other.csv', 'id,started,END_TIME\n1,2,3\n'));
    expect(message).toContain('START_TIME is missing');
    expect(message).toContain('one of QUERY_TEXT, QUERY_PARAMETERIZED_HASH, QUERY_HASH is missing');
    expect(message).not.toContain('END_TIME, TOTAL');
    expect(message).toContain('names id, started, END_TIME;');
  });

  test('an export of which no row can be read, with the first reasons', async () => {
    const message = await refusal(minimal('hopeless.csv', '10/1/2026,x,y', '10/2/2026,x,y'));
    expect(message).toContain("None of the export's 2 rows can be read");
    expect(message).toContain('row 1: START_TIME is no time: "10/1/2026"');
  });

  test('a broken archive and a broken Parquet file', async () => {
    const gzip = gzipSync(`${MINIMAL}${'2026-10-01,2026-10-02,select 1\n'.repeat(50_000)}`);
    expect(await refusal(folder.write('cut.csv.gz', gzip.subarray(0, 600)))).toContain(
      'cannot be read',
    );
    expect(await refusal(folder.write('cut.parquet', 'PAR1 and no more of it'))).toContain(
      'cannot be read as parquet',
    );
  });
});

test('a CSV that was cut off inside of a text is refused, and a record that is too long is left out', async () => {
  const row = '2026-10-01,2026-10-02,';
  await expect(readAll(minimal('cut.csv', `${row}a`, `${row}"never`, `${row}b`))).rejects.toThrow(
    'ends inside of a quoted text',
  );
  const long = minimal('long.csv', `${row}a`, `${row}"${'x'.repeat(5 * 1_048_576)}"`, `${row}b`);
  const { rows, complaints } = await readAll(long);
  expect(rows.map(({ queryText }) => queryText)).toEqual(['a', 'b']);
  expect(complaints).toEqual([expect.stringMatching(/long\.csv, row 2: Maximum line size/)]);
});

test('an export without rows is one', async () => {
  const { rows, intake } = await readAll(folder.write('none.csv', MINIMAL));
  expect(rows).toEqual([]);
  expect(intake.rows).toBe(0);
});
