import { expect, test } from 'vitest';
import { parseMoney } from '../../base/units.js';
import { CALM_MS, OfflineAllowances } from '../../billing/offline.js';
import type { Allowance, OfflineClaim } from '../../billing/offline.js';
import { credits } from '../support/builders.js';

const TWO_CREDITS: Allowance = { kind: 'credits', credits: credits('2') };

function claim(amount: string, budgets: Readonly<Record<string, Allowance>>): OfflineClaim {
  return {
    budgets: Object.entries(budgets).map(([budgetId, allowance]) => ({ budgetId, allowance })),
    credits: credits(amount),
    pricePerCredit: parseMoney('3'),
  };
}

test('an allowance is given to its last unit and not further', () => {
  const offline = new OfflineAllowances();
  offline.failed();
  expect(offline.take(claim('1.5', { a: TWO_CREDITS }))).toEqual({ kind: 'taken' });
  expect(offline.take(claim('0.500000000001', { a: TWO_CREDITS }))).toEqual({
    kind: 'short',
    budgetId: 'a',
  });
  expect(offline.take(claim('0.5', { a: TWO_CREDITS }))).toEqual({ kind: 'taken' });
  expect(offline.usedCredits('a')).toBe(credits('2'));
});

test('an allowance in money counts at the price of each statement, rounded up', () => {
  const offline = new OfflineAllowances();
  offline.failed();
  const sixUsd: Allowance = { kind: 'money', money: parseMoney('6') };
  expect(offline.take(claim('1', { a: sixUsd })).kind).toBe('taken');
  const dear = { ...claim('0.5', { a: sixUsd }), pricePerCredit: parseMoney('6.000000000002') };
  expect(offline.take(dear).kind).toBe('short');
  expect(offline.take(claim('1', { a: sixUsd })).kind).toBe('taken');
});

test('of a path with one budget that is short, none gives anything', () => {
  const offline = new OfflineAllowances();
  offline.failed();
  const path = { a: TWO_CREDITS, b: { kind: 'credits', credits: credits('1') } } as const;
  expect(offline.take(claim('1.5', path))).toEqual({ kind: 'short', budgetId: 'b' });
  expect(offline.usedCredits('a')).toBe(0n);
});

test('what was not sent goes back, once the outage is not over', () => {
  const offline = new OfflineAllowances();
  offline.failed();
  const taken = claim('2', { a: TWO_CREDITS });
  offline.take(taken);
  offline.giveBack(taken);
  expect(offline.usedCredits('a')).toBe(0n);
  offline.take(taken);
  offline.answered(0, 0);
  expect(offline.answered(CALM_MS, 0)).toBe(true);
  offline.giveBack(taken);
  expect(offline.usedCredits('a')).toBe(0n);
});

test('a connection that comes and goes does not give the allowance anew', () => {
  const offline = new OfflineAllowances();
  offline.failed();
  offline.take(claim('2', { a: TWO_CREDITS }));
  for (let atMs = 0; atMs < 10 * CALM_MS; atMs += CALM_MS - 1) {
    expect(offline.answered(atMs, 0)).toBe(false);
    expect(offline.answered(atMs + CALM_MS - 2, 0)).toBe(false);
    offline.failed();
    expect(offline.take(claim('0.1', { a: TWO_CREDITS })).kind).toBe('short');
  }
  expect(offline.outage).toBe(1);
});

test('an outage is not over while the ledger has not been told of everything', () => {
  const offline = new OfflineAllowances();
  offline.failed();
  expect(offline.answered(0, 1)).toBe(false);
  expect(offline.answered(5 * CALM_MS, 1)).toBe(false);
  expect(offline.answered(5 * CALM_MS, 0)).toBe(true);
  expect(offline.isOpen).toBe(false);
  offline.failed();
  expect(offline.outage).toBe(2);
});
