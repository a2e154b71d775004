/** docs/metrics.md against the instruments. `UPDATE_SCHEMA=1 npx vitest run test/dashboards/metrics` writes its tables. */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createMetrics } from '../../base/metrics.js';
import { metricCatalogue } from '../support/metric-catalogue.js';

const FILE = new URL('../../docs/metrics.md', import.meta.url);
const { metrics, limits } = metricCatalogue();

/** Labels there may be. Whose values a client chooses is none of them: no statement, principal, session or query id. */
const LABELS = new Set([
  'account',
  'basis',
  'bucket',
  'by',
  'budget',
  'class',
  'code',
  'covered',
  'directive',
  'ending',
  'free',
  'invariant',
  'kept',
  'kind',
  'mode',
  'move',
  'node',
  'outcome',
  'overrun',
  'phase',
  'resource',
  'rung',
  'state',
  'status',
  'step',
  'team',
  'tier',
  'unit',
  'view',
  'warehouse',
  'way',
]);

describe('the instruments', () => {
  test('are many, named as Prometheus wants them, and labelled by bounded words only', () => {
    expect(metrics.length).toBeGreaterThan(60);
    for (const { name, kind, help, labels } of metrics) {
      expect(name).toMatch(/^tollgate_[a-z0-9_]+[a-z0-9]$/);
      expect(name.endsWith('_total'), name).toBe(kind === 'counter');
      expect(name).not.toMatch(
        /_(ms|millis|minutes|hours|kb|mb|percent)$|_(gauge|counter|histogram)/,
      );
      expect(help, name).toMatch(/^[A-Z0-9].{8,}[^.]$/);
      for (const label of labels) expect(LABELS, `${name}{${label}}`).toContain(label);
    }
    const used = new Set(metrics.flatMap(({ labels }) => labels));
    expect([...LABELS].filter((label) => !used.has(label))).toEqual([]);
  });

  test('show limit and use of everything that has one, once', () => {
    expect(limits.length).toBeGreaterThan(20);
    expect(new Set(limits.map(({ resource }) => resource)).size).toBe(limits.length);
    for (const { resource, unit, whenFull } of limits) {
      expect(resource).toMatch(/^[a-z]+(-[a-z]+)*$/);
      expect(unit).toMatch(/^[a-z]+$/);
      expect(whenFull).toMatch(/\w/);
    }
  });

  test('of a limit are read when somebody asks', async () => {
    const own = createMetrics();
    let used = 3;
    own.limited({
      resource: 'seats',
      unit: 'seats',
      whenFull: 'stand',
      read: () => ({ used, max: 5 }),
    });
    expect((await own.render()).body).toContain(
      'tollgate_limit_used{resource="seats",unit="seats"} 3',
    );
    used = 4;
    const { body } = await own.render();
    expect(body).toContain('tollgate_limit_used{resource="seats",unit="seats"} 4');
    expect(body).toContain('tollgate_limit_max{resource="seats",unit="seats"} 5');
  });

  test('that are read show what is there now, and nothing of what has gone', async () => {
    const own = createMetrics();
    let tiers = ['slow', 'fast'];
    own.gaugesFrom('tollgate_test', 'For a test', ['tier'], () =>
      tiers.map((tier) => ({ labels: { tier }, value: 1 })),
    );
    expect((await own.render()).body).toContain('tollgate_test{tier="slow"} 1');
    tiers = ['fast'];
    expect((await own.render()).body).not.toContain('slow');
  });
});

test('docs/metrics.md has the tables of the instruments', () => {
  const text = readFileSync(FILE, 'utf8');
  const written = withTables(text);
  if (process.env['UPDATE_SCHEMA'] === '1') writeFileSync(FILE, written);
  expect(readFileSync(FILE, 'utf8')).toBe(written);
  expect(written).toContain('| `tollgate_step_seconds{step}` |');
});

function withTables(text: string): string {
  const instruments = [
    '| metric | kind | role | means |',
    '| --- | --- | --- | --- |',
    ...metrics.map(
      ({ name, kind, labels, help, role }) =>
        `| \`${name}${labels.length === 0 ? '' : `{${labels.join(',')}}`}\` | ${kind} | ${role} | ${help} |`,
    ),
  ];
  const resources = [
    '| resource | unit | one too many |',
    '| --- | --- | --- |',
    ...limits.map(({ resource, unit, whenFull }) => `| \`${resource}\` | ${unit} | ${whenFull} |`),
  ];
  return replaced(replaced(text, 'instruments', instruments), 'limits', resources);
}

function replaced(text: string, name: string, lines: readonly string[]): string {
  const [start, end] = [`<!-- ${name}: generated -->`, `<!-- ${name}: end -->`];
  const [from, to] = [text.indexOf(start), text.indexOf(end)];
  expect(from, start).toBeGreaterThan(-1);
  expect(to, end).toBeGreaterThan(from);
  return `${text.slice(0, from)}${start}\n\n${lines.join('\n')}\n\n${text.slice(to)}`;
}
