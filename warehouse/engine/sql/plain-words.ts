/** Words that Snowflake leaves free for names and DuckDB keeps for itself (page "Reserved & limited keywords"). */
import { isSymbol, isWord, quoteName, type Piece } from './pieces.js';

const NEVER_SYNTAX: ReadonlySet<string> = new Set(
  (
    'ANALYSE ANALYZE ANTI ASYMMETRIC AUTHORIZATION COLLATION COLUMNS CONCURRENTLY DESCRIBE DO FREEZE GENERATED GLOB ISNULL LAMBDA ' +
    'NOTNULL OVERLAPS PIVOT_LONGER PIVOT_WIDER PLACING POSITIONAL RETURNING SEMI SHOW SUMMARIZE SYMMETRIC UNPACK VARIADIC VERBOSE'
  ).split(' '),
);

/** What stands behind a column and behind no OFFSET or WINDOW clause. */
const BEHIND_NAME: ReadonlySet<string> = new Set(
  ', ) = <> != < > <= >= FROM AS AND OR ASC DESC'.split(' '),
);

/** Whether such a word, which Snowflake uses too, is its syntax at `index`. */
const IS_SYNTAX: Readonly<Record<string, (pieces: readonly Piece[], index: number) => boolean>> = {
  ASOF: (pieces, index) => isWord(pieces, index + 1, 'JOIN'),
  AT: () => false,
  COLLATE: (pieces, index) => pieces[index + 1]?.kind === 'string',
  MAP: () => false,
  OFFSET: (pieces, index) => !isBehindName(pieces[index + 1]),
  PIVOT: () => false,
  STRUCT: () => false,
  UNPIVOT: (pieces, index) =>
    isWord(pieces, index + 2, 'NULLS') &&
    (isWord(pieces, index + 1, 'INCLUDE') || isWord(pieces, index + 1, 'EXCLUDE')),
  WINDOW: (pieces, index) => !isBehindName(pieces[index + 1]),
};

function isBehindName(piece: Piece | undefined): boolean {
  return (piece?.kind === 'symbol' || piece?.kind === 'word') && BEHIND_NAME.has(piece.value);
}

/** `pieces` with those words quoted where they are names: not the verb, and nothing that is called or opens a bracket. */
export function withPlainWords(pieces: readonly Piece[]): readonly Piece[] {
  return pieces.map((piece, index) => {
    if (piece.kind !== 'word' || index === 0 || isSymbol(pieces, index + 1, '(')) return piece;
    const isName =
      NEVER_SYNTAX.has(piece.value) || IS_SYNTAX[piece.value]?.(pieces, index) === false;
    return isName ? { ...piece, kind: 'quoted', text: quoteName(piece.value) } : piece;
  });
}
