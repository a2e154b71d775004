/**
 * A replica's side of an outage, with a real ledger behind a port that can be shut. Shown to fail: with the allowance
 * forgotten at every answer ten more statements were admitted after a flap.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Lifecycle } from '../../../base/lifecycle.js';
import { silentLog } from '../../../base/log.js';
import { createMetrics, type Metrics } from '../../../base/metrics.js';
import type { Database } from '../../../base/postgres/pool.js';
import { createLedger } from '../../../billing/create-ledger.js';
import { openPeriods } from '../../../billing/postgres/open-periods.js';
import type { BudgetDocument } from '../../../policies/control/document.js';
import { createEvents } from '../../../proxy/events.js';
import type { OfflineOutcome } from '../../../proxy/offline/offline.js';
import { openLedger, type OpenLedger } from '../../../proxy/open-ledger.js';
import {
  NOON,
  buildSettlement,
  buildTicket,
  credits,
  insertBudget,
} from '../../support/builders.js';
import { manualClock } from '../../support/clock.js';
import {
  createTestDatabase,
  expectInvariants,
  expectNoOpenHolds,
  openTestPool,
  type TestDatabase,
} from '../../support/database.js';
import { startGate, type TcpGate } from '../../support/tcp-gate.js';

let database: TestDatabase;
let gate: TcpGate;
let db: Database;
let dataDir: string;
const clock = manualClock();

beforeAll(async () => {
  database = await createTestDatabase();
  const url = new URL(database.url);
  gate = await startGate(Number(url.port));
  url.port = String(gate.port);
  db = openTestPool(url.href, 10);
  dataDir = await mkdtemp(join(tmpdir(), 'tollgate-offline-'));
});

afterAll(async () => {
  await db.stop();
  await gate.stop();
  await expectNoOpenHolds(database.db);
  await expectInvariants(database.db);
  await database.drop();
  await rm(dataDir, { recursive: true, force: true });
});

interface Replica extends OpenLedger {
  readonly metrics: Metrics;
  stop(isKilled?: boolean): Promise<void>;
}

async function startReplica(replica: string): Promise<Replica> {
  const metrics = createMetrics();
  const life = new Lifecycle();
  const open = await openLedger(
    {
      db,
      clock,
      log: silentLog,
      metrics,
      dataDir,
      replica,
      events: createEvents(metrics, silentLog),
      leaseFromPerSecond: 1,
    },
    life,
  );
  return {
    ...open,
    metrics,
    async stop(isKilled = false) {
      if (isKilled) life.abort();
      await life.drain();
    },
  };
}

function budget(id: string, changes: Partial<BudgetDocument> = {}): BudgetDocument {
  return {
    id,
    node: 'marketing',
    limitCredits: '100',
    hard: false,
    period: { kind: 'month', timeZone: 'UTC' },
    counts: 'direct',
    ...changes,
  };
}

const ALLOWED = { failMode: { kind: 'allowance', credits: '10' } } as const;

function admit(
  { offline }: Replica,
  budgets: readonly BudgetDocument[],
  holdCredits = credits('1'),
  ceilingCredits = credits('1'),
): OfflineOutcome {
  const ticket = buildTicket({ replica: 'r#1' });
  return offline.admit({
    ticket,
    budgets,
    holdCredits,
    ceilingCredits,
    tier: 'interactive',
    concurrencyMax: 100,
  });
}

async function shutGate(replica: Replica): Promise<void> {
  await gate.shut();
  await expect(
    replica.ledger.standing(['soft'], NOON).catch((thrown: unknown) => {
      replica.offline.suspect(thrown);
      throw thrown;
    }),
  ).rejects.toMatchObject({ code: 'ledgerUnavailable' });
  await expect.poll(() => replica.offline.isAway).toBe(true);
}

async function openGate(replica: Replica): Promise<void> {
  await gate.open();
  await expect.poll(() => replica.offline.isAway).toBe(false);
}

function held(outcomes: readonly OfflineOutcome[]): Extract<OfflineOutcome, { kind: 'held' }>[] {
  return outcomes.flatMap((outcome) => (outcome.kind === 'held' ? [outcome] : []));
}

test('a soft budget admits its allowance and not a unit more, also over a flap; a hard one nothing; all of it is posted and charged once', async () => {
  await insertBudget(database.db, { id: 'soft', isHard: false, limit: credits('100') });
  await insertBudget(database.db, { id: 'hard', limit: credits('100') });
  const replica = await startReplica('r#1');
  await shutGate(replica);

  const soft = budget('soft', ALLOWED);
  const first = Array.from({ length: 8 }, () => admit(replica, [soft]));
  expect(held(first)).toHaveLength(8);
  for (const hard of [
    budget('hard', { hard: true }),
    budget('soft'),
    budget('soft', { failMode: { kind: 'refuse' } }),
  ])
    expect(admit(replica, [hard])).toMatchObject({ kind: 'refused', budgetId: hard.id });
  expect(admit(replica, [soft, budget('hard', { hard: true })])).toMatchObject({
    budgetId: 'hard',
  });
  for (const { hold } of held(first)) expect(await hold.handOver(NOON, hold.credits)).toBe(true);
  for (const { hold } of held(first).slice(0, 4))
    replica.settler.submit(
      hold.ticketId,
      buildSettlement(hold.ticketId, { usedCredits: credits('0.25') }),
    );

  await openGate(replica);
  await shutGate(replica);
  const second = Array.from({ length: 10 }, () => admit(replica, [soft]));
  expect(held(second)).toHaveLength(2);
  for (const { hold } of held(second)) await hold.releaseUnlessSent({ kind: 'failed', reason: '' });
  const third = held(Array.from({ length: 10 }, () => admit(replica, [soft])));
  expect(third).toHaveLength(2);
  for (const { hold } of third) await hold.handOver(NOON, hold.credits);

  await openGate(replica);
  await expect.poll(() => replica.settler.backlog, { timeout: 5_000 }).toBe(0);
  const truth = createLedger(database.db, clock);
  expect(await truth.standing(['soft'], NOON)).toMatchObject([
    { spentCredits: credits('1'), heldCredits: credits('6') },
  ]);
  const rest = [...held(first).slice(4), ...third];
  for (const { hold } of rest)
    replica.settler.submit(hold.ticketId, buildSettlement(hold.ticketId));
  await expect.poll(() => replica.settler.backlog).toBe(0);
  const { rows } = await database.db.query<{ n: string; sum: string }>(
    'SELECT count(*) AS n, sum(admitted_credits) AS sum FROM offline_admission',
  );
  expect(rows).toEqual([{ n: '10', sum: '10.000000000000' }]);
  const { body } = await replica.metrics.render();
  expect(body).toContain('tollgate_offline_statements_total{by="allowance"} 10');
  expect(body).toContain('tollgate_offline_credits_total{by="allowance"} 10');
  expect(body).toContain('tollgate_offline_unposted 0');
  await replica.stop();
});

test('a hard budget admits what is leased, on the disk of the ledger, and refuses once the lease may have ended', async () => {
  await insertBudget(database.db, { id: 'leased', limit: credits('1000') });
  await openPeriods(database.db, ['leased'], NOON);
  const replica = await startReplica('r#1');
  const asked = buildTicket({ replica: 'r#1' });
  const request = { ticket: asked, budgetIds: ['leased'], holdCredits: credits('5') };
  expect((await replica.ledger.reserve(request)).kind).toBe('held');
  const { leases } = replica.leaseKeeper;
  await expect.poll(() => leases.size).toBe(1);
  await leases.beat();
  const idle = leases.offlineCredits('leased', NOON);
  expect(idle).toBeGreaterThan(0n);
  await shutGate(replica);

  const hard = budget('leased', { hard: true, limitCredits: '1000' });
  const taken = held([admit(replica, [hard], credits('2'), credits('1000'))]);
  // Twice the hold, and it is stopped there.
  expect(taken.map(({ hold }) => hold.credits)).toEqual([credits('4')]);
  const outcomes: OfflineOutcome[] = [];
  while (outcomes.at(-1)?.kind !== 'refused') outcomes.push(admit(replica, [hard]));
  const all = [...taken, ...held(outcomes)];
  expect(all.reduce((sum, { hold }) => sum + hold.credits, 0n)).toBe(idle);
  for (const { hold } of all) await hold.handOver(NOON, hold.credits);

  await openGate(replica);
  await expect.poll(() => replica.settler.backlog, { timeout: 5_000 }).toBe(0);
  const { rows } = await database.db.query<{ not_held: string }>(
    `SELECT sum(admitted_credits - held_credits) AS not_held FROM offline_admission
      WHERE budgets @> '[{"id": "leased"}]'`,
  );
  expect(rows).toEqual([{ not_held: '0.000000000000' }]);
  for (const { hold } of all) replica.settler.submit(hold.ticketId, buildSettlement(hold.ticketId));
  await expect.poll(() => replica.settler.backlog).toBe(0);
  await replica.ledger.release(asked.ticketId, { kind: 'failed', reason: 'over' });
  await replica.stop();
});

test('a replica that is killed in an outage tells of everything at its next start, once', async () => {
  await insertBudget(database.db, { id: 'killed', isHard: false });
  const first = await startReplica('r#1');
  await shutGate(first);
  const admitted = held(Array.from({ length: 3 }, () => admit(first, [budget('killed', ALLOWED)])));
  for (const { hold } of admitted) await hold.handOver(NOON, hold.credits);
  const ended = admitted[0]?.hold.ticketId;
  expect(ended).toBeDefined();
  if (ended !== undefined) first.settler.submit(ended, buildSettlement(ended));
  await expect.poll(() => first.settler.backlog).toBe(4);
  await gate.open();
  // Its journal is all that is left of it.
  await first.stop(true);

  const second = await startReplica('r#2');
  await second.settler.replay();
  await expect.poll(() => second.settler.backlog, { timeout: 5_000 }).toBe(0);
  const truth = createLedger(database.db, clock);
  const open = (await truth.openTickets()).filter(({ replica }) => replica === 'r#1');
  expect(open.map(({ state }) => state)).toEqual(['SENT', 'SENT']);
  expect((await truth.adoptOrphans(['r#2'], NOON)).map(({ state }) => state)).toEqual([
    'IN_DOUBT',
    'IN_DOUBT',
  ]);
  for (const { ticketId } of open)
    expect((await truth.settle(buildSettlement(ticketId))).kind).toBe('charged');
  await second.stop();
  const third = await startReplica('r#3');
  expect(await third.settler.replay()).toBe(0);
  await third.stop();
});
