/** `explain` without a running Tollgate: one statement with its price and decision, and `--facts-only` on files. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { main } from '../../cli/main.js';
import { demoControlDocument } from '../../policies/control/demo.js';
import { recordedTerminal } from './recorded-terminal.js';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tollgate-explain-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

async function explain(
  text: string,
): Promise<{ code: number; lines: Record<string, unknown>[]; err: string }> {
  const file = path.join(folder, 'in.jsonl');
  writeFileSync(file, text);
  const terminal = recordedTerminal();
  const code = await main(['explain', '--facts-only', '--file', file], terminal);
  const lines = terminal
    .out()
    .split('\n')
    .filter((line) => line !== '');
  return {
    code,
    lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>),
    err: terminal.err(),
  };
}

const line = (id: string | number, sql: string): string =>
  JSON.stringify({ id, sql, database: 'ANALYTICS', schema: 'TPCH' });

test('a statement is reported with tables, columns, filters and class', async () => {
  const { code, lines } = await explain(
    `${line('q1', "SELECT o_orderkey FROM orders WHERE o_orderdate >= '1995-01-01'")}\n`,
  );
  expect(code).toBe(0);
  expect(lines).toEqual([
    {
      id: 'q1',
      statements: [
        {
          class: 'query',
          opaque: false,
          fingerprint: expect.stringMatching(/^[0-9a-f]{32}$/),
          tablesRead: ['ANALYTICS.TPCH.ORDERS'],
          tablesWritten: [],
          columns: { 'ANALYTICS.TPCH.ORDERS': ['O_ORDERDATE', 'O_ORDERKEY'] },
          filters: [
            {
              table: 'ANALYTICS.TPCH.ORDERS',
              column: 'O_ORDERDATE',
              operator: '>=',
              low: '1995-01-01',
              high: null,
            },
          ],
          unknown: [],
        },
      ],
    },
  ]);
});

test('many lines come back in order, the unreadable text as opaque', async () => {
  const texts = Array.from({ length: 100 }, (_, index) =>
    index === 50 ? line(index, 'SELEKT (((') : line(index, `SELECT ${index} FROM t${index % 7}`),
  );
  const { lines } = await explain(texts.join('\n'));
  expect(lines.map(({ id }) => id)).toEqual(texts.map((_, index) => String(index)));
  expect(lines[50]).toMatchObject({ statements: [{ opaque: true }] });
});

test('lines that are not as they should be are named and left out, and the exit code tells', async () => {
  const { code, lines, err } = await explain(`not json\n\n${line('a', 'SELECT 1')}\n{"id":"b"}\n`);
  expect(code).toBe(1);
  expect(lines.map(({ id }) => id)).toEqual(['a']);
  expect(err).toContain('line 1 is not');
  expect(err).toContain('line 4 is not');
});

test('a file that is not there is wrong usage', async () => {
  const terminal = recordedTerminal();
  expect(
    await main(['explain', '--facts-only', '--file', path.join(folder, 'none')], terminal),
  ).toBe(2);
  expect(await main(['explain', '--file', 'x'], terminal)).toBe(2);
});

async function explainOne(...args: readonly string[]): Promise<{
  code: number;
  out: string;
  err: string;
  json: () => Record<string, unknown>;
}> {
  const terminal = recordedTerminal();
  const code = await main(['explain', ...args], terminal);
  const out = terminal.out();
  return {
    code,
    out,
    err: terminal.err(),
    json: () => JSON.parse(out) as Record<string, unknown>,
  };
}

const AS = ['--as', 'marketing_analyst'];

test('one statement is explained by the demo, without any file', async () => {
  const sql = "select page from analytics.web.events where event_date = '2026-01-01' limit 5";
  const { code, out } = await explainOne(sql, ...AS);
  expect(code).toBe(0);
  expect(out).toMatch(/^✓ Allowed: /);
  expect(out).toContain('in 1,712 of 3,125,000 partitions');
  expect(out).toContain('ANALYTICS.WEB.EVENTS  read  EVENT_DATE, PAGE');
  expect(out).toContain('EVENT_DATE = 2026-01-01');
});

test('a document and statistics of files decide, and a refusal is exit code 1', async () => {
  const control = path.join(folder, 'control.json');
  const demo = demoControlDocument();
  const refuses = {
    id: 'no-cortex',
    mode: 'enforce',
    effect: 'refuse',
    when: 'statement.functions.exists(f, glob(f, "SNOWFLAKE.CORTEX.*"))',
    message: 'Cortex is billed by the token',
  };
  writeFileSync(control, JSON.stringify({ ...demo, rules: [refuses] }));
  const statistics = path.join(folder, 'statistics.json');
  writeFileSync(
    statistics,
    JSON.stringify({
      'db.s.t': {
        rows: 1_000_000,
        bytes: 64_000_000_000,
        clusteringColumn: 'DAY',
        clusteringMin: '2026-01-01',
        clusteringMax: '2026-01-10',
        columns: { DAY: 'DATE', TEXT: 'VARCHAR' },
      },
    }),
  );
  const file = path.join(folder, 'statement.sql');
  writeFileSync(
    file,
    "SELECT SNOWFLAKE.CORTEX.COMPLETE('m', TEXT) FROM T WHERE DAY = '2026-01-02'",
  );
  const options = ['--control', control, '--statistics', statistics, '--tier', 'batch', '--json'];
  const names = ['--database', 'db', '--schema', 's'];
  const { code, json } = await explainOne('--file', file, ...AS, ...options, ...names);
  expect(code).toBe(1);
  expect(json()).toMatchObject({
    control,
    warehouse: 'BATCH_WH',
    decision: { kind: 'refuse', reasons: [{ source: 'no-cortex' }] },
    estimate: { basis: 'TABLE_STATS', partitions: { assigned: 400, total: 4000 } },
    statements: [{ tablesRead: ['DB.S.T'] }],
  });
});

test.each<[string, readonly string[], string]>([
  ['nobody to send it', ['select 1'], '--as: say who'],
  [
    'a principal that does not exist',
    ['select 1', '--as', 'mark'],
    'name one of marketing_analyst.',
  ],
  ['a time that is none', ['select 1', ...AS, '--at', '25:00'], '--at: "25:00" is no instant'],
  ['no statement', ['  ', ...AS], 'There is no statement'],
  ['two statements', ['select 1', ...AS, '--file', 'x.sql'], 'choose one'],
  ['a file that is not there', [...AS, '--file', '/no/such.sql'], '/no/such.sql cannot be read'],
  [
    'a document that is not there',
    ['select 1', ...AS, '--control', '/no/such.yaml'],
    '/no/such.yaml cannot be read',
  ],
  ['a tier that is none', ['select 1', ...AS, '--tier', 'fast'], 'name one of interactive, '],
  ['an account that is none', ['select 1', ...AS, '--account', 'x'], 'name one of demo'],
  [
    'tier and warehouse',
    ['select 1', ...AS, '--tier', 'batch', '--warehouse', 'BATCH_WH'],
    'choose one',
  ],
  ['facts of no file', ['--facts-only'], '--file'],
])('wrong usage is exit code 2 and says the way out: %s', async (_, args, says) => {
  const { code, err } = await explainOne(...args);
  expect(code).toBe(2);
  expect(err).toContain(says);
});

test('a document or statistics that are not valid are told with their place', async () => {
  const control = path.join(folder, 'bad.yaml');
  writeFileSync(control, 'organisation:\n  id: 7\n');
  const document = await explainOne('select 1', ...AS, '--control', control);
  expect(document.code).toBe(2);
  expect(document.err).toContain(`${control}:2:7 organisation.id`);
  const statistics = path.join(folder, 'bad.json');
  const told = async (text: string): Promise<string> => {
    writeFileSync(statistics, text);
    const { code, err } = await explainOne('select 1', ...AS, '--statistics', statistics);
    expect(code).toBe(2);
    return err;
  };
  expect(await told('{')).toContain('it is not JSON');
  expect(await told('{"D.S.T":{"rows":1,"bytes":-5}}')).toContain('D.S.T: bytes: must be a whole');
  expect(await told('{"T":{"rows":1,"bytes":5}}')).toContain('T: must be DB.SCHEMA.TABLE');
  expect(await told('{"D.S.T":{"rows":1,"bytes":5,"size":1}}')).toContain('size');
});
