/** What CREATE TABLE and CREATE VIEW define: name, columns, constraints, clustering, the query behind (pages "CREATE TABLE", "CREATE VIEW"). */
import { StatementFailed, unsupported } from '../failures.js';
import {
  closing,
  isSymbol,
  isWord,
  raw,
  render,
  splitAtCommas,
  type Piece,
} from '../sql/pieces.js';
import { fullName, type FullName, type Scope } from '../sql/resolve.js';
import { columnDefinition, isTableConstraint, type ColumnDefinition } from './column-definition.js';
import { tableConstraint, type Constraint } from './constraints.js';

export interface TableDefinition {
  readonly full: FullName;
  readonly columns: readonly ColumnDefinition[];
  readonly constraints: readonly Constraint[];
  /** Names alone, of a view's column list or of CREATE TABLE (a, b) AS. */
  readonly names: readonly string[];
  readonly clusteringKey: string | null;
  readonly comment: string | undefined;
  readonly query: readonly Piece[] | undefined;
  /** LIKE and CLONE. */
  readonly copies: { readonly query: readonly Piece[]; readonly hasRows: boolean } | undefined;
}

/** Words after the column list that start something this engine cannot keep. */
const FOREIGN: ReadonlySet<string> = new Set([
  'TEMPLATE',
  'EXTERNAL',
  'STAGE_FILE_FORMAT',
  'AT',
  'BEFORE',
]);

/** Reads the definition whose name starts at piece `nameAt`. Throws StatementFailed for what cannot be kept. */
export function tableDefinition(
  pieces: readonly Piece[],
  nameAt: number,
  scope: Scope,
): TableDefinition {
  const { parts, to } = nameParts(pieces, nameAt);
  const full = fullName(parts, scope);
  const isList = isSymbol(pieces, to, '(');
  const listEnd = isList ? closing(pieces, to) : to;
  const items = isList ? splitAtCommas(pieces, to + 1, listEnd) : [];
  const isView = pieces.slice(0, nameAt).some(({ value }) => value === 'VIEW');
  const isNames = items.length > 0 && (isView || items.every(([from, end]) => end - from === 1));
  const columns = isNames
    ? []
    : items
        .filter(([from]) => !isTableConstraint(pieces, from))
        .map(([from, end]) => columnDefinition(pieces, from, end));
  const constraints = [
    ...columns.flatMap((column) => column.constraints),
    ...items
      .filter(([from]) => !isNames && isTableConstraint(pieces, from))
      .map(([from, end]) => tableConstraint(pieces, from, end)),
  ];
  const rest = afterList(pieces, isList ? listEnd + 1 : to);
  const names = isNames ? items.map(([from]) => pieces[from]?.value ?? '') : [];
  return { full, columns, constraints, names, ...rest };
}

function afterList(
  pieces: readonly Piece[],
  from: number,
): Pick<TableDefinition, 'clusteringKey' | 'comment' | 'query' | 'copies'> {
  let clusteringKey: string | null = null;
  let comment: string | undefined;
  for (let index = from; index < pieces.length; index += 1) {
    const piece = pieces[index];
    if (isWord(pieces, index, 'AS'))
      return {
        clusteringKey,
        comment,
        query: unwrapped(pieces.slice(index + 1)),
        copies: undefined,
      };
    if (isWord(pieces, index, 'LIKE') || isWord(pieces, index, 'CLONE')) {
      const source = nameParts(pieces, index + 1).to;
      if (source < pieces.length && isWord(pieces, index, 'CLONE'))
        throw new StatementFailed(unsupported('CLONE with options'));
      const query = [raw('SELECT * FROM', pieces[index]), ...pieces.slice(index + 1, source)].map(
        asWord,
      );
      const copies = { query, hasRows: isWord(pieces, index, 'CLONE') };
      return { clusteringKey, comment, query: undefined, copies };
    }
    if (piece?.kind === 'word' && FOREIGN.has(piece.value))
      throw new StatementFailed(unsupported(`CREATE TABLE with ${piece.value}`));
    if (isWord(pieces, index, 'CLUSTER') && isSymbol(pieces, index + 2, '(')) {
      const end = closing(pieces, index + 2);
      clusteringKey = `LINEAR(${render(pieces.slice(index + 3, end))})`;
      index = end;
    } else if (isWord(pieces, index, 'COMMENT') && pieces[index + 2]?.kind === 'string') {
      comment = pieces[index + 2]?.value;
      index += 2;
    } else if (isSymbol(pieces, index, '(')) index = closing(pieces, index);
  }
  return { clusteringKey, comment, query: undefined, copies: undefined };
}

/** The parts of the name at `at`, and the piece after it. */
export function nameParts(
  pieces: readonly Piece[],
  at: number,
): { readonly parts: readonly string[]; readonly to: number } {
  const parts = [pieces[at]?.value ?? ''];
  let to = at + 1;
  for (; isSymbol(pieces, to, '.'); to += 1) {
    if (isSymbol(pieces, to + 1, '.')) parts.push('');
    else {
      parts.push(pieces[to + 1]?.value ?? '');
      to += 1;
    }
  }
  return { parts, to };
}

/** `SELECT * FROM` has to be words for the finding of names. */
function asWord(piece: Piece, index: number): Piece {
  return index === 0 ? { ...piece, kind: 'word', text: 'SELECT * FROM', value: 'FROM' } : piece;
}

function unwrapped(query: readonly Piece[]): readonly Piece[] {
  return isSymbol(query, 0, '(') && closing(query, 0) === query.length - 1
    ? query.slice(1, -1)
    : query;
}
