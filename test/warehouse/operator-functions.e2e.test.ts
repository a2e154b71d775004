import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { linearClock } from '#base/time.js';
import { RawClient, type Reply } from './support/raw-client.js';
import { openWorld } from './support/world.js';
import type { World } from './support/world.js';

describe('what the operator asks for in SQL', () => {
  let world: World;
  let admin: RawClient;
  let client: RawClient;

  beforeEach(async () => {
    const now = Date.UTC(2026, 10, 15);
    world = await openWorld({ clock: linearClock(Date.now(), now, 60) });
    admin = new RawClient(world.port);
    const password = await readFile(join(world.dataDir, 'service-user-password'), 'utf8');
    await admin.login('TOLLGATE_SERVICE', password.trim());
    client = new RawClient(world.port);
    await client.login();
  });
  afterEach(() => world.end());

  const said = async (sql: string): Promise<unknown> => {
    const { body } = await admin.query(sql);
    return body.success ? body.data.rowset[0][0] : body.message;
  };

  test('is for ACCOUNTADMIN, by CALL only, with arguments that make sense', async () => {
    for (const sql of ["CALL SYSTEM$FAULT('clear')", "CALL SYSTEM$SEED_MONTH('2026-10')"])
      expect((await client.query(sql)).body.code).toBe('003001');
    await admin.query("SELECT SYSTEM$SEED_MONTH('2026-10')");
    await admin.query("CALL SYSTEM$SEED_MONTH('2026-09')", { describeOnly: true });
    expect(world.engine.executed).toEqual(["SELECT SYSTEM$SEED_MONTH('2026-10')"]);
    expect(world.warehouse.queryHistory().length).toBeLessThan(10);
    for (const args of [
      "'drop'",
      "'latency'",
      "'latency', 0",
      "'latency', 5, 0",
      "'status', 200",
      "'reset', 10, 1, 'queries'",
      "'malformed', 5000",
      "'reset', -1",
    ])
      expect(await said(`CALL SYSTEM$FAULT(${args})`)).toMatch(
        /^Invalid argument of SYSTEM\$FAULT/,
      );
    expect((await client.query('SELECT 1')).body.success).toBe(true);
  });

  test('seeds a month once and tells of it in one row', async () => {
    const { body } = await admin.run("CALL SYSTEM$SEED_MONTH('2026-10', 'seed', 20)");
    const [row] = body.data.rowset as string[][];
    expect(row?.[0]).toBe('2026-10');
    expect(Number(row?.[1])).toBeGreaterThan(1000);
    expect(Number(row?.[3])).toBeGreaterThan(10);
    expect(await said("CALL SYSTEM$SEED_MONTH('2026-10')")).toMatch(/has events already/);
    expect(await said("CALL SYSTEM$SEED_MONTH('2026-11')")).toMatch(/is not over yet/);
    expect(await said("CALL SYSTEM$SEED_MONTH('October')")).toMatch(/is not a month/);
    expect(await said("CALL SYSTEM$SEED_MONTH('2026-09', 'x', 0)")).toMatch(/from 1 to 50000/);
  });

  test('plans faults that hit as many replies as asked, and not the call itself', async () => {
    expect(await said("CALL SYSTEM$FAULT('status', 503, 2)")).toBe(
      'The next 2 replies to /queries/ are 503.',
    );
    const statusOf = (): Promise<number> =>
      fetch(`http://127.0.0.1:${world.port}/queries/v1/query-request`, { method: 'POST' }).then(
        ({ status }) => status,
      );
    expect([await statusOf(), await statusOf()]).toEqual([503, 503]);
    expect(await statusOf()).not.toBe(503);

    await said("CALL SYSTEM$FAULT('malformed')");
    await expect(client.query('SELECT 1')).rejects.toThrow(/JSON/);
    expect((await client.query('SELECT 1')).body.success).toBe(true);

    await said("CALL SYSTEM$FAULT('reset', 10)");
    await expect(client.query('SELECT 1')).rejects.toThrow();
    expect((await client.query('SELECT 1')).body.success).toBe(true);

    await said("CALL SYSTEM$FAULT('latency', 300, 1, '/session/heartbeat')");
    expect((await client.query('SELECT 1')).body.success).toBe(true);
    const before = performance.now();
    await client.send('POST', '/session/heartbeat');
    expect(performance.now() - before).toBeGreaterThanOrEqual(295);
  });

  test('takes planned faults back, and ends session tokens', async () => {
    // On another path than that of the calls, which would meet the fault themselves.
    await said("CALL SYSTEM$FAULT('status', 500, 9, '/session')");
    expect(await said("CALL SYSTEM$FAULT('clear')")).toBe('No faults.');
    expect((await client.send('POST', '/session/heartbeat')).status).toBe(200);
    await said("CALL SYSTEM$FAULT('expire')");
    expect((await client.query('SELECT 1')).body.code).toBe('390112');
  });

  test('ends the tokens of one session only, with the master token when asked', async () => {
    const other = new RawClient(world.port);
    await other.login();
    const { body } = await client.query('SELECT CURRENT_SESSION()');
    const [[session]] = body.data.rowset as [[string]];
    const renewal = (): Promise<Reply> =>
      client.send(
        'POST',
        '/session/token-request',
        { oldSessionToken: client.token, requestType: 'RENEW' },
        { token: client.masterToken },
      );
    for (const args of ["'x'", '0', `${session}, 'all'`, '1'])
      expect(await said(`CALL SYSTEM$FAULT('expire', ${args})`)).toMatch(/^Invalid argument/);

    await said(`CALL SYSTEM$FAULT('expire', ${session})`);
    expect((await client.query('SELECT 1')).body.code).toBe('390112');
    expect((await renewal()).body.success).toBe(true);
    await said(`CALL SYSTEM$FAULT('expire', ${session}, 'master')`);
    expect((await renewal()).body.code).toBe('390114');
    expect((await other.query('SELECT 1')).body.success).toBe(true);
  });
});
