/** Which names of a statement stand for VARIANTs, by what it says itself. */
import { VARIANT_RESULTS } from './functions/arguments.js';
import { operandStart } from './operands.js';
import { closing, isSymbol, isWord, type Piece } from './pieces.js';

/** Types whose values are kept as JSON. */
export const VARIANT_TYPES: ReadonlySet<string> = new Set(['VARIANT', 'OBJECT', 'ARRAY', 'MAP']);

/** Names that the statement gives to VARIANTs: `PARSE_JSON(…) AS v`, `v:a AS x`, `x::VARIANT v`. */
export function namedVariants(pieces: readonly Piece[]): ReadonlySet<string> {
  const names = new Set<string>();
  pieces.forEach((piece, index) => {
    if (piece.kind !== 'word' && piece.kind !== 'quoted') return;
    const end = isWord(pieces, index - 1, 'AS') ? index - 2 : index - 1;
    if (endsInVariant(pieces, end)) names.add(piece.value);
  });
  return names;
}

/** Whether the value that ends at `end` is a VARIANT by its text. */
function endsInVariant(pieces: readonly Piece[], end: number): boolean {
  const last = pieces[end];
  if (last === undefined) return false;
  if (last.kind === 'symbol' && last.value === ')') {
    const head = pieces[operandStart(pieces.slice(0, end + 1))];
    return head?.kind === 'word' && VARIANT_RESULTS.has(head.value);
  }
  if (last.kind === 'word' && isSymbol(pieces, end - 1, '::')) return VARIANT_TYPES.has(last.value);
  if (last.kind !== 'word' && last.kind !== 'quoted' && last.value !== ']') return false;
  const start = operandStart(pieces.slice(0, end + 1));
  for (let at = start; at < end; at += 1) {
    if (isSymbol(pieces, at, '(')) at = closing(pieces, at);
    else if (isSymbol(pieces, at, ':') || (at > start && isSymbol(pieces, at, '['))) return true;
  }
  return false;
}
