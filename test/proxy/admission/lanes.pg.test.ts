/**
 * Gates of several replicas on one Postgres. Shown to look: without FOR UPDATE in the lane's lock the first test sees
 * six statements at once where five may run.
 */
import type { LaneToDecide } from '../../../base/kept-lanes.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { deferred } from '../../../base/deferred.js';
import { silentLog } from '../../../base/log.js';
import type { Database } from '../../../base/postgres/pool.js';
import { readLane } from '../../../billing/postgres/lane-rows.js';
import { decideInLane, LANES_CHANNEL } from '../../../billing/postgres/lanes.js';
import { beat } from '../../../billing/postgres/replicas.js';
import type { LaneLimits } from '../../../policies/lanes/lane.js';
import { Gate } from '../../../proxy/admission/gate.js';
import type { AdmitOutcome, Permit } from '../../../proxy/admission/lane.js';
import { laneStore } from '../../../proxy/admission/lane-store.js';
import { systemIds } from '../../../base/ids.js';
import { partToDecide } from '../../policies/lanes/read-to-decide.js';
import { limitsOf, memberOf, seeded } from '../../policies/lanes/support.js';
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

/** A lane of four replicas in which 120 statements wait, some of them granted or provisional, and eight run. */
async function fullLane(tier: string): Promise<readonly string[]> {
  const random = seeded(9);
  const one = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const replicas = ['p#1', 'q#1', 'r#1', 's#1'];
  for (const id of replicas) await beat(db, id, { version: null, problem: null });
  await db.query('INSERT INTO lane (tier) VALUES ($1)', [tier]);
  const rows = Array.from({ length: 120 }, () => {
    const team = one(['a', 'a', 'a', 'b', 'c']);
    const state = one(['waits', 'waits', 'waits', 'waits', 'granted', 'provisional']);
    return {
      ticket: ids.ticket(Date.now()),
      replica: one(replicas),
      team,
      principal: `${team}${one([1, 2, 3])}`,
      administrator: random() < 0.1,
      // Some came at the same time.
      ago: Math.floor(random() * 40),
      granted: state === 'granted',
      provisional: state === 'provisional',
    };
  });
  await db.query(
    `INSERT INTO lane_waiting (ticket_id, tier, replica, team_id, principal_id, is_administrator, expected_credits, expected_ms,
       since, granted_at, is_provisional)
     SELECT ticket, $1, replica, team, principal, administrator, 1, 1000, now() - make_interval(secs => ago),
       CASE WHEN granted THEN now() END, provisional
     FROM jsonb_to_recordset($2) AS w (ticket uuid, replica text, team text, principal text, administrator boolean, ago int,
       granted boolean, provisional boolean)`,
    [tier, JSON.stringify(rows)],
  );
  await db.query(
    `INSERT INTO lane_permit (tier, replica, idle, running, told_at, is_exact)
     SELECT $1, r, 0, jsonb_build_array($2::jsonb, $2::jsonb || '{"isAdministrator": true}'), now(), true FROM unnest($3::text[]) r`,
    [tier, JSON.stringify({ ...memberOf('a'), expectedCredits: '1', heldMs: 5 }), replicas],
  );
  return replicas;
}

test('a decision reads of others the first of each team and who is behind them, and of its own what is kept', async () => {
  const [replica = ''] = await fullLane('part');
  const { rows } = await db.query<{ n: number }>(
    "SELECT count(*)::integer AS n FROM lane_waiting WHERE tier = 'part'",
  );
  expect(rows).toEqual([{ n: 120 }]);
  for (const reach of [
    { permits: 5, administratorPermits: 0, byPrincipal: false },
    { permits: 4, administratorPermits: 1, byPrincipal: true },
    { permits: 0, administratorPermits: 2, byPrincipal: false },
  ]) {
    const kept = await readLane(db, 'part', replica);
    const expected = partToDecide(kept, replica, reach);
    let read: LaneToDecide | undefined;
    const decided = decideInLane(db, 'part', replica, reach, (lane) => {
      read = lane;
      throw new Error('nothing is written');
    });
    await expect(decided).rejects.toThrow('nothing is written');
    expect(withoutTimes(read)).toEqual(withoutTimes(expected));
    expect(read?.others.length).toBeLessThan(75);
    expect(read?.behind.length).toBeGreaterThan(0);
  }
});

/** Times are of the moment of reading; those who came first stand first. */
function withoutTimes(lane: LaneToDecide | undefined): unknown {
  if (lane === undefined) return undefined;
  const { own, others, behind, ...rest } = lane;
  const key = ({ teamId, isAdministrator }: LaneToDecide['behind'][number]): string =>
    `${teamId} ${isAdministrator}`;
  return {
    replicas: rest.replicas,
    turnsMax: rest.turnsMax,
    running: new Map(rest.holdings.map((each) => [each.replica, each.running.length])),
    own: own.map(({ ticketId, isGranted, isProvisional }) => [ticketId, isGranted, isProvisional]),
    others: others.map(({ waitedMs: _waited, ...each }) => each),
    behind: new Map(behind.map((each) => [key(each), each.count])),
  };
}
