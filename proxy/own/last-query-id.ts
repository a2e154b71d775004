/**
 * Where a text counts the queries of its session: `LAST_QUERY_ID(…)`, and `RESULT_SCAN(-2)` by number. Such a count
 * must not see statements of ours, so it is replaced by the id that the client would have got (Snowflake,
 * "LAST_QUERY_ID", "RESULT_SCAN").
 */
import {
  isOperator,
  KIND,
  kindAt,
  lex,
  significantIndexes,
  startAt,
  textAt,
  wordAt,
} from '#base/sql/lexer.js';
import type { Tokens } from '#base/sql/lexer.js';
import { splitStatements } from '#base/sql/splitter.js';
import type { StatementRange } from '#base/sql/splitter.js';
import { classifyStatement } from '#base/sql/statement-class.js';

export interface QueryCount {
  /** What is replaced. */
  readonly start: number;
  readonly end: number;
  /** -1: the latest query, -2 the one before; 1: the first of the session. */
  readonly index: number;
  /** The name that Snowflake gives the column, where the call alone is one. */
  readonly columnName: string | null;
}

export type QueryCounts =
  | { readonly kind: 'counts'; readonly counts: readonly QueryCount[] }
  /** The text counts in a way that cannot be replaced. */
  | { readonly kind: 'unclear' };

const WORDS = /last_query_id|result_scan/i;
const NONE: QueryCounts = { kind: 'counts', counts: [] };
const UNCLEAR: QueryCounts = { kind: 'unclear' };

/** Whether a text may read earlier results of its session. */
export function mayCountQueries(sqlText: string): boolean {
  return WORDS.test(sqlText);
}

/**
 * The counts of a text that reach back before it. Total. In a scripting block and in the later statements of a text
 * they are about the statements before them there, which are the client's own.
 */
export function queryCounts(sqlText: string): QueryCounts {
  if (!mayCountQueries(sqlText)) return NONE;
  const tokens = lex(sqlText);
  const counts: QueryCount[] = [];
  for (const [place, range] of splitStatements(tokens).entries()) {
    const found = countsOf(tokens, range);
    if (found === undefined) return UNCLEAR;
    for (const count of found) {
      if (place === 0) counts.push(count);
      else if (count.index > 0 || -count.index > place) return UNCLEAR;
    }
  }
  return { kind: 'counts', counts };
}

/** Of one statement; undefined where one cannot be replaced. */
function countsOf(tokens: Tokens, range: StatementRange): readonly QueryCount[] | undefined {
  const head = classifyStatement(tokens, range);
  if (head.verb === 'EXECUTE') return hidesCount(tokens, range) ? undefined : [];
  // A definition is read when it is used, not now.
  const isDefinition = head.verb === 'CREATE' && head.object !== 'TABLE';
  if (range.hasBlock || isDefinition) return [];
  const at = significantIndexes(tokens, range.head, range.to);
  const found: QueryCount[] = [];
  const lists = new ColumnLists();
  for (let place = 0; place < at.length; place += 1) {
    const count = countAt(tokens, at, place, lists.isOpen);
    lists.pass(tokens, at[place] ?? tokens.count);
    if (count === undefined) return undefined;
    if (count !== null) found.push(count);
  }
  return found.length > 0 && range.hasFlow ? undefined : found;
}

/** `EXECUTE IMMEDIATE` of a text that counts. */
function hidesCount(tokens: Tokens, range: StatementRange): boolean {
  for (let at = range.head; at < range.to; at += 1) if (WORDS.test(textAt(tokens, at))) return true;
  return false;
}

/** The count at a place; null: none there; undefined: one with an argument that is no number. */
function countAt(
  tokens: Tokens,
  at: readonly number[],
  place: number,
  isInColumns: boolean,
): QueryCount | null | undefined {
  const token = (offset: number): number => at[place + offset] ?? tokens.count;
  const word = wordAt(tokens, token(0));
  if (word !== 'LAST_QUERY_ID' && word !== 'RESULT_SCAN') return null;
  const isQualified = place > 0 && isOperator(tokens, token(-1), '.');
  if (isQualified || !isOperator(tokens, token(1), '(')) return null;
  const isCall = word === 'LAST_QUERY_ID';
  if (isCall && isOperator(tokens, token(2), ')'))
    return call(tokens, at, place, isInColumns, 2, -1);
  const isNegative = isOperator(tokens, token(2), '-');
  const numberAt = isNegative ? 3 : 2;
  const index = Number(textAt(tokens, token(numberAt))) * (isNegative ? -1 : 1);
  const isNumber = kindAt(tokens, token(numberAt)) === KIND.number && Number.isSafeInteger(index);
  if (!isNumber || !isOperator(tokens, token(numberAt + 1), ')')) return isCall ? undefined : null;
  if (index === 0) return null;
  if (isCall) return call(tokens, at, place, isInColumns, numberAt + 1, index);
  return {
    start: startAt(tokens, token(2)),
    end: startAt(tokens, token(numberAt) + 1),
    index,
    columnName: null,
  };
}

/** The call from `place` to the bracket `length` tokens on. */
function call(
  tokens: Tokens,
  at: readonly number[],
  place: number,
  isInColumns: boolean,
  length: number,
  index: number,
): QueryCount {
  const start = startAt(tokens, at[place] ?? 0);
  const end = startAt(tokens, (at[place + length] ?? tokens.count) + 1);
  const isColumn = isWholeColumn(tokens, at, place, isInColumns, place + length + 1);
  return {
    start,
    end,
    index,
    columnName: isColumn ? tokens.text.slice(start, end).toUpperCase() : null,
  };
}

const BEFORE_COLUMN: ReadonlySet<string> = new Set(['SELECT', 'DISTINCT', 'ALL']);
const AFTER_COLUMN: ReadonlySet<string> = new Set(
  'FROM WHERE UNION INTERSECT EXCEPT MINUS ORDER LIMIT'.split(' '),
);

/** Whether what stands from `place` to `next` is a column of a SELECT by itself, without a name of its own. */
function isWholeColumn(
  tokens: Tokens,
  at: readonly number[],
  place: number,
  isInColumns: boolean,
  next: number,
): boolean {
  const after = at[next] ?? tokens.count;
  const isEnd =
    next >= at.length ||
    isOperator(tokens, after, ',') ||
    isOperator(tokens, after, ')') ||
    AFTER_COLUMN.has(wordAt(tokens, after));
  if (!isEnd) return false;
  const before = at[place - 1] ?? tokens.count;
  if (BEFORE_COLUMN.has(wordAt(tokens, before))) return true;
  return isOperator(tokens, before, ',') && isInColumns;
}

/** Whether a list of columns is open: SELECT stood last, and no word that ends its list, within the same bracket. */
class ColumnLists {
  /** Of every bracket that is open, outermost first; the first is the statement itself. */
  #isOpen = [false];

  get isOpen(): boolean {
    return this.#isOpen.at(-1) === true;
  }

  pass(tokens: Tokens, index: number): void {
    if (isOperator(tokens, index, '(')) this.#isOpen.push(false);
    else if (isOperator(tokens, index, ')')) {
      // One that closes nothing: what stood before it is in no bracket that is known.
      if (this.#isOpen.length === 1) this.#isOpen = [false];
      else this.#isOpen.pop();
    } else {
      const word = wordAt(tokens, index);
      const last = this.#isOpen.length - 1;
      if (word === 'SELECT') this.#isOpen[last] = true;
      else if (AFTER_COLUMN.has(word) || word === 'BY') this.#isOpen[last] = false;
    }
  }
}
