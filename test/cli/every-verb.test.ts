/** Every verb that there is, found by walking them: a new one without a manual page, an example or a clear failure fails here. */
import type { Command } from 'commander';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createProgram, main } from '../../cli/main.js';
import { EXAMPLES } from '../../cli/help-examples.js';
import { recordedTerminal } from './recorded-terminal.js';

interface Verb {
  readonly path: string;
  readonly command: Command;
}

function verbsBelow(command: Command, path = ''): readonly Verb[] {
  return command.commands.flatMap((each) => {
    const name = `${path} ${each.name()}`.trim();
    return [{ path: name, command: each }, ...verbsBelow(each, name)];
  });
}

const VERBS = verbsBelow(createProgram(recordedTerminal(), () => undefined)).filter(
  ({ path }) => path !== 'help',
);
/** These do not ask a running Tollgate, or start one. */
const ALONE = ['serve', 'doctor', 'explain', 'replay', 'completion', 'demo'];
/** Of files that are not here, of no one step, or of what is printed as it is. */
const NOT_ASKED = [
  'plan',
  'apply',
  'audit',
  'audit export',
  'audit verify',
  'sign-ins',
  'token',
  'token issue',
  'token rotate',
];
/** Prints a script, starts a system, or only has verbs of its own. */
const WITHOUT_JSON = ['serve', 'completion', 'audit', 'sign-ins', 'token'];

beforeEach(() => {
  for (const name of Object.keys(process.env))
    if (name.startsWith('TOLLGATE_')) vi.stubEnv(name, undefined);
  // Nothing listens on the port of the discard protocol.
  vi.stubEnv('TOLLGATE_ADMIN_PORT', '9');
  vi.stubEnv('TOLLGATE_ADMIN_TOKEN', 'secret-token');
});
afterEach(() => vi.unstubAllEnvs());

async function run(
  columns: number,
  args: readonly string[],
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const terminal = recordedTerminal(columns);
  const code = await main(args, terminal);
  return { code, out: terminal.out(), err: terminal.err() };
}

/** The words of an example behind the program's name. */
function wordsOf(example: string): readonly string[] {
  const [, line = ''] = /tollgate ([^>)]*)/.exec(example) ?? [];
  return [...line.trim().matchAll(/'([^']*)'|(\S+)/g)].map(
    ([, quoted, plain]) => quoted ?? plain ?? '',
  );
}

test('the verbs are found, and no example is of a verb that there is not', () => {
  expect(VERBS.length).toBeGreaterThan(35);
  expect(Object.keys(EXAMPLES).toSorted()).toEqual(VERBS.map(({ path }) => path).toSorted());
});

test.each(VERBS)(
  '$path: its page has every part, and its prose fits 80 and 120 columns',
  async ({ path }) => {
    for (const columns of [80, 120]) {
      const { code, out } = await run(columns, ['help', ...path.split(' ')]);
      expect(code).toBe(0);
      for (const part of ['NAME', 'SYNOPSIS', 'OPTIONS', 'EXAMPLES', 'EXIT STATUS', 'ENVIRONMENT'])
        expect(out).toMatch(new RegExp(`^${part}$`, 'm'));
      const prose =
        out.replace(/^(?:SYNOPSIS|EXAMPLES)\n(?: .*\n)+/gm, '').split('ENVIRONMENT')[0] ?? '';
      expect(prose.split('\n').filter((line) => line.length > columns)).toEqual([]);
    }
  },
);

test.each(VERBS)(
  '$path: its examples have only options that it has, and --json is one where it prints data',
  ({ path, command }) => {
    const known = new Set(
      command.options.flatMap(({ long }) => (long === undefined ? [] : [long])),
    );
    const own = (EXAMPLES[path] ?? []).filter((example) => example.includes(`tollgate ${path}`));
    expect(own.length).toBeGreaterThan(0);
    const isGroup = command.commands.length > 0;
    const used = own.flatMap(wordsOf).filter((word) => word.startsWith('--'));
    if (!isGroup) expect(used.filter((option) => !known.has(option))).toEqual([]);
    expect(known.has('--json')).toBe(!WITHOUT_JSON.includes(path));
  },
);

test.each(VERBS.filter(({ path }) => ![...ALONE, ...NOT_ASKED].includes(path)))(
  '$path: while nothing runs, it names the next step, also in JSON',
  async ({ path }) => {
    const words = wordsOf(EXAMPLES[path]?.[0] ?? '');
    const said = await run(80, words);
    expect([said.code, said.out]).toEqual([1, '']);
    expect(said.err).toMatch(/^tollgate: The admin API at .* does not answer .*`npm start`\.$/);
    const { code, out } = await run(80, [...words, '--json']);
    expect([code, JSON.parse(out)]).toEqual([
      1,
      { error: { message: said.err.replace('tollgate: ', '') } },
    ]);
  },
);

test.each([
  [['nosuch'], /^tollgate: unknown command 'nosuch'\n`tollgate help <verb>` says what there is\.$/],
  [['tpo'], /Did you mean top\?/],
  [['help', 'grant', 'rise'], /`tollgate help grant` lists those there are/],
  [['bill', 'sales', '2026-10', '--focs'], /Did you mean --focus\?/],
])('%j is wrong usage, and says what is right', async (words, says) => {
  const { code, err } = await run(80, words);
  expect(code).toBe(2);
  expect(err).toMatch(says);
});
