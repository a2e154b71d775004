/** Table functions: GENERATOR, FLATTEN, RESULT_SCAN and those of INFORMATION_SCHEMA, as DuckDB text in place of the call. */
import { StatementFailed, unsupported } from '../failures.js';
import type { StatementRequest } from '../process/messages.js';
import {
  closing,
  isSymbol,
  isWord,
  quoteName,
  raw,
  splitAtCommas,
  type Piece,
} from '../sql/pieces.js';
import type { TableMention } from '../sql/table-names.js';

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
      return {
        pieces: [
          raw('TG_FLATTEN(', at),
          ...flattenInput(pieces, open + 1, close),
          raw(')', undefined),
        ],
        to: close + 1,
      };
  }
  if (mention.parts.at(-2) === 'INFORMATION_SCHEMA')
    return { pieces: provided(name, pieces, open + 1, close), to: close + 1 };
  throw new StatementFailed(unsupported(`table function ${name}`));
}

/** The value of `NAME => value` among the arguments. */
function named(
  pieces: readonly Piece[],
  from: number,
  to: number,
  name: string,
): readonly [number, number] | undefined {
  const found = splitAtCommas(pieces, from, to).find(
    ([start]) => isWord(pieces, start, name) && isSymbol(pieces, start + 1, '=>'),
  );
  return found === undefined ? undefined : [found[0] + 2, found[1]];
}

function generator(pieces: readonly Piece[], from: number, to: number): string {
  const rows = named(pieces, from, to, 'ROWCOUNT');
  const count = rows === undefined ? undefined : Number(pieces[rows[0]]?.value);
  if (count === undefined || !Number.isSafeInteger(count) || count < 0 || count > 1e9)
    throw new StatementFailed(unsupported('GENERATOR without a constant ROWCOUNT'));
  return `(SELECT 1 AS GENERATED FROM RANGE(${count}))`;
}

function flattenInput(pieces: readonly Piece[], from: number, to: number): readonly Piece[] {
  const args = splitAtCommas(pieces, from, to);
  const input = named(pieces, from, to, 'INPUT') ?? (args.length === 1 ? args[0] : undefined);
  const isPlain = args.every(
    ([start, end]) =>
      input?.[0] === start ||
      input?.[0] === start + 2 ||
      (['OUTER', 'RECURSIVE'].includes(pieces[start]?.value ?? '') &&
        isWord(pieces, end - 1, 'FALSE')),
  );
  if (input === undefined || !isPlain)
    throw new StatementFailed(unsupported('FLATTEN with these options'));
  return pieces.slice(input[0], input[1]);
}

const HISTORY_ARGUMENTS = ['RESULT_LIMIT', 'END_TIME_RANGE_START', 'END_TIME_RANGE_END'] as const;

/**
 * A provided table in place of a function. Arguments of the query history as Snowflake has them ("QUERY_HISTORY,
 * QUERY_HISTORY_BY_*"): of more statements than the limit those that ended last or still run; a range that has an end
 * leaves out what still runs. Other arguments are refused.
 */
function provided(
  name: string,
  pieces: readonly Piece[],
  from: number,
  to: number,
): readonly Piece[] {
  const args = splitAtCommas(pieces, from, to);
  const [limit, start, end] = HISTORY_ARGUMENTS.map((wanted) => named(pieces, from, to, wanted));
  const isKnown = [limit, start, end].filter((one) => one !== undefined).length === args.length;
  const isConstant = !pieces.slice(from, to).some(({ value }) => value === 'SELECT');
  if (!isKnown || !isConstant) throw new StatementFailed(unsupported(`these arguments of ${name}`));
  const at = pieces[from - 2];
  const table = `"SNOWFLAKE.TABLE_FUNCTIONS".${quoteName(name)}`;
  if (args.length === 0) return [raw(table, at)];
  const instant = (range: readonly [number, number]): readonly Piece[] => [
    raw('CAST((', at),
    ...pieces.slice(...range),
    raw(') AS TIMESTAMPTZ)', undefined),
  ];
  const conditions = [raw(`(SELECT * FROM ${table} WHERE TRUE`, at)];
  if (start !== undefined)
    conditions.push(
      raw('AND (END_TIME IS NULL OR END_TIME >=', at),
      ...instant(start),
      raw(')', at),
    );
  if (end !== undefined) conditions.push(raw('AND END_TIME <=', at), ...instant(end));
  const rows = limit === undefined ? '' : ` LIMIT ${resultLimit(pieces, limit)}`;
  return [...conditions, raw(`ORDER BY END_TIME DESC NULLS FIRST${rows})`, at)];
}

function resultLimit(pieces: readonly Piece[], [from, to]: readonly [number, number]): number {
  const count = to - from === 1 ? Number(pieces[from]?.value) : Number.NaN;
  if (!Number.isSafeInteger(count) || count < 1)
    throw new StatementFailed(unsupported('this RESULT_LIMIT'));
  return count;
}
