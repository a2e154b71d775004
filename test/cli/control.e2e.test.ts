/** `plan`, `apply` and `rollback` against the real admin API. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { main } from '../../cli/main.js';
import { type AdminWorld, createAdminWorld, TOKEN } from '../admin/world.js';
import { recordedTerminal } from './recorded-terminal.js';

const EXAMPLE = readFileSync('tollgate.example.yaml', 'utf8');
let world: AdminWorld;
let folder: string;
let port: number;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'tollgate-control-'));
  world = await createAdminWorld();
  await world.app.listen({ host: '127.0.0.1', port: 0 });
  port = (world.app.server.address() as AddressInfo).port;
});

afterAll(async () => {
  await world.close();
  rmSync(folder, { recursive: true });
});

beforeEach(() => {
  for (const name of Object.keys(process.env)) {
    if (name.startsWith('TOLLGATE_')) vi.stubEnv(name, undefined);
  }
  vi.stubEnv('TOLLGATE_ADMIN_PORT', String(port));
  vi.stubEnv('TOLLGATE_ADMIN_TOKEN', TOKEN);
  vi.stubEnv('TOLLGATE_DATA_DIR', folder);
});

afterEach(() => vi.unstubAllEnvs());

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(args: readonly string[], columns = 100): Promise<Ran> {
  const terminal = recordedTerminal(columns);
  const code = await main(args, terminal);
  return { code, out: terminal.out(), err: terminal.err() };
}

/** The example with changes, as a file. */
function fileWith(...edits: readonly (readonly [string, string])[]): string {
  const text = edits.reduce((all, [from, to]) => {
    expect([from, all.includes(from)]).toEqual([from, true]);
    return all.replace(from, () => to);
  }, EXAMPLE);
  const file = path.join(folder, 'control.yaml');
  writeFileSync(file, text);
  return file;
}

const RAISED = [
  "  - id: marketing-monthly\n    node: marketing\n    limitCredits: '40'",
  '  - id: marketing-monthly\n    node: marketing\n    limitCredits: "250"',
] as const;

/** A 16th team with a budget, two people and a tier. */
const SIXTEENTH = [
  [
    '  - id: data-science\n    name: Data science',
    '  - id: design\n    name: Design\n    department: technology\n    costCentre: CC-4050\n    owner: design-leads\n  - id: data-science\n    name: Data science',
  ],
  [
    'principals:\n',
    'principals:\n  - { id: dora, team: design, kind: person, shared: false, owner: design-leads, status: active }\n  - { id: dan, team: design, kind: person, shared: false, owner: design-leads, status: active }\n',
  ],
  [
    'mapping:\n',
    'mapping:\n  - { match: { account: demo, snowflakeUser: DORA }, principal: dora }\n  - { match: { account: demo, snowflakeUser: DAN }, principal: dan }\n',
  ],
  [
    'budgets:\n',
    'budgets:\n  - { id: design-monthly, node: design, limitCredits: "25", hard: true, period: { kind: month, timeZone: UTC }, counts: direct }\n',
  ],
  [
    'tiers:\n',
    'tiers:\n  - { id: design, warehouse: DESIGN_WH, weight: 1, concurrencyMax: 4, queueMax: 10, queueTimeoutSeconds: 60, statementTimeoutSeconds: 600, ceilingCredits: "5", guessHoldCredits: "0.1", guessExpectedCredits: "0.01", opaque: refuse }\n',
  ],
  [
    'warehouses:\n',
    'warehouses:\n  - { name: DESIGN_WH, size: SMALL, kind: STANDARD, generation: "1" }\n',
  ],
] as const;

describe('plan', () => {
  test('of the example on a fresh start says that nothing would change', async () => {
    const { code, out } = await run(['plan', 'tollgate.example.yaml']);
    expect(code).toBe(0);
    expect(out).toContain(
      'tollgate.example.yaml against version 1 (tollgate, 2026-07-15 12:00 UTC: first start)',
    );
    expect(out).toContain('Nothing would change.');
  });

  test('says a change in words and money, and what to run', async () => {
    const file = fileWith(RAISED);
    const { code, out } = await run(['plan', file]);
    expect(code).toBe(0);
    expect(out.replaceAll(file, 'control.yaml')).toContain(
      [
        'Budgets',
        '  ~ marketing-monthly: hard limit 40 → 250 credits a month (+210 credits, +$630.00 at $3.00 a',
        '    credit)',
        '',
        "Teams' monthly budgets: 600 → 810 credits, $1,800.00 → $2,430.00 (+$630.00)",
        '',
        'To put it in force:',
      ].join('\n'),
    );
    expect(out).toContain(`tollgate apply ${file} --expect-version 1 --reason "<why>"`);
  });

  test('fits a narrow terminal', async () => {
    const { out } = await run(['plan', fileWith(...SIXTEENTH)], 40);
    const lines = out.split('\n').filter((line) => !line.includes(folder));
    expect(lines.filter((line) => Array.from(line).length > 40)).toEqual([]);
    expect(lines.length).toBeGreaterThan(20);
  });

  test('with --json hands on all that the API says', async () => {
    const answer = JSON.parse((await run(['plan', fileWith(RAISED), '--json'])).out) as object;
    expect(answer).toMatchObject({
      controlVersion: 1,
      changes: [{ deltaAmount: '630.000000000000' }],
      differences: [{ key: 'marketing-monthly' }],
    });
  });

  test('with --ci prints the comment of a pull request', async () => {
    const file = fileWith(RAISED);
    const { code, out } = await run(['plan', file, '--ci']);
    expect(code).toBe(0);
    const [heading, , count, ...rest] = out.split('\n');
    expect(heading).toBe(`## Tollgate plan of \`${file}\``);
    expect(count).toBe(
      '**1 change** against version 1 (tollgate, 2026-07-15 12:00 UTC: first start).',
    );
    expect(rest).toContain(
      '| marketing-monthly: hard limit 40 → 250 credits a month (+210 credits, +$630.00 at $3.00 a credit) | changed | +210 | +$630.00 |',
    );
    expect(out).toContain('<details><summary>Every change (1)</summary>');
    expect(out).toContain(`--expect-version 1 --reason "<why>"`);
  });

  test('with --ci keeps markup and mentions in names from taking effect', async () => {
    const file = fileWith(['name: Legal', 'name: "@everyone <b>*x*</b> | #1"']);
    const { out } = await run(['plan', file, '--ci']);
    expect(out).toContain('&#64;everyone \\<b\\>\\*x\\*\\</b\\> \\| &#35;1');
  });
});

describe('a file that is not valid', () => {
  const broken = (): string =>
    fileWith(
      ["limitCredits: '40'", 'limitCredits: 40'],
      ['defaultTier: standard', 'defaultTier: turbo'],
    );
  const line = (text: string, part: string): number =>
    text.split('\n').findIndex((each) => each.includes(part)) + 1;

  test('is told by file, line, column, field, rule and way out, and is not sent', async () => {
    const file = broken();
    vi.stubEnv('TOLLGATE_ADMIN_PORT', '1');
    const text = readFileSync(file, 'utf8');
    const problems = [
      `${file}:${line(text, 'limitCredits: 40')}:19 budgets[0].limitCredits must be a decimal amount in quotes, not negative, at most 12 decimals, such as "40" or "0.05", or unlimited; put it in quotes`,
      `${file}:${line(text, 'turbo')}:14 defaultTier "turbo" is no tier of this document; add it, or name one that exists`,
    ];
    const head = `tollgate: ${file} is not valid (2 problems); nothing was sent.`;
    for (const args of [['plan'], ['plan', '--offline'], ['apply', '--reason', 'x']])
      expect(await run([...args, file])).toEqual({
        code: 1,
        out: '',
        err: [head, ...problems].join('\n'),
      });
  });

  test('is a comment with --ci and a document with --json, and ends with 1', async () => {
    const file = broken();
    const comment = await run(['plan', file, '--ci']);
    expect([comment.code, comment.err]).toEqual([1, '']);
    expect(comment.out).toContain('**Not valid: 2 problems.** Nothing was planned.');
    expect(comment.out).toMatch(/\| \d+:14 \| defaultTier "turbo" is no tier/);
    const json = await run(['plan', file, '--json']);
    expect([json.code, JSON.parse(json.out)]).toMatchObject([
      1,
      { problems: [{ path: 'budgets[0].limitCredits', column: 19 }, { path: 'defaultTier' }] },
    ]);
  });

  test('that cannot be read, or is no document by its size, is wrong usage', async () => {
    expect((await run(['plan', path.join(folder, 'none.yaml')])).code).toBe(2);
    const file = path.join(folder, 'large.yaml');
    writeFileSync(file, '#'.repeat(16 * 1024 * 1024 + 1));
    const { code, err } = await run(['plan', file]);
    expect([code, err]).toEqual([2, expect.stringContaining('at most 16777216 (16 MiB)')]);
  });
});

test('--offline checks a file without a running Tollgate', async () => {
  vi.stubEnv('TOLLGATE_ADMIN_PORT', '1');
  const { code, out } = await run(['plan', 'tollgate.example.yaml', '--offline']);
  expect(code).toBe(0);
  expect(out).toContain('is valid: 15 teams, 16 principals, 16 budgets, 5 rules.');
  expect((await run(['plan', 'x.yaml', '--offline', '--drift'])).code).toBe(2);
});

test('a 16th team is planned, applied, found by drift, and rolled back', async () => {
  const file = fileWith(...SIXTEENTH);
  const applied = await run(['apply', file, '--reason', 'design joins']);
  expect(applied.code).toBe(0);
  expect(applied.out).toContain(
    '+ team design is new in technology, with budget design-monthly of 25 credits a month ($75.00 at',
  );
  expect(applied.out).toContain(
    'Version 2 is in force. No proxy is running. Back again: tollgate rollback 1 --reason "<why>"',
  );

  const again = await run(['apply', file, '--reason', 'design joins', '--expect-version', '1']);
  expect([again.code, again.out]).toEqual([
    0,
    expect.stringContaining('Nothing changed; version 2 stays in force.'),
  ]);
  const stale = await run(['apply', fileWith(RAISED), '--reason', 'x', '--expect-version', '1']);
  expect([stale.code, stale.err]).toEqual([
    1,
    expect.stringContaining('must be 2, the version in force'),
  ]);

  expect(await run(['plan', fileWith(...SIXTEENTH), '--drift'])).toMatchObject({
    code: 0,
    out: expect.stringContaining('No drift'),
  });
  const drifted = await run(['plan', 'tollgate.example.yaml', '--drift']);
  expect(drifted.code).toBe(1);
  expect(drifted.out).toContain(
    'The database differs from tollgate.example.yaml: in force is version 2 (admin-token, 2026-07-15\n12:00 UTC: design joins).',
  );
  expect(drifted.out).toContain('+ team design is new in technology');
  const comment = await run(['plan', 'tollgate.example.yaml', '--drift', '--ci']);
  expect([comment.code, comment.out]).toEqual([
    1,
    expect.stringContaining('**The database differs from the file**'),
  ]);
  const json = await run(['plan', 'tollgate.example.yaml', '--drift', '--json']);
  expect(JSON.parse(json.out)).toMatchObject({
    isDrifted: true,
    inForce: { version: 2, author: 'admin-token', reason: 'design joins' },
  });

  const late = await run(['rollback', '1', '--reason', 'not yet', '--expect-version', '1']);
  expect([late.code, late.err]).toEqual([1, expect.stringContaining('2')]);
  const back = await run(['rollback', '1', '--reason', 'not yet', '--expect-version', '2']);
  expect(back.code).toBe(0);
  expect(back.out).toContain('Version 3 is in force; it says what version 1 said.');
  expect(back.out).toContain(
    '· team design is removed from technology, with budget design-monthly',
  );
  expect((await run(['plan', 'tollgate.example.yaml', '--drift'])).code).toBe(0);
  expect((await run(['rollback', '1', '--reason', 'again'])).out).toBe(
    'Nothing changed; version 3 stays in force.',
  );
});

test('wrong usage asks nothing', async () => {
  for (const args of [
    ['apply', 'tollgate.example.yaml'],
    ['apply', 'tollgate.example.yaml', '--reason', 'x', '--expect-version', 'two'],
    ['rollback', 'two', '--reason', 'x'],
    ['rollback', '0', '--reason', 'x'],
    ['rollback', '1'],
    ['rollback', '1', '--reason', 'x', '--expect-version', 'two'],
  ])
    expect((await run(args)).code).toBe(2);
  expect((await run(['rollback', '99', '--reason', 'x'])).err).toContain('There is no version 99.');
});

test('before the first version a plan is made against nothing, and what it prints can be run', async () => {
  const empty = await createAdminWorld({ first: null });
  await empty.app.listen({ host: '127.0.0.1', port: 0 });
  vi.stubEnv('TOLLGATE_ADMIN_PORT', String((empty.app.server.address() as AddressInfo).port));
  const planned = await run(['plan', 'tollgate.example.yaml']);
  expect(planned.out).toContain(
    'tollgate.example.yaml against nothing: no control document is in force yet',
  );
  expect(planned.out).toContain('--expect-version 0');
  const drifted = await run(['plan', 'tollgate.example.yaml', '--drift']);
  expect([drifted.code, drifted.err]).toEqual([
    1,
    'tollgate: No control document is in force yet.',
  ]);
  const args = ['apply', 'tollgate.example.yaml', '--expect-version', '0', '--reason', 'first'];
  const { code, out } = await run(args);
  expect([code, out.split('\n').at(-1)]).toEqual([
    0,
    'Version 1 is in force. No proxy is running.',
  ]);
  await empty.close();
});
