/** Which names a statement defines (aliases, column lists) and which it only uses, told by where they stand. */
import { closing, isSymbol, isWord, type Piece } from './pieces.js';

export interface NameUse {
  readonly name: string;
  readonly isQuoted: boolean;
  readonly isDefinition: boolean;
  /** Index of the piece. */
  readonly at: number;
}

/** Words before which no value ends: a name after them is used, not defined. */
const BEFORE_A_USE: ReadonlySet<string> = new Set(
  `SELECT DISTINCT ALL ANY WHERE AND OR NOT ON BY HAVING QUALIFY WHEN THEN ELSE CASE IN LIKE ILIKE RLIKE BETWEEN FROM
   JOIN USING SET IS TOP VALUES UPDATE INTO DELETE MERGE WITH RECURSIVE LATERAL EXISTS INTERVAL UNION INTERSECT EXCEPT
   MINUS OFFSET LIMIT FETCH OVER PARTITION ORDER GROUP EXCLUDE RENAME REPLACE FOR ESCAPE FILTER WITHIN TABLE`.split(
    /\s+/,
  ),
);

/** Every name of `pieces` that may be a column, in order: calls, paths into a VARIANT and types after `::` are left out. */
export function nameUses(pieces: readonly Piece[]): readonly NameUse[] {
  const lists = definingLists(pieces);
  return pieces.flatMap((piece, at) => {
    const isQuoted = piece.kind === 'quoted';
    if (!isQuoted && piece.kind !== 'word') return [];
    if (isSymbol(pieces, at + 1, '.') || isSymbol(pieces, at + 1, '=>')) return [];
    if (!isQuoted && isSymbol(pieces, at + 1, '(')) return [];
    if (isSymbol(pieces, at - 1, '::') || isInPath(pieces, at)) return [];
    const isDefinition = lists.has(at) || definesAlias(pieces, at);
    return [{ name: piece.value, isQuoted, isDefinition, at }];
  });
}

/** `v:key`, `v:a.b`: keys of a value. */
function isInPath(pieces: readonly Piece[], at: number): boolean {
  let start = at;
  while (isSymbol(pieces, start - 1, '.') && start >= 2) start -= 2;
  return isSymbol(pieces, start - 1, ':');
}

function definesAlias(pieces: readonly Piece[], at: number): boolean {
  if (isSymbol(pieces, at - 1, '.')) return false;
  const before = pieces[at - 1];
  if (before === undefined) return false;
  if (before.kind === 'word') return before.value === 'AS' || !BEFORE_A_USE.has(before.value);
  if (before.kind === 'symbol') return before.value === ')' || before.value === ']';
  return !isWord(pieces, at - 2, 'TOP');
}

/** Places of the names in `t (a, b)` after an alias or a CTE's name. */
function definingLists(pieces: readonly Piece[]): ReadonlySet<number> {
  const found = new Set<number>();
  for (let open = 1; open < pieces.length; open += 1) {
    if (!isSymbol(pieces, open, '(')) continue;
    const name = pieces[open - 1];
    if (name?.kind !== 'word' && name?.kind !== 'quoted') continue;
    // `(…) OR (…)`, `(…) USING (…)`: what is in the brackets is used.
    if (name.kind === 'word' && BEFORE_A_USE.has(name.value)) continue;
    const close = closing(pieces, open);
    const isOfCte = isWord(pieces, close + 1, 'AS') && isSymbol(pieces, close + 2, '(');
    const isOfAlias = isWord(pieces, open - 2, 'AS') || isSymbol(pieces, open - 2, ')');
    if (!isOfCte && !isOfAlias) continue;
    for (let at = open + 1; at < close; at += 1) found.add(at);
  }
  return found;
}
