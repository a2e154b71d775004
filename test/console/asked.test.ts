import { expect, test } from 'vitest';
import type { Asked } from '../../console/api-types.js';
import { askedText, grantText } from '../../console/asked.js';

const NOTHING = { credits: null, runs: null, hours: null, shape: false };
const request: Asked = {
  ticketId: '019a0000-0000-7000-8000-000000000001',
  state: 'waiting',
  team: 'sales',
  principal: 'sales_analyst',
  reason: 'quarter end',
  wants: 'statement',
  passes: ['rule:no-star'],
  asked: NOTHING,
  refusalCode: 'TG2101',
  statement: 'SELECT * FROM T',
  needsCredits: '2.001000000000',
  needsAmount: '6.003000000000',
  currency: 'USD',
  budgetId: null,
  shortCredits: null,
  askedAt: '2026-11-26T09:30:00.000Z',
  expiresAt: '2026-12-03T09:30:00.000Z',
  decision: null,
};

test('what is asked for beyond one run of the text is said in full', () => {
  expect(askedText(request)).toBeUndefined();
  const asked = { credits: '200.000000000000', runs: 2, hours: 1, shape: true };
  expect(askedText({ asked })).toBe(
    '200.00 credits, 2 runs, 1 hour, its shape, with other literals too',
  );
});

const onBudget: Partial<Asked> = {
  wants: 'credits',
  passes: [],
  budgetId: 'sales-monthly',
  shortCredits: '111.460000000000',
};

test.each<[string, Partial<Asked>, string]>([
  [
    'the least on a budget',
    onBudget,
    'what the statement lacks now, 111.46 credits or more, on sales-monthly until its period ends',
  ],
  [
    'what was asked of a budget',
    { ...onBudget, asked: { ...NOTHING, credits: '200.000000000000', runs: 2, hours: 72 } },
    '200.00 credits on sales-monthly for 72 hours',
  ],
  ['a pass for one run', {}, 'a pass for this text, 1 run, for 24 hours'],
  [
    'a pass past a ceiling, each run with what it was said to need',
    { passes: ['ceiling'], asked: { ...NOTHING, runs: 3 } },
    'a pass for this text, 3 runs, at most 6.01 credits together, for 24 hours',
  ],
  [
    'a pass for a shape and an amount',
    { asked: { credits: '0.004000000000', runs: null, hours: 1, shape: true } },
    'a pass for its shape, with other literals too, at most 0.004000 credits together, for 1 hour',
  ],
])('granting gives %s', (_name, changes, text) => {
  expect(grantText({ ...request, ...changes })).toBe(text);
});
