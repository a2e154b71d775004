import type { LaneMember } from '../../../base/kept-lanes.js';
import { expect, test } from 'vitest';
import { NO_TURNS } from '../../../policies/lanes/lane.js';
import { expectationOf, expectationsOf } from '../../../policies/lanes/expectation.js';
import { type Arrival, limitsOf, memberOf, normal, seeded, SimulatedLane } from './support.js';

/** A statement of ten seconds. */
function lasting(teamId: string): LaneMember {
  return memberOf(teamId, '1', { expectedMs: 10_000 });
}

test('who waits is told its position, what keeps it and when its turn is expected', () => {
  const running = [
    { ...lasting('a'), heldMs: 4_000 },
    { ...lasting('b'), heldMs: 1_000 },
  ];
  const waiting = [lasting('a'), lasting('a'), lasting('c')].map((each) => ({
    ...each,
    waitedMs: 500,
  }));
  const state = { turns: NO_TURNS, running, waiting, idlePermits: 0, stretch: 1 };
  const tell = (
    stretch: number,
  ): readonly { position: number; limitedBy: string; seconds: number }[] => {
    const found = expectationsOf(limitsOf({ concurrencyMax: 2 }), { ...state, stretch });
    return waiting.map(({ ticketId }) => {
      const { position = 0, limitedBy = '', expectedWaitMs = 0 } = found.get(ticketId) ?? {};
      return { position, limitedBy, seconds: Math.round(expectedWaitMs / 5_000) * 5 };
    });
  };
  expect(tell(1)).toEqual([
    { position: 1, limitedBy: 'tier', seconds: 5 },
    { position: 3, limitedBy: 'tier', seconds: 15 },
    { position: 2, limitedBy: 'tier', seconds: 10 },
  ]);
  // Everything lasts four times as long as its estimates have said of late.
  expect(tell(4)[1]?.seconds).toBeGreaterThan(40);
});

test('a cap of the team or the principal, and the permits of administrators, are named as what keeps it', () => {
  const running = [{ ...memberOf('a', '1', { principalId: 'x' }), heldMs: 0 }];
  const state = { turns: NO_TURNS, running, waiting: [], idlePermits: 0, stretch: 1 };
  const asked = memberOf('a', '1', { principalId: 'x' });
  const told = (changes: Parameters<typeof limitsOf>[0]): unknown =>
    expectationOf(limitsOf(changes), state, asked);
  expect(told({ teamConcurrencyMax: 1 })).toEqual({
    position: 1,
    expectedWaitMs: expect.any(Number) as number,
    limitedBy: 'team',
  });
  expect(told({ principalConcurrencyMax: 1 })).toMatchObject({
    limitedBy: 'principal',
    position: 1,
  });
  expect(told({})).toMatchObject({ position: 1, expectedWaitMs: 0 });
  const admin = { ...asked, isAdministrator: true };
  expect(expectationOf(limitsOf({ administratorPermits: 1 }), state, admin)).toMatchObject({
    limitedBy: 'administrators',
    expectedWaitMs: 0,
  });
});

/** Waits in a busy lane, queues coming and going, of what was expected and what it turned out to be. */
function waitsOf(
  seed: number,
  { arrivalsMax, everyMs }: { readonly arrivalsMax: number; readonly everyMs: number },
): readonly { readonly expected: number; readonly actual: number }[] {
  const random = seeded(seed);
  const later = (mean: number): number => -Math.log(1 - random()) * mean;
  const limits = limitsOf({ concurrencyMax: 8 });
  const lane = new SimulatedLane(limits);
  const arrivals: Arrival[] = [];
  // Statements last what was expected times an error with a median of 1.27.
  for (let atMs = 0; arrivals.length < arrivalsMax; atMs += later(everyMs)) {
    const expectedMs = Math.exp(normal(random) * 0.8) * 3000;
    const member = memberOf(`team${Math.floor(random() * 6)}`, (expectedMs / 1e5).toFixed(6), {
      expectedMs,
    });
    arrivals.push({ atMs, member, runsMs: expectedMs * Math.exp(normal(random) * 0.36) });
  }
  const told = new Map<string, number>();
  lane.run(arrivals, Infinity, ({ member }) => {
    const found = expectationsOf(limits, lane.state).get(member.ticketId);
    if (found !== undefined) told.set(member.ticketId, found.expectedWaitMs);
  });
  return lane.started.flatMap(({ member, atMs, startedMs }) => {
    const expected = told.get(member.ticketId);
    return expected === undefined ? [] : [{ expected, actual: startedMs - atMs }];
  });
}

// Seeds that the model was not tuned on. In the last lanes there is a tenth less to do: waits are few and hang on single endings.
test.each([
  [3, 520, 900],
  [5, 520, 600],
  [6, 520, 600],
  [3, 580, 500],
  [5, 580, 500],
])(
  'the expected wait is within half of what it turns out to be, eight times of ten that one waits for over a second: seed %d, one in %d ms',
  (seed, everyMs, arrivalsMax) => {
    const waits = waitsOf(seed, { arrivalsMax, everyMs });
    // Of shorter waits half is less than the noise of a single ending.
    const judged = waits.filter(({ actual }) => actual > 1000);
    const good = judged.filter(({ expected, actual }) => Math.abs(expected - actual) <= actual / 2);
    expect(judged.length).toBeGreaterThan(everyMs === 520 ? 300 : 100);
    const said = `${good.length} of ${judged.length}, of ${waits.length} waits in all`;
    expect(good.length / judged.length, said).toBeGreaterThanOrEqual(0.8);
    // Of all of them, the short ones too: within half, or within a second.
    const right = waits.filter(
      ({ expected, actual }) => Math.abs(expected - actual) <= Math.max(actual / 2, 1_000),
    );
    expect(
      right.length / waits.length,
      `${right.length} of ${waits.length}`,
    ).toBeGreaterThanOrEqual(0.8);
  },
  // Two seconds of arithmetic, which a busy machine stretches.
  60_000,
);
