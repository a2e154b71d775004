import { expect, test } from 'vitest';
import { demoControlDocument } from '#policies/control/demo.js';
import { parseControlDocument } from '#policies/control/parse.js';

/** Where the demo's first budget, which is hard unless told otherwise, has a problem with this `failMode`. */
function problemsWith(failMode: unknown, changes: object = {}): readonly string[] {
  const document = demoControlDocument();
  const budgets = document.budgets.map((budget, index) =>
    index === 0 ? { ...budget, ...changes, failMode } : budget,
  );
  const parsed = parseControlDocument({ ...document, budgets });
  return parsed.ok ? [] : parsed.problems.map(({ path, rule }) => `${path} ${rule}`);
}

test.each<readonly [object, object]>([
  [{ kind: 'leases' }, {}],
  [{ kind: 'refuse' }, {}],
  [{ kind: 'allowance', credits: '0.5' }, { hard: false }],
  [{ kind: 'allowance', amount: '20' }, { hard: false }],
  [{ kind: 'allowance', amount: '20' }, { limitCredits: 'unlimited' }],
])('%j of a budget with %j is accepted', (failMode, changes) => {
  expect(problemsWith(failMode, changes)).toEqual([]);
});

test.each<readonly [unknown, string, string]>([
  [{ kind: 'open' }, 'budgets[0].failMode.kind', ''],
  [{ kind: 'allowance' }, 'budgets[0].failMode', 'must name credits or amount'],
  [{ kind: 'allowance', credits: '1', amount: '1' }, 'budgets[0].failMode', 'and not both'],
  [{ kind: 'leases', credits: '1' }, 'budgets[0].failMode', 'neither if it is not'],
  [{ kind: 'allowance', credits: '0' }, 'budgets[0].failMode.credits', 'must be more than 0'],
  [{ kind: 'allowance', credits: '-1' }, 'budgets[0].failMode.credits', 'not negative'],
  [{ kind: 'allowance', amount: 'NaN' }, 'budgets[0].failMode.amount', 'decimal amount in quotes'],
  [{ kind: 'allowance', amount: 20 }, 'budgets[0].failMode.amount', 'decimal amount in quotes'],
  [{ kind: 'leases', more: 1 }, 'budgets[0].failMode.more', ''],
])('%j is refused at %s', (failMode, path, rule) => {
  const found = problemsWith(failMode, { hard: false });
  expect(found.some((text) => text.startsWith(`${path} `) && text.includes(rule))).toBe(true);
});

test('a hard budget promises nothing past its limit', () => {
  expect(problemsWith({ kind: 'allowance', credits: '1' })).toEqual([
    'budgets[0].failMode.kind must not be allowance for a hard budget: what nobody can count would pass its limit',
  ]);
});
