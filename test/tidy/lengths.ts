/** Files and functions that have grown too long to be read in one go. */
import type { Source } from './tree.js';

export const FILE_LINES_MAX = 400;
export const FUNCTION_LINES_MAX = 70;

const isCounted = ({ folder }: Source): boolean => folder !== 'test' && folder !== 'bench';

export function longFiles(sources: readonly Source[]): readonly string[] {
  return sources
    .filter(isCounted)
    .map((file) => ({ path: file.path, lines: file.text.replace(/\n$/, '').split('\n').length }))
    .filter(({ lines }) => lines > FILE_LINES_MAX)
    .map(({ path, lines }) => `${path}: ${lines} lines`);
}

// What stands before the brace of a function: an arrow, or a parameter list (and a return type) that does not
// belong to a statement.
const STATEMENT = /\b(?:if|for|while|switch|catch|with)\s*(?:await\s*)?\($/;

/** Functions by the lines of code between their braces; blank lines and comments do not count. */
export function longFunctions(sources: readonly Source[]): readonly string[] {
  return sources.filter(isCounted).flatMap((file) =>
    bodies(file.code)
      .map(({ start, end }) => ({
        line: file.code.slice(0, start).split('\n').length,
        length: file.withStrings
          .slice(start, end)
          .split('\n')
          .filter((line) => line.trim() !== '').length,
      }))
      .filter(({ length }) => length > FUNCTION_LINES_MAX)
      .map(({ line, length }) => `${file.path}:${line}: ${length} lines`),
  );
}

function bodies(code: string): readonly { readonly start: number; readonly end: number }[] {
  const open: number[] = [];
  const found: { start: number; end: number }[] = [];
  for (let at = 0; at < code.length; at += 1) {
    if (code[at] === '{') open.push(at);
    if (code[at] !== '}') continue;
    const start = open.pop();
    if (start !== undefined && isFunction(code.slice(Math.max(0, start - 2000), start))) {
      found.push({ start, end: at + 1 });
    }
  }
  return found;
}

function isFunction(before: string): boolean {
  if (/=>\s*$/.test(before)) return true;
  const list = /\)\s*(?::[^;={}()]*)?$/.exec(before);
  if (list === null) return false;
  let depth = 0;
  for (let at = list.index; at >= 0; at -= 1) {
    if (before[at] === ')') depth += 1;
    if (before[at] === '(') depth -= 1;
    if (depth === 0) return !STATEMENT.test(before.slice(0, at + 1));
  }
  return false;
}
