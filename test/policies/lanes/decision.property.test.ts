/** A decision that reads of others only what can have its turn decides what one does that reads them all. */
import type { KeptLane, LaneHolding, LaneMember, LaneWait } from '../../../base/kept-lanes.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decideLane, type LaneReport, reachOf } from '../../../policies/lanes/decision.js';
import type { LaneLimits } from '../../../policies/lanes/lane.js';
import { turnsText } from '../../../policies/lanes/turns.js';
import { partToDecide, wholeToDecide } from './read-to-decide.js';
import { credits } from '../builders.js';
import { limitsOf, memberOf, weighted } from './support.js';

const REPLICAS = ['r1', 'r2', 'r3'];
const ME = 'r1';

const member: fc.Arbitrary<LaneMember> = fc
  .record({
    team: fc.constantFrom('a', 'b', 'c', 'd'),
    person: fc.constantFrom('x', 'y', 'z'),
    credits: fc.constantFrom('0', '0.5', '1', '7'),
    isAdministrator: fc.boolean(),
  })
  .map(({ team, person, credits: text, isAdministrator }) =>
    memberOf(team, text, { principalId: `${team}_${person}`, isAdministrator }),
  );

const wait: fc.Arbitrary<LaneWait> = fc
  .record({
    of: member,
    replica: fc.constantFrom(...REPLICAS),
    waitedMs: fc.integer({ min: 0, max: 700_000 }),
    state: fc.constantFrom(...Array.from({ length: 10 }, () => 'waits'), 'granted', 'provisional'),
  })
  .map(({ of, replica, waitedMs, state }) => ({
    ...of,
    replica,
    waitedMs,
    isGranted: state === 'granted',
    isProvisional: state === 'provisional',
  }));

const limits: fc.Arbitrary<LaneLimits> = fc
  .record({
    concurrencyMax: fc.integer({ min: 1, max: 6 }),
    administratorPermits: fc.integer({ min: 0, max: 2 }),
    principalConcurrencyMax: fc.constantFrom(null, null, 1, 2),
    teamConcurrencyMax: fc.constantFrom(null, null, 1, 3),
    queueMax: fc.constantFrom(3, 20, 10_000),
    teamQueueMax: fc.constantFrom(null, 2, 5),
  })
  .map((changes) => weighted(limitsOf(changes), { a: 4, b: 2 }));

const holding = (replica: string): fc.Arbitrary<LaneHolding> =>
  fc.record({
    replica: fc.constant(replica),
    idle: fc.constantFrom(0, 0, 0, 1),
    isExact: fc.boolean(),
    running: fc
      .array(member, { maxLength: 3 })
      .map((all) => all.map((each) => ({ ...each, heldMs: 10 }))),
  });

interface Case {
  readonly limits: LaneLimits;
  readonly kept: KeptLane;
  readonly report: LaneReport;
}

const lanes: fc.Arbitrary<Case> = fc
  .record({
    limits,
    waits: fc.array(wait, { minLength: 10, maxLength: 60 }),
    holdings: fc.tuple(...REPLICAS.map(holding)),
    grants: fc.integer({ min: 0, max: 20 }),
    last: fc.constantFrom('', 'a', 'c'),
    saved: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('-8', '0.3', '4')),
    // Of its rows some left the queue, and some came since.
    gone: fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }),
    come: fc.array(member, { maxLength: 6 }),
    isReminder: fc.boolean(),
  })
  .map(({ limits: of, waits, holdings, grants, last, saved, gone, come, isReminder }) => {
    const own = waits.filter(({ replica }, index) => replica === ME && gone[index] !== true);
    const turns = turnsText({
      grants,
      last,
      lastAged: last,
      savedCredits: new Map(Object.entries(saved).map(([team, text]) => [team, credits(text)])),
    });
    const [mine] = holdings;
    return {
      limits: of,
      kept: { turns, stretch: 1, holdings, waits, replicas: REPLICAS.length },
      report: {
        replica: ME,
        idle: mine?.idle ?? 0,
        running: mine?.running ?? [],
        waiting: [
          ...own.map((each) => ({ ...each, isAccepted: !each.isProvisional })),
          ...come.map((each) => ({ ...each, waitedMs: 5, isAccepted: false })),
        ],
        ended: { count: 0, logStretch: 0 },
        isReminder,
      },
    };
  });

test('who is granted, refused, told and kept is the same, and whose turn it is then', () => {
  const counts = { bounded: 0, granted: 0, refused: 0 };
  fc.assert(
    fc.property(lanes, ({ limits: of, kept, report }) => {
      const part = partToDecide(kept, ME, reachOf(of, report));
      const decided = decideLane(of, part, report);
      expect(decided).toEqual(decideLane(of, wholeToDecide(kept, ME), report));
      if (part.behind.length > 0) counts.bounded += 1;
      if (decided.change.granted.length > 0) counts.granted += 1;
      if (decided.result.refused.length > 0) counts.refused += 1;
    }),
    { numRuns: 800 },
  );
  // It has looked where there was something left out, to grant and to refuse.
  for (const count of Object.values(counts)) expect(count).toBeGreaterThan(100);
});
