/** One column of CREATE TABLE or ALTER TABLE … ADD: its type, what it may hold, and what it holds when nothing is said. */
import { failure, StatementFailed, unsupported } from '../failures.js';
import { closing, isSymbol, isWord, type Piece } from '../sql/pieces.js';
import { duckType } from '../sql/types.js';
import { constraintAt, type Constraint } from './constraints.js';

export interface ColumnDefinition {
  readonly name: string;
  /** DuckDB's type. */
  readonly duckType: string;
  /** Snowflake's type as metadata shows it, e.g. `VARCHAR(10)`. */
  readonly declared: string;
  /** Most characters of a text or bytes of a BINARY; undefined when the type's own limit holds. */
  readonly lengthMax: number | undefined;
  readonly isNullable: boolean;
  readonly default: readonly Piece[] | undefined;
  readonly identity: { readonly start: number; readonly step: number } | undefined;
  readonly comment: string | undefined;
  readonly constraints: readonly Constraint[];
}

const TEXT_MAX = 16_777_216;
const BINARY_MAX = 8_388_608;
const ONE_LETTER: ReadonlySet<string> = new Set(['CHAR', 'CHARACTER', 'NCHAR']);
const SYNONYMS: Readonly<Record<string, string>> = {
  DATETIME: 'TIMESTAMP_NTZ',
  TIMESTAMP: 'TIMESTAMP_NTZ',
  TIMESTAMPNTZ: 'TIMESTAMP_NTZ',
  TIMESTAMPLTZ: 'TIMESTAMP_LTZ',
  TIMESTAMPTZ: 'TIMESTAMP_TZ',
};
/** What may follow a type and is kept nowhere: display, masking and tags. */
const IGNORED: ReadonlySet<string> = new Set(['WITH', 'MASKING', 'TAG', 'PROJECTION']);
const DEFAULT_ENDS: ReadonlySet<string> = new Set(
  'NOT NULL COMMENT CONSTRAINT PRIMARY UNIQUE REFERENCES FOREIGN WITH MASKING TAG COLLATE'.split(
    ' ',
  ),
);

/** Whether the item at `from` of a column list is a constraint of the table. */
export function isTableConstraint(pieces: readonly Piece[], from: number): boolean {
  const piece = pieces[from];
  return (
    piece?.kind === 'word' &&
    ['CONSTRAINT', 'PRIMARY', 'UNIQUE', 'FOREIGN', 'CHECK'].includes(piece.value)
  );
}

/** Reads the column that pieces `[from, to)` define. Throws StatementFailed for options that cannot be kept. */
export function columnDefinition(
  pieces: readonly Piece[],
  from: number,
  to: number,
): ColumnDefinition {
  const name = pieces[from]?.value ?? '';
  if (to - from < 2) throw new StatementFailed(unsupported(`column ${name} without a type`));
  const type = duckType(pieces, from + 1);
  const options = optionsOf(pieces, type.to, to, name);
  return { name, duckType: type.sql, ...sizeOf(pieces, from + 1, type.sql), ...options };
}

/** Snowflake's name of the type at `at` with its size, and the limit that the size sets. */
export function sizeOf(
  pieces: readonly Piece[],
  at: number,
  sql: string,
): Pick<ColumnDefinition, 'declared' | 'lengthMax'> {
  const word = pieces[at]?.value ?? '';
  const size = isSymbol(pieces, at + 1, '(') ? Number(pieces[at + 2]?.value) : undefined;
  if (sql === 'VARCHAR') {
    const length = size ?? (ONE_LETTER.has(word) ? 1 : TEXT_MAX);
    return { declared: `VARCHAR(${length})`, lengthMax: length === TEXT_MAX ? undefined : length };
  }
  if (sql === 'BLOB') {
    const length = size ?? BINARY_MAX;
    return { declared: `BINARY(${length})`, lengthMax: length === BINARY_MAX ? undefined : length };
  }
  if (sql.startsWith('DECIMAL')) {
    const scale =
      size !== undefined && isSymbol(pieces, at + 3, ',') ? (pieces[at + 4]?.value ?? '0') : '0';
    return { declared: `NUMBER(${size ?? 38},${scale})`, lengthMax: undefined };
  }
  if (sql === 'DOUBLE') return { declared: 'FLOAT', lengthMax: undefined };
  const plain = SYNONYMS[word] ?? word;
  const isTimed = plain === 'TIME' || plain.startsWith('TIMESTAMP');
  return { declared: isTimed ? `${plain}(${size ?? 9})` : plain, lengthMax: undefined };
}

type Options = Pick<
  ColumnDefinition,
  'isNullable' | 'default' | 'identity' | 'comment' | 'constraints'
>;

function optionsOf(pieces: readonly Piece[], from: number, to: number, column: string): Options {
  let isNullable = true;
  let fallback: readonly Piece[] | undefined;
  let identity: ColumnDefinition['identity'];
  let comment: string | undefined;
  const constraints: Constraint[] = [];
  for (let at = from; at < to; at += 1) {
    const word = pieces[at]?.kind === 'word' ? pieces[at]?.value : undefined;
    const constraint = constraintAt(pieces, at, to, column);
    if (constraint !== undefined) {
      constraints.push(constraint.constraint);
      if (constraint.constraint.kind === 'PRIMARY KEY') isNullable = false;
      at = constraint.to - 1;
    } else if (word === 'NOT' && isWord(pieces, at + 1, 'NULL')) {
      isNullable = false;
      at += 1;
    } else if (word === 'DEFAULT') {
      const end = defaultEnd(pieces, at + 1, to);
      fallback = pieces.slice(at + 1, end);
      at = end - 1;
    } else if (word === 'AUTOINCREMENT' || word === 'IDENTITY') {
      const read = identityAt(pieces, at + 1, to);
      identity = read.identity;
      at = read.to - 1;
    } else if (word === 'COMMENT') {
      comment = pieces[at + 1]?.value;
      at += 1;
    } else if (word === 'COLLATE') throw new StatementFailed(unsupported('COLLATE'));
    else if (word === 'AS') throw new StatementFailed(unsupported('virtual columns'));
    else if (word === 'CHECK') throw new StatementFailed(unsupported('CHECK constraints'));
    else if (word !== undefined && IGNORED.has(word))
      throw new StatementFailed(unsupported(`columns with ${word}`));
    // What is left names a constraint or says that it is not enforced: neither is kept.
  }
  return { isNullable, default: fallback, identity, comment, constraints };
}

function defaultEnd(pieces: readonly Piece[], from: number, to: number): number {
  for (let at = from; at < to; at += 1) {
    if (isSymbol(pieces, at, '(')) at = closing(pieces, at);
    else if (at > from && pieces[at]?.kind === 'word' && DEFAULT_ENDS.has(pieces[at]?.value ?? ''))
      return at;
  }
  return to;
}

/** `(start, step)`, `START n INCREMENT m`, ORDER and NOORDER after IDENTITY. */
function identityAt(
  pieces: readonly Piece[],
  from: number,
  to: number,
): { readonly identity: ColumnDefinition['identity']; readonly to: number } {
  let start = 1;
  let step = 1;
  let at = from;
  if (isSymbol(pieces, at, '(')) {
    const close = closing(pieces, at);
    [start, step] = numbersIn(pieces, at + 1, close);
    at = close + 1;
  }
  for (; at < to; at += 1) {
    const word = pieces[at]?.value ?? '';
    if (word === 'START' || word === 'INCREMENT') {
      while (['WITH', 'BY', '='].includes(pieces[at + 1]?.value ?? '')) at += 1;
      const isNegative = isSymbol(pieces, at + 1, '-');
      if (isNegative) at += 1;
      const value = Number(pieces[at + 1]?.value) * (isNegative ? -1 : 1);
      if (word === 'START') start = value;
      else step = value;
      at += 1;
    } else if (word !== 'ORDER' && word !== 'NOORDER') break;
  }
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(step) || step === 0)
    throw new StatementFailed(
      failure('000002', '0A000', 'Unsupported feature in the embedded warehouse: this IDENTITY'),
    );
  return { identity: { start, step }, to: at };
}

function numbersIn(pieces: readonly Piece[], from: number, to: number): [number, number] {
  const text = pieces
    .slice(from, to)
    .map((piece) => piece.text)
    .join('');
  const [start, step] = text.split(',').map(Number);
  return [start ?? 1, step ?? 1];
}
