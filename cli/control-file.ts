/** A control document as a reviewed file: read, checked, and its problems told with line and column. */
import { readFileSync, statSync } from 'node:fs';
import type { ControlDocument } from '../policies/control/document.js';
import { problemAt } from '../policies/control/problem.js';
import {
  CONTROL_TEXT_BYTES_MAX,
  parseControlText,
  parsePath,
  placed,
  type PlacedProblem,
  problemText,
  readYaml,
} from '../policies/control/text.js';
import { unreadable } from './unreadable.js';
import { VerbError } from './verb-error.js';

/** Most problems that are printed; a file with more has one cause more often than many. */
const PROBLEMS_SHOWN_MAX = 100;

export type ControlFile =
  | { readonly ok: true; readonly document: ControlDocument }
  | { readonly ok: false; readonly problems: readonly PlacedProblem[] };

/**
 * Reads and checks `file`.
 * @throws VerbError (usage) when it cannot be read or is too large to be a control document.
 */
export function readControlFile(file: string): ControlFile {
  return parseControlText(textOf(file));
}

function textOf(file: string): string {
  try {
    const { size } = statSync(file);
    if (size > CONTROL_TEXT_BYTES_MAX)
      throw new VerbError(
        `${file} has ${size} bytes; a control document has at most ${CONTROL_TEXT_BYTES_MAX} (16 MiB).`,
        2,
      );
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    if (thrown instanceof VerbError) throw thrown;
    throw unreadable(file, thrown);
  }
}

/**
 * Runs a call that sends the document of `file`. What the API refuses of it, which a Tollgate of another release may, is
 * told with its place in the file too.
 */
export async function withPlaces<T>(file: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (thrown) {
    if (!(thrown instanceof VerbError) || thrown.fields.length === 0) throw thrown;
    const read = readYaml(textOf(file));
    const own = thrown.fields.filter(({ field }) => field !== 'expectedVersion');
    if (!read.ok || own.length === 0) throw thrown;
    const problems = own.map(({ field, rule, wayOut }) =>
      problemAt(parsePath(field), rule, wayOut),
    );
    const lines = problemLines(file, placed(problems, read.locate));
    throw new VerbError([thrown.message.split('\n', 1)[0] ?? '', ...lines].join('\n'));
  }
}

/** `control.yaml:12:7 budgets[3].limitCredits must be …; correct the value`, one a line. */
export function problemLines(file: string, problems: readonly PlacedProblem[]): readonly string[] {
  const lines = problems
    .slice(0, PROBLEMS_SHOWN_MAX)
    .map((problem) => `${file}:${problem.line}:${problem.column} ${problemText(problem)}`);
  const more = problems.length - lines.length;
  return more > 0 ? [...lines, `${file}: and ${more} more problems`] : lines;
}

/** The document of a file, or a VerbError that lists its problems. */
export function acceptedFile(file: string): ControlDocument {
  const read = readControlFile(file);
  if (read.ok) return read.document;
  throw new VerbError(invalidText(file, read.problems));
}

export function invalidText(file: string, problems: readonly PlacedProblem[]): string {
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  return [
    `${file} is not valid (${count}); nothing was sent.`,
    ...problemLines(file, problems),
  ].join('\n');
}
