import { expect, test } from 'vitest';
import { demoControlDocument } from '#policies/control/demo.js';
import type { RuleDocument } from '#policies/control/document.js';
import { must } from '#base/assert.js';
import type { StatementFacts } from '#policies/sql/facts.js';
import { decide, decideText } from '#policies/rules/evaluate.js';
import { aContext, anEstimate, aSnapshot, aStatement, credits } from '../builders.js';

const rule = (changes: Partial<RuleDocument> = {}): RuleDocument =>
  ({
    id: 'a-rule',
    mode: 'enforce',
    effect: 'refuse',
    when: 'statement.selectStar',
    message: 'name the columns',
    ...changes,
  }) as RuleDocument;
const star = aStatement({ hasSelectStar: true });
const withTier = (id: string, changes: object = {}) => {
  const snapshot = aSnapshot();
  return aContext(snapshot, { tier: { ...must(snapshot.tier(id), 'a tier'), ...changes } });
};

test('a statement that no rule speaks of is allowed up to the ceiling of its tier', () => {
  expect(decide(aStatement(), anEstimate(), aContext())).toEqual({
    kind: 'allow',
    ceilingCredits: credits('10'),
    reasons: [],
    warnings: [],
    shadow: [],
  });
});

test('a rule decides only in enforce mode; warn tells and shadow counts', () => {
  const decision = (mode: RuleDocument['mode']) =>
    decide(star, anEstimate(), aContext(aSnapshot([rule({ mode })])));
  const reason = { source: 'a-rule', message: 'name the columns' };
  expect(decision('enforce')).toMatchObject({
    kind: 'refuse',
    cause: { kind: 'rule', ruleId: 'a-rule' },
    reasons: [reason],
  });
  expect(decision('warn')).toMatchObject({ kind: 'allow', warnings: [reason], shadow: [] });
  expect(decision('shadow')).toMatchObject({ kind: 'allow', warnings: [], shadow: [reason] });
});

test('a rule for some teams does not touch the others', () => {
  const context = (teams: string[]) => aContext(aSnapshot([rule({ teams })]));
  expect(decide(star, anEstimate(), context(['sales'])).kind).toBe('allow');
  expect(decide(star, anEstimate(), context(['sales', 'marketing'])).kind).toBe('refuse');
});

test('the strictest rule wins whatever the order: refuse, approve, reroute, queue', () => {
  const rules: RuleDocument[] = [
    rule({ id: 'q', effect: 'queue', tier: 'batch' } as never),
    rule({ id: 'r', effect: 'reroute', tier: 'standard' } as never),
    rule({ id: 'a', effect: 'approve' }),
    rule({ id: 'x', effect: 'refuse' }),
  ];
  const kinds = [4, 3, 2, 1].map(
    (count) => decide(star, anEstimate(), aContext(aSnapshot(rules.slice(0, count)))).kind,
  );
  expect(kinds).toEqual(['refuse', 'approve', 'reroute', 'queue']);
});

test('a reroute to the tier the statement is in already changes nothing', () => {
  const snapshot = aSnapshot([rule({ effect: 'reroute', tier: 'interactive' } as never)]);
  expect(decide(star, anEstimate(), aContext(snapshot)).kind).toBe('allow');
});

test('a condition that cannot be evaluated restricts, and never loosens', () => {
  const when = 'statement.tablesRead[3] == "A"';
  const refuses = aSnapshot([rule({ when })]);
  const decision = decide(star, anEstimate(), aContext(refuses));
  expect(decision.kind).toBe('refuse');
  expect(decision.reasons[0]?.message).toContain('could not be evaluated');
  const loosens = aSnapshot([rule({ when, effect: 'allow-external' })]);
  const load = aStatement({ class: 'load' });
  expect(decide(load, anEstimate(), aContext(loosens, { location: 'external' })).kind).toBe(
    'refuse',
  );
});

test('a statement with more tables than a condition may walk counts as fired', () => {
  const tablesRead = Array.from({ length: 501 }, (_, index) => `A.B.T${index}`);
  const snapshot = aSnapshot([rule({ when: 'statement.tablesRead.exists(t, t == "A.B.PII")' })]);
  expect(decide(aStatement({ tablesRead }), anEstimate(), aContext(snapshot)).kind).toBe('refuse');
});

test('an estimate above the ceiling refuses, a guess never does by amount alone', () => {
  const dear = { highCredits: credits('10.000000000001') };
  expect(decide(aStatement(), anEstimate(dear), aContext())).toMatchObject({
    kind: 'refuse',
    cause: { kind: 'ceiling', ceilingCredits: credits('10'), source: 'tier interactive' },
  });
  expect(decide(aStatement(), anEstimate({ ...dear, basis: 'GUESS' }), aContext()).kind).toBe(
    'allow',
  );
  expect(decide(aStatement(), anEstimate({ highCredits: credits('10') }), aContext()).kind).toBe(
    'allow',
  );
});

test('a ceiling rule lowers the ceiling and is never a way to raise it', () => {
  const ceiling = (ceilingCredits: string) =>
    aContext(aSnapshot([rule({ effect: 'ceiling', ceilingCredits, when: 'true' } as never)]));
  expect(decide(star, anEstimate(), ceiling('3')).ceilingCredits).toBe(credits('3'));
  expect(decide(star, anEstimate(), ceiling('300')).ceilingCredits).toBe(credits('10'));
  expect(decide(star, anEstimate(), ceiling('1'))).toMatchObject({
    kind: 'refuse',
    cause: { source: 'a rule' },
  });
});

test('opaque text follows the policy of its tier', () => {
  const opaque = aStatement({ opaque: true });
  const kind = (policy: string) =>
    decide(opaque, anEstimate(), withTier('interactive', { opaque: policy })).kind;
  expect(['allow', 'approve', 'refuse'].map(kind)).toEqual(['allow', 'approve', 'refuse']);
});

test('data leaves or enters the account only through own stages or a rule that allows it', () => {
  const unload = aStatement({ class: 'unload' });
  const kind = (
    location: 'none' | 'internal' | 'external' | 'unknown',
    rules: RuleDocument[] = [],
  ) => decide(unload, anEstimate(), aContext(aSnapshot(rules), { location })).kind;
  expect(kind('internal')).toBe('allow');
  expect(kind('external')).toBe('refuse');
  expect(kind('unknown')).toBe('refuse');
  expect(kind('none')).toBe('refuse');
  const allows = rule({ effect: 'allow-external', when: 'caller.team == "marketing"' });
  expect(kind('external', [allows])).toBe('allow');
  expect(kind('external', [{ ...allows, mode: 'shadow' }])).toBe('refuse');
  expect(
    decide(aStatement(), anEstimate(), aContext(aSnapshot(), { location: 'external' })).kind,
  ).toBe('refuse');
});

test("the demo loads by a named stage, and moves nothing else over the account's border", () => {
  const snapshot = aSnapshot(demoControlDocument().rules);
  const kind = (of: 'load' | 'unload' | 'file', location: 'external' | 'unknown') =>
    decide(aStatement({ class: of }), anEstimate(), aContext(snapshot, { location })).kind;
  expect(kind('load', 'unknown')).toBe('allow');
  expect(kind('load', 'external')).toBe('refuse');
  expect(kind('unload', 'unknown')).toBe('refuse');
  expect(kind('file', 'unknown')).toBe('refuse');
});

test('a text is judged by its strictest statement, and by the sum of what it costs', () => {
  const { location: _location, ...context } = aContext(aSnapshot([rule()]));
  const cheap = { facts: aStatement(), estimate: anEstimate(), location: 'none' } as const;
  const total = (high: string) => anEstimate({ highCredits: credits(high) });
  expect(decideText([cheap, cheap], total('4'), context).kind).toBe('allow');
  expect(decideText([cheap, { ...cheap, facts: star }], total('4'), context)).toMatchObject({
    kind: 'refuse',
    cause: { kind: 'rule' },
  });
  expect(decideText([cheap, cheap], total('11'), context)).toMatchObject({
    kind: 'refuse',
    cause: { kind: 'ceiling' },
  });
  expect(decideText([], anEstimate({ basis: 'FREE' }), context).kind).toBe('allow');
});

test.each<[string, Partial<StatementFacts>, Partial<StatementFacts>]>([
  [
    "statement.functions.exists(f, glob(f, 'SNOWFLAKE.CORTEX.*'))",
    { functions: ['COUNT', 'SNOWFLAKE.CORTEX.COMPLETE'] },
    { functions: ['COUNT', 'CORTEX_COUNT'] },
  ],
  [
    "statement.innerClasses.exists(c, c == 'administration')",
    { class: 'script', innerClasses: ['query', 'administration'] },
    { class: 'administration', innerClasses: [] },
  ],
  [
    "statement.stages.exists(s, s.startsWith('s3://') || glob(s, '@RAW.*'))",
    { stages: ['@~/mine', '@raw.landing.files/a.csv'] },
    { stages: ['@~/mine'] },
  ],
  [
    "statement.joins.exists(j, glob(j, 'DB.S.T.A = DB.S.U.*'))",
    {
      joins: [
        {
          leftTable: 'DB.S.T',
          leftColumn: 'A',
          operator: '=',
          rightTable: 'DB.S.U',
          rightColumn: 'B',
        },
      ],
    },
    { joins: [] },
  ],
  ['statement.aggregation', { hasAggregation: true }, { hasWindowFunction: true }],
  ['statement.window', { hasWindowFunction: true }, { hasAggregation: true }],
  ['statement.timeTravel', { hasTimeTravel: true }, { hasSample: true }],
  ['statement.sample', { hasSample: true }, { hasTimeTravel: true }],
])('a rule may refuse by %s', (when, refused, allowed) => {
  const context = aContext(aSnapshot([rule({ when })]));
  const kindOf = (facts: Partial<StatementFacts>) =>
    decide(aStatement(facts), anEstimate(), context).kind;
  expect(kindOf(refused)).toBe('refuse');
  expect(kindOf(allowed)).toBe('allow');
});

test('a list of more than 500 stops the conditions that look into it, and no other', () => {
  const functions = Array.from({ length: 501 }, (_, index) => `F${index}`);
  const decisionBy = (when: string) =>
    decide(aStatement({ functions }), anEstimate(), aContext(aSnapshot([rule({ when })])));
  const looking = decisionBy("statement.functions.exists(f, f == 'NO_SUCH')");
  expect(looking.kind).toBe('refuse');
  expect(looking.reasons[0]?.message).toContain('more than 500 functions');
  expect(decisionBy('statement.selectStar').kind).toBe('allow');
});
