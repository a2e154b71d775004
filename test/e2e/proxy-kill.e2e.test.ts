import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectInvariants } from '../support/database.js';
import { keepLimits } from './support/budget-limits.js';
import { connectNode } from './support/node-driver.js';
import { eventually } from './support/eventually.js';
import { SHARED_KEYS, startProxyProcess, type ProxyProcess } from './support/proxy-process.js';
import {
  makeSilent,
  RECOVERED_WITHIN_MS,
  ReplicaRounds,
  ROUND_HOLD,
} from './support/replica-rounds.js';
import { startSystem, type System } from './support/system.js';
import { longRun } from '../support/long-run.js';
import { RawClient } from '../warehouse/support/raw-client.js';
import { MixedTraffic } from './support/mixed-traffic.js';

/**
 * The proxy runs in a process of its own and is killed with SIGKILL while statements run. The warehouse's own history
 * is the truth that the ledger is compared with afterwards.
 */
let system: System;
let dataDir: string;
let proxy: ProxyProcess | undefined;
let rounds: ReplicaRounds | undefined;

const long = longRun('replicas', 1);
/** In seconds. */
const mixed = longRun('mixed', 4);
const MIXED_TEAMS = ['marketing', 'sales', 'growth', 'legal'] as const;
/** Of the X-Large of the demo: 16 credits an hour, so that the ceiling is 4.5 s of it. */
const SOON_AT_CEILING = {
  guessExpectedCredits: '0.005',
  guessHoldCredits: '0.01',
  ceilingCredits: '0.02',
} as const;
const CEILING_AND_15_SECONDS = 0.02 + (16 * 15) / 3600;
const REPLICAS = long.isLong ? 4 : 2;
const CLIENTS = long.isLong ? 160 : 24;
const ROOM_PARTS = long.isLong ? 1 : 2;

beforeAll(async () => {
  system = await startSystem({
    withProxy: false,
    control: (document) => ({
      ...document,
      tiers: document.tiers.map((tier) =>
        tier.id === 'interactive'
          ? { ...tier, concurrencyMax: 1 }
          : tier.id === 'standard'
            ? { ...tier, guessHoldCredits: ROUND_HOLD, concurrencyMax: CLIENTS }
            : tier.id === 'batch'
              ? { ...tier, ...SOON_AT_CEILING }
              : tier,
      ),
    }),
  });
  dataDir = await mkdtemp(join(tmpdir(), 'tollgate-kill-'));
  proxy = await startProxyProcess(system, dataDir, SHARED_KEYS);
});

afterAll(async () => {
  proxy?.process.kill('SIGKILL');
  await rounds?.stop();
  await system?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

// First: nothing is learned of waits yet.
test(
  'replicas at one barrier hold exactly what there is room for, and what one of them had when it was killed is void, settled or adopted',
  { timeout: 120_000 + long.count * 120_000 },
  async () => {
    const restore = await keepLimits(system.database.db, ['marketing-monthly']);
    rounds = await startRounds();
    const seen = new Set<string>();
    for (let index = 0; index < long.count; index += 1) {
      // Of two replicas neither can have it all.
      const room = Math.floor((CLIENTS * ROOM_PARTS) / 3) + ((long.seed + index) % 3);
      const figures = await rounds.round(room, {
        victim: (long.seed + index) % REPLICAS,
        // A long run waits until the others have seen by themselves that it is silent.
        isSilentAtOnce: !long.isLong,
      });
      for (const [fate, count] of Object.entries(figures)) if (count > 0) seen.add(fate);
      expect(figures.recoveryMsMax).toBeLessThan(RECOVERED_WITHIN_MS);
      long.report({ rounds: 1, ...figures, recoveryMsMax: Math.round(figures.recoveryMsMax) });
    }
    // The killed one had some, in both fates that a round makes for certain.
    expect([...seen]).toEqual(expect.arrayContaining(['orphans', 'settled', 'adopted']));
    await restore();
  },
);

test(
  'of mixed traffic no statement is refused for want of room that was there',
  { timeout: 120_000 + mixed.count * 1_000 },
  async () => {
    rounds ??= await startRounds();
    const budgetIds = MIXED_TEAMS.map((team) => `${team}-monthly`);
    const restore = await keepLimits(system.database.db, budgetIds);
    try {
      const clients: RawClient[] = [];
      for (const team of MIXED_TEAMS)
        for (let index = 0; index < 6; index += 1) {
          const client = rounds.client(index % 2);
          const reply = await client.login(`${team}_analyst`, 'demo', '&warehouse=STANDARD_WH');
          expect(reply.body.success).toBe(true);
          clients.push(client);
        }
      const traffic = new MixedTraffic(system.database.db, mixed.seed);
      const figures = await traffic.run(clients, budgetIds, mixed.count * 1_000);
      mixed.report({ ...figures, seconds: mixed.count });
      expect(traffic.strange).toEqual([]);
      expect(figures).toMatchObject({ falseRefusals: 0, others: 0 });
      expect(figures.refusedByBudget).toBeGreaterThan(0);
      expect(figures.ran).toBeGreaterThan(0);
      await eventually(async () => expect(await whatIsOpen()).toEqual([]), { withinMs: 60_000 });
      await expectInvariants(system.database.db);
    } finally {
      // Nobody else looks after what the one that is killed below has left.
      await rounds.stop();
      rounds = undefined;
      await restore();
    }
  },
);

test(
  'after a kill -9 in the middle no hold is left without a live statement, and no charge is lost',
  { timeout: 150_000 },
  async () => {
    const clients = await Promise.all(
      Array.from({ length: 6 }, () => connectNode(proxy?.url ?? '')),
    );
    await clients[0]?.rows('SELECT COUNT(*) FROM NATION WHERE N_NAME IS NOT NULL');
    // The last is cancelled below: it must outlast the start of a proxy on a busy machine.
    const seconds = [2, 2, 3, 3, 4, 90];
    const waitsBefore = waits().length;
    const running = clients.map((client, index) =>
      client.run(`SELECT SYSTEM$WAIT(${seconds[index]})`),
    );
    // Two have ended (their charges may be on their way), four are in the middle.
    await Promise.all([running[0], running[1]]);
    await eventually(() => expect(waits().length - waitsBefore).toBe(seconds.length), {
      withinMs: 20_000,
    });
    expect(await setAside()).toBeGreaterThan(0);
    expect(await leasesEver()).toBeGreaterThan(0);
    proxy?.process.kill('SIGKILL');
    proxy = await startProxyProcess(system, dataDir, SHARED_KEYS);

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

test(
  'a statement that waited at a replica that is killed is told to be sent again, by a poll through another, within 90 s',
  { timeout: 60_000 + HOLDERS.count * 60_000 },
  async () => {
    const holderDir = await mkdtemp(join(tmpdir(), 'tollgate-holder-'));
    const lateMs: number[] = [];
    try {
      for (let round = 0; round < HOLDERS.count; round += 1) {
        const holder = await startProxyProcess(system, holderDir, SHARED_KEYS);
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

test(
  'a statement of a replica that is killed is stopped upstream at its ceiling, and whoever polls is told so',
  { timeout: 90_000 },
  async () => {
    const holderDir = await mkdtemp(join(tmpdir(), 'tollgate-ceiling-'));
    try {
      const holder = await startProxyProcess(system, holderDir, SHARED_KEYS);
      const client = new RawClient(Number(new URL(holder.url).port));
      await client.login('support_analyst', 'demo', '&warehouse=BATCH_WH');
      const requestId = randomUUID();
      // Its connection breaks with the replica.
      const before = waits().length;
      const lost = client.query('SELECT SYSTEM$WAIT(600)', {}, requestId).catch(() => null);
      await eventually(() => expect(waits().length).toBe(before + 1));
      holder.process.kill('SIGKILL');
      await lost;
      await makeSilent(system, holder);
      const { id } = await ticketOf(requestId);
      const poll = new RawClient(Number(new URL(proxy?.url ?? '').port));
      poll.token = client.token;
      let told = await poll.result(id);
      await eventually(
        async () => expect((told = await poll.result(id)).body.success).toBe(false),
        {
          withinMs: 60_000,
        },
      );
      expect(told.body).toMatchObject({ code: '714001' });
      const { rows } = await system.database.db.query<{ ending: string; credits: string }>(
        'SELECT t.ending, c.credits FROM ticket t JOIN charge c ON c.ticket_id = t.id WHERE t.id = $1',
        [id],
      );
      expect(rows).toMatchObject([{ ending: 'stopped' }]);
      expect(Number(rows[0]?.credits)).toBeLessThanOrEqual(CEILING_AND_15_SECONDS);
      await expectInvariants(system.database.db);
    } finally {
      await rm(holderDir, { recursive: true, force: true });
    }
  },
);

/** The replicas of the first two tests: each start of one is seconds of a processor. */
async function startRounds(): Promise<ReplicaRounds> {
  const started = new ReplicaRounds(system, dataDir);
  await started.start(REPLICAS, CLIENTS);
  return started;
}

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
  // A long run waits until the others have seen by themselves that it is silent.
  if (!HOLDERS.isLong) await makeSilent(system, holder);
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
  return (await whatIsOpen()).length;
}

/** Tickets that have not ended, each with what tells why. */
async function whatIsOpen(): Promise<readonly object[]> {
  const { rows } = await system.database.db.query<Record<string, unknown>>(
    `SELECT id, state, statement_shape, snowflake_query_id, replica, created_at, sent_at, now() AS now FROM ticket
      WHERE EXISTS (SELECT FROM open_ticket o WHERE o.ticket_id = ticket.id)`,
  );
  return rows;
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
