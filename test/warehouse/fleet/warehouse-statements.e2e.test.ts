import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RawClient } from '../support/raw-client.js';
import type { Reply } from '../support/raw-client.js';
import { openWorld } from '../support/world.js';
import type { World } from '../support/world.js';

type Row = Readonly<Record<string, string | null>>;

function objects(reply: Reply): readonly Row[] {
  expect(reply.body.message).toBeNull();
  const names = (reply.body.data.rowtype as { name: string }[]).map((column) => column.name);
  return (reply.body.data.rowset as (string | null)[][]).map((row) =>
    Object.fromEntries(names.map((name, at) => [name, row[at] ?? null])),
  );
}

const status = (reply: Reply): string =>
  reply.body.success
    ? (reply.body.data.rowset[0][0] as string)
    : `${reply.body.code} ${reply.body.message}`.replaceAll('\n', ' ');

async function administrator(world: World): Promise<RawClient> {
  const admin = new RawClient(world.port);
  const path = join(world.dataDir, 'service-user-password');
  await admin.login('TOLLGATE_SERVICE', (await readFile(path, 'utf8')).trim());
  return admin;
}

describe('the statements of warehouses', () => {
  let world: World;
  let admin: RawClient;
  beforeAll(async () => {
    world = await openWorld();
    admin = await administrator(world);
  });
  afterAll(() => world.end());

  const say = async (sql: string): Promise<string> => status(await admin.run(sql));
  const shown = async (name: string): Promise<Row> =>
    objects(await admin.query(`SHOW WAREHOUSES LIKE '${name}'`))[0] ?? {};

  test('a warehouse has the defaults of the documentation and starts at once', async () => {
    expect(await say('CREATE WAREHOUSE PLAIN')).toBe('Warehouse PLAIN successfully created.');
    expect(await shown('PLAIN')).toMatchObject({
      state: 'STARTED',
      type: 'STANDARD',
      size: 'X-Small',
      min_cluster_count: '1',
      max_cluster_count: '1',
      started_clusters: '1',
      running: '0',
      queued: '0',
      is_current: 'Y',
      auto_suspend: '600',
      auto_resume: 'true',
      available: '100',
      quiescing: '0',
      owner: 'ACCOUNTADMIN',
      comment: '',
      enable_query_acceleration: 'false',
      query_acceleration_max_scale_factor: '8',
      resource_monitor: 'null',
      scaling_policy: 'STANDARD',
      owner_role_type: 'ROLE',
      resource_constraint: 'STANDARD_GEN_1',
      generation: '1',
      max_concurrency_level: '8',
      statement_timeout_in_seconds: '0',
      statement_queued_timeout_in_seconds: '0',
    });
  });

  test('every property is read in any spelling, shown, and unset again', async () => {
    expect(
      await say(
        `create warehouse "full" with warehouse_size = 2X-Large, warehouse_type = 'standard' generation = '2'
         max_cluster_count = 4 min_cluster_count = 2 scaling_policy = economy auto_suspend = null
         auto_resume = false initially_suspended = true comment = 'it''s -- mine' enable_query_acceleration = true
         query_acceleration_max_scale_factor = 20 max_concurrency_level = 3
         statement_queued_timeout_in_seconds = 7 statement_timeout_in_seconds = 9`,
      ),
    ).toBe('Warehouse full successfully created.');
    const full = {
      state: 'SUSPENDED',
      size: '2X-Large',
      min_cluster_count: '2',
      max_cluster_count: '4',
      started_clusters: '0',
      auto_suspend: null,
      auto_resume: 'false',
      available: '',
      comment: "it's -- mine",
      enable_query_acceleration: 'true',
      query_acceleration_max_scale_factor: '20',
      scaling_policy: 'ECONOMY',
      generation: '2',
      resource_constraint: 'STANDARD_GEN_2',
      max_concurrency_level: '3',
      statement_timeout_in_seconds: '9',
      statement_queued_timeout_in_seconds: '7',
    };
    expect(await shown('full')).toMatchObject(full);
    expect(
      await say(
        'ALTER WAREHOUSE "full" UNSET COMMENT, AUTO_SUSPEND, MAX_CONCURRENCY_LEVEL, GENERATION, ENABLE_QUERY_ACCELERATION',
      ),
    ).toBe('Statement executed successfully.');
    expect(await shown('full')).toMatchObject({
      ...full,
      comment: '',
      auto_suspend: '600',
      max_concurrency_level: '8',
      generation: '1',
      resource_constraint: 'STANDARD_GEN_1',
      enable_query_acceleration: 'false',
    });
    expect(await say('DROP WAREHOUSE "full"')).toBe('full successfully dropped.');
  });

  test('types have their own sizes and constraints', async () => {
    await say(
      "CREATE WAREHOUSE SNOW WAREHOUSE_TYPE = 'SNOWPARK-OPTIMIZED' INITIALLY_SUSPENDED = TRUE",
    );
    expect(await shown('SNOW')).toMatchObject({
      type: 'SNOWPARK-OPTIMIZED',
      size: 'Medium',
      resource_constraint: 'MEMORY_16X',
      generation: null,
    });
    await say(
      'ALTER WAREHOUSE SNOW SET RESOURCE_CONSTRAINT = memory_64x_x86 WAREHOUSE_SIZE = LARGE',
    );
    expect(await shown('SNOW')).toMatchObject({ resource_constraint: 'MEMORY_64X_x86' });
    await say(
      'ALTER WAREHOUSE SNOW SET WAREHOUSE_TYPE = STANDARD RESOURCE_CONSTRAINT = STANDARD_GEN_2',
    );
    expect(await shown('SNOW')).toMatchObject({ type: 'STANDARD', generation: '2' });
    await say('CREATE INTERACTIVE WAREHOUSE INTER INITIALLY_SUSPENDED = TRUE');
    expect(await shown('INTER')).toMatchObject({
      type: 'INTERACTIVE',
      size: 'X-Small',
      resource_constraint: null,
    });
  });

  test.each([
    [
      "SET WAREHOUSE_SIZE = '7X-LARGE'",
      "001008 SQL compilation error: invalid value [7X-LARGE] for parameter 'WAREHOUSE_SIZE'",
    ],
    ['SET MAX_CLUSTER_COUNT = 0', '001008'],
    ['SET AUTO_RESUME = PERHAPS', '001008'],
    ['SET AUTO_SUSPEND = -1', '001008'],
    ['SET SCALING_POLICY = FAST', '001008'],
    ['SET STATEMENT_TIMEOUT_IN_SECONDS = 604801', '001008'],
    [
      'SET MIN_CLUSTER_COUNT = 2',
      '001008 SQL compilation error: invalid combination of warehouse properties: MIN_CLUSTER_COUNT must be less than or equal to MAX_CLUSTER_COUNT.',
    ],
    [
      'SET WAREHOUSE_SIZE = X5LARGE GENERATION = 2',
      "001008 SQL compilation error: invalid combination of warehouse properties: WAREHOUSE_SIZE '5X-Large' is not available for WAREHOUSE_TYPE 'STANDARD', GENERATION '2'.",
    ],
    ['SET WAREHOUSE_SIZE = X5LARGE MAX_CLUSTER_COUNT = 11', '001008'],
    ['SET RESOURCE_CONSTRAINT = MEMORY_16X', '001008'],
    [
      "SET WAREHOUSE_TYPE = 'SNOWPARK-OPTIMIZED'",
      "001008 SQL compilation error: invalid combination of warehouse properties: WAREHOUSE_SIZE 'X-Small' is not available for WAREHOUSE_TYPE 'SNOWPARK-OPTIMIZED', RESOURCE_CONSTRAINT 'MEMORY_16X'.",
    ],
    ['SET WAREHOUSE_TYPE = INTERACTIVE GENERATION = 2', '001008'],
    ['SET GENERATION = 1 RESOURCE_CONSTRAINT = STANDARD_GEN_2', '001008'],
    ['SET COMMENT = 1 COMMENT = 2', '001008'],
    [
      'SET INITIALLY_SUSPENDED = TRUE',
      "001420 SQL compilation error: invalid property 'INITIALLY_SUSPENDED' for 'WAREHOUSE'",
    ],
    ['SET COLOUR = RED', '001420'],
    ['UNSET COLOUR', '001420'],
    [
      'SET WAREHOUSE_TYPE = ADAPTIVE',
      '000002 Unsupported feature in the embedded warehouse: adaptive warehouses',
    ],
    ['SET RESOURCE_MONITOR = FRUGAL', '000002'],
    ['SET QUERY_THROUGHPUT_MULTIPLIER = 4', '000002'],
    ["SET TAG (COST = 'x')", '000002'],
    ['SET', '001003'],
    ['SET WAREHOUSE_SIZE', '001003'],
    ['SUSPEND NOW', '001003'],
    ['EXPLODE', '001003'],
    ['RENAME TO STANDARD_WH', "002002 SQL compilation error: Object 'STANDARD_WH' already exists."],
  ])('%s is refused and changes nothing', async (change, answer) => {
    const before = await shown('PLAIN');
    expect(await say(`ALTER WAREHOUSE PLAIN ${change}`)).toContain(answer);
    expect(await shown('PLAIN')).toEqual(before);
  });

  test('what exists already, or not, is answered as Snowflake does', async () => {
    expect(await say('CREATE WAREHOUSE PLAIN')).toContain(
      "002002 SQL compilation error: Object 'PLAIN' already exists.",
    );
    expect(await say('CREATE WAREHOUSE IF NOT EXISTS PLAIN')).toBe(
      'PLAIN already exists, statement succeeded.',
    );
    expect(await say('CREATE ADAPTIVE WAREHOUSE A')).toContain('000002');
    expect(await say('DROP WAREHOUSE NONE')).toContain(
      "002003 SQL compilation error: Warehouse 'NONE' does not exist or not authorized.",
    );
    expect(await say('DROP WAREHOUSE IF EXISTS NONE')).toBe(
      'Drop statement executed successfully (NONE already dropped).',
    );
    expect(await say('ALTER WAREHOUSE NONE SUSPEND')).toContain('002003');
    expect(await say('ALTER WAREHOUSE IF EXISTS NONE SUSPEND')).toBe(
      'Statement executed successfully.',
    );
    expect(await say('DESC WAREHOUSE NONE')).toContain('002003');
    expect(objects(await admin.query('DESCRIBE WAREHOUSE PLAIN'))).toMatchObject([
      { name: 'PLAIN', kind: 'WAREHOUSE' },
    ]);
  });

  test('a warehouse is suspended and resumed once', async () => {
    expect(await say('ALTER WAREHOUSE PLAIN RESUME')).toBe(
      "090064 Invalid state. Warehouse 'PLAIN' cannot be resumed.",
    );
    expect(await say('ALTER WAREHOUSE PLAIN RESUME IF SUSPENDED')).toBe(
      'Statement executed successfully.',
    );
    expect(await say('ALTER WAREHOUSE PLAIN SUSPEND')).toBe('Statement executed successfully.');
    expect(await say('ALTER WAREHOUSE PLAIN SUSPEND')).toBe(
      "090064 Invalid state. Warehouse 'PLAIN' cannot be suspended.",
    );
    expect(await shown('PLAIN')).toMatchObject({ state: 'SUSPENDED' });
  });

  test('a name changes and the number stays; a new warehouse of the old name has another', async () => {
    await say("CREATE WAREHOUSE FIRST COMMENT = 'a' INITIALLY_SUSPENDED = TRUE");
    const { uuid } = await shown('FIRST');
    expect(await say('ALTER WAREHOUSE FIRST RENAME TO SECOND')).toBe(
      'Statement executed successfully.',
    );
    expect(await shown('FIRST')).toEqual({});
    expect(await shown('SECOND')).toMatchObject({ uuid, comment: 'a' });
    await say('CREATE WAREHOUSE FIRST INITIALLY_SUSPENDED = TRUE');
    expect((await shown('FIRST'))['uuid']).not.toBe(uuid);
    await say('CREATE OR ALTER WAREHOUSE SECOND WAREHOUSE_SIZE = SMALL');
    expect(await shown('SECOND')).toMatchObject({ uuid, comment: '', size: 'Small' });
    await say('CREATE OR REPLACE WAREHOUSE SECOND INITIALLY_SUSPENDED = TRUE');
    expect((await shown('SECOND'))['uuid']).not.toBe(uuid);
  });

  test('statements queue beyond the concurrency, time out in the queue, and are aborted together', async () => {
    await say(
      'CREATE WAREHOUSE NARROW MAX_CONCURRENCY_LEVEL = 1 STATEMENT_QUEUED_TIMEOUT_IN_SECONDS = 3000',
    );
    const running = (await admin.query('SELECT SYSTEM$WAIT(6000)')).body.data.queryId as string;
    const impatient = await admin.run('SELECT SYSTEM$WAIT(1)', {
      parameters: { STATEMENT_QUEUED_TIMEOUT_IN_SECONDS: 12 },
    });
    expect(impatient.body).toMatchObject({
      code: '000630',
      message:
        'Statement reached its statement or warehouse timeout of 12 second(s) and was canceled.',
    });
    const ended = world.warehouse
      .queryHistory()
      .find((one) => one.ended?.errorCode === '000630')?.ended;
    expect(ended).toMatchObject({
      warehouse: 'NARROW',
      cluster: null,
      size: null,
      queuedMs: 12_000,
      compileMs: 0,
      executionMs: 0,
    });
    const queued = (await admin.query('SELECT SYSTEM$WAIT(1)')).body.data.queryId as string;
    expect(await shown('NARROW')).toMatchObject({ running: '1', queued: '1' });
    expect(await say('ALTER WAREHOUSE NARROW ABORT ALL QUERIES')).toBe(
      'Statement executed successfully.',
    );
    expect((await admin.result(running)).body.code).toBe('000604');
    expect((await admin.result(queued)).body.code).toBe('000604');
    expect(await shown('NARROW')).toMatchObject({ running: '0', queued: '0' });
  });

  test('a statement tells of its cluster, its make and its waiting, and the events of who asked', async () => {
    await say(
      "CREATE WAREHOUSE WIDE MAX_CLUSTER_COUNT = 2 MAX_CONCURRENCY_LEVEL = 1 GENERATION = '2'",
    );
    await Promise.all([admin.run('SELECT SYSTEM$WAIT(5)'), admin.run('SELECT SYSTEM$WAIT(5)')]);
    const make = { kind: 'STANDARD', generation: 2, resourceConstraint: null };
    const ended = world.warehouse
      .queryHistory()
      .flatMap((one) => (one.ended?.warehouse === 'WIDE' ? [one.ended] : []));
    expect(ended.map((one) => one.cluster ?? 0).sort((a, b) => a - b)).toEqual([1, 2]);
    for (const one of ended) expect(one).toMatchObject({ make, queuedMs: 0, provisioningMs: 0 });
    const rows = objects(await admin.query('SHOW WAREHOUSES')).filter(
      (row) => row['name'] === 'WIDE',
    );
    expect(rows).toMatchObject([{ started_clusters: '2', max_cluster_count: '2' }]);
    const log = await readFile(
      join(
        world.dataDir,
        'events',
        `events-${new Date(ended[0]!.at).toISOString().slice(0, 7)}.jsonl`,
      ),
      'utf8',
    );
    const told = log
      .split('\n')
      .filter((line) => line.includes('"WIDE"') && line.includes('"type":"warehouse"'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(told).toMatchObject([
      { event: 'CREATED', user: 'TOLLGATE_SERVICE', role: 'ACCOUNTADMIN', make },
      { event: 'RESUMED', reason: 'USER', user: 'TOLLGATE_SERVICE', cluster: 1 },
      { event: 'RESUMED', reason: 'MULTICLUSTER_SPINUP', cluster: 2, make },
    ]);
  });

  test('a dropped warehouse lets its statement end, and its name is free at once', async () => {
    await say('CREATE WAREHOUSE GONE');
    const id = (await admin.query('SELECT SYSTEM$WAIT(60)')).body.data.queryId as string;
    expect(await say('DROP WAREHOUSE GONE')).toBe('GONE successfully dropped.');
    expect(await say('CREATE WAREHOUSE GONE INITIALLY_SUSPENDED = TRUE')).toContain('created');
    expect((await admin.result(id)).body.success).toBe(true);
  });
});

test('a statement that starts its warehouse waits for it where starts take time, and its session follows a rename', async () => {
  const world = await openWorld({ provisioningMs: 6000 });
  const admin = await administrator(world);
  await admin.query('USE WAREHOUSE BATCH_WH');
  const other = await administrator(world);
  await other.query('USE WAREHOUSE BATCH_WH');
  expect(status(await admin.query('ALTER WAREHOUSE BATCH_WH RENAME TO NIGHT_WH'))).toContain(
    'success',
  );
  for (const client of [admin, other])
    expect((await client.run('SELECT SYSTEM$WAIT(3)')).body.success).toBe(true);
  const [first, second] = world.warehouse
    .queryHistory()
    .flatMap((one) => (one.ended?.executionMs === 3000 ? [one.ended] : []));
  expect(first).toMatchObject({ warehouse: 'NIGHT_WH', queuedMs: 6000, provisioningMs: 6000 });
  expect(second).toMatchObject({ warehouse: 'NIGHT_WH', queuedMs: 0, provisioningMs: 0 });
  await world.end();
});

test('definitions survive a restart, and those of the earlier format still load', async () => {
  const first = await openWorld();
  const admin = await administrator(first);
  await admin.query(
    "CREATE WAREHOUSE KEPT WAREHOUSE_TYPE = 'SNOWPARK-OPTIMIZED' MAX_CLUSTER_COUNT = 3",
  );
  await admin.query('ALTER WAREHOUSE KEPT RENAME TO KEPT_TOO');
  const before = objects(await admin.query("SHOW WAREHOUSES LIKE 'KEPT%'"))[0]!;
  await first.warehouse.stop(AbortSignal.abort());
  const path = join(first.dataDir, 'warehouses.json');
  const stored = JSON.parse(await readFile(path, 'utf8')) as unknown[];
  const earlier = {
    name: 'EARLIER',
    size: 'LARGE',
    autoSuspendSeconds: 60,
    autoResume: true,
    maxConcurrency: 64,
    statementTimeoutSeconds: 0,
    comment: 'x',
    createdAtMs: 1_793_600_000_000,
  };
  await writeFile(path, JSON.stringify([...stored, earlier]));
  const second = await openWorld({ dataDir: first.dataDir });
  const again = await administrator(second);
  const rows = objects(await again.query('SHOW WAREHOUSES'));
  const same = rows.find((row) => row['name'] === 'KEPT_TOO')!;
  for (const key of ['uuid', 'type', 'size', 'max_cluster_count', 'resource_constraint'])
    expect(same[key]).toBe(before[key]);
  expect(rows.find((row) => row['name'] === 'EARLIER')).toMatchObject({
    size: 'Large',
    type: 'STANDARD',
    generation: '1',
    max_cluster_count: '1',
    max_concurrency_level: '64',
    // FNV-1a of the name, as the views number a warehouse without one.
    uuid: '1683538013',
  });
  await second.end();
});
