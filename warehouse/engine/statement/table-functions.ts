/** Table functions: GENERATOR, FLATTEN, RESULT_SCAN and those of INFORMATION_SCHEMA, as DuckDB text in place of the call. */
import { StatementFailed, unsupported } from '../failures.js';
import type { StatementRequest } from '../process/messages.js';
import { GENERATED } from '../sql/functions/aggregates.js';
import { closing, isSymbol, quoteName, raw, splitAtCommas, type Piece } from '../sql/pieces.js';
import type { TableMention } from '../sql/table-names.js';
import { informationFunction, named } from './information-functions.js';

export interface Replacement {
  readonly pieces: readonly Piece[];
  /** The piece after the call. */
  readonly to: number;
}

/** Table that holds an earlier result while a statement reads it. */
export function resultTable(queryId: string): string {
  return `result ${queryId}`;
}

/** What stands for the call at `mention`; throws StatementFailed for functions that are not known. */
export function tableFunction(
  mention: TableMention,
  pieces: readonly Piece[],
  request: StatementRequest,
): Replacement {
  const open = mention.to;
  const close = closing(pieces, open);
  const at = pieces[mention.from];
  const name = mention.parts.at(-1) ?? '';
  const text = (sql: string): Replacement => ({ pieces: [raw(sql, at)], to: close + 1 });
  switch (name) {
    case 'GENERATOR':
      return text(generator(pieces, open + 1, close));
    case 'RESULT_SCAN': {
      const id = pieces[open + 1]?.value.replaceAll("'", '') ?? '';
      if (request.results[id] === undefined)
        throw new StatementFailed(unsupported(`RESULT_SCAN of statement ${id}`));
      return text(`temp.main.${quoteName(resultTable(id))}`);
    }
    case 'FLATTEN':
      return { pieces: flatten(pieces, open + 1, close), to: close + 1 };
    case 'SPLIT_TO_TABLE':
    case 'STRTOK_SPLIT_TO_TABLE':
      return { pieces: splitToTable(name, pieces, open + 1, close), to: close + 1 };
  }
  if (mention.parts.at(-2) === 'INFORMATION_SCHEMA')
    return { pieces: informationFunction(name, pieces, open + 1, close), to: close + 1 };
  throw new StatementFailed(unsupported(`table function ${name}`));
}

function generator(pieces: readonly Piece[], from: number, to: number): string {
  const rows = named(pieces, from, to, 'ROWCOUNT');
  const count = rows === undefined ? undefined : Number(pieces[rows[0]]?.value);
  if (count === undefined || !Number.isSafeInteger(count) || count < 0 || count > 1e9)
    throw new StatementFailed(unsupported('GENERATOR without a constant ROWCOUNT'));
  return `${GENERATED} FROM RANGE(${count}))`;
}

const FLATTEN_ARGUMENTS = ['INPUT', 'PATH', 'OUTER', 'RECURSIVE', 'MODE'] as const;

/** FLATTEN with its constant arguments in order; all but the input have defaults. */
function flatten(pieces: readonly Piece[], from: number, to: number): readonly Piece[] {
  const args = splitAtCommas(pieces, from, to);
  const found = FLATTEN_ARGUMENTS.map((name) => named(pieces, from, to, name));
  const [only] = args;
  const input = found[0] ?? (args.length === 1 ? only : undefined);
  const known = found.filter((one) => one !== undefined).length;
  if (input === undefined || (known !== args.length && args.length !== 1))
    throw new StatementFailed(unsupported('FLATTEN with these arguments'));
  const texts = found
    .slice(1)
    .map((range, index) => constant(pieces, range, FLATTEN_DEFAULTS[index]));
  refuseSequence(pieces, input);
  return [
    raw('TG_FLATTEN(', pieces[from - 2]),
    ...pieces.slice(input[0], input[1]),
    raw(`, ${texts.join(', ')})`, undefined),
  ];
}

/** PATH, OUTER, RECURSIVE and MODE. */
const FLATTEN_DEFAULTS: readonly string[] = ["''", 'FALSE', 'FALSE', "'BOTH'"];

function constant(
  pieces: readonly Piece[],
  range: readonly [number, number] | undefined,
  otherwise: string | undefined,
): string {
  if (range === undefined) return otherwise ?? 'NULL';
  const piece = range[1] - range[0] === 1 ? pieces[range[0]] : undefined;
  const isConstant =
    piece?.kind === 'string' || piece?.value === 'TRUE' || piece?.value === 'FALSE';
  if (!isConstant) throw new StatementFailed(unsupported('FLATTEN with options that vary'));
  return piece.text;
}

/** SEQ numbers the rows of the input; it is known only where the input is one value. */
function refuseSequence(pieces: readonly Piece[], [from, to]: readonly [number, number]): void {
  const hasColumns = pieces
    .slice(from, to)
    .some(
      ({ kind }, at) =>
        (kind === 'word' || kind === 'quoted') && !isSymbol(pieces, from + at + 1, '('),
    );
  if (hasColumns && pieces.some(({ kind, value }) => kind === 'word' && value === 'SEQ'))
    throw new StatementFailed(unsupported('SEQ of rows that are made from columns'));
}

function splitToTable(
  name: string,
  pieces: readonly Piece[],
  from: number,
  to: number,
): readonly Piece[] {
  const [text, delimiter, ...more] = splitAtCommas(pieces, from, to);
  if (text === undefined || more.length > 0)
    throw new StatementFailed(unsupported(`${name} with these arguments`));
  if (delimiter === undefined && name === 'SPLIT_TO_TABLE')
    throw new StatementFailed(unsupported('SPLIT_TO_TABLE without a delimiter'));
  refuseSequence(pieces, text);
  return [
    raw(`TG_${name}(`, pieces[from - 2]),
    ...pieces.slice(...text),
    raw(',', undefined),
    ...(delimiter === undefined ? [raw("' '", undefined)] : pieces.slice(...delimiter)),
    raw(')', undefined),
  ];
}
