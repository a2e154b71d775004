/**
 * Statements that are a shell of keywords around names and queries: definitions of tables and views, COPY, TRUNCATE.
 * The shell is read from the words, in every variant that Snowflake has, and only the queries inside go to the parser,
 * which understands far more queries than definitions.
 */
import { isOperator, KIND, kindAt, nextSignificant, type Tokens } from '#base/sql/lexer.js';
import type { StatementRange } from '#base/sql/splitter.js';
import type { Area } from '../facts.js';
import type { TokenCursor, TokenName } from './token-cursor.js';

/** A database or schema that a shell names as a whole. */
export interface NamedArea {
  readonly name: TokenName;
  readonly kind: 'database' | 'schema';
  readonly action: Area['action'];
}

/** What a shell says by itself, and where the statements inside it stand. */
export interface StatementShell {
  readonly read: readonly TokenName[];
  readonly written: readonly TokenName[];
  readonly areas: readonly NamedArea[];
  /** Tables of an area are touched, and which ones are in it nobody can tell. */
  readonly hasUnlistedTables: boolean;
  /** Columns that the shell names, per table of `written`. */
  readonly columns: readonly { readonly table: TokenName; readonly columns: readonly string[] }[];
  /** Tables of `read` of which every column is touched. */
  readonly whole: readonly TokenName[];
  /** Columns of tables are touched, and which ones nobody can tell. */
  readonly hasUnknownColumns: boolean;
  /** Queries and statements inside, in order. */
  readonly inner: readonly StatementRange[];
}

/** A shell under construction. */
export class ShellReading {
  readonly read: TokenName[] = [];
  readonly written: TokenName[] = [];
  readonly areas: NamedArea[] = [];
  readonly columns: { table: TokenName; columns: readonly string[] }[] = [];
  readonly whole: TokenName[] = [];
  readonly inner: StatementRange[] = [];
  hasUnknownColumns = false;
  hasUnlistedTables = false;
  readonly #range: StatementRange;

  constructor(range: StatementRange) {
    this.#range = range;
  }

  /** Notes the statement of tokens `[from, to)`; empty ones are dropped. */
  innerAt(tokens: Tokens, from: number, to: number): void {
    const inner = partOf(tokens, this.#range, from, to);
    if (inner !== undefined) this.inner.push(inner);
  }
}

/** The statement of tokens `[from, to)` of the one in `range`; undefined when there is none. */
export function partOf(
  tokens: Tokens,
  range: StatementRange,
  from: number,
  to: number,
): StatementRange | undefined {
  const head = nextSignificant(tokens, from, to);
  if (head >= to) return undefined;
  let end = to;
  while (end > head && kindAt(tokens, end - 1) <= KIND.comment) end -= 1;
  return {
    ...range,
    from: head,
    head,
    to: end,
    start: tokens.starts[head] ?? range.end,
    end: tokens.starts[end] ?? range.end,
    hasBlock: false,
    hasFlow: holdsFlow(tokens, head, end),
  };
}

function holdsFlow(tokens: Tokens, from: number, to: number): boolean {
  let depth = 0;
  for (let at = from; at < to; at += 1) {
    if (isOperator(tokens, at, '(')) depth += 1;
    else if (isOperator(tokens, at, ')')) depth -= 1;
    else if (depth === 0 && isOperator(tokens, at, '->>')) return true;
  }
  return false;
}

/** Steps over IF [NOT] EXISTS. */
export function skipExists(cursor: TokenCursor): void {
  if (cursor.word() !== 'IF') return;
  cursor.step();
  cursor.skip('NOT');
  cursor.skip('EXISTS');
}

/** Notes one name, or several with commas between. */
export function noteNames(cursor: TokenCursor, list: TokenName[]): void {
  do {
    const name = cursor.name();
    if (name === undefined) return;
    list.push(name);
  } while (cursor.is(',') && (cursor.step(), true));
}
