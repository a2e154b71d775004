import type { LaneMember } from '../../../base/kept-lanes.js';
import { expect, test } from 'vitest';
import { approximate } from '../../../base/units.js';
import type { LaneLimits } from '../../../policies/lanes/lane.js';
import { NO_TURNS } from '../../../policies/lanes/lane.js';
import { grantsOf } from '../../../policies/lanes/schedule.js';
import {
  type Arrival,
  limitsOf,
  memberOf,
  normal,
  seeded,
  SimulatedLane,
  weighted,
} from './support.js';

/** In which order a burst is granted, one permit after the other. */
function order(limits: LaneLimits, burst: readonly LaneMember[]): readonly string[] {
  const lane = new SimulatedLane(limits);
  lane.run(burst.map((member) => ({ atMs: 0, member, runsMs: 1000 })));
  return lane.started.map(({ member }) => member.teamId);
}

function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
}

test('teams take turns by what they are expected to cost, and a burst does not keep others waiting', () => {
  const one = limitsOf({ concurrencyMax: 1 });
  const burst = ['a', 'a', 'a', 'a', 'b', 'c'].map((team) => memberOf(team));
  expect(order(one, burst)).toEqual(['a', 'b', 'c', 'a', 'a', 'a']);
  // One statement of ten credits against ten of one credit: it waits for its turn, and they for theirs.
  const uneven = [
    memberOf('dear', '10'),
    ...Array.from({ length: 20 }, () => memberOf('cheap', '1')),
  ];
  expect(order(one, uneven).indexOf('dear')).toBe(9);
});

test('shares of teams weighted 4:2:1 are within 5 % over 1,000 admissions under overload', () => {
  const random = seeded(7);
  const limits = weighted(limitsOf({ concurrencyMax: 8, queueTimeoutMs: 60_000 }), {
    a: 4,
    b: 2,
    c: 1,
  });
  // Statements of very different cost; every team has ten more waiting whenever one of its own is granted.
  const next = (team: string, atMs: number): Arrival => {
    const credits = Math.exp(normal(random)) * 0.1;
    return { atMs, member: memberOf(team, credits.toFixed(6)), runsMs: credits * 10_000 };
  };
  const lane = new SimulatedLane(limits);
  lane.refill = ({ member, startedMs }) => next(member.teamId, startedMs);
  lane.run(
    ['a', 'b', 'c'].flatMap((team) => Array.from({ length: 10 }, () => next(team, 0))),
    1000,
  );
  expect(lane.started.length).toBeGreaterThanOrEqual(1000);
  const costs = new Map<string, number>();
  for (const { member } of lane.started)
    costs.set(member.teamId, (costs.get(member.teamId) ?? 0) + approximate(member.expectedCredits));
  const all = [...costs.values()].reduce((sum, cost) => sum + cost, 0);
  for (const [team, weight] of [
    ['a', 4],
    ['b', 2],
    ['c', 1],
  ] as const) {
    const share = (costs.get(team) ?? 0) / all;
    expect(Math.abs(share / (weight / 7) - 1), `${team}: ${share}`).toBeLessThan(0.05);
  }
});

test('an old statement goes ahead of turns, one grant in eight, so that the lightest team is not starved', () => {
  const limits = weighted(limitsOf({ concurrencyMax: 1, queueTimeoutMs: 20_000 }), {
    heavy: 10_000,
    light: 1,
  });
  const lane = new SimulatedLane(limits);
  lane.run(
    [
      ...Array.from({ length: 100 }, () => ({ atMs: 0, member: memberOf('heavy'), runsMs: 1000 })),
      { atMs: 500, member: memberOf('light'), runsMs: 1000 },
    ],
    100,
  );
  const light = lane.started.find(({ member }) => member.teamId === 'light');
  expect(light?.startedMs).toBeGreaterThan(10_000);
  expect(light?.startedMs).toBeLessThanOrEqual(10_500 + 2 * 8 * 1000);
});

test('administrators get a permit at once while everything is taken, and never more than are kept for them', () => {
  const limits = limitsOf({ concurrencyMax: 4, administratorPermits: 1 });
  const lane = new SimulatedLane(limits);
  const admin = (): LaneMember => memberOf('platform', '1', { isAdministrator: true });
  lane.run([
    ...Array.from({ length: 30 }, () => ({ atMs: 0, member: memberOf('a'), runsMs: 10_000 })),
    { atMs: 5000, member: admin(), runsMs: 2000 },
    { atMs: 5000, member: admin(), runsMs: 2000 },
  ]);
  const ofAdmins = lane.started.filter(({ member }) => member.isAdministrator);
  expect(ofAdmins.map(({ startedMs }) => startedMs)).toEqual([5000, 7000]);
  // The others have what is left, and fill it.
  expect(lane.started.filter(({ startedMs }) => startedMs === 0)).toHaveLength(3);
});

test('caps of a team and of a principal hold, and keep nobody else back', () => {
  const limits = limitsOf({ concurrencyMax: 4, teamConcurrencyMax: 2, principalConcurrencyMax: 1 });
  const of = (team: string, principalId: string): LaneMember =>
    memberOf(team, '1', { principalId });
  const waiting = [of('a', 'x'), of('a', 'x'), of('a', 'y'), of('a', 'z'), of('b', 'w')].map(
    (each) => ({
      ...each,
      waitedMs: 0,
    }),
  );
  const state = { turns: NO_TURNS, running: [], waiting, idlePermits: 0, stretch: 1 };
  const { granted } = grantsOf(limits, state);
  expect(granted.map(({ principalId }) => principalId).sort()).toEqual(['w', 'x', 'y']);
  const own = new Map([
    ['a', { weight: 1, concurrencyMax: 3, queueMax: null, queueTimeoutMs: 1000 }],
  ]);
  expect(grantsOf({ ...limits, teams: own }, state).granted).toHaveLength(4);
});

test('one team fills the lane: the others wait for two seconds at most, 95 times of 100', () => {
  const random = seeded(11);
  const later = (mean: number): number => -Math.log(1 - random()) * mean;
  const arrivals: Arrival[] = [];
  for (let atMs = 0; atMs < 300_000; atMs += later(400))
    arrivals.push({ atMs, member: memberOf('busy', '0.2'), runsMs: later(4000) });
  const others: Arrival[] = [];
  for (let atMs = 0; atMs < 300_000; atMs += later(5000))
    others.push({
      atMs,
      member: memberOf(`team${others.length % 14}`, '0.02'),
      runsMs: later(500),
    });
  const lane = new SimulatedLane(limitsOf({ concurrencyMax: 8, queueTimeoutMs: 3_600_000 }));
  lane.run([...arrivals, ...others], 560);
  const isOther = ({ teamId }: LaneMember): boolean => teamId !== 'busy';
  const waits = lane.started
    .filter(({ member }) => isOther(member))
    .map(({ startedMs, atMs }) => startedMs - atMs);
  expect(waits.length).toBeGreaterThan(40);
  expect(percentile(waits, 0.95)).toBeLessThanOrEqual(2000);
  // It was full all the time.
  expect(lane.state.waiting.length).toBeGreaterThan(50);
});

test("Little's law holds: those that wait are the rate of arrivals times the mean wait, within 5 %", () => {
  const random = seeded(17);
  const later = (mean: number): number => -Math.log(1 - random()) * mean;
  const arrivals: Arrival[] = [];
  for (let atMs = 0; arrivals.length < 12_000; atMs += later(300))
    arrivals.push({
      atMs,
      member: memberOf(`team${arrivals.length % 5}`, '0.1'),
      runsMs: later(1000),
    });
  const lane = new SimulatedLane(limitsOf({ concurrencyMax: 4 }));
  // Arrivals at random see the lane as it is on average, each without itself.
  let seen = 0;
  lane.run(arrivals, Infinity, ({ member }) => {
    seen += lane.state.waiting.filter(({ ticketId }) => ticketId !== member.ticketId).length;
  });
  const waitedMs = lane.started.reduce((sum, { startedMs, atMs }) => sum + startedMs - atMs, 0);
  const spanMs = arrivals.at(-1)?.atMs ?? 0;
  expect(lane.started).toHaveLength(arrivals.length);
  expect(waitedMs / spanMs).toBeGreaterThan(1);
  expect(Math.abs(seen / arrivals.length / (waitedMs / spanMs) - 1)).toBeLessThan(0.05);
});
