/** Constraints: NOT NULL is enforced; keys are kept and not enforced, as in Snowflake (page "Constraints"). */
import { StatementFailed, unsupported } from '../failures.js';
import { closing, isSymbol, isWord, splitAtCommas, type Piece } from '../sql/pieces.js';

export interface Constraint {
  readonly kind: 'PRIMARY KEY' | 'UNIQUE' | 'FOREIGN KEY';
  readonly name: string | undefined;
  readonly columns: readonly string[];
  /** The referenced table as the statement writes it, outermost name first; of foreign keys only. */
  readonly references?: { readonly parts: readonly string[]; readonly columns: readonly string[] };
}

/** The constraint of a table that pieces `[from, to)` define. Throws StatementFailed for CHECK and others. */
export function tableConstraint(pieces: readonly Piece[], from: number, to: number): Constraint {
  let at = from;
  let name: string | undefined;
  if (isWord(pieces, at, 'CONSTRAINT')) {
    name = pieces[at + 1]?.value;
    at += 2;
  }
  const found = constraintAt(pieces, at, to, undefined);
  if (found === undefined)
    throw new StatementFailed(unsupported(`constraint ${pieces[at]?.value ?? ''}`));
  return { ...found.constraint, name };
}

/**
 * The constraint at `at` and the piece after it; undefined when none stands there.
 *
 * @param column the column that it belongs to; a constraint of the table lists its columns.
 */
export function constraintAt(
  pieces: readonly Piece[],
  at: number,
  to: number,
  column: string | undefined,
): { readonly constraint: Constraint; readonly to: number } | undefined {
  const kind = kindAt(pieces, at);
  if (kind === undefined) return undefined;
  let next = at + (kind === 'UNIQUE' || isWord(pieces, at, 'REFERENCES') ? 1 : 2);
  let columns: readonly string[] = column === undefined ? [] : [column];
  if (isWord(pieces, at, 'REFERENCES')) next = at;
  else if (column === undefined) {
    columns = namesIn(pieces, next);
    next = closing(pieces, next) + 1;
  }
  if (kind !== 'FOREIGN KEY') return { constraint: { kind, name: undefined, columns }, to: next };
  const parts: string[] = [];
  for (next += 1; next < to; next += 1) {
    const piece = pieces[next];
    if (piece?.kind !== 'word' && piece?.kind !== 'quoted') break;
    parts.push(piece.value);
    if (!isSymbol(pieces, next + 1, '.')) {
      next += 1;
      break;
    }
    next += 1;
  }
  const isList = isSymbol(pieces, next, '(');
  const references = { parts, columns: isList ? namesIn(pieces, next) : [] };
  return {
    constraint: { kind, name: undefined, columns, references },
    to: isList ? closing(pieces, next) + 1 : next,
  };
}

function kindAt(pieces: readonly Piece[], at: number): Constraint['kind'] | undefined {
  if (isWord(pieces, at, 'PRIMARY') && isWord(pieces, at + 1, 'KEY')) return 'PRIMARY KEY';
  if (isWord(pieces, at, 'UNIQUE')) return 'UNIQUE';
  if (isWord(pieces, at, 'REFERENCES')) return 'FOREIGN KEY';
  return isWord(pieces, at, 'FOREIGN') && isWord(pieces, at + 1, 'KEY') ? 'FOREIGN KEY' : undefined;
}

function namesIn(pieces: readonly Piece[], open: number): readonly string[] {
  return splitAtCommas(pieces, open + 1, closing(pieces, open)).map(
    ([from]) => pieces[from]?.value ?? '',
  );
}
