/**
 * The ladder: warn, slower tier, smaller warehouse, off-peak, approval, refuse. Each rung as a rule alone, all rungs up to
 * one together, and each rung in every mode and for one team: what decides is always the highest that is enforced.
 */
import { expect, test } from 'vitest';
import type { RuleDocument } from '#policies/control/document.js';
import type { RuleMode } from '#policies/control/choices.js';
import { must } from '#base/assert.js';
import type { OffPeakDocument } from '#policies/control/ladder-documents.js';
import { decide } from '#policies/rules/evaluate.js';
import type { DecisionContext } from '#policies/rules/decision-context.js';
import { aContext, anEstimate, aSnapshot, aStatement } from '../builders.js';

const dear = { when: 'estimate.highCredits > credits("1")', message: 'it is dear' } as const;
/** A Monday: 12:00 UTC is in working hours, 23:00 is not; the off-peak hours begin at 20:00. */
const [NOON, NIGHT, EVENING] = [12, 23, 20].map((hour) => Date.UTC(2026, 10, 23, hour));
const OFF_PEAK: OffPeakDocument = {
  timeZone: 'UTC',
  windows: [{ from: '20:00', to: '06:00' }],
};

/** From the mildest to the strictest, on a statement of the standard tier. */
const LADDER: readonly (readonly [rung: string, rule: RuleDocument, decision: object])[] = [
  ['warn', { id: 'warn', mode: 'warn', effect: 'refuse', ...dear }, { kind: 'allow' }],
  [
    'slower tier',
    { id: 'slower', mode: 'enforce', effect: 'queue', tier: 'batch', ...dear },
    { kind: 'queue', tier: 'batch' },
  ],
  [
    'smaller warehouse',
    { id: 'smaller', mode: 'enforce', effect: 'reroute', tier: 'interactive', ...dear },
    { kind: 'reroute', tier: 'interactive' },
  ],
  [
    'off-peak',
    { id: 'off-peak', mode: 'enforce', effect: 'off-peak', ...dear },
    { kind: 'refuse', cause: { kind: 'off-peak', ruleId: 'off-peak', opensAt: EVENING } },
  ],
  [
    'approval',
    { id: 'approval', mode: 'enforce', effect: 'approve', ...dear },
    { kind: 'approve', waitSeconds: 0, cause: { ruleId: 'approval' } },
  ],
  [
    'refuse',
    { id: 'refuse', mode: 'enforce', effect: 'refuse', ...dear },
    { kind: 'refuse', cause: { kind: 'rule', ruleId: 'refuse' } },
  ],
];

function decided(
  rules: readonly RuleDocument[],
  at: number = NOON ?? 0,
  changes: Partial<DecisionContext> = {},
) {
  const snapshot = aSnapshot(rules);
  const tier = { ...must(snapshot.tier('standard'), 'a tier of the demo'), offPeak: OFF_PEAK };
  return decide(
    aStatement(),
    anEstimate(),
    aContext(snapshot, { tier, warehouse: 'STANDARD_WH', at, ...changes }),
  );
}

test.each(LADDER)('the rung %s alone decides as it says', (_rung, rule, decision) => {
  expect(decided([rule])).toMatchObject(decision);
});

test('with every rung up to one, in any order, the highest decides and the warning stands', () => {
  for (const [index, [rung, , decision]] of LADDER.entries()) {
    const rules = LADDER.slice(0, index + 1).map(([, rule]) => rule);
    for (const order of [rules, rules.toReversed()]) {
      const found = decided(order);
      expect([rung, found]).toMatchObject([rung, decision]);
      expect(found.warnings.map(({ source }) => source)).toEqual(['warn']);
    }
  }
});

test('two approvals wait as long as the more patient', () => {
  const approve = { mode: 'enforce', effect: 'approve', ...dear } as const;
  expect(
    decided([
      { ...approve, id: 'at once' },
      { ...approve, id: 'patient', waitSeconds: 43_200 },
    ]),
  ).toMatchObject({ kind: 'approve', waitSeconds: 43_200 });
});

test('off-peak refuses nobody at night, and nobody who waits for the night', () => {
  const [, rule] = must(LADDER[3], 'off-peak');
  expect(decided([rule], NIGHT).kind).toBe('allow');
  expect(decided([rule], NOON, { isOffPeak: true }).kind).toBe('allow');
  expect(decided([rule]).kind).toBe('refuse');
});

test('a tier without off-peak hours refuses by the rule, and promises nothing', () => {
  const [, rule] = must(LADDER[3], 'off-peak');
  const tier = must(aSnapshot().tier('standard'), 'a tier of the demo');
  expect(decided([rule], NOON, { tier, isOffPeak: true })).toMatchObject({
    kind: 'refuse',
    cause: { kind: 'rule', ruleId: 'off-peak' },
  });
});

const MODES: readonly RuleMode[] = ['shadow', 'warn', 'enforce'];

test.each(LADDER.slice(1))(
  'the rung %s is in shadow for one team, warns another and decides for a third',
  (rung, rule, decision) => {
    for (const mode of MODES) {
      const found = decided([
        { ...rule, mode: 'shadow', modes: { marketing: mode, sales: 'enforce' } },
      ]);
      const hits = [rule.id];
      expect([rung, found]).toMatchObject([
        rung,
        mode === 'enforce' ? decision : { kind: 'allow' },
      ]);
      expect(found.warnings.map(({ source }) => source)).toEqual(mode === 'warn' ? hits : []);
      expect(found.shadow.map(({ source }) => source)).toEqual(mode === 'shadow' ? hits : []);
    }
  },
);

test('a cheap statement climbs no rung', () => {
  const snapshot = aSnapshot(LADDER.map(([, rule]) => rule));
  const cheap = anEstimate({ highCredits: must(anEstimate().lowCredits, 'less than a credit') });
  expect(decide(aStatement(), cheap, aContext(snapshot))).toMatchObject({
    kind: 'allow',
    warnings: [],
    shadow: [],
  });
});
