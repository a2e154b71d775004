import { expect, test } from 'vitest';
import { costCsv, layOutCost } from '../../cli/verbs/cost.js';
import type { CostReply } from '../../cli/verbs/cost.js';

const COST: CostReply = {
  from: '2026-10-01T00:00:00.000Z',
  to: '2026-11-01T00:00:00.000Z',
  by: 'team',
  team: null,
  currency: 'USD',
  rows: [
    {
      key: 'marketing',
      credits: '12.500000000000',
      amount: '37.500000000000',
      statements: 1234,
      buckets: {
        directCredits: '12.250000000000',
        bypassCredits: '0.250000000000',
        idleCredits: '0',
      },
    },
    {
      key: null,
      credits: '4.000000000001',
      amount: null,
      statements: 0,
      buckets: { idleCredits: '3', resumeMinuteCredits: '1.000000000001' },
    },
  ],
  totalCredits: '16.500000000001',
  totalAmount: null,
  reconciliation: {
    meteredCredits: '16.500000000001',
    allocatedCredits: '16.500000000001',
    hours: 744,
    staleHours: 0,
    problems: [],
  },
};

test('a cost is a table with its total, and says that it is all that was metered', () => {
  expect(layOutCost(COST, 120)).toBe(
    [
      'Cost by team, 2026-10-01 to 2026-11-01 (UTC)',
      '',
      'team       statements  direct  bypass   idle  other  credits    USD',
      '─────────  ──────────  ──────  ──────  ─────  ─────  ───────  ─────',
      'marketing        1234  12.250   0.250  0.000  0.000   12.500  37.50',
      '(nobody)                0.000   0.000  3.000  1.000    4.000',
      'total            1234  12.250   0.250  3.000  1.000   16.500',
      '',
      'A day of it has no price in USD: enter it under prices.',
      'Coverage: 98.00 % of the credits that statements took came through Tollgate; 0.250 ran past it (tollgate cost --bypass).',
      'Reconciled: 744 warehouse-hours, 16.500000000 credits metered, all allocated, difference 0.',
    ].join('\n'),
  );
});

test('what is not allocated is said in credits, with what stands in the way', () => {
  const reconciliation = {
    meteredCredits: '16.5',
    allocatedCredits: '16.4',
    hours: 744,
    staleHours: 2,
    problems: ['No rate is known for STANDARD 2X-Large.'],
  };
  expect(
    layOutCost({ ...COST, reconciliation }, 120)
      .split('\n')
      .slice(-2),
  ).toEqual([
    'Not reconciled: 744 warehouse-hours, 16.500000000 credits metered, 16.400000000 allocated; 2 hours are not allocated by their newest figures.',
    '  No rate is known for STANDARD 2X-Large.',
  ]);
  expect(layOutCost({ ...COST, rows: [], reconciliation: null }, 120)).toContain(
    'Nothing was metered, or nothing is imported yet.',
  );
});

test('by model, a team sees its models and no coverage; without bypass the coverage is whole', () => {
  const rows = [
    {
      ...COST.rows[0],
      key: 'shop.orders',
      buckets: { directCredits: '12.5' },
      credits: '12.5',
      amount: '37.5',
      statements: 7,
    },
    { key: null, credits: '0.5', amount: '1.5', statements: 3, buckets: { directCredits: '0.5' } },
  ];
  const all = {
    ...COST,
    by: 'model',
    rows,
    totalCredits: '13',
    totalAmount: '39',
    reconciliation: null,
  };
  expect(layOutCost({ ...all, team: 'ml' }, 120)).toMatchInlineSnapshot(`
    "Cost of ml by model, 2026-10-01 to 2026-11-01 (UTC)

    model        statements  direct  bypass   idle  other  credits    USD
    ───────────  ──────────  ──────  ──────  ─────  ─────  ───────  ─────
    shop.orders           7  12.500   0.000  0.000  0.000   12.500  37.50
    (no model)            3   0.500   0.000  0.000  0.000    0.500   1.50
    total                10  13.000   0.000  0.000  0.000   13.000  39.00"
  `);
  expect(layOutCost(all, 120).split('\n').at(-1)).toBe(
    'Coverage: 100.00 % of the credits that statements took came through Tollgate.',
  );
});

test('as CSV it is a record a row, with every bucket, exact, and nothing in it runs', () => {
  const [first] = COST.rows;
  const rows =
    first === undefined ? [] : [{ ...first, key: '=HYPERLINK("x")' }, ...COST.rows.slice(1)];
  expect(costCsv({ ...COST, by: 'workload', rows }).split('\r\n')).toEqual([
    'workload,statements,credits,amount,currency,direct_credits,bypass_credits,short_query_credits,resume_minute_credits,idle_credits,unexplained_credits',
    '"\'=HYPERLINK(""x"")",1234,12.500000000000,37.500000000000,USD,12.250000000000,0.250000000000,0,0,0,0',
    ',0,4.000000000001,,USD,0,0,0,1.000000000001,3,0',
  ]);
  expect(costCsv({ ...COST, rows: [] })).toMatch(/^team,statements,[^\r\n]+$/);
});
