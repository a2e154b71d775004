/** Values of sequences: `seq.NEXTVAL` and TABLE(GETNEXTVAL(seq)) as calls of DuckDB's nextval (page "Using Sequences"). */
import { closing, isSymbol, isWord, quoteDuckText, quoteName, raw, type Piece } from './pieces.js';
import { fullName, type FullName, type Scope } from './resolve.js';

/** DuckDB's name of a sequence as text. */
export function sequenceName(full: FullName): string {
  return `warehouse.${quoteName(`${full.database}.${full.schema}`)}.${quoteName(full.name)}`;
}

/** `pieces` with the next values of sequences. A column called NEXTVAL has to be quoted where a name stands before it. */
export function withSequences(pieces: readonly Piece[], scope: Scope): readonly Piece[] {
  if (!pieces.some(({ value }) => value === 'NEXTVAL' || value === 'GETNEXTVAL')) return pieces;
  const out: Piece[] = [];
  const aliases = aliasesOfValues(pieces);
  for (let index = 0; index < pieces.length; index += 1) {
    const piece = pieces[index];
    if (piece === undefined) break;
    const isValue = isWord(pieces, index, 'NEXTVAL') && isSymbol(pieces, index - 1, '.');
    if (isValue && !aliases.has(pieces[index - 2]?.value ?? '')) {
      const parts: string[] = [];
      let at = out.length;
      while (at >= 2 && isSymbol(out, at - 1, '.')) {
        parts.unshift(out[at - 2]?.value ?? '');
        at -= 2;
      }
      out.splice(at);
      out.push(nextval(parts, scope, piece));
    } else if (isWord(pieces, index, 'TABLE') && isWord(pieces, index + 2, 'GETNEXTVAL')) {
      const close = closing(pieces, index + 3);
      const parts = pieces
        .slice(index + 4, close)
        .filter(({ kind }) => kind === 'word' || kind === 'quoted')
        .map(({ value }) => value);
      out.push(raw(`(SELECT ${nextval(parts, scope, piece).text} AS NEXTVAL)`, piece));
      index = close + 1;
    } else out.push(piece);
  }
  return out;
}

/** Aliases of TABLE(GETNEXTVAL(…)): with them NEXTVAL is a column. */
function aliasesOfValues(pieces: readonly Piece[]): ReadonlySet<string> {
  const found = new Set<string>();
  for (let index = 0; index < pieces.length; index += 1) {
    if (!isWord(pieces, index, 'GETNEXTVAL')) continue;
    let at = closing(pieces, index + 1) + 2;
    if (isWord(pieces, at, 'AS')) at += 1;
    found.add(pieces[at]?.value ?? '');
  }
  return found;
}

function nextval(parts: readonly string[], scope: Scope, at: Piece): Piece {
  return raw(`NEXTVAL(${quoteDuckText(sequenceName(fullName(parts, scope)))})`, at);
}
