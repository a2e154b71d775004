/** UPDATE and MERGE: `SET t.c = …` names the column with its table, which DuckDB refuses (pages "UPDATE", "MERGE"). */
import { closing, isSymbol, isWord, made, type Piece } from '../pieces.js';

const ENDS: ReadonlySet<string> = new Set(['FROM', 'WHERE', 'WHEN']);

/** `pieces` with the targets of SET by their column's name alone. */
export function withSetTargets(pieces: readonly Piece[]): readonly Piece[] {
  if (!isWord(pieces, 0, 'UPDATE') && !isWord(pieces, 0, 'MERGE')) return pieces;
  const out: Piece[] = [];
  let isInSet = false;
  for (let index = 0; index < pieces.length; index += 1) {
    const piece = pieces[index];
    if (piece === undefined) break;
    if (isSymbol(pieces, index, '(')) {
      const close = closing(pieces, index);
      out.push(...pieces.slice(index, close + 1));
      index = close;
      continue;
    }
    out.push(piece);
    if (piece.kind === 'word' && ENDS.has(piece.value)) isInSet = false;
    const startsTarget = isWord(pieces, index, 'SET') || (isInSet && isSymbol(pieces, index, ','));
    if (!startsTarget) continue;
    isInSet = true;
    let at = index + 1;
    while (isSymbol(pieces, at + 1, '.')) at += 2;
    const target = pieces[at];
    if (target === undefined || !isSymbol(pieces, at + 1, '=')) continue;
    out.push({ ...target, isSpaced: true });
    index = at;
  }
  return out;
}

/**
 * DELETE … USING (subquery) as DELETE … WHERE EXISTS: the transpiler does not read the first, and both delete the rows
 * of the target that join at least one row (page "DELETE").
 */
export function withDeleteSource(pieces: readonly Piece[]): readonly Piece[] {
  if (!isWord(pieces, 0, 'DELETE')) return pieces;
  const using = wordOutside(pieces, 0, 'USING');
  if (using < 0 || !isSymbol(pieces, using + 1, '(') || !isWord(pieces, using + 2, 'SELECT'))
    return pieces;
  return [
    ...pieces.slice(0, using),
    ...made('WHERE EXISTS (SELECT 1 FROM'),
    ...pieces.slice(using + 1),
    ...made(')'),
  ];
}

function wordOutside(pieces: readonly Piece[], from: number, word: string): number {
  for (let at = from; at < pieces.length; at += 1) {
    if (isSymbol(pieces, at, '(')) at = closing(pieces, at);
    else if (isWord(pieces, at, word)) return at;
  }
  return -1;
}
