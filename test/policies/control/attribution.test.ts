import { describe, expect, test } from 'vitest';
import { parseCredits } from '../../../base/units.js';
import {
  budgetWeights,
  idlePoliciesOf,
  sharedCostOf,
  warehouseOwnerOf,
} from '../../../policies/control/attribution.js';
import { demoControlDocument } from '../../../policies/control/demo.js';
import type { ControlDocument } from '../../../policies/control/document.js';
import { parseControlDocument } from '../../../policies/control/parse.js';
import { planControl } from '../../../policies/control/plan.js';

const NOVEMBER = Date.UTC(2026, 10, 1);

/** The demo's document without what it says of idle time and shared costs. */
function bare(): Record<string, unknown> {
  const said = new Set(['idlePolicies', 'warehouseOwners', 'sharedCosts']);
  return Object.fromEntries(
    Object.entries(demoControlDocument()).filter(([part]) => !said.has(part)),
  );
}

function document(parts: Record<string, unknown>): ControlDocument {
  const parsed = parseControlDocument({ ...bare(), ...parts });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.document;
}

function problems(parts: Record<string, unknown>): readonly string[] {
  const parsed = parseControlDocument({ ...bare(), ...parts });
  return parsed.ok ? [] : parsed.problems.map(({ path, rule }) => `${path} ${rule}`);
}

describe('idle policies', () => {
  const general = { id: 'a', effectiveFrom: '2026-11-01', policy: 'proRata' };
  const own = { id: 'b', warehouse: 'batch_wh', effectiveFrom: '2026-11-10', policy: 'owner' };
  const later = { id: 'c', effectiveFrom: '2026-11-20', policy: 'causer' };

  test('hold one after the other, and those of a warehouse go before those of all', () => {
    const of = document({ idlePolicies: [later, own, general] });
    const ids = (warehouse: string): readonly string[] =>
      idlePoliciesOf(of, warehouse).map(({ entry }) => entry.id);
    expect(ids('STANDARD_WH')).toEqual(['a', 'c']);
    expect(ids('BATCH_WH')).toEqual(['a', 'b']);
    expect(idlePoliciesOf(of, 'BATCH_WH')[0]?.from).toBe(NOVEMBER);
    expect(idlePoliciesOf(document({}), 'BATCH_WH')).toEqual([]);
  });

  test.each([
    ['half an hour', [{ ...general, effectiveFrom: '2026-11-01T00:30:00Z' }], /whole hour/],
    ['two of one warehouse and date', [general, { ...general, id: 'z' }], /second idle policy/],
    ['one id twice', [general, { ...later, id: 'a' }], /taken by the idle policy/],
    ['a platform without its team', [{ ...general, idle: 'platform' }], /platformTeam/],
    ['a team that is none', [{ ...general, platformTeam: 'x' }], /no team of this document/],
    ['a policy that is none', [{ ...general, policy: 'even' }], /idlePolicies\[0\]\.policy/],
  ])('%s is refused', (_what, idlePolicies, told) => {
    expect(problems({ idlePolicies })).toEqual([expect.stringMatching(told)]);
  });

  test('a plan says who bears what from when', () => {
    const { changes } = planControl(
      document({ idlePolicies: [general], sharedCosts: [] }),
      document({
        idlePolicies: [{ ...general, policy: 'tailOwner', resumeMinute: 'causer' }, own],
        warehouseOwners: [{ warehouse: 'BATCH_*', team: 'ml' }],
        sharedCosts: [{ id: 'pipes', service: 'SNOWPIPE', by: 'team', team: 'sales' }],
      }),
      NOVEMBER,
    );
    expect(changes.map(({ text }) => text)).toEqual([
      'idle policy a: policy proRata → tailOwner; hours from 2026-11-01 on are shared out anew',
      'idle policy a: resumeMinute none → causer; hours from 2026-11-01 on are shared out anew',
      'idle policy b is new: idle time of warehouse batch_wh is borne by owner from 2026-11-10 on; hours since then are shared out anew',
      'owner of warehouse BATCH_* is new: ml',
      'shared cost pipes is new: SNOWPIPE is borne by sales',
    ]);
  });
});

test('who owns a warehouse is the first that matches, whatever the case', () => {
  const warehouseOwners = [
    { warehouse: 'batch_*', team: 'ml' },
    { warehouse: '*', team: 'platform' },
  ];
  const of = document({ warehouseOwners });
  expect(['BATCH_WH', 'X'].map((name) => warehouseOwnerOf(of, name))).toEqual(['ml', 'platform']);
  expect(warehouseOwnerOf(document({}), 'X')).toBeUndefined();
});

test('a team weighs by the largest of its budgets, as credits a day, whatever their periods', () => {
  const base = { hard: true, counts: 'direct' };
  const budget = (id: string, node: string, kind: string, limitCredits: string): object => ({
    ...base,
    id,
    node,
    limitCredits,
    period: { kind, timeZone: 'UTC' },
  });
  const of = document({
    budgets: [
      budget('a', 'sales', 'month', '30'),
      budget('b', 'sales', 'day', '2'),
      budget('c', 'ml', 'week', '7'),
      budget('d', 'growth', 'month', 'unlimited'),
      budget('e', 'demo-company', 'month', '9999'),
      { ...budget('f', 'legal', 'month', '30'), tier: 'batch' },
    ],
  });
  const unit = parseCredits('1') * 30n * 7n * 91n * 365n;
  expect(budgetWeights(of)).toEqual([
    { teamId: 'ml', weight: unit },
    { teamId: 'sales', weight: 2n * unit },
  ]);
});

describe('shared costs', () => {
  const cost = { id: 'a', service: 'SNOWPIPE', by: 'team', team: 'sales' };

  test('the first that matches service, entity and day decides', () => {
    const of = document({
      sharedCosts: [
        { ...cost, entity: 'RAW.SALES.*' },
        { ...cost, id: 'b', effectiveFrom: '2026-11-05', team: 'ml' },
        { id: 'c', service: '*', by: 'even' },
      ],
    });
    const id = (service: string, entity: string | null, day: string): string | undefined =>
      sharedCostOf(of, service, entity, day)?.id;
    expect(id('SNOWPIPE', 'raw.sales.orders', '2026-11-01')).toBe('a');
    expect(id('SNOWPIPE', 'RAW.HR.X', '2026-11-05')).toBe('b');
    expect(id('SNOWPIPE', null, '2026-11-04')).toBe('c');
    expect(sharedCostOf(document({}), 'SNOWPIPE', null, '2026-11-04')).toBeUndefined();
  });

  test.each([
    ['a team where none belongs', { ...cost, by: 'even' }, /must name team for by/],
    ['no team where one belongs', { ...cost, by: 'central', team: undefined }, /team/],
    [
      'percents that are not 100',
      { id: 'a', service: 'X', by: 'percent', percents: [{ team: 'ml', percent: 99 }] },
      /100 together/,
    ],
    [
      'percents of a team that is none',
      { id: 'a', service: 'X', by: 'percent', percents: [{ team: 'x', percent: 100 }] },
      /no team/,
    ],
    [
      'percents elsewhere',
      { ...cost, percents: [{ team: 'ml', percent: 100 }] },
      /percents for by/,
    ],
    ['teams elsewhere', { ...cost, teams: ['ml'] }, /may name teams only/],
    ['teams that are none', { id: 'a', service: 'X', by: 'direct', teams: ['x'] }, /no team/],
  ])('%s is refused', (_what, entry, told) => {
    const given = Object.fromEntries(
      Object.entries(entry).filter(([, value]) => value !== undefined),
    );
    expect(problems({ sharedCosts: [given] })).toEqual([expect.stringMatching(told)]);
  });
});
