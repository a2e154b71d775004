/**
 * INSERT, UPDATE and MERGE: values that DuckDB would make another value of than Snowflake does when it puts them into a
 * column. A text in a BINARY is hexadecimal, the digits of a second beyond a column's own are cut off, a text of an
 * instant may have an offset: such values are cast to the column's type as a cast in the statement would be.
 */
import { conversion } from '../sql/functions/conversions.js';
import { closing, isSymbol, isWord, made, splitAtCommas, type Piece } from '../sql/pieces.js';
import { dotted, fullName } from '../sql/resolve.js';
import { duckType } from '../sql/types.js';
import type { Running } from './reading.js';
import type { Session } from './session.js';
import { placeOf, readTable, type StoredColumn } from './stored-table.js';
import { nameParts } from './table-definition.js';

/** Digits of a second that DuckDB keeps. */
const DIGITS_MAX = 6;

/** Longer lists of values are cast by column, not one by one. */
const VALUES_PIECES_MAX = 400;

/** The type that values of the column are cast to; undefined where DuckDB's own casts do as Snowflake's. */
function assignedType(column: Pick<StoredColumn, 'duckType' | 'notes'>): string | undefined {
  if (column.duckType === 'BLOB') return 'BINARY';
  const declared = column.notes.type;
  const digits = /^(?:TIME|TIMESTAMP_(?:NTZ|LTZ|TZ))\((\d)\)$/.exec(declared ?? '')?.[1];
  if (digits !== undefined && Number(digits) < DIGITS_MAX) return declared;
  return column.duckType === 'TIMESTAMP WITH TIME ZONE' ? 'TIMESTAMP_LTZ' : undefined;
}

/** The expression `value` of DuckDB's text as the column takes it. */
export function assignedSql(
  value: string,
  column: Pick<StoredColumn, 'duckType' | 'notes'>,
): string {
  const type = assignedType(column);
  if (type === undefined) return value;
  const { name, more, outer } = conversion(duckType(made(type), 0), false);
  const before = outer.toReversed().map((around) => `${around.name}(`);
  const after = outer.map((around) => `${around.more})`);
  return `${before.join('')}${name}(${value}${more})${after.join('')}`;
}

/** `pieces` with the values of such columns cast. */
export async function withAssignedValues(
  session: Session,
  running: Running,
  pieces: readonly Piece[],
): Promise<readonly Piece[]> {
  const verb = pieces[0]?.value;
  if (verb !== 'INSERT' && verb !== 'UPDATE' && verb !== 'MERGE') return pieces;
  const { parts, to } = nameParts(pieces, verb === 'UPDATE' ? 1 : 2);
  if (parts.length === 0) return pieces;
  const full = fullName(parts, running.request);
  const { columns } = await readTable(session, placeOf(full, session.temporary.has(dotted(full))));
  const types: Types = new Map(
    columns.flatMap((column) => {
      const type = assignedType(column);
      return type === undefined ? [] : [[column.name, type] as const];
    }),
  );
  if (types.size === 0) return pieces;
  const names = columns.map(({ name }) => name);
  if (verb === 'INSERT')
    return [...pieces.slice(0, to), ...inserted(pieces.slice(to), names, types)];
  return withSetValues(pieces, names, types);
}

type Types = ReadonlyMap<string, string>;

/** `[(columns)] VALUES (…), (…)` or `[(columns)] query`. */
function inserted(
  pieces: readonly Piece[],
  all: readonly string[],
  types: Types,
): readonly Piece[] {
  const { names, at } = columnList(pieces, 0, all);
  const before = pieces.slice(0, at);
  const rest = pieces.slice(at);
  if (!names.some((name) => types.has(name))) return pieces;
  if (rest.length === 0) return pieces;
  const isFew = rest.length < VALUES_PIECES_MAX || rest.some(({ value }) => value === 'DEFAULT');
  if (isWord(rest, 0, 'VALUES') && isFew) return [...before, ...castRows(rest, names, types)];
  const own = names.map((_, index) => `TG_${index + 1}`);
  const casts = names.flatMap((name, index) => {
    const type = types.get(name);
    return type === undefined ? [] : [`CAST(${own[index]} AS ${type}) AS ${own[index]}`];
  });
  return [
    ...before,
    ...made(`SELECT * REPLACE (${casts.join(', ')}) FROM (`),
    ...rest,
    ...made(`) AS TG_INSERTED (${own.join(', ')})`),
  ];
}

/** The names in brackets at piece `at`, or all columns where none are. */
function columnList(
  pieces: readonly Piece[],
  at: number,
  all: readonly string[],
): { readonly names: readonly string[]; readonly at: number } {
  const isQuery = isWord(pieces, at + 1, 'SELECT') || isWord(pieces, at + 1, 'WITH');
  if (!isSymbol(pieces, at, '(') || isQuery || isSymbol(pieces, at + 1, '('))
    return { names: all, at };
  const close = closing(pieces, at);
  const names = splitAtCommas(pieces, at + 1, close).map(([, to]) => pieces[to - 1]?.value ?? '');
  return { names, at: close + 1 };
}

/** `VALUES (…), (…)`, with what follows. */
function castRows(
  pieces: readonly Piece[],
  names: readonly string[],
  types: Types,
): readonly Piece[] {
  const out: Piece[] = pieces.slice(0, 1);
  let at = 1;
  while (isSymbol(pieces, at, '(')) {
    const close = closing(pieces, at);
    out.push(...pieces.slice(at, at + 1));
    for (const [index, [from, to]] of splitAtCommas(pieces, at + 1, close).entries()) {
      if (index > 0) out.push(...made(','));
      out.push(...cast(pieces.slice(from, to), types.get(names[index] ?? '')));
    }
    out.push(...pieces.slice(close, close + 1));
    at = close + 1;
    if (!isSymbol(pieces, at, ',')) break;
    out.push(...pieces.slice(at, at + 1));
    at += 1;
  }
  return [...out, ...pieces.slice(at)];
}

function cast(value: readonly Piece[], type: string | undefined): readonly Piece[] {
  const isDefault = value.length === 1 && isWord(value, 0, 'DEFAULT');
  if (type === undefined || isDefault || value.length === 0) return value;
  return [...made('CAST(('), ...value, ...made(`) AS ${type})`)];
}

/** The values of SET, and those of a MERGE's INSERT. */
function withSetValues(
  pieces: readonly Piece[],
  all: readonly string[],
  types: Types,
): readonly Piece[] {
  const out: Piece[] = [];
  let isInSet = false;
  for (let at = 0; at < pieces.length; at += 1) {
    const piece = pieces[at];
    if (piece === undefined) break;
    if (isSymbol(pieces, at, '(')) {
      const close = closing(pieces, at);
      out.push(...pieces.slice(at, close + 1));
      at = close;
      continue;
    }
    if (isWord(pieces, at, 'INSERT') && isWord(pieces, at - 1, 'THEN')) {
      const list = columnList(pieces, at + 1, all);
      out.push(...pieces.slice(at, list.at));
      const end = closing(pieces, list.at + 1) + 1;
      out.push(...castRows(pieces.slice(list.at, end), list.names, types));
      at = end - 1;
      continue;
    }
    out.push(piece);
    if (isWord(pieces, at, 'SET')) isInSet = true;
    else if (endsSet(piece)) isInSet = false;
    if (!isInSet || !isSymbol(pieces, at, '=')) continue;
    const end = valueEnd(pieces, at + 1);
    out.push(...cast(pieces.slice(at + 1, end), types.get(pieces[at - 1]?.value ?? '')));
    at = end - 1;
  }
  return out;
}

function endsSet(piece: Piece): boolean {
  return piece.kind === 'word' && ['FROM', 'WHERE', 'WHEN'].includes(piece.value);
}

/** Past the value that begins at `from`: a comma or the next clause. */
function valueEnd(pieces: readonly Piece[], from: number): number {
  let cases = 0;
  for (let at = from; at < pieces.length; at += 1) {
    const piece = pieces[at];
    if (isSymbol(pieces, at, '(') || isSymbol(pieces, at, '[') || isSymbol(pieces, at, '{'))
      at = closing(pieces, at);
    else if (isWord(pieces, at, 'CASE')) cases += 1;
    else if (isWord(pieces, at, 'END')) cases -= 1;
    else if (cases === 0 && piece !== undefined && (piece.value === ',' || endsSet(piece)))
      return at;
  }
  return pieces.length;
}
