import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '#base/log.js';
import { linearClock } from '#base/time.js';
import { startWarehouse } from '../../warehouse/start-warehouse.js';
import type { RunningWarehouse } from '../../warehouse/start-warehouse.js';
import { fakeEngine } from './support/fake-engine.js';
import type { FakeEngine } from './support/fake-engine.js';
import { connect } from './support/snowflake.js';

describe('the real Node driver against the warehouse', () => {
  let dataDir: string;
  let engine: FakeEngine;
  let warehouse: RunningWarehouse;

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'tollgate-warehouse-'));
    engine = fakeEngine();
    warehouse = await startWarehouse({
      host: '127.0.0.1',
      port: 0,
      dataDir,
      clock: linearClock(Date.now(), Date.now(), 60),
      engine,
      log: silentLog,
      longPollMs: 300,
    });
  });

  afterEach(async () => {
    await warehouse.stop(AbortSignal.abort());
    await rm(dataDir, { recursive: true, force: true });
  });

  test('logs in with a team user and reads a value', async () => {
    const client = await connect(warehouse.port);
    const { rows } = await client.query('SELECT 7');
    expect(rows).toEqual([{ X: '7' }]);
    await client.close();
  });
});
