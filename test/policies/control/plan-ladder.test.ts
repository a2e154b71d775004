import { expect, test } from 'vitest';
import { must } from '#base/assert.js';
import { demoControlDocument } from '#policies/control/demo.js';
import { ladderChange, serviceChange } from '#policies/control/plan-ladder.js';

const [budget] = demoControlDocument().budgets;
const [tier] = demoControlDocument().tiers;

test('a plan tells ladders, hours, switches and promises that come, change and go', () => {
  const plain = must(budget, 'a budget');
  const ladder = [
    { atPercent: 80, step: 'warn' },
    { atPercent: 100, step: 'slower-tier', tier: 'batch', aboveCredits: '5' },
    { atPercent: 120, step: 'approve', waitSeconds: 60 },
  ] as const;
  expect(ladderChange(plain, { ...plain, ladder })).toBe(
    'ladder none → from 80 % warn; from 100 % slower-tier batch, above 5 credits; from 120 % approve, waiting up to 60 s',
  );
  const before = must(tier, 'a tier');
  const after = {
    ...before,
    switch: 'session',
    slo: { waitSeconds: 2, percent: '95' },
    offPeak: {
      timeZone: 'UTC',
      windows: [
        { from: '20:00', to: '06:00' },
        { from: '00:00', to: '00:00', days: ['sunday'] },
      ],
    },
  } as const;
  expect(serviceChange(before, after, 'switch')).toMatch(/come by USE WAREHOUSE/);
  expect(serviceChange(after, before, 'switch')).toMatch(/are refused and told the warehouse/);
  expect(serviceChange(before, after, 'slo')).toBe('promises none → 95 % within 2 s');
  expect(serviceChange(after, before, 'offPeak')).toBe(
    'off-peak hours 20:00 to 06:00; 00:00 to 00:00 on sunday in UTC → none',
  );
});
