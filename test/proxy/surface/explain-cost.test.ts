import { expect, test } from 'vitest';
import { parseCredits, parseMoney } from '#base/units.js';
import type { BudgetStanding } from '#billing/ledger.js';
import type { Estimate } from '#policies/estimate/estimate.js';
import type { StatementFacts } from '#policies/sql/facts.js';
import { bareFacts } from '#policies/sql/bare-facts.js';
import { explainCost } from '../../../proxy/surface/explain-cost.js';
import type { ExplainCostInput, Outlook } from '../../../proxy/surface/explain-input.js';

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
    expectedElapsedSeconds: 36_450,
    shape: null,
    believed: null,
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

const REFUSAL =
  'TG2001 Not run, nothing charged: needs about €152.81, €31.25 is left in risk-month.';

function outlookOf(changes: Partial<Outlook> = {}): Outlook {
  return {
    decision: {
      kind: 'allow',
      ceilingCredits: parseCredits('80'),
      reasons: [],
      warnings: [{ source: 'no-star', message: 'name the columns' }],
      shadow: [],
    },
    holdCredits: parseCredits('61.123456789012'),
    ceilingCredits: parseCredits('12.5'),
    ceilingSource: 'risk-month',
    bindingBudgetId: 'risk-month',
    queue: {
      running: 8,
      waiting: 3,
      concurrencyMax: 8,
      queueMax: 100,
      ahead: 2,
      position: 3,
      limitedBy: 'tier',
      expectedWaitMs: 4500,
      full: null,
      tier: 'interactive',
      queueTimeoutMs: 300_000,
    },
    refusal: REFUSAL,
    notes: [],
    ...changes,
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
    outlook: outlookOf(),
    cheaper: {
      columns: [
        {
          table: 'ANALYTICS.WEB.EVENTS',
          column: 'PAYLOAD',
          share: 0.6,
          columnCount: 8,
          creditsAfter: parseCredits('16.2'),
        },
      ],
      rewrite: {
        sqlText: "SELECT * FROM EVENTS WHERE EVENT_DATE = '2026-06-30'",
        expectedCredits: parseCredits('0.02'),
        highCredits: parseCredits('0.03'),
      },
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

const item = (rows: readonly (string | null)[][], name: string): string | null | undefined =>
  rows.find(([each]) => each === name)?.[1];

test('every item is one row, exact and readable', () => {
  const { result } = explainCost(inputOf());
  expect(result.columns.map((column) => [column.name, column.type])).toEqual([
    ['ITEM', 'text'],
    ['VALUE', 'text'],
    ['DETAIL', 'text'],
  ]);
  expect(result.rows).toEqual([
    ['decision', 'refuse', REFUSAL],
    ['credits', '40.50', '20.00 – 40.50 – 61.12 (low – expected – high)'],
    [
      'money',
      '101.25 EUR',
      '50.00 – 101.25 – 152.81 (low – expected – high) EUR, at 2.50 a credit',
    ],
    [
      'hold',
      '61.12 credits',
      '152.81 EUR set aside while it runs; what it does not use comes back',
    ],
    ['basis', 'TABLE_STATS', 'sizes of the tables and the filters on their clustering columns'],
    ['bytes', '50.0 TB', '50,000,000,000,000 bytes to scan'],
    ['partitions', '3000000 of 3000000', '100.0 % of the tables it reads'],
    ['time', '36450 s', '10 h 7 min, expected on one cluster of the warehouse, once it has begun'],
    [
      'queue wait',
      '4.5 s',
      '8 of 8 permits of tier interactive are taken, 3 of at most 100 wait; 2 would have their turn before it',
    ],
    ['statement', 'query', 'reads ANALYTICS.WEB.EVENTS'],
    ['tier', 'interactive', null],
    ['warehouse', 'INTERACTIVE_WH (XS)', null],
    ['ceiling', '12.50 credits', 'where it would be stopped, by what risk-month has left'],
    [
      'binds first',
      'risk-month',
      'of the hard budgets it has the least left: 12.50 credits for a hold of 61.12',
    ],
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
      'filter EVENT_DATE of ANALYTICS.WEB.EVENTS to one day: 0.02 credits, 0.05 EUR instead of 40.50 credits, 99.9 % less',
    ],
    [
      'advice',
      '16.20 credits',
      'name the columns: * reads all 8 of ANALYTICS.WEB.EVENTS, and PAYLOAD alone is 60.0 % of its bytes; without it: 16.20 credits, 40.50 EUR instead of 40.50 credits, 60.0 % less',
    ],
    [
      'suggested rewrite',
      "SELECT * FROM EVENTS WHERE EVENT_DATE = '2026-06-30'",
      'the last day of the data; put yours in its place: 0.02 credits, 0.05 EUR instead of 40.50 credits, 99.9 % less',
    ],
  ]);
});

test('the JSON twin has every amount to the last decimal', () => {
  expect(explainCost(inputOf()).twin).toMatchObject({
    basis: 'TABLE_STATS',
    highCredits: '61.123456789012',
    highAmount: '152.808641972530',
    bytes: 50_000_000_000_000,
    holdCredits: '61.123456789012',
    queue: { ahead: 2, expectedWaitMs: 4500 },
    decision: { kind: 'allow', refusal: REFUSAL, ceilingSource: 'risk-month' },
    bindingBudget: 'risk-month',
    budgets: [
      { budget: 'risk-month', isShort: true },
      { isShort: false, availableCredits: null },
      { isShort: true },
      { isShort: false },
    ],
    advice: [
      { column: 'EVENT_DATE', creditsAfter: '0.020000000000', amountAfter: '0.050000000000' },
    ],
    columnAdvice: [{ column: 'PAYLOAD', creditsAfter: '16.200000000000' }],
    rewrite: { expectedCredits: '0.020000000000', expectedAmount: '0.050000000000' },
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
    expectedElapsedSeconds: 1,
    shape: null,
    believed: null,
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
  expect(item(two, 'credits')).toBe('40.50');
  expect(item(two, 'basis')).toBe('TABLE_STATS');
  expect(item(two, 'bytes')).toBe('50.0 TB');
  expect(two.filter(([item]) => item?.startsWith('statement '))).toHaveLength(2);
  const unknown = rowsOf(
    inputOf({
      statements: [
        { facts: { ...facts, opaque: true, unknown: ['tables'] }, estimate: guess },
        { facts, estimate: estimateOf() },
      ],
    }),
  );
  expect(item(unknown, 'credits')).toBe('81.00');
  expect(item(unknown, 'basis')).toBe('GUESS');
  expect(item(unknown, 'bytes')).toBe('unknown');
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
  expect(rows[1]).toEqual([
    'credits',
    '0.0000123',
    '0.00 – 0.0000123 – 0.000000000001 (low – expected – high)',
  ]);
  expect(item(rows, 'bytes')).toBe('999 B');
  expect(item(rows, 'time')).toBe('0.0 s');
  expect(item(rows, 'warehouse')).toBe('none');
});

test('a statement that would run says so, what rules only warn of, and that nobody is before it', () => {
  const queue = {
    running: 2,
    waiting: 0,
    concurrencyMax: 8,
    queueMax: 100,
    ahead: 0,
    position: 1,
    limitedBy: 'tier' as const,
    expectedWaitMs: 0,
    full: null,
    tier: 'interactive',
    queueTimeoutMs: 300_000,
  };
  const rows = rowsOf(inputOf({ outlook: outlookOf({ refusal: null, queue }) }));
  expect(rows[0]).toEqual(['decision', 'allow', 'no-star: name the columns']);
  expect(rows.find(([name]) => name === 'queue wait')).toEqual([
    'queue wait',
    '0 s',
    'a permit is free: 2 of 8 permits of tier interactive are taken, 0 of at most 100 wait',
  ]);
  const late = { ...queue, running: 8, waiting: 100, ahead: 100, expectedWaitMs: 400_000 };
  const waits = rowsOf(inputOf({ outlook: outlookOf({ queue: late }) }));
  expect(waits.find(([name]) => name === 'queue wait')?.[2]).toContain(
    'longer than the 300 s that it may wait',
  );
  // Of its team's queue, while that of the tier has room.
  const full = { ...late, waiting: 12, full: { waiting: 5, queueMax: 5 } };
  const refused = rowsOf(inputOf({ outlook: outlookOf({ queue: full }) }));
  expect(refused.find(([name]) => name === 'queue wait')).toEqual([
    'queue wait',
    'full',
    '8 of 8 permits of tier interactive are taken, 12 of at most 100 wait; 5 of at most 5 of its queue wait, so one more is refused',
  ]);
  const free = rowsOf(
    inputOf({ outlook: outlookOf({ refusal: null, queue: null, bindingBudgetId: null }) }),
  );
  expect(item(free, 'queue wait')).toBe('0 s');
  expect(item(free, 'binds first')).toBe('no budget');
});

test('what guards tell of a statement that still runs stands beside what rules warn of', () => {
  const notes = ['its shape has a pace of 50.00 USD a month'];
  const { result, twin } = explainCost(inputOf({ outlook: outlookOf({ refusal: null, notes }) }));
  expect(result.rows[0]).toEqual([
    'decision',
    'allow',
    'no-star: name the columns; its shape has a pace of 50.00 USD a month',
  ]);
  expect(twin).toMatchObject({ decision: { notes } });
});
