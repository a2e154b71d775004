/** Commands that the documents tell people to type: verbs and options of each are ones that there are. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { main } from '../../cli/main.js';
import { recordedTerminal } from './recorded-terminal.js';

const DOCUMENTS = [
  'README.md',
  ...readdirSync('docs')
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.join('docs', name)),
];

interface Documented {
  readonly where: string;
  readonly words: readonly string[];
}

/** Lines of shell blocks that call the program, without comments and values in quotes. */
function commandsOf(document: string): readonly Documented[] {
  const blocks = readFileSync(document, 'utf8').matchAll(/^```sh\n([\s\S]*?)^```/gm);
  return [...blocks].flatMap(([, block = '']) =>
    block.split('\n').flatMap((line) => {
      const [, rest] = /node bin\/tollgate\.js (.*)$/.exec(line) ?? [];
      if (rest === undefined) return [];
      const words = rest
        .replaceAll(/'[^']*'|"[^"]*"/g, 'value')
        .replace(/\s+(?:#|\||>|&).*$/, '')
        .trim()
        .split(/\s+/);
      return [{ where: `${document}: ${line.trim()}`, words }];
    }),
  );
}

async function helpOf(verbs: readonly string[]): Promise<string | undefined> {
  const terminal = recordedTerminal(200);
  const code = await main([...verbs, '--help'], terminal);
  return code === 0 ? terminal.out() : undefined;
}

/** What of a command there is not; empty: all of it there is. */
async function unknownIn(words: readonly string[]): Promise<readonly string[]> {
  const [verb = '', second = ''] = words;
  const own = await helpOf([verb]);
  if (own === undefined || !own.includes(`SYNOPSIS\n    tollgate ${verb} `)) return [verb];
  const isInner = new RegExp(`^ {4}${second}(?: |$)`, 'm').test(
    own.split('COMMANDS\n')[1]?.split('\n\n')[0] ?? '',
  );
  const help = isInner ? ((await helpOf([verb, second])) ?? '') : own;
  return words
    .filter((word) => word.startsWith('--'))
    .map((word) => word.split('=', 1)[0] ?? '')
    .filter((option) => !new RegExp(`${option}(?![\\w-])`).test(help));
}

test('every command of the documents there is, with every option', async () => {
  const commands = DOCUMENTS.flatMap(commandsOf);
  expect(commands.length).toBeGreaterThan(60);
  const wrong: string[] = [];
  for (const { where, words } of commands) {
    const unknown = await unknownIn(words);
    if (unknown.length > 0) wrong.push(`${where} (${unknown.join(', ')})`);
  }
  expect(wrong).toEqual([]);
});

test.each([
  [['clsoe', '2026-10'], ['clsoe']],
  [['bill', 'marketing', '2026-10', '--fokus', 'x'], ['--fokus']],
  [['audit', 'verify', '--everything'], ['--everything']],
  [['grant', 'raise', 'marketing', '--until', 'friday'], []],
])('%j is looked at: %j', async (words, unknown) => {
  expect(await unknownIn(words)).toEqual(unknown);
});
