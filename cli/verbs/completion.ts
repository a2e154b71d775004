/** `tollgate completion`: what a shell needs to complete verbs and options; made from the verbs themselves. */
import type { Command } from 'commander';
import type { Terminal } from '../terminal.js';
import { VerbError } from '../verb-error.js';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

export function registerCompletion(program: Command, terminal: Terminal): void {
  program
    .command('completion <shell>')
    .description(`print a script that completes verbs and options in ${SHELLS.join(', ')}`)
    .addHelpText(
      'after',
      `
Examples:
  source <(tollgate completion bash)                                   # this shell
  tollgate completion zsh > "\${fpath[1]}/_tollgate"                    # every shell from now on
  tollgate completion fish > ~/.config/fish/completions/tollgate.fish`,
    )
    .action((name: string) => {
      const shell = SHELLS.find((each) => each === name);
      if (shell === undefined)
        throw new VerbError(
          `${name.slice(0, 40)} is not completed for; say ${SHELLS.join(', ')}.`,
          2,
        );
      terminal.print(completionScript(shell, wordsByVerb(program)));
    });
}

interface Word {
  readonly word: string;
  readonly description: string;
}

/** What may follow each verb, `''` the program's own name; a verb of a verb by both names, `audit verify`. */
type Words = ReadonlyMap<string, readonly Word[]>;

function wordsByVerb(program: Command): Words {
  const words = new Map<string, readonly Word[]>();
  const visit = (command: Command, path: string): void => {
    const verbs = command.commands.map((each) => ({
      word: each.name(),
      description: each.description(),
    }));
    const options = command.options
      .filter(({ hidden }) => !hidden)
      .map(({ long, short, description }) => ({ word: long ?? short ?? '', description }));
    words.set(path, [...verbs, ...options, { word: '--help', description: 'display help' }]);
    for (const each of command.commands) visit(each, `${path} ${each.name()}`.trim());
  };
  visit(program, '');
  return words;
}

function completionScript(shell: Shell, words: Words): string {
  switch (shell) {
    case 'bash':
      return bashScript(words);
    case 'zsh':
      return zshScript(words);
    case 'fish':
      return fishScript(words);
  }
}

/** Cases of the words behind a verb, the longest path first. */
function casesOf(words: Words, write: (words: readonly Word[]) => string): string {
  return [...words]
    .toSorted(([a], [b]) => b.length - a.length || (a < b ? -1 : 1))
    .map(([path, each]) => `    ${path === '' ? '*' : `'${path}'*`}) ${write(each)} ;;`)
    .join('\n');
}

function bashScript(words: Words): string {
  const cases = casesOf(words, (each) => `words='${each.map(({ word }) => word).join(' ')}'`);
  return `_tollgate() {
  local words path="\${COMP_WORDS[*]:1:COMP_CWORD-1}"
  case "$path" in
${cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _tollgate tollgate`;
}

function zshScript(words: Words): string {
  // Behind the first colon all is description.
  const quoted = ({ word, description }: Word): string =>
    `'${word}:${description.replaceAll("'", '’')}'`;
  const cases = casesOf(words, (each) => `found=(${each.map(quoted).join(' ')})`);
  return `#compdef tollgate
_tollgate() {
  local -a found
  case "\${(j: :)words[2,CURRENT-1]}" in
${cases}
  esac
  _describe 'tollgate' found || _files
}
# Found in fpath, this file is the body of the function and completes at once; sourced, it registers it.
if [[ "$funcstack[1]" = _tollgate ]]; then _tollgate "$@"; else compdef _tollgate tollgate; fi`;
}

function fishScript(words: Words): string {
  const lines = [...words].flatMap(([path, each]) => {
    const verbs = each.map(({ word }) => word).filter((word) => !word.startsWith('-'));
    const condition = fishCondition(path, verbs);
    return [
      // Where a verb of a verb is due, files are none of it.
      ...(verbs.length === 0 ? [] : [`complete -c tollgate -n '${condition}' -f`]),
      ...each.map(({ word, description }) => {
        const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`;
        return `complete -c tollgate -n '${condition}' ${what} -d '${description.replaceAll("'", '’')}'`;
      }),
    ];
  });
  return lines.join('\n');
}

/** That the verbs of `path` are typed, and none of their own yet. */
function fishCondition(path: string, verbs: readonly string[]): string {
  if (path === '') return '__fish_use_subcommand';
  return [
    ...path.split(' ').map((verb) => `__fish_seen_subcommand_from ${verb}`),
    ...(verbs.length === 0 ? [] : [`not __fish_seen_subcommand_from ${verbs.join(' ')}`]),
  ].join('; and ');
}
