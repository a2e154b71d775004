/** UPDATE and MERGE: `SET t.c = …` names the column with its table, which DuckDB refuses (pages "UPDATE", "MERGE"). */
import { closing, isSymbol, isWord, type Piece } from '../pieces.js';

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
