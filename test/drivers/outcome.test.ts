/** The run itself must not be able to pass what a driver did not show: shown with programs that lie, differ, hang and are not there. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CASES } from './cases.js';
import type { Operator } from './operator.js';
import type { Side, Sides } from './sides.js';
import type { Client } from './clients.js';
import { outcomes, skippedOutcomes, type Cell, type Outcome } from './outcome.js';
import { compatibilityDocument, totals } from './report.js';

const operator: Operator = {
  expire: () => Promise.resolve(),
  stateOf: () => Promise.resolve('NONE'),
  run: () => Promise.resolve(),
};
const side = (name: Side['name']): Side => ({
  name,
  ports: [1],
  account: 'demo',
  credentials: { user: 'marketing_analyst', password: 'demo' },
  operator,
});
const SIDES: Sides = {
  direct: side('direct'),
  proxied: side('proxied'),
  ways: new Map([['replicas', side('replicas')]]),
};
const client: Client = {
  name: 'a-client',
  version: '1.0',
  limitMs: 20_000,
  hasOwnCases: false,
  without: Object.fromEntries(
    CASES.filter(({ name }) => !['select-1', 'syntax-error', 'refusal'].includes(name)).map(
      ({ name }) => [name, 'not asked'],
    ),
  ),
  prepare: () => Promise.reject(new Error('nothing to prepare')),
};

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'tollgate-drivers-test-'));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** Cells of a program that is a script in JavaScript, with `side`, `isDirect` and `say(case, member)` at hand. */
async function cellsOf(
  script: string,
  limitMs = client.limitMs,
): Promise<Record<string, [Cell, Cell]>> {
  const text = `const side = process.argv[process.argv.indexOf('--side') + 1];
    const isDirect = side === 'direct';
    const say = (name, rest) => console.log(JSON.stringify({ case: name, ...rest }));
    const error = (code, sqlState, message) => ({ seen: { code, sqlState, message, afterwards: [['int 1']] } });
    const refused = error('712001', '42501', 'TG2001 Not run, nothing charged: needs about $9.00, $1.00 is left in marketing-monthly.');
    const syntax = error('001003', '42000', 'syntax');
    ${script}`;
  const program = { command: process.execPath, args: ['-e', text, '--'] };
  const found = await outcomes({ ...client, limitMs }, program, SIDES, home);
  const asked = found.filter(({ direct }) => !('why' in direct && direct.why === 'not asked'));
  return Object.fromEntries(asked.map(({ title, direct, proxied }) => [title, [direct, proxied]]));
}

const kinds = (cells: readonly Cell[] | undefined): readonly string[] =>
  (cells ?? []).map(({ kind }) => kind);

test('right and equal answers pass; what only the proxy does is skipped directly', async () => {
  const cells = await cellsOf(
    `say('select-1', { seen: [['int 1']] }); say('syntax-error', syntax); if (!isDirect) say('refusal', refused);`,
  );
  expect(kinds(cells['SELECT 1'])).toEqual(['pass', 'pass']);
  expect(kinds(cells['syntax error'])).toEqual(['pass', 'pass']);
  expect(cells['refusal word for word, and the connection goes on']).toEqual([
    { kind: 'skipped', why: 'only the proxy refuses' },
    { kind: 'pass' },
  ]);
});

test('a right answer of another type through the proxy differs', async () => {
  const cells = await cellsOf(`say('select-1', { seen: [[!isDirect ? 'str 1' : 'int 1']] });`);
  expect(kinds(cells['SELECT 1'])).toEqual(['pass', 'differs']);
});

test('wrong answers, errors and silence fail', async () => {
  const cells = await cellsOf(
    `say('select-1', { seen: [['int 2']] }); say('syntax-error', { error: 'broken pipe' });`,
  );
  expect(kinds(cells['SELECT 1'])).toEqual(['fail', 'fail']);
  expect(cells['syntax error']?.[0]).toEqual({ kind: 'fail', why: 'broken pipe' });
  expect(kinds(cells['refusal word for word, and the connection goes on'])).toEqual([
    'skipped',
    'fail',
  ]);
});

test('a refusal whose text was changed, or after which the connection is dead, fails', async () => {
  const title = 'refusal word for word, and the connection goes on';
  const changed = await cellsOf(`refused.seen.message = 'Error: ' + refused.seen.message;
    if (!isDirect) say('refusal', refused);`);
  expect(kinds(changed[title])).toEqual(['skipped', 'fail']);
  const dead = await cellsOf(
    `refused.seen.afterwards = []; if (!isDirect) say('refusal', refused);`,
  );
  expect(kinds(dead[title])).toEqual(['skipped', 'fail']);
});

test('a program that hangs fails at the case where it hangs, and the rest is not claimed', async () => {
  const cells = await cellsOf(
    `say('select-1', { seen: [['int 1']] }); setInterval(() => 0, 1000);`,
    1500,
  );
  expect(kinds(cells['SELECT 1'])).toEqual(['pass', 'pass']);
  expect(kinds(cells['syntax error'])).toEqual(['fail', 'fail']);
  expect(cells['refusal word for word, and the connection goes on']?.[1]).toEqual({
    kind: 'skipped',
    why: 'an earlier case did not end',
  });
});

test('a client without its tool chain is skipped in every row, with the reason, and counted', () => {
  const found: readonly Outcome[] = skippedOutcomes(client, 'go is not installed');
  const rows = compatibilityDocument(found)
    .split('\n')
    .filter((line) => line.startsWith('| a-client'));
  expect(rows).toHaveLength(found.length);
  expect(rows[0]).toBe(
    '| a-client | 1.0 | connect by host, port and protocol | skipped: go is not installed | skipped: go is not installed |',
  );
  expect(totals(found)).toEqual({ passed: 0, failed: 0, skipped: 2 * found.length });
});

test('what differs counts as failed, unless it is meant to differ', () => {
  const cell = { kind: 'differs', why: 'x', isKnown: false } as const;
  const outcome = { client, title: 'a', isOfTable: true, direct: { kind: 'pass' } as const };
  const ways = new Map([['terminated', { ...cell, isKnown: true }] as const]);
  expect(totals([{ ...outcome, proxied: cell, ways }])).toEqual({
    passed: 2,
    failed: 1,
    skipped: 0,
  });
});
