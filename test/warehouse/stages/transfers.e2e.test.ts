import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLog } from '#base/log.js';
import { linearClock } from '#base/time.js';
import { startDemoEngine } from '../../support/demo-engine.js';
import type { RunningEngine } from '../../../warehouse/engine/create-engine.js';
import { startWarehouse } from '../../../warehouse/start-warehouse.js';
import type { RunningWarehouse } from '../../../warehouse/start-warehouse.js';
import { RawClient } from '../support/raw-client.js';
import { connect } from '../support/snowflake.js';

describe('PUT, GET and stage binds over the wire', () => {
  let folder: string;
  let engine: RunningEngine;
  let warehouse: RunningWarehouse;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tollgate-transfers-'));
    engine = await startDemoEngine(join(folder, 'engine'));
    warehouse = await startWarehouse({
      host: '127.0.0.1',
      port: 0,
      dataDir: folder,
      clock: linearClock(Date.now(), Date.now(), 60),
      engine,
      log: silentLog,
      longPollMs: 1000,
    });
  });
  afterAll(async () => {
    await warehouse.stop(AbortSignal.abort());
    await engine.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const ended = (text: string) =>
    warehouse.queryHistory().findLast((one) => one.started.text.startsWith(text))?.ended;

  test('the Node driver puts files, loads them and gets them back; only the load costs', async () => {
    const client = await connect(warehouse.port);
    await mkdir(join(folder, 'client', 'back'), { recursive: true });
    await writeFile(join(folder, 'client', 'a.csv'), '1,one\n2,two\n');
    await client.query('CREATE STAGE node_stage');
    const put = await client.query(`PUT file://${folder}/client/a.csv @node_stage/in`);
    expect(put.rows).toMatchObject([
      { source: 'a.csv', target: 'a.csv.gz', sourceSize: 12, status: 'UPLOADED' },
    ]);
    const listed = await client.query('LIST @node_stage');
    expect(listed.rows).toMatchObject([{ name: 'node_stage/in/a.csv.gz' }]);
    expect(ended('PUT')).toMatchObject({ status: 'SUCCESS', warehouse: null });
    expect(ended('LIST')).toMatchObject({ status: 'SUCCESS', warehouse: null });
    await client.query('CREATE TABLE node_table (id INT, name VARCHAR)');
    const loaded = await client.query('COPY INTO node_table FROM @node_stage');
    expect(loaded.rows).toMatchObject([{ file: 'in/a.csv.gz', status: 'LOADED', rows_loaded: 2 }]);
    const cost = ended('COPY');
    expect(cost).toMatchObject({ status: 'SUCCESS', warehouse: 'STANDARD_WH' });
    expect(cost?.bytesScanned).toBeGreaterThan(0);
    expect(cost?.bytesWritten).toBeGreaterThan(0);
    expect((await client.query('SELECT * FROM node_table ORDER BY id')).rows).toEqual([
      { ID: 1, NAME: 'one' },
      { ID: 2, NAME: 'two' },
    ]);
    await client.query(
      'COPY INTO @node_stage/out/ FROM node_table FILE_FORMAT = (TYPE = CSV COMPRESSION = NONE)',
    );
    const got = await client.query(`GET @node_stage/out file://${folder}/client/back`);
    expect(got.rows).toMatchObject([{ size: 12, status: 'DOWNLOADED' }]);
    expect(await readdir(join(folder, 'client', 'back'))).toEqual(['data_0_0_0.csv']);
    expect(await readFile(join(folder, 'client', 'back', 'data_0_0_0.csv'), 'utf8')).toBe(
      '1,one\n2,two\n',
    );
    await client.close();
  });

  test('array binds of the Node driver above its threshold arrive, though it cannot stage them here', async () => {
    const client = await connect(warehouse.port, { arrayBindingThreshold: 4 });
    await client.query('CREATE TABLE node_binds (id INT, name VARCHAR)');
    const binds = Array.from({ length: 9 }, (_, at) => [at, `x,"${at}`]);
    const { rows } = await client.query('INSERT INTO node_binds VALUES (?, ?)', { binds });
    expect(rows).toEqual([{ 'number of rows inserted': 9 }]);
    expect(ended("PUT file://1'@SYSTEM$BIND")).toMatchObject({
      status: 'FAIL',
      errorCode: '000002',
    });
    await client.close();
  });

  test('binds in a stage are the rows of the INSERT that names it', async () => {
    const client = await connect(warehouse.port);
    await writeFile(join(folder, 'binds.csv'), '7,seven\n8,\n');
    await client.query('CREATE STAGE bind_stage');
    await client.query(`PUT file://${folder}/binds.csv @bind_stage/one`);
    await client.query('CREATE TABLE staged_binds (id INT, name VARCHAR)');
    const raw = new RawClient(warehouse.port);
    await raw.login();
    const reply = await raw.run('INSERT INTO analytics.public.staged_binds VALUES (?, ?)', {
      bindStage: '@analytics.public.bind_stage/one',
    });
    expect(reply.body.data).toMatchObject({ rowset: [['2']], stats: { numRowsInserted: 2 } });
    expect((await client.query('SELECT * FROM staged_binds ORDER BY id')).rows).toEqual([
      { ID: 7, NAME: 'seven' },
      { ID: 8, NAME: null },
    ]);
    await client.close();
  });

  test('a client that cannot copy files on this machine is told so, before anything is made', async () => {
    const raw = new RawClient(warehouse.port);
    await raw.login();
    for (const sql of ['PUT file:///tmp/a @~', 'GET @~ file:///tmp/'])
      expect((await raw.query(sql)).body).toMatchObject({
        success: false,
        code: '000002',
        message: expect.stringContaining('LOCAL_FS'),
      });
    expect((await raw.query('LIST @~')).body).toMatchObject({ success: true });
  });
});
