import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectInvariants } from '../support/database.js';
import { longRun } from '../support/long-run.js';
import { RawClient } from '../warehouse/support/raw-client.js';
import { connectNode } from './support/node-driver.js';
import { eventually } from './support/eventually.js';
import { startSystem, type System } from './support/system.js';

/**
 * The proxy runs in a process of its own and is killed with SIGKILL while statements run. The warehouse's own history
 * is the truth that the ledger is compared with afterwards.
 */
let system: System;
let dataDir: string;
let proxy: ProxyProcess | undefined;

interface ProxyProcess {
  readonly process: ChildProcess;
  readonly url: string;
}

beforeAll(async () => {
  system = await startSystem({
    withProxy: false,
    control: (document) => ({
      ...document,
      tiers: document.tiers.map((tier) =>
        tier.id === 'interactive' ? { ...tier, concurrencyMax: 1 } : tier,
      ),
    }),
  });
  dataDir = await mkdtemp(join(tmpdir(), 'tollgate-kill-'));
  proxy = await startProxyProcess();
});

afterAll(async () => {
  proxy?.process.kill('SIGKILL');
  await system?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

test(
  'after a kill -9 in the middle no hold is left without a live statement, and no charge is lost',
  { timeout: 150_000 },
  async () => {
    const clients = await Promise.all(
      Array.from({ length: 6 }, () => connectNode(proxy?.url ?? '')),
    );
    await clients[0]?.rows('SELECT COUNT(*) FROM NATION WHERE N_NAME IS NOT NULL');
    const seconds = [2, 2, 3, 3, 4, 25];
    const running = clients.map((client, index) =>
      client.run(`SELECT SYSTEM$WAIT(${seconds[index]})`),
    );
    // Two have ended (their charges may be on their way), four are in the middle.
    await Promise.all([running[0], running[1]]);
    expect(await setAside()).toBeGreaterThan(0);
    expect(await leasesEver()).toBeGreaterThan(0);
    proxy?.process.kill('SIGKILL');
    proxy = await startProxyProcess();

    // Everything but the long one has ended upstream: its hold alone may stay, because it still runs there.
    await eventually(async () => expect(await openTickets()).toBe(1), { withinMs: 20_000 });
    expect(waits().filter((each) => each.ended === undefined)).toHaveLength(1);
    await expectInvariants(system.database.db);

    const fresh = await connectNode(proxy.url);
    expect(await fresh.rows('SELECT 1 AS ONE')).toEqual([{ ONE: 1 }]);
    const long = waits().find((each) => each.ended === undefined);
    const service = await connectNode(system.warehouseUrl, {
      username: system.service.user,
      password: system.service.password,
    });
    await service.rows(`SELECT SYSTEM$CANCEL_QUERY('${long?.started.id ?? ''}')`);
    await service.close();
    await eventually(async () => expect(await openTickets()).toBe(0), { withinMs: 20_000 });
    // What the dead one had leased and not held is back, by the database's clock.
    await eventually(async () => expect(await setAside()).toBe(0), { withinMs: 60_000 });

    const { rows } = await system.database.db.query<{ snowflake_query_id: string }>(
      'SELECT snowflake_query_id FROM charge WHERE snowflake_query_id IS NOT NULL',
    );
    const charged = rows.map((row) => row.snowflake_query_id);
    for (const each of waits()) expect(charged).toContain(each.started.id);
    expect(new Set(charged).size).toBe(charged.length);
    await expectInvariants(system.database.db);
    await fresh.close();
  },
);

const HOLDERS = longRun('queue-holder', 1);

// A replica counts as dead after ten seconds: too long for npm test, where waiting.e2e.test.ts says that it is dead.
test.runIf(HOLDERS.isLong)(
  'a statement that waited at a replica that is killed is told to be sent again, by a poll through another, within 90 s',
  { timeout: 60_000 + HOLDERS.count * 60_000 },
  async () => {
    const holderDir = await mkdtemp(join(tmpdir(), 'tollgate-holder-'));
    const lateMs: number[] = [];
    try {
      for (let round = 0; round < HOLDERS.count; round += 1) {
        const holder = await startProxyProcess(holderDir);
        lateMs.push(await untilToldAfterKill(holder));
      }
    } finally {
      await rm(holderDir, { recursive: true, force: true });
    }
    expect(Math.max(...lateMs)).toBeLessThan(90_000);
    HOLDERS.report({ holders: HOLDERS.count, toldAfterMsMax: Math.max(...lateMs) });
    await expectInvariants(system.database.db);
  },
);

/** Takes the one permit through the other replica, queues at the holder, kills it, and polls; how long that took. */
async function untilToldAfterKill(holder: ProxyProcess): Promise<number> {
  const [mine, other] = [holder.url, proxy?.url ?? ''].map(
    (url) => new RawClient(Number(new URL(url).port)),
  );
  if (mine === undefined || other === undefined) throw new Error('two clients');
  await other.login('sales_analyst', 'demo', '&warehouse=INTERACTIVE_WH');
  const busyId = randomUUID();
  const busy = other.query('SELECT SYSTEM$WAIT(600)', {}, busyId);
  await eventually(async () => expect(await ticketOf(busyId)).toMatchObject({ state: 'SENT' }));
  await mine.login('marketing_analyst', 'demo', '&warehouse=INTERACTIVE_WH');
  const requestId = randomUUID();
  // Its connection breaks with the replica.
  const lost = mine
    .query('SELECT 41 + 1 FROM ANALYTICS.TPCH.REGION', {}, requestId)
    .catch(() => null);
  await eventually(async () =>
    expect(await ticketOf(requestId)).toMatchObject({ state: 'RESERVED', waits: true }),
  );
  holder.process.kill('SIGKILL');
  const killedAtMs = performance.now();
  const { id } = await ticketOf(requestId);
  const poll = new RawClient(Number(new URL(proxy?.url ?? '').port));
  poll.token = mine.token;
  expect((await poll.result(id)).body).toMatchObject({
    success: false,
    code: '712303',
    message: expect.stringMatching(/Not run, nothing charged: .*send it again/) as string,
  });
  const tookMs = Math.round(performance.now() - killedAtMs);
  expect(await ticketOf(requestId)).toMatchObject({ state: 'VOID', waits: false });
  await lost;
  await other.send('POST', `/queries/v1/abort-request?requestId=${randomUUID()}`, {
    requestId: busyId,
  });
  await busy;
  return tookMs;
}

async function ticketOf(requestId: string): Promise<{ id: string; state: string; waits: boolean }> {
  const { rows } = await system.database.db.query<{ id: string; state: string; waits: boolean }>(
    `SELECT id, state, state = 'RESERVED' AND EXISTS (SELECT FROM lane_waiting WHERE ticket_id = t.id) AS waits
       FROM ticket t WHERE request_id = $1`,
    [requestId],
  );
  return rows[0] ?? { id: '', state: '', waits: false };
}

function waits(): ReturnType<System['warehouse']['queryHistory']> {
  return system.warehouse
    .queryHistory()
    .filter((each) => each.started.text.startsWith('SELECT SYSTEM$WAIT'));
}

async function openTickets(): Promise<number> {
  const { rows } = await system.database.db.query<{ n: string }>(
    `SELECT count(DISTINCT ticket_id) AS n FROM hold WHERE closed_at IS NULL`,
  );
  return Number(rows[0]?.n);
}

/** Credits that are held or leased, in all periods. */
async function setAside(): Promise<number> {
  const { rows } = await system.database.db.query<{ credits: string }>(
    'SELECT sum(held_credits + leased_credits) AS credits FROM budget_period',
  );
  return Number(rows[0]?.credits);
}

async function leasesEver(): Promise<number> {
  const { rows } = await system.database.db.query<{ n: string }>('SELECT count(*) AS n FROM lease');
  return Number(rows[0]?.n);
}

/** `tollgate serve --role proxy` against this test's Postgres and warehouse, on the same data directory each time. */
async function startProxyProcess(directory: string = dataDir): Promise<ProxyProcess> {
  const child = spawn(process.execPath, ['bin/tollgate.js', 'serve', '--role', 'proxy'], {
    env: {
      ...process.env,
      TOLLGATE_DATA_DIR: directory,
      TOLLGATE_SEAL_KEYS: `test:${Buffer.alloc(32, 7).toString('base64')}`,
      TOLLGATE_DATABASE_URL: system.database.ownerUrl,
      TOLLGATE_UPSTREAM: system.warehouseUrl,
      TOLLGATE_SERVICE_USER: system.service.user,
      TOLLGATE_SERVICE_PASSWORD: system.service.password,
      TOLLGATE_PROXY_PORT: '0',
      TOLLGATE_ADMIN_PORT: '0',
      TOLLGATE_LOG_LEVEL: 'error',
      // Every budget that is held against is leased.
      TOLLGATE_LEASE_FROM_PER_SECOND: '1',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  const url = await new Promise<string>((resolve, reject) => {
    const listen = (chunk: Buffer): void => {
      said += chunk.toString();
      const port = /proxy\s+(http:\/\/127\.0\.0\.1:\d+)/.exec(said)?.[1];
      if (port !== undefined) resolve(port);
    };
    child.stdout?.on('data', listen);
    child.stderr?.on('data', listen);
    child.once('exit', (code) => reject(new Error(`the proxy ended with ${code}: ${said}`)));
  });
  return { process: child, url };
}
