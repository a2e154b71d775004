import { expect, test } from 'vitest';
import { demoControlDocument } from '../../../policies/control/demo.js';
import type { TierDocument } from '../../../policies/control/document.js';
import { parseControlDocument } from '../../../policies/control/parse.js';
import { teamLane } from '../../../policies/lanes/lane.js';
import { isAdministrator, laneLimits } from '../../../policies/lanes/limits.js';

function tierWith(changes: Partial<TierDocument>): TierDocument {
  const [tier] = demoControlDocument().tiers;
  if (tier === undefined) throw new Error('the demo has tiers');
  return { ...tier, ...changes };
}

/** Problems of the demo's document with its first tier changed. */
function problemsOf(changes: Partial<TierDocument>): readonly string[] {
  const demo = demoControlDocument();
  const parsed = parseControlDocument({
    ...demo,
    tiers: [tierWith(changes), ...demo.tiers.slice(1)],
  });
  return parsed.ok ? [] : parsed.problems.map(({ path, rule }) => `${path} ${rule}`);
}

test('a tier that says nothing of teams treats all alike, and keeps permits for nobody', () => {
  const limits = laneLimits(tierWith({ weight: 3, queueTimeoutSeconds: 7 }));
  expect(teamLane(limits, 'sales')).toEqual({
    weight: 3,
    concurrencyMax: null,
    queueMax: null,
    queueTimeoutMs: 7000,
  });
  expect(limits).toMatchObject({ principalConcurrencyMax: null, administratorPermits: 0 });
  expect(isAdministrator(limits, 'sales_analyst', 'ACCOUNTADMIN')).toBe(false);
});

test('a team has what is said of it, and of the rest what is said of every team', () => {
  const limits = laneLimits(
    tierWith({ teamConcurrencyMax: 5, teamQueueMax: 9, teams: [{ team: 'sales', weight: 8 }] }),
  );
  expect(teamLane(limits, 'sales')).toMatchObject({ weight: 8, concurrencyMax: 5, queueMax: 9 });
  expect(teamLane(limits, 'legal')).toMatchObject({ weight: limits.weight, concurrencyMax: 5 });
});

test('administrators are principals and Snowflake roles, without case', () => {
  const limits = laneLimits(
    tierWith({ administrators: { permits: 1, principals: ['ops'], roles: ['AccountAdmin'] } }),
  );
  expect(isAdministrator(limits, 'OPS', null)).toBe(true);
  expect(isAdministrator(limits, 'x', 'ACCOUNTADMIN')).toBe(true);
  expect(isAdministrator(limits, 'x', 'PUBLIC')).toBe(false);
});

test('what leads nowhere, stands twice or leaves no permit for the rest is refused where it stands', () => {
  expect(problemsOf({ teams: [{ team: 'sales', weight: 2 }] })).toEqual([]);
  expect(problemsOf({ teams: [{ team: 'nobody' }] })).toEqual([
    'tiers[0].teams[0].team "nobody" is no team of this document',
  ]);
  expect(problemsOf({ teams: [{ team: 'sales' }, { team: 'sales' }] })).toEqual([
    expect.stringContaining('tiers[0].teams[1].team "sales" is taken by'),
  ]);
  expect(problemsOf({ teams: [{ team: 'sales', weight: 0 }] })).toHaveLength(1);
  const { concurrencyMax } = tierWith({});
  expect(
    problemsOf({ administrators: { permits: concurrencyMax, roles: ['ACCOUNTADMIN'] } }),
  ).toEqual([
    'tiers[0].administrators.permits must be less than concurrencyMax, of which they are kept',
  ]);
  expect(problemsOf({ administrators: { permits: 1 } })).toEqual([
    'tiers[0].administrators names nobody',
  ]);
  expect(problemsOf({ administrators: { permits: 1, principals: ['nobody'] } })).toEqual([
    'tiers[0].administrators.principals[0] "nobody" is no principal of this document',
  ]);
});
