import { demoControlDocument } from '#policies/control/demo.js';
import type { ControlDocument, RuleDocument } from '#policies/control/document.js';
import { type ControlSnapshot, createSnapshot } from '#policies/control/snapshot.js';
import type { Estimate } from '#policies/estimate/estimate.js';
import type { Outcome } from '#policies/estimate/history-store.js';
import type { ShapeFacts } from '#policies/estimate/shape.js';
import type { DecisionContext } from '#policies/rules/decision-context.js';
import type { StatementFacts } from '#policies/sql/facts.js';
import { bareFacts } from '#policies/sql/bare-facts.js';
import { type Credits, parseCredits } from '#base/units.js';
import { must } from '#base/assert.js';

export const AT: number = Date.UTC(2026, 10, 23, 12);

export function aStatement(changes: Partial<StatementFacts> = {}): StatementFacts {
  return {
    ...bareFacts('query', 'f'.repeat(32)),
    tablesRead: ['ANALYTICS.WEB.EVENTS'],
    columns: { 'ANALYTICS.WEB.EVENTS': ['USER_ID'] },
    readings: [{ table: 'ANALYTICS.WEB.EVENTS', filters: changes.filters ?? [] }],
    ...changes,
  };
}

export function anEstimate(changes: Partial<Estimate> = {}): Estimate {
  return {
    basis: 'HISTORY',
    lowCredits: credits('0.5'),
    expectedCredits: credits('1'),
    highCredits: credits('2'),
    expectedSeconds: 900,
    bytes: null,
    partitions: null,
    advice: [],
    expectedElapsedSeconds: 900,
    shape: null,
    believed: null,
    ...changes,
  };
}

/** A shape on an X-Small of the interactive tier, of which nothing but its fingerprint is known. */
export function aShape(changes: Partial<ShapeFacts> = {}): ShapeFacts {
  return {
    fingerprint: 'f'.repeat(32),
    literalsHash: '',
    form: 'query',
    tables: '',
    tier: 'interactive',
    warehouse: 'INTERACTIVE_WH',
    warehouseSize: 'XSMALL',
    bytes: null,
    ...changes,
  };
}

export function anOutcome(changes: Partial<Outcome> = {}): Outcome {
  const seconds = changes.seconds ?? 10;
  return {
    shape: aShape(),
    creditsPerHour: 1,
    seconds,
    elapsedSeconds: seconds,
    statisticsSeconds: null,
    believed: null,
    ...changes,
  };
}

export function credits(text: string): Credits {
  return parseCredits(text);
}

/** Amounts that the tests count on, whatever the demo says today. */
const TIER_AMOUNTS = {
  ceilingCredits: '10',
  guessHoldCredits: '0.05',
  guessExpectedCredits: '0.005',
} as const;

/** The demo document with other rules and the same amounts in every tier. */
export function aSnapshot(
  rules: readonly RuleDocument[] = [],
  changes: Partial<ControlDocument> = {},
): ControlSnapshot {
  const demo = demoControlDocument();
  const tiers = demo.tiers.map((tier) => ({ ...tier, ...TIER_AMOUNTS }));
  return createSnapshot({ ...demo, tiers, rules, ...changes }, 7);
}

export function aContext(
  snapshot: ControlSnapshot = aSnapshot(),
  changes: Partial<DecisionContext> = {},
): DecisionContext {
  const who = snapshot.resolvePrincipal({
    account: 'demo',
    snowflakeUser: 'MARKETING_ANALYST',
    role: null,
    address: null,
  });
  if (who.kind !== 'known') throw new Error('the demo analyst is known');
  return {
    snapshot,
    account: 'demo',
    team: who.team,
    principal: who.principal,
    via: null,
    role: null,
    tier: must(snapshot.tier('interactive'), 'a tier of the demo'),
    warehouse: 'INTERACTIVE_WH',
    workload: null,
    client: 'snowflake-sdk 2.0.0',
    location: 'none',
    at: AT,
    ...changes,
  };
}
