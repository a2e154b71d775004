import { expect, test } from 'vitest';
import { credits } from '../../support/builders.js';
import { creditsForMillis, parseCredits } from '../../../base/units.js';
import type { Outcome } from '../../../cli/demo/analyst.js';
import { trafficText } from '../../../cli/demo/report.js';
import { HABITS, runawaySharers } from '../../../cli/demo/statements.js';
import { DEMO_RUNAWAY, demoControlDocument } from '../../../policies/control/demo.js';

const document = demoControlDocument();

test("the runaway's ceiling is what its warehouse uses in seconds, so that every run of the demo reaches it", () => {
  const rule = document.rules.find(({ id }) => id === DEMO_RUNAWAY.rule);
  const warehouse = document.warehouses.find(({ name }) => name === DEMO_RUNAWAY.warehouse);
  const rate = document.rates.find(
    ({ size, kind }) => size === warehouse?.size && kind === warehouse.kind,
  );
  const ceiling = rule?.effect === 'ceiling' ? rule.ceilingCredits : '';
  const perHour = parseCredits(rate?.creditsPerHour ?? '');
  expect(creditsForMillis(perHour, DEMO_RUNAWAY.aloneMs, 'up')).toBe(credits(ceiling ?? ''));
  // Beside everybody who works there all the time, it is reached within half a minute of the shortest run that is useful.
  expect(Object.keys(HABITS)).toHaveLength(15);
  expect(runawaySharers()).toBe(3);
  expect(DEMO_RUNAWAY.aloneMs * runawaySharers()).toBeLessThan(20_000);
});

test.each<readonly [string, Outcome, string]>([
  [
    'its ceiling',
    { kind: 'stopped', says: 'TG4001 Stopped after 9 s at $0.06: one statement …' },
    'Its ceiling ended it: the rule sql-lab-on-batch gives it what BATCH_WH uses in 4.5 s.',
  ],
  [
    'the demo itself',
    { kind: 'stopped', says: 'TG4003 Stopped after 90 s at $1.20: killed by admin …' },
    'No ceiling ended it, so the demo killed it',
  ],
  ['nobody', { kind: 'answered' }, 'Its ceiling did not end it'],
])('the closing block says that %s ended it', (_who, runaway, said) => {
  const text = trafficText({ tallies: [], spentCredits: new Map(), runaway }, 80);
  expect(text).toContain(said);
});
