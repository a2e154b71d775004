/** What a granted request lifts of a decision, and what it never does. */
import { expect, test } from 'vitest';
import { must } from '#base/assert.js';
import type { RuleDocument } from '#policies/control/document.js';
import { type Decision, type Lifted, passNameOf } from '#policies/rules/decision.js';
import { decide, decideText } from '#policies/rules/evaluate.js';
import { aContext, anEstimate, aSnapshot, aStatement, credits } from '../builders.js';

const star = aStatement({ hasSelectStar: true });

function rule(changes: Record<string, unknown> = {}): RuleDocument {
  return {
    id: 'a-rule',
    mode: 'enforce',
    effect: 'refuse',
    when: 'statement.selectStar',
    message: 'name the columns',
    ...changes,
  } as RuleDocument;
}

function lifting(passes: readonly string[], amount: string | null = null): Lifted {
  return {
    passes: new Set(passes),
    amountCredits: amount === null ? null : credits(amount),
  };
}

function decided(rules: readonly RuleDocument[], lifted: Lifted, high = '2'): Decision {
  const estimate = anEstimate({ highCredits: credits(high) });
  return decide(star, estimate, aContext(aSnapshot(rules), { lifted }));
}

test.each(['refuse', 'approve', 'reroute', 'queue'])(
  'a rule that would %s is lifted by its own name',
  (effect) => {
    const rules = [rule({ effect, tier: 'batch' })];
    expect(decided(rules, lifting(['rule:a-rule'])).kind).toBe('allow');
    expect(decided(rules, lifting(['rule:another', 'opaque', 'ceiling'])).kind).not.toBe('allow');
  },
);

test.each(['refuse', 'reroute', 'queue'])(
  'a rule that would %s and nobody lifts stands, whatever was granted before it became so',
  (effect) => {
    const decision = decided(
      [rule({ effect, tier: 'batch', approvable: false })],
      lifting(['rule:a-rule']),
    );
    expect(decision.kind).toBe(effect);
    expect(decision.kind === 'refuse' ? passNameOf(decision.cause) : decision).toEqual(
      effect === 'refuse' ? null : expect.objectContaining({ isApprovable: false }),
    );
  },
);

test('of two rules that refuse, the one that nobody lifts is told', () => {
  const rules = [rule(), rule({ id: 'never', approvable: false })];
  expect(decided(rules, lifting([]))).toMatchObject({
    kind: 'refuse',
    cause: { ruleId: 'never', isApprovable: false },
  });
});

test('a ceiling is lifted to the amount that was granted, not above a rule that nobody lifts', () => {
  expect(decided([], lifting([]), '70')).toMatchObject({
    kind: 'refuse',
    cause: { kind: 'ceiling' },
  });
  expect(decided([], lifting(['ceiling'], '80'), '70')).toMatchObject({
    kind: 'allow',
    ceilingCredits: credits('80'),
  });
  expect(decided([], lifting(['ceiling'], '60'), '70').kind).toBe('refuse');
  const ceiling = { effect: 'ceiling', ceilingCredits: '5' };
  expect(decided([rule(ceiling)], lifting(['ceiling'], '80'), '70').kind).toBe('allow');
  const never = decided(
    [rule({ ...ceiling, approvable: false })],
    lifting(['ceiling'], '80'),
    '70',
  );
  expect(never).toMatchObject({ kind: 'refuse', ceilingCredits: credits('5') });
  expect(never.kind === 'refuse' ? passNameOf(never.cause) : '').toBeNull();
});

test('opaque text and places outside the account are lifted by their names', () => {
  const snapshot = aSnapshot();
  const tier = { ...must(snapshot.tier('interactive'), 'a tier'), opaque: 'refuse' as const };
  const hidden = aStatement({ opaque: true });
  const kind = (lifted: Lifted): string =>
    decide(hidden, anEstimate(), aContext(snapshot, { tier, lifted })).kind;
  expect([kind(lifting(['rule:x'])), kind(lifting(['opaque']))]).toEqual(['refuse', 'allow']);
  const away = (lifted: Lifted): string =>
    decide(aStatement(), anEstimate(), aContext(snapshot, { location: 'external', lifted })).kind;
  expect([away(lifting([])), away(lifting(['external-location']))]).toEqual(['refuse', 'allow']);
});

test('a text of several statements is lifted as a whole, its sum too', () => {
  const { location, ...context } = aContext(aSnapshot([rule()]), {
    lifted: lifting(['rule:a-rule', 'ceiling'], '15'),
  });
  const part = { facts: star, estimate: anEstimate({ highCredits: credits('7') }), location };
  const total = anEstimate({ highCredits: credits('14') });
  expect(decideText([part, part], total, context)).toMatchObject({
    kind: 'allow',
    ceilingCredits: credits('15'),
  });
});
