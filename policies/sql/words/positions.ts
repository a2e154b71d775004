/** Columns named by their place: `$1` is whichever column stands first, which the text does not say of a table. */
import {
  isOperator,
  KIND,
  kindAt,
  nextSignificant,
  previousSignificant,
  textAt,
  wordAt,
  type Tokens,
} from '#base/sql/lexer.js';
import type { StatementRange } from '#base/sql/splitter.js';

/** What `$1` stands behind where it names the result of the statement before, in a chain of `->>`. */
const SOURCES: ReadonlySet<string> = new Set(['FROM', 'JOIN']);

/**
 * Whether a column of a table is named by its place. Columns of staged files have no other name, and `FROM $1` is a
 * result: neither is a table's.
 * @param readsTables whether the statement reads a table at all.
 */
export function namesByPosition(
  tokens: Tokens,
  range: Pick<StatementRange, 'head' | 'to'>,
  readsTables: boolean,
): boolean {
  if (!readsTables) return false;
  const named = otherSources(tokens, range);
  for (let at = range.head; at < range.to; at += 1) {
    if (kindAt(tokens, at) !== KIND.variable || !/^\$\d/.test(textAt(tokens, at))) continue;
    const before = previousSignificant(tokens, at);
    if (isOperator(tokens, before, '.')) {
      if (!named.has(wordAt(tokens, previousSignificant(tokens, before)))) return true;
    } else if (!SOURCES.has(wordAt(tokens, before))) return true;
  }
  return false;
}

/** Aliases of staged files and of what stands in brackets: functions, and queries whose own columns are known. */
function otherSources(
  tokens: Tokens,
  { head, to }: Pick<StatementRange, 'head' | 'to'>,
): ReadonlySet<string> {
  const aliases = new Set<string>();
  for (let at = head; at < to; at += 1) {
    if (kindAt(tokens, at) !== KIND.stage && !isOperator(tokens, at, ')')) continue;
    let next = nextSignificant(tokens, at + 1);
    if (wordAt(tokens, next) === 'AS') next = nextSignificant(tokens, next + 1);
    const alias = wordAt(tokens, next);
    if (alias !== '') aliases.add(alias);
  }
  return aliases;
}
