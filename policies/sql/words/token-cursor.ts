/** Reads the words of a statement one after the other, for the parts of it that no parser is asked about. */
import { isOperator, KIND, kindAt, nextSignificant, wordAt, type Tokens } from '#base/sql/lexer.js';
import { nameAt, stringValueAt } from '#base/sql/token-values.js';
import { partsOfText } from '../tree/ast.js';

/** The one to three names of an object; none when a variable, bind or expression names it. */
export interface TokenName {
  readonly parts: readonly string[];
  readonly isDynamic: boolean;
}

const DYNAMIC: TokenName = { parts: [], isDynamic: true };

/** A place among the significant tokens of `[from, to)`; every step goes forward. */
export class TokenCursor {
  readonly tokens: Tokens;
  /** One past the last token. */
  readonly to: number;
  /** Token the cursor is at; `to` at the end. */
  at: number;

  constructor(tokens: Tokens, from: number, to: number) {
    this.tokens = tokens;
    this.to = to;
    this.at = nextSignificant(tokens, from, to);
  }

  /** Whether nothing is left. */
  get isAtEnd(): boolean {
    return this.at >= this.to;
  }

  /** The unquoted word here, upper-cased; empty for anything else. */
  word(): string {
    return this.isAtEnd ? '' : wordAt(this.tokens, this.at);
  }

  /** The unquoted word after this token. */
  nextWord(): string {
    const next = nextSignificant(this.tokens, this.at + 1, this.to);
    return next >= this.to ? '' : wordAt(this.tokens, next);
  }

  /** Whether the operator `symbol` is here. */
  is(symbol: string): boolean {
    return !this.isAtEnd && isOperator(this.tokens, this.at, symbol);
  }

  /** Goes to the next token. */
  step(): void {
    this.at = nextSignificant(this.tokens, this.at + 1, this.to);
  }

  /** Steps over the words given, in order, as far as they are there; true when all were. */
  skip(...words: readonly string[]): boolean {
    for (const word of words) {
      if (this.word() !== word) return false;
      this.step();
    }
    return true;
  }

  /** Steps over `(…)` when one begins here; its inside as token range, up to the end when it is never closed. */
  brackets(): { readonly from: number; readonly to: number } | undefined {
    if (!this.is('(')) return undefined;
    this.step();
    const from = this.at;
    let depth = 1;
    while (!this.isAtEnd) {
      if (this.is('(')) depth += 1;
      else if (this.is(')')) depth -= 1;
      const end = this.at;
      this.step();
      if (depth === 0) return { from, to: end };
    }
    return { from, to: this.to };
  }

  /**
   * Reads `a.b.c`, `a..c`, `IDENTIFIER('a.b')`; undefined, without a step, when no name is here. One of more than
   * `partsMax` parts is no name of an object and counts as dynamic.
   */
  name(partsMax: number = 3): TokenName | undefined {
    if (this.isAtEnd) return undefined;
    if (this.word() === 'IDENTIFIER' && this.#isBeforeBracket()) return this.#identifier();
    const kind = kindAt(this.tokens, this.at);
    if (kind === KIND.variable || kind === KIND.bind) {
      this.step();
      return DYNAMIC;
    }
    const parts: string[] = [];
    for (;;) {
      const name = this.isAtEnd ? undefined : nameAt(this.tokens, this.at);
      if (name === undefined) return parts.length === 0 ? undefined : DYNAMIC;
      parts.push(name);
      this.step();
      if (!this.is('.')) return parts.length > partsMax ? DYNAMIC : { parts, isDynamic: false };
      this.step();
      if (this.is('.')) {
        parts.push('');
        this.step();
      }
    }
  }

  #isBeforeBracket(): boolean {
    const next = nextSignificant(this.tokens, this.at + 1, this.to);
    return next < this.to && isOperator(this.tokens, next, '(');
  }

  #identifier(): TokenName {
    this.step();
    const inside = this.brackets();
    if (inside === undefined) return DYNAMIC;
    const text = stringValueAt(this.tokens, inside.from);
    const isWhole = nextSignificant(this.tokens, inside.from + 1, inside.to) >= inside.to;
    const parts = text === undefined || !isWhole ? undefined : partsOfText(text);
    return parts === undefined ? DYNAMIC : { parts, isDynamic: false };
  }
}
