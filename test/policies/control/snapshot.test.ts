import { expect, test } from 'vitest';
import { demoControlDocument } from '#policies/control/demo.js';
import { createSnapshot } from '#policies/control/snapshot.js';
import { AT, aSnapshot, credits } from '../builders.js';

test('budgets on the path come outermost first, narrowed by tier, workload and client', () => {
  const demo = demoControlDocument();
  const month = { kind: 'month', timeZone: 'UTC' } as const;
  const extra = { limitCredits: '5', hard: true, period: month, counts: 'direct' } as const;
  const snapshot = aSnapshot([], {
    budgets: [
      ...demo.budgets,
      { ...extra, id: 'a-department', node: 'commercial' },
      { ...extra, id: 'marketing-batch', node: 'marketing', tier: 'batch' },
      { ...extra, id: 'marketing-dbt', node: 'marketing', workload: 'dbt' },
      { ...extra, id: 'marketing-jdbc', node: 'marketing', client: 'jdbc/3.*' },
      { ...extra, id: 'marketing-dbt-jdbc', node: 'marketing', client: 'JDBC/*', workload: 'dbt' },
      { ...extra, id: 'one-person', node: 'marketing_analyst' },
    ],
  });
  const path = {
    teamId: 'marketing',
    principalId: 'marketing_analyst',
    workload: null,
    client: null,
  };
  const ids = (more: object): string[] =>
    snapshot.budgetsFor({ ...path, tier: 'interactive', ...more }).map((budget) => budget.id);
  const common = ['demo-company-monthly', 'a-department', 'marketing-monthly', 'one-person'];
  expect(ids({})).toEqual(common);
  expect(ids({ tier: 'batch' })).toEqual([
    ...common.slice(0, 2),
    'marketing-batch',
    ...common.slice(2),
  ]);
  expect(ids({ workload: 'dbt' })).toContain('marketing-dbt');
  // All that narrows must hold, and who does not say what it is is none of them.
  expect(ids({ client: 'JDBC/3.24 (Linux)' })).toEqual([
    ...common.slice(0, 2),
    'marketing-jdbc',
    ...common.slice(2),
  ]);
  expect(ids({ client: 'JDBC/4.0', workload: 'dbt' })).toContain('marketing-dbt-jdbc');
  expect(ids({ client: 'JDBC/4.0', workload: 'dbt' })).not.toContain('marketing-jdbc');
  expect(ids({ client: '' })).toEqual(common);
  expect(ids({ teamId: 'legal', principalId: 'legal_analyst' })).toEqual([
    'demo-company-monthly',
    'legal-monthly',
  ]);
});

test('a warehouse leads to its tier without regard to case; others have none', () => {
  const snapshot = aSnapshot();
  expect(snapshot.tierForWarehouse('interactive_wh')?.id).toBe('interactive');
  expect(snapshot.tierForWarehouse('BATCH_WH')).toMatchObject({
    id: 'batch',
    ceilingCredits: credits('10'),
    explainAboveCredits: null,
  });
  expect(snapshot.tierForWarehouse('SIDE_DOOR')).toBeUndefined();
  expect(snapshot.defaultTier().id).toBe('standard');
});

test('a rate holds from its date until a later one, and an unknown combination has none', () => {
  const demo = demoControlDocument();
  const snapshot = aSnapshot([], {
    rates: [
      ...demo.rates,
      {
        kind: 'STANDARD',
        generation: '1',
        size: 'X-Small',
        creditsPerHour: '1.25',
        effectiveFrom: '2026-11-24',
      },
    ],
  });
  const next = Date.UTC(2026, 10, 24);
  expect(snapshot.rate('standard', '1', 'XSMALL', AT)).toBe(credits('1'));
  expect(snapshot.rate('STANDARD', '1', 'X-Small', next - 1)).toBe(credits('1'));
  expect(snapshot.rate('STANDARD', '1', 'X-Small', next)).toBe(credits('1.25'));
  expect(snapshot.rate('STANDARD', '1', 'XSMALL', Date.UTC(2019, 0))).toBeUndefined();
  expect(snapshot.rate('STANDARD', '2', 'XSMALL', AT)).toBeUndefined();
  expect(snapshot.rate('STANDARD', '1', 'ADAPTIVE', AT)).toBeUndefined();
  expect(snapshot.rateOfWarehouse('batch_wh', AT)).toBe(credits('16'));
  expect(snapshot.rateOfWarehouse('NONE', AT)).toBeUndefined();
});

test('a price that has ended leaves no price, not the one before it', () => {
  const from = '2026-01-01';
  const snapshot = aSnapshot([], {
    prices: [
      { creditKind: 'compute', currency: 'USD', pricePerCredit: '3', effectiveFrom: '2020-01-01' },
      {
        creditKind: 'compute',
        currency: 'USD',
        pricePerCredit: '2.5',
        effectiveFrom: from,
        effectiveTo: '2026-06-01',
      },
    ],
  });
  const price = (at: number): bigint | undefined => snapshot.priceAt('compute', at)?.pricePerCredit;
  expect(price(Date.UTC(2025, 5))).toBe(3_000_000_000_000n);
  expect(price(Date.UTC(2026, 2))).toBe(2_500_000_000_000n);
  expect(price(Date.UTC(2026, 5))).toBeUndefined();
  expect(snapshot.priceAt('serverless', AT)).toBeUndefined();
});

test('a snapshot does not change with the document it was made from', () => {
  const document = structuredClone(demoControlDocument()) as unknown as {
    teams: { owner: string }[];
  };
  const snapshot = createSnapshot(document as never, 1);
  document.teams[0]!.owner = 'somebody else';
  expect(snapshot.team('marketing')?.owner).toBe('marketing-leads');
  expect(() => {
    (snapshot.document as { defaultTier: string }).defaultTier = 'x';
  }).toThrow();
});
