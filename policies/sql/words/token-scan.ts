/**
 * Table names by the words before them, for statements that no parser reads. It misses and it over-reports, so what
 * it finds is always marked unknown by the caller.
 */
import {
  isOperator,
  KIND,
  kindAt,
  significantPlaces,
  wordAt,
  type Tokens,
} from '#base/sql/lexer.js';
import { atOnce, STEP_TOKENS, type Steps } from '#base/sql/steps.js';
import type { StatementRange } from '#base/sql/splitter.js';
import { nameAt } from '#base/sql/token-values.js';

export interface ScannedNames {
  readonly read: readonly (readonly string[])[];
  readonly written: readonly (readonly string[])[];
}

const READ_WORDS: ReadonlySet<string> = new Set(['FROM', 'JOIN', 'USING', 'CLONE']);
const WRITE_WORDS: ReadonlySet<string> = new Set(['INTO', 'UPDATE', 'TABLE', 'VIEW']);
const NO_NAMES: ReadonlySet<string> = new Set(
  'SELECT WITH VALUES LATERAL TABLE IF NOT EXISTS OVERWRITE SET IDENTIFIER WHERE GROUP SPECIFICATION'.split(
    ' ',
  ),
);
const SKIPPED: ReadonlySet<string> = new Set(['IF', 'NOT', 'EXISTS', 'TABLE']);

/** Names after FROM, JOIN, USING (read) and INTO, UPDATE, TABLE, VIEW, DELETE FROM (written); CTEs left out. */
export function scanTables(tokens: Tokens, range: StatementRange): ScannedNames {
  return atOnce(scanSteps(tokens, range));
}

/** {@link scanTables} in steps. */
export function* scanSteps(tokens: Tokens, range: StatementRange): Steps<ScannedNames> {
  const indexes = significantPlaces(tokens, range.head, range.to);
  yield;
  const ctes = new Set<string>();
  for (let from = 1; from + 1 < indexes.length; from += STEP_TOKENS) {
    noteCtes(tokens, indexes, from, ctes);
    yield;
  }
  const names: FoundNames = { read: [], written: [] };
  for (let from = 0; from < indexes.length; from += STEP_TOKENS) {
    noteNames(tokens, indexes, from, ctes, names);
    yield;
  }
  return names;
}

interface FoundNames {
  readonly read: (readonly string[])[];
  readonly written: (readonly string[])[];
}

/** Notes the names after the words of the step that begins at `from`. */
function noteNames(
  tokens: Tokens,
  indexes: ArrayLike<number>,
  from: number,
  ctes: ReadonlySet<string>,
  { read, written }: FoundNames,
): void {
  const to = Math.min(indexes.length, from + STEP_TOKENS);
  for (let at = from; at < to; at += 1) {
    const word = wordAt(tokens, indexes[at] ?? tokens.count);
    if (!READ_WORDS.has(word) && !WRITE_WORDS.has(word)) continue;
    const previous = wordAt(tokens, indexes[at - 1] ?? tokens.count);
    const isDelete = word === 'FROM' && previous === 'DELETE';
    const list = WRITE_WORDS.has(word) || isDelete ? written : read;
    let next = at + 1;
    while (next <= at + SKIPPED.size && SKIPPED.has(wordAt(tokens, indexes[next] ?? tokens.count)))
      next += 1;
    for (;;) {
      const found = dottedName(tokens, indexes, next);
      if (found === undefined) break;
      if (found.parts.length > 1 || !ctes.has(found.parts[0] ?? '')) list.push(found.parts);
      next = found.end;
      if (list !== read || !isOperator(tokens, indexes[next] ?? tokens.count, ',')) break;
      next += 1;
    }
  }
}

/** Notes the names before the `AS (` of the step that begins at `from`. */
function noteCtes(
  tokens: Tokens,
  indexes: ArrayLike<number>,
  from: number,
  names: Set<string>,
): void {
  const to = Math.min(indexes.length - 1, from + STEP_TOKENS);
  for (let at = from; at < to; at += 1) {
    if (!isOperator(tokens, indexes[at + 1] ?? 0, '(') || wordAt(tokens, indexes[at] ?? 0) !== 'AS')
      continue;
    const name = nameAt(tokens, indexes[at - 1] ?? 0);
    if (name !== undefined) names.add(name);
  }
}

function dottedName(
  tokens: Tokens,
  indexes: ArrayLike<number>,
  from: number,
): { readonly parts: readonly string[]; readonly end: number } | undefined {
  const parts: string[] = [];
  let at = from;
  for (;;) {
    const index = indexes[at];
    const name = index === undefined ? undefined : nameAt(tokens, index);
    if (index === undefined || name === undefined) return undefined;
    if (kindAt(tokens, index) === KIND.word && NO_NAMES.has(name)) return undefined;
    parts.push(name);
    at += 1;
    if (!isOperator(tokens, indexes[at] ?? tokens.count, '.')) break;
    at += 1;
    if (isOperator(tokens, indexes[at] ?? tokens.count, '.')) {
      parts.push('');
      at += 1;
    }
  }
  const isCall = isOperator(tokens, indexes[at] ?? tokens.count, '(');
  const isInsertList = wordAt(tokens, indexes[from - 1] ?? tokens.count) === 'INTO';
  return parts.length > 3 || (isCall && !isInsertList) ? undefined : { parts, end: at };
}
