/**
 * The history functions of INFORMATION_SCHEMA, as a provided table in place of the call. Sources: Snowflake,
 * "QUERY_HISTORY, QUERY_HISTORY_BY_*", "WAREHOUSE_METERING_HISTORY" and "WAREHOUSE_LOAD_HISTORY" (table functions).
 */
import { StatementFailed, unsupported } from '../failures.js';
import { isSymbol, isWord, quoteName, raw, splitAtCommas, type Piece } from '../sql/pieces.js';

/** Rows that a call without RESULT_LIMIT has, and the most that one may ask for. */
const RESULT_LIMIT_DEFAULT = 100;
const RESULT_LIMIT_MAX = 10_000;

/** Columns by the argument that picks a value of theirs. */
const PICKS = {
  SESSION_ID: 'SESSION_ID',
  USER_NAME: 'USER_NAME',
  WAREHOUSE_NAME: 'WAREHOUSE_NAME',
} as const;
const QUERY_ARGUMENTS = [
  'RESULT_LIMIT',
  'END_TIME_RANGE_START',
  'END_TIME_RANGE_END',
  ...Object.keys(PICKS),
];
/** In the order in which they may come without names. */
const WAREHOUSE_ARGUMENTS = ['DATE_RANGE_START', 'DATE_RANGE_END', 'WAREHOUSE_NAME'];

type Range = readonly [from: number, to: number];

/** The value of `NAME => value` among the arguments in `pieces` from `from` to before `to`. */
export function named(
  pieces: readonly Piece[],
  from: number,
  to: number,
  name: string,
): Range | undefined {
  const found = splitAtCommas(pieces, from, to).find(
    ([start]) => isWord(pieces, start, name) && isSymbol(pieces, start + 1, '=>'),
  );
  return found === undefined ? undefined : [found[0] + 2, found[1]];
}

/**
 * The provided table of function `name` with the conditions of its arguments, which are `pieces` from `from` to before
 * `to`. Of the query history: of more statements than RESULT_LIMIT those that ended last or still run; a range that has
 * an end leaves out what still runs. Throws StatementFailed for other arguments.
 */
export function informationFunction(
  name: string,
  pieces: readonly Piece[],
  from: number,
  to: number,
): readonly Piece[] {
  if (pieces.slice(from, to).some(({ value }) => value === 'SELECT'))
    throw new StatementFailed(unsupported(`these arguments of ${name}`));
  return name.startsWith('WAREHOUSE_')
    ? warehouseHistory(name, pieces, from, to)
    : queryHistory(name, pieces, from, to);
}

function queryHistory(
  name: string,
  pieces: readonly Piece[],
  from: number,
  to: number,
): readonly Piece[] {
  const args = argumentsOf(name, pieces, from, to, QUERY_ARGUMENTS, 0);
  const at = pieces[from - 2];
  const start = args.get('END_TIME_RANGE_START');
  const end = args.get('END_TIME_RANGE_END');
  const limit = args.get('RESULT_LIMIT');
  const conditions = [raw(`(SELECT * FROM ${tableOf(name)} WHERE TRUE`, at)];
  if (start !== undefined)
    conditions.push(
      raw('AND (END_TIME IS NULL OR END_TIME >=', at),
      ...instant(pieces, start, at),
      raw(')', at),
    );
  if (end !== undefined) conditions.push(raw('AND END_TIME <=', at), ...instant(pieces, end, at));
  for (const [argument, column] of Object.entries(PICKS)) {
    const value = args.get(argument);
    if (value !== undefined)
      conditions.push(raw(`AND ${column} =`, at), literal(name, pieces, value));
  }
  const rows = limit === undefined ? RESULT_LIMIT_DEFAULT : resultLimit(pieces, limit);
  return [...conditions, raw(`ORDER BY END_TIME DESC NULLS FIRST LIMIT ${rows})`, at)];
}

function warehouseHistory(
  name: string,
  pieces: readonly Piece[],
  from: number,
  to: number,
): readonly Piece[] {
  const args = argumentsOf(name, pieces, from, to, WAREHOUSE_ARGUMENTS, WAREHOUSE_ARGUMENTS.length);
  const at = pieces[from - 2];
  const start = args.get('DATE_RANGE_START');
  const end = args.get('DATE_RANGE_END');
  const warehouse = args.get('WAREHOUSE_NAME');
  const conditions = [raw(`(SELECT * FROM ${tableOf(name)} WHERE TRUE`, at)];
  if (start !== undefined)
    conditions.push(raw('AND START_TIME >=', at), ...instant(pieces, start, at));
  if (end !== undefined) conditions.push(raw('AND START_TIME <', at), ...instant(pieces, end, at));
  if (warehouse !== undefined)
    conditions.push(raw('AND WAREHOUSE_NAME =', at), literal(name, pieces, warehouse));
  return [...conditions, raw(')', at)];
}

/** Arguments by name; the first `positional` of `known` may come without theirs. */
function argumentsOf(
  name: string,
  pieces: readonly Piece[],
  from: number,
  to: number,
  known: readonly string[],
  positional: number,
): ReadonlyMap<string, Range> {
  const found = new Map<string, Range>();
  const refuse = (): never => {
    throw new StatementFailed(unsupported(`these arguments of ${name}`));
  };
  splitAtCommas(pieces, from, to).forEach(([start, end], index) => {
    const isNamed = isSymbol(pieces, start + 1, '=>');
    const argument = isNamed ? pieces[start]?.value : known.slice(0, positional)[index];
    if (argument === undefined || !known.includes(argument) || found.has(argument)) return refuse();
    found.set(argument, isNamed ? [start + 2, end] : [start, end]);
  });
  return found;
}

function tableOf(name: string): string {
  return `"SNOWFLAKE.TABLE_FUNCTIONS".${quoteName(name)}`;
}

function instant(pieces: readonly Piece[], range: Range, at: Piece | undefined): readonly Piece[] {
  return [raw('CAST((', at), ...pieces.slice(...range), raw(') AS TIMESTAMPTZ)', undefined)];
}

/** A number or a string, and nothing that would have to be computed. */
function literal(name: string, pieces: readonly Piece[], [from, to]: Range): Piece {
  const piece = pieces[from];
  if (to - from !== 1 || piece === undefined || !/^(\d+|'.*')$/s.test(piece.text))
    throw new StatementFailed(unsupported(`these arguments of ${name}`));
  return piece;
}

function resultLimit(pieces: readonly Piece[], [from, to]: Range): number {
  const count = to - from === 1 ? Number(pieces[from]?.value) : Number.NaN;
  if (!Number.isSafeInteger(count) || count < 1 || count > RESULT_LIMIT_MAX)
    throw new StatementFailed(unsupported('this RESULT_LIMIT'));
  return count;
}
