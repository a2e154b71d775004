/** Queries of the session by number: `LAST_QUERY_ID(-2)` and `RESULT_SCAN(-2)` (Snowflake, "LAST_QUERY_ID"). */
import { StatementFailed, unsupported } from '../failures.js';
import { isSymbol, type Piece } from './pieces.js';
import { quoteText } from '#base/sql/token-values.js';

/** Ids that the session keeps, newest last; the first of a session with so many may be gone. */
const KEPT = 100;

/** The literal that stands for `dropped` pieces after the first `kept` ones. */
export interface NumberedQuery {
  readonly kept: number;
  readonly literal: string;
  readonly dropped: number;
}

/**
 * The query that the call at `index` numbers; undefined for every other piece. Throws StatementFailed (`000002`) where
 * the first queries of a long session are meant.
 */
export function numberedQuery(
  pieces: readonly Piece[],
  index: number,
  context: Readonly<Record<string, string | null>>,
): NumberedQuery | undefined {
  const name = pieces[index]?.value;
  if ((name !== 'LAST_QUERY_ID' && name !== 'RESULT_SCAN') || !isSymbol(pieces, index + 1, '('))
    return undefined;
  const isNegative = isSymbol(pieces, index + 2, '-');
  const at = index + (isNegative ? 3 : 2);
  const number = pieces[at];
  if (number === undefined || !/^\d+$/.test(number.text) || !isSymbol(pieces, at + 1, ')'))
    return undefined;
  const id = idAt(Number(number.text) * (isNegative ? -1 : 1), context);
  const literal = id === undefined ? 'NULL' : quoteText(id);
  return name === 'LAST_QUERY_ID'
    ? { kept: 0, literal, dropped: at + 2 - index }
    : { kept: 2, literal, dropped: at + 1 - index - 2 };
}

/** Ids that a text names by number, so that their results can be at hand. */
export function numberedIds(
  sql: string,
  context: Readonly<Record<string, string | null>>,
): readonly string[] {
  const found = sql.matchAll(/(?:LAST_QUERY_ID|RESULT_SCAN)\s*\(\s*((?:-\s*)?\d+)\s*\)/gi);
  return [...found].flatMap(([, index = '']) => {
    const ids = idsOf(context);
    return ids.at(position(Number(index.replaceAll(/\s/g, '')))) ?? [];
  });
}

function idAt(index: number, context: Readonly<Record<string, string | null>>): string | undefined {
  const ids = idsOf(context);
  if (index > 0 && ids.length >= KEPT)
    throw new StatementFailed(unsupported('the first queries of a long session by number'));
  return index === 0 ? undefined : ids.at(position(index));
}

/** Counted from the first as 1, from the last as -1. */
function position(index: number): number {
  return index > 0 ? index - 1 : index;
}

function idsOf(context: Readonly<Record<string, string | null>>): readonly string[] {
  const ids: unknown = JSON.parse(context['LAST_QUERY_IDS'] ?? '[]');
  return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : [];
}
