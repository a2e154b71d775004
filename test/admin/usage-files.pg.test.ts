import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createAdminApp } from '../../admin/server.js';
import { createMetrics } from '../../base/metrics.js';
import { usageFiles } from '../../cli/usage-files/spool.js';
import { type AdminWorld, createAdminWorld, TOKEN } from './world.js';

let world: AdminWorld;
let app: FastifyInstance;
let folder: string;
beforeAll(async () => {
  world = await createAdminWorld();
  folder = mkdtempSync(path.join(tmpdir(), 'tollgate-files-'));
  const api = { ...world.options.api, usageFiles: usageFiles(folder) };
  app = await createAdminApp({ ...world.options, api, metrics: createMetrics() });
});
afterAll(async () => {
  await app.close();
  await world.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  for (const table of [
    'usage_query',
    'usage_query_ahead',
    'usage_warehouse_hour',
    'usage_import_request',
  ])
    await world.database.db.query(`DELETE FROM ${table}`);
});

const HEAD = `QUERY_ID,WAREHOUSE_ID,WAREHOUSE_SIZE,USER_NAME,QUERY_TYPE,START_TIME,END_TIME,EXECUTION_TIME,QUERY_TEXT`;
const ROWS = [
  `a,7,Medium,SALES_ANALYST,SELECT,2026-10-01 10:00:00.000 Z,2026-10-01 10:10:00.000 Z,600000,"SELECT ""x"", 1"`,
  `b,7,Medium,SALES_ANALYST,SELECT,2026-10-01 11:10:00.000 +0100,2026-10-01 10:20:00.000 Z,600000,SELECT 2`,
  `c,,,SALES_ANALYST,SHOW,2026-10-01 10:00:00.000 Z,2026-10-01 10:00:01.000 Z,1000,SHOW TABLES`,
];
const csv = (rows: readonly string[] = ROWS): string => `${[HEAD, ...rows].join('\n')}\n`;

interface Sent {
  readonly status: number;
  readonly json: Record<string, unknown>;
}

async function send(
  body: string | Buffer,
  query = 'view=QUERY_HISTORY&name=query_history.csv',
  headers: Readonly<Record<string, string>> = {},
): Promise<Sent> {
  const reply = await app.inject({
    method: 'POST',
    url: `/api/v1/usage/files?${query}`,
    headers: {
      authorization: `Bearer ${TOKEN}`,
      'content-type': 'application/octet-stream',
      ...headers,
    },
    payload: Buffer.from(body),
  });
  return { status: reply.statusCode, json: reply.json<Record<string, unknown>>() };
}

async function queries(): Promise<readonly string[]> {
  const { rows } = await world.database.db.query<{ row: string }>(
    `SELECT query_id || ' ' || warehouse_size || ' ' || to_char(executed_at AT TIME ZONE 'UTC', 'HH24:MI') AS row
      FROM usage_query ORDER BY 1`,
  );
  return rows.map(({ row }) => row);
}

test('criterion 14: a CSV is imported as the view would be, plain or in gzip, again and in another order without effect', async () => {
  const first = await send(csv());
  expect(first).toMatchObject({
    status: 202,
    json: {
      request: { account: 'demo', rowsWritten: 2, file: { rows: 3, view: 'QUERY_HISTORY' } },
      leftOutRows: 1,
      unreadColumns: ['QUERY_TEXT'],
    },
  });
  expect(first.json['absentColumns']).toContain('CREDITS_USED_CLOUD_SERVICES');
  expect(await queries()).toEqual(['a Medium 10:00', 'b Medium 10:10']);
  // Criterion 14: three times the same, duplicated and turned around.
  for (const again of [csv(), csv([...ROWS].reverse()), csv([...ROWS, ...ROWS])])
    expect(await send(gzipSync(again))).toMatchObject({ json: { request: { rowsWritten: 0 } } });
  expect(await queries()).toHaveLength(2);
  expect(readdirSync(path.join(folder, 'uploads'))).toEqual([]);
  const { rows } = await world.database.db.query(
    "SELECT DISTINCT action, subject FROM audit_event WHERE action = 'usage.file'",
  );
  expect(rows).toEqual([{ action: 'usage.file', subject: 'account/demo' }]);
});

test('Parquet is read with its types, doubles by their shortest text', async () => {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const file = path.join(folder, 'hours.parquet');
  await connection.run(`COPY (SELECT 7 AS warehouse_id, 'STANDARD_WH' AS "Warehouse_Name",
    TIMESTAMPTZ '2026-10-01 10:00:00+00' AS START_TIME, 0.1::DOUBLE + 0.2::DOUBLE AS CREDITS_USED_COMPUTE,
    1.2e-5::DOUBLE AS CREDITS_USED_CLOUD_SERVICES, NULL::DOUBLE AS CREDITS_ATTRIBUTED_COMPUTE_QUERIES)
    TO '${file}' (FORMAT parquet)`);
  connection.closeSync();
  instance.closeSync();
  const bytes = readFileSync(file);
  expect(await send(bytes, 'view=WAREHOUSE_METERING_HISTORY')).toMatchObject({
    status: 202,
    json: { request: { rowsWritten: 1 } },
  });
  const { rows } = await world.database.db.query(
    'SELECT starts_at, metered_credits, cloud_services_credits, attributed_credits FROM usage_warehouse_hour',
  );
  expect(rows).toEqual([
    {
      starts_at: new Date('2026-10-01T10:00:00Z'),
      metered_credits: '0.300000000000',
      cloud_services_credits: '0.000012000000',
      attributed_credits: null,
    },
  ]);
  const damaged = Buffer.from(bytes);
  damaged.fill(0, 4, 60);
  for (const body of [damaged, bytes.subarray(0, -20)])
    expect(JSON.stringify(await send(body, 'view=WAREHOUSE_METERING_HISTORY'))).not.toContain(
      folder,
    );
  expect(await send(bytes.subarray(0, -20), 'view=WAREHOUSE_METERING_HISTORY')).toMatchObject({
    status: 422,
    json: { detail: expect.stringMatching(/cannot be read as Parquet.*Nothing of the file/) },
  });
});

const BAD_ID = ROWS.map((row) => row.replace('b,7,Medium', 'b,7,'));
test.each([
  ['cut off in a record', csv().slice(0, -9), /has no end of line: the file was cut off/],
  ['cut off in a quoted text', csv().slice(0, csv().indexOf('1"')), /inside of a quoted text/],
  ['a gzip that was cut off', gzipSync(csv()).subarray(0, -12), /cannot be read: unexpected end/],
  [
    'a record that lacks a field',
    csv(['a,7,Medium']),
    /row 1: has 3 fields, and 9 columns are named/,
  ],
  [
    'a column that is missing',
    csv().replace('END_TIME', 'END'),
    /column END_TIME of QUERY_HISTORY is missing; it has QUERY_ID/,
  ],
  [
    'a column that stands twice',
    csv().replace('QUERY_TEXT', 'QUERY_ID'),
    /column QUERY_ID stands in it twice/,
  ],
  [
    'a time that is none',
    csv().replace('2026-10-01 10:20:00.000 Z', 'yesterday'),
    /row 2: QUERY_HISTORY.END_TIME is no time such as 2026-10-01 12:00:00 \+0000: yesterday\. Nothing/,
  ],
  [
    'a number that is none',
    csv().replace('600000,SELECT', '1e9.5,SELECT'),
    /row 2: QUERY_HISTORY.EXECUTION_TIME is no whole number: 1e9.5/,
  ],
  [
    'an id that is missing',
    csv([ROWS[0] ?? '', `,${ROWS[1]?.slice(2) ?? ''}`]),
    /row 2: QUERY_HISTORY.QUERY_ID is NULL/,
  ],
  [
    'text that is no UTF-8',
    Buffer.concat([Buffer.from(csv()), Buffer.from([0xff, 0xfe, 0x0a])]),
    /is not UTF-8; a spreadsheet saves it as CSV UTF-8/,
  ],
  ['nothing', '', /is empty/],
  ['a PDF', '%PDF-1.7\n', /is a PDF/],
  [
    'an unload without names',
    csv().slice(HEAD.length + 1),
    /column QUERY_ID, .* is missing; it has A, 7, .*unload it with HEADER = TRUE/,
  ],
  [
    'a first line of a spreadsheet',
    `sep=,\n${csv()}`,
    /A spreadsheet wrote the first line: take it away/,
  ],
  [
    'another view',
    'SESSION_ID,CREATED_ON,USER_NAME\n',
    /These are the columns of SESSIONS: say that view/,
  ],
  [
    'a text with the delimiter in it',
    csv(['a,7,Medium,S,SELECT,2026-10-01 10:00:00,2026-10-01 10:10:00,1,SELECT 1, 2']),
    /row 1: has 10 fields, and 9 columns are named; .*FIELD_OPTIONALLY_ENCLOSED_BY/,
  ],
  [
    'an id that a spreadsheet rounded',
    csv().replace('a,7,', 'a,1.23457E+17,'),
    /row 1: QUERY_HISTORY.WAREHOUSE_ID is a number that was rounded.*: 1.23457E\+17; export it without/,
  ],
  [
    'only rows that used no warehouse',
    csv(ROWS.slice(2)),
    /none of the 1 rows is one of account demo/,
  ],
] as const)(
  '%s is refused by file, row, column and rule, and nothing of it is imported',
  async (_what, body, why) => {
    const before = await send(csv([ROWS[0] ?? '']));
    expect(before.status).toBe(202);
    const { status, json } = await send(body);
    expect([status, String(json['detail'])]).toEqual([422, expect.stringMatching(why)]);
    expect(String(json['detail'])).toMatch(/Nothing of the file was imported/);
    expect(String(json['detail'])).not.toContain(folder);
    expect(await queries()).toEqual(['a Medium 10:00']);
    expect(readdirSync(path.join(folder, 'uploads'))).toEqual([]);
  },
);

test('a figure whose statement no file has had yet is told, and is taken by the statement', async () => {
  const figures = 'QUERY_ID,END_TIME,CREDITS_ATTRIBUTED_COMPUTE\na,2026-10-01 10:10:00,1e-9\n';
  const of = 'view=QUERY_ATTRIBUTION_HISTORY';
  expect(await send(figures, of)).toMatchObject({ status: 202, json: { waitingFigures: 1 } });
  expect(await send(csv())).toMatchObject({ status: 202, json: { waitingFigures: 0 } });
  const { rows } = await world.database.db.query(
    'SELECT query_id, attributed_credits FROM usage_query WHERE attributed_credits IS NOT NULL',
  );
  expect(rows).toEqual([{ query_id: 'a', attributed_credits: '0.000000001000' }]);
});

const HOURS =
  'WAREHOUSE_ID,WAREHOUSE_NAME,START_TIME,CREDITS_USED_COMPUTE,CREDITS_USED_CLOUD_SERVICES\n';
const ofHours = (...rows: readonly string[]): string => `${HOURS}${rows.join('\n')}\n`;
const hourOf = (number: number, credits: string): string =>
  `7,WH,${new Date(Date.UTC(2026, 0, 1, number)).toISOString()},${credits},0`;

test.each([
  [
    'an hour that begins within one',
    ofHours('7,WH,2026-10-01 10:30:00,1,0'),
    /row 1: WAREHOUSE_METERING_HISTORY.START_TIME does not begin an hour of UTC: 2026-10-01T10:30/,
  ],
  [
    'a time after the present',
    ofHours('7,WH,2126-10-01 10:00:00,1,0'),
    /row 1: START_TIME lies more than a year after the present: 2126-10-01T10:00:00Z\. Nothing/,
  ],
  [
    'credits below zero',
    ofHours('7,WH,2026-10-01 10:00:00,-1,0'),
    /row 1: WAREHOUSE_METERING_HISTORY.CREDITS_USED_COMPUTE is negative: -1\. Nothing/,
  ],
  [
    'a decimal comma',
    `${HOURS.replaceAll(',', ';')}7;WH;2026-10-01 10:00:00;0,5;0\n`,
    /row 1: WAREHOUSE_METERING_HISTORY.CREDITS_USED_COMPUTE is no amount of credits such as 1.25: 0,5/,
  ],
  [
    'a local date',
    ofHours('7,WH,01.10.2026 10:00,1,0'),
    /row 1: WAREHOUSE_METERING_HISTORY.START_TIME is no time such as 2026-10-01 12:00:00 \+0000: 01.10.2026/,
  ],
  [
    'an hour without its credits',
    ofHours('7,WH,2026-10-01 10:00:00,,0'),
    /row 1: WAREHOUSE_METERING_HISTORY.CREDITS_USED_COMPUTE is NULL/,
  ],
  [
    'an hour that is told twice otherwise',
    ofHours(hourOf(1, '1'), hourOf(2, '1'), hourOf(1, '2')),
    /row 3: says something else of 7 2026-01-01T01:00:00.000Z than a row before it/,
  ],
  [
    'an hour that is told otherwise far behind',
    ofHours(
      ...Array.from({ length: 5_500 }, (_, number) => hourOf(number, '1')),
      hourOf(3, '1'),
      hourOf(2, '2'),
    ),
    /row 5502: says something else of 7 2026-01-01T02:00:00.000Z than a row before it/,
  ],
] as const)('of metered hours %s is refused, and nothing is imported', async (_what, body, why) => {
  const { status, json } = await send(body, 'view=WAREHOUSE_METERING_HISTORY');
  expect([status, String(json['detail'])]).toEqual([422, expect.stringMatching(why)]);
  const { rows } = await world.database.db.query('SELECT FROM usage_warehouse_hour');
  expect(rows).toHaveLength(0);
});

test('a view of the organization gives the rows of the account that is asked for, and no others', async () => {
  const head = `ORGANIZATION_NAME,ACCOUNT_NAME,ACCOUNT_LOCATOR,${HOURS}`;
  const of = (account: string, credits: string): string =>
    `ACME,${account},X${account},${hourOf(1, credits)}`;
  const both = `${head}${of('DEMO', '1')}\n${of('OTHER', '2')}\n`;
  expect(await send(both, 'view=WAREHOUSE_METERING_HISTORY')).toMatchObject({
    status: 202,
    json: { leftOutRows: 1, unreadColumns: [] },
  });
  const { rows } = await world.database.db.query(
    'SELECT metered_credits FROM usage_warehouse_hour',
  );
  expect(rows).toEqual([{ metered_credits: '1.000000000000' }]);
  const other = await send(`${head}${of('OTHER', '2')}\n`, 'view=WAREHOUSE_METERING_HISTORY');
  expect([other.status, other.json['detail']]).toEqual([
    422,
    expect.stringMatching(/none of the 1 rows is one of account demo/),
  ]);
});

test('a spreadsheet writes CSV with a mark of its encoding, semicolons and other line ends', async () => {
  const row = hourOf(1, '0.5').replaceAll(',', ';');
  const body = `\uFEFF${HOURS.replaceAll(',', ';').trim()}\r\n${row}\r\n`;
  expect(await send(body, 'view=WAREHOUSE_METERING_HISTORY')).toMatchObject({
    status: 202,
    json: { request: { rowsWritten: 1 }, unreadColumns: [] },
  });
});

test('rows whose cells are left out by the view are left out of a file too', async () => {
  expect(await send(csv(BAD_ID))).toMatchObject({ json: { leftOutRows: 2 } });
});

test('the last file of a view, and figures that wait for their statement, are told until it comes', async () => {
  const ATTRIBUTED = 'QUERY_ID,END_TIME,CREDITS_ATTRIBUTED_COMPUTE\n';
  const figures = `${ATTRIBUTED}a,2026-10-01 10:10:00 Z,0.25\nb,2026-10-02 10:20:00 Z,1\nz,2026-10-03 00:00:00 Z,0\n`;
  expect(await send(figures, 'view=QUERY_ATTRIBUTION_HISTORY&name=figures.csv')).toMatchObject({
    json: { waitingFigures: 2 },
  });
  const { json } = await world.call('GET', '/api/v1/usage/imports');
  expect(json).toMatchObject({
    views: [
      {
        account: 'demo',
        view: 'QUERY_ATTRIBUTION_HISTORY',
        readTo: null,
        problem: null,
        file: { name: 'figures.csv', rows: 3 },
      },
    ],
    waiting: [
      {
        account: 'demo',
        figures: 2,
        credits: '1.250000000000',
        firstEndedAt: '2026-10-01T10:10:00.000Z',
        lastEndedAt: '2026-10-02T10:20:00.000Z',
        wayOut: expect.stringMatching(/^import QUERY_HISTORY from 2026-10-01 on: .*--file/),
      },
    ],
  });
  await send(csv());
  expect((await world.call('GET', '/api/v1/usage/imports')).json).toMatchObject({
    views: [{ view: 'QUERY_ATTRIBUTION_HISTORY' }, { view: 'QUERY_HISTORY' }],
    waiting: [],
  });
});

test("a file that is another account's is refused, unless that is said on purpose", async () => {
  expect(await send(csv())).toMatchObject({ status: 202 });
  // As if it had been given for another account before.
  for (const table of ['usage_query', 'usage_import_request'])
    await world.database.db.query(`UPDATE ${table} SET account = 'other'`);
  const refusal = async (body: string): Promise<string> => {
    const { status, json } = await send(body);
    expect(status).toBe(422);
    return String(json['detail']);
  };
  expect(await refusal(csv())).toMatch(
    /the same file was imported as one of account other, and is given for demo; .*--also-of other/,
  );
  expect(await refusal(csv(ROWS.slice(0, 1)))).toMatch(/statement a is known as one of account/);
  expect(await send(csv(), 'view=QUERY_HISTORY&alsoOf=other')).toMatchObject({ status: 202 });
});

test('what the sender says of the file must be true: its bytes and its rows', async () => {
  expect(await send(csv(), `view=QUERY_HISTORY&sha256=${'0'.repeat(64)}`)).toMatchObject({
    status: 400,
    json: { errors: [{ field: 'sha256' }] },
  });
  expect(await send(csv(), 'view=QUERY_HISTORY&rows=4')).toMatchObject({
    status: 422,
    json: { detail: expect.stringMatching(/has 3 rows and should have 4/) },
  });
  expect(await send(csv(), 'view=QUERY_HISTORY&rows=3')).toMatchObject({ status: 202 });
  expect(await send(csv(), 'view=NO_SUCH')).toMatchObject({ status: 400 });
  expect(await send(csv(), 'view=QUERY_HISTORY&account=other')).toMatchObject({ status: 400 });
});

test('a repeat under its key is answered by the first, and a key names one upload', async () => {
  const key = { 'idempotency-key': 'upload-1' };
  const first = await send(csv(), undefined, key);
  expect(await send(csv(), undefined, key)).toEqual(first);
  expect(await send(csv(), 'view=SESSIONS', key)).toMatchObject({ status: 422 });
});

interface SlowRequest {
  readonly end: (rest: string) => void;
  readonly status: Promise<number | undefined>;
}

/** A request whose body has begun and goes on when the test says so. */
function slowly(
  port: number,
  apiPath: string,
  type: string,
  head: string,
  length: number,
): SlowRequest {
  const sent = request({
    port,
    path: `/api/v1${apiPath}`,
    method: 'POST',
    headers: {
      authorization: `Bearer ${TOKEN}`,
      'content-type': type,
      'content-length': String(length),
    },
  });
  const status = new Promise<number | undefined>((resolve, reject) => {
    sent.once('response', (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.once('error', reject);
  });
  sent.write(head);
  return { end: (rest) => void sent.end(rest), status };
}

test('an upload may take its time to arrive, and any other request may not', async () => {
  const api = { ...world.options.api, usageFiles: usageFiles(folder) };
  const options = { ...world.options, api, metrics: createMetrics(), requestTimeoutMs: 150 };
  const other = await createAdminApp(options);
  try {
    await other.listen({ port: 0, host: '127.0.0.1' });
    const { port } = other.server.address() as AddressInfo;
    const whole = csv();
    const path = '/usage/files?view=QUERY_HISTORY';
    const octets = 'application/octet-stream';
    const upload = slowly(port, path, octets, whole.slice(0, 50), whole.length);
    // Begun after the upload, so that the time of the upload is over when this one's is.
    const ask = slowly(port, '/explain', 'application/json', '{"sqlText":', 100);
    expect(await ask.status).toBe(408);
    upload.end(whole.slice(50));
    expect(await upload.status).toBe(202);
  } finally {
    await other.close();
  }
});
