/** What CREATE TABLE and CREATE VIEW define: name, columns in DuckDB's types, clustering, the query behind. */
import { failure, StatementFailed, unsupported } from '../failures.js';
import {
  closing,
  isSymbol,
  isWord,
  quoteName,
  raw,
  render,
  splitAtCommas,
  type Piece,
} from '../sql/pieces.js';
import { fullName, type FullName, type Scope } from '../sql/resolve.js';
import { duckType } from '../sql/types.js';

export interface TableDefinition {
  readonly full: FullName;
  /** Column definitions in DuckDB's text. */
  readonly columns: readonly string[];
  /** Names alone, of a view's column list. */
  readonly viewColumns: readonly string[];
  readonly clusteringKey: string | null;
  readonly query: readonly Piece[] | undefined;
  /** LIKE and CLONE. */
  readonly copies: { readonly query: readonly Piece[]; readonly hasRows: boolean } | undefined;
}

/** Reads the definition whose name starts at piece `nameAt`. Throws StatementFailed for what cannot be kept. */
export function tableDefinition(
  pieces: readonly Piece[],
  nameAt: number,
  scope: Scope,
): TableDefinition {
  let at = nameAt + 1;
  const parts = [pieces[nameAt]?.value ?? ''];
  for (; isSymbol(pieces, at, '.'); at += 2) parts.push(pieces[at + 1]?.value ?? '');
  const full = fullName(parts, scope);
  const isList = isSymbol(pieces, at, '(');
  const listEnd = isList ? closing(pieces, at) : at;
  const items = isList ? splitAtCommas(pieces, at + 1, listEnd) : [];
  const isView = pieces.slice(0, nameAt).some(({ value }) => value === 'VIEW');
  const columns = isView ? [] : items.flatMap(([from, to]) => column(pieces, from, to));
  const viewColumns = isView ? items.map(([from]) => pieces[from]?.value ?? '') : [];
  let clusteringKey: string | null = null;
  for (let index = isList ? listEnd + 1 : at; index < pieces.length; index += 1) {
    if (isWord(pieces, index, 'AS')) {
      const query = unwrapped(pieces.slice(index + 1));
      return { full, columns, viewColumns, clusteringKey, query, copies: undefined };
    }
    if (isWord(pieces, index, 'LIKE') || isWord(pieces, index, 'CLONE')) {
      const query = [raw('SELECT * FROM', pieces[index]), ...pieces.slice(index + 1)].map(asWord);
      return {
        full,
        columns,
        viewColumns,
        clusteringKey,
        query: undefined,
        copies: { query, hasRows: isWord(pieces, index, 'CLONE') },
      };
    }
    if (isWord(pieces, index, 'CLUSTER') && isSymbol(pieces, index + 2, '(')) {
      const end = closing(pieces, index + 2);
      clusteringKey = `LINEAR(${render(pieces.slice(index + 3, end))})`;
      index = end;
    } else if (isSymbol(pieces, index, '(')) index = closing(pieces, index);
  }
  return { full, columns, viewColumns, clusteringKey, query: undefined, copies: undefined };
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

const TABLE_CONSTRAINTS: ReadonlySet<string> = new Set([
  'CONSTRAINT',
  'PRIMARY',
  'UNIQUE',
  'FOREIGN',
]);
/** Kept by Snowflake as information only, or about display: nothing to keep here. */
const IGNORED: ReadonlySet<string> = new Set([
  'PRIMARY',
  'UNIQUE',
  'REFERENCES',
  'COMMENT',
  'CONSTRAINT',
  'WITH',
  'MASKING',
  'TAG',
  'COLLATE',
]);

/** One column of DuckDB, or none for a constraint of the table. */
function column(pieces: readonly Piece[], from: number, to: number): readonly string[] {
  const name = pieces[from];
  if (name === undefined) return [];
  if (name.kind === 'word' && TABLE_CONSTRAINTS.has(name.value)) return [];
  if (to - from < 2) return [];
  const { sql, to: typeEnd } = duckType(pieces, from + 1);
  let text = `${quoteName(name.value)} ${sql}`;
  for (let index = typeEnd; index < to; index += 1) {
    if (isWord(pieces, index, 'NOT') && isWord(pieces, index + 1, 'NULL')) {
      text += ' NOT NULL';
      index += 1;
    } else if (isWord(pieces, index, 'DEFAULT')) {
      const end = defaultEnd(pieces, index + 1, to);
      text += ` DEFAULT ${defaultValue(pieces.slice(index + 1, end))}`;
      index = end - 1;
    } else if (isWord(pieces, index, 'AUTOINCREMENT') || isWord(pieces, index, 'IDENTITY')) {
      throw new StatementFailed(unsupported('AUTOINCREMENT columns'));
    } else if (IGNORED.has(pieces[index]?.value ?? '')) break;
  }
  return [text];
}

function defaultEnd(pieces: readonly Piece[], from: number, to: number): number {
  for (let index = from; index < to; index += 1) {
    if (isSymbol(pieces, index, '(')) index = closing(pieces, index);
    else if (
      index > from &&
      (isWord(pieces, index, 'NOT') || IGNORED.has(pieces[index]?.value ?? ''))
    )
      return index;
  }
  return to;
}

/** Constants and the current time; anything else could mean something different in DuckDB. */
function defaultValue(pieces: readonly Piece[]): string {
  const first = pieces[0];
  if (pieces.length === 1 && first !== undefined) {
    if (first.kind === 'string') return `'${first.value.replaceAll("'", "''")}'`;
    if (first.kind === 'number' || ['TRUE', 'FALSE', 'NULL'].includes(first.value))
      return first.text;
  }
  if (first?.kind === 'raw' && first.text.endsWith('TIMESTAMP_LTZ)')) return 'now()';
  if (first?.kind === 'raw' && first.text.endsWith('AS DATE)')) return 'current_date';
  if (pieces.length === 2 && first?.value === '-' && pieces[1]?.kind === 'number')
    return `-${pieces[1].text}`;
  throw new StatementFailed(
    failure(
      '000002',
      '0A000',
      'Unsupported feature in the embedded warehouse: this DEFAULT expression',
    ),
  );
}
