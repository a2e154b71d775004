/**
 * PIVOT (page "PIVOT"): Snowflake calls a pivoted column by the literal's own text, quotes included, where DuckDB calls
 * it by the value. DEFAULT ON NULL becomes a COALESCE around each of them.
 */
import { StatementFailed, unsupported } from '../../failures.js';
import {
  closing,
  isSymbol,
  isWord,
  quoteName,
  raw,
  splitAtCommas,
  syntax,
  word,
  type Piece,
} from '../pieces.js';
import { quoteText } from '#base/sql/token-values.js';

/** Where the parts of a PIVOT clause stand. */
export interface PivotClause {
  /** The brackets of the clause. */
  readonly open: number;
  readonly close: number;
  /** The column whose values become columns: the pieces between FOR and IN. */
  readonly forAt: number;
  readonly inAt: number;
  /** The brackets of the list of values. */
  readonly listOpen: number;
  readonly listClose: number;
}

/** The clause whose word PIVOT is piece `index`; undefined when it is none. */
export function pivotClause(pieces: readonly Piece[], index: number): PivotClause | undefined {
  if (!isWord(pieces, index, 'PIVOT') || !isSymbol(pieces, index + 1, '(')) return undefined;
  const open = index + 1;
  const close = closing(pieces, open);
  let forAt = -1;
  for (let at = open + 1; at < close; at += 1) {
    if (isSymbol(pieces, at, '(')) {
      if (forAt >= 0 && isWord(pieces, at - 1, 'IN'))
        return { open, close, forAt, inAt: at - 1, listOpen: at, listClose: closing(pieces, at) };
      at = closing(pieces, at);
    } else if (isWord(pieces, at, 'FOR')) forAt = at;
  }
  throw new StatementFailed(unsupported('PIVOT of this form'));
}

/** Index where the source that the PIVOT at the end of `out` rotates begins: after FROM, JOIN or a comma. */
export function sourceStart(out: readonly Piece[]): number {
  let depth = 0;
  for (let at = out.length - 1; at >= 0; at -= 1) {
    const piece = out[at];
    if (piece?.kind === 'symbol' && piece.value === ')') depth += 1;
    else if (piece?.kind === 'symbol' && piece.value === '(') {
      depth -= 1;
      if (depth < 0) return at + 1;
    } else if (
      depth === 0 &&
      (isWord(out, at, 'FROM') || isWord(out, at, 'JOIN') || isSymbol(out, at, ','))
    )
      return at + 1;
  }
  return 0;
}

/** `pieces` with every PIVOT's columns named as Snowflake names them. Lists of ANY and subqueries have been read before. */
export function withPivots(pieces: readonly Piece[]): readonly Piece[] {
  if (!pieces.some(({ kind, value }) => kind === 'word' && value === 'PIVOT')) return pieces;
  const out: Piece[] = [];
  for (let index = 0; index < pieces.length; index += 1) {
    const piece = pieces[index];
    if (piece === undefined) break;
    const clause = pivotClause(pieces, index);
    if (clause === undefined) {
      out.push(piece);
      continue;
    }
    index = pivot(pieces, index, clause, out);
  }
  return out;
}

function pivot(pieces: readonly Piece[], index: number, clause: PivotClause, out: Piece[]): number {
  if (isWord(pieces, clause.forAt - 2, 'AS') || !isSymbol(pieces, clause.forAt - 1, ')'))
    throw new StatementFailed(unsupported('PIVOT with an alias of its aggregate'));
  const values = splitAtCommas(pieces, clause.listOpen + 1, clause.listClose).map(([from, to]) =>
    named(pieces.slice(from, to)),
  );
  const fallback = defaultOnNull(pieces, clause);
  // With a default the columns have names of ours until the value for NULL has been put in.
  const inner = (name: string, at: number): Piece =>
    column(fallback === undefined ? name : `TGP_${at}`);
  const list = values.flatMap(({ pieces: value, name }, at) => [
    ...(at === 0 ? [] : syntax(',', undefined)),
    ...value,
    ...syntax('AS', undefined),
    inner(name, at),
  ]);
  const rotated = [
    ...pieces.slice(index, clause.listOpen + 1),
    ...list,
    ...syntax(') )', undefined),
  ];
  if (fallback === undefined) {
    out.push(...rotated);
    return clause.close;
  }
  const source = out.splice(sourceStart(out));
  const left = values.flatMap(({ name }, at) => [
    ...(at === 0 ? [] : syntax(',', undefined)),
    inner(name, at),
  ]);
  const filled = values.flatMap(({ name }, at) => [
    ...syntax(', COALESCE (', undefined),
    inner(name, at),
    ...syntax(',', undefined),
    ...fallback,
    ...syntax(') AS', undefined),
    column(name),
  ]);
  out.push(...syntax('( SELECT * EXCLUDE (', pieces[index]), ...left, ...syntax(')', undefined));
  out.push(
    ...filled,
    ...syntax('FROM', undefined),
    ...source,
    ...rotated,
    ...syntax(')', undefined),
  );
  return clause.close;
}

function column(name: string): Piece {
  return { ...raw(quoteName(name), undefined), kind: 'quoted', value: name };
}

function defaultOnNull(
  pieces: readonly Piece[],
  { listClose, close }: PivotClause,
): readonly Piece[] | undefined {
  if (listClose + 1 === close) return undefined;
  const isDefault = ['DEFAULT', 'ON', 'NULL'].every((each, at) =>
    isWord(pieces, listClose + 1 + at, each),
  );
  if (!isDefault || !isSymbol(pieces, listClose + 4, '('))
    throw new StatementFailed(unsupported('PIVOT of this form'));
  return pieces.slice(listClose + 4, close);
}

/** A value of the list and the name of its column. */
function named(value: readonly Piece[]): {
  readonly pieces: readonly Piece[];
  readonly name: string;
} {
  const last = value.at(-1);
  const before = value.at(-2);
  const hasAs = before?.kind === 'word' && before.value === 'AS';
  if (
    value.length > 1 &&
    (last?.kind === 'word' || last?.kind === 'quoted') &&
    before?.value !== '.'
  )
    return { pieces: value.slice(0, hasAs ? -2 : -1), name: last.value };
  if (value.length === 1 && last?.kind === 'string')
    return { pieces: value, name: `'${last.value}'` };
  if (
    last?.kind === 'number' &&
    (value.length === 1 || (value.length === 2 && value[0]?.value === '-'))
  )
    return { pieces: value, name: value.map(({ text }) => text).join('') };
  if (value.length === 1 && last?.value === 'NULL') return { pieces: value, name: 'NULL' };
  throw new StatementFailed(unsupported('this value in the list of a PIVOT'));
}

/** The literals of a list that a query gave, for the place between the brackets. */
export function pivotLiterals(
  values: readonly (string | null)[],
  isText: boolean,
): readonly Piece[] {
  return values.flatMap((value, at) => [
    ...(at === 0 ? [] : syntax(',', undefined)),
    value === null ? word('NULL', undefined) : literal(value, isText),
  ]);
}

function literal(value: string, isText: boolean): Piece {
  return isText
    ? { ...raw(quoteText(value), undefined), kind: 'string', value }
    : { ...raw(value, undefined), kind: 'number' };
}
