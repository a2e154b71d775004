/** `FROM (t)` and `FROM (TABLE(f(…)))`: a table in brackets of its own, which DuckDB does not read. */
import { closing, isSymbol, isWord, type Piece } from '../pieces.js';

/** `pieces` without those brackets. */
export function withBareTables(pieces: readonly Piece[]): readonly Piece[] {
  const dropped = new Set<number>();
  for (let index = 0; index < pieces.length; index += 1) {
    if (!isWord(pieces, index, 'FROM') && !isWord(pieces, index, 'JOIN')) continue;
    let open = index + 1;
    while (isSymbol(pieces, open, '(')) open += 1;
    const end = tableEnd(pieces, open);
    for (let depth = 0; end !== undefined && depth < open - index - 1; depth += 1) {
      if (!isSymbol(pieces, end + depth, ')')) break;
      dropped.add(open - 1 - depth).add(end + depth);
    }
  }
  return dropped.size === 0 ? pieces : pieces.filter((_, index) => !dropped.has(index));
}

/** Index past the table that starts at `from`, `a.b.c` or `TABLE(…)`; undefined for anything else. */
function tableEnd(pieces: readonly Piece[], from: number): number | undefined {
  if (isWord(pieces, from, 'TABLE') && isSymbol(pieces, from + 1, '('))
    return closing(pieces, from + 1) + 1;
  let at = from;
  for (;;) {
    const kind = pieces[at]?.kind;
    if (kind !== 'word' && kind !== 'quoted') return undefined;
    at += 1;
    if (!isSymbol(pieces, at, '.')) return at;
    at += 1;
  }
}
