import { expect, test } from 'vitest';
import { silentLog } from '../../../base/log.js';
import { Gate } from '../../../proxy/admission/gate.js';
import type { AdmitOutcome, Permit } from '../../../proxy/admission/lane.js';
import { limitsOf, memberOf } from '../../policies/lanes/support.js';
import { MemoryLanes } from './memory-lanes.js';

const LIMITS = limitsOf({ concurrencyMax: 1, queueMax: 4, queueTimeoutMs: 60_000 });
const NEVER = new AbortController().signal;

function newGate(store?: MemoryLanes, replica = 'one', now = () => performance.now()): Gate {
  const lanes = store ?? new MemoryLanes(now);
  return new Gate({ store: lanes, replica, isHeard: () => true, log: silentLog, now });
}

function permitOf(outcome: AdmitOutcome): Permit {
  if (outcome.kind !== 'admitted') throw new Error(outcome.kind);
  return outcome.permit;
}

/** Lets every promise that can settle do so. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test('a free place is taken at once; the next waits for its release', async () => {
  const gate = newGate();
  const first = permitOf(await gate.admit(LIMITS, memberOf('a'), NEVER));
  const second = gate.admit(LIMITS, memberOf('a'), NEVER);
  expect(gate.occupancy()).toEqual([{ tier: 'standard', running: 1, waiting: 1 }]);
  first.release();
  expect((await second).kind).toBe('admitted');
  expect(gate.occupancy()).toEqual([{ tier: 'standard', running: 1, waiting: 0 }]);
});

test('teams take turns: a burst of one does not keep the others waiting', async () => {
  const gate = newGate();
  let permit = permitOf(await gate.admit(LIMITS, memberOf('a'), NEVER));
  const order: string[] = [];
  for (const team of ['a', 'a', 'b', 'c']) {
    void gate.admit(LIMITS, memberOf(team), NEVER).then((outcome) => {
      order.push(team);
      permit = permitOf(outcome);
    });
  }
  for (let turn = 0; turn < 4; turn += 1) {
    permit.release();
    await settled();
  }
  expect(order).toEqual(['a', 'b', 'c', 'a']);
});

test('a permit is given back once, however often it is released', async () => {
  const gate = newGate();
  const first = permitOf(await gate.admit(LIMITS, memberOf('a'), NEVER));
  const second = gate.admit(LIMITS, memberOf('b'), NEVER);
  const third = gate.admit(LIMITS, memberOf('c'), NEVER);
  first.release();
  first.release();
  await second;
  await settled();
  expect(gate.occupancy()).toEqual([{ tier: 'standard', running: 1, waiting: 1 }]);
  permitOf(await second).release();
  permitOf(await third).release();
  expect(gate.occupancy()).toEqual([{ tier: 'standard', running: 0, waiting: 0 }]);
});

test('the queue has a cap, and each tier its own', async () => {
  const gate = newGate();
  permitOf(await gate.admit(LIMITS, memberOf('a'), NEVER));
  for (let index = 0; index < 4; index += 1) void gate.admit(LIMITS, memberOf('a'), NEVER);
  expect(await gate.admit(LIMITS, memberOf('b'), NEVER)).toEqual({
    kind: 'queueFull',
    waiting: 4,
    queueMax: 4,
  });
  expect(await gate.admit({ ...LIMITS, tier: 'batch' }, memberOf('b'), NEVER)).toMatchObject({
    kind: 'admitted',
  });
});

test('who waited too long leaves, and who cancels leaves; the rest move up', async () => {
  const gate = newGate();
  const first = permitOf(await gate.admit(LIMITS, memberOf('a'), NEVER));
  const late = gate.admit({ ...LIMITS, queueTimeoutMs: 10 }, memberOf('a'), NEVER);
  const cancel = new AbortController();
  const gone = gate.admit(LIMITS, memberOf('a'), cancel.signal);
  const last = gate.admit(LIMITS, memberOf('a'), NEVER);
  cancel.abort();
  expect(await gone).toEqual({ kind: 'cancelled' });
  const outcome = await late;
  expect(outcome).toMatchObject({ kind: 'timeout' });
  expect(outcome.kind === 'timeout' ? outcome.waitedMs : 0).toBeGreaterThanOrEqual(9);
  first.release();
  expect((await last).kind).toBe('admitted');
  expect(gate.occupancy()).toEqual([{ tier: 'standard', running: 1, waiting: 0 }]);
});

test('a signal that was given before is obeyed, and one given after admission changes nothing', async () => {
  const gate = newGate();
  const cancel = new AbortController();
  const permit = permitOf(await gate.admit(LIMITS, memberOf('a'), cancel.signal));
  cancel.abort();
  expect(await gate.admit(LIMITS, memberOf('b'), cancel.signal)).toEqual({ kind: 'cancelled' });
  expect(gate.occupancy()).toEqual([{ tier: 'standard', running: 1, waiting: 0 }]);
  permit.release();
});

test('a higher limit is felt by those who wait as soon as anybody comes with it', async () => {
  const gate = newGate();
  permitOf(await gate.admit(LIMITS, memberOf('a'), NEVER));
  const waiting = gate.admit(LIMITS, memberOf('a'), NEVER);
  const next = gate.admit({ ...LIMITS, concurrencyMax: 3 }, memberOf('b'), NEVER);
  expect((await waiting).kind).toBe('admitted');
  expect((await next).kind).toBe('admitted');
});

test('a lower limit is kept to by releases of earlier permits', async () => {
  const gate = newGate();
  const wide = { ...LIMITS, concurrencyMax: 2 };
  const first = permitOf(await gate.admit(wide, memberOf('a'), NEVER));
  const second = permitOf(await gate.admit(wide, memberOf('a'), NEVER));
  const waiting = gate.admit(LIMITS, memberOf('b'), NEVER);
  first.release();
  await settled();
  expect(gate.occupancy()).toEqual([{ tier: 'standard', running: 1, waiting: 1 }]);
  second.release();
  expect((await waiting).kind).toBe('admitted');
});

test('the outlook is nothing while a permit is free, then turns by what is expected of who runs', async () => {
  let now = 0;
  const gate = newGate(undefined, 'one', () => now);
  const limits = { ...LIMITS, concurrencyMax: 2, queueMax: 10 };
  const lasting = (team: string): ReturnType<typeof memberOf> =>
    memberOf(team, '1', { expectedMs: 4000 });
  const outlook = (team: string): Promise<unknown> => gate.outlook(limits, lasting(team));
  const free = { concurrencyMax: 2, queueMax: 10, ahead: 0, expectedWaitMs: 0 };
  expect(await outlook('a')).toMatchObject({ ...free, running: 0, waiting: 0 });
  const first = permitOf(await gate.admit(limits, lasting('a'), NEVER));
  expect(await outlook('a')).toMatchObject({ ...free, running: 1, waiting: 0 });
  const second = permitOf(await gate.admit(limits, lasting('a'), NEVER));
  now = 1000;
  expect(await outlook('b')).toMatchObject({ running: 2, ahead: 0 });
  const { expectedWaitMs } = await gate.outlook(limits, lasting('b'));
  // Its team's queue may be full while that of the tier has room.
  const narrow = { ...limits, teamQueueMax: 0 };
  expect(await gate.outlook(narrow, lasting('b'))).toMatchObject({
    full: { waiting: 0, queueMax: 0 },
  });
  expect(expectedWaitMs).toBeGreaterThan(1000);
  expect(expectedWaitMs).toBeLessThan(4000);
  const gone = new AbortController();
  for (const team of ['a', 'a', 'c']) void gate.admit(limits, lasting(team), gone.signal);
  await settled();
  expect(await outlook('b')).toMatchObject({ waiting: 3, ahead: 1, limitedBy: 'tier' });
  expect(await outlook('a')).toMatchObject({ waiting: 3, ahead: 3 });
  gone.abort();
  for (const permit of [first, second]) permit.release();
  await settled();
  expect(await outlook('b')).toMatchObject({ running: 0, waiting: 0, expectedWaitMs: 0 });
});

test('while nobody waits permits are at hand, and the store is not asked', async () => {
  const store = new MemoryLanes(() => 0);
  const gate = newGate(store);
  const limits = { ...LIMITS, concurrencyMax: 8 };
  permitOf(await gate.admit(limits, memberOf('a'), NEVER)).release();
  const asked = store.decisions;
  for (let index = 0; index < 100; index += 1)
    permitOf(await gate.admit(limits, memberOf('a'), NEVER)).release();
  expect(store.decisions).toBe(asked);
});

test('idle permits of one replica are given back when somebody waits at another', async () => {
  const store = new MemoryLanes(() => 0);
  const gates = { one: newGate(store, 'one'), two: newGate(store, 'two') };
  store.onTold = (replica, tier) => gates[replica as 'one' | 'two'].onNotify(`${replica} ${tier}`);
  const limits = { ...LIMITS, concurrencyMax: 4 };
  permitOf(await gates.one.admit(limits, memberOf('a'), NEVER)).release();
  const all = await Promise.all(
    Array.from({ length: 4 }, () => gates.two.admit(limits, memberOf('b'), NEVER)),
  );
  expect(all.map(({ kind }) => kind)).toEqual(Array.from({ length: 4 }, () => 'admitted'));
  // What a dead replica had is free again, and what waited there is gone.
  const waits = gates.one.admit(limits, memberOf('a'), NEVER);
  await settled();
  store.dead.add('two');
  gates.one.tick();
  expect((await waits).kind).toBe('admitted');
});

test('beyond the cap somebody waits only until the permits of others are known to be given away', async () => {
  const store = new MemoryLanes(() => 0);
  const gates = { one: newGate(store, 'one', () => 0), two: newGate(store, 'two', () => 0) };
  const limits = { ...LIMITS, concurrencyMax: 2, queueMax: 0 };
  permitOf(await gates.one.admit(limits, memberOf('a'), NEVER));
  // The first replica may have two permits at hand: one as it said, one if its statement has ended since.
  const outcomes: string[] = [];
  const ask = (team: string): void =>
    void gates.two.admit(limits, memberOf(team), NEVER).then(({ kind }) => {
      outcomes.push(`${team}: ${kind}`);
    });
  for (const team of ['b', 'c', 'd']) {
    ask(team);
    await settled();
  }
  expect(outcomes).toEqual(['d: queueFull']);
  expect(gates.two.occupancy()).toMatchObject([{ waiting: 2 }]);
  permitOf(await gates.one.admit(limits, memberOf('a'), NEVER));
  const told: string[] = [];
  store.onTold = (replica) => told.push(replica);
  gates.one.onNotify('one standard');
  await settled();
  expect(told).toEqual(['two']);
  gates.two.onNotify('two standard');
  await settled();
  expect(outcomes).toEqual(['d: queueFull', 'b: queueFull', 'c: queueFull']);
  expect((await store.read('standard')).waits).toEqual([]);
});

test('while the store is away nothing is granted, and what waits is granted when it is back', async () => {
  const store = new MemoryLanes(() => 0);
  const gate = newGate(store);
  const first = permitOf(await gate.admit(LIMITS, memberOf('a'), NEVER));
  const waiting = gate.admit(LIMITS, memberOf('b'), NEVER);
  await settled();
  store.isAway = true;
  first.release();
  await settled();
  gate.tick();
  await settled();
  expect(gate.occupancy()).toEqual([{ tier: 'standard', running: 0, waiting: 1 }]);
  store.isAway = false;
  gate.tick();
  expect((await waiting).kind).toBe('admitted');
});

test('a replica that others may take for dead gives nothing of what it has at hand', async () => {
  const store = new MemoryLanes(() => 0);
  let isHeard = true;
  const gate = new Gate({
    store,
    replica: 'one',
    isHeard: () => isHeard,
    log: silentLog,
    now: () => 0,
  });
  const limits = { ...LIMITS, concurrencyMax: 8 };
  permitOf(await gate.admit(limits, memberOf('a'), NEVER)).release();
  isHeard = false;
  const asked = store.decisions;
  permitOf(await gate.admit(limits, memberOf('a'), NEVER));
  expect(store.decisions).toBeGreaterThan(asked);
});
