/** Scripts that complete in shells, made from the verbs, and bash's run by bash. */
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { main } from '../../cli/main.js';
import { recordedTerminal } from './recorded-terminal.js';

async function script(shell: string): Promise<string> {
  const terminal = recordedTerminal();
  expect(await main(['completion', shell], terminal)).toBe(0);
  return terminal.out();
}

/** What bash offers behind `words`, the last of which is being typed. */
async function offered(...words: string[]): Promise<readonly string[]> {
  const typed = words.map((word) => `'${word}'`).join(' ');
  const { stdout, stderr } = spawnSync(
    'bash',
    [
      '-c',
      `${await script('bash')}
COMP_WORDS=(tollgate ${typed}); COMP_CWORD=${words.length}; _tollgate; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ],
    { encoding: 'utf8' },
  );
  expect(stderr).toBe('');
  return stdout.split('\n').filter((line) => line !== '');
}

test('bash completes verbs, verbs of verbs, and options of the verb that is typed', async () => {
  expect(await offered('')).toEqual(expect.arrayContaining(['serve', 'top', 'bill', 'audit']));
  expect(await offered('re')).toEqual(['replay']);
  expect(await offered('audit', 'v')).toEqual(['verify']);
  expect(await offered('top', '--s')).toEqual(['--seconds']);
  expect(await offered('grant', 'raise', '--u')).toEqual(['--until']);
  expect(await offered('kill', '019a', '--f')).toEqual(['--freeze', '--frozen']);
});

test.each(['zsh', 'fish'])('%s has every verb with what it does', async (shell) => {
  const text = await script(shell);
  expect(text).toContain('replay');
  expect(text).toContain('end a statement that waits, runs or is in doubt');
  expect(text).toContain('seconds');
});

test('zsh completes at the first key where the script is found in fpath, and shows descriptions as they are', async () => {
  const text = await script('zsh');
  expect(text.split('\n')[0]).toBe('#compdef tollgate');
  expect(text).toContain('[[ "$funcstack[1]" = _tollgate ]]; then _tollgate "$@"');
  expect(text).toContain('team:<id>, principal:<id>');
  expect(text).not.toContain('\\:');
});

test('fish offers verbs of a verb once, and no files where one is due', async () => {
  const lines = (await script('fish')).split('\n');
  const due =
    "-n '__fish_seen_subcommand_from audit; and not __fish_seen_subcommand_from list export verify'";
  const of = lines.filter((line) => line.includes(due));
  expect(of.some((line) => line.endsWith(' -f'))).toBe(true);
  for (const verb of ['list', 'export', 'verify'])
    expect(of.some((line) => line.includes(` -a ${verb} `))).toBe(true);
  expect(lines.some((line) => line.includes('from replay') && line.endsWith(' -f'))).toBe(false);
});

test('another shell is a usage error that names those there are', async () => {
  const terminal = recordedTerminal();
  expect(await main(['completion', 'tcsh'], terminal)).toBe(2);
  expect(terminal.err()).toContain('say bash, zsh, fish');
});
