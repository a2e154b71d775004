import { expect, test } from 'vitest';
import { parseCredits, parseMoney } from '#base/units.js';
import type { BudgetStanding } from '#billing/ledger.js';
import type { Estimate } from '#policies/estimate/estimate.js';
import type { StatementFacts } from '#policies/sql/facts.js';
import { bareFacts } from '#policies/sql/bare-facts.js';
import { explainCost, type ExplainCostInput } from '../../../proxy/surface/explain-cost.js';

const facts: StatementFacts = {
  ...bareFacts('query', '0'.repeat(32)),
  tablesRead: ['ANALYTICS.WEB.EVENTS'],
  hasSelectStar: true,
};

function estimateOf(changes: Partial<Estimate> = {}): Estimate {
  return {
    basis: 'TABLE_STATS',
    lowCredits: parseCredits('20'),
    expectedCredits: parseCredits('40.5'),
    highCredits: parseCredits('61.123456789012'),
    expectedSeconds: 36_450,
    bytes: 50_000_000_000_000,
    partitions: { assigned: 3_000_000, total: 3_000_000 },
    advice: [
      {
        table: 'ANALYTICS.WEB.EVENTS',
        column: 'EVENT_DATE',
        range: 'one day',
        creditsAfter: parseCredits('0.02'),
      },
    ],
    ...changes,
  };
}

function standingOf(budgetId: string, available: string | null, isHard: boolean): BudgetStanding {
  return {
    budgetId,
    periodStartsAt: Date.UTC(2026, 6, 1),
    periodEndsAt: Date.UTC(2026, 7, 1),
    isHard,
    limitCredits: available === null ? null : parseCredits('100'),
    spentCredits: parseCredits('10'),
    heldCredits: parseCredits('0'),
    availableCredits: available === null ? null : parseCredits(available),
  };
}

function inputOf(changes: Partial<ExplainCostInput> = {}): ExplainCostInput {
  return {
    statements: [{ facts, estimate: estimateOf() }],
    tier: 'interactive',
    warehouse: 'INTERACTIVE_WH',
    warehouseSize: 'XS',
    pricePerCredit: parseMoney('2.5'),
    currency: 'EUR',
    decision: {
      kind: 'refuse',
      cause: { kind: 'ceiling', ceilingCredits: parseCredits('5'), source: 'tier interactive' },
      ceilingCredits: parseCredits('5'),
      reasons: [{ source: 'tier interactive', message: 'more than 5 credits' }],
      warnings: [],
      shadow: [],
    },
    budgets: [
      standingOf('risk-month', '12.5', true),
      standingOf('org', null, false),
      standingOf('soft', '1', false),
      standingOf('wide', '90', true),
    ],
    ...changes,
  };
}

const rowsOf = (input: ExplainCostInput): (string | null)[][] =>
  explainCost(input).result.rows.map((row) => [...row]);

test('every item is one row, exact and readable', () => {
  const { result } = explainCost(inputOf());
  expect(result.columns.map((column) => [column.name, column.type])).toEqual([
    ['ITEM', 'text'],
    ['VALUE', 'text'],
    ['DETAIL', 'text'],
  ]);
  expect(result.rows).toEqual([
    ['credits', '40.50', '20.00 to 61.12; the upper end is what would be held'],
    ['money', '101.25 EUR', '50.00 to 152.81 EUR at 2.50 a credit'],
    ['basis', 'TABLE_STATS', 'sizes of the tables and the filters on their clustering columns'],
    ['bytes', '50.0 TB', '50000000000000 bytes to scan'],
    ['partitions', '3000000 of 3000000', '100.0 % of the tables it reads'],
    ['time', '36450 s', 'expected on one cluster of the warehouse, without waiting'],
    ['statement', 'query', 'reads ANALYTICS.WEB.EVENTS'],
    ['tier', 'interactive', null],
    ['warehouse', 'INTERACTIVE_WH (XS)', null],
    ['decision', 'refuse', 'tier interactive: more than 5 credits'],
    ['ceiling', '5.00', 'credits at which it would be stopped, by tier and rules'],
    [
      'budget risk-month',
      '12.50 credits available',
      'hard; 48.62 short of the hold: it would be refused; period ends 2026-08-01 00:00 UTC',
    ],
    ['budget org', 'unlimited', 'soft; period ends 2026-08-01 00:00 UTC'],
    [
      'budget soft',
      '1.00 credits available',
      'soft; 60.12 short of the hold; period ends 2026-08-01 00:00 UTC',
    ],
    ['budget wide', '90.00 credits available', 'hard; enough; period ends 2026-08-01 00:00 UTC'],
    [
      'advice',
      '0.02 credits',
      'filter EVENT_DATE of ANALYTICS.WEB.EVENTS to one day: 0.02 credits, 0.05 EUR',
    ],
  ]);
});

test('the JSON twin has every amount to the last decimal', () => {
  expect(explainCost(inputOf()).twin).toMatchObject({
    basis: 'TABLE_STATS',
    highCredits: '61.123456789012',
    highAmount: '152.808641972530',
    bytes: 50_000_000_000_000,
    decision: { kind: 'refuse' },
    budgets: [
      { budget: 'risk-month', isShort: true },
      { isShort: false, availableCredits: null },
      { isShort: true },
      { isShort: false },
    ],
    advice: [
      { column: 'EVENT_DATE', creditsAfter: '0.020000000000', amountAfter: '0.050000000000' },
    ],
  });
});

test('several statements add up, and the weakest basis and any unknown size show', () => {
  const free = estimateOf({
    basis: 'FREE',
    lowCredits: parseCredits('0'),
    expectedCredits: parseCredits('0'),
    highCredits: parseCredits('0'),
    expectedSeconds: 0,
    bytes: null,
    partitions: null,
    advice: [],
  });
  const guess = estimateOf({ basis: 'GUESS', bytes: null, partitions: null, advice: [] });
  const two = rowsOf(
    inputOf({
      statements: [
        { facts, estimate: estimateOf() },
        { facts, estimate: free },
      ],
    }),
  );
  expect(two[0]?.[1]).toBe('40.50');
  expect(two[2]?.[1]).toBe('TABLE_STATS');
  expect(two[3]?.[1]).toBe('50.0 TB');
  expect(two.filter(([item]) => item?.startsWith('statement '))).toHaveLength(2);
  const unknown = rowsOf(
    inputOf({
      statements: [
        { facts: { ...facts, opaque: true, unknown: ['tables'] }, estimate: guess },
        { facts, estimate: estimateOf() },
      ],
    }),
  );
  expect(unknown[0]?.[1]).toBe('81.00');
  expect(unknown[2]?.[1]).toBe('GUESS');
  expect(unknown[3]?.[1]).toBe('unknown');
  expect(unknown.find(([item]) => item === 'statement 1')).toEqual([
    'statement 1',
    'query, opaque',
    'reads ANALYTICS.WEB.EVENTS; not known: tables; 40.50 credits',
  ]);
});

test('tiny amounts keep three digits instead of becoming zero', () => {
  const tiny = estimateOf({
    lowCredits: parseCredits('0'),
    expectedCredits: parseCredits('0.0000123456'),
    highCredits: parseCredits('0.000000000001'),
    bytes: 999,
    expectedSeconds: 0.04,
  });
  const rows = rowsOf(
    inputOf({ statements: [{ facts, estimate: tiny }], warehouse: null, warehouseSize: null }),
  );
  expect(rows[0]).toEqual([
    'credits',
    '0.0000123',
    '0.00 to 0.000000000001; the upper end is what would be held',
  ]);
  expect(rows[3]?.[1]).toBe('999 B');
  expect(rows[5]?.[1]).toBe('0.0 s');
  expect(rows.find(([item]) => item === 'warehouse')?.[1]).toBe('none');
});
