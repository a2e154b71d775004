/**
 * The little reading the server does itself: session commands are recognised by their first words, the engine
 * reads everything else. Comments and blanks are dropped, offsets into the text are kept.
 */

import { KIND, kindAt, lex, significantIndexes, startAt, textAt } from '#base/sql/lexer.js';
import type { Tokens } from '#base/sql/lexer.js';
import { splitStatements } from '#base/sql/splitter.js';
import { nameAt, stringValueAt } from '#base/sql/token-values.js';

/** One word, quoted identifier, string, number or single punctuation character of a statement. */
export interface Token {
  readonly kind: 'word' | 'quoted' | 'string' | 'number' | 'mark';
  /** Words in upper case; identifiers and strings without their quotes; marks as they are. */
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

/** The significant tokens of `sql`; total: any text yields tokens, an open quote reaches to the end. */
export function readTokens(sql: string): readonly Token[] {
  const tokens = lex(sql);
  return significantTokens(tokens, 0, tokens.count);
}

/** The text of every statement of a request, without semicolons; empty ones are dropped. */
export function splitRequest(sql: string): readonly string[] {
  return splitStatements(lex(sql)).map((range) => sql.slice(range.start, range.end));
}

function significantTokens(tokens: Tokens, from: number, to: number): readonly Token[] {
  const list: Token[] = [];
  for (const index of significantIndexes(tokens, from, to)) {
    const raw = textAt(tokens, index);
    const start = startAt(tokens, index);
    list.push({ ...valueAt(tokens, index, raw), start, end: start + raw.length });
  }
  return list;
}

function valueAt(tokens: Tokens, index: number, raw: string): Pick<Token, 'kind' | 'value'> {
  const text = stringValueAt(tokens, index);
  if (text !== undefined) return { kind: 'string', value: text };
  const name = nameAt(tokens, index);
  if (name !== undefined)
    return { kind: kindAt(tokens, index) === KIND.word ? 'word' : 'quoted', value: name };
  return { kind: kindAt(tokens, index) === KIND.number ? 'number' : 'mark', value: raw };
}

/** How many binds a statement asks for: `?` marks, or the highest `:n`. */
export function countBinds(tokens: readonly Token[]): number {
  let marks = 0;
  let highest = 0;
  for (const token of tokens) {
    if (token.kind !== 'mark') continue;
    if (token.value === '?') marks += 1;
    else if (/^:\d+$/.test(token.value)) highest = Math.max(highest, Number(token.value.slice(1)));
  }
  return Math.max(marks, highest);
}

/** Walks over the tokens of one statement; every method consumes only what it recognises. */
export class TokenReader {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  /** The next token, not consumed. */
  peek(): Token | undefined {
    return this.#tokens[this.#at];
  }

  /** The next token, consumed. */
  next(): Token | undefined {
    const token = this.#tokens[this.#at];
    if (token !== undefined) this.#at += 1;
    return token;
  }

  /** Consumes the words (or marks) in order; false and nothing consumed unless all are there. */
  accept(...values: readonly string[]): boolean {
    const fits = values.every((value, index) => {
      const token = this.#tokens[this.#at + index];
      return (
        token !== undefined &&
        (token.kind === 'word' || token.kind === 'mark') &&
        token.value === value
      );
    });
    if (fits) this.#at += values.length;
    return fits;
  }

  /** Consumes whichever of the words comes next and returns it. */
  acceptOne(...values: readonly string[]): string | undefined {
    return values.find((value) => this.accept(value));
  }

  /** Consumes `a`, `a.b` or `a.b.c`; identifiers unquoted in upper case. Undefined when no name follows. */
  acceptName(): readonly string[] | undefined {
    const parts: string[] = [];
    for (;;) {
      const token = this.peek();
      if (token === undefined || (token.kind !== 'word' && token.kind !== 'quoted')) break;
      this.next();
      parts.push(token.value);
      if (!this.accept('.')) break;
    }
    return parts.length === 0 ? undefined : parts;
  }

  get atEnd(): boolean {
    return this.#at >= this.#tokens.length;
  }
}
