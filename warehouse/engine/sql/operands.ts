/** Where the value that a later operator applies to starts. */
import { closing, isSymbol, type Piece } from './pieces.js';

/** Index where the operand at the end of `out` starts: a value with its calls, subscripts and path. */
export function operandStart(out: readonly Piece[]): number {
  let at = out.length;
  for (;;) {
    const last = out[at - 1];
    if (last === undefined) return at;
    if (last.kind === 'symbol' && (last.value === ')' || last.value === ']'))
      at = opening(out, at - 1);
    else if (last.kind === 'raw' && /^[^(]*\)$/.test(last.text)) at = opening(out, at - 1);
    else at -= isHexadecimal(out, at) ? 2 : 1;
    const before = out[at - 1];
    const isCallOrSubscript =
      out[at]?.kind === 'symbol' && ['(', '['].includes(out[at]?.value ?? '');
    if (
      isCallOrSubscript &&
      (before?.kind === 'word' || before?.kind === 'quoted') &&
      !isKeyword(before)
    ) {
      if (out[at]?.value === '(') at -= 1;
      else continue;
    } else if (
      isCallOrSubscript &&
      before?.kind === 'symbol' &&
      (before.value === ')' || before.value === ']')
    )
      continue;
    const link = out[at - 1];
    if (link?.kind !== 'symbol' || (link.value !== '.' && link.value !== ':')) return at;
    at -= 1;
  }
}

/** Index past the operand that starts at `from`: a value with its calls, subscripts, path and casts. */
export function operandEnd(pieces: readonly Piece[], from: number): number {
  let at = isSymbol(pieces, from, '(') ? closing(pieces, from) + 1 : from + 1;
  for (;;) {
    if (isSymbol(pieces, at, '(') || isSymbol(pieces, at, '[')) at = closing(pieces, at) + 1;
    else if (['.', ':', '::'].some((link) => isSymbol(pieces, at, link))) at += 2;
    else return at;
  }
}

const BOUNDARIES: ReadonlySet<string> = new Set(
  `SELECT DISTINCT ALL AND OR NOT WHERE WHEN THEN ELSE CASE ON BY HAVING QUALIFY IN BETWEEN AS FROM SET VALUES LIMIT , ( [ ; = < > <= >= <> !=`.split(
    ' ',
  ),
);

/** Index where the left side of a comparison that follows `out` starts: a whole sum or concatenation, not its last value. */
export function comparandStart(out: readonly Piece[]): number {
  let depth = 0;
  for (let at = out.length - 1; at >= 0; at -= 1) {
    const piece = out[at];
    if (piece?.kind === 'symbol' && (piece.value === ')' || piece.value === ']')) depth += 1;
    else if (depth > 0) {
      if (piece?.kind === 'symbol' && (piece.value === '(' || piece.value === '[')) depth -= 1;
    } else if (
      (piece?.kind === 'symbol' || piece?.kind === 'word') &&
      BOUNDARIES.has(piece.value) &&
      out[at - 1]?.value !== '.'
    )
      return at + 1;
  }
  return 0;
}

const KEYWORDS: ReadonlySet<string> = new Set([
  'SELECT',
  'AND',
  'OR',
  'NOT',
  'IN',
  'WHERE',
  'WHEN',
  'THEN',
  'ELSE',
  'ON',
  'BY',
  'HAVING',
  'AS',
  'FROM',
  'CASE',
  'DISTINCT',
  'BETWEEN',
  'LIKE',
]);
const isKeyword = (piece: Piece): boolean => piece.kind === 'word' && KEYWORDS.has(piece.value);

/** `X'0F'` at the end of `[0, to)`: two pieces, one value. */
function isHexadecimal(out: readonly Piece[], to: number): boolean {
  const last = out[to - 1];
  const mark = out[to - 2];
  return last?.kind === 'string' && !last.isSpaced && mark?.kind === 'word' && mark.value === 'X';
}

function opening(out: readonly Piece[], close: number): number {
  let depth = 0;
  for (let at = close; at >= 0; at -= 1) {
    const piece = out[at];
    if (piece?.kind !== 'symbol' && piece?.kind !== 'raw') continue;
    // Raw pieces may open or close several brackets at once.
    const brackets = piece.text.replaceAll(/'(?:[^']|'')*'/g, '');
    for (let index = brackets.length - 1; index >= 0; index -= 1) {
      const character = brackets[index];
      if (character === ')' || character === ']') depth += 1;
      else if (character === '(' || character === '[') depth -= 1;
    }
    if (depth <= 0) return at;
  }
  return 0;
}
