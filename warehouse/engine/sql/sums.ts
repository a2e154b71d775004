/**
 * SUM and AVG in types of their own. DuckDB's AVG is a double: here it is the exact quotient of a sum and a count. Both
 * are written around the whole aggregate, with its OVER, before calls are rewritten.
 */
import { closing, isSymbol, isWord, type Piece } from './pieces.js';

/** `pieces` with `TG_SUM(SUM(x) OVER …)` for every SUM, and `TG_AVERAGE(SUM(x) OVER …, COUNT(x) OVER …)` for every AVG. */
export function withExactSums(pieces: readonly Piece[]): readonly Piece[] {
  if (!pieces.some(({ value }) => value === 'SUM' || value === 'AVG')) return pieces;
  const out: Piece[] = [];
  for (let index = 0; index < pieces.length; index += 1) {
    const piece = pieces[index];
    if (piece === undefined) break;
    // What PIVOT takes is the name of an aggregate, not a value.
    if (isWord(pieces, index - 1, 'PIVOT') && isSymbol(pieces, index, '(')) {
      const end = closing(pieces, index);
      out.push(...pieces.slice(index, end + 1));
      index = end;
      continue;
    }
    const isSum = isWord(pieces, index, 'SUM');
    const isAggregate = isSum || isWord(pieces, index, 'AVG');
    if (!isAggregate || !isSymbol(pieces, index + 1, '(') || isSymbol(pieces, index - 1, '.')) {
      out.push(piece);
      continue;
    }
    const close = closing(pieces, index + 1);
    const end = windowEnd(pieces, close + 1);
    const operand = withExactSums(pieces.slice(index + 1, close + 1));
    const window = withExactSums(pieces.slice(close + 1, end));
    const sum = [word('SUM', piece), ...operand, ...window];
    out.push(word(isSum ? 'TG_SUM' : 'TG_AVERAGE', piece), symbol('(', piece), ...sum);
    if (!isSum) out.push(symbol(',', piece), word('COUNT', piece), ...operand, ...window);
    out.push(symbol(')', piece));
    index = end - 1;
  }
  return out;
}

/** The piece after FILTER (…) and OVER (…) or OVER name. */
function windowEnd(pieces: readonly Piece[], from: number): number {
  let at = from;
  if (isWord(pieces, at, 'FILTER') && isSymbol(pieces, at + 1, '('))
    at = closing(pieces, at + 1) + 1;
  if (!isWord(pieces, at, 'OVER')) return at;
  return isSymbol(pieces, at + 1, '(') ? closing(pieces, at + 1) + 1 : at + 2;
}

function word(text: string, at: Piece): Piece {
  return { kind: 'word', text, value: text, start: at.start, isSpaced: true };
}

function symbol(text: string, at: Piece): Piece {
  return { kind: 'symbol', text, value: text, start: at.start, isSpaced: false };
}
