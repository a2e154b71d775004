/** Names of a result's columns: Snowflake calls an unnamed expression by its own text, which translation changes. */
import { closing, isSymbol, isWord, splitAtCommas, type Piece } from './pieces.js';

const LIST_ENDS: ReadonlySet<string> = new Set([
  'FROM',
  'WHERE',
  'GROUP',
  'HAVING',
  'QUALIFY',
  'ORDER',
  'LIMIT',
  'FETCH',
  'UNION',
  'EXCEPT',
  'INTERSECT',
  'MINUS',
  'INTO',
  'WINDOW',
]);

/**
 * For each item of the outermost select list the name that its text gives it, `undefined` where the item has an alias
 * or is a plain column, `'*'` where it stands for several. Empty when there is no select list.
 */
export function textNames(pieces: readonly Piece[], sql: string): readonly (string | undefined)[] {
  let at = selectAt(pieces);
  if (at < 0) return [];
  at += 1;
  if (isWord(pieces, at, 'DISTINCT') || isWord(pieces, at, 'ALL')) at += 1;
  if (isWord(pieces, at, 'TOP')) at += 2;
  const end = listEnd(pieces, at);
  return splitAtCommas(pieces, at, end).map(([from, to]) => itemName(pieces, from, to, sql));
}

function selectAt(pieces: readonly Piece[]): number {
  for (let index = 0; index < pieces.length; index += 1) {
    if (isWord(pieces, index, 'SELECT')) return index;
    if (isSymbol(pieces, index, '(') && index > 0) index = closing(pieces, index);
  }
  return -1;
}

function listEnd(pieces: readonly Piece[], from: number): number {
  for (let index = from; index < pieces.length; index += 1) {
    const piece = pieces[index];
    if (piece?.kind === 'symbol' && (piece.value === '(' || piece.value === '['))
      index = closing(pieces, index);
    else if (piece?.kind === 'symbol' && piece.value === ')') return index;
    else if (
      piece?.kind === 'word' &&
      LIST_ENDS.has(piece.value) &&
      !isSymbol(pieces, index - 1, '.') &&
      !isWord(pieces, index - 1, 'WITHIN')
    )
      return index;
  }
  return pieces.length;
}

/** Single words that are no columns. */
const OWN_TEXT: ReadonlySet<string> = new Set([
  'NULL',
  'TRUE',
  'FALSE',
  'CURRENT_DATE',
  'CURRENT_TIME',
  'CURRENT_TIMESTAMP',
  'CURRENT_USER',
  'LOCALTIME',
  'LOCALTIMESTAMP',
]);

function itemName(
  pieces: readonly Piece[],
  from: number,
  to: number,
  sql: string,
): string | undefined {
  const last = pieces[to - 1];
  const before = pieces[to - 2];
  const isName = last?.kind === 'word' || last?.kind === 'quoted';
  for (let index = from; index < to; index += 1) {
    if (isSymbol(pieces, index, '*') && (index === from || isSymbol(pieces, index - 1, '.')))
      return '*';
  }
  if (
    isName &&
    !isPath(pieces, from, to) &&
    last.value !== 'END' &&
    (to - from === 1 || startsName(before))
  ) {
    const isLiteral = to - from === 1 && OWN_TEXT.has(last.value);
    return isLiteral ? last.value : undefined;
  }
  const first = pieces[from];
  if (first === undefined || last === undefined || first.start < 0) return undefined;
  const end = last.end ?? pieces[to]?.start ?? sql.length;
  return sql
    .slice(first.start, end < 0 ? sql.length : end)
    .replaceAll(/\s+/g, ' ')
    .trim()
    .replace(/;$/, '')
    .toUpperCase();
}

/** Whether a name after `before` is an alias or the end of a path rather than the end of an expression. */
function startsName(before: Piece | undefined): boolean {
  if (before === undefined) return false;
  if (before.kind === 'symbol')
    return before.value === '.' || before.value === ')' || before.value === ']';
  return (
    before.kind !== 'word' ||
    !['AND', 'OR', 'NOT', 'IS', 'LIKE', 'THEN', 'ELSE'].includes(before.value)
  );
}

/** A path into a VARIANT, `v:key.inner`: the key at its end is no name of a column. */
function isPath(pieces: readonly Piece[], from: number, to: number): boolean {
  let start = to - 1;
  while (isSymbol(pieces, start - 1, '.') && start - 2 >= from) start -= 2;
  return isSymbol(pieces, start - 1, ':');
}
