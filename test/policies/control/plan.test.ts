import { expect, test } from 'vitest';
import { demoControlDocument } from '#policies/control/demo.js';
import type { BudgetDocument, ControlDocument, RuleDocument } from '#policies/control/document.js';
import { planControl } from '#policies/control/plan.js';

const AT = Date.UTC(2026, 10, 25);
const demo = demoControlDocument();

function texts(after: Partial<ControlDocument>, before: ControlDocument = demo): string[] {
  return planControl(before, { ...demo, ...after }, AT).changes.map((change) => change.text);
}

const withBudget = (id: string, change: Partial<BudgetDocument>): Partial<ControlDocument> => ({
  budgets: demo.budgets.map((budget) => (budget.id === id ? { ...budget, ...change } : budget)),
});

const without = (team: string): ControlDocument => ({
  ...demo,
  teams: demo.teams.filter((each) => each.id !== team),
  principals: demo.principals.filter((each) => each.team !== team),
  mapping: demo.mapping.filter((each) => each.principal !== `${team}_analyst`),
  budgets: demo.budgets.filter((each) => each.node !== team),
});

test('a document plans nothing against itself', () => {
  const plan = planControl(demo, demo, AT);
  expect(plan).toMatchObject({ changes: [], counts: [] });
  expect(plan.teamsMonthly).toEqual({
    currency: 'USD',
    creditsBefore: '600.000000000000',
    creditsAfter: '600.000000000000',
    amountBefore: '1800.000000000000',
    amountAfter: '1800.000000000000',
  });
});

test('a limit is said in credits, its delta in credits and money at the price in force', () => {
  const plan = planControl(
    demo,
    { ...demo, ...withBudget('marketing-monthly', { limitCredits: '250' }) },
    AT,
  );
  expect(plan.changes).toEqual([
    {
      part: 'budgets',
      key: 'marketing-monthly',
      change: 'changed',
      text: 'marketing-monthly: hard limit 40 → 250 credits a month (+210 credits, +$630.00 at $3.00 a credit)',
      deltaCredits: '210.000000000000',
      deltaAmount: '630.000000000000',
    },
  ]);
  expect(plan.teamsMonthly).toMatchObject({ amountAfter: '2430.000000000000' });
});

test.each<[string, Partial<BudgetDocument>, string]>([
  [
    'a lower limit',
    { limitCredits: '0.05' },
    'hard limit 40 → 0.05 credits a month (-39.95 credits, -$119.85 at $3.00 a credit)',
  ],
  ['no limit', { limitCredits: 'unlimited' }, 'hard limit 40 → unlimited credits a month'],
  [
    'a soft limit',
    { hard: false },
    'hard → soft: statements beyond the limit are admitted from now on',
  ],
  [
    'another period',
    { period: { kind: 'week', timeZone: 'Europe/Berlin' } },
    'period month in UTC → week from monday in Europe/Berlin',
  ],
  ['another node', { node: 'legal' }, 'limits legal instead of marketing'],
  ['what counts', { counts: 'billed' }, 'counts direct → billed credits'],
  ['one tier', { tier: 'batch' }, 'tier none → batch'],
])('a budget: %s', (_name, change, text) => {
  expect(texts(withBudget('marketing-monthly', change))).toEqual([`marketing-monthly: ${text}`]);
});

test('a new team and a removed one are told with their budgets, in one sentence each', () => {
  const smaller = without('growth');
  expect(texts({}, smaller)).toEqual([
    'team growth is new in commercial, with budget growth-monthly of 40 credits a month ($120.00 at $3.00 a credit), hard',
    'principal growth_analyst is new person in team growth',
    'mapping of user GROWTH_ANALYST of demo is new: it leads to principal growth_analyst',
  ]);
  expect(planControl(demo, smaller, AT).changes[0]).toMatchObject({
    text: 'team growth is removed from commercial, with budget growth-monthly of 40 credits a month ($120.00 at $3.00 a credit), hard',
    deltaAmount: '-120.000000000000',
  });
  expect(texts({ budgets: demo.budgets.filter(({ node }) => node !== 'growth') })).toEqual([
    'growth-monthly is removed from growth; its limit was 40 credits a month ($120.00 at $3.00 a credit), hard',
  ]);
});

test('rules are told by mode, effect and condition', () => {
  const [events, crossJoin, star, ...others] = demo.rules as [
    RuleDocument,
    RuleDocument,
    RuleDocument,
    ...RuleDocument[],
  ];
  const after: RuleDocument[] = [
    events,
    { ...crossJoin, mode: 'enforce', teams: ['ml'] },
    { ...star, effect: 'queue', tier: 'batch' } as RuleDocument,
    { ...events, id: 'dear', effect: 'ceiling', ceilingCredits: '2.50' } as RuleDocument,
    ...others,
  ];
  expect(texts({ rules: after })).toEqual([
    'rule cross-join: shadow → enforce',
    'rule cross-join: for ml instead of every team',
    'rule select-star-interactive: reroute to tier standard → queue in tier batch',
    expect.stringMatching(
      /^rule dear is new, in shadow: it decides nothing; at most 2\.5 credits when /,
    ),
  ]);
});

test('the mapping is told by what it matches, and moves by their places', () => {
  const [first, second, third, ...rest] = demo.mapping;
  expect(texts({ mapping: [first!, third!, second!, ...rest] })).toEqual([
    'mapping: rule 3 (user PRODUCT_ANALYST of demo) moves before rule 2',
  ]);
  expect(texts({ mapping: [second!, third!, ...rest, first!] })).toEqual([
    'mapping: rule 1 (user MARKETING_ANALYST of demo) moves to the end',
  ]);
  expect(
    texts({ mapping: [{ match: first!.match, team: 'sales' }, second!, third!, ...rest] }),
  ).toEqual([
    'mapping of user MARKETING_ANALYST of demo: leads to team sales instead of principal marketing_analyst',
  ]);
});

test("a price is told with what the teams' monthly budgets come to next month", () => {
  const dearer = {
    creditKind: 'compute',
    currency: 'USD',
    pricePerCredit: '3.3',
    effectiveFrom: '2026-12-01',
  };
  expect(texts({ prices: [...demo.prices, dearer] })).toEqual([
    "price of compute credits is $3.30 a credit from 2026-12-01: the teams' monthly budgets of 600 credits are $1,980.00 instead of $1,800.00 (+$180.00 a month)",
  ]);
  expect(texts({ prices: [{ ...demo.prices[0]!, pricePerCredit: '2.125' }] })).toEqual([
    "price of compute credits: $3.00 a credit → $2.125 a credit from 2020-01-01: the teams' monthly budgets of 600 credits are $1,275.00 instead of $1,800.00 (-$525.00 a month)",
  ]);
});

test('tiers, warehouses and rates are told in credits', () => {
  expect(
    texts({
      tiers: demo.tiers.map((tier) =>
        tier.id === 'batch' ? { ...tier, ceilingCredits: '500', concurrencyMax: 8 } : tier,
      ),
      warehouses: demo.warehouses.map((each) =>
        each.name === 'BATCH_WH' ? { ...each, size: 'LARGE' } : each,
      ),
      rates: demo.rates.slice(1),
      defaultTier: 'batch',
    }),
  ).toEqual([
    'statements on a warehouse without a tier are of tier batch instead of standard',
    'tier batch: 64 → 8 statements at once',
    'tier batch: a statement may cost at most 600 credits ($1,800.00) → 500 credits ($1,500.00)',
    'warehouse BATCH_WH: size XLARGE → LARGE (16 credits an hour → 8 credits an hour)',
    'rate of XSMALL STANDARD, generation 1 is removed; it was 1 credit an hour from 2020-01-01',
  ]);
});

test('every field of every part has words: no change passes in silence', () => {
  const full: ControlDocument = {
    ...demo,
    networks: [{ id: 'office', cidrs: ['10.0.0.0/8'] }],
    channels: [{ id: 'finops', kind: 'slack', target: 'SLACK_URL' }],
    accounts: [
      {
        id: 'demo',
        upstream: 'embedded',
        signIn: 'both',
        serviceUsers: [{ team: 'ml', snowflakeUser: 'TG_ML' }],
      },
    ],
  };
  const altered: Record<string, Record<string, unknown>> = {
    departments: { name: 'x' },
    teams: { name: 'x', department: 'service', costCentre: 'x', owner: 'x', channels: ['finops'] },
    accounts: { upstream: 'x', signIn: 'terminated', serviceUsers: [] },
    networks: { cidrs: ['10.0.0.0/9'] },
    channels: { kind: 'email', target: 'a@b.example' },
    principals: {
      team: 'legal',
      kind: 'service',
      shared: true,
      owner: 'x',
      status: 'suspended',
      claimKeys: [{ id: 'k', algorithm: 'ES256', publicKey: 'x' }],
    },
    mapping: { principal: 'legal_analyst' },
    budgets: {
      node: 'legal',
      limitCredits: '1',
      hard: false,
      period: { kind: 'day', timeZone: 'UTC' },
      counts: 'billed',
      tier: 'batch',
      workload: 'dbt',
    },
    tiers: {
      warehouse: 'x',
      weight: 9,
      concurrencyMax: 1,
      queueMax: 1,
      queueTimeoutSeconds: 1,
      statementTimeoutSeconds: 1,
      ceilingCredits: '9',
      guessHoldCredits: '1',
      guessExpectedCredits: '1',
      opaque: 'refuse',
      explainAboveCredits: '1',
    },
    warehouses: { size: 'LARGE', kind: 'X', generation: '2' },
    rates: { creditsPerHour: '9' },
    prices: { pricePerCredit: '9', currency: 'EUR', effectiveTo: '2030-01-01' },
    rules: { mode: 'warn', effect: 'approve', when: 'true', message: 'x', teams: ['ml'] },
  };
  let fields = 0;
  for (const [part, changes] of Object.entries(altered)) {
    for (const [field, value] of Object.entries(changes)) {
      const [first, ...rest] = full[part as 'teams'] as readonly object[];
      const after = { ...full, [part]: [{ ...first, [field]: value }, ...rest] };
      expect([part, field, planControl(full, after as ControlDocument, AT).changes.length]).toEqual(
        [part, field, 1],
      );
      fields += 1;
    }
  }
  expect(fields).toBeGreaterThan(45);
});

test('a sentence is one line that no terminal obeys, and a long condition is not cut before its end', () => {
  const [rule] = demo.rules;
  const message = 'two\nlines \u001b[31mred';
  const when = (end: string): string => `statement.class == "${'x'.repeat(600)}${end}"`;
  const before = { ...demo, rules: [{ ...rule!, when: when('a') }] };
  expect(texts({ rules: [{ ...rule!, when: when('a'), message }] }, before)).toEqual([
    `rule events-without-date: message ${rule!.message} → two lines [31mred`,
  ]);
  expect(texts({ rules: [{ ...rule!, when: when('b') }] }, before)[0]).toMatch(/a" → .*b"$/);
});
