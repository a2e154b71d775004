import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { demoControlDocument } from '#policies/control/demo.js';
import type { ControlDocument } from '#policies/control/document.js';
import { findNotices, UNACTED_FIELDS } from '#policies/control/notices.js';
import { parseControlText } from '#policies/control/text.js';

const AT = Date.UTC(2026, 10, 25);
const demo = demoControlDocument();
const texts = (changes: Partial<ControlDocument>): string[] =>
  findNotices({ ...demo, ...changes }, AT).map(({ text }) => text);

/** What code would say if it acted on a field; see the test below. */
const EVIDENCE: Readonly<Record<string, RegExp>> = {};
/** Where today's only use of a field is, which is why its notice says what it says. */
const KNOWN_USES: Readonly<Record<string, readonly string[]>> = {};

test('the demo asks for nothing that nothing acts on', () => {
  expect(findNotices(demo, AT)).toEqual([]);
});

test('every field that nothing acts on has its notice when the whole example is used', () => {
  const example = readFileSync('tollgate.example.yaml', 'utf8').replaceAll(/^( *)#~ /gm, '$1');
  const parsed = parseControlText(example);
  if (!parsed.ok) throw new Error('the example is valid');
  const rules = parsed.document.rules.map((rule, index) => ({
    ...rule,
    mode: (['shadow', 'warn', 'enforce'] as const)[index % 3] ?? 'shadow',
  }));
  const about = new Set(findNotices({ ...parsed.document, rules }, AT).map((each) => each.about));
  for (const field of UNACTED_FIELDS) expect(about).toContain(field.about);
});

test('a notice goes when code begins to act on its field', () => {
  const sources = ['proxy', 'policies/rules', 'policies', 'billing', 'admin'].flatMap((folder) =>
    readdirSync(folder, { recursive: folder !== 'policies', encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => join(folder, file)),
  );
  expect(sources.length).toBeGreaterThan(80);
  const texts = new Map(sources.map((file) => [file, readFileSync(file, 'utf8')]));
  expect(UNACTED_FIELDS.map(({ about }) => about).sort()).toEqual(Object.keys(EVIDENCE).sort());
  for (const [about, evidence] of Object.entries(EVIDENCE)) {
    const acting = [...texts].filter(([, text]) => evidence.test(text)).map(([file]) => file);
    const why = `remove the notice of ${about} from policies/control/notices.ts, if it is acted on now`;
    expect([why, ...acting]).toEqual([why, ...(KNOWN_USES[about] ?? [])]);
  }
});

test.each<[string, Partial<ControlDocument>, string]>([
  [
    'no price',
    { prices: [] },
    'no price of compute credits is in force: every statement is refused',
  ],
  [
    'no rate',
    { rates: demo.rates.slice(1) },
    'no rate covers warehouse INTERACTIVE_WH: statements there are refused',
  ],
  [
    'a mapping behind one that matches the same',
    {
      mapping: [
        ...demo.mapping,
        { match: { account: 'demo', snowflakeUser: 'ml_analyst' }, team: 'ml' },
      ],
    },
    'an earlier entry matches the same, so these are never reached: mapping[16] (user ml_analyst of demo)',
  ],
  [
    'a team nobody comes from',
    { mapping: demo.mapping.slice(1) },
    'no mapping leads to marketing: nobody pays from there',
  ],
  [
    'a team without a hard limit',
    { budgets: demo.budgets.slice(1) },
    'no hard limit is on the path of marketing: nothing is refused there for what is spent',
  ],
  [
    'a rule that moves statements to a tier without a switch',
    {
      rules: demo.rules.map((rule) =>
        rule.effect === 'reroute' ? { ...rule, mode: 'enforce' as const } : rule,
      ),
    },
    'select-star-interactive refuse and name the warehouse to use: the tier they move to does not say switch: session',
  ],
  [
    'a price in another currency than that of bills',
    { prices: demo.prices.map((price) => ({ ...price, currency: 'EUR' })) },
    'the organisation is billed in USD: prices in EUR price no bill',
  ],
  [
    'a rule that means credits and says pico-credits',
    {
      rules: demo.rules.map((rule) => ({ ...rule, when: 'estimate.highCredits > 1' })).slice(0, 1),
    },
    'events-without-date compare credits with a plain number, which counts 0.000000000001 credits: write credits("1.5")',
  ],
  [
    'a network without a use',
    { networks: [{ id: 'office', cidrs: ['10.0.0.0/8'] }] },
    'no mapping names network office',
  ],
  [
    'a channel without a use',
    { channels: [{ id: 'ops', kind: 'slack', target: 'OPS_URL' }] },
    'no team names channel ops',
  ],
])('%s is noticed', (_name, changes, text) => {
  expect(texts(changes)).toContain(text);
});

test('a hard limit above a team is enough', () => {
  const budgets = demo.budgets.map((budget) =>
    budget.node === 'demo-company' ? { ...budget, hard: true } : budget,
  );
  expect(texts({ budgets: budgets.slice(1) })).toEqual(texts({}));
});
