/** Joins: JOIN without a condition is a cross join (page "JOIN"), ASOF JOIN keeps every row of its left side ("ASOF JOIN"). */
import { StatementFailed, unsupported } from '../../failures.js';
import { closing, isSymbol, isWord, raw, word, type Piece } from '../pieces.js';

/** `pieces` with those joins in DuckDB's words. Throws StatementFailed for an ASOF JOIN with USING. */
export function withJoins(pieces: readonly Piece[]): readonly Piece[] {
  if (!pieces.some(({ kind, value }) => kind === 'word' && value === 'JOIN')) return pieces;
  const out: Piece[] = [];
  for (let index = 0; index < pieces.length; index += 1) {
    const piece = pieces[index];
    if (piece === undefined) break;
    if (isWord(pieces, index, 'JOIN') && isPlain(pieces, index) && !hasCondition(pieces, index)) {
      if (isWord(pieces, index - 1, 'INNER')) out.pop();
      out.push(word('CROSS', piece), piece);
    } else if (isWord(pieces, index, 'JOIN') && isWord(pieces, index - 1, 'ASOF')) {
      out.push(word('LEFT', piece), piece);
    } else if (isWord(pieces, index, 'MATCH_CONDITION') && isSymbol(pieces, index + 1, '(')) {
      index = matchCondition(pieces, index, out);
    } else out.push(piece);
  }
  return out;
}

function isPlain(pieces: readonly Piece[], index: number): boolean {
  const before = pieces[index - 1];
  if (before?.kind !== 'word') return true;
  return !['CROSS', 'NATURAL', 'ASOF', 'LEFT', 'RIGHT', 'FULL', 'OUTER', 'LATERAL'].includes(
    before.value,
  );
}

const ENDS: ReadonlySet<string> = new Set(
  'WHERE GROUP HAVING QUALIFY ORDER LIMIT OFFSET FETCH UNION EXCEPT INTERSECT MINUS WINDOW SET WHEN SELECT'.split(
    ' ',
  ),
);

/** Whether ON or USING follows for the JOIN at `index`; conditions belong to the latest join that has none yet. */
function hasCondition(pieces: readonly Piece[], index: number): boolean {
  let open = 1;
  for (let at = index + 1; at < pieces.length; at += 1) {
    const piece = pieces[at];
    if (piece?.kind === 'symbol') {
      if (piece.value === '(') at = closing(pieces, at);
      else if (piece.value === ')' || piece.value === ',' || piece.value === ';') return false;
      continue;
    }
    if (piece?.kind !== 'word') continue;
    if (ENDS.has(piece.value)) return false;
    if (
      piece.value === 'JOIN' &&
      !isWord(pieces, at - 1, 'CROSS') &&
      !isWord(pieces, at - 1, 'NATURAL')
    )
      open += 1;
    if (piece.value === 'ON' || piece.value === 'USING' || piece.value === 'MATCH_CONDITION') {
      open -= 1;
      if (open === 0) return true;
    }
  }
  return false;
}

/** `MATCH_CONDITION (c) [ON e]` becomes `ON (c) [AND e]`; returns the index of the last piece used. */
function matchCondition(pieces: readonly Piece[], index: number, out: Piece[]): number {
  const close = closing(pieces, index + 1);
  if (isWord(pieces, close + 1, 'USING'))
    throw new StatementFailed(unsupported('ASOF JOIN … USING'));
  out.push(word('ON', pieces[index]), ...pieces.slice(index + 1, close + 1));
  if (!isWord(pieces, close + 1, 'ON')) return close;
  for (let at = close + 2; at < pieces.length && !isSymbol(pieces, at, ')'); at += 1) {
    if (isSymbol(pieces, at, '(')) at = closing(pieces, at);
    else if (isWord(pieces, at, 'OR'))
      throw new StatementFailed(unsupported('ASOF JOIN with OR in its condition'));
    else if (ENDS.has(pieces[at]?.value ?? '')) break;
  }
  out.push(raw('AND', pieces[close + 1]));
  return close + 1;
}
