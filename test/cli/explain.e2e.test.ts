/** `explain --facts-only` on files: the shape that scripts read, in order, whatever a line holds. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { main } from '../../cli/main.js';
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
