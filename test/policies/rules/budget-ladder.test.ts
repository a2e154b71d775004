/**
 * Ladders of budgets: each rung at its percent and not below, alone and with all below it; what off-peak waiting passes;
 * and how much of a month beyond a soft limit is served by a ladder, later or cheaper.
 */
import { expect, test } from 'vitest';
import { must } from '#base/assert.js';
import { demoControlDocument } from '#policies/control/demo.js';
import { controlDocumentSchema } from '#policies/control/schema.js';
import type { ControlSnapshot } from '#policies/control/snapshot.js';
import type { OffPeakDocument, RungDocument } from '#policies/control/ladder-documents.js';
import { decide } from '#policies/rules/evaluate.js';
import type { DecisionContext } from '#policies/rules/decision-context.js';
import { refusalOf } from '#policies/rules/refusal-of.js';
import { buildTicketId } from '../../support/builders.js';
import { aContext, anEstimate, aSnapshot, aStatement, AT, credits } from '../builders.js';
import { normal, seeded } from '../lanes/support.js';

const OFF_PEAK: OffPeakDocument = { timeZone: 'UTC', windows: [{ from: '20:00', to: '06:00' }] };
const EVENING = Date.UTC(2026, 10, 23, 20);

const LADDER: readonly RungDocument[] = [
  { atPercent: 70, step: 'warn' },
  { atPercent: 80, step: 'slower-tier', tier: 'batch' },
  { atPercent: 90, step: 'smaller-warehouse', tier: 'interactive' },
  { atPercent: 100, step: 'off-peak' },
  { atPercent: 110, step: 'approve', waitSeconds: 60 },
  { atPercent: 120, step: 'refuse' },
];

const snapshots = new Map<readonly RungDocument[], ControlSnapshot>();

/** The demo with the ladder on the budget of marketing. */
function withLadder(rungs: readonly RungDocument[]): ControlSnapshot {
  const known = snapshots.get(rungs);
  if (known !== undefined) return known;
  const made = aSnapshot([], {
    budgets: demoControlDocument().budgets.map((budget) =>
      budget.node === 'marketing' ? { ...budget, hard: false, ladder: rungs } : budget,
    ),
  });
  snapshots.set(rungs, made);
  return made;
}

function decided(
  rungs: readonly RungDocument[],
  percent: number | null,
  changes: Partial<DecisionContext> = {},
  estimate = anEstimate(),
) {
  const snapshot = withLadder(rungs);
  const tier = { ...must(snapshot.tier('standard'), 'a tier of the demo'), offPeak: OFF_PEAK };
  const usedPercent = new Map(percent === null ? [] : [['marketing-monthly', percent]]);
  const standings = { usedPercent, leastLeft: null };
  return decide(
    aStatement(),
    estimate,
    aContext(snapshot, { tier, warehouse: 'STANDARD_WH', standings, ...changes }),
  );
}

const DECISIONS = {
  warn: { kind: 'allow' },
  'slower-tier': { kind: 'queue', tier: 'batch' },
  'smaller-warehouse': { kind: 'reroute', tier: 'interactive' },
  'off-peak': { kind: 'refuse', cause: { kind: 'off-peak', opensAt: EVENING, isOffered: true } },
  approve: { kind: 'approve', waitSeconds: 60, cause: { ruleId: 'ladder:marketing-monthly' } },
  refuse: { kind: 'refuse', cause: { kind: 'rule', ruleId: 'ladder:marketing-monthly' } },
} as const;

test.each(LADDER)('the rung $step begins at $atPercent %, alone and above all others', (rung) => {
  const { step, atPercent } = rung;
  expect(decided([rung], atPercent)).toMatchObject(DECISIONS[step]);
  expect(decided([rung], atPercent - 1)).toMatchObject({ kind: 'allow', warnings: [] });
  expect(decided(LADDER, atPercent)).toMatchObject(DECISIONS[step]);
  expect(decided(LADDER, atPercent).warnings).toEqual([
    {
      source: 'ladder:marketing-monthly',
      message: `marketing-monthly has used ${atPercent} % of its limit`,
    },
  ]);
});

test('a budget whose use is not known has no rung, and a free statement climbs none', () => {
  expect(decided(LADDER, null)).toMatchObject({ kind: 'allow', warnings: [] });
  expect(decided(LADDER, 500, {}, anEstimate({ basis: 'FREE' }))).toMatchObject({ kind: 'allow' });
});

test('a rung above an amount lets cheaper statements pass', () => {
  const rung = { atPercent: 80, step: 'slower-tier', tier: 'batch', aboveCredits: '5' } as const;
  const dear = anEstimate({ highCredits: credits('5.000000000001') });
  expect(decided([rung], 80, {}, anEstimate({ highCredits: credits('5') })).kind).toBe('allow');
  expect(decided([rung], 80, {}, dear).kind).toBe('queue');
});

test('who waits for the off-peak hours climbs neither that rung nor a milder one, but the stricter ones', () => {
  expect(decided(LADDER, 105, { isOffPeak: true })).toMatchObject({ kind: 'allow' });
  expect(decided(LADDER, 112, { isOffPeak: true })).toMatchObject({ kind: 'approve' });
  expect(decided(LADDER, 130, { isOffPeak: true })).toMatchObject({ kind: 'refuse' });
});

test('waiting is offered only where no hard budget would refuse the hold', () => {
  const told = (left: string): string => {
    const leastLeft = credits(left);
    const usedPercent = new Map([['marketing-monthly', 100]]);
    const decision = decided(LADDER, 100, { standings: { usedPercent, leastLeft } });
    if (decision.kind !== 'refuse') throw new Error(decision.kind);
    return refusalOf(decision.cause, {
      ticketId: buildTicketId(),
      estimate: anEstimate(),
      tier: 'standard',
      pricePerCredit: credits('3') as never,
      currency: 'USD',
      at: AT,
    }).message;
  };
  const offer =
    /send it as \/\* tollgate: off-peak \*\/ <statement>.* from 23 Nov 20:00 UTC \(in 8 h\)/;
  expect(told('2')).toMatch(offer);
  expect(told('1.999999999999')).not.toMatch(/send it as/);
  expect(told('2')).toMatch(
    /^TG2104 Not run, nothing charged: about \$1\.50 to \$6\.00: marketing-monthly has used 100 % of its limit/,
  );
});

test.each([
  [
    'rungs that fall',
    [
      { atPercent: 80, step: 'warn' },
      { atPercent: 70, step: 'refuse' },
    ],
    /rises/,
  ],
  ['a slower tier without a tier', [{ atPercent: 80, step: 'slower-tier' }], /must name a tier/],
  ['a refusal with a tier', [{ atPercent: 80, step: 'refuse', tier: 'batch' }], /no other step/],
  ['a warning that waits', [{ atPercent: 80, step: 'warn', waitSeconds: 5 }], /approve only/],
  ['a percent below nothing', [{ atPercent: -1, step: 'warn' }], /whole number/],
])('%s is no ladder', (_name, rungs, words) => {
  const demo = demoControlDocument();
  const [first, ...rest] = demo.budgets;
  const read = controlDocumentSchema.safeParse({
    ...demo,
    budgets: [{ ...first, ladder: rungs }, ...rest],
  });
  expect(read.success).toBe(false);
  expect(JSON.stringify(read.error?.issues)).toMatch(words);
});

test('at least 90 % of what comes beyond a soft limit is served by a ladder, later or cheaper', () => {
  const random = seeded(5);
  const ladder: readonly RungDocument[] = [
    { atPercent: 100, step: 'slower-tier', tier: 'batch' },
    { atPercent: 120, step: 'smaller-warehouse', tier: 'interactive', aboveCredits: '0.5' },
    { atPercent: 150, step: 'off-peak', aboveCredits: '2' },
    { atPercent: 200, step: 'refuse', aboveCredits: '5' },
  ];
  // A month of the demo's team of 40 credits that asks for twice that: most statements are cheap, few are very dear.
  const counts = { served: 0, refused: 0, inPlain: 0 };
  const limit = 40;
  let spent = 0;
  for (let index = 0; index < 2_000 && spent < 2 * limit; index += 1) {
    const expected = Math.exp(normal(random) * 1.2) * 0.05;
    const estimate = anEstimate({
      highCredits: credits((expected * 2).toFixed(12)),
      expectedCredits: credits(expected.toFixed(12)),
    });
    const percent = Math.floor((spent / limit) * 100);
    const hour = Math.floor(random() * 24);
    const at = Date.UTC(2026, 10, 23, hour);
    const { kind } = decided(ladder, percent, { at }, estimate);
    const isServed = kind !== 'refuse' && kind !== 'approve';
    if (isServed) spent += expected;
    if (percent < 100) counts.inPlain += 1;
    else counts[isServed ? 'served' : 'refused'] += 1;
  }
  expect(counts.served + counts.refused).toBeGreaterThan(200);
  expect(counts.refused).toBeGreaterThan(0);
  const share = counts.served / (counts.served + counts.refused);
  expect(share, JSON.stringify(counts)).toBeGreaterThanOrEqual(0.9);
});
