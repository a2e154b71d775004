import { expect, test } from 'vitest';
import {
  Gate,
  type AdmitOutcome,
  type Permit,
  type TierLimits,
} from '../../../proxy/admission/gate.js';

const LIMITS: TierLimits = {
  tier: 'standard',
  concurrencyMax: 1,
  queueMax: 4,
  queueTimeoutMs: 60_000,
};
const NEVER = new AbortController().signal;

function newGate(): Gate {
  return new Gate(() => performance.now());
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
  const first = permitOf(await gate.admit(LIMITS, 'a', NEVER));
  const second = gate.admit(LIMITS, 'a', NEVER);
  expect(gate.occupancy()).toEqual([{ tier: 'standard', running: 1, waiting: 1 }]);
  first.release();
  expect((await second).kind).toBe('admitted');
  expect(gate.occupancy()).toEqual([{ tier: 'standard', running: 1, waiting: 0 }]);
});

test('teams take turns: a burst of one does not keep the others waiting', async () => {
  const gate = newGate();
  let permit = permitOf(await gate.admit(LIMITS, 'a', NEVER));
  const order: string[] = [];
  for (const team of ['a', 'a', 'b', 'c']) {
    void gate.admit(LIMITS, team, NEVER).then((outcome) => {
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
  const first = permitOf(await gate.admit(LIMITS, 'a', NEVER));
  const second = gate.admit(LIMITS, 'b', NEVER);
  const third = gate.admit(LIMITS, 'c', NEVER);
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
  permitOf(await gate.admit(LIMITS, 'a', NEVER));
  for (let index = 0; index < 4; index += 1) void gate.admit(LIMITS, 'a', NEVER);
  expect(await gate.admit(LIMITS, 'b', NEVER)).toEqual({ kind: 'queueFull', queueMax: 4 });
  expect(await gate.admit({ ...LIMITS, tier: 'batch' }, 'b', NEVER)).toMatchObject({
    kind: 'admitted',
  });
});

test('who waited too long leaves, and who cancels leaves; the rest move up', async () => {
  const gate = newGate();
  const first = permitOf(await gate.admit(LIMITS, 'a', NEVER));
  const late = gate.admit({ ...LIMITS, queueTimeoutMs: 10 }, 'a', NEVER);
  const cancel = new AbortController();
  const gone = gate.admit(LIMITS, 'a', cancel.signal);
  const last = gate.admit(LIMITS, 'a', NEVER);
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
  const permit = permitOf(await gate.admit(LIMITS, 'a', cancel.signal));
  cancel.abort();
  expect(await gate.admit(LIMITS, 'b', cancel.signal)).toEqual({ kind: 'cancelled' });
  expect(gate.occupancy()).toEqual([{ tier: 'standard', running: 1, waiting: 0 }]);
  permit.release();
});

test('a higher limit is felt by those who wait as soon as anybody comes with it', async () => {
  const gate = newGate();
  permitOf(await gate.admit(LIMITS, 'a', NEVER));
  const waiting = gate.admit(LIMITS, 'a', NEVER);
  const next = gate.admit({ ...LIMITS, concurrencyMax: 3 }, 'b', NEVER);
  expect((await waiting).kind).toBe('admitted');
  expect((await next).kind).toBe('admitted');
});

test('a lower limit is kept to by releases of earlier permits', async () => {
  const gate = newGate();
  const wide = { ...LIMITS, concurrencyMax: 2 };
  const first = permitOf(await gate.admit(wide, 'a', NEVER));
  const second = permitOf(await gate.admit(wide, 'a', NEVER));
  const waiting = gate.admit(LIMITS, 'b', NEVER);
  first.release();
  await settled();
  expect(gate.occupancy()).toEqual([{ tier: 'standard', running: 1, waiting: 1 }]);
  second.release();
  expect((await waiting).kind).toBe('admitted');
});

test('the outlook is nothing while a permit is free, then turns and how long permits were held', async () => {
  let now = 0;
  const gate = new Gate(() => now);
  const limits = { ...LIMITS, concurrencyMax: 2, queueMax: 10 };
  const outlook = (team: string): unknown => gate.outlook(limits, team);
  const free = { concurrencyMax: 2, queueMax: 10, ahead: 0, expectedWaitMs: 0 };
  expect(outlook('a')).toEqual({ ...free, running: 0, waiting: 0 });
  const first = permitOf(await gate.admit(limits, 'a', NEVER));
  expect(outlook('a')).toEqual({ ...free, running: 1, waiting: 0 });
  now = 4000;
  first.release();
  const held = [
    permitOf(await gate.admit(limits, 'a', NEVER)),
    permitOf(await gate.admit(limits, 'a', NEVER)),
  ];
  // One was held for 4 s, and two permits come back in that time.
  expect(outlook('b')).toMatchObject({ running: 2, waiting: 0, ahead: 0, expectedWaitMs: 2000 });
  const gone = new AbortController();
  for (const team of ['a', 'a', 'a', 'c']) void gate.admit(limits, team, gone.signal);
  // Another team waits for one turn of each of the two; the team itself for its three and one of the other.
  expect(outlook('b')).toMatchObject({ waiting: 4, ahead: 2, expectedWaitMs: 6000 });
  expect(outlook('a')).toMatchObject({ waiting: 4, ahead: 4, expectedWaitMs: 10_000 });
  now = 14_000;
  // What has run for 10 s already does not end after 4.
  expect(outlook('b')).toMatchObject({ ahead: 2, expectedWaitMs: 15_000 });
  gone.abort();
  for (const permit of held) permit.release();
  expect(outlook('b')).toMatchObject({ running: 0, waiting: 0, expectedWaitMs: 0 });
});
