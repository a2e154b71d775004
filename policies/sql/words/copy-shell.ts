/** Reads COPY, TRUNCATE and chains of `->>` from their words. */
import { isOperator, type Tokens } from '#base/sql/lexer.js';
import type { StatementHead } from '#base/sql/statement-class.js';
import type { StatementRange } from '#base/sql/splitter.js';
import { STEP_TOKENS, type Steps } from '#base/sql/steps.js';
import {
  noteNames,
  partOf,
  ShellReading,
  skipExists,
  type StatementShell,
} from './statement-shell.js';
import { TokenCursor } from './token-cursor.js';

/** The shell of `COPY INTO`; `isLoad` when the target is a table. */
export function copyShell(
  tokens: Tokens,
  range: StatementRange,
  head: StatementHead,
  isLoad: boolean,
): StatementShell {
  const reading = new ShellReading(range);
  const cursor = new TokenCursor(tokens, head.verbAt + 1, range.to);
  cursor.skip('FILES');
  cursor.skip('INTO');
  if (isLoad) {
    const table = cursor.name();
    if (table !== undefined) reading.written.push(table);
    const list = cursor.brackets();
    if (table !== undefined && list !== undefined)
      reading.columns.push({ table, columns: namesIn(tokens, list) });
  } else cursor.step();
  while (!cursor.isAtEnd && cursor.word() !== 'FROM') cursor.step();
  cursor.step();
  const inside = cursor.brackets();
  if (inside !== undefined) reading.innerAt(tokens, inside.from, inside.to);
  else if (!isLoad) {
    const name = cursor.name();
    if (name !== undefined) {
      reading.read.push(name);
      reading.whole.push(name);
    }
  }
  return reading;
}

function namesIn(
  tokens: Tokens,
  list: { readonly from: number; readonly to: number },
): readonly string[] {
  const names: string[] = [];
  const cursor = new TokenCursor(tokens, list.from, list.to);
  while (!cursor.isAtEnd) {
    const last = cursor.name()?.parts.at(-1);
    if (last === undefined) cursor.step();
    else names.push(last);
  }
  return names;
}

/** The shell of TRUNCATE. */
export function truncateShell(
  tokens: Tokens,
  range: StatementRange,
  head: StatementHead,
): StatementShell {
  const reading = new ShellReading(range);
  const cursor = new TokenCursor(tokens, head.verbAt + 1, range.to);
  while (cursor.word() === 'TABLE' || cursor.word() === 'MATERIALIZED' || cursor.word() === 'VIEW')
    cursor.step();
  skipExists(cursor);
  noteNames(cursor, reading.written);
  return reading;
}

/** The parts of a chain of `->>`, in order, in steps. */
export function* flowPartSteps(
  tokens: Tokens,
  range: StatementRange,
): Steps<readonly StatementRange[]> {
  const parts: StatementRange[] = [];
  let from = range.head;
  for (let at = range.head; at <= range.to; at += 1) {
    if ((at - range.head) % STEP_TOKENS === STEP_TOKENS - 1) yield;
    if (at < range.to && !isOperator(tokens, at, '->>')) continue;
    const part = partOf(tokens, range, from, at);
    if (part !== undefined) parts.push(part);
    from = at + 1;
  }
  return parts;
}
