/** What a document tells its reader to type, in order, as one script of bash that keeps what each step says. */

/** One command of a shell, or one program of Python. */
export interface Step {
  /** `README.md:12`. */
  readonly where: string;
  readonly language: 'sh' | 'python';
  /** Without the comment behind a command. */
  readonly text: string;
}

const FENCE = /^```(\S*)\n([\s\S]*?)^```$/gm;

/** What stands before a comment; a `#` in quotes begins none. */
const COMMENTED = /^((?:'[^']*'|"[^"]*"|[^'"#]|\S#)*)/;

/** Every command of the `sh` blocks and every `python` block; blocks of Python with no command between them are one program, as a reader types them into one session. */
export function stepsOf(document: string, text: string): readonly Step[] {
  const steps: Step[] = [];
  for (const { 1: language = '', 2: body = '', index } of text.matchAll(FENCE)) {
    const line = text.slice(0, index).split('\n').length + 1;
    if (language === 'sh') steps.push(...commandsOf(document, line, body));
    if (language !== 'python') continue;
    const last = steps.at(-1);
    if (last?.language === 'python') steps.pop();
    const before = last?.language === 'python' ? last : { where: `${document}:${line}`, text: '' };
    steps.push({ where: before.where, language, text: before.text + body });
  }
  return steps;
}

function commandsOf(document: string, first: number, body: string): readonly Step[] {
  return body.split('\n').flatMap((written, index) => {
    const text = (COMMENTED.exec(written)?.[1] ?? '').trim();
    return text === '' ? [] : [{ where: `${document}:${first + index}`, language: 'sh', text }];
  });
}

/** What a step came to. */
export interface Said {
  readonly code: number;
  readonly text: string;
}

/**
 * A script that runs every step in one shell, so that what one exports the next has, and that goes on after a step that
 * fails. Step `n` leaves `n.said` and `n.code` in the folder it runs in.
 */
export function scriptOf(commands: readonly string[]): string {
  return commands
    .map(
      (command, index) => `{\n${command}\n} >${index}.said 2>&1 </dev/null\necho $? >${index}.code`,
    )
    .join('\n');
}
