import { expect, test } from 'vitest';
import { demoControlDocument } from '#policies/control/demo.js';
import type { ControlDocument } from '#policies/control/document.js';
import { parseControlDocument } from '#policies/control/parse.js';
import type { ControlProblem } from '#policies/control/problem.js';

/** The demo document as plain JSON, changed by `edit`. */
function edited(edit: (raw: Record<string, never>) => void): unknown {
  const raw = JSON.parse(JSON.stringify(demoControlDocument())) as Record<string, never>;
  edit(raw);
  return raw;
}

function problemsOf(raw: unknown): readonly ControlProblem[] {
  const parsed = parseControlDocument(raw);
  return parsed.ok ? [] : parsed.problems;
}

const at = (raw: unknown, ...path: (string | number)[]): Record<string, unknown> =>
  path.reduce((value, key) => (value as never)[key], raw) as Record<string, unknown>;

test('the demo document is accepted and comes back as it was', () => {
  const document: ControlDocument = demoControlDocument();
  expect(parseControlDocument(document)).toEqual({ ok: true, document });
  expect(document.teams).toHaveLength(15);
  expect(new Set(document.teams.map((team) => team.department)).size).toBe(4);
});

test('every problem of shape and of reference is reported in one answer, each with a way out', () => {
  const problems = problemsOf(
    edited((raw) => {
      at(raw, 'budgets', 0)['node'] = 'nobody';
      at(raw, 'budgets', 1)['limitCredits'] = 40;
      at(raw, 'budgets', 2)['limitCredits'] = '-1';
      at(raw, 'tiers', 0)['color'] = 'red';
      at(raw, 'teams', 3)['department'] = 'no-such';
      at(raw, 'rules', 0)['when'] = 'statement.nope == 1';
      delete at(raw)['defaultTier'];
    }),
  );
  expect(problems.map((problem) => problem.path).sort()).toEqual([
    'budgets[0].node',
    'budgets[1].limitCredits',
    'budgets[2].limitCredits',
    'defaultTier',
    'rules[0].when',
    'teams[3].department',
    'tiers[0].color',
  ]);
  for (const problem of problems) {
    expect(problem.rule).not.toBe('');
    expect(problem.wayOut).not.toBe('');
  }
  expect(problems.find((problem) => problem.path === 'budgets[1].limitCredits')?.rule).toContain(
    'in quotes',
  );
});

test.each<[string, (raw: Record<string, never>) => void, string]>([
  ['a team twice', (raw) => (at(raw, 'teams', 1)['id'] = 'marketing'), 'teams[1].id'],
  [
    'a team named like a department',
    (raw) => (at(raw, 'teams', 1)['id'] = 'service'),
    'teams[1].id',
  ],
  [
    'a warehouse with two tiers',
    (raw) => (at(raw, 'tiers', 1)['warehouse'] = 'interactive_wh'),
    'tiers[1].warehouse',
  ],
  [
    'an unknown account',
    (raw) => (at(raw, 'mapping', 0, 'match')['account'] = 'prod'),
    'mapping[0].match.account',
  ],
  ['a mapping to nothing', (raw) => delete at(raw, 'mapping', 0)['principal'], 'mapping[0]'],
  ['a mapping to two targets', (raw) => (at(raw, 'mapping', 0)['team'] = 'sales'), 'mapping[0]'],
  [
    'a mapping that matches anything',
    (raw) => (at(raw, 'mapping', 0)['match'] = {}),
    'mapping[0].match',
  ],
  [
    'a zone that does not exist',
    (raw) => (at(raw, 'budgets', 0, 'period')['timeZone'] = 'Mars/Olympus'),
    'budgets[0].period.timeZone',
  ],
  [
    'a week start on a month',
    (raw) => (at(raw, 'budgets', 0, 'period')['weekStartsOn'] = 'monday'),
    'budgets[0].period.weekStartsOn',
  ],
  ['a rate given twice', (raw) => (at(raw, 'rates', 1)['size'] = 'X-Small'), 'rates[1]'],
  [
    'a day that does not exist',
    (raw) => (at(raw, 'rates', 1)['effectiveFrom'] = '2026-02-30'),
    'rates[1].effectiveFrom',
  ],
  [
    'a price that ends before it begins',
    (raw) => (at(raw, 'prices', 0)['effectiveTo'] = '2019-01-01'),
    'prices[0].effectiveTo',
  ],
  [
    'a size that does not exist',
    (raw) => (at(raw, 'warehouses', 0)['size'] = 'HUGE'),
    'warehouses[0].size',
  ],
  [
    'a hold above the ceiling',
    (raw) => (at(raw, 'tiers', 0)['guessHoldCredits'] = '11'),
    'tiers[0].guessHoldCredits',
  ],
  ['a reroute to no tier', (raw) => (at(raw, 'rules', 2)['tier'] = 'turbo'), 'rules[2].tier'],
  ['a rule for no team', (raw) => (at(raw, 'rules', 2)['teams'] = ['ghosts']), 'rules[2].teams[0]'],
  [
    'an effect that does not exist',
    (raw) => (at(raw, 'rules', 0)['effect'] = 'explode'),
    'rules[0].effect',
  ],
])('%s is refused at its path', (_name, edit, path) => {
  const problems = problemsOf(edited(edit));
  expect(problems.map((problem) => problem.path)).toContain(path);
});

test.each([null, undefined, 7, 'text', [], {}, { teams: 'x', budgets: [null, 3] }])(
  'anything that is no document is refused without throwing: %j',
  (raw) => {
    expect(parseControlDocument(raw).ok).toBe(false);
  },
);
