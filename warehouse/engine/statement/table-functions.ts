/** Table functions: GENERATOR, FLATTEN, RESULT_SCAN and those of INFORMATION_SCHEMA, as DuckDB text in place of the call. */
import { StatementFailed, unsupported } from '../failures.js';
import type { StatementRequest } from '../process/messages.js';
import { closing, isWord, quoteName, raw, splitAtCommas, type Piece } from '../sql/pieces.js';
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
    return { pieces: informationFunction(name, pieces, open + 1, close), to: close + 1 };
  throw new StatementFailed(unsupported(`table function ${name}`));
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
