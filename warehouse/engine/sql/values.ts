/** `FROM VALUES (…), (…)` and `FROM (VALUES …)`: Snowflake calls the columns COLUMN1, COLUMN2, … */
import { closing, isSymbol, isWord, raw, splitAtCommas, type Piece } from './pieces.js';

const FOLLOWERS: ReadonlySet<string> = new Set([
  'WHERE',
  'GROUP',
  'ORDER',
  'LIMIT',
  'JOIN',
  'INNER',
  'LEFT',
  'RIGHT',
  'FULL',
  'CROSS',
  'NATURAL',
  'ON',
  'USING',
  'UNION',
  'EXCEPT',
  'INTERSECT',
  'MINUS',
  'HAVING',
  'QUALIFY',
  'SAMPLE',
  'LATERAL',
  'WHEN',
  'SET',
  'PIVOT',
  'UNPIVOT',
]);

/** `pieces` with every VALUES in a FROM clause in brackets and its columns named. */
export function withValueNames(pieces: readonly Piece[]): readonly Piece[] {
  if (!pieces.some(({ value }) => value === 'VALUES')) return pieces;
  const out: Piece[] = [];
  for (let index = 0; index < pieces.length; index += 1) {
    const piece = pieces[index];
    if (piece === undefined) break;
    const isBracketed = isSymbol(pieces, index, '(') && isWord(pieces, index + 1, 'VALUES');
    const isBare = isWord(pieces, index, 'VALUES') && !isSymbol(pieces, index - 1, '(');
    const before = pieces[index - 1];
    const isSource =
      before !== undefined && ['FROM', 'JOIN', ',', 'USING', 'LATERAL'].includes(before.value);
    if (!isSource || !(isBracketed || isBare)) {
      out.push(piece);
      continue;
    }
    const from = isBracketed ? index + 1 : index;
    const end = rowsEnd(pieces, from + 1);
    const width = splitAtCommas(pieces, from + 2, closing(pieces, from + 1)).length;
    out.push(raw('(', piece), ...pieces.slice(from, end), raw(')', undefined));
    const next = isBracketed ? end + 1 : end;
    const used = alias(pieces, next, width, out);
    index = used - 1;
  }
  return out;
}

function rowsEnd(pieces: readonly Piece[], from: number): number {
  let at = closing(pieces, from) + 1;
  while (isSymbol(pieces, at, ',') && isSymbol(pieces, at + 1, '('))
    at = closing(pieces, at + 1) + 1;
  return at;
}

/** Writes the alias with column names; returns the piece after what was read. */
function alias(pieces: readonly Piece[], from: number, width: number, out: Piece[]): number {
  const columns = Array.from({ length: width }, (_, index) => `COLUMN${index + 1}`).join(', ');
  let at = from;
  if (isWord(pieces, at, 'AS')) at += 1;
  const name = pieces[at];
  const isAlias = name?.kind === 'quoted' || (name?.kind === 'word' && !FOLLOWERS.has(name.value));
  if (!isAlias) {
    out.push(raw(`AS VALUES_(${columns})`, undefined));
    return from;
  }
  const hasColumns = isSymbol(pieces, at + 1, '(');
  out.push(raw(`AS ${name.text}${hasColumns ? '' : `(${columns})`}`, name));
  return at + 1;
}
