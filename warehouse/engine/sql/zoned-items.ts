/**
 * Which values of a query keep their offset from UTC. DuckDB's TIMESTAMPTZ is an instant without one, and an instant is
 * what comparisons, grouping and tables need; the offset matters where a client sees it, in the columns of the result.
 */
import { operandStart } from './operands.js';
import { closing, isSymbol, isWord, splitAtCommas, type Piece } from './pieces.js';

/** What may compare or combine the columns of the result with others. */
const COMBINING: ReadonlySet<string> = new Set(
  'UNION INTERSECT EXCEPT MINUS GROUP HAVING QUALIFY DISTINCT PIVOT UNPIVOT'.split(' '),
);
const LIST_ENDS: ReadonlySet<string> = new Set('FROM WHERE ORDER LIMIT OFFSET FETCH'.split(' '));
/** Names by which functions.ts and types.ts know a value that keeps its offset. */
const KEEPING: ReadonlyMap<string, string> = new Map([
  ['TIMESTAMP_TZ', 'TG_ZONED'],
  ['TIMESTAMPTZ', 'TG_ZONED'],
  ['TO_TIMESTAMP_TZ', 'TG_TO_ZONED'],
  ['TRY_TO_TIMESTAMP_TZ', 'TG_TRY_TO_ZONED'],
]);

/** Functions that read the offset of their argument, or its clock. */
const READERS: ReadonlySet<string> = new Set(
  `CAST TRY_CAST TO_CHAR TO_VARCHAR TO_DATE DATE TO_TIME TIME TO_TIMESTAMP TO_TIMESTAMP_NTZ TO_TIMESTAMP_LTZ
   CONVERT_TIMEZONE DATE_PART YEAR QUARTER MONTH WEEK WEEKISO WEEKOFYEAR DAY DAYOFMONTH DAYOFWEEK DAYOFWEEKISO DAYOFYEAR
   YEAROFWEEK YEAROFWEEKISO HOUR MINUTE SECOND DAYNAME MONTHNAME LAST_DAY NEXT_DAY PREVIOUS_DAY`.split(
    /\s+/,
  ),
);

/** Whether what the conversion at `at` makes goes into another conversion, or is an argument of a reader as a whole. */
function isRead(pieces: readonly Piece[], at: number): boolean {
  const isSized =
    isSymbol(pieces, at + 1, '(') &&
    !isSymbol(pieces, at - 1, ',') &&
    isSymbol(pieces, at - 1, '::');
  const isCast = isSymbol(pieces, at - 1, '::');
  const isCall = !isCast && isSymbol(pieces, at + 1, '(') && !isWord(pieces, at - 1, 'AS');
  if (!isCast && !isCall) return false;
  const end = isSized || isCall ? closing(pieces, at + 1) + 1 : at + 1;
  if (isSymbol(pieces, end, '::')) return true;
  const start = isCast ? operandStart(pieces.slice(0, at - 1)) : at;
  let open = start - 1;
  if (isSymbol(pieces, open, ',')) while (open > 0 && !isSymbol(pieces, open, '(')) open -= 1;
  return (
    isSymbol(pieces, open, '(') &&
    READERS.has(pieces[open - 1]?.value ?? '') &&
    (isSymbol(pieces, end, ')') || isSymbol(pieces, end, ',') || isWord(pieces, end, 'AS'))
  );
}

/** `pieces` with the conversions renamed whose offset is read at once. */
function withReadItems(pieces: readonly Piece[]): readonly Piece[] {
  return pieces.map((piece, at) => {
    const name = isKeeping(piece) && isRead(pieces, at) ? KEEPING.get(piece.value) : undefined;
    return name === undefined ? piece : { ...piece, text: name, value: name };
  });
}

/** `pieces` of a query with the casts and calls renamed that are a whole column of its result, not used by name. */
export function withZonedItems(pieces: readonly Piece[]): readonly Piece[] {
  if (!isWord(pieces, 0, 'SELECT') && !isWord(pieces, 0, 'WITH')) return pieces;
  return pieces.some(isKeeping) ? withWholeItems(withReadItems(pieces)) : pieces;
}

function withWholeItems(pieces: readonly Piece[]): readonly Piece[] {
  const outer = outerWords(pieces);
  const select = outer.find((at) => pieces[at]?.value === 'SELECT');
  if (select === undefined || outer.some((at) => COMBINING.has(pieces[at]?.value ?? '')))
    return pieces;
  const end = outer.find((at) => at > select && LIST_ENDS.has(pieces[at]?.value ?? ''));
  const found = new Set<number>();
  for (const [from, to] of splitAtCommas(pieces, select + 1, end ?? pieces.length)) {
    const at = conversionAt(pieces, from, withoutAlias(pieces, from, to));
    if (at !== undefined) found.add(at);
  }
  return pieces.map((piece, at) => {
    const name = found.has(at) ? KEEPING.get(piece.value) : undefined;
    return name === undefined ? piece : { ...piece, text: name, value: name };
  });
}

function isKeeping(piece: Piece | undefined): boolean {
  return piece?.kind === 'word' && KEEPING.has(piece.value);
}

/** Words outside brackets. */
function outerWords(pieces: readonly Piece[]): readonly number[] {
  const words: number[] = [];
  for (let at = 0; at < pieces.length; at += 1) {
    if (isSymbol(pieces, at, '(')) at = closing(pieces, at);
    else if (pieces[at]?.kind === 'word') words.push(at);
  }
  return words;
}

/** Where the value of the item `[from, to)` ends; `from` when its name is read elsewhere in the statement. */
function withoutAlias(pieces: readonly Piece[], from: number, to: number): number {
  const last = pieces[to - 1];
  const isName = last?.kind === 'quoted' || last?.kind === 'word';
  if (!isName || to - from < 2 || isSymbol(pieces, to - 2, '::')) return to;
  const named = pieces.filter(({ kind, value }) => kind !== 'string' && value === last.value);
  if (named.length > 1) return from;
  return isWord(pieces, to - 2, 'AS') ? to - 2 : to - 1;
}

/** The type or function of the conversion that `[from, to)` is as a whole. */
function conversionAt(pieces: readonly Piece[], from: number, to: number): number | undefined {
  const type = isSymbol(pieces, to - 1, ')') && isSymbol(pieces, to - 3, '(') ? to - 4 : to - 1;
  if (isKeeping(pieces[type]) && isSymbol(pieces, type - 1, '::'))
    return operandStart(pieces.slice(0, type - 1)) === from ? type : undefined;
  if (!isSymbol(pieces, from + 1, '(') || closing(pieces, from + 1) !== to - 1) return undefined;
  if (isKeeping(pieces[from])) return from;
  if (!isWord(pieces, from, 'CAST') && !isWord(pieces, from, 'TRY_CAST')) return undefined;
  const sized = isSymbol(pieces, to - 2, ')') && isSymbol(pieces, to - 4, '(');
  const cast = sized ? to - 5 : to - 2;
  return isKeeping(pieces[cast]) && isWord(pieces, cast - 1, 'AS') ? cast : undefined;
}
