import { expect, test } from 'vitest';
import { demoControlDocument } from '#policies/control/demo.js';
import { diffControl } from '#policies/control/diff.js';
import type { ControlDocument } from '#policies/control/document.js';

const demo = demoControlDocument();
const brief = (after: ControlDocument, before: ControlDocument = demo): string[] =>
  diffControl(before, after).map(
    (each) =>
      `${each.part} ${each.key} ${each.change} ${each.fields.map((one) => one.field).join(',')}`,
  );

test('a document differs in nothing from itself, whatever the order of its keys', () => {
  const reordered = Object.fromEntries(Object.entries(structuredClone(demo)).reverse());
  expect(diffControl(demo, reordered as unknown as ControlDocument)).toEqual([]);
});

test('what is added, removed and changed is named by part, key and field', () => {
  const after: ControlDocument = {
    ...demo,
    defaultTier: 'batch',
    rules: demo.rules.slice(1),
    accounts: [...demo.accounts, { id: 'second', upstream: 'embedded' }],
    budgets: demo.budgets.map((budget) =>
      budget.id === 'ml-monthly' ? { ...budget, hard: false, tier: 'batch' } : budget,
    ),
  };
  expect(brief(after)).toEqual([
    'document organisation changed defaultTier',
    'accounts second added ',
    'budgets ml-monthly changed hard,tier',
    'rules events-without-date removed ',
  ]);
  expect(brief(demo, after)).toContain('rules events-without-date added ');
});

test('another order of the mapping is a difference, because the first match decides', () => {
  const [first, second, ...rest] = demo.mapping;
  const after = { ...demo, mapping: [second!, first!, ...rest] };
  expect(brief(after)).toEqual([
    'mapping account=demo snowflakeUser=SALES_ANALYST changed position',
  ]);
});

test('a mapping that is put in or taken out moves none of the others', () => {
  const one = { match: { role: 'LOADER' }, team: 'platform' };
  const after = { ...demo, mapping: [one, ...demo.mapping] };
  expect(brief(after)).toEqual(['mapping role=LOADER added ']);
  expect(brief(demo, after)).toEqual(['mapping role=LOADER removed ']);
  const twice = { ...demo, mapping: [one, one, ...demo.mapping] };
  expect(brief(twice, after)).toEqual(['mapping role=LOADER (2) added ']);
});

test('as few mappings as possible count as moved', () => {
  const last = demo.mapping.at(-1)!;
  const after = { ...demo, mapping: [last, ...demo.mapping.slice(0, -1)] };
  expect(brief(after)).toEqual([
    'mapping account=demo snowflakeUser=TOLLGATE_SERVICE changed position',
  ]);
});
