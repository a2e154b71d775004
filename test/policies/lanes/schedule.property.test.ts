import type { LaneMember } from '../../../base/kept-lanes.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NO_TURNS, sharedPermits, teamLane } from '../../../policies/lanes/lane.js';
import { AGED_AFTER, AGED_EVERY, grantsOf } from '../../../policies/lanes/schedule.js';
import { type Arrival, limitsOf, memberOf, SimulatedLane, weighted } from './support.js';

const arrivals: fc.Arbitrary<readonly Arrival[]> = fc.array(
  fc
    .record({
      atMs: fc.integer({ min: 0, max: 20_000 }),
      team: fc.constantFrom('a', 'b', 'c', 'd'),
      principal: fc.constantFrom('x', 'y', 'z'),
      isAdministrator: fc.boolean(),
      milli: fc.integer({ min: 0, max: 5000 }),
      runsMs: fc.integer({ min: 1, max: 3000 }),
    })
    .map(({ atMs, team, principal, isAdministrator, milli, runsMs }) => ({
      atMs,
      runsMs,
      member: memberOf(team, (milli / 1000).toFixed(3), {
        principalId: principal,
        isAdministrator,
      }),
    })),
  { maxLength: 60 },
);
const TEAMS = 4;

function arrivalOf(script: readonly Arrival[], { ticketId }: LaneMember): number | undefined {
  return script.find(({ member }) => member.ticketId === ticketId)?.atMs;
}

const weights = fc.record({
  a: fc.integer({ min: 1, max: 10_000 }),
  b: fc.integer({ min: 1, max: 9 }),
});
const cap = fc.option(fc.integer({ min: 1, max: 3 }), { nil: null });

test('everybody is granted once, within every cap, and no permit lies idle beside somebody who may have it', () => {
  fc.assert(
    fc.property(
      arrivals,
      weights,
      fc.record({
        concurrencyMax: fc.integer({ min: 2, max: 5 }),
        administratorPermits: fc.integer({ min: 0, max: 1 }),
        teamConcurrencyMax: cap,
        principalConcurrencyMax: cap,
      }),
      (script, byTeam, changes) => {
        const base = limitsOf({ ...changes, queueTimeoutMs: 10_000 });
        const common = {
          concurrencyMax: base.teamConcurrencyMax,
          queueMax: null,
          queueTimeoutMs: 10_000,
        };
        const limits = {
          ...base,
          teams: new Map(
            Object.entries(byTeam).map(([team, weight]) => [team, { ...common, weight }]),
          ),
        };
        const isApart = ({ isAdministrator }: LaneMember): boolean =>
          isAdministrator && limits.administratorPermits > 0;
        const lane = new SimulatedLane(limits);
        lane.run(script, Infinity, () => {
          const { running, waiting } = lane.state;
          const shared = running.filter((each) => !isApart(each));
          const of = (is: (each: LaneMember) => boolean): number => shared.filter(is).length;
          expect(running.length - shared.length).toBeLessThanOrEqual(limits.administratorPermits);
          expect(shared.length).toBeLessThanOrEqual(sharedPermits(limits));
          for (const { teamId, principalId } of shared) {
            const { concurrencyMax } = teamLane(limits, teamId);
            expect(of((each) => each.teamId === teamId)).toBeLessThanOrEqual(
              concurrencyMax ?? Infinity,
            );
            const own = of((each) => each.principalId === principalId);
            expect(own).toBeLessThanOrEqual(limits.principalConcurrencyMax ?? Infinity);
          }
          if (shared.length === sharedPermits(limits)) return;
          for (const each of waiting.filter((one) => !isApart(one))) {
            const team = of((other) => other.teamId === each.teamId);
            const own = of((other) => other.principalId === each.principalId);
            const isKeptBack =
              team >= (teamLane(limits, each.teamId).concurrencyMax ?? Infinity) ||
              own >= (limits.principalConcurrencyMax ?? Infinity);
            expect(isKeptBack).toBe(true);
          }
        });
        const started = lane.started.map(({ member }) => member.ticketId);
        expect(new Set(started).size).toBe(script.length);
        expect(started).toHaveLength(script.length);
      },
    ),
    { numRuns: 150 },
  );
});

test('an old statement is granted within eight grants a team, for itself and each of its own before it', () => {
  fc.assert(
    fc.property(arrivals, weights, (script, byTeam) => {
      const limits = weighted(limitsOf({ concurrencyMax: 2, queueTimeoutMs: 4000 }), byTeam);
      const lane = new SimulatedLane(limits);
      const oldSince = new Map<string, { readonly grants: number; readonly ahead: number }>();
      lane.run(script, Infinity, () => {
        for (const each of lane.state.waiting) {
          const { ticketId, teamId, waitedMs } = each;
          if (waitedMs < limits.queueTimeoutMs * AGED_AFTER || oldSince.has(ticketId)) continue;
          const ahead = lane.state.waiting.filter(
            (other) => other.teamId === teamId && other.waitedMs > waitedMs,
          ).length;
          oldSince.set(ticketId, { grants: lane.started.length, ahead });
        }
      });
      for (const [index, { member }] of lane.started.entries()) {
        const since = oldSince.get(member.ticketId);
        if (since === undefined) continue;
        // What came with it at the same instant may have gone before it.
        const ahead =
          since.ahead + script.filter(({ atMs }) => atMs === arrivalOf(script, member)).length;
        expect(index - since.grants).toBeLessThanOrEqual(AGED_EVERY * TEAMS * ahead);
      }
    }),
    { numRuns: 150 },
  );
});

test('the same state is decided alike, whatever the order in which teams came to it', () => {
  fc.assert(
    fc.property(arrivals, (script) => {
      const waiting = script.map(({ member }) => ({ ...member, waitedMs: 0 }));
      const state = {
        turns: NO_TURNS,
        running: [],
        waiting,
        idlePermits: 0,
        stretch: 1,
      };
      const byTeam = [...waiting].sort((a, b) =>
        a.teamId < b.teamId ? 1 : a.teamId > b.teamId ? -1 : 0,
      );
      const ids = (from: typeof state): readonly string[] =>
        grantsOf(limitsOf({ concurrencyMax: 30 }), from).granted.map(({ ticketId }) => ticketId);
      expect(ids({ ...state, waiting: byTeam })).toEqual(ids(state));
    }),
    { numRuns: 100 },
  );
});
