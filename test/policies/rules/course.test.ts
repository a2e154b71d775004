/** What becomes of a statement by its decision: the order in which move, hours and refusal are asked. */
import { expect, test } from 'vitest';
import { demoControlDocument } from '#policies/control/demo.js';
import { type Course, courseOf, type CourseQuestion } from '#policies/rules/course.js';
import type { Decision } from '#policies/rules/decision.js';
import { aSnapshot, aStatement, AT, credits } from '../builders.js';

const BASE = { ceilingCredits: credits('1'), reasons: [], warnings: [], shadow: [] };
const ALLOW: Decision = { ...BASE, kind: 'allow' };
const QUEUE: Decision = { ...BASE, kind: 'queue', tier: 'batch' };
const MOVE: Decision = { ...BASE, kind: 'reroute', tier: 'batch' };
const REFUSE: Decision = { ...BASE, kind: 'refuse', cause: { kind: 'opaque' } };
const EVENING = { timeZone: 'UTC', windows: [{ from: '20:00', to: '06:00' }] };
const NOON = AT;
const NIGHT = AT + 9 * 3_600_000;

function course(decision: Decision, changes: Partial<CourseQuestion<string>> = {}): Course<string> {
  const tiers = demoControlDocument().tiers.map((tier) => ({
    ...tier,
    switch: 'session' as const,
  }));
  return courseOf<string>(decision, {
    snapshot: aSnapshot([], { tiers }),
    statements: [aStatement()],
    isFree: false,
    warehouse: 'INTERACTIVE_WH',
    isSwitched: false,
    movedTo: (warehouse) => warehouse,
    tier: { offPeak: null },
    isOffPeak: false,
    at: NOON,
    ...changes,
  });
}

test('a move comes before hours that its own tier does not have, and is made once', () => {
  expect(course(MOVE, { isOffPeak: true })).toEqual({ kind: 'moved', there: 'BATCH_WH' });
  expect(course(MOVE, { isSwitched: true })).toEqual({ kind: 'refused', decision: MOVE });
});

test('what cannot be switched, or not be priced there, stays and is told the warehouse', () => {
  const told = { kind: 'refused', decision: MOVE };
  expect(course(MOVE, { statements: null })).toEqual(told);
  expect(course(MOVE, { movedTo: () => null })).toEqual(told);
  expect(course(MOVE, { warehouse: null })).toEqual(told);
});

test('hours that its tier does not have are told before what refuses it', () => {
  expect(course(REFUSE, { isOffPeak: true })).toEqual({ kind: 'noHours' });
  expect(course(REFUSE, { isOffPeak: true, tier: { offPeak: EVENING } })).toEqual({
    kind: 'refused',
    decision: REFUSE,
  });
});

test('what chose the hours runs when they are: from their beginning, or at once', () => {
  const tier = { offPeak: EVENING };
  const evening = NOON + 8 * 3_600_000;
  expect(course(QUEUE, { isOffPeak: true, tier })).toEqual({ kind: 'runs', runsAt: evening });
  expect(course(ALLOW, { isOffPeak: true, tier, at: NIGHT })).toEqual({
    kind: 'runs',
    runsAt: NIGHT,
  });
  expect(course(ALLOW, { tier })).toEqual({ kind: 'runs', runsAt: null });
});

test('what uses no warehouse runs on any, and waits for no hours', () => {
  expect(course(MOVE, { isFree: true, isOffPeak: true })).toEqual({ kind: 'runs', runsAt: null });
  expect(course(REFUSE, { isFree: true })).toEqual({ kind: 'refused', decision: REFUSE });
});
