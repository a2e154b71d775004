/** What a document would have made of a statement that has run; with real ledgers in admin/past-report.pg.test.ts. */
import { expect, test } from 'vitest';
import { demoControlDocument } from '#policies/control/demo.js';
import type { RuleDocument } from '#policies/control/document.js';
import { judgePast, type PastJudgement } from '#policies/rules/past.js';
import { anEstimate, aSnapshot, aStatement, AT } from '../builders.js';

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
  };
  return judgePast(aSnapshot(rules, { tiers }), past, () => ({
    budgetIds: [],
    standings: { usedPercent: new Map(), leastLeft: null },
  }));
}

test('what wants a word does not run by itself', () => {
  expect(judged([WORD])).toEqual({ kind: 'refused', cause: { kind: 'approval', id: 'word' } });
});

test('what is moved to a tier in which nothing wants a word runs there, as it did live', () => {
  expect(judged([WORD, MOVE])).toMatchObject({ kind: 'allowed' });
  expect(judged([WORD, MOVE], 'refuse')).toEqual({
    kind: 'refused',
    cause: { kind: 'move', id: 'to-batch' },
  });
});
