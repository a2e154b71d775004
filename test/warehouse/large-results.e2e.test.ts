import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLog } from '#base/log.js';
import { linearClock } from '#base/time.js';
import { createEngine } from '../../warehouse/engine/create-engine.js';
import type { RunningEngine } from '../../warehouse/engine/create-engine.js';
import { startWarehouse } from '../../warehouse/start-warehouse.js';
import type { RunningWarehouse } from '../../warehouse/start-warehouse.js';
import { readArrow } from './results/arrow-reader.js';
import { RawClient } from './support/raw-client.js';
import type { Reply } from './support/raw-client.js';
import { connect } from './support/snowflake.js';

const ROWS = 5000;
const SUM = (ROWS * (ROWS - 1)) / 2;
const SQL = `SELECT SEQ4() AS N, 'row ' || SEQ4() AS T, NULL::DATE AS D FROM TABLE(GENERATOR(ROWCOUNT => ${ROWS}))`;

interface Chunk {
  readonly url: string;
  readonly rowCount: number;
  readonly uncompressedSize: number;
  readonly compressedSize: number;
}

describe('a result of many pages', () => {
  let dataDir: string;
  let engine: RunningEngine;
  let warehouse: RunningWarehouse;
  let client: RawClient;

  const start = (): Promise<RunningWarehouse> =>
    startWarehouse({
      host: '127.0.0.1',
      port: 0,
      dataDir,
      clock: linearClock(Date.now(), Date.now(), 60),
      engine,
      log: silentLog,
      longPollMs: 5000,
      // The first rows of a few results only.
      keptResultBytes: 200_000,
    });

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'tollgate-large-'));
    engine = await createEngine({
      dataDir,
      log: silentLog,
      demoWorld: false,
      results: { inlineBytes: 4000, pageBytes: 20_000 },
    });
    warehouse = await start();
    client = new RawClient(warehouse.port);
    await client.login();
  });
  afterAll(async () => {
    await warehouse.stop(AbortSignal.abort());
    await engine.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  const chunksOf = (reply: Reply): readonly Chunk[] => reply.body.data.chunks as Chunk[];

  async function loginAs(
    app: string,
    version: string,
    parameters: object = {},
  ): Promise<RawClient> {
    const other = new RawClient(warehouse.port);
    const reply = await other.send('POST', `/session/v1/login-request?requestId=${randomUUID()}`, {
      data: {
        LOGIN_NAME: 'marketing_analyst',
        PASSWORD: 'demo',
        CLIENT_APP_ID: app,
        CLIENT_APP_VERSION: version,
        SESSION_PARAMETERS: parameters,
      },
    });
    other.token = String(reply.body.data.token);
    return other;
  }

  test('has its first rows inline and the rest behind addresses that need no session', async () => {
    const reply = await client.run(SQL);
    const { data } = reply.body;
    expect(data).toMatchObject({ total: ROWS, returned: ROWS, queryResultFormat: 'json' });
    const chunks = chunksOf(reply);
    expect(chunks.length).toBeGreaterThan(3);
    expect(Object.keys(data.chunkHeaders as object)).toHaveLength(1);
    const rows = [...(data.rowset as string[][])];
    for (const chunk of chunks) {
      expect(chunk.url.startsWith(`http://127.0.0.1:${warehouse.port}/results/`)).toBe(true);
      const response = await fetch(chunk.url, {
        headers: data.chunkHeaders as Record<string, string>,
      });
      expect(response.headers.get('content-type')).toBe('application/octet-stream');
      expect(response.headers.get('content-encoding')).toBe('gzip');
      expect(Number(response.headers.get('content-length'))).toBe(chunk.compressedSize);
      const text = await response.text();
      expect(Buffer.byteLength(text)).toBe(chunk.uncompressedSize);
      const page = JSON.parse(`[${text}]`) as string[][];
      expect(page).toHaveLength(chunk.rowCount);
      rows.push(...page);
    }
    expect(rows).toHaveLength(ROWS);
    expect(rows.every(([n, t, d], at) => n === String(at) && t === `row ${at}` && d === null)).toBe(
      true,
    );
    const [first] = chunks;
    const changed = await fetch((first?.url ?? '').replace('/0?', '/1?'));
    expect(changed.status).toBe(403);
  });

  test('streams through the Node driver, every row once', async () => {
    const node = await connect(warehouse.port);
    const { rows, statement } = await node.query(SQL);
    expect(statement.getNumRows()).toBe(ROWS);
    expect(rows).toHaveLength(ROWS);
    expect(rows.reduce((sum, row) => sum + Number(row['N']), 0)).toBe(SUM);
    await node.close();
  });

  test('is Arrow, page by page in the same types, for the Python connector 4', async () => {
    const python = await loginAs('PythonConnector', '4.8.1');
    const reply = await python.run(SQL);
    const { data } = reply.body;
    expect(data.queryResultFormat).toBe('arrow');
    expect(data.rowset).toBeUndefined();
    const streams = [readArrow(Buffer.from(String(data.rowsetBase64), 'base64'))];
    for (const { url } of chunksOf(reply)) {
      const response = await fetch(url);
      streams.push(readArrow(Buffer.from(await response.arrayBuffer())));
    }
    expect(new Set(streams.map(({ fields }) => JSON.stringify(fields))).size).toBe(1);
    expect(streams[0]?.fields.map(({ type }) => type)).toEqual(['int16', 'utf8', 'date']);
    const rows = streams.flatMap((stream) => stream.rows);
    expect(rows).toHaveLength(ROWS);
    expect(rows.reduce((sum, [n]) => sum + Number(n), 0)).toBe(SUM);
    const show = await python.run('SHOW WAREHOUSES');
    expect(show.body.data.queryResultFormat).toBe('json');
    const asked = await python.run('SELECT 1', {
      parameters: { PYTHON_CONNECTOR_QUERY_RESULT_FORMAT: 'JSON' },
    });
    expect(asked.body.data).toMatchObject({ queryResultFormat: 'json', rowset: [['1']] });
    const none = await python.run('SELECT 1 AS N WHERE FALSE');
    expect(none.body.data).toMatchObject({ rowsetBase64: '', total: 0 });
  });

  test('is fetched by id in another session and in its format, asynchronous or a child of several', async () => {
    const started = await client.query(SQL, { asyncExec: true });
    const id = String(started.body.data.queryId);
    const mine = await client.result(id);
    expect(chunksOf(mine).length).toBeGreaterThan(3);
    const python = await loginAs('PythonConnector', '4.8.1');
    const theirs = await python.result(id);
    expect(theirs.body.data).toMatchObject({ queryResultFormat: 'arrow', total: ROWS });
    const many = await client.run(`${SQL}; SELECT 1`, { parameters: { MULTI_STATEMENT_COUNT: 2 } });
    const [child = ''] = String(many.body.data.resultIds).split(',');
    expect((await client.result(child)).body.data.total).toBe(ROWS);
  });

  test('is read by RESULT_SCAN: as a whole it is handed on, otherwise loaded', async () => {
    const id = String((await client.run(SQL)).body.data.queryId);
    const whole = await client.run(`select * from table(result_scan('${id}'))`);
    expect(whole.body.data.total).toBe(ROWS);
    const pages = (reply: Reply): string[] =>
      chunksOf(reply).map(({ url }) => new URL(url).pathname.split('/').at(-1) ?? '');
    expect(pages(whole)).toEqual(pages(await client.result(id)));
    const counted = await client.run(
      `SELECT COUNT(*), SUM(N), MAX(T), COUNT(D) FROM TABLE(RESULT_SCAN('${id}')) WHERE N >= 10`,
    );
    expect(counted.body.data.rowset).toEqual([
      [String(ROWS - 10), String(SUM - 45), 'row 999', '0'],
    ]);
  });

  test('keeps the offset of a TIMESTAMP_TZ over RESULT_SCAN', async () => {
    const id = String(
      (await client.run("SELECT '2026-03-01 12:00:00 +02:00'::TIMESTAMP_TZ AS Z")).body.data
        .queryId,
    );
    const again = await client.run(`SELECT Z, 1 FROM TABLE(RESULT_SCAN('${id}'))`);
    expect(again.body.data.rowset[0][0]).toBe('1772359200.000000000 1560');
  });

  test('is deleted from disk when nobody can ask for it any more; its request is not run again', async () => {
    const requestId = randomUUID();
    const first = await client.query(SQL, {}, requestId);
    const id = String(first.body.data.queryId);
    const [chunk] = chunksOf(first);
    const folders = async (): Promise<number> => (await readdir(join(dataDir, 'results'))).length;
    let most = await folders();
    // Every result keeps some ten thousand bytes of first rows: these push the older ones out.
    for (let turn = 0; turn < 30; turn += 1) {
      await client.run(SQL);
      most = Math.max(most, await folders());
    }
    expect(most).toBeLessThan(30);
    expect((await client.result(id)).body.code).toBe('000709');
    expect((await fetch(chunk?.url ?? '')).status).toBe(404);
    const repeated = await client.query(SQL, {}, requestId);
    expect(repeated.body).toMatchObject({ success: false, code: '000709' });
    expect(repeated.body.data.queryId).toBe(id);
  });

  test('leaves nothing on disk when it is larger than is kept', async () => {
    const small = await createEngine({
      dataDir: join(dataDir, 'small'),
      log: silentLog,
      demoWorld: false,
      results: { inlineBytes: 1000, pageBytes: 5000, resultBytesMax: 50_000 },
    });
    const session = await small.openSession();
    const answer = await session.execute(
      {
        sql: SQL,
        database: null,
        schema: null,
        binds: [],
        context: {},
        result: () => undefined,
      },
      new AbortController().signal,
    );
    expect(answer).toMatchObject({ kind: 'failed', code: '000603' });
    expect(await readdir(join(dataDir, 'small', 'results'))).toEqual([]);
    await small.stop();
  });

  test('is described without rows as it would be answered, DML by its counts', async () => {
    const described = async (sql: string): Promise<unknown> => {
      const { data } = (await client.query(sql, { describeOnly: true })).body;
      const names = (data.rowtype as { name: string }[]).map(({ name }) => name);
      return [
        data.statementTypeId,
        names,
        data.rowset,
        data.numberOfBinds,
        data.arrayBindSupported,
      ];
    };
    expect(await described('SELECT ? AS A, 1 AS B')).toEqual([0x1000, ['A', 'B'], [], 1, false]);
    const nowhere = 'SELECT 1 AS N WHERE ? = 1';
    expect(await described(nowhere)).toEqual([0x1000, ['N'], [], 1, false]);
    await client.run('CREATE DATABASE OWN');
    await client.run('CREATE TABLE OWN.PUBLIC.MINE (N INTEGER)');
    const table = 'OWN.PUBLIC.MINE';
    expect(await described(`INSERT INTO ${table} VALUES (?)`)).toEqual([
      0x3100,
      ['number of rows inserted'],
      [],
      1,
      true,
    ]);
    expect(await described(`UPDATE ${table} SET N = ?`)).toEqual([
      0x3200,
      ['number of rows updated', 'number of multi-joined rows updated'],
      [],
      1,
      false,
    ]);
    expect(await described(`TRUNCATE TABLE ${table}`)).toEqual([0x6000, ['status'], [], 0, false]);
    const inserted = await client.run(`INSERT INTO ${table} VALUES (1), (2)`);
    expect(inserted.body.data.stats).toEqual({
      numRowsInserted: 2,
      numRowsUpdated: 0,
      numRowsDeleted: 0,
      numDmlDuplicates: 0,
    });
  });
});
