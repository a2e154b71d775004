/** What a document would have made of a statement that has run; with real ledgers in admin/past-report.pg.test.ts. */
import { expect, test } from 'vitest';
import { demoControlDocument } from '#policies/control/demo.js';
import type { RuleDocument } from '#policies/control/document.js';
import { judgePast, type PastJudgement, type PastStatement } from '#policies/rules/past.js';
import { anEstimate, aSnapshot, aStatement, AT, credits } from '../builders.js';

function rule(changes: Pick<RuleDocument, 'id'> & Record<string, unknown>): RuleDocument {
  return {
    mode: 'enforce',
    when: 'tier == "interactive"',
    message: 'not here',
    ...changes,
  } as RuleDocument;
}

const WORD = rule({ id: 'word', effect: 'approve' });
const MOVE = rule({ id: 'to-batch', effect: 'reroute', tier: 'batch' });

function judged(
  rules: readonly RuleDocument[],
  switches: 'session' | 'refuse' = 'session',
  changes: Partial<PastStatement> = {},
): PastJudgement {
  const tiers = demoControlDocument().tiers.map((tier) => ({
    ...tier,
    ceilingCredits: '10',
    switch: switches,
  }));
  const estimate = anEstimate();
  const past = {
    account: 'demo',
    teamId: 'marketing',
    principalId: 'marketing_analyst',
    viaPrincipalId: null,
    role: null,
    workload: null,
    warehouse: 'INTERACTIVE_WH',
    estimate,
    at: AT,
    isOffPeak: false,
    text: { client: '', parts: [{ facts: aStatement(), estimate, location: 'none' as const }] },
    ...changes,
  };
  return judgePast(aSnapshot(rules, { tiers }), past, () => ({
    budgetIds: ['marketing'],
    standings: { usedPercent: new Map(), leastLeft: null },
  }));
}

test('what wants a word does not run by itself, and its budgets are asked first', () => {
  expect(judged([WORD])).toMatchObject({
    kind: 'allowed',
    budgetIds: ['marketing'],
    unapproved: { kind: 'approval', id: 'word' },
  });
});

test('what waits for off-peak hours does not run in a tier that has none', () => {
  expect(judged([], 'session', { isOffPeak: true })).toEqual({
    kind: 'refused',
    cause: { kind: 'hours', id: 'interactive' },
  });
});

test('what uses no warehouse runs on any, and no budget is asked', () => {
  const free = anEstimate({ basis: 'FREE', highCredits: credits('0') });
  expect(judged([MOVE], 'refuse', { estimate: free, warehouse: 'GONE_WH' })).toMatchObject({
    kind: 'allowed',
    budgetIds: [],
    unapproved: null,
  });
});

test('what is moved to a tier in which nothing wants a word runs there, as it did live', () => {
  expect(judged([WORD, MOVE])).toMatchObject({ kind: 'allowed', unapproved: null });
  expect(judged([WORD, MOVE], 'refuse')).toEqual({
    kind: 'refused',
    cause: { kind: 'move', id: 'to-batch' },
  });
});
