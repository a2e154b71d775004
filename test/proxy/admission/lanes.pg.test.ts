/**
 * Gates of several replicas on one Postgres. Shown to look: without FOR UPDATE in the lane's lock the first test sees
 * six statements at once where five may run.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { deferred } from '../../../base/deferred.js';
import { silentLog } from '../../../base/log.js';
import type { Database } from '../../../base/postgres/pool.js';
import { LANES_CHANNEL, readLane } from '../../../billing/postgres/lanes.js';
import { beat } from '../../../billing/postgres/replicas.js';
import type { LaneLimits } from '../../../policies/lanes/lane.js';
import { Gate } from '../../../proxy/admission/gate.js';
import type { AdmitOutcome, Permit } from '../../../proxy/admission/lane.js';
import { laneStore } from '../../../proxy/admission/lane-store.js';
import { systemIds } from '../../../base/ids.js';
import { limitsOf, memberOf } from '../../policies/lanes/support.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';

const ids = systemIds();
let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await createTestDatabase({ connectionsMax: 12 });
  ({ db } = database);
});
afterAll(() => database.drop());

interface Replica {
  readonly id: string;
  readonly gate: Gate;
  stop(): Promise<void>;
}

async function replicaOf(id: string): Promise<Replica> {
  await beat(db, id, { version: null, problem: null });
  const gate = new Gate({
    store: laneStore(db),
    replica: id,
    isHeard: () => true,
    log: silentLog,
    now: () => performance.now(),
  });
  const listening = await db.listen(
    [LANES_CHANNEL],
    (_channel, payload) => gate.onNotify(payload),
    () => undefined,
  );
  return {
    id,
    gate,
    async stop() {
      await gate.stop();
      await listening.stop();
    },
  };
}

function ask(replica: Replica, limits: LaneLimits, team: string): Promise<AdmitOutcome> {
  const ticketId = ids.ticket(Date.now());
  return replica.gate.admit(
    limits,
    memberOf(team, '0.1', { ticketId }),
    new AbortController().signal,
  );
}

function permitOf(outcome: AdmitOutcome): Permit {
  if (outcome.kind !== 'admitted') throw new Error(outcome.kind);
  return outcome.permit;
}

test('four replicas at a barrier run no more at once than may, and everybody has a turn', async () => {
  const limits = limitsOf({ tier: 'barrier', concurrencyMax: 5, queueTimeoutMs: 60_000 });
  const replicas = await Promise.all(['a', 'b', 'c', 'd'].map((name) => replicaOf(`${name}#1`)));
  let running = 0;
  let most = 0;
  const one = async (replica: Replica, index: number): Promise<void> => {
    const permit = permitOf(await ask(replica, limits, `team${index % 3}`));
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setTimeout(resolve, 4 + (index % 4)));
    running -= 1;
    permit.release();
  };
  await Promise.all(
    replicas.flatMap((replica) =>
      Array.from({ length: 40 }, (_each, index) => one(replica, index)),
    ),
  );
  expect(most).toBeLessThanOrEqual(5);
  expect(most).toBeGreaterThan(2);
  // Afterwards what is at hand, with what is free, is what may run.
  await Promise.all(replicas.map((replica) => replica.stop()));
  const { holdings, waits } = await readLane(db, 'barrier');
  expect(waits).toEqual([]);
  const atHand = holdings.reduce((sum, { idle }) => sum + idle, 0);
  expect(atHand).toBeLessThanOrEqual(5);
});

test('beyond the cap somebody has what another replica has at hand unsaid, and is refused once that is given away', async () => {
  const limits = limitsOf({ tier: 'full', concurrencyMax: 2, queueMax: 0 });
  const holder = await replicaOf('holder#1');
  const other = await replicaOf('late#1');
  permitOf(await ask(holder, limits, 'x'));
  permitOf(await ask(holder, limits, 'x')).release();
  const second = permitOf(await ask(other, limits, 'y'));
  second.release();
  permitOf(await ask(holder, limits, 'x'));
  expect(await ask(other, limits, 'y')).toEqual({ kind: 'queueFull', waiting: 0, queueMax: 0 });
  expect((await readLane(db, 'full')).waits).toEqual([]);
  await Promise.all([holder.stop(), other.stop()]);
});

test('permits and waiting statements of a replica that is dead are gone, and others have their turn', async () => {
  const limits = limitsOf({ tier: 'death', concurrencyMax: 1, queueTimeoutMs: 60_000 });
  const dead = await replicaOf('dead#1');
  const other = await replicaOf('other#1');
  permitOf(await ask(dead, limits, 'x'));
  void ask(dead, limits, 'x');
  const waits = ask(other, limits, 'y');
  await expect.poll(async () => (await readLane(db, 'death')).waits.length).toBe(2);
  await dead.stop();
  await db.query("UPDATE replica SET seen_at = now() - interval '11 seconds' WHERE id = 'dead#1'");
  other.gate.tick();
  expect((await waits).kind).toBe('admitted');
  const { rows } = await db.query<{ replica: string }>(
    "SELECT replica FROM lane_permit WHERE tier = 'death' UNION ALL SELECT replica FROM lane_waiting WHERE tier = 'death'",
  );
  expect(rows).toEqual([{ replica: 'other#1' }]);
  await other.stop();
});

test('a replica that dies in the middle of a decision leaves the lane to the next at once', async () => {
  await db.query("INSERT INTO lane (tier) VALUES ('killed')");
  const began = deferred<string>();
  const dies = db.transaction(async (tx) => {
    await tx.query("SELECT FROM lane WHERE tier = 'killed' FOR UPDATE");
    const { rows } = await tx.query<{ pid: string }>('SELECT pg_backend_pid()::text AS pid');
    began.resolve(rows[0]?.pid ?? '');
    await tx.query('SELECT pg_sleep(60)');
  });
  const pid = await began.promise;
  const next = await replicaOf('next#1');
  const limits = limitsOf({ tier: 'killed' });
  const [, outcome] = await Promise.all([
    expect(dies).rejects.toThrow(),
    ask(next, limits, 'x'),
    db.query('SELECT pg_terminate_backend($1)', [pid]),
  ]);
  expect(outcome.kind).toBe('admitted');
  await next.stop();
});
