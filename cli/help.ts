/** Help as a page of a manual, made from what commander knows of a verb: the same description that completion is made from. */
import type { Command, Help } from 'commander';
import { BOLD, type Paint, painter } from './explanation/layout.js';
import { EXAMPLES } from './help-examples.js';
import { wrap } from './plan-text.js';
import type { Terminal } from './terminal.js';
import { VerbError } from './verb-error.js';

const INDENT = '    ';
/** Where what an option does begins, on its own line where the option is longer. */
const TERM_WIDTH = 24;
/** Lines longer than this are not read. */
const COLUMNS_MAX = 100;

/** These do their work without a running Tollgate. */
const ALONE: ReadonlySet<string> = new Set(['serve', 'doctor', 'explain', 'replay', 'completion']);

/** Makes the help of a program and of every verb that is added to it from now on. */
export function withManualPages(program: Command, terminal: Terminal): Command {
  const paint = painter(terminal.hasColours === true);
  return program
    .configureHelp({
      formatHelp: (command, helper) => page(command, helper, terminal.columns, paint),
    })
    .helpCommand(false);
}

/** `tollgate help audit verify`; registered last, as it is told last. */
export function registerHelp(program: Command): void {
  program
    .command('help [verbs...]')
    .description('the manual page of a verb: help bill, help grant raise')
    .action((words: readonly string[]) => {
      let command = program;
      for (const word of words) {
        const next = command.commands.find((each) => each.name() === word);
        if (next === undefined)
          throw new VerbError(
            `There is no verb "${word.slice(0, 40)}"; \`${pathOf(command).replace('tollgate', 'tollgate help')}\` lists those there are.`,
            2,
          );
        command = next;
      }
      command.outputHelp();
    });
}

/** `tollgate grant raise`. */
function pathOf(command: Command): string {
  const names: string[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) names.unshift(at.name());
  return names.join(' ');
}

function page(command: Command, helper: Help, columns: number, paint: Paint): string {
  const width = Math.min(columns, COLUMNS_MAX);
  const path = pathOf(command);
  const verb = path.split(' ').slice(1).join(' ');
  const section = (name: string, lines: readonly string[]): string =>
    lines.length === 0 ? '' : [paint(BOLD, name), ...lines].join('\n');
  const items = (pairs: readonly (readonly [string, string])[]): readonly string[] =>
    pairs.flatMap(([term, text]) => itemLines(term, text, width));
  const sections = [
    section(
      'NAME',
      wrap(`${path} - ${command.description()}`, width, INDENT, `${INDENT}${INDENT}`),
    ),
    section('SYNOPSIS', [`${INDENT}${path} ${command.usage()}`]),
    section(
      'COMMANDS',
      items(
        helper
          .visibleCommands(command)
          .map((each) => [synopsisOf(each), helper.subcommandDescription(each)] as const),
      ),
    ),
    section(
      'OPTIONS',
      items(
        helper
          .visibleOptions(command)
          .map((each) => [helper.optionTerm(each), helper.optionDescription(each)] as const),
      ),
    ),
    section(
      'EXAMPLES',
      (EXAMPLES[verb] ?? []).map((line) => INDENT + line),
    ),
    section(
      'EXIT STATUS',
      items([
        ['0', 'done'],
        ['1', 'refused or failed; standard error, or with --json standard output, says why'],
        ['2', 'wrong usage'],
      ]),
    ),
    section('ENVIRONMENT', items(environmentOf(verb))),
  ];
  return `${sections.filter((each) => each !== '').join('\n\n')}\n`;
}

/** A verb with its arguments, without the options that its own page has. */
function synopsisOf(command: Command): string {
  const words = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [command.name(), ...words].join(' ');
}

function itemLines(term: string, text: string, width: number): readonly string[] {
  const blank = ' '.repeat(INDENT.length + TERM_WIDTH);
  if (term.length < TERM_WIDTH - 1)
    return wrap(text, width, `${INDENT}${term.padEnd(TERM_WIDTH)}`, blank);
  return [`${INDENT}${term}`, ...wrap(text, width, blank, blank)];
}

function environmentOf(verb: string): readonly (readonly [string, string])[] {
  const [first = ''] = verb.split(' ');
  return [
    ...(ALONE.has(first)
      ? []
      : ([
          ['TOLLGATE_ADMIN_PORT', 'where the running Tollgate answers; 8081'],
          ['TOLLGATE_ADMIN_TOKEN', 'who asks; else the file admin-token of the data directory'],
        ] as const)),
    ['TOLLGATE_DATA_DIR', 'the data directory; .tollgate'],
    ['NO_COLOR', 'set to anything: no colours; nor are there any where output is no terminal'],
  ];
}
