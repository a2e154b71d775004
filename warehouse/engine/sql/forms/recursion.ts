/** WITH whose RECURSIVE was left out, as Snowflake allows (page "WITH"): DuckDB needs the word to let a CTE read itself. */
import { closing, isSymbol, isWord, word, type Piece } from '../pieces.js';

/** `pieces` with RECURSIVE after every WITH that has a CTE whose second branch reads the CTE. */
export function withRecursion(pieces: readonly Piece[]): readonly Piece[] {
  const out: Piece[] = [];
  for (let index = 0; index < pieces.length; index += 1) {
    const piece = pieces[index];
    if (piece === undefined) break;
    out.push(piece);
    if (!isWord(pieces, index, 'WITH') || isWord(pieces, index + 1, 'RECURSIVE')) continue;
    if (readsItself(pieces, index + 1)) out.push(word('RECURSIVE', piece));
  }
  return out;
}

/** Whether a CTE of the list at `from` names itself after a UNION ALL of its own body. */
function readsItself(pieces: readonly Piece[], from: number): boolean {
  for (let at = from; ;) {
    const name = pieces[at];
    if (name?.kind !== 'word' && name?.kind !== 'quoted') return false;
    at += 1;
    if (isSymbol(pieces, at, '(')) at = closing(pieces, at) + 1;
    if (!isWord(pieces, at, 'AS') || !isSymbol(pieces, at + 1, '(')) return false;
    const close = closing(pieces, at + 1);
    if (isInSecondBranch(pieces, at + 2, close, name.value)) return true;
    if (!isSymbol(pieces, close + 1, ',')) return false;
    at = close + 2;
  }
}

function isInSecondBranch(
  pieces: readonly Piece[],
  from: number,
  to: number,
  name: string,
): boolean {
  for (let at = from; at < to; at += 1) {
    if (isSymbol(pieces, at, '(')) at = closing(pieces, at);
    else if (isWord(pieces, at, 'UNION')) {
      return pieces.slice(at, to).some((piece, offset) => {
        const isSource =
          isWord(pieces, at + offset - 1, 'FROM') ||
          isWord(pieces, at + offset - 1, 'JOIN') ||
          isSymbol(pieces, at + offset - 1, ',');
        return (
          (piece.kind === 'word' || piece.kind === 'quoted') &&
          piece.value === name &&
          isSource &&
          !isSymbol(pieces, at + offset + 1, '.')
        );
      });
    }
  }
  return false;
}
