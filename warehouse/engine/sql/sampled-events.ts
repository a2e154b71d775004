/**
 * Counts and sums over ANALYTICS.WEB.EVENTS, whose rows are a sample: each stands for ten million events. Where a query
 * aggregates that table alone, COUNT, COUNT_IF and SUM are those of the events, so that they agree with the statistics
 * and with each other; single rows, distinct values, extremes and averages are the sample's own.
 */
import { EVENTS_PER_SAMPLE_ROW } from '../world/events.js';
import { closing, isSymbol, isWord, made, type Piece } from './pieces.js';
import { dotted } from './resolve.js';
import type { ResolvedMention } from './table-names.js';

const EVENTS = 'ANALYTICS.WEB.EVENTS';
/** What may follow the table at a level that reads nothing else. */
const ENDS: ReadonlySet<string> = new Set(
  ') WHERE GROUP HAVING QUALIFY ORDER LIMIT FETCH UNION INTERSECT EXCEPT MINUS ;'.split(' '),
);
const ADDITIVE: ReadonlySet<string> = new Set(['COUNT', 'COUNT_IF', 'SUM']);

/** `pieces` with those aggregates multiplied. */
export function withWholeCounts(
  pieces: readonly Piece[],
  mentions: readonly ResolvedMention[],
): readonly Piece[] {
  const scaled = new Set<number>();
  for (const mention of mentions) {
    if (dotted(mention.full) !== EVENTS || mention.use !== 'read') continue;
    if (!isAlone(pieces, mention)) continue;
    for (const at of aggregatesOf(pieces, mention.from)) scaled.add(at);
  }
  if (scaled.size === 0) return pieces;
  const out: Piece[] = [];
  const ends = new Set<number>();
  for (let index = 0; index < pieces.length; index += 1) {
    const piece = pieces[index];
    if (piece === undefined) break;
    if (scaled.has(index)) {
      out.push(...made('('), { ...piece, isSpaced: false });
      ends.add(closing(pieces, index + 1));
    } else out.push(piece);
    if (ends.has(index)) out.push(...made(`* CAST(${EVENTS_PER_SAMPLE_ROW} AS DECIMAL(8, 0)))`));
  }
  return out;
}

function isAlone(pieces: readonly Piece[], { from, to }: ResolvedMention): boolean {
  if (!isWord(pieces, from - 1, 'FROM')) return false;
  let next = isWord(pieces, to, 'AS') ? to + 1 : to;
  const alias = pieces[next];
  if (alias?.kind === 'quoted' || (alias?.kind === 'word' && !ENDS.has(alias.value))) next += 1;
  const after = pieces[next];
  return after === undefined || ENDS.has(after.value);
}

/** Places of additive aggregates at the level of the FROM before `at`: not those of subqueries inside it. */
function aggregatesOf(pieces: readonly Piece[], at: number): readonly number[] {
  let start = at;
  for (let depth = 0; start > 0; start -= 1) {
    if (isSymbol(pieces, start, ')')) depth += 1;
    else if (isSymbol(pieces, start, '(')) depth -= 1;
    if (depth < 0 || (depth === 0 && isWord(pieces, start, 'SELECT'))) break;
  }
  const found: number[] = [];
  let depth = 0;
  for (let index = start; index < pieces.length && depth >= 0; index += 1) {
    if (isSymbol(pieces, index, '(')) {
      if (isWord(pieces, index + 1, 'SELECT') || isWord(pieces, index + 1, 'WITH'))
        index = closing(pieces, index);
      else depth += 1;
    } else if (isSymbol(pieces, index, ')')) depth -= 1;
    else if (depth === 0 && index > at && isSetOperator(pieces, index)) break;
    else if (isAdditive(pieces, index)) found.push(index);
  }
  return found;
}

function isSetOperator(pieces: readonly Piece[], index: number): boolean {
  return ['UNION', 'INTERSECT', 'EXCEPT', 'MINUS'].some((word) => isWord(pieces, index, word));
}

function isAdditive(pieces: readonly Piece[], index: number): boolean {
  const piece = pieces[index];
  if (piece?.kind !== 'word' || !ADDITIVE.has(piece.value) || !isSymbol(pieces, index + 1, '('))
    return false;
  const close = closing(pieces, index + 1);
  return !isWord(pieces, index + 2, 'DISTINCT') && !isWord(pieces, close + 1, 'OVER');
}
