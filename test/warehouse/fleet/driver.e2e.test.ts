/** The real Node driver sets warehouses up, lets statements queue and time out, and reads what became of them. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatAmount } from '#base/units.js';
import { connect } from '../support/snowflake.js';
import type { Client } from '../support/snowflake.js';
import { openWorld } from '../support/world.js';
import type { World } from '../support/world.js';

describe('warehouses through the real Node driver', () => {
  let world: World;
  let client: Client;
  beforeAll(async () => {
    world = await openWorld();
    client = await connect(world.port, {
      username: 'TOLLGATE_SERVICE',
      password: (await readFile(join(world.dataDir, 'service-user-password'), 'utf8')).trim(),
    });
  });
  afterAll(async () => {
    await client.close();
    await world.end();
  });

  test('create, show, resize and convert', async () => {
    const created = await client.query(
      "CREATE WAREHOUSE LAB WAREHOUSE_SIZE = 'X-SMALL' MAX_CONCURRENCY_LEVEL = 1 AUTO_SUSPEND = NULL",
    );
    expect(created.rows).toEqual([{ status: 'Warehouse LAB successfully created.' }]);
    await client.query(
      "ALTER WAREHOUSE LAB SET WAREHOUSE_SIZE = 'LARGE' WAIT_FOR_COMPLETION = TRUE",
    );
    await client.query("ALTER WAREHOUSE LAB SET GENERATION = '2'");
    const [row] = (await client.query("SHOW WAREHOUSES LIKE 'lab'")).rows;
    expect(row).toMatchObject({
      name: 'LAB',
      state: 'STARTED',
      size: 'Large',
      generation: '2',
      min_cluster_count: 1,
      started_clusters: 1,
      running: 0,
      auto_suspend: null,
      is_current: 'Y',
    });
    expect(row?.['created_on']).toBeInstanceOf(Date);
    expect((await client.query('DESC WAREHOUSE LAB')).rows).toMatchObject([
      { name: 'LAB', kind: 'WAREHOUSE' },
    ]);
    await expect(
      client.query("ALTER WAREHOUSE LAB SET WAREHOUSE_SIZE = '6X-LARGE'"),
    ).rejects.toMatchObject({ code: '001008', sqlState: '22023' });
  });

  test('queue, time out in the queue and while running, and wait for a place', async () => {
    const running = client.query('SELECT SYSTEM$WAIT(60)');
    const impatient = client.query('SELECT SYSTEM$WAIT(1)', {
      parameters: { STATEMENT_QUEUED_TIMEOUT_IN_SECONDS: 6 },
    });
    const patient = client.query('SELECT SYSTEM$WAIT(2)');
    await expect(impatient).rejects.toMatchObject({
      code: '000630',
      message: expect.stringContaining('timeout of 6 second(s) and was canceled') as string,
    });
    expect((await running).rows).toHaveLength(1);
    expect((await patient).rows).toHaveLength(1);
    await client.query('ALTER WAREHOUSE LAB SET STATEMENT_TIMEOUT_IN_SECONDS = 5');
    await expect(client.query('SELECT SYSTEM$WAIT(600)')).rejects.toMatchObject({
      code: '000630',
      message: expect.stringContaining('timeout of 5 second(s)') as string,
    });
    const ended = world.warehouse
      .queryHistory()
      .flatMap(({ started, ended: end }) =>
        started.text.includes('SYSTEM$WAIT') && end !== undefined ? [end] : [],
      );
    expect(ended).toHaveLength(4);
    const [long, gaveUp, waited, cut] = ended;
    expect(long).toMatchObject({ queuedMs: 0, executionMs: 60_000, size: 'LARGE', cluster: 1 });
    expect(gaveUp).toMatchObject({ queuedMs: 6000, executionMs: 0, warehouse: 'LAB' });
    expect(waited!.runningSince).toBe(long!.at);
    expect(waited!.queuedMs).toBeGreaterThan(50_000);
    expect(cut).toMatchObject({ executionMs: 5000, status: 'FAIL' });
  });

  test('suspend, and pay for every second and make', async () => {
    await client.query('ALTER WAREHOUSE LAB SUSPEND');
    await expect(client.query('ALTER WAREHOUSE LAB SUSPEND')).rejects.toMatchObject({
      code: '090064',
      message: expect.stringContaining("Warehouse 'LAB' cannot be suspended") as string,
    });
    const picos = world.warehouse
      .metering()
      .filter((hour) => hour.warehouse === 'LAB')
      .reduce((sum, hour) => sum + hour.credits, 0n);
    // A minute of X-Small, of what Large has more, and of Large of generation 2 (1 + 7 + 10.8 credits an hour).
    expect(picos).toBeGreaterThan(313_333_333_333n);
    expect(formatAmount(world.warehouse.metering()[0]!.credits)).toMatch(/^\d+\.\d{12}$/);
  });
});
