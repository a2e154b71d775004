import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '#base/log.js';
import { openWarehouseClock } from '../../../warehouse/clock.js';
import { startDemoEngine } from '../../support/demo-engine.js';
import { startWarehouse } from '../../../warehouse/start-warehouse.js';
import { connect } from '../support/snowflake.js';
import { isSame, type Comparable } from './answers.js';
import { STAR, STAR_TABLES } from './star-queries.js';
import { TPCH, type AnsweredQuery } from './tpch-queries.js';

const IMMEDIATE = 'a statement inside EXECUTE IMMEDIATE';
const EXPLAINED = 'the plan of Q3';

type Rows = readonly (readonly Comparable[])[];

const SETS = [
  { schema: 'TPCH', queries: TPCH },
  { schema: 'STAR', queries: STAR },
] as const;

/** Answers of the Node driver, and of DuckDB on the same file after the warehouse has let go of it. */
const ours = new Map<string, Rows | Error>();
const theirs = new Map<string, Rows>();
let dataDir: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'tollgate-tpc-'));
  await askThroughDriver();
  await askDirectly();
}, 240_000);
afterAll(async () => await rm(dataDir, { recursive: true, force: true }));

async function askThroughDriver(): Promise<void> {
  const engine = await startDemoEngine(dataDir);
  const warehouse = await startWarehouse({
    host: '127.0.0.1',
    port: 0,
    dataDir,
    clock: await openWarehouseClock(dataDir, 60),
    engine,
    log: silentLog,
    longPollMs: 1000,
  });
  try {
    const client = await connect(warehouse.port, {
      database: 'ANALYTICS',
      fetchAsString: ['Number', 'Date', 'Boolean'],
      rowMode: 'array',
    });
    for (const sql of STAR_TABLES) await client.query(sql);
    for (const { schema, queries } of SETS) {
      await client.query(`use schema analytics.${schema}`);
      for (const { name, sql } of queries) ours.set(name, await answerOf(client.query(sql)));
    }
    await client.query('use schema analytics.tpch');
    ours.set(
      IMMEDIATE,
      await answerOf(client.query(`execute immediate $$select count(*) from star.shops$$`)),
    );
    ours.set(EXPLAINED, await answerOf(client.query(`explain using json ${TPCH[2]?.sql ?? ''}`)));
    await client.close();
  } finally {
    await warehouse.stop(AbortSignal.abort());
    await engine.stop();
  }
}

async function answerOf(query: Promise<{ readonly rows: unknown }>): Promise<Rows | Error> {
  try {
    const { rows } = await query;
    return (rows as unknown[][]).map((row) =>
      // A NULL that is fetched as a string is this word; no text of the data is.
      row.map((cell) => (cell === null || cell === 'NULL' ? null : `${cell as string}`)),
    );
  } catch (thrown) {
    return thrown as Error;
  }
}

async function askDirectly(): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(`ATTACH '${join(dataDir, 'warehouse.duckdb')}' AS w (READ_ONLY)`);
  // Snowflake sorts NULL as the largest value.
  await connection.run(`SET default_null_order = 'nulls_last_on_asc_first_on_desc'`);
  for (const { schema, queries } of SETS) {
    // Views elsewhere: the file's own schema has the warehouse's macros, which are what is tested.
    await connection.run(`CREATE SCHEMA memory.${schema}`);
    const tables = await connection.runAndReadAll(
      `SELECT table_name FROM duckdb_tables() WHERE schema_name = 'ANALYTICS.${schema}'`,
    );
    for (const [name] of tables.getRows())
      await connection.run(
        `CREATE VIEW memory.${schema}."${String(name)}" AS FROM w."ANALYTICS.${schema}"."${String(name)}"`,
      );
    await connection.run(`USE memory.${schema}`);
    for (const query of queries) theirs.set(query.name, await directRows(connection, query));
  }
  connection.closeSync();
  instance.closeSync();
}

async function directRows(
  connection: Awaited<ReturnType<DuckDBInstance['connect']>>,
  query: AnsweredQuery,
): Promise<Rows> {
  const text = (query.direct ?? query.sql).replaceAll('star.', '');
  const reader = await connection.runAndReadAll(text);
  return reader
    .getRows()
    .map((row) =>
      row.map((value) =>
        value === null
          ? null
          : typeof value === 'number' && !Number.isInteger(value)
            ? value
            : String(value),
      ),
    );
}

test.each([...TPCH, ...STAR].map(({ name }) => name))('%s', (name) => {
  const mine = ours.get(name);
  const expected = theirs.get(name);
  if (mine instanceof Error) throw mine;
  expect(mine).toBeDefined();
  expect(expected).toBeDefined();
  expect(mine?.length).toBe(expected?.length);
  const different = (expected ?? []).flatMap((row, at) =>
    row.length === mine?.[at]?.length &&
    row.every((cell, index) => isSame(mine[at]?.[index] ?? null, cell))
      ? []
      : [{ row: at, expected: row, ours: mine?.[at] }],
  );
  expect(different).toEqual([]);
});

test('EXECUTE IMMEDIATE runs the one statement that its text holds', () => {
  expect(ours.get(IMMEDIATE)).toEqual([['5']]);
});

test('EXPLAIN shows the operators of a query above its scans, each with the one that takes its rows', () => {
  const answered = ours.get(EXPLAINED);
  if (!Array.isArray(answered)) throw new Error('EXPLAIN failed', { cause: answered });
  const document = JSON.parse(String(answered[0]?.[0])) as {
    readonly Operations: readonly (readonly {
      readonly id: number;
      readonly operation: string;
      readonly parentOperators?: readonly number[];
    }[])[];
  };
  const operations = document.Operations[0] ?? [];
  const names = operations.map(({ operation }) => operation);
  expect(names[0]).toBe('Result');
  expect(names).toEqual(
    expect.arrayContaining(['SortWithLimit', 'Aggregate', 'InnerJoin', 'Filter']),
  );
  expect(names.filter((name) => name === 'TableScan')).toHaveLength(3);
  for (const { id, parentOperators } of operations.slice(1)) {
    expect(parentOperators).toHaveLength(1);
    expect(parentOperators?.[0]).toBeLessThan(id);
  }
});

test('the comparison finds a wrong digit, a wrong NULL and a wrong row', () => {
  expect(isSame('1.50', '1.5')).toBe(true);
  expect(isSame('1.51', '1.5')).toBe(false);
  expect(isSame(null, '0')).toBe(false);
  expect(isSame('0.333333', 1 / 3)).toBe(true);
  expect(isSame('0.333334', 1 / 3)).toBe(false);
  const answered = [...ours.values()].filter((rows) => !(rows instanceof Error) && rows.length > 0);
  expect(answered.length).toBeGreaterThanOrEqual(TPCH.length + STAR.length - 4);
});
